import Checksums
import CommitLog
import MQTTWire
import RecordFormat
import SluiceCore
import TopicRouting

/// What a topic resolves to, with the parts of its records that never change encoded once.
///
/// Isolation: one shard's.
final class Route {
    /// The topic's hash, by which readers find batches that concern them.
    let topicHash: UInt64
    /// Where its records go.
    let partition: PartitionID
    /// The record key.
    let keyField: [UInt8]
    /// The headers of a message with nothing but its topic and QoS, by QoS.
    let headersFields: [[UInt8]]
    /// The header with the topic alone, for messages that have more.
    let topicHeader: RecordHeader
    /// Whether the topic starts with `$` and is the broker's own.
    let isReserved: Bool

    init(topic: Span<UInt8>, partition: PartitionID, key: [UInt8]) {
        topicHash = XXH3.hash(topic)
        isReserved = topic[0] == UInt8(ascii: "$")
        self.partition = partition
        keyField = RecordFields.key(key)
        let header = RecordHeader(
            name: MessageHeader.topic, value: topic.copy(ByteRange(start: 0, byteCount: topic.count)))
        topicHeader = header
        headersFields = [QoS.atMostOnce, .atLeastOnce, .exactlyOnce].map { qos in
            RecordFields.headers(qos == .atMostOnce ? [header] : [header, MessageHeader.qos(qos)])
        }
    }
}

extension Route {
    /// The topic, for log lines and requests.
    var topicText: String { String(decoding: topicHeader.value, as: UTF8.self) }
}

/// Resolves topics to routes: a cache in front of the rules.
///
/// Isolation: one shard's.
struct RouteTable: ~Copyable {
    private let rules: RuleSet
    private let partitions: [String: [PartitionID]]
    private let limits: Limits
    private var cache = TopicCache<Route>()

    init(rules: RuleSet, streams: [StreamDescription], limits: Limits) {
        self.rules = rules
        self.limits = limits
        partitions = Dictionary(uniqueKeysWithValues: streams.map { ($0.settings.name, $0.partitions) })
        for stream in rules.streams {
            precondition(partitions[stream] != nil, "Cannot route to a stream that does not exist")
        }
    }

    /// The route of a topic.
    /// - Throws: `MQTTDecodeError` when it is no topic name; the name is checked once, when it is not in the cache.
    /// - Complexity: one hash look-up for a known topic.
    @inline(__always)
    mutating func route(_ topic: Span<UInt8>) throws(MQTTDecodeError) -> Route {
        if let route = cache.lookup(topic) { return route }
        return try resolve(topic)
    }

    @inline(never)
    private mutating func resolve(_ topic: Span<UInt8>) throws(MQTTDecodeError) -> Route {
        try TopicSyntax.validateName(topic, limits: limits)
        let resolution = rules.resolve(topic)
        guard let choices = partitions[resolution.stream] else {
            preconditionFailure("Cannot route to a stream that does not exist")
        }
        let partition = choices[resolution.partition(partitionCount: choices.count)]
        let route = Route(topic: topic, partition: partition, key: resolution.key)
        cache.insert(route, for: topic)
        return route
    }
}
