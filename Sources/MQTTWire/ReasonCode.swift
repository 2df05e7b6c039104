/// An MQTT 5 reason code: below 0x80 success, from 0x80 failure.
///
/// A struct rather than an enum, because one number means different things in different packets (0x00 is "Success",
/// "Normal disconnection" and "Granted QoS 0") and a proxy must carry numbers that it does not know.
/// Source: MQTT 5.0 §2.4.
@usableFromInline
package struct ReasonCode: RawRepresentable, Hashable, Sendable, BitwiseCopyable {
    /// The number on the wire.
    @usableFromInline package var rawValue: UInt8

    /// Wraps a raw number.
    @inlinable @inline(__always)
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Whether the code reports a failure.
    @inlinable @inline(__always)
    package var isFailure: Bool { rawValue >= 0x80 }

    /// Success; also a normal disconnection and granted QoS 0.
    package static let success = ReasonCode(rawValue: 0x00)
    /// The subscription is granted at QoS 0.
    package static let grantedQoS0 = ReasonCode(rawValue: 0x00)
    /// The subscription is granted at QoS 1.
    package static let grantedQoS1 = ReasonCode(rawValue: 0x01)
    /// The subscription is granted at QoS 2.
    package static let grantedQoS2 = ReasonCode(rawValue: 0x02)
    /// The client leaves and wants its will published.
    package static let disconnectWithWill = ReasonCode(rawValue: 0x04)
    /// The message was accepted and nobody subscribes to it.
    package static let noMatchingSubscribers = ReasonCode(rawValue: 0x10)
    /// There was no such subscription to end.
    package static let noSubscriptionExisted = ReasonCode(rawValue: 0x11)
    /// Authentication goes on.
    package static let continueAuthentication = ReasonCode(rawValue: 0x18)
    /// The client wants to authenticate again.
    package static let reauthenticate = ReasonCode(rawValue: 0x19)
    /// A failure without a reason.
    package static let unspecifiedError = ReasonCode(rawValue: 0x80)
    /// Bytes that the specification does not allow.
    package static let malformedPacket = ReasonCode(rawValue: 0x81)
    /// A packet at the wrong time, or a value not allowed.
    package static let protocolError = ReasonCode(rawValue: 0x82)
    /// Valid, and the receiver does not take it.
    package static let implementationSpecificError = ReasonCode(rawValue: 0x83)
    /// The server does not speak this version.
    package static let unsupportedProtocolVersion = ReasonCode(rawValue: 0x84)
    /// The server does not allow this client identifier.
    package static let clientIdentifierNotValid = ReasonCode(rawValue: 0x85)
    /// The user name or password is wrong.
    package static let badUserNameOrPassword = ReasonCode(rawValue: 0x86)
    /// The client may not do this.
    package static let notAuthorized = ReasonCode(rawValue: 0x87)
    /// The server cannot take connections.
    package static let serverUnavailable = ReasonCode(rawValue: 0x88)
    /// Try again later.
    package static let serverBusy = ReasonCode(rawValue: 0x89)
    /// The client is banned.
    package static let banned = ReasonCode(rawValue: 0x8A)
    /// The server stops.
    package static let serverShuttingDown = ReasonCode(rawValue: 0x8B)
    /// The server does not know the authentication method, or it is not the one agreed on.
    package static let badAuthenticationMethod = ReasonCode(rawValue: 0x8C)
    /// Nothing was heard for 1.5 times the keep alive.
    package static let keepAliveTimeout = ReasonCode(rawValue: 0x8D)
    /// Another connection took this session over.
    package static let sessionTakenOver = ReasonCode(rawValue: 0x8E)
    /// The topic filter is not accepted.
    package static let topicFilterInvalid = ReasonCode(rawValue: 0x8F)
    /// The topic name is not accepted.
    package static let topicNameInvalid = ReasonCode(rawValue: 0x90)
    /// The packet identifier is already taken.
    package static let packetIdentifierInUse = ReasonCode(rawValue: 0x91)
    /// The packet identifier is not known.
    package static let packetIdentifierNotFound = ReasonCode(rawValue: 0x92)
    /// More unacknowledged publishes than the Receive Maximum.
    package static let receiveMaximumExceeded = ReasonCode(rawValue: 0x93)
    /// A topic alias of 0 or above the maximum.
    package static let topicAliasInvalid = ReasonCode(rawValue: 0x94)
    /// The packet is larger than the receiver takes.
    package static let packetTooLarge = ReasonCode(rawValue: 0x95)
    /// Too many messages in too short a time.
    package static let messageRateTooHigh = ReasonCode(rawValue: 0x96)
    /// A limit of the receiver is reached.
    package static let quotaExceeded = ReasonCode(rawValue: 0x97)
    /// Closed by an operator.
    package static let administrativeAction = ReasonCode(rawValue: 0x98)
    /// The payload is not of the format it claims.
    package static let payloadFormatInvalid = ReasonCode(rawValue: 0x99)
    /// The server has no retained messages.
    package static let retainNotSupported = ReasonCode(rawValue: 0x9A)
    /// The server does not take this QoS.
    package static let qosNotSupported = ReasonCode(rawValue: 0x9B)
    /// Use another server for now.
    package static let useAnotherServer = ReasonCode(rawValue: 0x9C)
    /// Use another server from now on.
    package static let serverMoved = ReasonCode(rawValue: 0x9D)
    /// The server has no shared subscriptions.
    package static let sharedSubscriptionsNotSupported = ReasonCode(rawValue: 0x9E)
    /// Too many connections in too short a time.
    package static let connectionRateExceeded = ReasonCode(rawValue: 0x9F)
    /// The connection lasted longer than is allowed.
    package static let maximumConnectTime = ReasonCode(rawValue: 0xA0)
    /// The server has no subscription identifiers.
    package static let subscriptionIdentifiersNotSupported = ReasonCode(rawValue: 0xA1)
    /// The server has no wildcard subscriptions.
    package static let wildcardSubscriptionsNotSupported = ReasonCode(rawValue: 0xA2)
}

