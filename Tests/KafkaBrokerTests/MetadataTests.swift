import KafkaWire
import LogInterface
import SluiceCore
import SluiceTesting
import Testing

@testable import KafkaBroker

@Suite("Metadata and what goes with it")
struct MetadataTests {
    private typealias Wanted = MetadataRequest.MetadataRequestTopic

    private func kafka(createsTopics: Bool = true) -> TestKafka {
        TestKafka([TestKafka.stream("a", partitions: 3), TestKafka.stream("b")], createsTopics: createsTopics)
    }

    @Test("Every version names one broker, at the address that is advertised", arguments: Int16(0)...13)
    func brokers(_ version: Int16) throws {
        let response: MetadataResponse = try kafka().connect().ask(
            MetadataRequest(topics: [Wanted(name: "a")]), version)
        #expect(response.brokers.map(\.nodeID) == [1])
        #expect(response.brokers.map(\.host) == ["broker.example"])
        #expect(response.brokers.map(\.port) == [19092])
        if version >= 1 { #expect(response.controllerID == 1) }
        if version >= 2 { #expect(response.clusterID == "AAAAAAAAAAAAAAAAAAAAAA") }
        let topic = try #require(response.topics.first)
        #expect(response.topics.count == 1)
        #expect(topic.name == "a")
        #expect(topic.errorCode == .none)
        #expect(topic.partitions.map(\.partitionIndex) == [0, 1, 2])
        #expect(topic.partitions.allSatisfy { $0.leaderID == 1 && $0.replicaNodes == [1] && $0.isrNodes == [1] })
        if version >= 7 { #expect(topic.partitions.allSatisfy { $0.leaderEpoch == 0 }) }
        if version >= 10 { #expect(topic.topicID != .zero) }
    }

    @Test("Null means all topics, none means none, but in the first version all", arguments: Int16(0)...13)
    func allOrNone(_ version: Int16) throws {
        let client = kafka().connect()
        let all = ["__consumer_offsets", "a", "b"]
        if version > 0 {
            let response: MetadataResponse = try client.ask(MetadataRequest(topics: nil), version)
            #expect(response.topics.compactMap(\.name).sorted() == all)
            #expect(response.topics.filter(\.isInternal).map(\.name) == ["__consumer_offsets"])
        }
        let none: MetadataResponse = try client.ask(MetadataRequest(topics: []), version)
        #expect(none.topics.compactMap(\.name).sorted() == (version == 0 ? all : []))
    }

    @Test("Topics are found by identifier from version 12 on; before it may not be asked", arguments: Int16(10)...13)
    func byID(_ version: Int16) throws {
        let kafka = kafka()
        let client = kafka.connect()
        let unknown = KafkaUUID(rawValue: 7)
        let ids = [try kafka.id(of: "b"), unknown]
        let wanted = ids.map { Wanted(topicID: $0, name: nil) }
        let response: MetadataResponse = try client.ask(MetadataRequest(topics: wanted), version)
        if version < 12 {
            #expect(response.topics.map(\.errorCode) == [.invalidRequest, .invalidRequest])
        } else {
            #expect(response.topics.map(\.errorCode) == [.none, .unknownTopicID])
            #expect(response.topics.map(\.name) == ["b", nil])
            #expect(response.topics.map(\.topicID) == ids)
            // Java's clients say an empty name beside the identifier.
            let java = ids.map { Wanted(topicID: $0, name: "") }
            let same: MetadataResponse = try client.ask(MetadataRequest(topics: java), version)
            #expect(same == response)
        }
    }

    @Test("A topic that is not there is made when that is wanted", arguments: Int16(0)...13)
    func creates(_ version: Int16) throws {
        let kafka = kafka()
        let client = kafka.connect()
        let request = MetadataRequest(topics: [Wanted(name: "new"), Wanted(name: "a")], allowAutoTopicCreation: true)
        let response: MetadataResponse = try client.ask(request, version)
        #expect(response.topics.map(\.errorCode) == [.none, .none])
        #expect(response.topics.map(\.partitions.count) == [1, 3])
        guard version >= 4 else { return }
        let unwanted = MetadataRequest(topics: [Wanted(name: "other")], allowAutoTopicCreation: false)
        let refused: MetadataResponse = try client.ask(unwanted, version)
        #expect(refused.topics.map(\.errorCode) == [.unknownTopicOrPartition])
        #expect(!kafka.engine.streams.contains { $0.settings.name == "other" })
    }

    @Test("A node that makes none answers 3, and names that are none 17", arguments: Int16(0)...13)
    func refuses(_ version: Int16) throws {
        let client = kafka(createsTopics: false).connect()
        let names = ["new", "..", "a b", String(repeating: "x", count: 250), "", "__mine"]
        let request = MetadataRequest(topics: names.map { Wanted(name: $0) }, allowAutoTopicCreation: true)
        let response: MetadataResponse = try client.ask(request, version)
        let code = response.topics.map(\.errorCode)
        #expect(code[0] == .unknownTopicOrPartition && code[5] == .unknownTopicOrPartition)
        #expect(code[1...4].allSatisfy { $0 == .invalidTopicException })
        #expect(response.topics.allSatisfy { $0.partitions.isEmpty })
    }

    @Test("Names with two underscores are never made by asking")
    func ownNames() throws {
        let client = kafka().connect()
        let request = MetadataRequest(topics: [Wanted(name: "__mine")], allowAutoTopicCreation: true)
        let response: MetadataResponse = try client.ask(request, 9)
        #expect(response.topics.map(\.errorCode) == [.unknownTopicOrPartition])
    }

    @Test("Topics that frameworks keep state in are compacted when they are made by asking")
    func frameworks() throws {
        let kafka = kafka()
        let names = ["_schemas", "connect-configs", "connect-offsets", "connect-status", "plain"]
        let request = MetadataRequest(topics: names.map { Wanted(name: $0) }, allowAutoTopicCreation: true)
        let _: MetadataResponse = try kafka.connect().ask(request, 9)
        let made = kafka.engine.streams.filter { names.contains($0.settings.name) }
        #expect(made.filter(\.settings.policy.cleanup.compacts).count == 4)
        #expect(made.count == 5)
    }

    @Test("A topic that something else made is seen at once")
    func seesOthers() throws {
        let kafka = kafka(createsTopics: false)
        let client = kafka.connect()
        let loop = kafka.engine.register(wake: {})
        kafka.engine.administer(.create(TestKafka.stream("other")), number: 1, for: loop)
        let request = MetadataRequest(topics: [Wanted(name: "other")])
        client.send(bytes: try TestConnection.frame(request, 9))
        let frame = try #require(client.takeFrame())
        let response = try MetadataResponse.decode(Array(frame[5...]).span, version: 9)
        #expect(response.topics.map(\.errorCode) == [.none])
    }

    @Test("librdkafka asks for all topics with three bytes too many, and is answered")
    func bytesLeft() throws {
        let client = kafka().connect()
        // As version 2.16.1 sends it.
        client.send(bytes: [
            0, 0, 0, 25, 0, 3, 0, 13, 0, 0, 0, 3, 0, 7, 0x72, 0x64, 0x6B, 0x61, 0x66, 0x6B, 0x61, 0, 0, 0, 0, 0, 1, 0,
            0,
        ])
        let frame = try #require(client.takeFrame())
        let response = try MetadataResponse.decode(Array(frame[5...]).span, version: 13)
        #expect(response.topics.compactMap(\.name).sorted() == ["__consumer_offsets", "a", "b"])
        #expect(!client.isClosed)
    }

    @Test("Rights are told to who asks for them", arguments: Int16(8)...13)
    func rights(_ version: Int16) throws {
        let client = kafka().connect()
        var request = MetadataRequest(topics: [Wanted(name: "a")])
        let unasked: MetadataResponse = try client.ask(request, version)
        #expect(unasked.topics.first?.topicAuthorizedOperations == Int32.min)
        request.includeTopicAuthorizedOperations = true
        if version <= 10 { request.includeClusterAuthorizedOperations = true }
        let asked: MetadataResponse = try client.ask(request, version)
        #expect(asked.topics.first?.topicAuthorizedOperations == 0b1101_1111_1000)
        if version <= 10 { #expect(asked.clusterAuthorizedOperations == 0b1_1111_1010_0000) }
    }

    @Test("The coordinator of everything is the node", arguments: Int16(0)...5)
    func coordinators(_ version: Int16) throws {
        let client = kafka().connect()
        for kind: Int8 in version == 0 ? [0] : [0, 1] {
            let request =
                version >= 4
                ? FindCoordinatorRequest(keyType: kind, coordinatorKeys: ["x", "y"])
                : FindCoordinatorRequest(key: "x", keyType: kind)
            let response: FindCoordinatorResponse = try client.ask(request, version)
            if version >= 4 {
                #expect(response.coordinators.map(\.key) == ["x", "y"])
                #expect(
                    response.coordinators.allSatisfy { $0.nodeID == 1 && $0.port == 19092 && $0.errorCode == .none })
            } else {
                #expect(response.nodeID == 1 && response.host == "broker.example" && response.errorCode == .none)
            }
        }
    }

    @Test("Partitions of topics are told in pages")
    func pages() throws {
        let client = kafka().connect()
        var seen: [String] = []
        var cursor: DescribeTopicPartitionsRequest.Cursor?
        repeat {
            let request = DescribeTopicPartitionsRequest(
                topics: [.init(name: "a"), .init(name: "b"), .init(name: "c")], responsePartitionLimit: 2,
                cursor: cursor)
            let response: DescribeTopicPartitionsResponse = try client.ask(request, 0)
            for topic in response.topics {
                let name = try #require(topic.name)
                if topic.errorCode != .none { seen.append("\(name) \(topic.errorCode.rawValue)") }
                seen += topic.partitions.map { "\(name)-\($0.partitionIndex)" }
            }
            cursor = response.nextCursor.map { .init(topicName: $0.topicName, partitionIndex: $0.partitionIndex) }
        } while cursor != nil && seen.count < 20
        #expect(seen == ["a-0", "a-1", "a-2", "b-0", "c 3"])
    }
}
