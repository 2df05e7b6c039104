import Administration
import MQTTSession
import MQTTWire
import SluiceCore

/// A packet as members of a document, for who watches a connection: everything but secrets, and payloads where they are
/// asked for.
struct PacketReport {
    /// Bytes of a payload that are shown.
    private static let payloadBytesMax = 1024

    private(set) var members: [String: JSON] = [:]
    /// The topic of a PUBLISH that has one.
    private(set) var topic: [UInt8]?
    private var payload: [UInt8]?

    /// A packet in the bytes that it was decoded from.
    init(_ packet: Packet, _ bytes: Span<UInt8>) {
        switch packet {
        case .connect: name("CONNECT")
        case .connack(let connack):
            name("CONNACK")
            members["code"] = .integer(Int64(connack.code))
            members["session_present"] = .bool(connack.sessionPresent)
        case .publish(let publish): take(publish, bytes)
        case .acknowledgement(let acknowledgement):
            name("\(acknowledgement.kind)".uppercased(), acknowledgement.packetID)
            members["code"] = .integer(Int64(acknowledgement.reason.rawValue))
        case .subscribe(let subscribe):
            name("SUBSCRIBE", subscribe.packetID)
            var filters: [JSON] = []
            var reader = SubscriptionReader(bytes, subscribe)
            while let (filter, options) = reader.next() {
                filters.append(
                    .members([
                        "filter": .string(Self.text(bytes.copy(filter))), "qos": .integer(Int64(options.qos.rawValue)),
                    ]))
            }
            members["filters"] = .array(filters)
        case .suback(let list): take(list, "SUBACK", bytes)
        case .unsubscribe(let unsubscribe): name("UNSUBSCRIBE", unsubscribe.packetID)
        case .unsuback(let list): take(list, "UNSUBACK", bytes)
        case .pingRequest: name("PINGREQ")
        case .pingResponse: name("PINGRESP")
        case .disconnect(let reason):
            name("DISCONNECT")
            members["code"] = .integer(Int64(reason.reason.rawValue))
        case .auth(let reason):
            name("AUTH")
            members["code"] = .integer(Int64(reason.reason.rawValue))
        }
    }

    /// What a client has asked for that is let in now.
    init(opening request: ConnectRequest) {
        name("CONNECT")
        members["version"] = .integer(Int64(request.version.rawValue))
        members["clean"] = .bool(request.cleanStart)
        members["keep_alive"] = .integer(Int64(request.keepAliveSeconds))
        if let will = request.will { members["will"] = .string(Self.text(will.topic)) }
    }

    /// The end of a connection.
    init(ended cause: String?) {
        name("CLOSED")
        members["reason"] = .string(cause ?? "the connection was lost")
    }

    /// The document's members, with the payload where it is to be shown.
    func members(showingPayload: Bool) -> [String: JSON] {
        guard showingPayload, let payload else { return members }
        var members = members
        let shown = Array(payload.prefix(Self.payloadBytesMax))
        if let text = String(validating: shown, as: UTF8.self) {
            members["payload"] = .string(text)
        } else {
            members["payload"] = .string(Base64.text(shown))
            members["encoding"] = .string("base64")
        }
        return members
    }

    private mutating func name(_ name: String, _ id: PacketID = .none) {
        members["packet"] = .string(name)
        if id != .none { members["id"] = .integer(Int64(id.rawValue)) }
    }

    private mutating func take(_ publish: Packet.Publish, _ bytes: Span<UInt8>) {
        name("PUBLISH", publish.packetID)
        let name = bytes.copy(publish.topic)
        if name.isEmpty {
            members["alias"] = .integer(Int64(publish.topicAlias))
        } else {
            topic = name
            members["topic"] = .string(Self.text(name))
        }
        members["qos"] = .integer(Int64(publish.qos.rawValue))
        if publish.retain { members["retain"] = .bool(true) }
        if publish.duplicate { members["dup"] = .bool(true) }
        members["bytes"] = .integer(Int64(publish.payload.byteCount))
        payload = bytes.copy(publish.payload)
    }

    private mutating func take(_ list: Packet.ReasonList, _ name: String, _ bytes: Span<UInt8>) {
        self.name(name, list.packetID)
        members["codes"] = .array(bytes.copy(list.codes).map { .integer(Int64($0)) })
    }

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
