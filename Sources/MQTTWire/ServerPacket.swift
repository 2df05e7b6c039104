import SluiceCore

/// A message that came to a client.
package struct ReceivedMessage: Sendable {
    /// The topic.
    package var topic: [UInt8]
    /// The application's bytes.
    package var payload: [UInt8]
    /// What its acknowledgement refers to; `.none` at QoS 0.
    package var packetID = PacketID.none
    /// The promise about delivery.
    package var qos = QoS.atMostOnce
    /// What a request was sent with, in its answer.
    package var correlationData: [UInt8]?
    /// The user properties in their order.
    package var userProperties: [(name: String, value: String)] = []

    /// The first user property of this name.
    package func user(_ name: String) -> String? { userProperties.first { $0.name == name }?.value }
}

/// What a server sends, as values of its own.
package enum ServerPacket: Sendable {
    /// The answer to CONNECT: its code, how many publishes above QoS 0 may be under way, whether messages are retained,
    /// and what else is said.
    case connack(code: UInt8, receiveMaximum: Int, isRetainAvailable: Bool, reason: String?)
    /// A message.
    case message(ReceivedMessage)
    /// A step of a message's acknowledgement.
    case acknowledgement(AcknowledgementKind, PacketID, ReasonCode, reason: String?)
    /// The answer to SUBSCRIBE.
    case suback([ReasonCode], reason: String?)
    /// The server lives.
    case pong
    /// The server ends the connection.
    case disconnect(ReasonCode, reason: String?)
    /// One that this client never asks for.
    case other
}

/// Bytes from a server on their way to packets.
package struct PacketInput: ~Copyable {
    private var bytes = ByteBuffer()
    private var decoder: PacketDecoder
    /// The first byte that no packet was made of.
    private var start = 0

    /// An input of a client's decoder.
    package init(_ decoder: PacketDecoder) { self.decoder = decoder }

    /// Lets `body` add received bytes; it returns how many.
    package mutating func receive(upTo byteCount: Int, _ body: (UnsafeMutableRawBufferPointer) -> Int) {
        bytes.removeFirst(start)
        start = 0
        unsafe bytes.append(upTo: byteCount, body)
    }

    /// Takes received bytes.
    package mutating func receive(_ received: UnsafeRawBufferPointer) {
        bytes.removeFirst(start)
        start = 0
        unsafe bytes.append(received)
    }

    /// The next whole packet.
    /// - Throws: `MQTTDecodeError` for what is no packet of a server.
    package mutating func next() throws(MQTTDecodeError) -> ServerPacket? {
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
                isRetainAvailable: integer(.retainAvailable, connack.properties) != 0,
                reason: reasonString(connack.properties))
        case .publish(let publish): return .message(message(publish))
        case .acknowledgement(let packet):
            return .acknowledgement(
                packet.kind, packet.packetID, packet.reason, reason: reasonString(packet.properties))
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
        (message.packetID, message.qos) = (publish.packetID, publish.qos)
        var properties = PropertyReader(view, publish.properties)
        while let property = properties.next() {
            if property.id == .correlationData, let data = property.bytes { message.correlationData = view.copy(data) }
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
