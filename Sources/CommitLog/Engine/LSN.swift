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
