import CommitLog
import DeviceProfiles
import GroupCoordination
import LogInterface
import MQTTWire
import RecordFormat
import SluiceBroker
import SluiceCore
import Speaking
import TopicRouting

/// What is measured. Messages look like those of `mqload`: 50 devices, a topic of 26 bytes.
extension Microbenchmarks {
    static func packets(qos: QoS, payload: Int, count: Int) -> [UInt8] {
        packets(qos: qos, content: [UInt8](repeating: 0x32, count: payload), count: count)
    }

    static func packets(qos: QoS, content: [UInt8], count: Int) -> [UInt8] {
        var buffer = ByteBuffer()
        for number in 0..<count {
            let topic = Array("sensors/site1/dev\(number % 50)/temp".utf8)
            PacketEncoder.publish(
                into: &buffer, topic: topic.span, payload: content.span,
                packetID: qos == .atMostOnce ? .none : PacketID(rawValue: UInt16(number % 60_000 + 1)), qos: qos,
                retain: false, duplicate: false, properties: Span(), version: .v311)
        }
        return copy(buffer)
    }

    static func copy(_ buffer: borrowing ByteBuffer) -> [UInt8] {
        let bytes = buffer.bytes
        return (0..<bytes.count).map { bytes[$0] }
    }

    static func connect(_ id: String) -> [UInt8] {
        var buffer = ByteBuffer()
        ConnectPacket(version: .v311, clientID: Array(id.utf8)).encode(into: &buffer)
        return copy(buffer)
    }

    static func decode(_ name: String, qos: QoS, payload: Int) -> Benchmark {
        let count = 10_000
        return Benchmark(name: name, operationsPerRun: count) {
            let bytes = packets(qos: qos, payload: payload, count: count)
            let hello = connect("bench")
            var decoder = PacketDecoder(side: .server)
            _ = try? decoder.decode(hello.span, from: 0)
            return {
                var offset = 0
                while offset < bytes.count {
                    guard let publish = decoder.plainPublish(bytes.span, from: offset) else {
                        preconditionFailure("not plain")
                    }
                    offset = publish.end
                }
            }
        }
    }

    static var route: Benchmark {
        Benchmark(name: "route/cached", operationsPerRun: 10_000) {
            var cache = TopicCache<Int>()
            let topics = (0..<50).map { Array("sensors/site1/dev\($0)/temp".utf8) }
            for (index, topic) in topics.enumerated() { cache.insert(index, for: topic.span) }
            let box = CacheBox(cache)
            return {
                var sum = 0
                for number in 0..<10_000 {
                    let topic = topics[number % 50]
                    sum += box.cache.lookup(topic.span) ?? 0
                }
                precondition(sum > 0)
            }
        }
    }

    final class CacheBox {
        var cache: TopicCache<Int>
        init(_ cache: consuming TopicCache<Int>) { self.cache = cache }
    }

    static func batch(_ name: String, count: Int, payload: Int) -> Benchmark {
        Benchmark(name: name, operationsPerRun: 100) {
            let key = RecordFields.key(Array("dev42".utf8))
            let headers = RecordFields.headers([
                RecordHeader(name: "mqtt.topic", value: Array("sensors/site1/dev42/temp".utf8))
            ])
            let value = [UInt8](repeating: 0x32, count: payload)
            let box = BuilderBox()
            return {
                for _ in 0..<100 {
                    for _ in 0..<count {
                        box.builder.append(
                            at: Timestamp(rawValue: 1_767_225_600_000), keyField: key.span, value: value.span,
                            headersField: headers.span)
                    }
                    precondition(box.builder.finish().recordCount == count)
                }
            }
        }
    }

    final class BuilderBox {
        var builder = RecordBatchBuilder(in: BatchMemory())
    }

    static func publish(_ name: String, qos: QoS, payload: Int, perTick: Int) -> Benchmark {
        let count = 10_000
        return Benchmark(name: name, operationsPerRun: count) {
            let bytes = packets(qos: qos, payload: payload, count: perTick)
            let bench = ShardBench()
            let client = bench.client()
            return {
                for _ in 0..<count / perTick {
                    precondition(bench.shard.received(client, bytes.span) == bytes.count)
                    bench.shard.endTick()
                    client.output.removeAll()
                }
            }
        }
    }

    static var append: Benchmark {
        Benchmark(name: "append/100-batches-per-tick", operationsPerRun: 100) {
            let log = MemoryLog(partitionCount: 100)
            let reader = log.register(wake: {})
            let key = RecordFields.nullKey
            let headers = RecordFields.headers([])
            let value = [UInt8](repeating: 1, count: 64)
            let box = BuilderBox()
            return {
                for _ in 0..<100 {
                    var appends: [Append] = []
                    for partition in 0..<100 {
                        box.builder.append(
                            at: Timestamp(rawValue: 0), keyField: key.span, value: value.span,
                            headersField: headers.span)
                        appends.append(
                            Append(
                                partition: PartitionID(rawValue: UInt32(partition)), batch: box.builder.finish(),
                                isAwaited: true,
                                topicHashes: nil))
                    }
                    _ = log.append(appends, from: reader)
                }
            }
        }
    }

    static func tailMatch(_ name: String, filter: String) -> Benchmark {
        let count = 10_000
        return Benchmark(name: name, operationsPerRun: count) {
            let bytes = packets(qos: .atMostOnce, payload: 16, count: 1000)
            let bench = ShardBench()
            let client = bench.client()
            let subscriber = bench.subscriber(filter)
            return {
                for _ in 0..<count / 1000 {
                    precondition(bench.shard.received(client, bytes.span) == bytes.count)
                    bench.shard.endTick()
                    subscriber.output.removeAll()
                }
            }
        }
    }
}

