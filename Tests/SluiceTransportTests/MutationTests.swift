import Foundation
import SluiceTesting
import SluiceTransport
import Testing

@Suite("WebSocket bytes that nobody meant")
struct MutationTests {
    /// The same bytes whole and in pieces must end the same way. Answers to pings depend on how they came together.
    private func expectSame(_ bytes: [UInt8], isOpen: Bool, step: Int, _ name: String) {
        let whole = StreamRun(bytes, isOpen: isOpen)
        let parts = StreamRun(bytes, step: step, isOpen: isOpen)
        #expect(whole.event == parts.event, "\(name)")
        #expect(whole.payload == parts.payload, "\(name)")
        #expect(whole.payload.count <= bytes.count, "\(name)")
        #expect(whole.reply.count < 1024, "\(name)")
    }

    @Test("mutated requests and frames end the same way, however they come", arguments: 0..<8)
    func mutated(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let frames =
            ClientFrame.make(2, [1, 2, 3]) + ClientFrame.make(9, [1]) + ClientFrame.make(2, [4], isFinal: false)
            + ClientFrame.make(0, Array(repeating: 5, count: 200)) + ClientFrame.make(8, [0x03, 0xE8])
        for number in 0..<500 {
            let isOpen = random.once(in: 2)
            var bytes = isOpen ? frames : UpgradeRequestTests.head() + frames
            for _ in 0...random.below(4) { bytes[random.below(bytes.count)] ^= 1 << UInt8(random.below(8)) }
            expectSame(bytes, isOpen: isOpen, step: 1 + random.below(60), "seed \(seed), number \(number)")
        }
    }

    @Test("what the fuzzer once found stays fixed")
    func failCases() throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Fuzz/WebSocketFailCases")
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        #expect(!files.isEmpty)
        for file in files {
            let bytes = [UInt8](try Data(contentsOf: file))
            guard let choice = bytes.first else { continue }
            expectSame(
                Array(bytes.dropFirst()), isOpen: choice & 1 == 1, step: 1 + Int(choice >> 1), file.lastPathComponent)
        }
    }
}
