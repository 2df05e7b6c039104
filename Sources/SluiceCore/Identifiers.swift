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

/// The number of a commit group in the node's journal; one sequence orders all appends of a node.
@usableFromInline package struct LSN: RawRepresentable, Hashable, Comparable, Sendable, BitwiseCopyable {
    /// The count of commit groups that came before, since the data directory was made.
    @usableFromInline package var rawValue: UInt64

    /// Wraps a raw number.
    @inlinable @inline(__always)
    package init(rawValue: UInt64) { self.rawValue = rawValue }

    /// Before every commit group.
    package static let zero = LSN(rawValue: 0)

    /// The smaller raw value comes first.
    @inlinable @inline(__always)
    package static func < (left: LSN, right: LSN) -> Bool { left.rawValue < right.rawValue }

    /// The number of the next commit group.
    package var next: LSN { LSN(rawValue: rawValue + 1) }

    /// The number of the commit group before; the first has itself.
    package var previous: LSN { LSN(rawValue: rawValue == 0 ? 0 : rawValue - 1) }
}

/// A partition's number within its node: an index into the engine's table of all partitions, given when its stream is
/// made.
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
