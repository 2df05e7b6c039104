import Foundation
import KafkaWire
import SluiceTesting
import Testing

@Suite("Kafka frames that nobody meant")
struct MutationTests {
    /// The frames of a run, a quarter for each seed; `SLUICE_MUTATED_FRAMES` asks for more.
    private static let count =
        ProcessInfo.processInfo.environment["SLUICE_MUTATED_FRAMES"].flatMap { Int($0) } ?? 200_000

    @Test("Mutated frames never trap, reserve little, and what is read of them can be written", arguments: 0..<4)
    func mutated(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let vectors = GoldenVector.all
        var readCount = 0
        for _ in 0..<Self.count / 4 {
            let vector = vectors[random.below(vectors.count)]
            let type = try #require(vector.type)
            var frame = vector.bytes
            for _ in 0...random.below(4) { Self.mutate(&frame, &random) }
            if try Self.survives(type, vector.version, frame) { readCount += 1 }
        }
        #expect(readCount > Self.count / 100, "Most mutations are of values, and leave the frame readable")
    }

    @Test("What the fuzzer once found stays fixed")
    func failCases() throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Fuzz/KafkaWireFailCases")
        // Git keeps no empty folder: there is none as long as nothing was found.
        guard FileManager.default.fileExists(atPath: folder.path) else { return }
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
            let input = [UInt8](try Data(contentsOf: folder.appending(path: name)))
            guard input.count > 1 else { continue }
            let type = KafkaMessages.all[Int(input[0]) % KafkaMessages.all.count]
            let version = type.versions.lowerBound + Int16(input[1]) % Int16(type.versions.count)
            _ = try Self.survives(type, version, Array(input.dropFirst(2)))
        }
    }

    /// Whether a frame can be read; then it can be written, and be read as the same.
    private static func survives<Message: KafkaMessage>(
        _ type: Message.Type, _ version: Int16, _ frame: [UInt8]
    ) throws -> Bool {
        var reader = KafkaReader(frame.span)
        let message: Message
        do throws(KafkaWireError) {
            message = try Message(from: &reader, version: version)
        } catch {
            #expect(error.offset <= frame.count)
            #expect(!error.field.isEmpty)
            #expect(reader.arrayByteCount <= 1000 * frame.count, "\(type) v\(version) \(frame)")
            return false
        }
        #expect(reader.arrayByteCount <= 200 * frame.count, "\(type) v\(version) \(frame)")
        let bytes = try encoded(message, version, frame: frame)
        let again = try Message.decode(bytes.span, version: version)
        // A number that is none is not equal to itself; its bytes are.
        #expect(try encoded(again, version, frame: bytes) == bytes, "\(type) v\(version) \(frame)")
        return reader.remaining == 0
    }

    private static func mutate(_ bytes: inout [UInt8], _ random: inout SeededGenerator) {
        guard !bytes.isEmpty else { return bytes.append(UInt8(random.below(256))) }
        let index = random.below(bytes.count)
        switch random.below(6) {
        case 0: bytes[index] = UInt8(random.below(256))
        case 1: bytes[index] ^= 1 << random.below(8)
        case 2: bytes.insert(UInt8(random.below(256)), at: index)
        case 3: bytes.remove(at: index)
        case 4: bytes.replaceSubrange(index..<min(index + 4, bytes.count), with: [0x7F, 0xFF, 0xFF, 0xFF])
        default: bytes[index] = [0, 1, 0x7F, 0x80, 0xFF][random.below(5)]
        }
    }
}
