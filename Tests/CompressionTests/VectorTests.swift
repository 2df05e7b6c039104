import Compression
import Testing

@Suite("Streams that other implementations compressed")
struct VectorTests {
    @Test("the vectors are there, several of each codec")
    func present() {
        for codec in Codec.allCases where codec != .none {
            #expect(Vector.all.filter { $0.codec == codec }.count >= 5)
        }
    }

    @Test("a stream of another implementation holds what it compressed", arguments: Vector.all)
    func decompresses(_ vector: Vector) {
        #expect(decompressed(vector.stream, vector.codec) == .bytes(vector.content))
    }

    @Test("output that just fits is given, one byte less of room is refused", arguments: Vector.all)
    func boundary(_ vector: Vector) {
        let count = vector.content.count
        #expect(decompressed(vector.stream, vector.codec, max: count) == .bytes(vector.content))
        guard count > 0 else { return }
        #expect(
            decompressed(vector.stream, vector.codec, max: count - 1) == .failure(.tooLarge(byteCountMax: count - 1)))
        #expect(decompressed(vector.stream, vector.codec, max: 0) == .failure(.tooLarge(byteCountMax: 0)))
    }

    @Test(
        "a stream cut anywhere is an error; where several are joined, an error or the ones before",
        arguments: Vector.all)
    func cutEverywhere(_ vector: Vector) {
        var decompressor = Decompressor()
        for cut in vector.stream.indices {
            let stream = Array(vector.stream[..<cut])
            switch decompressed(stream, vector.codec, max: 1 << 20, &decompressor) {
            case .failure(let error):
                #expect(error != .tooLarge(byteCountMax: 1 << 20), "cut at \(cut)")
            case .bytes(let bytes):
                #expect(vector.hasEnds, "cut at \(cut)")
                #expect(bytes.count < max(1, vector.content.count) && vector.content.starts(with: bytes))
            }
        }
    }

    @Test("a changed byte gives an error or other bytes, never a trap", arguments: Vector.all)
    func flippedEverywhere(_ vector: Vector) {
        var decompressor = Decompressor()
        for position in vector.stream.indices {
            for mask in [UInt8(0x01), 0x10, 0x80, 0xFF] {
                var stream = vector.stream
                stream[position] ^= mask
                if case .bytes(let bytes) = decompressed(stream, vector.codec, max: 1 << 20, &decompressor) {
                    #expect(bytes.count <= 1 << 20)
                }
            }
        }
        // The context is as good as before.
        #expect(
            decompressed(vector.stream, vector.codec, max: 1 << 20, &decompressor) == .bytes(vector.content))
    }

    @Test("bytes behind a stream are refused by name", arguments: Vector.all)
    func trailing(_ vector: Vector) {
        let outcome = decompressed(vector.stream + Array("garbage".utf8), vector.codec)
        switch vector.codec {
        case .gzip, .lz4, .zstd:
            #expect(outcome == .failure(.trailingBytes(vector.codec, position: vector.stream.count)))
        case .none, .snappy:
            // Snappy has no end to be behind: the bytes are a block's length, or elements too many.
            #expect(outcome.isFailure)
        }
    }

    @Test("what one codec writes is an error to the others", arguments: Vector.all)
    func otherCodec(_ vector: Vector) {
        for codec in Codec.allCases where codec != .none && codec != vector.codec {
            #expect(decompressed(vector.stream, codec).isFailure, "\(codec)")
        }
    }
}
