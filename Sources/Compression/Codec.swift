/// Kafka's compression codecs, by their numbers in bits 0 to 2 of a batch's attributes.
///
/// Source: Kafka message format v2, attributes; KIP-110 for zstd.
package enum Codec: UInt8, Sendable, CaseIterable {
    /// Bytes as they are.
    case none = 0
    /// Members of RFC 1952.
    case gzip = 1
    /// Written in xerial's framing, as Java does; read in that and as one raw block.
    case snappy = 2
    /// Frames of independent blocks of 64 KiB.
    case lz4 = 3
    /// Frames of RFC 8878.
    case zstd = 4

    /// The compressed form of `input`.
    ///
    /// Makes a context for one call; who compresses often keeps a `Compressor`.
    /// - Parameter level: as the codec's library counts, clamped to its range; nil is its default. Snappy has none.
    /// - Complexity: O(n); allocates the library's worst case for `input`, which is little more than `input`.
    package func compress(_ input: Span<UInt8>, level: Int? = nil) -> [UInt8] {
        var compressor = Compressor(self, level: level)
        return compressor.compress(input)
    }

    /// The bytes that `input` is the compressed form of.
    ///
    /// Makes a context for one call; who decompresses often keeps a `Decompressor`.
    /// - Parameter byteCountMax: the most bytes that may come out.
    /// - Throws: `CompressionError`; nothing of a damaged input is given out.
    /// - Complexity: O(bytes produced), in time and memory, whatever `input` says of its size.
    package func decompress(_ input: Span<UInt8>, byteCountMax: Int) throws(CompressionError) -> [UInt8] {
        var decompressor = Decompressor()
        return try decompressor.decompress(input, self, byteCountMax: byteCountMax)
    }
}

/// Why bytes could not be decompressed.
package enum CompressionError: Error, Equatable, Sendable {
    /// The bytes up to about `position` are not what the codec writes, or a checksum of its own is wrong.
    case damaged(Codec, position: Int)
    /// The bytes end before the stream does.
    case truncated(Codec)
    /// Bytes that belong to nothing follow the stream, from `position` on.
    case trailingBytes(Codec, position: Int)
    /// The output is, or claims to be, larger than the caller allows.
    case tooLarge(byteCountMax: Int)
}
