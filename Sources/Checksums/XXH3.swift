private import CXXHash

/// XXH3, the hash of topics and keys in caches, while a log is compacted, and in topic indexes, which are rebuilt when
/// they do not fit.
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

    /// The 128-bit hash of `bytes`, under a seed.
    /// - Complexity: O(n), no allocation.
    package static func hash128(_ bytes: Span<UInt8>, seed: UInt64) -> (high: UInt64, low: UInt64) {
        let hash = unsafe bytes.withUnsafeBytes { buffer in
            // An empty span may come without an address.
            unsafe buffer.baseAddress.map { unsafe sluice_xxh3_128($0, buffer.count, seed) }
                ?? sluice_xxh3_128("", 0, seed)
        }
        return (hash.high64, hash.low64)
    }
}
