/// Why an upstream broker is not reached, or no longer.
package struct UpstreamFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// What refused.
    package enum Cause: String, CaseIterable, Sendable {
        /// The name has no address.
        case dns = "DNS"
        /// No connection, or it was lost.
        case tcp = "TCP"
        /// The handshake, or a check of a certificate.
        case tls = "TLS"
        /// User, password or certificate are not what the upstream lets in.
        case credentials
        /// The upstream does not speak the version of MQTT.
        case version = "protocol version"
        /// The upstream does not take a topic, or does not give it.
        case topic = "topic refused"
        /// It takes nothing, or nobody, right now.
        case full = "upstream full"
        /// It broke the protocol, or refused for another reason.
        case `protocol` = "protocol"
        /// Nothing came in time.
        case timeout
        /// Its messages go in circles.
        case loop
        /// This node cannot store what comes.
        case local = "this node"
    }

    /// What refused.
    package var cause: Cause
    /// What it said.
    package var detail: String

    /// A failure from its parts.
    package init(_ cause: Cause, _ detail: String) {
        self.cause = cause
        self.detail = detail
    }

    /// The cause, then what was said.
    package var description: String { "\(cause.rawValue): \(detail)" }
}

/// What an MQTT message has besides topic and payload, and what of it a bridge carries over.
package struct MessageProperties: Equatable, Sendable {
    /// Whether the payload is said to be text.
    package var payloadFormat: UInt8?
    /// What is left of its time, in seconds.
    package var expirySeconds: UInt32?
    /// The payload's type.
    package var contentType: [UInt8]?
    /// Where an answer goes.
    package var responseTopic: [UInt8]?
    /// What an answer is known by.
    package var correlationData: [UInt8]?
    /// Names and values.
    package var user: [(name: [UInt8], value: [UInt8])] = []

    /// None.
    package init() {}

    /// Whether there are none.
    package var isEmpty: Bool { self == MessageProperties() }

    /// The same properties in the same order.
    package static func == (left: MessageProperties, right: MessageProperties) -> Bool {
        left.payloadFormat == right.payloadFormat && left.expirySeconds == right.expirySeconds
            && left.contentType == right.contentType && left.responseTopic == right.responseTopic
            && left.correlationData == right.correlationData
            && left.user.elementsEqual(right.user) { $0.name == $1.name && $0.value == $1.value }
    }
}

/// A message between a bridge and its upstream broker.
package struct BridgeMessage: Equatable, Sendable {
    /// The topic, as it is upstream.
    package var topic: [UInt8]
    /// The payload.
    package var payload: [UInt8]
    /// The quality of service.
    package var qos: BridgeQoS
    /// Whether it is retained.
    package var isRetained: Bool
    /// What else it has; MQTT 5 only.
    package var properties = MessageProperties()

    /// A message from its parts.
    package init(topic: [UInt8], payload: [UInt8], qos: BridgeQoS, isRetained: Bool) {
        self.topic = topic
        self.payload = payload
        self.qos = qos
        self.isRetained = isRetained
    }
}

/// What came from upstream.
package enum UpstreamEvent: Equatable, Sendable {
    /// The upstream let the bridge in.
    /// - inflightMax: how much it takes unacknowledged, if it says so.
    /// - node: which node it is, if it says so.
    case connected(sessionPresent: Bool, inflightMax: Int?, node: [UInt8]?)
    /// There is no connection, or none any more.
    case lost(UpstreamFailure)
    /// A publish is over; `reason` is MQTT 5's, 0 for success.
    case finished(packetID: UInt16, reason: UInt8)
    /// The upstream has a QoS 2 publish (PUBREC); nothing that answers it has left yet.
    case received(packetID: UInt16)
    /// It answered a subscription.
    case subscribed(packetID: UInt16, codes: [UInt8])
    /// It sent a message; nothing that acknowledges it has left yet.
    case message(BridgeMessage)
    /// Something that an operator should look at.
    case warning(String)
}

/// One attempt to connect.
package struct UpstreamAttempt: Equatable, Sendable {
    /// Where.
    package var address: BridgeSettings.Address
    /// The QoS 2 messages that an earlier connection left without PUBREC, with their packet identifiers: they are
    /// sent again under these, before anything else.
    package var unreceived: [(packetID: UInt16, message: BridgeMessage)] = []
    /// The packet identifiers whose PUBREC has come and whose PUBCOMP has not.
    package var unreleased: [UInt16] = []
    /// The last packet identifier that was used, so that the next ones differ.
    package var lastPacketID: UInt16 = 0
    /// Which node the bridge is of; an MQTT 5 upstream is told, and may answer with its own.
    package var node: [UInt8] = []

    /// An attempt at an address with nothing left from before.
    package init(address: BridgeSettings.Address) { self.address = address }

    /// The same attempt.
    package static func == (left: UpstreamAttempt, right: UpstreamAttempt) -> Bool {
        left.address == right.address && left.unreleased == right.unreleased
            && left.lastPacketID == right.lastPacketID && left.node == right.node
            && left.unreceived.elementsEqual(right.unreceived) {
                $0.packetID == $1.packetID && $0.message == $1.message
            }
    }
}

/// What became of a publish.
package enum PublishOutcome: Equatable, Sendable {
    /// It goes with the next flush, under this packet identifier, also at QoS 0.
    case taken(packetID: UInt16)
    /// There is no connection, which an event tells.
    case unconnected
    /// It will never go: the upstream takes none so large, or has no such quality of service.
    case impossible(String)
}

/// A client of an upstream broker, as a bridge sees it.
///
/// Nothing leaves before `flush`: neither a publish nor an acknowledgement of what came. A bridge makes durable what it
/// must first. Isolation: one thread, the bridge's.
package protocol UpstreamClient: AnyObject {
    /// Begins to connect; the outcome is an event. An earlier connection is gone.
    func connect(_ attempt: UpstreamAttempt)
    /// Ends the connection, politely when there is one; no event tells of it. What waits to be sent leaves first.
    func disconnect()
    /// Ends the connection with nothing more leaving, no acknowledgement either; no event tells of it.
    func drop()
    /// Takes a message for the next flush.
    func publish(_ message: borrowing BridgeMessage) -> PublishOutcome
    /// Asks for a filter.
    /// - Returns: the packet identifier of the answer; nil when there is no connection.
    func subscribe(_ subscription: TopicMap.Subscription, noLocal: Bool) -> UInt16?
    /// Reads what has come, at most some 256 KiB, and the time that keep-alives need.
    func receive(into events: inout [UpstreamEvent])
    /// Lets everything go that waits, as far as the socket takes it.
    func flush()
    /// Waits for the upstream, for a wake, or until `deadline`, on the clock that never goes back.
    /// - Parameter isHeld: whether what waits to be sent must not be, so that a writable socket is no news.
    func wait(until deadline: Int64, isHeld: Bool)
    /// A function that ends a wait, from any thread.
    var wake: @Sendable () -> Void { get }
}
