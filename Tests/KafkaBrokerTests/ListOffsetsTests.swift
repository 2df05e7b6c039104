import Compression
import KafkaWire
import SluiceCore
import SluiceTesting
import Testing

@testable import KafkaBroker

@Suite("ListOffsets")
struct ListOffsetsTests {
    private typealias Answer = ListOffsetsResponse.ListOffsetsPartitionResponse

    private func list(
        _ client: TestConnection, _ time: Int64, version: Int16 = 7, topic: String = "t", _ partition: Int32 = 0,
        epoch: Int32 = -1, readsCommitted: Bool = false
    ) throws -> Answer {
        var request = ListOffsetsRequest(
            replicaID: -1, isolationLevel: readsCommitted ? 1 : 0,
            topics: [
                .init(name: topic, partitions: [.init(partitionIndex: partition, timestamp: time)])
            ])
        if epoch != -1 { request.topics[0].partitions[0].currentLeaderEpoch = epoch }
        let response: ListOffsetsResponse = try client.ask(request, version)
        return try #require(response.topics.first?.partitions.first)
    }

    /// A topic of ten batches of ten records each, a second apart; the records of a batch go back in time.
    private func filled(_ codec: Codec) throws -> TestKafka {
        let kafka = TestKafka()
        let client = kafka.connect()
        for batch in 0..<10 {
            let items = (0..<10).map { number in
                TestBatch.Item(value: "again and again", time: Int64(batch * 10_000 + (9 - number) * 1000) - 200_000)
            }
            #expect(try client.produce(TestBatch.bytes(items, codec: codec)).errorCode == .none)
        }
        return kafka
    }

    @Test("The ends, in every version", arguments: Int16(1)...10)
    func ends(_ version: Int16) throws {
        let kafka = try filled(.none)
        let client = kafka.connect()
        let latest = try list(client, -1, version: version)
        #expect((latest.offset, latest.timestamp) == (100, -1))
        let earliest = try list(client, -2, version: version)
        #expect((earliest.offset, earliest.timestamp) == (0, -1))
        if version >= 4 { #expect(latest.leaderEpoch == 0) }
        if version >= 8 { #expect(try list(client, -4, version: version).offset == 0) }
        if version >= 9 { #expect(try list(client, -5, version: version).offset == -1) }
    }

    @Test("Earliest follows what was deleted")
    func trimmed() throws {
        let kafka = try filled(.none)
        let client = kafka.connect()
        let request = DeleteRecordsRequest(
            topics: [.init(name: "t", partitions: [.init(partitionIndex: 0, offset: 35)])], timeoutMs: 1000)
        let response: DeleteRecordsResponse = try client.ask(request, 2)
        #expect(response.topics.first?.partitions.first?.lowWatermark == 35)
        #expect(try list(client, -2).offset == 35)
        #expect(try list(client, 0).offset >= 30)
        #expect(try client.fetch(TestConnection.fetching("t", [0: 34])).first?.part.errorCode == .offsetOutOfRange)
    }

    @Test("A time finds its first record, also within compressed batches", arguments: Codec.allCases)
    func times(_ codec: Codec) throws {
        let client = try filled(codec).connect()
        let start = TestKafka.start - 200_000
        let exact = try list(client, start + 33_000)
        // The fourth batch goes from 39 to 30 seconds: the first record of 33 seconds or later is its first.
        #expect((exact.offset, exact.timestamp) == (30, start + 39_000))
        let between = try list(client, start + 39_500)
        #expect((between.offset, between.timestamp) == (40, start + 49_000))
        #expect(try list(client, 0).offset == 0)
    }

    @Test("A time behind the last record finds nothing, without an error")
    func late() throws {
        let client = try filled(.gzip).connect()
        let answer = try list(client, TestKafka.start)
        #expect((answer.offset, answer.timestamp, answer.errorCode) == (-1, -1, .none))
        #expect(try list(client, Int64.max).offset == -1)
    }

    @Test("The largest time has the first of its records", arguments: Codec.allCases)
    func newest(_ codec: Codec) throws {
        let client = try filled(codec).connect()
        let answer = try list(client, -3)
        #expect((answer.offset, answer.timestamp) == (90, TestKafka.start - 200_000 + 99_000))
    }

    @Test("An empty partition")
    func empty() throws {
        let client = TestKafka().connect()
        #expect(try list(client, -1).offset == 0)
        #expect(try list(client, -2).offset == 0)
        #expect(try list(client, -3).offset == -1)
        #expect(try list(client, 5).offset == -1)
    }

    @Test("What is not there, and epochs that are not")
    func faults() throws {
        let client = TestKafka().connect()
        #expect(try list(client, -1, topic: "none").errorCode == .unknownTopicOrPartition)
        #expect(try list(client, -1, 4).errorCode == .unknownTopicOrPartition)
        #expect(try list(client, -1, epoch: 0).errorCode == .none)
        #expect(try list(client, -1, epoch: 1).errorCode == .unknownLeaderEpoch)
        #expect(try list(client, -9).errorCode == .unsupportedVersion)
    }

    @Test("Every partition of a request is answered, in its order")
    func parts() throws {
        let kafka = TestKafka([TestKafka.stream("t", partitions: 3), TestKafka.stream("u")])
        let client = kafka.connect()
        _ = try client.produce(TestBatch.bytes([.init(time: -100)]), 1)
        let request = ListOffsetsRequest(
            replicaID: -1,
            topics: [
                .init(
                    name: "t",
                    partitions: [
                        .init(partitionIndex: 2, timestamp: -1), .init(partitionIndex: 1, timestamp: 1),
                        .init(partitionIndex: 1, timestamp: -1),
                    ]), .init(name: "u", partitions: [.init(partitionIndex: 0, timestamp: -2)]),
            ])
        let response: ListOffsetsResponse = try client.ask(request, 7)
        #expect(response.topics.map { $0.partitions.map(\.partitionIndex) } == [[2, 1, 1], [0]])
        #expect(response.topics.map { $0.partitions.map(\.offset) } == [[0, 0, 1], [0]])
    }

    @Test("Epochs end where the log does", arguments: Int16(2)...4)
    func epochs(_ version: Int16) throws {
        let client = try filled(.none).connect()
        func end(of epoch: Int32, current: Int32 = -1) throws -> OffsetForLeaderEpochResponse.EpochEndOffset {
            let request = OffsetForLeaderEpochRequest(
                topics: [
                    .init(
                        topic: "t",
                        partitions: [.init(partition: 0, currentLeaderEpoch: current, leaderEpoch: epoch)])
                ])
            let response: OffsetForLeaderEpochResponse = try client.ask(request, version)
            return try #require(response.topics.first?.partitions.first)
        }
        #expect(try end(of: 0).endOffset == 100)
        #expect(try end(of: 0).leaderEpoch == 0)
        #expect(try end(of: -1).endOffset == -1)
        #expect(try end(of: 0, current: 1).errorCode == .unknownLeaderEpoch)
    }
}
