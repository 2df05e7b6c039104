/// The 27 properties of MQTT 5; the raw value is the identifier on the wire.
///
/// Source: MQTT 5.0 §2.2.2.2, table 2-4.
package enum PropertyID: UInt8, CaseIterable, Sendable, BitwiseCopyable {
    /// Whether the payload is UTF-8.
    case payloadFormatIndicator = 0x01
    /// Seconds until the message is worthless.
    case messageExpiryInterval = 0x02
    /// The payload's MIME type.
    case contentType = 0x03
    /// Where an answer should go.
    case responseTopic = 0x08
    /// What ties an answer to its question.
    case correlationData = 0x09
    /// A number that the subscriber gave its subscription.
    case subscriptionIdentifier = 0x0B
    /// Seconds that the session outlives its connection.
    case sessionExpiryInterval = 0x11
    /// The client identifier that the server chose.
    case assignedClientIdentifier = 0x12
    /// The keep alive that the server demands.
    case serverKeepAlive = 0x13
    /// The name of the authentication method.
    case authenticationMethod = 0x15
    /// What the authentication method exchanges.
    case authenticationData = 0x16
    /// Whether the client wants reason strings and user properties with failures.
    case requestProblemInformation = 0x17
    /// Seconds between the loss of the connection and its will.
    case willDelayInterval = 0x18
    /// Whether the client wants response information.
    case requestResponseInformation = 0x19
    /// What response topics are made from.
    case responseInformation = 0x1A
    /// Another server to use.
    case serverReference = 0x1C
    /// A reason for humans.
    case reasonString = 0x1F
    /// How many unacknowledged QoS 1 and 2 publishes the sender takes.
    case receiveMaximum = 0x21
    /// The largest topic alias that the sender takes.
    case topicAliasMaximum = 0x22
    /// A number in place of the topic name.
    case topicAlias = 0x23
    /// The highest QoS that the server takes.
    case maximumQoS = 0x24
    /// Whether the server has retained messages.
    case retainAvailable = 0x25
    /// A name and a value of the application.
    case userProperty = 0x26
    /// The largest packet that the sender takes.
    case maximumPacketSize = 0x27
    /// Whether the server has wildcard subscriptions.
    case wildcardSubscriptionAvailable = 0x28
    /// Whether the server has subscription identifiers.
    case subscriptionIdentifiersAvailable = 0x29
    /// Whether the server has shared subscriptions.
    case sharedSubscriptionAvailable = 0x2A

    /// How a property's value is written.
    package enum Form: Sendable {
        /// One byte.
        case byte
        /// Two bytes, the most significant first.
        case twoByteInteger
        /// Four bytes, the most significant first.
        case fourByteInteger
        /// One to four bytes of seven bits.
        case variableByteInteger
        /// A length of two bytes and UTF-8.
        case string
        /// A length of two bytes and bytes.
        case binary
        /// Two strings.
        case stringPair
    }

    /// How the value is written.
    package var form: Form {
        switch self {
        case .payloadFormatIndicator, .requestProblemInformation, .requestResponseInformation, .maximumQoS,
            .retainAvailable, .wildcardSubscriptionAvailable, .subscriptionIdentifiersAvailable,
            .sharedSubscriptionAvailable:
            .byte
        case .serverKeepAlive, .receiveMaximum, .topicAliasMaximum, .topicAlias: .twoByteInteger
        case .messageExpiryInterval, .sessionExpiryInterval, .willDelayInterval, .maximumPacketSize: .fourByteInteger
        case .subscriptionIdentifier: .variableByteInteger
        case .contentType, .responseTopic, .assignedClientIdentifier, .authenticationMethod, .responseInformation,
            .serverReference, .reasonString:
            .string
        case .correlationData, .authenticationData: .binary
        case .userProperty: .stringPair
        }
    }

    /// The packets that may carry the property.
    package var places: PropertyPlaces {
        switch self {
        case .payloadFormatIndicator, .messageExpiryInterval, .contentType, .responseTopic, .correlationData:
            [.publishToServer, .publishToClient, .will]
        case .subscriptionIdentifier: [.publishToClient, .subscribe]
        case .sessionExpiryInterval: [.connect, .connack, .disconnectToServer]
        case .assignedClientIdentifier, .serverKeepAlive, .responseInformation, .maximumQoS, .retainAvailable,
            .wildcardSubscriptionAvailable, .subscriptionIdentifiersAvailable, .sharedSubscriptionAvailable:
            .connack
        case .authenticationMethod, .authenticationData: [.connect, .connack, .auth]
        case .requestProblemInformation, .requestResponseInformation: .connect
        case .willDelayInterval: .will
        case .serverReference: [.connack, .disconnectToClient]
        case .reasonString:
            [
                .connack, .puback, .pubrec, .pubrel, .pubcomp, .suback, .unsuback, .disconnectToServer,
                .disconnectToClient, .auth,
            ]
        case .receiveMaximum, .topicAliasMaximum, .maximumPacketSize: [.connect, .connack]
        case .topicAlias: [.publishToServer, .publishToClient]
        case .userProperty: .all
        }
    }

    /// Whether the property may appear more than once in packets at `place`.
    package func isRepeatable(at place: PropertyPlaces) -> Bool {
        switch self {
        case .userProperty: true
        // A PUBLISH that matches several subscriptions carries the identifier of each.
        case .subscriptionIdentifier: place == .publishToClient
        case .payloadFormatIndicator, .messageExpiryInterval, .contentType, .responseTopic, .correlationData,
            .sessionExpiryInterval, .assignedClientIdentifier, .serverKeepAlive, .authenticationMethod,
            .authenticationData, .requestProblemInformation, .willDelayInterval, .requestResponseInformation,
            .responseInformation, .serverReference, .reasonString, .receiveMaximum, .topicAliasMaximum, .topicAlias,
            .maximumQoS, .retainAvailable, .maximumPacketSize, .wildcardSubscriptionAvailable,
            .subscriptionIdentifiersAvailable, .sharedSubscriptionAvailable:
            false
        }
    }

    /// Whether the integer `value` is one that the property may have.
    package func isAllowed(_ value: UInt32) -> Bool {
        switch self {
        case .payloadFormatIndicator, .requestProblemInformation, .requestResponseInformation, .maximumQoS,
            .retainAvailable, .wildcardSubscriptionAvailable, .subscriptionIdentifiersAvailable,
            .sharedSubscriptionAvailable:
            value <= 1
        case .receiveMaximum, .maximumPacketSize, .subscriptionIdentifier, .topicAlias: value != 0
        case .messageExpiryInterval, .contentType, .responseTopic, .correlationData, .sessionExpiryInterval,
            .assignedClientIdentifier, .serverKeepAlive, .authenticationMethod, .authenticationData,
            .willDelayInterval, .responseInformation, .serverReference, .reasonString, .topicAliasMaximum,
            .userProperty:
            true
        }
    }
}

