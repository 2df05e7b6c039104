import Foundation
import MQTTWire
import SluiceCore
import Testing

@Suite("Bytes that nobody meant")
struct MutationTests {
    @Test("Mutated streams never trap, and say the same whole and byte by byte", arguments: 0..<8)
    func mutated(_ seed: UInt64) {
        var random = Seeded(state: seed)
        let vectors = GoldenVector.all.flatMap(\.directions).filter { !$0.packets.isEmpty }
        for _ in 0..<400 {
            guard let (side, decoder, packets) = vectors.randomElement(using: &random) else { continue }
            var stream = packets.flatMap { $0 }
            guard stream.count < 2000 else { continue }
            for _ in 0..<Int.random(in: 1...4, using: &random) { mutate(&stream, &random) }
            let whole = decodeAll(stream, decoder)
            let parts = decodeByteByByte(stream, decoder)
            #expect(whole.packets == parts.packets && whole.error == parts.error, "seed \(seed) \(side) \(stream)")
            for packet in whole.packets { walk(packet, stream) }
        }
    }

    @Test("What the fuzzer once found stays fixed")
    func failCases() throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Fuzz/FailCases")
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        #expect(!files.isEmpty)
        for file in files {
            let bytes = [UInt8](try Data(contentsOf: file))
            for decoder in [
                PacketDecoder(side: .server), connectedDecoder(.client, .v31), connectedDecoder(.client, .v311),
                connectedDecoder(.client, .v5), connectedDecoder(.server, .v311), connectedDecoder(.server, .v5),
            ] {
                let whole = decodeAll(bytes, decoder)
                let parts = decodeByteByByte(bytes, decoder)
                #expect(whole.packets == parts.packets && whole.error == parts.error, "\(file.lastPathComponent)")
                for packet in whole.packets { walk(packet, bytes) }
            }
        }
    }

    private func mutate(_ bytes: inout [UInt8], _ random: inout Seeded) {
        let index = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<5, using: &random) {
        case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 2: bytes.insert(UInt8.random(in: 0...255, using: &random), at: index)
        case 3: if bytes.count > 1 { bytes.remove(at: index) }
        default: bytes[index] = [0, 1, 0x7F, 0x80, 0xFF].randomElement(using: &random) ?? 0
        }
    }

    /// Reads everything that the decoder promised to be readable.
    private func walk(_ packet: Packet, _ bytes: [UInt8]) {
        let span = bytes.span
        func properties(_ range: ByteRange) {
            var reader = PropertyReader(span, range)
            while reader.next() != nil {}
        }
        for version in ProtocolVersion.allCases {
            _ = reencodable(packet, version) ? reencoded(packet, bytes, version) : ([], 0)
        }
        switch packet {
        case .connect(let view):
            properties(view.properties)
            properties(view.willProperties)
        case .publish(let view): properties(view.properties)
        case .acknowledgement(let view): properties(view.properties)
        case .subscribe(let view):
            var reader = SubscriptionReader(span, view)
            var count = 0
            while reader.next() != nil { count += 1 }
            #expect(count == view.filterCount)
        case .unsubscribe(let view):
            var reader = FilterReader(span, view)
            var count = 0
            while reader.next() != nil { count += 1 }
            #expect(count == view.filterCount)
        case .connack(let view): properties(view.properties)
        case .suback(let view), .unsuback(let view): properties(view.properties)
        case .disconnect(let view), .auth(let view): properties(view.properties)
        case .pingRequest, .pingResponse: return
        }
    }

    /// A packet of MQTT 5 may say what the older versions cannot; encoding must not be asked for that.
    private func reencodable(_ packet: Packet, _ version: ProtocolVersion) -> Bool {
        switch packet {
        case .connect(let view): view.version == version
        case .connack, .publish, .acknowledgement, .subscribe, .suback, .unsubscribe, .unsuback, .pingRequest,
            .pingResponse, .disconnect, .auth:
            true
        }
    }
}
