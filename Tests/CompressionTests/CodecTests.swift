import Compression
import SluiceTesting
import Testing

@Suite("Codecs")
struct CodecTests {
    static let sizes = [0, 1, 2, 100, 32 << 10, (32 << 10) + 1, 64 << 10, (64 << 10) + 1, 1 << 20]

    @Test("what is compressed comes back, of any size and kind", arguments: Codec.allCases)
    func roundTrip(_ codec: Codec) {
        for size in Self.sizes {
            for content in [Self.random(size), Self.repetitive(size), [UInt8](repeating: 0, count: size)] {
                let stream = codec.compress(content.span)
                #expect(decompressed(stream, codec, max: size) == .bytes(content), "\(size) bytes")
            }
        }
    }

    @Test("one context gives the same bytes as many, whatever came before", arguments: Codec.allCases)
    func reuse(_ codec: Codec) {
        var compressor = Compressor(codec)
        var decompressor = Decompressor()
        for size in Self.sizes.reversed() + [100, 1 << 20, 0] {
            let content = Self.repetitive(size)
            let stream = compressor.compress(content.span)
            #expect(stream == codec.compress(content.span))
            _ = decompressed(Array(stream.dropLast()), codec, max: size, &decompressor)
            _ = decompressed(stream, codec, max: size / 2, &decompressor)
            #expect(decompressed(stream, codec, max: size, &decompressor) == .bytes(content))
        }
    }

    @Test("every level that can be asked for is one that the library has", arguments: Codec.allCases)
    func levels(_ codec: Codec) {
        let content = Self.repetitive(10_000)
        for level in [Int.min, -7, 0, 1, 3, 9, 12, 19, Int.max] {
            #expect(decompressed(codec.compress(content.span, level: level), codec) == .bytes(content), "\(level)")
        }
        guard codec == .gzip || codec == .zstd else { return }
        #expect(codec.compress(content.span, level: 9).count <= codec.compress(content.span, level: 1).count)
    }

    @Test(
        "repetitive content shrinks, and random content hardly grows", arguments: Codec.allCases.filter { $0 != .none })
    func ratios(_ codec: Codec) {
        #expect(codec.compress(Self.repetitive(1 << 20).span).count < 1 << 18)
        let random = codec.compress(Self.random(1 << 20).span).count
        #expect(random < (1 << 20) + (1 << 10))
    }

    @Test("snappy is written in xerial's framing, lz4 in independent blocks of 64 KiB, as Java reads them")
    func framing() {
        let content = Self.random(100_000)
        let snappy = Codec.snappy.compress(content.span)
        #expect(Array(snappy[..<16]) == [0x82, 0x53, 0x4E, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1])
        var blockCount = 0
        var position = 16
        while position < snappy.count {
            position += 4 + snappy[position..<position + 4].reduce(0) { $0 << 8 | Int($1) }
            blockCount += 1
        }
        #expect(position == snappy.count)
        #expect(blockCount == 4)
        // Version 1, independent blocks, no checksums, no size; 64 KiB.
        #expect(Array(Codec.lz4.compress(content.span)[..<6]) == [0x04, 0x22, 0x4D, 0x18, 0x60, 0x40])
        #expect(Array(Codec.gzip.compress(content.span)[..<3]) == [0x1F, 0x8B, 8])
        #expect(Array(Codec.zstd.compress(content.span)[..<4]) == [0x28, 0xB5, 0x2F, 0xFD])
    }

    @Test("nothing at all is no stream, but for uncompressed bytes")
    func empty() {
        #expect(decompressed([], .none) == .bytes([]))
        #expect(decompressed([], .gzip) == .failure(.truncated(.gzip)))
        #expect(decompressed([], .snappy) == .failure(.damaged(.snappy, position: 0)))
        #expect(decompressed([], .lz4) == .failure(.truncated(.lz4)))
        #expect(decompressed([], .zstd) == .failure(.truncated(.zstd)))
        #expect(decompressed([1, 2], .none, max: 1) == .failure(.tooLarge(byteCountMax: 1)))
    }

    // MARK: Content

    static func random(_ count: Int) -> [UInt8] {
        var random = SeededGenerator(seed: 42)
        return (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }

    /// Sensor readings that differ a little, one after the other.
    static func repetitive(_ count: Int) -> [UInt8] {
        var random = SeededGenerator(seed: 7)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 100)
        while bytes.count < count {
            bytes += Array("{\"device\":\"dev-\(random.below(50))\",\"temperature\":\(random.below(400))}\n".utf8)
        }
        return Array(bytes[..<count])
    }
}
