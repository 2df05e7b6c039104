import GroupCoordination
import KafkaWire
import LogInterface
import SluiceTesting
import Testing

@testable import KafkaBroker

/// Source: KIP-890, part 2, that Kafka calls version 2 of transactions.
@Suite("Transactions whose producers have another epoch after each end")
struct EpochTests {
    private struct Producer {
        var client: TestConnection
        var id: Int64 = -1
        var epoch: Int16 = -1
        var sequences: [Int32: Int32] = [:]

        init(_ kafka: TestKafka) throws {
            client = kafka.connect("tx")
            let response: InitProducerIDResponse = try client.ask(
                InitProducerIDRequest(transactionalID: "tx", transactionTimeoutMs: 60_000), 5)
            #expect(response.errorCode == .none)
            (id, epoch) = (response.producerID, response.producerEpoch)
        }

        mutating func write(_ value: String, _ partition: Int32 = 0, version: Int16 = 12) throws -> KafkaErrorCode {
            let bytes = TestBatch.bytes(
                [.init(value: value)], producer: id, epoch: epoch, sequence: sequences[partition] ?? 0,
                isTransactional: true)
            let request = TestConnection.production(bytes, to: "t", partition, transactionalID: "tx")
            let response: ProduceResponse = try client.ask(request, version)
            let code = try #require(response.responses.first?.partitionResponses.first?.errorCode)
            if code == .none { sequences[partition, default: 0] += 1 }
            return code
        }

        /// Ends the transaction as it asks by `id` and `epoch`, which are not changed.
        func ask(commits: Bool) throws -> EndTxnResponse {
            try client.ask(
                EndTxnRequest(transactionalID: "tx", producerID: id, producerEpoch: epoch, committed: commits), 5)
        }

        /// Ends it, and goes on as the answer says.
        mutating func end(commits: Bool) throws -> KafkaErrorCode {
            let response = try ask(commits: commits)
            guard response.errorCode == .none else { return response.errorCode }
            (id, epoch, sequences) = (response.producerID, response.producerEpoch, [:])
            return .none
        }
    }

    private func kafka() -> TestKafka { TestKafka([TestKafka.stream("t", partitions: 2)]) }

    private func values(_ kafka: TestKafka, _ partition: Int32 = 0) throws -> [String] {
        try #require(try kafka.connect().fetch(TestConnection.fetching("t", [partition: 0])).first).values
    }

    @Test("A partition belongs to the transaction with its first batch, also for who reads the log anew")
    func partitions() throws {
        let kafka = kafka()
        var producer = try Producer(kafka)
        #expect(try producer.write("a") == .none)
        #expect(try producer.write("b") == .none)
        #expect(try producer.write("c", 1) == .none)
        var table = TransactionTable()
        try kafka.forEachRecord(of: TransactionTable.stream) { table.apply(key: $0, value: $1) }
        #expect(table.damagedCount == 0 && table["tx"] == kafka.peers.transactions["tx"])
        #expect(table["tx"]?.partitions.keys.map(\.number).sorted() == [0, 1])
        #expect(try producer.end(commits: true) == .none)
        #expect(try values(kafka) == ["a", "b", "#commit"])
        #expect(try values(kafka, 1) == ["c", "#commit"])
    }

    @Test("After each end the former epoch is refused, and the next begins with number 0", arguments: [true, false])
    func epochs(_ commits: Bool) throws {
        let kafka = kafka()
        var producer = try Producer(kafka)
        var late = producer
        for epoch in 1...3 as ClosedRange<Int16> {
            #expect(try producer.write("v\(epoch)") == .none)
            late = producer
            #expect(try producer.end(commits: commits) == .none)
            #expect(producer.epoch == epoch && producer.id == late.id)
            // What was on its way when the transaction ended comes into no other.
            #expect(try late.write("late") == .invalidProducerEpoch)
        }
        #expect(try values(kafka).filter { !$0.hasPrefix("#") } == ["v1", "v2", "v3"])
        #expect(try late.ask(commits: !commits).errorCode == .producerFenced)
    }

    @Test(
        "An end is answered again by who it has made of the producer; the other end is none", arguments: [true, false])
    func repeated(_ commits: Bool) throws {
        let kafka = kafka()
        var producer = try Producer(kafka)
        #expect(try producer.write("a") == .none)
        let first = try producer.ask(commits: commits)
        let again = try producer.ask(commits: commits)
        #expect(first.errorCode == .none && first == again && first.producerEpoch == producer.epoch + 1)
        #expect(try producer.ask(commits: !commits).errorCode == .producerFenced)
        #expect(try values(kafka) == ["a", commits ? "#commit" : "#abort"])
        var table = TransactionTable()
        try kafka.forEachRecord(of: TransactionTable.stream) { table.apply(key: $0, value: $1) }
        #expect(table["tx"] == kafka.peers.transactions["tx"] && table["tx"]?.former != nil)
        // It may also introduce itself as who it was.
        let begun: InitProducerIDResponse = try producer.client.ask(
            InitProducerIDRequest(
                transactionalID: "tx", transactionTimeoutMs: 60_000, producerID: producer.id,
                producerEpoch: producer.epoch), 5)
        #expect(begun.errorCode == .none && begun.producerEpoch == first.producerEpoch + 1)
    }

