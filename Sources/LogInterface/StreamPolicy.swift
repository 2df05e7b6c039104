package import Compression

/// What becomes of a stream's old records.
///
/// The raw values are Kafka's `cleanup.policy`.
package enum CleanupPolicy: String, Sendable, Equatable, CaseIterable {
    /// They go when they are too old or too many.
    case delete
    /// The last record of each key stays.
    case compact
    /// Both: the last record of each key stays until it is too old.
    case compactAndDelete = "compact,delete"

    /// Whether records go when they are too old or too many.
    package var deletes: Bool { self != .compact }
    /// Whether older records of a key go.
    package var compacts: Bool { self != .delete }
}

/// How long a stream's records are kept and in which form: what may change while the node runs.
///
/// Records come and go in *granules*: as many consecutive ones of a partition as the bounds below allow, Kafka's
/// segments.
package struct StreamPolicy: Sendable, Equatable {
    /// What becomes of old segments.
    package var cleanup = CleanupPolicy.delete
    /// How long records are kept at least, in milliseconds; nil keeps them for ever.
    package var retentionMilliseconds: Int64?
    /// How many bytes each partition keeps at rest; nil keeps all. Kafka's `retention.bytes`.
    package var retentionBytesMax: Int64?
    /// How long a tombstone stays at least after a pass of the compaction has first seen it, in milliseconds: as long
    /// as a reader may take for the whole stream without missing a deletion. Kafka's `delete.retention.ms`.
    package var tombstoneMilliseconds: Int64 = 86_400_000
    /// Bytes that were never compacted, of a hundred at rest, from which a pass pays. Kafka's
    /// `min.cleanable.dirty.ratio`.
    package var dirtyPercentMin = 50
    /// What each batch is compressed with when it comes to rest, where that makes it smaller.
    package var compression = Codec.none
    /// What granules that take no more records are compressed with, where that saves a fifth of them at least.
    package var sealing = Codec.zstd
    /// Bytes after which the next batch begins a new granule. Kafka's `segment.bytes`.
    package var granuleBytesMax: Int64 = 256 << 20
    /// The age of a granule's first record from which it takes no more, in milliseconds: whole granules are removed,
    /// so a slow stream would keep its records for ever. Kafka's `segment.ms`.
    package var granuleMillisecondsMax: Int64 = 7 * 86_400_000

    /// The defaults.
    package init() {}

    /// The age at which a granule is sealed: an eighth of the retention keeps what is removed late within that.
    package var sealingMilliseconds: Int64 {
        guard cleanup.deletes, let retention = retentionMilliseconds else { return granuleMillisecondsMax }
        return min(granuleMillisecondsMax, max(1, retention / 8))
    }
}
