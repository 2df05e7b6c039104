import Foundation
import MQTTWire
import SluiceCore
import Testing

/// Bytes from hexadecimal text; spaces are for the reader.
func hex(_ text: String) -> [UInt8] {
    let digits = text.utf8.filter { $0 != UInt8(ascii: " ") }.map { Character(UnicodeScalar($0)).hexDigitValue ?? 0 }
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}

/// A seeded generator (SplitMix64), so that a failure can be repeated.
struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// A packet with the bytes that it came from, so that its ranges can be read.
struct Decoded: Equatable {
    var packet: Packet
    var bytes: [UInt8]

    func text(_ range: ByteRange) -> String { String(decoding: bytes.span.copy(range), as: UTF8.self) }
}

/// A decoder of `side` in the middle of a connection of `version`.
func connectedDecoder(_ side: Side, _ version: ProtocolVersion, limits: Limits = Limits()) -> PacketDecoder {
    var decoder = PacketDecoder(side: side, limits: limits)
    guard side == .server else {
        decoder.version = version
        return decoder
    }
    let connect = encoded { ConnectPacket(version: version, clientID: [0x61]).encode(into: &$0) }
    let step = try? decoder.decode(connect.span, from: 0)
    precondition(step != nil)
    return decoder
}

/// What `decoder` says of the whole of `bytes`: its packets, and the error that ended them if one did.
func decodeAll(_ bytes: [UInt8], _ decoder: PacketDecoder) -> (packets: [Packet], error: MQTTDecodeError?, end: Int) {
    var decoder = decoder
    var packets: [Packet] = []
    var offset = 0
    do throws(MQTTDecodeError) {
        while case .packet(let packet, let end) = try decoder.decode(bytes.span, from: offset) {
            packets.append(packet)
            offset = end
        }
    } catch {
        return (packets, error, offset)
    }
    return (packets, nil, offset)
}

/// The same, shown one byte more at a time.
func decodeByteByByte(
    _ bytes: [UInt8], _ decoder: PacketDecoder
) -> (packets: [Packet], error: MQTTDecodeError?, end: Int) {
    var decoder = decoder
    var packets: [Packet] = []
    var offset = 0
    do throws(MQTTDecodeError) {
        for count in 0...bytes.count {
            let shown = bytes.span.extracting(first: count)
            while case .packet(let packet, let end) = try decoder.decode(shown, from: offset) {
                packets.append(packet)
                offset = end
            }
        }
    } catch {
        return (packets, error, offset)
    }
    return (packets, nil, offset)
}

/// The error that `bytes` end in, or nil.
func decodeError(_ bytes: [UInt8], _ decoder: PacketDecoder) -> MQTTDecodeError? { decodeAll(bytes, decoder).error }

/// What `body` appends.
func encoded(_ body: (inout ByteBuffer) -> Void) -> [UInt8] { PropertyWriter.bytes(body) }

/// `packet` encoded again, and the size that the encoder announced.
func reencoded(_ packet: Packet, _ bytes: [UInt8], _ version: ProtocolVersion) -> (bytes: [UInt8], size: Int) {
    var size = 0
    let bytes = encoded { buffer in
        let span = bytes.span
        func put(_ announced: Int, _ encode: (inout ByteBuffer) -> Void) {
            size = announced
            encode(&buffer)
        }
        switch packet {
        case .connect(let view):
            let packet = ConnectPacket(view, in: span)
            put(packet.encodedSize, packet.encode)
        case .connack(let view):
            let packet = ConnackPacket(view, in: span, version: version)
            put(packet.encodedSize, packet.encode)
        case .publish(let view):
            size = PacketEncoder.publishEncodedSize(
                topicByteCount: view.topic.count, payloadByteCount: view.payload.count,
                propertiesByteCount: view.properties.count, qos: view.qos, version: version)
            PacketEncoder.publish(
                into: &buffer, topic: span.extracting(view.topic), payload: span.extracting(view.payload),
                packetID: view.packetID, qos: view.qos, retain: view.retain, duplicate: view.duplicate,
                properties: span.extracting(view.properties), version: version)
        case .acknowledgement(let view):
            size = PacketEncoder.acknowledgementEncodedSize(
                reason: view.reason, propertiesByteCount: view.properties.count, version: version)
            PacketEncoder.acknowledgement(
                into: &buffer, kind: view.kind, packetID: view.packetID, reason: view.reason,
                properties: span.extracting(view.properties), version: version)
        case .subscribe(let view):
            let packet = SubscribePacket(view, in: span, version: version)
            put(packet.encodedSize, packet.encode)
        case .suback(let view):
            let packet = SubackPacket(view, in: span, version: version)
            put(packet.encodedSize, packet.encode)
        case .unsubscribe(let view):
            let packet = UnsubscribePacket(view, in: span, version: version)
            put(packet.encodedSize, packet.encode)
        case .unsuback(let view):
            let packet = UnsubackPacket(view, in: span, version: version)
            put(packet.encodedSize, packet.encode)
        case .pingRequest: put(PacketEncoder.pingEncodedSize, PacketEncoder.pingRequest)
        case .pingResponse: put(PacketEncoder.pingEncodedSize, PacketEncoder.pingResponse)
        case .disconnect(let view):
            let packet = DisconnectPacket(view, in: span, version: version)
            put(packet.encodedSize, packet.encode)
        case .auth(let view):
            let packet = AuthPacket(view, in: span)
            put(packet.encodedSize, packet.encode)
        }
    }
    return (bytes, size)
}

/// One recorded connection: what the client sent and what the server sent.
struct GoldenVector: CustomTestStringConvertible, Sendable {
    var name: String
    var version: ProtocolVersion
    var toServer: [[UInt8]] = []
    var toClient: [[UInt8]] = []

    var testDescription: String { name }

    /// The recorded packets of one direction with a decoder for them, at the start of the connection.
    var directions: [(side: Side, decoder: PacketDecoder, packets: [[UInt8]])] {
        [
            (.server, PacketDecoder(side: .server), toServer),
            (.client, connectedDecoder(.client, version), toClient),
        ]
    }

    /// Every file under `Vectors`: header lines with `#`, then `>` and hexadecimal for the client, `<` for the server.
    static let all: [GoldenVector] = {
        guard let folder = Bundle.module.url(forResource: "Vectors", withExtension: nil),
            let files = try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        else { fatalError("no vectors") }
        return files.sorted { $0.path < $1.path }.map(load)
    }()

    private static func load(_ file: URL) -> GoldenVector {
        guard let text = try? String(contentsOf: file, encoding: .utf8) else { fatalError("\(file)") }
        var vector = GoldenVector(name: file.deletingPathExtension().lastPathComponent, version: .v311)
        for line in text.split(separator: "\n") {
            let rest = String(line.dropFirst(2))
            switch line.first {
            case ">": vector.toServer.append(hex(rest))
            case "<": vector.toClient.append(hex(rest))
            default:
                guard rest.hasPrefix("version: "), let level = UInt8(rest.dropFirst(9)) else { continue }
                vector.version = ProtocolVersion(rawValue: level) ?? .v311
            }
        }
        return vector
    }
}
