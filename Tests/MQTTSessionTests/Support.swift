import MQTTSession
import MQTTWire
import SluiceCore
import Testing

/// Bytes from hexadecimal text; spaces are for the reader.
func hex(_ text: String) -> [UInt8] {
    let digits = text.utf8.filter { $0 != UInt8(ascii: " ") }.map { Character(UnicodeScalar($0)).hexDigitValue ?? 0 }
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}

/// What `body` appends.
func written(_ body: (inout ByteBuffer) -> Void) -> [UInt8] { PropertyWriter.bytes(body) }

/// One second in the sessions' unit.
let second: Int64 = 1_000_000_000

/// A session with the means to give it packets as bytes.
struct Peer: ~Copyable {
    var session: Session
    var version: ProtocolVersion
    var output: [UInt8] = []

    /// A session that waits for its CONNECT.
    init(_ version: ProtocolVersion, limits: Limits = Limits(), now: Int64 = 0) {
        session = Session(limits: limits, now: now)
        self.version = version
    }

    /// Gives the session the packet that `bytes` are.
    mutating func receive(_ bytes: [UInt8], now: Int64 = 0) -> SessionAction {
        session.received(decode(bytes, version), in: bytes.span, now: now)
    }

    /// Gives the session the packet that the hexadecimal `text` is.
    mutating func receive(_ text: String, now: Int64 = 0) -> SessionAction { receive(hex(text), now: now) }

    /// Connects and accepts; the CONNACK is in `output`.
    mutating func open(
        _ connect: ConnectPacket? = nil, offer: SessionOffer = SessionOffer(), resuming stored: StoredFlows? = nil,
        now: Int64 = 0
    ) {
        let packet = connect ?? ConnectPacket(version: version, clientID: [0x61])
        let action = receive(written(packet.encode), now: now)
        guard case .open = action else {
            Issue.record("\(action)")
            return
        }
        let assigned: [UInt8] = packet.clientID.isEmpty ? [0x7A] : []
        output = writtenBy { session, buffer in
            session.opened(offer, resuming: stored, assignedClientID: assigned.span, now: now, into: &buffer)
        }
    }

    /// Takes an identifier for a delivery, for which there must be room.
    mutating func send(qos: QoS, token: UInt64) throws -> PacketID {
        let id = session.send(qos: qos, token: token)
        return try #require(id)
    }

    /// What the session appends in `body`.
    mutating func writtenBy(_ body: (inout Session, inout ByteBuffer) -> Void) -> [UInt8] {
        var buffer = ByteBuffer()
        body(&session, &buffer)
        return buffer.bytes.copy(ByteRange(start: 0, byteCount: buffer.count))
    }

    /// What the session says when it is terminated.
    mutating func terminate(_ reason: ReasonCode, because cause: String = "") -> [UInt8] {
        writtenBy { session, buffer in session.terminated(reason, because: cause, into: &buffer) }
    }
}

/// A CONNACK of MQTT 5 with a reason string.
func refusal(_ code: UInt8, _ text: String) -> [UInt8] {
    let count = UInt8(text.utf8.count)
    return [0x20, count + 6, 0, code, count + 3, 0x1F, 0, count] + Array(text.utf8)
}

/// A DISCONNECT with a reason string.
func farewell(_ code: UInt8, _ text: String) -> [UInt8] {
    let count = UInt8(text.utf8.count)
    return [0xE0, count + 5, code, count + 3, 0x1F, 0, count] + Array(text.utf8)
}

/// An open session of `version`.
func openPeer(_ version: ProtocolVersion, offer: SessionOffer = SessionOffer(), receiveMaximum: UInt16? = nil) -> Peer {
    var peer = Peer(version)
    var connect = ConnectPacket(version: version, clientID: [0x61])
    if let receiveMaximum {
        connect.properties = written { PropertyWriter.append(.receiveMaximum, UInt32(receiveMaximum), to: &$0) }
    }
    peer.open(connect, offer: offer)
    return peer
}

/// The packet that `bytes` are, whoever may send it.
func decode(_ bytes: [UInt8], _ version: ProtocolVersion) -> Packet {
    let isFromServer = [0x2, 0x9, 0xB, 0xD].contains(bytes[0] >> 4)
    var decoder = PacketDecoder(side: isFromServer ? .client : .server)
    decoder.version = version
    if !isFromServer, bytes[0] >> 4 != 1 {
        let connect = written(ConnectPacket(version: version, clientID: [0x61]).encode)
        _ = try? decoder.decode(connect.span, from: 0)
    }
    guard let step = try? decoder.decode(bytes.span, from: 0), case .packet(let packet, _) = step else {
        preconditionFailure("a test's packet is no packet: \(bytes)")
    }
    return packet
}

/// A PUBLISH of the topic `t`.
func publish(_ qos: QoS, _ id: PacketID = 1, duplicate: Bool = false, version: ProtocolVersion = .v5) -> [UInt8] {
    let topic: [UInt8] = [0x74]
    return written {
        PacketEncoder.publish(
            into: &$0, topic: topic.span, payload: topic.span, packetID: id, qos: qos, retain: false,
            duplicate: duplicate, properties: Span(), version: version)
    }
}

/// A PUBLISH of MQTT 5 with a topic alias.
func publish(topic: String, alias: UInt16) -> [UInt8] {
    let properties = written { PropertyWriter.append(.topicAlias, UInt32(alias), to: &$0) }
    let name = Array(topic.utf8)
    return written {
        PacketEncoder.publish(
            into: &$0, topic: name.span, payload: Span(), packetID: .none, qos: .atMostOnce,
            retain: false, duplicate: false, properties: properties.span, version: .v5)
    }
}

/// An acknowledgement.
func acknowledgement(
    _ kind: AcknowledgementKind, _ id: PacketID, _ reason: ReasonCode = .success, version: ProtocolVersion = .v5
) -> [UInt8] {
    written {
        PacketEncoder.acknowledgement(into: &$0, kind: kind, packetID: id, reason: reason, version: version)
    }
}

extension SessionAction {
    /// The message to publish, when that is the action.
    var published: PublishAction? {
        guard case .publish(let action) = self else { return nil }
        return action
    }
}
