package import LogInterface
package import SluiceCore

/// What is known of one segment of a partition.
///
/// Invariants: `baseOffset <= nextOffset`; every batch in the first `byteCount` bytes of the file is whole.
package struct SegmentInfo: Sendable, Equatable {
    /// The offset in its name: no record in it comes before.
    package var baseOffset: Offset
    /// The offset behind its last record.
    package var nextOffset: Offset
    /// Bytes of its `.log` file that hold batches.
    package var byteCount: Int64
    /// The largest timestamp of a record; `Int64.min` while it is empty.
    package var maxTimestamp: Timestamp
    /// How often its files were replaced in this run: a position in one is none in the next.
    package var revision: UInt32 = 0

    /// An empty segment.
    package init(baseOffset: Offset) {
        self.baseOffset = baseOffset
        nextOffset = baseOffset
        byteCount = 0
        maxTimestamp = Timestamp(rawValue: Int64.min)
    }
}

/// The names of a partition's files, as Kafka's tools expect them.
package struct SegmentPaths: Sendable {
    /// The partition's directory, relative to the data directory.
    package let directory: String

    /// The files of `streams/<stream>-<number>`.
    package init(stream: String, number: Int) { directory = "streams/\(stream)-\(number)" }

    /// The batches of the segment that starts at `offset`.
    package func log(_ offset: Offset) -> String { "\(directory)/\(Self.digits(offset)).log" }

    /// The sparse index from offsets to file positions.
    package func index(_ offset: Offset) -> String { "\(directory)/\(Self.digits(offset)).index" }

    /// The sparse index from timestamps to offsets.
    package func timeIndex(_ offset: Offset) -> String { "\(directory)/\(Self.digits(offset)).timeindex" }

    /// The topics of its batches; see `TopicIndexFile`.
    package func topics(_ offset: Offset) -> String { "\(directory)/\(Self.digits(offset)).topics" }

    /// The producers as of its base offset; see `ProducerSnapshot`.
    package func snapshot(_ offset: Offset) -> String { "\(directory)/\(Self.digits(offset)).snapshot" }

    /// Every file of the segment that starts at `offset`, the batches first: what is left without them is no segment.
    package func all(_ offset: Offset) -> [String] {
        [log(offset), index(offset), timeIndex(offset), topics(offset), snapshot(offset)]
    }

    /// The suffixes of the files that belong to a `.log` and are nothing without it.
    static let companionSuffixes = [".index", ".timeindex", ".topics", ".snapshot"]

    /// The base offset in a file name with `suffix`; nil for every other name.
    package static func baseOffset(_ name: String, suffix: String) -> Offset? {
        guard name.utf8.count == 20 + suffix.utf8.count, name.hasSuffix(suffix),
            name.prefix(20).allSatisfy(\.isNumber), let value = Int64(name.prefix(20))
        else { return nil }
        return Offset(rawValue: value)
    }

    /// `offset` as 20 digits.
    static func digits(_ offset: Offset) -> String {
        let text = String(offset.rawValue)
        return String(repeating: "0", count: 20 - text.utf8.count) + text
    }
}

/// What a segment may grow to, and how densely it is indexed.
package struct SegmentShape: Sendable, Equatable {
    /// Bytes of a `.log` file after which the next batch starts a new one.
    package var segmentBytesMax: Int64 = 256 << 20
    /// Bytes of batches between two entries of the indexes; Kafka's `index.interval.bytes`.
    package var indexIntervalBytes = 4096

    /// The defaults.
    package init() {}

    /// The shape of a stream's segments.
    package init(_ policy: StreamPolicy, indexIntervalBytes: Int) {
        segmentBytesMax = policy.granuleBytesMax
        self.indexIntervalBytes = indexIntervalBytes
    }
}
