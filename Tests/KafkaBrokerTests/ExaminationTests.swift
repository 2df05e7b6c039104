import Compression
import KafkaWire
import LogInterface
import RecordFormat
import SluiceCore
import SluiceTesting
import Testing

@testable import KafkaBroker

@Suite("Batches that somebody else looks at")
struct ExaminationTests {
    /// Leaves records with "bad" in them out, with a companion for the stream `letters`, and refuses those with
    /// "worse".
    private final class Examiner: ProduceExaminer {
        let letters: PartitionID
        var examinedCount = 0
        var takenBackCount = 0

        init(letters: PartitionID) { self.letters = letters }

        func examines(_ topic: String) -> Bool { topic == "t" }

        func examine(
            _ batch: RecordBatch, into topic: String, from client: String, stampedAt stamp: Timestamp?
        ) -> Examination {
            examinedCount += 1
            var found = Examination(refusals: [], leftOut: [], companions: [], isTooLarge: false) { [unowned self] in
                takenBackCount += 1
            }
            let bytes = batch.bytes.copy(ByteRange(start: 0, byteCount: batch.byteCount))
            guard let records = try? TestBatch.records(bytes) else {
                Issue.record("a batch that was checked has its records")
                return found
            }
            for (number, record) in records.enumerated() {
                if record.value.hasPrefix("worse") { found.refusals.append((number, "no \(record.value)")) }
                if record.value.hasPrefix("huge") { found.isTooLarge = true }
                if record.value.hasPrefix("bad") { found.leftOut.insert(number) }
            }
            if !found.leftOut.isEmpty {
                var builder = RecordBatchBuilder()
                builder.append(
                    at: Timestamp(rawValue: 1), keyField: RecordFields.key([1]).span, value: [UInt8](client.utf8).span,
                    headersField: RecordFields.headers([]).span)
                found.companions = [
                    Append(partition: letters, batch: builder.finish(), isAwaited: true, topicHashes: nil)
                ]
            }
            return found
        }
    }

    private func world() throws -> (TestKafka, Examiner) {
        let kafka = TestKafka([TestKafka.stream("t"), TestKafka.stream("letters"), TestKafka.stream("other")])
        let examiner = Examiner(letters: try kafka.partition("letters"))
        kafka.shard.examiner = examiner
        return (kafka, examiner)
    }

    private func numbered(_ values: [String], _ sequence: Int32) -> [UInt8] {
        TestBatch.bytes(values.map { .init(value: $0) }, producer: 7, epoch: 0, sequence: sequence)
    }

    private func letterCount(_ kafka: TestKafka) throws -> Int {
        kafka.engine.batches(of: try kafka.partition("letters")).count
    }

    @Test("What is left out is a hole: other records have the offsets that their producer counts", arguments: 0...4)
    func holes(_ codec: UInt8) throws {
        let (kafka, _) = try world()
        let codec = try #require(Codec(rawValue: codec))
        let client = kafka.connect()
        let repeated = String(repeating: "again ", count: 20)
        let values = ["bad", "a", "bad", "b", "bad"].map { $0 + repeated }
        #expect(try client.produce(TestBatch.bytes(values, codec: codec)).baseOffset == 0)
        // All of a batch may be left out: its offsets are passed over.
        #expect(try client.produce(TestBatch.bytes(["bad", "bad"], codec: codec)).baseOffset == 5)
        #expect(try client.produce(TestBatch.bytes(["c"], codec: codec)).baseOffset == 7)
        let fetched = try client.fetch(TestConnection.fetching())
        #expect(fetched.first?.offsets == [1, 3, 7])
        #expect(fetched.first?.values == ["a" + repeated, "b" + repeated, "c"])
        #expect(try letterCount(kafka) == 2)
        let stored = kafka.engine.batches(of: try kafka.partition("t"))
        #expect(try stored.first?.header.codec == codec)
    }

