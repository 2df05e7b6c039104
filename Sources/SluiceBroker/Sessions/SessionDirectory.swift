import MQTTWire
import SluiceCore

/// Who holds which client identifier, and what outlives a connection. One for all shards.
///
/// Isolation: a value behind the composing layer's lock; each call is short.
/// What survives a crash: `unreleased`, through the records of the `__sessions` stream, see `SessionRecord`.
package struct SessionDirectory: Sendable {
    private var owners: [[UInt8]: ClientOwner] = [:]
    private var unreleased: [[UInt8]: Set<UInt16>] = [:]

    /// An empty directory.
    package init() {}

    /// Makes `owner` the holder of `clientID`.
    /// - Returns: who held it.
    mutating func claim(_ clientID: [UInt8], by owner: ClientOwner) -> ClientOwner? {
        let previous = owners[clientID]
        owners[clientID] = owner
        return previous
    }

    /// Lets go of `clientID`, unless somebody else holds it by now.
    mutating func release(_ clientID: [UInt8], by owner: ClientOwner) {
        if owners[clientID] == owner { owners[clientID] = nil }
    }

    /// The number of clients connected.
    package var clientCount: Int { owners.count }

    /// The QoS 2 identifiers that a session left open; nil when there are none.
    func stored(_ clientID: [UInt8]) -> [PacketID]? {
        guard let ids = unreleased[clientID], !ids.isEmpty else { return nil }
        return ids.sorted().compactMap { PacketID(rawValue: $0) }
    }

    /// Applies one change, from a connection or from the stream.
    mutating func apply(_ record: SessionRecord, to clientID: [UInt8]) {
        switch record {
        case .received(let id): unreleased[clientID, default: []].insert(id)
        case .released(let id):
            unreleased[clientID]?.remove(id)
            if unreleased[clientID]?.isEmpty == true { unreleased[clientID] = nil }
        case .cleared: unreleased[clientID] = nil
        case .snapshot(let id): unreleased[clientID, default: []].insert(id)
        }
    }

    /// Every session's open identifiers: what a snapshot of the stream holds.
    var snapshot: [(clientID: [UInt8], record: SessionRecord)] {
        unreleased.flatMap { entry in entry.value.sorted().map { (entry.key, .snapshot($0)) } }
    }
}

/// Brings a directory back from the `__sessions` stream.
///
/// A snapshot is taken beside running shards, so changes made meanwhile may come before it in the stream, and it may be behind them. A
/// change that the stream still has in its own record therefore counts more than the snapshot, wherever it stands.
package struct SessionReplay {
    private var directory = SessionDirectory()
    private var told: [[UInt8]: Set<UInt16>] = [:]
    private var cleared: Set<[UInt8]> = []

    /// A replay at the stream's oldest record.
    package init() {}

    /// Takes the next record.
    package mutating func apply(_ record: SessionRecord, to clientID: [UInt8]) {
        switch record {
        case .received(let id), .released(let id): told[clientID, default: []].insert(id)
        case .cleared: cleared.insert(clientID)
        case .snapshot(let id):
            if cleared.contains(clientID) || told[clientID]?.contains(id) == true { return }
        }
        directory.apply(record, to: clientID)
    }

    /// The directory at the stream's end.
    package consuming func finish() -> SessionDirectory { directory }
}

/// One change of a session, as a record of the `__sessions` stream: the key is the client identifier.
///
/// Layout of the value: kind u8 (1 received, 2 released, 3 cleared, 4 snapshot), then for all but `cleared` the packet identifier u16,
/// big-endian.
/// The message and its `received` are in one append, so that "stored" and "seen" cannot come apart in a crash.
package enum SessionRecord: Sendable, Equatable {
    /// A QoS 2 message of this identifier is in the log.
    case received(UInt16)
    /// Its PUBREL came; the identifier is free.
    case released(UInt16)
    /// The session began anew.
    case cleared
    /// A QoS 2 message of this identifier was in the log, and not released, when a snapshot was taken.
    case snapshot(UInt16)

    /// The stream's name.
    package static let stream = "__sessions"

    /// The record's value.
    var encoded: [UInt8] {
        switch self {
        case .received(let id): [1, UInt8(id >> 8), UInt8(id & 0xFF)]
        case .released(let id): [2, UInt8(id >> 8), UInt8(id & 0xFF)]
        case .cleared: [3]
        case .snapshot(let id): [4, UInt8(id >> 8), UInt8(id & 0xFF)]
        }
    }

    /// The change in a record's value; nil when it is none.
    package init?(_ value: Span<UInt8>) {
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
