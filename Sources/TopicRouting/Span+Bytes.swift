extension Span<UInt8> {
    /// Whether this level is the wildcard for one level.
    var isPlus: Bool { count == 1 && self[0] == ASCII.plus }

    /// Whether this level is the wildcard for all levels below.
    var isHash: Bool { count == 1 && self[0] == ASCII.hash }

    /// Whether both views hold the same bytes.
    /// - Complexity: O(n), eight bytes at a time; a call to `memcmp` would cost more than most topics take.
    @inline(__always)
    package func holdsSameBytes(as other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        return unsafe withUnsafeBytes { left in
            unsafe other.withUnsafeBytes { right in
                guard let left = left.baseAddress, let right = right.baseAddress else { return true }
                return unsafe sameBytes(left, right, count)
            }
        }
    }
}

/// Whether `byteCount` bytes at `left` and `right` are the same.
@unsafe @inline(__always)
func sameBytes(_ left: UnsafeRawPointer, _ right: UnsafeRawPointer, _ byteCount: Int) -> Bool {
    var position = 0
    while byteCount - position >= 8 {
        let same =
            unsafe left.loadUnaligned(fromByteOffset: position, as: UInt64.self)
            == right.loadUnaligned(fromByteOffset: position, as: UInt64.self)
        if !same { return false }
        position += 8
    }
    // The last word overlaps the one before, so that no byte is compared alone.
    if byteCount >= 8, position < byteCount {
        return unsafe left.loadUnaligned(fromByteOffset: byteCount - 8, as: UInt64.self)
            == right.loadUnaligned(fromByteOffset: byteCount - 8, as: UInt64.self)
    }
    while position < byteCount {
        if unsafe left.load(fromByteOffset: position, as: UInt8.self)
            != right.load(fromByteOffset: position, as: UInt8.self)
        {
            return false
        }
        position += 1
    }
    return true
}

extension String {
    /// A copy of `bytes` as text; anything that is not UTF-8 is replaced.
    init(copying bytes: Span<UInt8>) {
        self = unsafe bytes.withUnsafeBufferPointer { buffer in unsafe String(decoding: buffer, as: UTF8.self) }
    }
}

extension [UInt8] {
    /// Appends a copy of `bytes`.
    mutating func append(copying bytes: Span<UInt8>) {
        unsafe bytes.withUnsafeBufferPointer { buffer in unsafe append(contentsOf: buffer) }
    }
}