    @Test("A numbered batch that comes again leaves nothing out again, and its numbers go on behind what was left out")
    func sequences() throws {
        let (kafka, examiner) = try world()
        let client = kafka.connect()
        #expect(try client.produce(numbered(["a", "bad"], 0)).baseOffset == 0)
        #expect(try client.produce(numbered(["a", "bad"], 0)).baseOffset == 0)
        #expect(try letterCount(kafka) == 1)
        #expect(examiner.takenBackCount == 1)
        #expect(try client.produce(numbered(["bad"], 5)).errorCode == .outOfOrderSequenceNumber)
        #expect(try letterCount(kafka) == 1)
        #expect(examiner.takenBackCount == 2)
        #expect(try client.produce(numbered(["b"], 2)).baseOffset == 2)
        #expect(examiner.takenBackCount == 2)
    }

    @Test("What goes with a transaction's batch goes with it alone, and stays when the transaction is given up")
    func transactions() throws {
        let (kafka, examiner) = try world()
        let client = kafka.connect()
        let producer: InitProducerIDResponse = try client.ask(
            InitProducerIDRequest(transactionalID: "tx", transactionTimeoutMs: 60_000), 4)
        let bytes = TestBatch.bytes(
            ["a", "bad"].map { .init(value: $0) }, producer: producer.producerID, epoch: producer.producerEpoch,
            sequence: 0, isTransactional: true)
        func produce() throws -> ProduceResponse.PartitionProduceResponse {
            let response: ProduceResponse = try client.ask(
                TestConnection.production(bytes, transactionalID: "tx"), 9)
            return try #require(response.responses.first?.partitionResponses.first)
        }
        // The partition is none of the transaction's yet.
        #expect(try produce().errorCode == .invalidTxnState)
        #expect(try letterCount(kafka) == 0)
        #expect(examiner.takenBackCount == 1)
        let _: AddPartitionsToTxnResponse = try client.ask(
            AddPartitionsToTxnRequest(
                v3AndBelowTransactionalID: "tx", v3AndBelowProducerID: producer.producerID,
                v3AndBelowProducerEpoch: producer.producerEpoch,
                v3AndBelowTopics: [.init(name: "t", partitions: [0])]), 3)
        #expect(try produce().baseOffset == 0)
        #expect(try letterCount(kafka) == 1)
        let ended: EndTxnResponse = try client.ask(
            EndTxnRequest(
                transactionalID: "tx", producerID: producer.producerID, producerEpoch: producer.producerEpoch,
                committed: false), 3)
        #expect(ended.errorCode == .none)
        #expect(try letterCount(kafka) == 1)
        #expect(examiner.takenBackCount == 1)
        let fetched = try client.fetch(TestConnection.fetching())
        #expect(fetched.first?.offsets == [0, 2] && fetched.first?.values == ["a", "#abort"])
    }

    @Test("A refused batch names its records from version 8 on, and nothing of it is stored", arguments: Int16(3)...11)
    func refusals(_ version: Int16) throws {
        let (kafka, examiner) = try world()
        let client = kafka.connect()
        let part = try client.produce(TestBatch.bytes(["a", "worse 1", "bad", "worse 2"]), version: version)
        #expect(part.errorCode == .invalidRecord)
        #expect(part.recordErrors.map(\.batchIndex) == (version >= 8 ? [1, 3] : []))
        #expect(part.recordErrors.map(\.batchIndexErrorMessage) == (version >= 8 ? ["no worse 1", "no worse 2"] : []))
        #expect(part.errorMessage == (version >= 8 ? "2 of 4 records are not as they should be: no worse 1" : nil))
        #expect(kafka.engine.batches(of: try kafka.partition("t")).isEmpty)
        #expect(try letterCount(kafka) == 0)
        #expect(examiner.takenBackCount == 0)
    }

    @Test("What would be too large beside a batch refuses it, and other topics are not looked at")
    func others() throws {
        let (kafka, examiner) = try world()
        let client = kafka.connect()
        #expect(try client.produce(TestBatch.bytes(["huge"])).errorCode == .messageTooLarge)
        #expect(examiner.takenBackCount == 1)
        #expect(try client.produce(TestBatch.bytes(["worse"]), to: "other").errorCode == .none)
        #expect(examiner.examinedCount == 1)
    }
}
