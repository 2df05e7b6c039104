/// One stream: a named, partitioned log.
package struct StreamSettings: Equatable, Sendable {
    /// The name, which is also its Kafka topic's.
    package var name: String
    /// How many partitions it has.
    ///
    /// One by default: it keeps the order of everything, which is what somebody who has not thought about keys expects,
    /// and a partition more is easy to ask for, while one fewer would move keys.
    package var partitionCount = 1
    /// What an acknowledgement promises.
    package var durability = Durability.fsync
    /// What is kept.
    package var retention = Retention()
    /// What becomes of old segments.
    package var cleanup = Cleanup.delete
    /// How long a tombstone of a compacted stream stays at least.
    package var tombstoneAge = Duration.seconds(86_400)
    /// What batches are compressed with on their way to a segment.
    package var compression = CompressionChoice.none
    /// What sealed segments are compressed with.
    package var sealing = CompressionChoice.zstd
    /// Bytes of a segment file.
    package var segmentBytes: Int
    /// How old the first record of a segment becomes before the next one begins.
    package var segmentAge = Duration.seconds(7 * 86_400)
    /// The template of the topics of records that have none of their own; the broker gives it meaning.
    package var downlink: String?
    /// Where the template is written.
    package var downlinkLocation: SourceLocation?

    /// A stream with defaults.
    package init(name: String, segmentBytes: Int) {
        self.name = name
        self.segmentBytes = segmentBytes
    }
}

/// What an acknowledgement promises.
package enum Durability: Equatable, Sendable {
    /// The record is on the device.
    case fsync
    /// The record is written; the device has it after at most this long.
    case interval(Duration)
    /// The record is in memory.
    case memory
}

/// What a stream keeps; whole segments go when either bound is passed.
package struct Retention: Equatable, Sendable {
    /// How old a record may become; nil for ever. Seven days, as Kafka's default.
    package var age: Duration? = .seconds(7 * 86_400)
    /// How many bytes the segments of each partition may have, as Kafka's `retention.bytes`; nil without bound.
    package var byteCount: Int?
}

/// What compresses records on disk.
package enum CompressionChoice: String, CaseIterable, Sendable {
    /// Nothing.
    case none
    /// LZ4: little of the processor, less saved.
    case lz4
    /// Zstandard.
    case zstd
}

/// What becomes of a stream's old segments; the words are Kafka's `cleanup.policy`.
package enum Cleanup: String, CaseIterable, Sendable {
    /// They go by age and size.
    case delete
    /// The last record of each key stays.
    case compact
    /// The last record of each key stays until it goes by age and size.
    case compactAndDelete = "compact,delete"
}

/// One routing rule as it was written; TopicRouting gives it meaning, and its errors belong at these places.
package struct RuleSettings: Equatable, Sendable {
    /// The topic pattern with its captures.
    package var from: String
    /// The stream's name.
    package var stream: String
    /// The key template.
    package var key: String
    /// Where the pattern is written.
    package var fromLocation: SourceLocation
    /// Where the stream's name is written.
    package var streamLocation: SourceLocation
    /// Where the key is written, else where the rule is.
    package var keyLocation: SourceLocation
}
