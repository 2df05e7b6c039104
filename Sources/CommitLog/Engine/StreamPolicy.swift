package import Compression

/// What becomes of a stream's old segments.
///
/// The raw values are Kafka's `cleanup.policy`.
package enum CleanupPolicy: String, Sendable, Equatable, CaseIterable {
    /// They go when they are too old or too many.
    case delete
    /// The last record of each key stays.
    case compact
    /// Both: the last record of each key stays until it is too old.
    case compactAndDelete = "compact,delete"

    /// Whether segments go when they are too old or too many.
    package var deletes: Bool { self != .compact }
    /// Whether older records of a key go.
    package var compacts: Bool { self != .delete }
}

/// How long a stream's records are kept and in which form: what may change while the node runs.
package struct StreamPolicy: Sendable, Equatable {
    /// What becomes of old segments.
    package var cleanup = CleanupPolicy.delete
    /// How long records are kept at least, in milliseconds; nil keeps them for ever.
    package var retentionMilliseconds: Int64?
    /// How many bytes of segment files each partition keeps; nil keeps all. Kafka's `retention.bytes`.
    package var retentionBytesMax: Int64?
    /// How long a tombstone stays at least after a pass of the compaction has first seen it, in milliseconds: as long
    /// as a reader may take for the whole stream without missing a deletion. Kafka's `delete.retention.ms`.
    package var tombstoneMilliseconds: Int64 = 86_400_000
    /// Bytes that were never compacted, of a hundred in the segments, from which a pass pays. Kafka's
    /// `min.cleanable.dirty.ratio`.
    package var dirtyPercentMin = 50
    /// What each batch is compressed with on its way to its segment file, where that makes it smaller; the journal and
    /// the records in memory stay as they are.
    package var compression = Codec.none
    /// What sealed segments are compressed with, where that saves a fifth of them at least.
    package var sealing = Codec.zstd
    /// The age of a segment's first record from which it is sealed though it is not full, in milliseconds: whole
    /// segments are removed, so a slow stream would keep its records for ever. Kafka's `segment.ms`.
    package var segmentMillisecondsMax: Int64 = 7 * 86_400_000

    /// The defaults.
    package init() {}

    /// The age at which a segment is sealed: an eighth of the retention keeps what is removed late within that.
    package var sealingMilliseconds: Int64 {
        guard cleanup.deletes, let retention = retentionMilliseconds else { return segmentMillisecondsMax }
        return min(segmentMillisecondsMax, max(1, retention / 8))
    }
}

/// What bounds the log as a whole.
package struct LogPolicy: Sendable, Equatable {
    /// How many bytes of segment files all streams together keep; above it the oldest segments of any go. Nil keeps
    /// all.
    package var retentionBytesMax: Int64?
    /// How many bytes the data directory may take before publishes are refused; nil leaves it to the disk.
    package var quotaBytes: Int64?

    /// No bounds.
    package init() {}
}
