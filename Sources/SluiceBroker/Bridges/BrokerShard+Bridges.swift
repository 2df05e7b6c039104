package import Administration
import Bridging
import MQTTSession
import MQTTWire
import SluiceCore
import TopicRouting

/// The node's bridges, as clients see them.
extension BrokerShard {
    /// A bridge came or went; new subscriptions are told what was told last.
    func told(bridge topic: SystemTopic) {
        systemTopics.update(bridge: topic)
        broadcast(topic, retain: false)
    }

    /// Whether a topic is one on which mosquitto's bridges, and ours, say that they are there: the one kind of `$SYS`
    /// that is not the broker's alone.
    static func isBridgeState(_ topic: Span<UInt8>) -> Bool {
        topic.count <= bridgeTopicBytesMax
            && FilterSyntax.matches(filter: bridgeStateFilter.span, topic: topic)
    }

    private static let bridgeStateFilter = Array("$SYS/broker/connection/+/state".utf8)
    private static let bridgeTopicBytesMax = 256

    /// A bridge of another broker says that it is there, or its will that it is not.
    func tellBridgeState(_ topic: [UInt8], _ payload: [UInt8]) {
        assert(Self.isBridgeState(topic.span), "of the broker's own topics only these are others' to say")
        var state = SystemTopic("", "")
        state.topic = topic
        state.payload = Array(payload.prefix(8))
        for shard in 0..<peers.shardCount {
            if shard == settings.index { told(bridge: state) } else { peers.post(.bridgeState(state), to: shard) }
        }
    }

    /// What a subscription gets of what it asks for: no QoS above the highest; one of a bridge does not get back what
    /// the bridge sent, and its messages keep their retain flag.
    func options(_ asked: SubscriptionOptions, of client: Client) -> SubscriptionOptions {
        SubscriptionOptions(
            qos: min(asked.qos, client.bounds.offer.maximumQoS), noLocal: client.isBridge || asked.noLocal,
            retainAsPublished: client.isBridge || asked.retainAsPublished, retainHandling: asked.retainHandling)
    }

    /// Says to a bridge that asks which node this is: what the bridge takes in here is marked with it.
    func greet(_ client: Client, _ request: ConnectRequest) {
        guard let node = nodeID, client.version == .v5 else { return }
        let bytes = request.properties.span
        var properties = PropertyReader(bytes, ByteRange(start: 0, byteCount: bytes.count))
        while let property = properties.next() {
            guard case .pair(let name, _) = property.value, bytes.copy(name) == HopCount.bridgeName else { continue }
            let answer = HopCount.nodeName
            var buffer = ByteBuffer()
            PropertyWriter.append(userProperty: answer.span, node.span, to: &buffer)
            client.greetingProperties += Array(copying: buffer.bytes)
            return
        }
    }

    /// Whether a bridge brings back what began here, or what passed too many bridges.
    func isLooped(_ publish: PublishAction, _ bytes: Span<UInt8>) -> Bool {
        guard let node = nodeID else { return false }
        var message = MessageProperties()
        var properties = PropertyReader(bytes, publish.properties)
        while let property = properties.next() {
            guard case .pair(let name, let value) = property.value else { continue }
            let text = bytes.copy(name)
            guard text == HopCount.originName || text == HopCount.hopsName else { continue }
            message.user.append((text, bytes.copy(value)))
        }
        return !message.user.isEmpty && HopCount.verdict(message, node: node) != .take
    }

    /// Acknowledges a message that is not stored: it is here already, or was a request.
    func passOver(_ publish: PublishAction, _ client: Client) {
        switch publish.qos {
        case .atMostOnce: return
        case .atLeastOnce:
            answer(client, .puback, publish.packetID, .success)
            client.session.acknowledged(publishCount: 1)
        case .exactlyOnce: answer(client, .pubrec, publish.packetID, .success)
        }
    }

    /// Every bridge of the node.
    package func bridgeReports() -> [BridgeReport] { (settings.bridges?.statuses ?? []).map(\.report) }
}

extension BridgeCommand {
    /// The command that somebody asks for.
    init(_ action: AdministrationRequest.BridgeAction) {
        self =
            switch action {
            case .pause: .pause
            case .resume: .resume
            case .seekEarliest: .seek(.earliest)
            case .seekLatest: .seek(.latest)
            case .seekTime(let time): .seek(.time(time))
            }
    }
}
