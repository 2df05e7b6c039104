import MQTTSession
import MQTTWire
package import SluiceCore

/// Brings sessions, wills and share groups back from the stream `__sessions`.
///
/// Records of the first version of the stream had the plain client identifier as key; they are understood, and
/// `hasLegacyRecords` asks for the stream to be written anew, since compaction would keep only the last of each.
package struct SessionReplay {
    private var sessions: [[UInt8]: StoredSession] = [:]
    private var wills: [[UInt8]: StoredWill] = [:]
    private var groups: [[UInt8]: StoredShareGroup] = [:]
    private var unreleased: [[UInt8]: Set<UInt16>] = [:]
    private var subscriptions: [[UInt8]: StoredSubscriptions] = [:]
    private var legacy = LegacySessionReplay()
    private let streams: StreamTable
    /// Whether a record of the first version was seen.
    package private(set) var hasLegacyRecords = false
    /// Records that could not be understood.
    package private(set) var damagedCount = 0

    /// A replay at the stream's oldest record, in a log with these streams.
    package init(_ streams: StreamTable) { self.streams = streams }

    /// The stream's name.
    package static let stream = StateRecord.stream

    /// Takes the next record; nil is a record without value.
    package mutating func apply(key: [UInt8], value: Span<UInt8>?) {
        if key.first != 0 {
            guard let value, let record = LegacySessionRecord(value) else { return }
            hasLegacyRecords = true
            return legacy.apply(record, to: key)
        }
        guard let parts = StateRecord.parse(key: key) else {
            damagedCount += 1
            return
        }
        guard let value else { return remove(parts) }
        guard let record = StateRecord(parts, value, streams) else {
            damagedCount += 1
            return
        }
        apply(record, parts.clientID, parts.packetID)
    }

    private mutating func apply(_ record: StateRecord, _ clientID: [UInt8], _ id: PacketID) {
        switch record {
        case .session(let session):
            // What progress has told before stays: both are written together, and progress alone more often.
            var merged = sessions[clientID] ?? session
            merged.expirySeconds = session.expirySeconds
            merged.disconnectedAt = session.disconnectedAt
            merged.owner = session.owner
            merged.hasSubscriptionsInside = session.hasSubscriptionsInside
            if session.hasSubscriptionsInside {
                subscriptions[clientID] = StoredSubscriptions(session.subscriptions)
            }
            sessions[clientID] = merged
        // Compaction leaves a session's newest record behind older ones of its filters.
        case .subscription(let subscription): subscriptions[clientID, default: StoredSubscriptions()].put(subscription)
        case .progress(let progress):
            var merged = sessions[clientID] ?? StoredSession(expirySeconds: 0)
            merged.positions = progress.positions
            merged.assuredEnds = progress.assuredEnds
            merged.inflight = progress.inflight
            merged.feeds = progress.feeds
            // Where its replays stand, until the end tells which of them there are.
            merged.subscriptions = progress.subscriptions
            sessions[clientID] = merged
        case .received: unreleased[clientID, default: []].insert(id.rawValue)
        case .delivery(let step): sessions[clientID]?.apply(step)
        case .will(let will): wills[clientID] = will
        case .group(let group): groups[clientID] = group
        }
    }

    private mutating func remove(_ key: StateRecord.Key) {
        switch key.kind {
        case .session:
            sessions[key.clientID] = nil
            subscriptions[key.clientID] = nil
        case .filter: subscriptions[key.clientID]?.remove(key.filter)
        case .inbound: unreleased[key.clientID]?.remove(key.packetID.rawValue)
        case .will: wills[key.clientID] = nil
        case .group: groups[key.clientID] = nil
        // The progress that came with it says more.
        case .progress, .outbound: break
        }
    }

    /// The directory at the stream's end.
    /// - Parameters:
    ///   - now: the monotonic clock's nanoseconds.
    ///   - wallClock: the wall's time.
    package consuming func finish(now: Int64, wallClock: Timestamp) -> SessionDirectory {
        for (clientID, ids) in legacy.unreleased where !ids.isEmpty {
            if sessions[clientID] == nil {
                sessions[clientID] = StoredSession(expirySeconds: ConnectRequest.sessionNeverExpires)
            }
            unreleased[clientID, default: []].formUnion(ids)
        }
        var directory = SessionDirectory()
        for (clientID, session) in sessions {
            var session = session
            session.unreleased = unreleased[clientID] ?? []
            let positions = session.subscriptions
            session.subscriptions = subscriptions[clientID]?.inOrder ?? []
            for replay in positions {
                guard let index = session.subscriptions.firstIndex(where: { $0.filter == replay.filter }) else {
                    continue
                }
                session.subscriptions[index].positions = replay.positions
            }
            // A clock that was set back must not lengthen what is left, nor one set forward end it at once: the time
            // away counts, but no more than the expiry and no less than nothing.
            let away = session.disconnectedAt.map { max(0, wallClock.rawValue - $0.rawValue) / 1000 } ?? 0
            directory.park(session, clientID, now: now, secondsAway: away)
        }
        for (clientID, will) in wills {
            let expiry = sessions[clientID]?.expirySeconds ?? 0
            directory.hold(will, of: clientID, until: now + Int64(min(will.delaySeconds, expiry)) * 1_000_000_000)
        }
        directory.groups = groups
        directory.mustRewrite = hasLegacyRecords
        return directory
    }
}

