/// A record's position in its partition, counted from 0; dense while nothing is compacted.
@usableFromInline package struct Offset: RawRepresentable, Hashable, Comparable, Sendable, BitwiseCopyable {
    /// The count of records that came before, in this partition.
    @usableFromInline package var rawValue: Int64

    /// Wraps a raw offset.
    @inlinable @inline(__always)
    package init(rawValue: Int64) { self.rawValue = rawValue }

    /// The first offset of every partition.
    package static let zero = Offset(rawValue: 0)

    /// The smaller raw value comes first.
    @inlinable @inline(__always)
    package static func < (left: Offset, right: Offset) -> Bool { left.rawValue < right.rawValue }

    /// The offset `count` records later.
    package func advanced(by count: Int) -> Offset { Offset(rawValue: rawValue + Int64(count)) }
}

/// What a node calls a partition while it runs: an index into the engine's table of all partitions. Records name
/// partitions by their stream's identifier and their number in it.
@usableFromInline package struct PartitionID: RawRepresentable, Hashable, Comparable, Sendable, BitwiseCopyable {
    /// The index in the engine's table.
    @usableFromInline package var rawValue: UInt32

    /// Wraps a raw index.
    @inlinable @inline(__always)
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    /// The index as an array subscript.
    @inlinable @inline(__always)
    package var index: Int { Int(rawValue) }

    /// The smaller raw value comes first.
    @inlinable package static func < (left: PartitionID, right: PartitionID) -> Bool { left.rawValue < right.rawValue }
}

/// A wall-clock moment in milliseconds since 1970-01-01T00:00:00Z, as Kafka's records hold it.
@usableFromInline package struct Timestamp: RawRepresentable, Hashable, Comparable, Sendable, BitwiseCopyable {
    /// Milliseconds since the epoch.
    @usableFromInline package var rawValue: Int64

    /// Wraps milliseconds since the epoch.
    @inlinable @inline(__always)
    package init(rawValue: Int64) { self.rawValue = rawValue }

    /// The smaller raw value comes first.
    @inlinable @inline(__always)
    package static func < (left: Timestamp, right: Timestamp) -> Bool { left.rawValue < right.rawValue }
}
