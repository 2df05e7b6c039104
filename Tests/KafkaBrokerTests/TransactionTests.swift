import GroupCoordination
import KafkaWire
import LogInterface
import SluiceCore
import SluiceTesting
import Testing

@testable import KafkaBroker

@Suite("Transactions")
struct TransactionTests {
    /// A transactional producer.
    private struct Producer {
        var client: TestConnection
        var name = "tx"
        var id: Int64 = -1
        var epoch: Int16 = -1
        var sequences: [Int32: Int32] = [:]

        init(_ kafka: TestKafka, _ name: String = "tx", timeout: Int32 = 60_000) throws {
            client = kafka.connect(name)
            self.name = name
            let response: InitProducerIDResponse = try client.ask(
                InitProducerIDRequest(transactionalID: name, transactionTimeoutMs: timeout), 4)
            #expect(response.errorCode == .none)
            (id, epoch) = (response.producerID, response.producerEpoch)
        }

        func add(_ partitions: [Int32] = [0], topic: String = "t", version: Int16 = 3) throws -> [Int16] {
            let request = AddPartitionsToTxnRequest(
                v3AndBelowTransactionalID: name, v3AndBelowProducerID: id, v3AndBelowProducerEpoch: epoch,
                v3AndBelowTopics: [.init(name: topic, partitions: partitions)])
            let response: AddPartitionsToTxnResponse = try client.ask(request, version)
            return response.resultsByTopicV3AndBelow.flatMap {
                $0.resultsByPartition.map(\.partitionErrorCode.rawValue)
            }
        }

        mutating func write(_ value: String, _ partition: Int32 = 0) throws -> Int16 {
            let bytes = TestBatch.bytes(
                [.init(value: value)], producer: id, epoch: epoch, sequence: sequences[partition] ?? 0,
                isTransactional: true)
            let request = TestConnection.production(bytes, to: "t", partition, transactionalID: name)
            let response: ProduceResponse = try client.ask(request, 9)
            let code = response.responses.first?.partitionResponses.first?.errorCode.rawValue ?? -2
            if code == 0 { sequences[partition, default: 0] += 1 }
            return code
        }

        func end(commits: Bool, version: Int16 = 3) throws -> Int16 {
            let response: EndTxnResponse = try client.ask(
                EndTxnRequest(transactionalID: name, producerID: id, producerEpoch: epoch, committed: commits),
                version)
            return response.errorCode.rawValue
        }
    }

    private func kafka(pace: MemoryEngine.Pace = .atOnce) -> TestKafka {
        TestKafka([TestKafka.stream("t", partitions: 2)], pace: pace)
    }