/// Many subscribers of one topic, and somebody who subscribes all the time.
extension Microbenchmarks {
    private static let crowdCount = 20_000
    private static let crowdTopic = "fleet/alarm"

    /// A hundred SUBSCRIBEs, of filters that match none of the topics, beside ten thousand publishes: what those who subscribe
    /// to something else cost the publishers, for each publish. A SUBSCRIBE compares its filter with every topic of the cache,
    /// and its hundredth part is in each figure. Were the cache emptied instead, or its lists copied, the ratio would be in the
    /// ten thousands.
    static var subscribeBesideCrowd: Benchmark {
        let count = 10_000
        return Benchmark(
            name: "match/100-subscribes-beside-20000", operationsPerRun: count,
            bound: (of: "tail-match/no-subscriber", ratio: 300)
        ) {
            let bytes = packets(qos: .atMostOnce, payload: 16, count: count / 100)
            let bench = ShardBench()
            let client = bench.client()
            for number in 0..<crowdCount { _ = bench.subscriber(crowdTopic, id: "crowd\(number)") }
            let busy = bench.subscriber("sensors/+/dev7/none", id: "busy")
            return {
                for number in 0..<100 {
                    bench.subscribe(busy, "sensors/site1/dev\(number % 50)/none/#")
                    precondition(bench.shard.received(client, bytes.span) == bytes.count)
                    bench.shard.endTick()
                }
            }
        }
    }

    /// One publish to everybody in the crowd, right after somebody has subscribed to the same topic: for each delivery.
    static var deliverToCrowd: Benchmark {
        Benchmark(
            name: "match/deliver-to-20000-after-subscribe", operationsPerRun: crowdCount,
            bound: (of: "tail-match/one-subscriber-qos0", ratio: 12)
        ) {
            let bench = ShardBench()
            let client = bench.client()
            let crowd = (0..<crowdCount).map { bench.subscriber(crowdTopic, id: "crowd\($0)") }
            var buffer = ByteBuffer()
            let topic = Array(crowdTopic.utf8)
            PacketEncoder.publish(
                into: &buffer, topic: topic.span, payload: topic.span, packetID: .none, qos: .atMostOnce,
                retain: false, duplicate: false, properties: Span(), version: .v311)
            let bytes = copy(buffer)
            return {
                bench.subscribe(crowd[0], crowdTopic)
                precondition(bench.shard.received(client, bytes.span) == bytes.count)
                bench.shard.endTick()
                for subscriber in crowd { subscriber.output.removeAll() }
            }
        }
    }
}

/// A shard on a log without a disk.
final class ShardBench {
    let log = MemoryLog(partitionCount: 1)
    let shard: BrokerShard
    private let peers = LonePeers()
    private let link = NoLink()
    private let peer = PeerIdentity(
        address: "bench", listener: ListenerIdentity(name: "bench", conversation: .mqtt))

    init(profiles: ProfileSet = ProfileSet()) {
        var settings = ShardSettings(index: 0, limits: Limits(), rules: RuleSet(profiles.rules))
        settings.profiles = profiles
        shard = BrokerShard(settings: settings, log: log, peers: peers, wake: {}, report: { _, _ in })
    }

    func client(_ id: String = "bench") -> Client {
        let client = shard.connected(link, peer: peer)
        let hello = Microbenchmarks.connect(id)
        precondition(shard.received(client, hello.span) == hello.count)
        shard.endTick()
        client.output.removeAll()
        return client
    }

    func subscriber(_ filter: String, id: String = "subscriber") -> Client {
        let client = client(id)
        subscribe(client, filter)
        return client
    }

    func subscribe(_ client: Client, _ filter: String) {
        var buffer = ByteBuffer()
        SubscribePacket(
            version: .v311, packetID: 1,
            filters: [
                SubscribePacket.Request(filter: Array(filter.utf8), options: SubscriptionOptions(qos: .atMostOnce))
            ]
        ).encode(into: &buffer)
        precondition(shard.received(client, buffer.bytes) == buffer.count)
        shard.endTick()
        client.output.removeAll()
    }
}

final class NoLink: ConnectionLink {
    func flush() {}
    func resume() {}
    func pause() {}
    func close() {}
    var unacknowledgedByteCount: Int { 0 }
}

// Sendable: the benchmark has one thread.
final class LonePeers: ShardPeers, @unchecked Sendable {
    private var directory = SessionDirectory()
    private var retained = RetainedTree()
    private var offsets = OffsetTable()
    private var counters: [BrokerCounters] = []
    private var refusals: [RefusalList] = []
    private var shares = ShareTable()
    private var devices = DeviceBook()
    func withDirectory<Result>(_ body: (inout SessionDirectory) -> Result) -> Result { body(&directory) }
    func withRetained<Result>(_ body: (inout RetainedTree) -> Result) -> Result { body(&retained) }
    func withOffsets<Result>(_ body: (inout OffsetTable) -> Result) -> Result { body(&offsets) }
    func withShares<Result>(_ body: (inout ShareTable) -> Result) -> Result { body(&shares) }
    func withCounters<Result>(_ body: (inout [BrokerCounters]) -> Result) -> Result { body(&counters) }
    var memoryUse = 0
    func addMemory(_ byteCount: Int) { memoryUse += byteCount }
    func withDevices<Result>(_ body: (inout DeviceBook) -> Result) -> Result { body(&devices) }
    func withRefusals<Result>(_ body: (inout [RefusalList]) -> Result) -> Result { body(&refusals) }
    var shardCount: Int { 1 }
    func post(_ message: ShardMessage, to shard: Int) {}
}