extension ReasonCode {
    /// Whether the specification lists this code for packets of `type` in MQTT 5.
    ///
    /// Source: MQTT 5.0 §2.4, table 2-6; DISCONNECT §3.14.2.1.
    package func isDefined(for type: PacketType) -> Bool {
        switch type {
        case .connack:
            switch rawValue {
            case 0x00, 0x80...0x8A, 0x8C, 0x90, 0x95, 0x97, 0x99...0x9D, 0x9F: true
            default: false
            }
        case .puback, .pubrec:
            switch rawValue {
            case 0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99: true
            default: false
            }
        case .pubrel, .pubcomp: rawValue == 0x00 || rawValue == 0x92
        case .suback:
            switch rawValue {
            case 0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2: true
            default: false
            }
        case .unsuback:
            switch rawValue {
            case 0x00, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91: true
            default: false
            }
        case .disconnect:
            switch rawValue {
            case 0x00, 0x04, 0x80...0x83, 0x87, 0x89, 0x8B...0x90, 0x93...0xA2: true
            default: false
            }
        case .auth: rawValue == 0x00 || rawValue == 0x18 || rawValue == 0x19
        case .connect, .publish, .subscribe, .unsubscribe, .pingreq, .pingresp: false
        }
    }

    /// The CONNACK return code that MQTT 3.1 and 3.1.1 have for this reason; 0 for success.
    ///
    /// Source: MQTT 3.1.1 §3.2.2.3.
    package var version3ReturnCode: UInt8 {
        switch rawValue {
        case 0x00..<0x80: 0
        case 0x84: 1
        case 0x85: 2
        case 0x86: 4
        case 0x87, 0x8A, 0x8C: 5
        default: 3
        }
    }
}
