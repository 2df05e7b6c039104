/// A run of bytes in the span that was decoded: where a field lies, without a copy of it.
///
/// Layout: two 32-bit numbers, so that a PUBLISH is a handful of registers.
/// Invariants: lies within the span given to the decoder; meaningless once the caller reuses that memory.
@usableFromInline
package struct ByteRange: Equatable, Sendable, BitwiseCopyable {
    /// The index of the first byte in the decoded span.
    @usableFromInline package var start: UInt32
    /// The number of bytes.
    @usableFromInline package var byteCount: UInt32

    /// A range of `byteCount` bytes from index `start`.
    @inlinable @inline(__always)
    package init(start: Int, byteCount: Int) {
        self.start = UInt32(truncatingIfNeeded: start)
        self.byteCount = UInt32(truncatingIfNeeded: byteCount)
    }

    /// No bytes.
    package static let empty = ByteRange(start: 0, byteCount: 0)

    /// The number of bytes, as an `Int`.
    @inlinable @inline(__always)
    package var count: Int { Int(byteCount) }

    /// Whether there are no bytes.
    @inlinable @inline(__always)
    package var isEmpty: Bool { byteCount == 0 }

    /// The indices in the decoded span.
    @inlinable @inline(__always)
    package var indices: Range<Int> { Int(start)..<Int(start) + Int(byteCount) }
}

extension Span where Element == UInt8 {
    /// The bytes of `range`, which a decoder answered for this span.
    @inlinable @inline(__always)
    @_lifetime(copy self)
    package func extracting(_ range: ByteRange) -> Span<UInt8> { extracting(range.indices) }

    /// An owned copy of the bytes of `range`.
    package func copy(_ range: ByteRange) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(range.count)
        for index in range.indices { bytes.append(self[index]) }
        return bytes
    }

    /// Whether the bytes are those of `other`.
    @inlinable
    package func isEqual(to other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        for index in indices where self[index] != other[index] { return false }
        return true
    }
}

extension Array where Element == UInt8 {
    /// A copy of `bytes`.
    package init(copying bytes: Span<UInt8>) {
        self.init()
        reserveCapacity(bytes.count)
        for index in bytes.indices { append(bytes[index]) }
    }
}
