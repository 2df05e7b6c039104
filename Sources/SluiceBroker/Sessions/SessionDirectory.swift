import MQTTWire
import SluiceCore
import Speaking

/// Who holds which client identifier, and what outlives a connection. One for all shards.
///
/// A session is parked here while nobody is connected, and taken out by the connection that goes on with it. What
/// survives a crash is in the stream `__sessions`, see `StateRecord`; this is what replaying it gives.
/// Isolation: a value behind the composing layer's lock; each call is short.
package struct SessionDirectory: Sendable {
    private var owners: [[UInt8]: ClientOwner] = [:]
    /// Whom the holders speak for, of those that have shown a name.
    private var principals: [[UInt8]: Principal] = [:]
    private var sessions: [[UInt8]: Parked] = [:]
    private var wills: [[UInt8]: (will: StoredWill, due: Int64)] = [:]
    /// What is on record of sessions that stay and are connected.
    private var connected: [[UInt8]: StoredSession] = [:]
    /// Share groups that no shard has taken yet.
    var groups: [[UInt8]: StoredShareGroup] = [:]
    /// Where share groups live.
    private var groupPlaces: [[UInt8]: GroupPlace] = [:]
    /// Whether the stream has records of its first version, and is to be written anew.
    var mustRewrite = false
    /// Subscriptions to the broker's own topics.
    var systemSubscriptionCount = 0
    /// No session expires before this moment of the monotonic clock.
    private var firstExpiry = Int64.max
    /// No will is due before this moment.
    private var firstWill = Int64.max

    private struct Parked: Sendable {
        var session: StoredSession
        /// When it ends, by the monotonic clock; `Int64.max` for never.
        var deadline: Int64
        /// Bytes of memory that it took when it was parked.
        var memoryByteCount: Int
    }

    private struct GroupPlace: Sendable {
        var shard: Int
        /// Clients that have claimed the group, and of whom its shard has yet to hear.
        var joiningCount = 0
    }

    /// An empty directory.
    package init() {}

    // MARK: Claims

    /// What comes of a claim.
    enum Claim: Equatable {
        /// The identifier is the claimant's, and was the former holder's, if there was one.
        case granted(from: ClientOwner?)
        /// It, or the session behind it, is somebody else's.
        case isOf(Principal)
    }

    /// Makes `owner` the holder of `clientID`, unless that is somebody else's: who has shown no name may be followed by
    /// anybody, a user only by itself. A session is its user's for as long as it is kept.
    mutating func claim(_ clientID: [UInt8], by owner: ClientOwner, as principal: Principal = .anonymous) -> Claim {
        let previous = owners[clientID]
        assert(previous != owner, "a connection claims an identifier once")
        let holder = principals[clientID] ?? sessions[clientID]?.session.owner ?? .anonymous
        guard holder == .anonymous || holder == principal else { return .isOf(holder) }
        owners[clientID] = owner
        principals[clientID] = principal == .anonymous ? nil : principal
        return .granted(from: previous)
    }

    /// Claims an identifier that nobody else has.
    /// - Returns: whether it is `owner`'s now.
    mutating func claimFree(_ clientID: [UInt8], by owner: ClientOwner) -> Bool {
        guard owners[clientID] == nil || owners[clientID] == owner else { return false }
        owners[clientID] = owner
        return true
    }

    /// Lets go of `clientID`, unless somebody else holds it by now.
    mutating func release(_ clientID: [UInt8], by owner: ClientOwner) {
        guard owners[clientID] == owner else { return }
        owners[clientID] = nil
        principals[clientID] = nil
    }

    /// Who holds `clientID`.
    func owner(of clientID: [UInt8]) -> ClientOwner? { owners[clientID] }

    /// The number of clients connected.
    package var clientCount: Int { owners.count }

    /// The number of sessions that nobody is connected to.
    package var parkedCount: Int { sessions.count }
    /// Bytes of memory that these take, with their identifiers and without the vectors of positions that they share.
    package private(set) var parkedByteCount = 0

    /// Every identifier that somebody is connected with, and what is on record of those whose sessions stay.
    var connectedSessions: [(clientID: [UInt8], session: StoredSession?)] {
        owners.keys.map { ($0, connected[$0]) }
    }

    /// Every parked session.
    var parkedSessions: [(clientID: [UInt8], session: StoredSession)] {
        sessions.map { ($0.key, $0.value.session) }
    }

    // MARK: Sessions

    /// Keeps a session whose connection is gone.
    /// - Parameter secondsAway: how long it has been gone already.
    mutating func park(_ session: StoredSession, _ clientID: [UInt8], now: Int64, secondsAway: Int64 = 0) {
        assert(sessions[clientID] == nil, "a session is parked by the one connection that had it")
        var deadline = Int64.max
        if session.expirySeconds != .max {
            deadline = now + max(0, Int64(session.expirySeconds) - secondsAway) * 1_000_000_000
        }
        let byteCount = clientID.count + session.memoryByteCount
        sessions[clientID] = Parked(session: session, deadline: deadline, memoryByteCount: byteCount)
        parkedByteCount += byteCount
        connected[clientID] = nil
        firstExpiry = min(firstExpiry, deadline)
    }

    /// Notes of a parked session that a QoS 2 message of this identifier was not received after all.
    mutating func forget(received id: PacketID, of clientID: [UInt8]) {
        sessions[clientID]?.session.unreleased.remove(id.rawValue)
    }

    /// Takes a session out for the connection that goes on with it; nil when there is none, or its time is over.
    mutating func take(_ clientID: [UInt8], now: Int64) -> (session: StoredSession, isExpired: Bool)? {
        guard let parked = removeParked(clientID) else { return nil }
        return (parked.session, parked.deadline <= now)
    }

    /// Whether a session waits for its client.
    func isParked(_ clientID: [UInt8]) -> Bool { sessions[clientID] != nil }

    /// Notes what is on record of a connected session that stays; nil when it stays no longer.
    mutating func note(_ session: StoredSession?, of clientID: [UInt8]) {
        assert(sessions[clientID] == nil, "a session waits for its client or has it, never both")
        connected[clientID] = session
    }

    /// Notes subscriptions that such a session has made, or made anew, and filters that it has no more.
    /// - Complexity: O(its subscriptions) for each.
    mutating func note(_ subscriptions: [StoredSubscription], without filters: [[UInt8]], of clientID: [UInt8]) {
        for filter in filters + subscriptions.map(\.filter) {
            guard let index = connected[clientID]?.subscriptions.firstIndex(where: { $0.filter == filter }) else {
                continue
            }
            connected[clientID]?.subscriptions.remove(at: index)
        }
        connected[clientID]?.subscriptions += subscriptions
    }

    /// Takes out the sessions whose time is over.
    /// - Complexity: O(1) while none can be, O(sessions) when one is.
    mutating func takeExpired(now: Int64, by owner: ClientOwner) -> [(clientID: [UInt8], session: StoredSession)] {
        guard firstExpiry <= now else { return [] }
        var expired: [(clientID: [UInt8], session: StoredSession)] = []
        firstExpiry = .max
        for (clientID, parked) in sessions {
            if parked.deadline <= now, claimFree(clientID, by: owner) {
                expired.append((clientID, parked.session))
            } else {
                firstExpiry = min(firstExpiry, parked.deadline)
            }
        }
        for (clientID, _) in expired { _ = removeParked(clientID) }
        return expired
    }

    private mutating func removeParked(_ clientID: [UInt8]) -> Parked? {
        guard let parked = sessions.removeValue(forKey: clientID) else { return nil }
        parkedByteCount -= parked.memoryByteCount
        assert(parkedByteCount >= 0 && (parkedByteCount == 0) == sessions.isEmpty, "what was added is taken away")
        return parked
    }

    // MARK: Share groups

    /// Finds the shard of a share group, or gives it to `shard`, for somebody who joins it: it stays until that shard
    /// has heard of who joins (`groupJoined`).
    /// - Returns: that shard; what is stored of the group if it was given; whether nobody knew it.
    mutating func claimGroup(_ key: [UInt8], by shard: Int) -> (shard: Int, stored: StoredShareGroup?, isNew: Bool) {
        if let place = groupPlaces[key] {
            groupPlaces[key]?.joiningCount += 1
            return (place.shard, nil, false)
        }
        groupPlaces[key] = GroupPlace(shard: shard, joiningCount: 1)
        let stored = groups.removeValue(forKey: key)
        return (shard, stored, stored == nil)
    }

    /// The shard of a share group has heard of one who has claimed it.
    mutating func groupJoined(_ key: [UInt8]) {
        groupPlaces[key]?.joiningCount -= 1
        assert(groupPlaces[key].map { $0.joiningCount >= 0 } ?? false, "whoever joins a group has claimed it")
    }

    /// A share group is over, unless somebody has claimed it and is on the way.
    /// - Returns: whether it is.
    mutating func releaseGroup(_ key: [UInt8]) -> Bool {
        guard let place = groupPlaces[key], place.joiningCount > 0 else {
            groupPlaces[key] = nil
            return true
        }
        return false
    }

    // MARK: Wills

    /// Keeps the will of a lost connection until it is due.
    mutating func hold(_ will: StoredWill, of clientID: [UInt8], until due: Int64) {
        assert(wills[clientID] == nil, "a client has one will, and takes it back when it comes again")
        wills[clientID] = (will, due)
        firstWill = min(firstWill, due)
    }

    /// Takes back the will that waits for `clientID`.
    mutating func takeWill(of clientID: [UInt8]) -> StoredWill? { wills.removeValue(forKey: clientID)?.will }

    /// Takes out the wills that are due.
    mutating func takeDueWills(now: Int64, by owner: ClientOwner) -> [(clientID: [UInt8], will: StoredWill)] {
        guard firstWill <= now else { return [] }
        var due: [(clientID: [UInt8], will: StoredWill)] = []
        firstWill = .max
        for (clientID, entry) in wills {
            if entry.due <= now, claimFree(clientID, by: owner) {
                due.append((clientID, entry.will))
            } else {
                firstWill = min(firstWill, entry.due)
            }
        }
        for (clientID, _) in due { wills[clientID] = nil }
        return due
    }
}
