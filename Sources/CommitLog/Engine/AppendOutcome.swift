package import LogInterface
package import SluiceCore

/// What became of an append, in the log's own terms.
package enum AppendOutcome: Sendable, Equatable {
    /// It is in the log's memory; it is written, and durable, when the log's progress reaches this LSN.
    case appended(LSN)
    /// Nothing was appended: the disk is full, and space may come back.
    case refusedFull
    /// Nothing was appended, and nothing will be: the log is poisoned by a failed write or fsync.
    case refusedPoisoned
    /// Nothing was appended: a stream of it was deleted.
    case refusedUnknown

    /// What the broker hears of it; nil while there is nothing to be heard.
    package var refusal: AppendRefusal? {
        switch self {
        case .appended: nil
        case .refusedFull: .full
        case .refusedPoisoned: .failed
        case .refusedUnknown: .unknownStream
        }
    }
}

/// What became of an append of an idempotent producer, in the log's own terms.
package enum SequencedOutcome: Sendable, Equatable {
    /// It has this offset; it is written, and durable, when the log's progress reaches this LSN.
    case appended(Offset, LSN)
    /// It was there already, from this offset on; it is durable when the progress reaches this LSN.
    case duplicate(Offset, LSN)
    /// The number of its first record is not the one that is due.
    case outOfOrder(due: Int32)
    /// Another producer of its number has this later epoch.
    case fenced(Int16)
    /// As `AppendOutcome.refusedFull`.
    case refusedFull
    /// As `AppendOutcome.refusedPoisoned`.
    case refusedPoisoned
    /// As `AppendOutcome.refusedUnknown`.
    case refusedUnknown
}
