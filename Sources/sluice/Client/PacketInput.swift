import MQTTWire
import SluiceCore

/// A message that came to a client.
struct ReceivedMessage {
    var topic: [UInt8]
    var payload: [UInt8]
    var userProperties: [(name: String, value: String)] = []

    /// The first user property of this name.
    func user(_ name: String) -> String? { userProperties.first { $0.name == name }?.value }
}

/// What a server sends, as values of its own.
enum ServerPacket {
    case connack(code: UInt8, receiveMaximum: Int, isRetainAvailable: Bool)
    case message(ReceivedMessage)
    case acknowledgement(AcknowledgementKind, PacketID, ReasonCode)
    case suback([ReasonCode], reason: String?)
    case pong
    case disconnect(ReasonCode, reason: String?)
    /// One that this client never asks for.
    case other
}

/// Bytes from a server on their way to packets.
struct PacketInput: ~Copyable {
    private var bytes = ByteBuffer()
    private var decoder: PacketDecoder
    /// The first byte that no packet was made of.
    private var start = 0

    init(_ decoder: PacketDecoder) { self.decoder = decoder }

    /// Lets `body` add received bytes; it returns how many.
    mutating func receive(upTo byteCount: Int, _ body: (UnsafeMutableRawBufferPointer) -> Int) {
        bytes.removeFirst(start)
        start = 0
        bytes.append(upTo: byteCount, body)
    }

    /// The next whole packet.
    mutating func next() throws(MQTTDecodeError) -> ServerPacket? {
        guard start < bytes.count, case .packet(let packet, let end) = try Self.step(&decoder, bytes, from: start)
        else { return nil }
        start = end
        return value(packet)
    }

    /// The two are parameters because a view of one part of a value borrows all of it.
    private static func step(
        _ decoder: inout PacketDecoder, _ bytes: borrowing ByteBuffer, from start: Int
    ) throws(MQTTDecodeError) -> DecodeStep {
        try decoder.decode(bytes.bytes, from: start)
    }

    private func value(_ packet: Packet) -> ServerPacket {
        switch packet {
        case .connack(let connack):
            return .connack(
                code: connack.code, receiveMaximum: integer(.receiveMaximum, connack.properties) ?? 65_535,
                isRetainAvailable: integer(.retainAvailable, connack.properties) != 0)
        case .publish(let publish): return .message(message(publish))
        case .acknowledgement(let packet): return .acknowledgement(packet.kind, packet.packetID, packet.reason)
        case .suback(let suback):
            let codes = bytes.bytes.copy(suback.codes).map { code in ReasonCode(rawValue: code) }
            return .suback(codes, reason: reasonString(suback.properties))
        case .pingResponse: return .pong
        case .disconnect(let disconnect):
            return .disconnect(disconnect.reason, reason: reasonString(disconnect.properties))
        case .unsuback, .auth, .connect, .subscribe, .unsubscribe, .pingRequest: return .other
        }
    }

    private func message(_ publish: Packet.Publish) -> ReceivedMessage {
        let view = bytes.bytes
        var message = ReceivedMessage(topic: view.copy(publish.topic), payload: view.copy(publish.payload))
        var properties = PropertyReader(view, publish.properties)
        while let property = properties.next() {
            guard case .pair(let name, let value) = property.value else { continue }
            message.userProperties.append((text(name), text(value)))
        }
        return message
    }

    private func integer(_ id: PropertyID, _ range: ByteRange) -> Int? {
        var properties = PropertyReader(bytes.bytes, range)
        while let property = properties.next() {
            if property.id == id { return property.integer.map(Int.init) }
        }
        return nil
    }

    private func reasonString(_ range: ByteRange) -> String? {
        var properties = PropertyReader(bytes.bytes, range)
        while let property = properties.next() {
            if property.id == .reasonString, let reason = property.bytes { return text(reason) }
        }
        return nil
    }

    private func text(_ range: ByteRange) -> String { String(decoding: bytes.bytes.copy(range), as: UTF8.self) }
}