    @Test("Nothing may be given up, which ends in another epoch; nothing cannot be committed")
    func empty() throws {
        let kafka = kafka()
        var producer = try Producer(kafka)
        #expect(try producer.end(commits: true) == .invalidTxnState)
        #expect(try producer.end(commits: false) == .none)
        #expect(producer.epoch == 1)
        #expect(try producer.end(commits: true) == .invalidTxnState)
        #expect(try producer.end(commits: false) == .none)
        #expect(producer.epoch == 2)
        #expect(try producer.write("a") == .none)
        #expect(try producer.end(commits: true) == .none)
        #expect(try producer.end(commits: false) == .none)
        #expect(producer.epoch == 4)
        #expect(try values(kafka) == ["a", "#commit"])
    }

    @Test("A partition's first batch has number 0; one that has not is refused, and adds nothing")
    func firstNumber() throws {
        let kafka = kafka()
        var producer = try Producer(kafka)
        producer.sequences = [0: 1]
        #expect(try producer.write("second") == .outOfOrderSequenceNumber)
        #expect(kafka.peers.transactions["tx"]?.phase == .empty)
        producer.sequences = [:]
        #expect(try producer.write("first") == .none)
        #expect(try producer.write("second") == .none)
        #expect(try values(kafka) == ["first", "second"])
    }

    @Test("Version 11 of Produce adds nothing: the transaction is to be given up", arguments: [11, 10] as [Int16])
    func elder(_ version: Int16) throws {
        var producer = try Producer(kafka())
        #expect(try producer.write("a", version: version) == (version == 11 ? .transactionAbortable : .invalidTxnState))
    }

    @Test("A producer whose epochs are used up goes on with another number")
    func exhausted() throws {
        let kafka = kafka()
        var producer = try Producer(kafka)
        kafka.peers.withTransactions { table in
            guard var transaction = table["tx"] else { return }
            transaction.epoch = Int16.max - 1
            table.set("tx", transaction)
        }
        producer.epoch = Int16.max - 1
        #expect(try producer.write("a") == .none)
        let first = try producer.ask(commits: true)
        #expect(first.errorCode == .none && first.producerID != producer.id && first.producerEpoch == 0)
        #expect(try producer.ask(commits: true) == first)
        #expect(try producer.end(commits: true) == .none)
        #expect(try producer.write("b") == .none)
        #expect(try producer.end(commits: true) == .none)
        #expect(try values(kafka) == ["a", "#commit", "b", "#commit"])
    }

    @Test("Who is fenced while another number is fetched for its end commits nothing")
    func fencedMeanwhile() throws {
        let kafka = TestKafka([TestKafka.stream("t")], pace: .whenTold)
        func ask<Response: KafkaResponse>(
            _ client: TestConnection, _ request: some KafkaRequest, _ version: Int16, _ type: Response.Type
        ) throws -> Response {
            try client.send(request, version)
            for _ in 0..<4 { kafka.commit() }
            return try #require(try client.take(type, version))
        }
        let (first, second) = (kafka.connect("first"), kafka.connect("second"))
        let begin = InitProducerIDRequest(transactionalID: "tx", transactionTimeoutMs: 60_000)
        let begun = try ask(first, begin, 5, InitProducerIDResponse.self)
        let epoch = Int16.max - 1
        kafka.peers.withTransactions { table in
            guard var transaction = table["tx"] else { return }
            transaction.epoch = epoch
            table.set("tx", transaction)
        }
        let bytes = TestBatch.bytes(
            [.init(value: "zombie")], producer: begun.producerID, epoch: epoch, sequence: 0, isTransactional: true)
        _ = try ask(first, TestConnection.production(bytes, transactionalID: "tx"), 12, ProduceResponse.self)
        // Numbers are used up, and the block that is asked for takes its time.
        kafka.shard.producers.numbers = (0..<0)[...]
        kafka.shard.producers.isAsking = true
        try first.send(
            EndTxnRequest(transactionalID: "tx", producerID: begun.producerID, producerEpoch: epoch, committed: true), 5
        )
        _ = try ask(second, begin, 5, InitProducerIDResponse.self)
        kafka.shard.producers.isAsking = false
        try second.send(InitProducerIDRequest(transactionalID: nil, transactionTimeoutMs: 1000), 5)
        for _ in 0..<6 { kafka.commit() }
        #expect(try first.take(EndTxnResponse.self, 5)?.errorCode == .concurrentTransactions)
        let fetched = try first.fetch(TestConnection.fetching(readsCommitted: true))
        #expect(fetched.first?.values == ["zombie", "#abort"])
    }

    @Test("Offsets of a group are committed without its being added")
    func offsets() throws {
        let kafka = kafka()
        var producer = try Producer(kafka)
        let place = TxnOffsetCommitRequest.TxnOffsetCommitRequestPartition(
            partitionIndex: 0, committedOffset: 5, committedMetadata: "")
        let request = TxnOffsetCommitRequest(
            transactionalID: "tx", groupID: "g", producerID: producer.id, producerEpoch: producer.epoch,
            topics: [.init(name: "t", partitions: [place])])
        let response: TxnOffsetCommitResponse = try producer.client.ask(request, 5)
        #expect(response.topics[0].partitions[0].errorCode == .none)
        #expect(try producer.end(commits: true) == .none)
        let fetched: OffsetFetchResponse = try producer.client.ask(
            OffsetFetchRequest(groupID: "g", topics: [.init(name: "t", partitionIndexes: [0])], requireStable: true), 7)
        #expect(fetched.topics[0].partitions[0].committedOffset == 5)
    }
}
