package import MQTTWire

/// Why a session must close its connection: a rule between packets that the client broke, or a time that passed.
package enum SessionFault: UInt8, CaseIterable, Error, Sendable, CustomStringConvertible {
    /// The first packet is not CONNECT.
    case connectExpected
    /// A second CONNECT.
    case connectRepeated
    /// A packet that only servers send.
    case packetFromWrongSide
    /// No CONNECT within `Limits.connectSecondsMax`.
    case connectTimeout
    /// Nothing for 1.5 times the keep alive.
    case keepAliveTimeout
    /// A topic alias above the maximum that the client was told.
    case topicAliasInvalid
    /// A topic alias that stands for nothing yet.
    case topicAliasUnknown
    /// A retained PUBLISH to a server that has no retained messages: it must not be taken as another.
    case retainNotSupported
    /// A PUBLISH above the highest QoS that the server takes.
    case qosNotSupported
    /// An acknowledgement of another kind than the delivery's QoS calls for.
    case acknowledgementMismatch
    /// A DISCONNECT that gives a session an expiry which had none.
    case sessionExpiryForbidden
    /// Anything but the next step of an authentication exchange.
    case authenticationExpected
    /// AUTH, and no authentication method was agreed on.
    case authenticationUnexpected

    /// What a DISCONNECT says.
    package var reasonCode: ReasonCode {
        switch self {
        case .connectExpected, .connectRepeated, .packetFromWrongSide, .topicAliasUnknown, .acknowledgementMismatch,
            .sessionExpiryForbidden, .authenticationExpected:
            .protocolError
        case .connectTimeout, .keepAliveTimeout: .keepAliveTimeout
        case .topicAliasInvalid: .topicAliasInvalid
        case .retainNotSupported: .retainNotSupported
        case .qosNotSupported: .qosNotSupported
        case .authenticationUnexpected: .badAuthenticationMethod
        }
    }

    /// The clause that was broken, as the specification names it.
    package var clause: StaticString {
        switch self {
        case .connectExpected: "MQTT-3.1.0-1"
        case .connectRepeated: "MQTT-3.1.0-2"
        case .packetFromWrongSide: "MQTT 5.0 §2.1.2"
        case .connectTimeout: "MQTT 5.0 §3.1.4"
        case .keepAliveTimeout: "MQTT-3.1.2-22"
        case .topicAliasInvalid: "MQTT-3.3.2-9"
        case .topicAliasUnknown: "MQTT 5.0 §3.3.2.3.4"
        case .retainNotSupported: "MQTT-3.2.2-14"
        case .qosNotSupported: "MQTT-3.2.2-11"
        case .acknowledgementMismatch: "MQTT-4.3.3-1"
        case .sessionExpiryForbidden: "MQTT 5.0 §3.14.2.2.2"
        case .authenticationExpected: "MQTT-3.1.2-30"
        case .authenticationUnexpected: "MQTT-4.12.0-1"
        }
    }

    /// What happened, in a few words.
    package var summary: StaticString {
        switch self {
        case .connectExpected: "first packet is not CONNECT"
        case .connectRepeated: "second CONNECT"
        case .packetFromWrongSide: "packet type that clients must not send"
        case .connectTimeout: "no CONNECT in time"
        case .keepAliveTimeout: "keep alive exceeded"
        case .topicAliasInvalid: "topic alias above the maximum"
        case .topicAliasUnknown: "unknown topic alias"
        case .retainNotSupported: "retained messages not supported"
        case .qosNotSupported: "QoS above the maximum"
        case .acknowledgementMismatch: "acknowledgement of the wrong kind"
        case .sessionExpiryForbidden: "session expiry set by DISCONNECT"
        case .authenticationExpected: "expected the next step of the authentication"
        case .authenticationUnexpected: "AUTH without a method"
        }
    }

    /// One line for the log.
    package var description: String { "\(summary) [\(clause)]" }
}
