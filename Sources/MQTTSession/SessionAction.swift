package import MQTTWire
package import SluiceCore

/// What the owner of a session must do next.
///
/// Ranges are indices of the bytes that were given to `Session.received`.
package enum SessionAction: Equatable, Sendable {
    /// Nothing.
    case none
    /// Keep the packet and give it again after `opened`: the client did not wait for its CONNACK, and need not.
    case postpone
    /// Decide on the request, then call `opened` or `refused`.
    indirect case open(ConnectRequest)
    /// Take the next step of the authentication exchange: before the session is open, call `challenged`, `opened` or
    /// `refused`; after that, when the client authenticates again, `challenged`, `authenticated` or `terminated`.
    case authenticate(Packet.Reason)
    /// Call `refused` with the reason.
    case refuse(ReasonCode)
    /// Route and store the message; answer QoS 1 with PUBACK and QoS 2 with PUBREC at the promised durability.
    case publish(PublishAction)
    /// Answer with PUBREC, no sooner than for the first copy of this QoS 2 message; do not store it again.
    case repeated(PacketID)
    /// Make it durable that the identifier is free, then answer with PUBCOMP.
    case release(PacketID)
    /// Answer with PUBCOMP, in MQTT 5 with reason 0x92: no message waits for this PUBREL.
    case releaseUnknown(PacketID)
    /// Answer a PUBREL again whose message was released by an earlier connection of the session.
    case releaseRepeated(PacketID)
    /// The QoS 1 delivery with this token is done.
    case delivered(token: UInt64)
    /// The QoS 2 delivery with this token is done, and its identifier free.
    case completed(PacketID, token: UInt64)
    /// The client refused the delivery with this token, which is done too, and its identifier free.
    case rejected(PacketID, token: UInt64, reason: ReasonCode)
    /// Record that the client has the message, then send PUBREL.
    case sendPubrel(PacketID, token: UInt64)
    /// Send PUBREL, in MQTT 5 with reason 0x92: no delivery has this identifier.
    case sendPubrelUnknown(PacketID)
    /// Subscribe and answer with SUBACK.
    case subscribe(Packet.Subscribe)
    /// Unsubscribe and answer with UNSUBACK.
    case unsubscribe(Packet.Unsubscribe)
    /// Answer with PINGRESP.
    case ping
    /// The client leaves; close the connection.
    case disconnect(DisconnectAction)
    /// Call `terminated` with the fault's reason and close the connection.
    case close(SessionFault)
}

/// A message to route.
package struct PublishAction: Equatable, Sendable, BitwiseCopyable {
    /// Where it goes.
    package var topic: Topic
    /// The application's bytes.
    package var payload: ByteRange
    /// The properties without their length, checked; the topic alias is among them and must not be passed on.
    package var properties: ByteRange
    /// What the acknowledgement refers to; `.none` at QoS 0.
    package var packetID: PacketID
    /// The promise about delivery.
    package var qos: QoS
    /// Whether to keep the message for later subscribers.
    package var retain: Bool
    /// Whether the client sent it before.
    package var duplicate: Bool

    /// A message from its parts.
    package init(
        topic: Topic, payload: ByteRange, properties: ByteRange, packetID: PacketID, qos: QoS, retain: Bool,
        duplicate: Bool
    ) {
        self.topic = topic
        self.payload = payload
        self.properties = properties
        self.packetID = packetID
        self.qos = qos
        self.retain = retain
        self.duplicate = duplicate
    }

    /// The name in the packet, or what the owner made of it before.
    package enum Topic: Equatable, Sendable, BitwiseCopyable {
        /// The name, its characters not validated.
        case name(ByteRange)
        /// The name, its characters not validated; call `bindAlias` with what it resolves to, refused or not.
        case namedAlias(ByteRange, alias: UInt16)
        /// The token that `bindAlias` was given for this packet's alias.
        case token(UInt64)
    }
}

/// How a client left.
package struct DisconnectAction: Equatable, Sendable, BitwiseCopyable {
    /// Why.
    package var reason: ReasonCode
    /// Whether the will is published all the same.
    package var publishesWill: Bool
    /// Seconds that the session lives on; `ConnectRequest.sessionNeverExpires` for ever.
    package var sessionExpirySeconds: UInt32

    /// A way to leave from its parts.
    package init(reason: ReasonCode, publishesWill: Bool, sessionExpirySeconds: UInt32) {
        self.reason = reason
        self.publishesWill = publishesWill
        self.sessionExpirySeconds = sessionExpirySeconds
    }
}