/// The packets that carry properties, by direction where the rules differ.
package struct PropertyPlaces: OptionSet, Hashable, Sendable, BitwiseCopyable {
    /// One bit for each place.
    package var rawValue: UInt16

    /// A set from its bits.
    package init(rawValue: UInt16) { self.rawValue = rawValue }

    /// CONNECT.
    package static let connect = PropertyPlaces(rawValue: 1 << 0)
    /// The will in CONNECT.
    package static let will = PropertyPlaces(rawValue: 1 << 1)
    /// CONNACK.
    package static let connack = PropertyPlaces(rawValue: 1 << 2)
    /// PUBLISH from a client.
    package static let publishToServer = PropertyPlaces(rawValue: 1 << 3)
    /// PUBLISH from a server.
    package static let publishToClient = PropertyPlaces(rawValue: 1 << 4)
    /// PUBACK.
    package static let puback = PropertyPlaces(rawValue: 1 << 5)
    /// PUBREC.
    package static let pubrec = PropertyPlaces(rawValue: 1 << 6)
    /// PUBREL.
    package static let pubrel = PropertyPlaces(rawValue: 1 << 7)
    /// PUBCOMP.
    package static let pubcomp = PropertyPlaces(rawValue: 1 << 8)
    /// SUBSCRIBE.
    package static let subscribe = PropertyPlaces(rawValue: 1 << 9)
    /// SUBACK.
    package static let suback = PropertyPlaces(rawValue: 1 << 10)
    /// UNSUBSCRIBE.
    package static let unsubscribe = PropertyPlaces(rawValue: 1 << 11)
    /// UNSUBACK.
    package static let unsuback = PropertyPlaces(rawValue: 1 << 12)
    /// DISCONNECT from a client.
    package static let disconnectToServer = PropertyPlaces(rawValue: 1 << 13)
    /// DISCONNECT from a server.
    package static let disconnectToClient = PropertyPlaces(rawValue: 1 << 14)
    /// AUTH.
    package static let auth = PropertyPlaces(rawValue: 1 << 15)
    /// Every packet that carries properties.
    package static let all = PropertyPlaces(rawValue: .max)
}