/// A session's subscriptions while they are replayed: each filter once, in the order of their newest records.
private struct StoredSubscriptions {
    private var entries: [[UInt8]: (number: Int, subscription: StoredSubscription)] = [:]
    private var nextNumber = 0

    init(_ subscriptions: [StoredSubscription] = []) {
        for subscription in subscriptions { put(subscription) }
    }

    var inOrder: [StoredSubscription] {
        entries.values.sorted { $0.number < $1.number }.map(\.subscription)
    }

    mutating func put(_ subscription: StoredSubscription) {
        entries[subscription.filter] = (nextNumber, subscription)
        nextNumber += 1
    }

    mutating func remove(_ filter: [UInt8]) { entries[filter] = nil }
}

/// A record of the first version of `__sessions`: the key is the client identifier.
///
/// Layout of the value: kind u8 (1 received, 2 released, 3 cleared, 4 snapshot), then for all but `cleared` the packet
/// identifier u16, big-endian.
enum LegacySessionRecord: Equatable {
    case received(UInt16)
    case released(UInt16)
    case cleared
    case snapshot(UInt16)

    init?(_ value: Span<UInt8>) {
        guard let kind = value.isEmpty ? nil : value[0] else { return nil }
        switch (kind, value.count) {
        case (1, 3): self = .received(UInt16(value[1]) << 8 | UInt16(value[2]))
        case (2, 3): self = .released(UInt16(value[1]) << 8 | UInt16(value[2]))
        case (3, 1): self = .cleared
        case (4, 3): self = .snapshot(UInt16(value[1]) << 8 | UInt16(value[2]))
        case (_, _): return nil
        }
    }
}

/// Replays records of the first version.
///
/// A snapshot was taken beside running shards, so changes made meanwhile may come before it in the stream, and it may
/// be behind them. A change that the stream still has in its own record therefore counts more than the snapshot.
struct LegacySessionReplay {
    private(set) var unreleased: [[UInt8]: Set<UInt16>] = [:]
    private var told: [[UInt8]: Set<UInt16>] = [:]
    private var cleared: Set<[UInt8]> = []

    mutating func apply(_ record: LegacySessionRecord, to clientID: [UInt8]) {
        switch record {
        case .received(let id):
            told[clientID, default: []].insert(id)
            unreleased[clientID, default: []].insert(id)
        case .released(let id):
            told[clientID, default: []].insert(id)
            unreleased[clientID]?.remove(id)
        case .cleared:
            cleared.insert(clientID)
            unreleased[clientID] = nil
        case .snapshot(let id):
            if cleared.contains(clientID) || told[clientID]?.contains(id) == true { return }
            unreleased[clientID, default: []].insert(id)
        }
    }
}
