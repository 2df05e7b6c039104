/// Compresses with one codec at one level, again and again with one context.
///
/// A context of zstd is 0.5 to 5 MB of tables, which one call after the other would otherwise allocate and clear.
/// Isolation: a value with one owner; it may change threads with its owner.
package struct Compressor: ~Copyable {
    /// The codec that outputs are in.
    package let codec: Codec
    private let encoder: Encoder

    private enum Encoder {
        case none
        case gzip(GzipEncoder)
        case snappy
        case lz4(LZ4Encoder)
        case zstd(ZstdEncoder)
    }

    /// A compressor with a context of its own.
    /// - Parameter level: as the codec's library counts (gzip 1 to 9, lz4 up to 12, zstd up to 22), clamped to its
    ///   range; nil is the library's default.
    package init(_ codec: Codec, level: Int? = nil) {
        self.codec = codec
        switch codec {
        case .none: encoder = .none
        case .gzip: encoder = .gzip(GzipEncoder(level: level))
        case .snappy: encoder = .snappy
        case .lz4: encoder = .lz4(LZ4Encoder(level: level))
        case .zstd: encoder = .zstd(ZstdEncoder(level: level))
        }
    }

    /// The compressed form of `input`; it does not depend on earlier calls.
    /// - Complexity: O(n); one allocation, of the codec's worst case for `input`.
    package mutating func compress(_ input: Span<UInt8>) -> [UInt8] {
        precondition(input.count <= Decompressor.inputByteCountMax)
        return unsafe input.withUnsafeBytes { bytes in
            switch encoder {
            case .none: unsafe [UInt8](bytes)
            case .gzip(let encoder): unsafe encoder.compress(bytes)
            case .snappy: unsafe SnappyFraming.compress(bytes)
            case .lz4(let encoder): unsafe encoder.compress(bytes)
            case .zstd(let encoder): unsafe encoder.compress(bytes)
            }
        }
    }
}

/// Decompresses any codec, again and again; a codec's context is made when it is first needed.
///
/// Isolation: a value with one owner; it may change threads with its owner. After an error it is as good as before.
package struct Decompressor: ~Copyable {
    /// The largest input, of compressors too: a record batch's length is an i32, and some libraries count in 32 bits.
    package static let inputByteCountMax = Int(Int32.max)

    private var gzip: GzipDecoder?
    private var lz4: LZ4Decoder?
    private var zstd: ZstdDecoder?

    /// A decompressor without contexts.
    package init() {}

    /// The bytes that `input` is the compressed form of.
    /// - Parameter byteCountMax: the most bytes that may come out; one more is `CompressionError.tooLarge`.
    /// - Complexity: O(bytes produced); the output's memory is at most twice what has been produced, and a first step
    ///   of 64 KiB or 16 times `input`. A context keeps 40 KiB (gzip), up to 8 MiB (lz4), up to twice `byteCountMax`
    ///   and 500 KiB (zstd).
    package mutating func decompress(
        _ input: Span<UInt8>, _ codec: Codec, byteCountMax: Int
    ) throws(CompressionError) -> [UInt8] {
        precondition(input.count <= Self.inputByteCountMax)
        precondition(byteCountMax >= 0)
        precondition(byteCountMax <= Self.inputByteCountMax)
        switch codec {
        case .none:
            guard input.count <= byteCountMax else { throw .tooLarge(byteCountMax: byteCountMax) }
            return unsafe input.withUnsafeBytes { unsafe [UInt8]($0) }
        case .gzip:
            let decoder = gzip ?? GzipDecoder()
            gzip = decoder
            return try Self.run(decoder, input, byteCountMax)
        case .snappy:
            return try unsafe input.withUnsafeBytes { bytes throws(CompressionError) in
                try unsafe SnappyFraming.decompress(bytes, byteCountMax: byteCountMax)
            }
        case .lz4:
            let decoder = lz4 ?? LZ4Decoder()
            lz4 = decoder
            return try Self.run(decoder, input, byteCountMax)
        case .zstd:
            let decoder = zstd ?? ZstdDecoder()
            zstd = decoder
            return try Self.run(decoder, input, byteCountMax)
        }
    }

    private static func run<Decoder: StreamDecoder>(
        _ decoder: Decoder, _ input: Span<UInt8>, _ byteCountMax: Int
    ) throws(CompressionError) -> [UInt8] {
        try unsafe input.withUnsafeBytes { bytes throws(CompressionError) in
            unsafe decoder.begin(bytes, byteCountMax: byteCountMax)
            var position = 0
            let step = unsafe decoder.firstStep(bytes)
            return try unsafe BoundedOutput.collect(firstStep: step, byteCountMax: byteCountMax) {
                output throws(CompressionError) in
                try unsafe decoder.decode(bytes, from: &position, into: output)
            }
        }
    }
}
