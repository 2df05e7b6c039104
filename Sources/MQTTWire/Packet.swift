package import SluiceCore

/// A decoded packet: numbers, and ranges of the span that it was decoded from.
///
/// Invariants: everything the decoder promises was checked (see `PacketDecoder`); no case owns memory.
package enum Packet: Equatable, Sendable, BitwiseCopyable {
    /// A client opens its session.
    case connect(Connect)
    /// The server's answer to CONNECT.
    case connack(Connack)
    /// An application message.
    case publish(Publish)
    /// PUBACK, PUBREC, PUBREL or PUBCOMP.
    case acknowledgement(Acknowledgement)
    /// A client asks for messages.
    case subscribe(Subscribe)
    /// The server's answer to SUBSCRIBE.
    case suback(ReasonList)
    /// A client ends subscriptions.
    case unsubscribe(Unsubscribe)
    /// The server's answer to UNSUBSCRIBE.
    case unsuback(ReasonList)
    /// A client asks whether the server lives.
    case pingRequest
    /// The server lives.
    case pingResponse
    /// The end of the connection.
    case disconnect(Reason)
    /// A step of extended authentication.
    case auth(Reason)
}

extension Packet {
    /// PUBLISH.
    ///
    /// The topic name is not validated: whoever caches topics by their bytes calls `TopicSyntax.validateName` once for
    /// each name. It is empty only in MQTT 5 and only with an alias.
    package struct Publish: Equatable, Sendable, BitwiseCopyable {
        /// The topic name.
        package var topic: ByteRange
        /// The application's bytes.
        package var payload: ByteRange
        /// The properties without their length, checked.
        package var properties: ByteRange
        /// The identifier; `.none` at QoS 0.
        package var packetID: PacketID
        /// The topic alias, 0 for none.
        package var topicAlias: UInt16
        /// The promise about delivery.
        package var qos: QoS
        /// Whether to keep the message for later subscribers; whether it was kept.
        package var retain: Bool
        /// Whether the sender sent it before.
        package var duplicate: Bool
    }

    /// The four acknowledgements have one shape.
    package struct Acknowledgement: Equatable, Sendable, BitwiseCopyable {
        /// Which one.
        package var kind: AcknowledgementKind
        /// What it acknowledges.
        package var packetID: PacketID
        /// How it went; success before MQTT 5.
        package var reason: ReasonCode
        /// The properties without their length, checked.
        package var properties: ByteRange
    }

    /// CONNECT.
    package struct Connect: Equatable, Sendable, BitwiseCopyable {
        /// The client identifier, may be empty.
        package var clientID: ByteRange
        /// The properties without their length, checked.
        package var properties: ByteRange
        /// The will's topic, a valid name; empty without a will.
        package var willTopic: ByteRange
        /// The will's payload.
        package var willPayload: ByteRange
        /// The will's properties without their length, checked.
        package var willProperties: ByteRange
        /// The user name, when `hasUserName`.
        package var userName: ByteRange
        /// The password, when `hasPassword`.
        package var password: ByteRange
        /// Seconds of silence that the client promises not to exceed; 0 for no promise.
        package var keepAliveSeconds: UInt16
        /// The version that the client speaks.
        package var version: ProtocolVersion
        /// The will's QoS.
        package var willQoS: QoS
        /// Clean start in MQTT 5, clean session before.
        package var cleanStart: Bool
        /// Whether there is a will.
        package var hasWill: Bool
        /// Whether the will is to be retained.
        package var willRetain: Bool
        /// Whether there is a user name.
        package var hasUserName: Bool
        /// Whether there is a password.
        package var hasPassword: Bool
        /// Whether the client says that it is another broker's bridge: bit 7 of the protocol level, mosquitto's way.
        package var isBridge = false
    }

    /// CONNACK.
    package struct Connack: Equatable, Sendable, BitwiseCopyable {
        /// Whether the server has state of this session.
        package var sessionPresent: Bool
        /// The reason code of MQTT 5, the return code of 3.1 and 3.1.1.
        package var code: UInt8
        /// The properties without their length, checked.
        package var properties: ByteRange
    }

    /// SUBSCRIBE; `SubscriptionReader` walks its filters.
    package struct Subscribe: Equatable, Sendable, BitwiseCopyable {
        /// What SUBACK will refer to.
        package var packetID: PacketID
        /// The properties without their length, checked.
        package var properties: ByteRange
        /// The filters with their options, checked.
        package var filters: ByteRange
        /// How many filters there are; at least one.
        package var filterCount: UInt32
    }

    /// UNSUBSCRIBE; `FilterReader` walks its filters.
    package struct Unsubscribe: Equatable, Sendable, BitwiseCopyable {
        /// What UNSUBACK will refer to.
        package var packetID: PacketID
        /// The properties without their length, checked.
        package var properties: ByteRange
        /// The filters, checked.
        package var filters: ByteRange
        /// How many filters there are; at least one.
        package var filterCount: UInt32
    }

    /// SUBACK and UNSUBACK.
    package struct ReasonList: Equatable, Sendable, BitwiseCopyable {
        /// What is answered.
        package var packetID: PacketID
        /// The properties without their length, checked.
        package var properties: ByteRange
        /// One code a filter, in order; none in UNSUBACK before MQTT 5.
        package var codes: ByteRange
    }

    /// DISCONNECT and AUTH.
    package struct Reason: Equatable, Sendable, BitwiseCopyable {
        /// Why; success before MQTT 5.
        package var reason: ReasonCode
        /// The properties without their length, checked.
        package var properties: ByteRange
    }
}

/// The packets that acknowledge a PUBLISH or each other; the raw value is the packet type.
package enum AcknowledgementKind: UInt8, CaseIterable, Sendable, BitwiseCopyable {
    /// Ends a QoS 1 delivery.
    case puback = 4
    /// The receiver of a QoS 2 message has it.
    case pubrec = 5
    /// The sender of a QoS 2 message forgets it.
    case pubrel = 6
    /// The receiver of a QoS 2 message forgets its identifier.
    case pubcomp = 7

    /// The packet's type.
    package var packetType: PacketType {
        switch self {
        case .puback: .puback
        case .pubrec: .pubrec
        case .pubrel: .pubrel
        case .pubcomp: .pubcomp
        }
    }

    var place: PropertyPlaces {
        switch self {
        case .puback: .puback
        case .pubrec: .pubrec
        case .pubrel: .pubrel
        case .pubcomp: .pubcomp
        }
    }
}
