import Compression
import KafkaWire
import RecordFormat
import SluiceCore
import SluiceTesting
import Testing

@testable import KafkaBroker

@Suite("Produce")
struct ProduceTests {
    @Test("Batches are stored as they came, in every version and with every codec", arguments: Int16(3)...13)
    func stores(_ version: Int16) throws {
        let kafka = TestKafka()
        let client = kafka.connect()
        var next: Int64 = 0
        let values = (0..<20).map { "value value value \($0 % 3)" }
        for codec in Codec.allCases where codec.rawValue != Codec.zstd.rawValue || version >= 7 {
            let sent = TestBatch.bytes(values, codec: codec)
            let part = try client.produce(sent, version: version)
            #expect(part.errorCode == .none)
            #expect(part.baseOffset == next)
            #expect(part.logAppendTimeMs == -1)
            let batch = try #require(kafka.engine.batches(of: try kafka.partition("t")).last)
            let stored = batch.bytes.copy(ByteRange(start: 0, byteCount: batch.byteCount))
            // Base offset and leader epoch are the broker's to set; all else is as it was.
            #expect(Array(stored[8..<12]) == Array(sent[8..<12]))
            #expect(Array(stored[16...]) == Array(sent[16...]))
            next += 20
        }
        let fetched = try client.fetch(TestConnection.fetching())
        #expect(fetched.first?.values.count == Int(next))
        #expect(fetched.first?.offsets == Array(0..<next))
    }

    @Test("Who waits is answered when the log has settled, with 1 as with -1", arguments: [Int16(1), -1])
    func waits(_ acks: Int16) throws {
        let kafka = TestKafka(pace: .whenTold)
        let client = kafka.connect()
        try client.send(TestConnection.production(TestBatch.bytes(["a"]), acks: acks), 9)
        #expect(try client.take(ProduceResponse.self, 9) == nil)
        #expect(kafka.shard.waitsForCommit && !kafka.shard.isDrained)
        kafka.commit()
        let response = try #require(try client.take(ProduceResponse.self, 9))
        #expect(response.responses.first?.partitionResponses.first?.errorCode == KafkaErrorCode.none)
        #expect(kafka.shard.isDrained)
        #expect(kafka.peers.memoryUse == 0)
    }

    @Test("Who wants no answer gets none, and what follows is answered before the log has settled")
    func unanswered() throws {
        let kafka = TestKafka(pace: .whenTold)
        let client = kafka.connect()
        try client.send(TestConnection.production(TestBatch.bytes(["a"]), acks: 0), 9, isAnswered: false)
        kafka.commit()
        let next: MetadataResponse = try client.ask(MetadataRequest(topics: []), 9)
        #expect(next.brokers.count == 1)
        #expect(kafka.engine.batches(of: try kafka.partition("t")).count == 1)
        #expect(!client.isClosed)
    }

    @Test("Who wants no answer, and whose batch is refused, is told by the connection's end")
    func unansweredFault() throws {
        let kafka = TestKafka()
        for (topic, bytes) in [("none", TestBatch.bytes(["a"])), ("t", [1, 2, 3])] {
            let client = kafka.connect()
            try client.send(TestConnection.production(bytes, to: topic, acks: 0), 9, isAnswered: false)
            #expect(client.isClosed)
            #expect(kafka.takeLines().count == 1)
        }
        #expect(kafka.peers.memoryUse == 0)
    }

    @Test("Acknowledgements are 0, 1 or all", arguments: [Int16(2), -2, Int16.max, Int16.min])
    func acks(_ acks: Int16) throws {
        let kafka = TestKafka()
        let part = try kafka.connect().produce(TestBatch.bytes(["a"]), acks: acks)
        #expect(part.errorCode == .invalidRequiredAcks)
        #expect(kafka.engine.batches(of: try kafka.partition("t")).isEmpty)
    }