    /// What a reader of a partition gets of transactions: the values that it does not skip.
    private func visible(_ kafka: TestKafka, _ partition: Int32 = 0) throws -> [String] {
        let part = try #require(
            try kafka.connect().fetch(TestConnection.fetching("t", [partition: 0], readsCommitted: true)).first)
        #expect(part.part.errorCode == .none)
        var aborted = try #require(part.part.abortedTransactions).sorted { $0.firstOffset < $1.firstOffset }
        var skipped: Set<Int64> = []
        var values: [String] = []
        for (offset, value, producer) in zip3(part) {
            while let first = aborted.first, first.firstOffset <= offset {
                skipped.insert(first.producerID)
                aborted.removeFirst()
            }
            if value == "#abort" { skipped.remove(producer) }
            if !value.hasPrefix("#"), !skipped.contains(producer) { values.append(value) }
        }
        return values
    }

    private func zip3(_ fetched: TestConnection.Fetched) -> [(Int64, String, Int64)] {
        // One record to a batch, so that each has a header with its producer.
        var producers: [Int64] = []
        var start = 0
        while start < fetched.bytes.count {
            let length = fetched.bytes[start + 8..<start + 12].reduce(0) { $0 << 8 | Int($1) }
            let id = fetched.bytes[start + 43..<start + 51].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            producers.append(Int64(bitPattern: id))
            start += 12 + length
        }
        return zip(zip(fetched.offsets, fetched.values), producers).map { ($0.0, $0.1, $1) }
    }

    @Test("Committed records are seen when they are, those that were given up never")
    func commitAndAbort() throws {
        let kafka = kafka()
        var producer = try Producer(kafka)
        #expect(try producer.add([0, 1]) == [0, 0])
        #expect(try producer.write("a") == 0)
        #expect(try producer.write("b", 1) == 0)
        #expect(try visible(kafka) == [])
        #expect(try producer.end(commits: true) == 0)
        #expect(try visible(kafka) == ["a"])
        #expect(try visible(kafka, 1) == ["b"])
        #expect(try producer.add() == [0])
        #expect(try producer.write("lost") == 0)
        #expect(try producer.end(commits: false) == 0)
        #expect(try producer.add() == [0])
        #expect(try producer.write("c") == 0)
        #expect(try producer.end(commits: true) == 0)
        #expect(try visible(kafka) == ["a", "c"])
        let all = try #require(try kafka.connect().fetch(TestConnection.fetching()).first)
        #expect(all.values == ["a", "#commit", "lost", "#abort", "c", "#commit"])
        #expect(all.part.abortedTransactions == nil)
    }

    @Test("What others write is seen up to the oldest transaction that is going on")
    func lastStableOffset() throws {
        let kafka = kafka()
        let client = kafka.connect()
        var (first, second) = (try Producer(kafka, "one"), try Producer(kafka, "two"))
        _ = try client.produce(TestBatch.bytes(["plain"]))
        #expect(try first.add() == [0])
        #expect(try first.write("1") == 0)
        #expect(try second.add() == [0])
        #expect(try second.write("2") == 0)
        _ = try client.produce(TestBatch.bytes([.init(value: "behind", time: 5)]))
        #expect(try second.end(commits: true) == 0)
        #expect(try visible(kafka) == ["plain"])
        let part = try #require(try client.fetch(TestConnection.fetching("t", [0: 0], readsCommitted: true)).first)
        #expect(part.part.highWatermark == 5 && part.part.lastStableOffset == 1)
        let request = ListOffsetsRequest(
            replicaID: -1, isolationLevel: 1,
            topics: [.init(name: "t", partitions: [.init(partitionIndex: 0, timestamp: -1)])])
        let latest: ListOffsetsResponse = try client.ask(request, 7)
        #expect(latest.topics[0].partitions[0].offset == 1)
        // A time is found up to there.
        for (isolation, offsets) in [(Int8(0), [Int64(0), 3, 3]), (1, [0, -1, -1])] {
            for (time, offset) in zip([TestKafka.start, TestKafka.start + 5, -3], offsets) {
                let request = ListOffsetsRequest(
                    replicaID: -1, isolationLevel: isolation,
                    topics: [.init(name: "t", partitions: [.init(partitionIndex: 0, timestamp: time)])])
                let found: ListOffsetsResponse = try client.ask(request, 10)
                #expect(found.topics[0].partitions[0].offset == offset, "\(isolation) \(time)")
            }
        }
        #expect(try first.end(commits: false) == 0)
        #expect(try visible(kafka) == ["plain", "2", "behind"])
    }

    @Test("A reader that waits is woken by a transaction's end, also with a partition named twice")
    func wakes() throws {
        let kafka = kafka()
        var producer = try Producer(kafka)
        #expect(try producer.add() == [0])
        #expect(try producer.write("a") == 0)
        let (reader, other) = (kafka.connect(), kafka.connect())
        var request = TestConnection.fetching("t", [0: 0], wait: 10_000, readsCommitted: true)
        try reader.send(request, 12)
        request.topics[0].partitions.append(request.topics[0].partitions[0])
        try other.send(request, 12)
        #expect(reader.takeFrame() == nil && other.takeFrame() == nil)
        #expect(try producer.end(commits: true) == 0)
        // The mark of the end may come with the next answer.
        #expect(try reader.takeFetched()?.first?.values.first == "a")
        #expect(try other.takeFetched()?.map(\.values.first) == ["a", "a"])
    }

    @Test("The end is answered when it is durable, and seen no sooner; others wait for it")
    func durable() throws {
        let kafka = kafka(pace: .whenTold)
        let client = kafka.connect("tx")
        func ask<Response: KafkaResponse>(
            _ request: some KafkaRequest, _ version: Int16, _ type: Response.Type
        ) throws -> Response {
            try client.send(request, version)
            for _ in 0..<2 { kafka.commit() }
            return try #require(try client.take(type, version))
        }
        let begun = try ask(
            InitProducerIDRequest(transactionalID: "tx", transactionTimeoutMs: 9000), 4, InitProducerIDResponse.self)
        kafka.commit()
        let add = AddPartitionsToTxnRequest(
            v3AndBelowTransactionalID: "tx", v3AndBelowProducerID: begun.producerID,
            v3AndBelowProducerEpoch: begun.producerEpoch, v3AndBelowTopics: [.init(name: "t", partitions: [0])])
        _ = try ask(add, 3, AddPartitionsToTxnResponse.self)
        let bytes = TestBatch.bytes(
            [.init(value: "a")], producer: begun.producerID, epoch: 0, sequence: 0, isTransactional: true)
        _ = try ask(TestConnection.production(bytes, transactionalID: "tx"), 9, ProduceResponse.self)
        let end = EndTxnRequest(
            transactionalID: "tx", producerID: begun.producerID, producerEpoch: 0, committed: true)
        try client.send(end, 3)
        #expect(client.takeFrame() == nil)
        #expect(try visible(kafka) == [])
        let again: AddPartitionsToTxnResponse = try kafka.connect().ask(add, 3)
        #expect(again.resultsByTopicV3AndBelow[0].resultsByPartition[0].partitionErrorCode == .concurrentTransactions)
        let other: InitProducerIDResponse = try kafka.connect().ask(
            InitProducerIDRequest(transactionalID: "tx", transactionTimeoutMs: 9000), 4)
        #expect(other.errorCode == .concurrentTransactions)
        kafka.commit()
        #expect(try client.take(EndTxnResponse.self, 3)?.errorCode == KafkaErrorCode.none)
        #expect(try visible(kafka) == ["a"])
    }

    @Test("Who comes under the same name fences who was there, and what that one left open is given up")
    func fencing() throws {
        let kafka = kafka()
        var first = try Producer(kafka)
        #expect(try first.add() == [0])
        #expect(try first.write("zombie") == 0)
        var second = try Producer(kafka, timeout: 1234)
        #expect(second.id == first.id && second.epoch > first.epoch)
        #expect(kafka.peers.transactions["tx"]?.timeout == 1234)
        #expect(try first.write("zombie") == KafkaErrorCode.invalidProducerEpoch.rawValue)
        #expect(try first.add() == [KafkaErrorCode.producerFenced.rawValue])
        #expect(try first.end(commits: true) == KafkaErrorCode.producerFenced.rawValue)
        #expect(try second.add() == [0])
        #expect(try second.write("a") == 0)
        #expect(try second.end(commits: true) == 0)
        #expect(try visible(kafka) == ["a"])
    }

    @Test("A transaction that goes on for too long is given up, and its producer fenced")
    func timeout() throws {
        let kafka = kafka()
        var producer = try Producer(kafka, timeout: 5000)
        #expect(try producer.add() == [0])
        #expect(try producer.write("late") == 0)
        kafka.pass(milliseconds: 5000)
        #expect(try producer.write("late") == 0)
        kafka.pass(milliseconds: 1)
        #expect(kafka.takeLines().contains { $0.contains("'tx'") })
        #expect(try producer.end(commits: true) != 0)
        #expect(try visible(kafka) == [])
        let part = try #require(
            try kafka.connect().fetch(TestConnection.fetching("t", [0: 0], readsCommitted: true)).first)
        #expect(part.part.lastStableOffset == part.part.highWatermark)
    }

    @Test("The same end may be asked for again, the other may not", arguments: [true, false])
    func repeatedEnd(_ commits: Bool) throws {
        let kafka = kafka()
        var producer = try Producer(kafka)
        #expect(try producer.end(commits: commits) == KafkaErrorCode.invalidTxnState.rawValue)
        #expect(try producer.add() == [0])
        #expect(try producer.write("a") == 0)
        #expect(try producer.end(commits: commits) == 0)
        #expect(try producer.end(commits: commits) == 0)
        #expect(try producer.end(commits: !commits) == KafkaErrorCode.invalidTxnState.rawValue)
        #expect(kafka.engine.batches(of: try kafka.partition("t")).count == 2)
    }

    @Test("A batch for a partition that was not added is 48, one of nobody's 49")
    func unadded() throws {
        let kafka = kafka()
        var producer = try Producer(kafka)
        #expect(try producer.write("a") == KafkaErrorCode.invalidTxnState.rawValue)
        #expect(try producer.add([0]) == [0])
        #expect(try producer.write("a", 1) == KafkaErrorCode.invalidTxnState.rawValue)
        #expect(try producer.add([0, 7]) == [55, 3])
        producer.id = 4711
        #expect(try producer.write("a") == KafkaErrorCode.invalidProducerIDMapping.rawValue)
        #expect(try producer.add() == [KafkaErrorCode.invalidProducerIDMapping.rawValue])
    }

    @Test("Names and times of transactions")
    func beginnings() throws {
        let client = kafka().connect()
        func code(_ body: (inout InitProducerIDRequest) -> Void) throws -> Int16 {
            var request = InitProducerIDRequest(transactionalID: "tx", transactionTimeoutMs: 1000)
            body(&request)
            let response: InitProducerIDResponse = try client.ask(request, 4)
            return response.errorCode.rawValue
        }
        #expect(try code { $0.transactionalID = "" } == 42)
        #expect(try code { $0.transactionTimeoutMs = 900_001 } == 50)
        #expect(try code { $0.transactionTimeoutMs = 0 } == 50)
        #expect(try code { $0.producerID = 5 } == 49)
        #expect(try code { _ in } == 0)
        #expect(try code { ($0.producerID, $0.producerEpoch) = (77, 0) } == 90)
    }

    @Test("Offsets of groups hold when their transaction does", arguments: [true, false])
    func offsets(_ commits: Bool) throws {
        let kafka = kafka()
        let producer = try Producer(kafka)
        let added: AddOffsetsToTxnResponse = try producer.client.ask(
            AddOffsetsToTxnRequest(
                transactionalID: "tx", producerID: producer.id, producerEpoch: producer.epoch, groupID: "g"), 3)
        #expect(added.errorCode == .none)
        func commit(_ offset: Int64, metadata: String = "m") throws -> Int16 {
            let request = TxnOffsetCommitRequest(
                transactionalID: "tx", groupID: "g", producerID: producer.id, producerEpoch: producer.epoch,
                topics: [
                    .init(
                        name: "t",
                        partitions: [
                            .init(
                                partitionIndex: 0, committedOffset: offset, committedLeaderEpoch: 0,
                                committedMetadata: metadata)
                        ])
                ])
            let response: TxnOffsetCommitResponse = try producer.client.ask(request, 3)
            return response.topics[0].partitions[0].errorCode.rawValue
        }
        #expect(try commit(5) == 0)
        #expect(try commit(6, metadata: String(repeating: "x", count: 5000)) == 12)
        #expect(try commit(-7) == KafkaErrorCode.invalidCommitOffsetSize.rawValue)
        func fetch(stable: Bool) throws -> (Int64, Int16) {
            let request = OffsetFetchRequest(
                groupID: "g", topics: [.init(name: "t", partitionIndexes: [0])], requireStable: stable)
            let response: OffsetFetchResponse = try producer.client.ask(request, 7)
            let part = response.topics[0].partitions[0]
            return (part.committedOffset, part.errorCode.rawValue)
        }
        #expect(try fetch(stable: false) == (-1, 0))
        #expect(try fetch(stable: true).1 == KafkaErrorCode.unstableOffsetCommit.rawValue)
        #expect(try producer.end(commits: commits) == 0)
        #expect(try fetch(stable: true) == (commits ? 5 : -1, 0))
        var table = OffsetTable()
        try kafka.forEachRecord(of: GroupRecord.stream) { table.apply(key: $0, value: $1) }
        let place = StreamPartition(stream: "t", number: 0)
        #expect(table.committed("g", place)?.offset.rawValue == (commits ? 5 : nil))
    }

    @Test("What is on record gives the same transactions to who reads it")
    func replay() throws {
        let kafka = kafka()
        var (done, lost, open) = (try Producer(kafka, "done"), try Producer(kafka, "lost"), try Producer(kafka, "open"))
        for index in 0..<2 {
            #expect(try done.add() == [0])
            #expect(try done.write("d\(index)") == 0)
            #expect(try done.end(commits: true) == 0)
            #expect(try lost.add() == [0])
            #expect(try lost.write("l\(index)") == 0)
            #expect(try lost.end(commits: false) == 0)
        }
        #expect(try open.add([0, 1]) == [0, 0])
        #expect(try open.write("o") == 0)
        var table = TransactionTable()
        try kafka.forEachRecord(of: TransactionTable.stream) { table.apply(key: $0, value: $1) }
        #expect(table.damagedCount == 0)
        #expect(table.transactions == kafka.peers.transactions.transactions)
        #expect(table.aborted == kafka.peers.transactions.aborted)
        let place = StreamPartition(stream: "t", number: 0)
        #expect(table.firstOpen(in: place) == kafka.peers.transactions.firstOpen(in: place))
    }

    @Test("Transactions are listed and described")
    func administration() throws {
        let kafka = kafka()
        var producer = try Producer(kafka)
        let other = try Producer(kafka, "empty")
        #expect(try producer.add() == [0])
        #expect(try producer.write("a") == 0)
        kafka.pass(milliseconds: 100)
        let client = kafka.connect()
        let all: ListTransactionsResponse = try client.ask(ListTransactionsRequest(durationFilter: -1), 1)
        #expect(all.transactionStates.map(\.transactionalID) == ["empty", "tx"])
        #expect(all.transactionStates.map(\.transactionState) == ["Empty", "Ongoing"])
        let some: ListTransactionsResponse = try client.ask(
            ListTransactionsRequest(stateFilters: ["Ongoing", "Nonsense"], durationFilter: 50), 1)
        #expect(some.transactionStates.map(\.transactionalID) == ["tx"])
        #expect(some.unknownStateFilters == ["Nonsense"])
        let mine: ListTransactionsResponse = try client.ask(
            ListTransactionsRequest(producerIDFilters: [other.id], durationFilter: -1), 1)
        #expect(mine.transactionStates.map(\.transactionalID) == ["empty"])
        let described: DescribeTransactionsResponse = try client.ask(
            DescribeTransactionsRequest(transactionalIDs: ["tx", "none"]), 0)
        #expect(described.transactionStates.map(\.errorCode.rawValue) == [0, 105])
        #expect(described.transactionStates[0].topics.map(\.topic) == ["t"])
        let producers: DescribeProducersResponse = try client.ask(
            DescribeProducersRequest(topics: [.init(name: "t", partitionIndexes: [0, 9])]), 0)
        #expect(producers.topics[0].partitions.map(\.errorCode.rawValue) == [0, 3])
        #expect(producers.topics[0].partitions[0].activeProducers.map(\.currentTxnStartOffset) == [0])
    }
}
