import Compression
import KafkaWire
import LogInterface
import SluiceCore
import SluiceTesting
import Testing

@testable import KafkaBroker

/// What other servers of this protocol got wrong, where no other suite has it: docs/KAFKA.md has the list.
@Suite("What other servers got wrong")
struct SeenElsewhereTests {
    @Test("Every API answers at both ends of its range")
    func ends() throws {
        let id = try TestKafka([TestKafka.stream("t", partitions: 2)]).id(of: "t")
        var answered: Set<Int16> = []
        for request in MutationTests.samples(id) {
            let key = type(of: request).key
            let range = try #require(KafkaAPI(rawValue: key).flatMap { ServedVersions.of($0) })
            for version in [range.lowerBound, range.upperBound] {
                let kafka = TestKafka([TestKafka.stream("t", partitions: 2)])
                let client = kafka.connect()
                let frame: [UInt8]
                // What a sample says may have no place in a version; others of the API have.
                do { frame = try TestConnection.frame(kafka.named(request, version), version) } catch is KafkaWireError
                {
                    continue
                }
                client.send(bytes: frame)
                kafka.pass(milliseconds: 4000)
                if client.takeFrame() != nil, version == range.upperBound { answered.insert(key) }
                // Who introduces itself and says no more is closed, as is who is not answered.
                let mayEnd =
                    [SaslHandshakeRequest.key, SaslAuthenticateRequest.key].contains(key)
                    || (request as? ProduceRequest)?.acks == 0
                #expect(!client.isClosed || mayEnd, "\(type(of: request)) \(version)")
            }
        }
        let served = Set(ServedVersions.listed.map(\.apiKey))
        #expect(served.subtracting(answered).isEmpty)
    }

    @Test("Who knows a transaction's number and epoch ends it from another connection, before and after a restart")
    func resumed() throws {
        let kafka = TestKafka([TestKafka.stream("t")])
        let writer = kafka.connect("flink")
        let begun: InitProducerIDResponse = try writer.ask(
            InitProducerIDRequest(transactionalID: "tx", transactionTimeoutMs: 60_000), 5)
        let bytes = TestBatch.bytes(
            [.init(value: "a")], producer: begun.producerID, epoch: begun.producerEpoch, sequence: 0,
            isTransactional: true)
        let stored: ProduceResponse = try writer.ask(TestConnection.production(bytes, transactionalID: "tx"), 12)
        #expect(stored.responses[0].partitionResponses[0].errorCode == .none)
        writer.drop()
        let end = EndTxnRequest(
            transactionalID: "tx", producerID: begun.producerID, producerEpoch: begun.producerEpoch, committed: true)
        let restarted = try kafka.restarted()
        let ended: EndTxnResponse = try restarted.connect("other").ask(end, 5)
        #expect(ended.errorCode == .none && ended.producerEpoch == begun.producerEpoch + 1)
        let fetched = try restarted.connect().fetch(TestConnection.fetching(readsCommitted: true))
        #expect(fetched.first?.values == ["a", "#commit"])
    }

    @Test("An idempotent producer writes to a compacted topic")
    func compacted() throws {
        let kafka = TestKafka([TestKafka.stream("t") { $0.policy.cleanup = .compact }])
        let client = kafka.connect()
        for sequence in 0..<3 as Range<Int32> {
            let bytes = TestBatch.bytes([.init(value: "v\(sequence)")], producer: 7, epoch: 0, sequence: sequence)
            #expect(try client.produce(bytes).errorCode == .none)
        }
        let again = TestBatch.bytes([.init(value: "v2")], producer: 7, epoch: 0, sequence: 2)
        #expect(try client.produce(again).baseOffset == 2)
    }

    @Test("A time is found at the log's start when what was before is gone, and nowhere past its end")
    func times() throws {
        let kafka = TestKafka([TestKafka.stream("t")])
        let client = kafka.connect()
        for number in 0..<4 {
            let items = [TestBatch.Item(value: "v", time: Int64(number * 10))]
            #expect(try client.produce(TestBatch.bytes(items, codec: .gzip)).errorCode == .none)
        }
        let deletion = DeleteRecordsRequest(
            topics: [.init(name: "t", partitions: [.init(partitionIndex: 0, offset: 2)])], timeoutMs: 1000)
        let _: DeleteRecordsResponse = try client.ask(deletion, 2)
        func find(_ time: Int64) throws -> (Int64, Int64) {
            let request = ListOffsetsRequest(
                replicaID: -1, topics: [.init(name: "t", partitions: [.init(partitionIndex: 0, timestamp: time)])])
            let response: ListOffsetsResponse = try client.ask(request, 10)
            #expect(response.topics[0].partitions[0].errorCode == .none)
            return (response.topics[0].partitions[0].offset, response.topics[0].partitions[0].timestamp)
        }
        #expect(try find(TestKafka.start) == (2, TestKafka.start + 20))
        #expect(try find(TestKafka.start + 25) == (3, TestKafka.start + 30))
        #expect(try find(TestKafka.start + 31) == (-1, -1))
    }
}