    @Test("Partitions are stored and refused each by itself, and answered in their order")
    func parts() throws {
        let kafka = TestKafka([TestKafka.stream("t", partitions: 2), TestKafka.stream("u")])
        let client = kafka.connect()
        typealias Part = ProduceRequest.PartitionProduceData
        let good = KafkaRecords.bytes(TestBatch.bytes(["a"]))
        let request = ProduceRequest(
            acks: -1,
            topicData: [
                .init(
                    name: "t",
                    partitionData: [
                        Part(index: 1, records: good), Part(index: 7, records: good),
                        Part(index: 0, records: .bytes([0])), Part(index: -1, records: good),
                    ]), .init(name: "none", partitionData: [Part(index: 0, records: good)]),
                .init(name: "u", partitionData: [Part(index: 0, records: good), Part(index: 0, records: .null)]),
                .init(name: "__consumer_offsets", partitionData: [Part(index: 0, records: good)]),
            ])
        let response: ProduceResponse = try client.ask(request, 9)
        #expect(response.responses.map(\.name) == ["t", "none", "u", "__consumer_offsets"])
        let codes = response.responses.map { $0.partitionResponses.map(\.errorCode.rawValue) }
        #expect(codes == [[0, 3, 2, 3], [3], [0, 87], [17]])
        #expect(response.responses[0].partitionResponses.map(\.index) == [1, 7, 0, -1])
        #expect(response.responses[0].partitionResponses[1].errorMessage != nil)
    }

    // MARK: Idempotence

    private func numbered(_ sequence: Int32, epoch: Int16 = 0, count: Int = 1) -> [UInt8] {
        TestBatch.bytes(
            (0..<count).map { .init(value: "\(sequence) \($0)") }, producer: 7, epoch: epoch, sequence: sequence)
    }

    @Test("A batch that comes again is stored once and answered as the first time")
    func duplicates() throws {
        let kafka = TestKafka()
        let client = kafka.connect()
        #expect(try client.produce(numbered(0, count: 3)).baseOffset == 0)
        #expect(try client.produce(numbered(3)).baseOffset == 3)
        for _ in 0..<2 {
            let again = try client.produce(numbered(0, count: 3))
            #expect(again.errorCode == .none)
            #expect(again.baseOffset == 0)
        }
        #expect(kafka.engine.batches(of: try kafka.partition("t")).count == 2)
    }

    @Test("A gap in the sequence is 45, an epoch of before 47")
    func sequences() throws {
        let client = TestKafka().connect()
        #expect(try client.produce(numbered(0)).errorCode == .none)
        #expect(try client.produce(numbered(2)).errorCode == .outOfOrderSequenceNumber)
        #expect(try client.produce(numbered(1)).errorCode == .none)
        #expect(try client.produce(numbered(1, epoch: 1)).errorCode == .outOfOrderSequenceNumber)
        #expect(try client.produce(numbered(0, epoch: 1)).errorCode == .none)
        #expect(try client.produce(numbered(2, epoch: 0)).errorCode == .invalidProducerEpoch)
    }

    @Test("A producer that nothing is known of goes on where it was")
    func unknownProducer() throws {
        #expect(try TestKafka().connect().produce(numbered(1000)).errorCode == .none)
    }

    @Test("Every producer has a number of its own, whatever it says", arguments: Int16(0)...5)
    func numbers(_ version: Int16) throws {
        let kafka = TestKafka(pace: .whenTold)
        let client = kafka.connect()
        var request = InitProducerIDRequest(transactionalID: nil, transactionTimeoutMs: 1000)
        if version >= 3 { (request.producerID, request.producerEpoch) = (5, 3) }
        for _ in 0..<3 { try client.send(request, version) }
        #expect(client.takeFrame() == nil)
        kafka.commit()
        var seen: Set<Int64> = []
        for _ in 0..<3 {
            let response = try #require(try client.take(InitProducerIDResponse.self, version))
            #expect(response.errorCode == .none)
            #expect(response.producerEpoch == 0)
            seen.insert(response.producerID)
        }
        #expect(seen.count == 3)
        // What is on record keeps them from being given again by whoever starts next.
        var next = ProducerNumbers()
        for batch in kafka.engine.batches(of: try kafka.partition(ProducerNumbers.stream)) {
            let value = batch.bytes.copy(ByteRange(start: batch.byteCount - 9, byteCount: 8))
            next.apply(key: ProducerNumbers.key, value: value)
        }
        #expect(seen.allSatisfy { $0 < next.takeBlock().numbers.lowerBound })
    }
}
