package import MQTTWire
package import SluiceCore

/// What the server lets a client do; a CONNACK of MQTT 5 announces what differs from the protocol's defaults.
///
/// Source: MQTT 5.0 §3.2.2.3.
package struct SessionOffer: Equatable, Sendable {
    /// How many unacknowledged QoS 1 and 2 publishes are taken; MQTT 5 clients are held to it.
    package var receiveMaximum: UInt16
    /// The largest packet that is taken.
    package var maximumPacketSize: UInt32
    /// The largest topic alias that is taken.
    package var topicAliasMaximum: UInt16
    /// How many unacknowledged deliveries are made, unless the client takes fewer.
    package var inflightOutboundMax: UInt16
    /// The highest QoS that PUBLISH may have, and that is granted.
    package var maximumQoS = QoS.exactlyOnce
    /// Whether PUBLISH may have RETAIN set.
    package var isRetainAvailable = false
    /// Whether filters may have wildcards.
    package var areWildcardsAvailable = true
    /// Whether SUBSCRIBE may carry an identifier.
    package var areSubscriptionIdentifiersAvailable = false
    /// Whether `$share/` filters are taken.
    package var areSharedSubscriptionsAvailable = false
    /// The longest keep alive that is granted, nil for any. MQTT 5 clients are told; others cannot be, and are
    /// honoured.
    package var keepAliveSecondsMax: UInt16?
    /// The longest session expiry that is granted, nil for any.
    package var sessionExpirySecondsMax: UInt32?

    /// The offer that follows from `limits`.
    package init(limits: Limits = Limits()) {
        receiveMaximum = UInt16(clamping: limits.inflightInboundMax)
        maximumPacketSize = UInt32(clamping: limits.packetBytesMax)
        topicAliasMaximum = UInt16(clamping: limits.topicAliasesMax)
        inflightOutboundMax = UInt16(clamping: limits.inflightOutboundMax)
        maximumQoS = limits.qosMax == 2 ? .exactlyOnce : limits.qosMax == 1 ? .atLeastOnce : .atMostOnce
        keepAliveSecondsMax = limits.keepAliveSecondsMax.map { UInt16(clamping: $0) }
        sessionExpirySecondsMax = limits.sessionSecondsMax.map { UInt32(clamping: $0) }
        precondition(receiveMaximum > 0 && maximumPacketSize > 0 && inflightOutboundMax > 0)
    }

    /// The keep alive that holds for a client which asks for `seconds`.
    func keepAliveSeconds(asked seconds: UInt16, version: ProtocolVersion) -> UInt16 {
        guard version == .v5, let longest = keepAliveSecondsMax else { return seconds }
        return seconds == 0 ? longest : min(seconds, longest)
    }

    /// The session expiry that holds for a client which asks for `seconds`.
    package func sessionExpirySeconds(asked seconds: UInt32) -> UInt32 { min(seconds, sessionExpirySecondsMax ?? .max) }

    /// The CONNACK properties for `request`.
    func properties(for request: SessionPeer, assignedClientID: Span<UInt8>) -> [UInt8] {
        PropertyWriter.bytes { buffer in
            func put(_ id: PropertyID, _ value: UInt32, unless standard: UInt32) {
                if value != standard { PropertyWriter.append(id, value, to: &buffer) }
            }
            let expiry = sessionExpirySeconds(asked: request.sessionExpirySeconds)
            put(.sessionExpiryInterval, expiry, unless: request.sessionExpirySeconds)
            put(.receiveMaximum, UInt32(receiveMaximum), unless: 65_535)
            put(.maximumQoS, UInt32(maximumQoS.rawValue), unless: 2)
            put(.retainAvailable, isRetainAvailable ? 1 : 0, unless: 1)
            PropertyWriter.append(.maximumPacketSize, maximumPacketSize, to: &buffer)
            if !assignedClientID.isEmpty {
                PropertyWriter.append(.assignedClientIdentifier, assignedClientID, to: &buffer)
            }
            put(.topicAliasMaximum, UInt32(topicAliasMaximum), unless: 0)
            put(.wildcardSubscriptionAvailable, areWildcardsAvailable ? 1 : 0, unless: 1)
            put(.subscriptionIdentifiersAvailable, areSubscriptionIdentifiersAvailable ? 1 : 0, unless: 1)
            put(.sharedSubscriptionAvailable, areSharedSubscriptionsAvailable ? 1 : 0, unless: 1)
            let keepAlive = keepAliveSeconds(asked: request.keepAliveSeconds, version: .v5)
            put(.serverKeepAlive, UInt32(keepAlive), unless: UInt32(request.keepAliveSeconds))
        }
    }
}

/// What a session remembers of its CONNECT and of the offer that was made.
struct SessionPeer: Equatable, BitwiseCopyable {
    var version: ProtocolVersion
    var needsClientID: Bool
    var requestsProblemInformation: Bool
    var isRetainAvailable = false
    var maximumQoS = QoS.exactlyOnce
    /// Whether the connection began with an exchange, and may repeat it.
    var hasMethod: Bool
    var keepAliveSeconds: UInt16
    /// The client's Receive Maximum.
    var receiveMaximum: UInt16
    /// The client's Topic Alias Maximum.
    var topicAliasMaximum: UInt16
    var sessionExpirySeconds: UInt32
    /// The client's Maximum Packet Size.
    var maximumPacketSize: UInt32

    init(_ request: ConnectRequest) {
        version = request.version
        needsClientID = request.clientID.isEmpty
        requestsProblemInformation = request.requestsProblemInformation
        hasMethod = request.authenticationMethod != nil
        keepAliveSeconds = request.keepAliveSeconds
        receiveMaximum = request.receiveMaximum
        topicAliasMaximum = request.topicAliasMaximum
        sessionExpirySeconds = request.sessionExpirySeconds
        maximumPacketSize = request.maximumPacketSize
    }
}
