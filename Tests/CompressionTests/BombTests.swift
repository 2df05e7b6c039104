import Compression
import Testing

@Suite("Streams that say or make more than is good")
struct BombTests {
    private static let max = 1 << 20
    private static let tooLarge = Outcome.failure(.tooLarge(byteCountMax: max))

    @Test("a gibibyte of zeros stops at the bound: gzip, one member of 1 MiB after the other")
    func gzip() {
        let member = Codec.gzip.compress([UInt8](repeating: 0, count: 1 << 20).span)
        let bomb = Array(repeatElement(member, count: 1024).joined())
        #expect(bomb.count < 1_200_000)
        #expect(decompressed(bomb, .gzip, max: Self.max) == Self.tooLarge)
    }

    @Test("a gibibyte of zeros stops at the bound: lz4, one frame of 16,384 blocks")
    func lz4() throws {
        let frame = Codec.lz4.compress([UInt8](repeating: 0, count: 64 << 10).span)
        // Seven bytes of header, four of end mark; the block between them is independent.
        let block = frame[7..<frame.count - 4]
        let bomb = frame[..<7] + Array(repeatElement(block, count: 16_384).joined()) + [0, 0, 0, 0]
        #expect(decompressed(Array(bomb), .lz4, max: Self.max) == Self.tooLarge)
        let small = frame[..<7] + Array(repeatElement(block, count: 16).joined()) + [0, 0, 0, 0]
        #expect(decompressed(Array(small), .lz4, max: Self.max) == .bytes([UInt8](repeating: 0, count: 1 << 20)))
    }

    @Test("a gibibyte of zeros stops at the bound: zstd, one frame of 8,192 runs, 32 KB in all")
    func zstd() {
        let bomb = Self.zstdRuns(8192, windowLog: 17)
        #expect(bomb.count < 33_000)
        #expect(decompressed(bomb, .zstd, max: Self.max) == Self.tooLarge)
        #expect(
            decompressed(Self.zstdRuns(8, windowLog: 17), .zstd, max: Self.max)
                == .bytes([UInt8](repeating: 0, count: 1 << 20)))
    }

    @Test("64 MiB of zeros stop at the bound: snappy, which packs no denser than 22 to 1")
    func snappy() {
        let stream = Codec.snappy.compress([UInt8](repeating: 0, count: 32 << 10).span)
        let bomb = stream[..<16] + Array(repeatElement(stream[16...], count: 2048).joined())
        #expect(decompressed(Array(bomb), .snappy, max: Self.max) == Self.tooLarge)
    }

    @Test("a window that zstd's header declares is taken for what the output may be, up to the format's largest")
    func windows() {
        for windowLog in 17...41 {
            let content = [UInt8](repeating: 0, count: 256 << 10)
            #expect(
                decompressed(Self.zstdRuns(2, windowLog: windowLog), .zstd, max: Self.max) == .bytes(content),
                "\(windowLog)")
        }
    }

    @Test("a size that is declared and not there is believed by nobody")
    func declaredSizes() {
        // Raw snappy blocks of a few bytes that declare 4 GiB and 1 MiB.
        #expect(
            decompressed([0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0, 0x41], .snappy, max: Self.max)
                == .failure(.damaged(.snappy, position: 0)))
        #expect(
            decompressed([0x80, 0x80, 0x40, 0, 0x41], .snappy, max: Self.max)
                == .failure(.damaged(.snappy, position: 0)))
        // A zstd frame of one segment: eight bytes of size, then an empty last block.
        let header: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0xE0]
        #expect(
            decompressed(header + [0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0], .zstd, max: Self.max) == Self.tooLarge)
        #expect(
            decompressed(header + [0, 0, 8, 0, 0, 0, 0, 0, 1, 0, 0], .zstd, max: Self.max).isFailure)
        // An xerial block that is longer than what follows, and ones of no and of negative length.
        let nothing: [UInt8] = []
        let xerial = Codec.snappy.compress(nothing.span)
        #expect(
            decompressed(xerial + [0x7F, 0xFF, 0xFF, 0xFF, 1, 0, 0x41], .snappy, max: Self.max)
                == .failure(.truncated(.snappy)))
        for length in [[UInt8](repeating: 0, count: 4), [0xFF, 0xFF, 0xFF, 0xFE]] {
            #expect(
                decompressed(xerial + length + [1, 0, 0x41], .snappy, max: Self.max)
                    == .failure(.damaged(.snappy, position: 16)))
        }
    }

    /// A zstd frame of runs of 128 KiB of zeros, four bytes each, with a window of `1 << windowLog` bytes.
    private static func zstdRuns(_ count: Int, windowLog: Int) -> [UInt8] {
        var frame: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0, UInt8(windowLog - 10) << 3]
        for number in 0..<count {
            // Last block in bit 0, type 1 (a run) in bits 1 and 2, the run's length above.
            let header = (number == count - 1 ? 1 : 0) | 1 << 1 | (128 << 10) << 3
            frame += [UInt8(header & 0xFF), UInt8(header >> 8 & 0xFF), UInt8(header >> 16), 0]
        }
        return frame
    }
}
