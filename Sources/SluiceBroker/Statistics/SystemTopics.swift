import SluiceCore

/// What the broker's own topics say on one shard, as they were last told.
///
/// Isolation: one shard's.
struct SystemTopics {
    /// Bridges whose state is remembered.
    private static let bridgesMax = 1024

    private var own: [SystemTopic] = []
    /// What the node's bridges, and other brokers', told last.
    private var bridges: [SystemTopic] = []
    /// The first shard's: what is counted for the node.
    var statistics: BrokerStatistics?

    /// Notes what the topics say now.
    /// - Returns: those that say something else than before.
    mutating func update(_ topics: [SystemTopic]) -> [SystemTopic] {
        assert(Set(topics.map(\.topic)).count == topics.count, "a topic says one thing")
        let former = Dictionary(own.map { ($0.topic, $0.payload) }, uniquingKeysWith: { $1 })
        own = topics
        return topics.filter { former[$0.topic] != $0.payload }
    }

    /// Notes what a bridge says of itself; what is oldest of too many is forgotten.
    mutating func update(bridge topic: SystemTopic) {
        assert(topic.topic.first == UInt8(ascii: "$"), "what anybody may publish is in a stream")
        bridges.removeAll { $0.topic == topic.topic }
        if bridges.count == Self.bridgesMax { bridges.removeFirst() }
        bridges.append(topic)
        assert(bridges.count <= Self.bridgesMax)
    }

    /// What a new subscription gets.
    func matching(_ subscription: Subscription) -> [SystemTopic] {
        (own + bridges).filter { subscription.matches($0.topic) }
    }
}
