import Compression
import Foundation
import SluiceTesting
import Testing

@Suite("Compressed bytes that nobody meant")
struct MutationTests {
    @Test("mutated streams are errors or bytes within the bound, never a trap", arguments: 0..<8)
    func mutated(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var decompressor = Decompressor()
        let vectors = Vector.all.filter { $0.stream.count < 1200 }
        for _ in 0..<3000 {
            let vector = vectors[random.below(vectors.count)]
            var stream = vector.stream
            for _ in 0...random.below(4) { Self.mutate(&stream, &random) }
            let bound = random.once(in: 2) ? 1 << 20 : random.below(2000)
            if case .bytes(let bytes) = decompressed(stream, vector.codec, max: bound, &decompressor) {
                #expect(bytes.count <= bound, "seed \(seed), \(vector.name)")
            }
        }
        for vector in Vector.all {
            #expect(
                decompressed(vector.stream, vector.codec, max: 1 << 20, &decompressor) == .bytes(vector.content),
                "seed \(seed), \(vector.name)")
        }
    }

    @Test("random bytes behind a right beginning are no different", arguments: Codec.allCases)
    func randomTails(_ codec: Codec) {
        guard codec != .none else { return }
        var random = SeededGenerator(seed: 11)
        var decompressor = Decompressor()
        let stream = codec.compress(CodecTests.repetitive(5000).span)
        for _ in 0..<2000 {
            let head = stream[..<random.below(min(40, stream.count))]
            let tail = (0..<random.below(200)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            if case .bytes(let bytes) = decompressed(head + tail, codec, max: 10_000, &decompressor) {
                #expect(bytes.count <= 10_000)
            }
        }
    }

    @Test("what the fuzzer once found stays fixed")
    func failCases() throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Fuzz/CompressionFailCases")
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        #expect(!files.isEmpty)
        for file in files {
            let bytes = [UInt8](try Data(contentsOf: file))
            guard let choice = bytes.first else { continue }
            let codec = Codec.allCases[Int(choice) % Codec.allCases.count]
            for input in [Array(bytes.dropFirst()), bytes] {
                if case .bytes(let output) = decompressed(input, codec, max: 64 << 10) {
                    #expect(output.count <= 64 << 10, "\(file.lastPathComponent)")
                }
            }
        }
    }

    private static func mutate(_ bytes: inout [UInt8], _ random: inout SeededGenerator) {
        guard !bytes.isEmpty else { return bytes.append(UInt8(random.below(256))) }
        let index = random.below(bytes.count)
        switch random.below(6) {
        case 0: bytes[index] = UInt8(random.below(256))
        case 1: bytes[index] ^= 1 << UInt8(random.below(8))
        case 2: bytes.insert(UInt8(random.below(256)), at: index)
        case 3: bytes.remove(at: index)
        case 4: bytes.insert(contentsOf: bytes[random.below(bytes.count)...].prefix(random.below(20)), at: index)
        default: bytes[index] = [0, 1, 0x7F, 0x80, 0xFF][random.below(5)]
        }
    }
}
