package import RecordFormat
package import SluiceCore

/// A finished batch and where it goes.
package struct Append: Sendable {
    /// The partition.
    package var partition: PartitionID
    /// The batch; the engine sets its base offset.
    package var batch: RecordBatch
    /// Whether a publisher waits for it (QoS 1 or 2, or broker state); a batch without waits for nobody, and settles
    /// as soon as it is taken.
    package var isAwaited: Bool
    /// The distinct hashes of its topics, when a reader asked for them.
    package var topicHashes: [UInt64]?
    /// Whether who waits for it does so seldom that two milliseconds more are nothing to it: the engine may let others
    /// join its commit.
    package var isPatient = false

    /// An append of `batch` to `partition`.
    package init(partition: PartitionID, batch: RecordBatch, isAwaited: Bool, topicHashes: [UInt64]?) {
        self.partition = partition
        self.batch = batch
        self.isAwaited = isAwaited
        self.topicHashes = topicHashes
    }
}

/// What an append is known by until it settles; later appends of a loop have greater tickets.
@usableFromInline package struct AppendTicket: RawRepresentable, Hashable, Comparable, Sendable, BitwiseCopyable {
    /// The engine's number for it.
    @usableFromInline package var rawValue: UInt64

    /// Wraps an engine's number.
    @inlinable @inline(__always)
    package init(rawValue: UInt64) { self.rawValue = rawValue }

    /// Before every ticket.
    package static let none = AppendTicket(rawValue: 0)

    /// The one that was given first comes first.
    @inlinable @inline(__always)
    package static func < (left: AppendTicket, right: AppendTicket) -> Bool { left.rawValue < right.rawValue }
}

/// What became of an append.
package struct Settlement: Sendable, Equatable {
    /// The append.
    package var ticket: AppendTicket
    /// What became of it.
    package var outcome: Outcome

    /// A settlement from its parts.
    package init(ticket: AppendTicket, outcome: Outcome) {
        self.ticket = ticket
        self.outcome = outcome
    }

    /// What can become of an append.
    package enum Outcome: Sendable, Equatable {
        /// Every batch that is awaited has reached its stream's durability; their base offsets are set.
        case stored
        /// A producer's batch was there already, from this offset on, and has reached its stream's durability.
        case duplicate(Offset)
        /// Nothing was appended.
        case refused(AppendRefusal)
    }
}

/// Why an append was refused.
package enum AppendRefusal: Error, Sendable, Equatable {
    /// There is no space; it may come back.
    case full
    /// The log takes nothing any more: a write has failed, and what it left is not known.
    case failed
    /// The sequence of a producer's first record is not the one that is due.
    case outOfOrder(due: Int32)
    /// Another producer of the same identifier has this later epoch.
    case fenced(epoch: Int16)
    /// The stream of one of the batches was deleted.
    case unknownStream
}
