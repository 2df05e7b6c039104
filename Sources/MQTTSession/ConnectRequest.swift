package import MQTTWire
import SluiceCore

/// What a client asks for in its CONNECT, as an owned copy: the decision may take longer than its bytes live.
package struct ConnectRequest: Equatable, Sendable {
    /// The version that the client speaks.
    package var version: ProtocolVersion
    /// The client identifier in UTF-8; empty when the owner must assign one.
    package var clientID: [UInt8]
    /// Whether an earlier session of this client is to be forgotten.
    package var cleanStart: Bool
    /// Seconds of silence that the client promises not to exceed; 0 for no promise.
    package var keepAliveSeconds: UInt16
    /// Seconds that the session outlives its connection; `sessionNeverExpires` for ever. Before MQTT 5 a clean session
    /// has 0 and any other lives for ever.
    package var sessionExpirySeconds: UInt32
    /// How many unacknowledged QoS 1 and 2 publishes the client takes; 65,535 when it does not say.
    package var receiveMaximum: UInt16 = .max
    /// The largest packet that the client takes; `UInt32.max` when it does not say.
    package var maximumPacketSize: UInt32 = .max
    /// The largest topic alias that the client takes.
    package var topicAliasMaximum: UInt16 = 0
    /// Whether the client wants reason strings and user properties with failures.
    package var requestsProblemInformation = true
    /// Whether the client wants response information.
    package var requestsResponseInformation = false
    /// What to publish if the connection is lost, with its encoded properties.
    package var will: ConnectPacket.Will?
    /// Seconds between the loss of the connection and the will.
    package var willDelaySeconds: UInt32 = 0
    /// Whether the client is another broker's bridge.
    package var isBridge = false
    /// The user name in UTF-8.
    package var userName: [UInt8]?
    /// The password.
    package var password: [UInt8]?
    /// The authentication method in UTF-8, when the client asks for an exchange.
    package var authenticationMethod: [UInt8]?
    /// What the exchange begins with.
    package var authenticationData: [UInt8] = []
    /// All properties of the packet, encoded, without their length.
    package var properties: [UInt8]

    /// The expiry of a session that is kept for ever.
    package static let sessionNeverExpires = UInt32.max

    /// The request in `view`, decoded from `bytes`.
    package init(_ view: Packet.Connect, in bytes: Span<UInt8>) {
        let packet = ConnectPacket(view, in: bytes)
        version = packet.version
        clientID = packet.clientID
        cleanStart = packet.cleanStart
        keepAliveSeconds = packet.keepAliveSeconds
        sessionExpirySeconds = packet.version == .v5 || packet.cleanStart ? 0 : Self.sessionNeverExpires
        isBridge = packet.isBridge
        will = packet.will
        userName = packet.userName
        password = packet.password
        properties = packet.properties
        var reader = PropertyReader(bytes, view.properties)
        while let property = reader.next() { take(property, bytes) }
        var willReader = PropertyReader(bytes, view.willProperties)
        while let property = willReader.next() {
            if property.id == .willDelayInterval, let value = property.integer { willDelaySeconds = value }
        }
    }

    private mutating func take(_ property: Property, _ bytes: Span<UInt8>) {
        switch property.value {
        case .integer(let value):
            if property.id == .sessionExpiryInterval { sessionExpirySeconds = value }
            if property.id == .receiveMaximum { receiveMaximum = UInt16(truncatingIfNeeded: value) }
            if property.id == .maximumPacketSize { maximumPacketSize = value }
            if property.id == .topicAliasMaximum { topicAliasMaximum = UInt16(truncatingIfNeeded: value) }
            if property.id == .requestProblemInformation { requestsProblemInformation = value != 0 }
            if property.id == .requestResponseInformation { requestsResponseInformation = value != 0 }
        case .bytes(let range):
            if property.id == .authenticationMethod { authenticationMethod = bytes.copy(range) }
            if property.id == .authenticationData { authenticationData = bytes.copy(range) }
        case .pair: return
        }
    }
}
