import KafkaWire
import LogInterface
import SluiceCore
import SluiceTesting
import Testing

@testable import KafkaBroker

@Suite("Topics that are made, changed and deleted")
struct TopicTests {
    private typealias Wanted = CreateTopicsRequest.CreatableTopic

    private func create(
        _ client: TestConnection, _ topics: [Wanted], version: Int16 = 7, validateOnly: Bool = false
    ) throws -> CreateTopicsResponse {
        try client.ask(CreateTopicsRequest(topics: topics, timeoutMs: 1000, validateOnly: validateOnly), version)
    }

    @Test("Topics are made in every version", arguments: Int16(0)...7)
    func creates(_ version: Int16) throws {
        let kafka = TestKafka()
        let client = kafka.connect()
        let wanted = Wanted(
            name: "n", numPartitions: 3, replicationFactor: 1, configs: [.init(name: "retention.ms", value: "1000")])
        if version >= 1 {
            let tried = try create(client, [wanted], version: version, validateOnly: true)
            #expect(tried.topics.map(\.errorCode) == [.none])
            #expect(!kafka.engine.streams.contains { $0.settings.name == "n" })
        }
        let response = try create(client, [wanted], version: version)
        #expect(response.topics.map(\.errorCode) == [.none])
        let stream = try #require(kafka.engine.streams.first { $0.settings.name == "n" })
        #expect(stream.partitions.count == 3)
        #expect(stream.settings.policy.retentionMilliseconds == 1000)
        if version >= 5 {
            #expect(response.topics[0].numPartitions == 3)
            #expect(response.topics[0].configs?.first { $0.name == "retention.ms" }?.value == "1000")
        }
        if version >= 7 { #expect(response.topics[0].topicID == (try kafka.id(of: "n"))) }
        let again = try create(client, [wanted], version: version)
        #expect(again.topics.map(\.errorCode) == [.topicAlreadyExists])
    }

    @Test("What cannot be made, and what beside it can")
    func faults() throws {
        let kafka = TestKafka()
        let client = kafka.connect()
        func code(_ body: (inout Wanted) -> Void) throws -> Int16 {
            var wanted = Wanted(name: "n\(kafka.engine.streams.count)", numPartitions: 1, replicationFactor: 1)
            body(&wanted)
            let response = try create(client, [wanted])
            return try #require(response.topics.first).errorCode.rawValue
        }
        #expect(try code { $0.name = "" } == 17)
        #expect(try code { $0.name = "." } == 17)
        #expect(try code { $0.name = "a/b" } == 17)
        #expect(try code { $0.name = String(repeating: "x", count: 250) } == 17)
        #expect(try code { $0.name = "__own" } == 17)
        #expect(try code { $0.name = "t" } == 36)
        #expect(try code { $0.numPartitions = 0 } == 37)
        #expect(try code { $0.numPartitions = -2 } == 37)
        #expect(try code { $0.numPartitions = .max } == 37)
        #expect(try code { $0.replicationFactor = 0 } == 38)
        #expect(try code { $0.replicationFactor = -2 } == 38)
        #expect(try code { $0.assignments = [.init(partitionIndex: 0, brokerIDs: [1])] } == 42)
        #expect(try code { $0.configs = [.init(name: "retention.ms", value: "soon")] } == 40)
        #expect(try code { $0.configs = [.init(name: "no.such", value: "1")] } == 40)
        #expect(try code { ($0.numPartitions, $0.replicationFactor) = (-1, -1) } == 0)
        #expect(try code { $0.replicationFactor = 3 } == 0)
        func assigned(_ parts: [Int32: [Int32]]) throws -> Int16 {
            try code {
                ($0.numPartitions, $0.replicationFactor) = (-1, -1)
                $0.assignments = parts.map { .init(partitionIndex: $0.key, brokerIDs: $0.value) }
            }
        }
        #expect(try assigned([0: [1], 1: [1]]) == 0)
        #expect(try assigned([0: [1], 2: [1]]) == 39)
        #expect(try assigned([0: [2]]) == 39)
        #expect(try assigned([0: []]) == 39)
        let both = try create(client, [Wanted(name: "x", numPartitions: 1, replicationFactor: 1), Wanted(name: "..")])
        #expect(both.topics.map(\.errorCode.rawValue) == [0, 17])
        let repeated = Wanted(name: "y", numPartitions: 1, replicationFactor: 1)
        #expect(try create(client, [repeated, repeated]).topics.allSatisfy { $0.errorCode == .invalidRequest })
        #expect(!kafka.engine.streams.contains { $0.settings.name == "y" })
    }

    @Test("Topics grow, and never shrink")
    func grows() throws {
        let kafka = TestKafka(declared: ["declared"])
        let client = kafka.connect()
        func grow(_ topic: String, _ count: Int32, validateOnly: Bool = false) throws -> Int16 {
            let response: CreatePartitionsResponse = try client.ask(
                CreatePartitionsRequest(
                    topics: [.init(name: topic, count: count)], timeoutMs: 1000, validateOnly: validateOnly), 3)
            return try #require(response.results.first).errorCode.rawValue
        }
        #expect(try grow("t", 4, validateOnly: true) == 0)
        #expect(kafka.engine.streams.last?.partitions.count == 1)
        #expect(try grow("t", 4) == 0)
        #expect(kafka.engine.streams.last?.partitions.count == 4)
        #expect(try grow("t", 4) == 37)
        #expect(try grow("t", 3) == 37)
        #expect(try grow("t", .max) == 37)
        #expect(try grow("none", 3) == 3)
        #expect(try grow("__consumer_offsets", 3) == 17)
        #expect(try client.produce(TestBatch.bytes(["a"]), 3).errorCode == .none)
    }

    @Test("Topics are deleted by name, and by identifier from version 6 on", arguments: Int16(0)...6)
    func deletes(_ version: Int16) throws {
        let kafka = TestKafka([TestKafka.stream("t"), TestKafka.stream("u"), TestKafka.stream("d")], declared: ["d"])
        let client = kafka.connect()
        let id = try kafka.id(of: "u")
        let names = ["t", "none", "d", "__consumer_offsets"]
        var request = DeleteTopicsRequest(topicNames: version < 6 ? names : [], timeoutMs: 1000)
        if version >= 6 {
            request.topics = names.map { .init(name: $0) }
            request.topics += [.init(name: nil, topicID: id), .init(name: nil, topicID: KafkaUUID(rawValue: 9))]
        }
        let response: DeleteTopicsResponse = try client.ask(request, version)
        let codes = response.responses.map(\.errorCode.rawValue)
        #expect(codes == (version < 6 ? [0, 3, 44, 17] : [0, 3, 44, 17, 0, 100]))
        let left = kafka.engine.streams.map(\.settings.name).filter { !$0.hasPrefix("__") }
        #expect(left == (version < 6 ? ["u", "d"] : ["d"]))
        #expect(try client.produce(TestBatch.bytes(["a"])).errorCode == .unknownTopicOrPartition)
    }

    @Test("Records are deleted up to an offset")
    func deletesRecords() throws {
        let kafka = TestKafka([TestKafka.stream("t", partitions: 2)])
        let client = kafka.connect()
        for _ in 0..<3 { _ = try client.produce(TestBatch.bytes(["a", "b"])) }
        func delete(_ topic: String, _ partition: Int32, _ offset: Int64) throws -> (Int16, Int64) {
            let response: DeleteRecordsResponse = try client.ask(
                DeleteRecordsRequest(
                    topics: [.init(name: topic, partitions: [.init(partitionIndex: partition, offset: offset)])],
                    timeoutMs: 1000), 2)
            let part = try #require(response.topics.first?.partitions.first)
            return (part.errorCode.rawValue, part.lowWatermark)
        }
        #expect(try delete("t", 0, 3) == (0, 3))
        #expect(try delete("t", 0, 1) == (0, 3))
        #expect(try client.fetch(TestConnection.fetching("t", [0: 2])).first?.part.errorCode == .offsetOutOfRange)
        let rest = try #require(try client.fetch(TestConnection.fetching("t", [0: 3])).first)
        #expect(rest.part.logStartOffset == 3)
        #expect(rest.offsets.filter { $0 >= 3 } == [3, 4, 5])
        #expect(try delete("t", 0, 7) == (1, -1))
        #expect(try delete("t", 0, -2) == (1, -1))
        #expect(try delete("t", 0, -1) == (0, 6))
        #expect(try delete("t", 1, -1) == (0, 0))
        #expect(try delete("t", 9, 0) == (3, -1))
        #expect(try delete("none", 0, 0) == (3, -1))
        #expect(try delete("__consumer_offsets", 0, 0) == (44, -1))
        #expect(try client.produce(TestBatch.bytes(["c"])).baseOffset == 6)
    }

    @Test("What tools ask of a cluster")
    func tools() throws {
        let kafka = TestKafka()
        let client = kafka.connect()
        _ = try client.produce(TestBatch.bytes(["a"]))
        for version in Int16(0)...2 {
            let cluster: DescribeClusterResponse = try client.ask(DescribeClusterRequest(), version)
            #expect(cluster.brokers.map(\.brokerID) == [1] && cluster.controllerID == 1)
        }
        for version in Int16(0)...4 {
            let directories: DescribeLogDirsResponse = try client.ask(DescribeLogDirsRequest(topics: nil), version)
            #expect(directories.results.map(\.logDir) == ["/data"])
            let topic = directories.results[0].topics.first { $0.name == "t" }
            #expect(topic?.partitions.first?.partitionSize ?? 0 > 61)
        }
        let elected: ElectLeadersResponse = try client.ask(
            ElectLeadersRequest(topicPartitions: [.init(topic: "t", partitions: [0, 5])], timeoutMs: 1), 2)
        #expect(elected.replicaElectionResults[0].partitionResult.map(\.errorCode.rawValue) == [84, 3])
        let moving: ListPartitionReassignmentsResponse = try client.ask(
            ListPartitionReassignmentsRequest(timeoutMs: 1, topics: nil), 0)
        #expect(moving.topics.isEmpty && moving.errorCode == .none)
        let quotas: DescribeClientQuotasResponse = try client.ask(DescribeClientQuotasRequest(), 1)
        #expect(quotas.errorCode == .none && quotas.entries == [])
    }
}
