private import CXXHash

/// XXH3-64, the hash of topics and keys in caches and in topic indexes, which are rebuilt when they do not fit.
package enum XXH3 {
    /// The 64-bit hash of `bytes`.
    /// - Complexity: O(n), no allocation.
    package static func hash(_ bytes: Span<UInt8>) -> UInt64 {
        unsafe bytes.withUnsafeBytes { buffer in unsafe hash(buffer) }
    }

    /// The 64-bit hash of `buffer`.
    @unsafe
    package static func hash(_ buffer: UnsafeRawBufferPointer) -> UInt64 {
        guard let address = buffer.baseAddress else { return unsafe sluice_xxh3_64("", 0) }
        return unsafe sluice_xxh3_64(address, buffer.count)
    }
}
