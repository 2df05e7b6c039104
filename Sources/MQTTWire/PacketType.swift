/// The control packets of MQTT; the raw value is the upper half of a packet's first byte.
///
/// Source: MQTT 5.0 §2.1.2.
package enum PacketType: UInt8, CaseIterable, Sendable, BitwiseCopyable {
    /// A client asks to open a session.
    case connect = 1
    /// The server answers a CONNECT.
    case connack = 2
    /// An application message, either way.
    case publish = 3
    /// Ends a QoS 1 delivery.
    case puback = 4
    /// Second packet of a QoS 2 delivery.
    case pubrec = 5
    /// Third packet of a QoS 2 delivery.
    case pubrel = 6
    /// Ends a QoS 2 delivery.
    case pubcomp = 7
    /// A client asks for messages.
    case subscribe = 8
    /// The server answers a SUBSCRIBE.
    case suback = 9
    /// A client ends subscriptions.
    case unsubscribe = 10
    /// The server answers an UNSUBSCRIBE.
    case unsuback = 11
    /// A client asks whether the server lives.
    case pingreq = 12
    /// The server lives.
    case pingresp = 13
    /// Ends the connection; only a client may send it before MQTT 5.
    case disconnect = 14
    /// Extended authentication, MQTT 5 only.
    case auth = 15

    /// The lower half of the first byte that the specification fixes; nil for PUBLISH, whose flags mean something.
    ///
    /// Source: MQTT 5.0 §2.1.3 [MQTT-2.1.3-1].
    var reservedFlags: UInt8? {
        switch self {
        case .publish: nil
        case .pubrel, .subscribe, .unsubscribe: 0b0010
        case .connect, .connack, .puback, .pubrec, .pubcomp, .suback, .unsuback, .pingreq, .pingresp, .disconnect,
            .auth:
            0
        }
    }

    /// Whether MQTT 3.1 peers may set the reserved flags: they meant DUP and QoS there, and mosquitto ignores them.
    var ignoresFlagsInVersion31: Bool {
        switch self {
        case .connect, .pubrel, .subscribe, .unsubscribe: true
        case .connack, .publish, .puback, .pubrec, .pubcomp, .suback, .unsuback, .pingreq, .pingresp, .disconnect,
            .auth:
            false
        }
    }

    /// Whether `side` may receive this packet in `version`.
    func isReceivable(by side: Side, version: ProtocolVersion) -> Bool {
        switch self {
        case .publish, .puback, .pubrec, .pubrel, .pubcomp: true
        case .connect, .subscribe, .unsubscribe, .pingreq: side == .server
        case .connack, .suback, .unsuback, .pingresp: side == .client
        case .disconnect: side == .server || version == .v5
        case .auth: version == .v5
        }
    }

    /// The first byte of a packet of this type with its reserved flags.
    var firstByte: UInt8 { rawValue << 4 | (reservedFlags ?? 0) }
}

/// Which end of a connection a decoder sits at.
package enum Side: Sendable {
    /// Decodes what clients send.
    case server
    /// Decodes what servers send.
    case client
}
