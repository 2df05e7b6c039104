import GroupCoordination
import KafkaWire
import LogInterface
import SluiceCore
import SluiceTesting
import Testing

@testable import KafkaBroker

@Suite("Share groups: fetching and acknowledging")
struct ShareTests {
    private typealias Got = ShareMember.Got

    /// A topic that a group reads from its beginning.
    private func world(_ pace: MemoryEngine.Pace = .atOnce, partitions: Int = 1) -> TestKafka {
        let kafka = TestKafka([TestKafka.stream("t", partitions: partitions)], pace: pace)
        kafka.peers.offsets.settings["g"].values["share.auto.offset.reset"] = "earliest"
        return kafka
    }

    private func produce(_ kafka: TestKafka, _ values: [String], _ partition: Int32 = 0) throws {
        #expect(try kafka.connect().produce(TestBatch.bytes(values), partition).errorCode == .none)
    }

    @Test("Members share a partition: each record goes to one of them", arguments: Int16(1)...2)
    func shared(_ version: Int16) throws {
        let kafka = world()
        try produce(kafka, ["a", "b"])
        try produce(kafka, ["c", "d"])
        let (one, two) = (ShareMember(kafka, "one"), ShareMember(kafka, "two"))
        #expect(try one.beat(["t"]).assignment?.topicPartitions.map(\.partitions) == [[0]])
        #expect(try two.beat(["t"]).assignment?.topicPartitions.map(\.partitions) == [[0]])
        #expect(
            try one.fetch(maxRecords: 1, version: version) == Got(values: ["a", "b"], acquired: [0...1], counts: [1]))
        #expect(try two.fetch(version: version) == Got(values: ["c", "d"], acquired: [2...3], counts: [1]))
        #expect(try one.fetch(version: version) == Got())
        #expect(try one.acknowledge([(0...1, [1])], version: version) == ShareMember.Outcome())
        #expect(try two.acknowledge([(2...3, [1, 2])], version: version) == ShareMember.Outcome())
        #expect(try one.fetch(version: version) == Got(values: ["d"], acquired: [3...3], counts: [2]))
    }

    @Test("Whoever wants no more than so many records gets no more, from the middle of a batch too")
    func strict() throws {
        let kafka = world()
        try produce(kafka, ["a", "b", "c", "d"])
        let member = ShareMember(kafka, "m")
        #expect(try member.fetch(maxRecords: 3, isStrict: true).values == ["a", "b", "c"])
        #expect(try member.fetch(maxRecords: 3, isStrict: true).acquired == [3...3])
    }

    @Test("A group that begins without a word begins at the end, and what comes then is not missed by a restart")
    func latest() throws {
        let kafka = TestKafka()
        try produce(kafka, ["old"])
        try ShareMember(kafka, "m").beat(["t"])
        try produce(kafka, ["new"])
        let again = try kafka.restarted()
        #expect(try ShareMember(again, "m").fetch().values == ["new"])
    }

    @Test("A group may begin with the records of a time")
    func byDuration() throws {
        let kafka = world()
        kafka.peers.offsets.settings["g"].values["share.auto.offset.reset"] = "by_duration:PT1M"
        let client = kafka.connect()
        for (value, time) in [("old", Int64(-120_000)), ("young", -30_000)] {
            _ = try client.produce(TestBatch.bytes([TestBatch.Item(value: value, time: time)]))
        }
        #expect(try ShareMember(kafka, "m").fetch().values == ["young"])
    }

    @Test("Acknowledgements ride on the next fetch, each partition with its own outcome")
    func piggyback() throws {
        let kafka = world()
        try produce(kafka, ["a", "b", "c"])
        let member = ShareMember(kafka, "m")
        #expect(try member.fetch(maxRecords: 2, isStrict: true).values == ["a", "b"])
        let next = try member.fetch(words: [(0...1, [1])])
        #expect(next == Got(values: ["c"], acquired: [2...2], counts: [1]))
        #expect(try member.fetch(words: [(0...2, [1])]).acknowledgeCode == .none)
        #expect(try member.fetch(words: [(7...7, [1])]).acknowledgeCode == .invalidRecordState)
        #expect(try member.fetch(words: [(2...2, [1]), (1...1, [1])]).acknowledgeCode == .invalidRequest)
        #expect(try member.fetch(words: [(1...2, [1, 1, 1])]).acknowledgeCode == .invalidRequest)
        #expect(try member.fetch(words: [(2...2, [4])]).acknowledgeCode == .invalidRequest)
    }

    @Test("Sessions have to be: unknown ones, other epochs and words in the opening request are refused")
    func sessions() throws {
        let kafka = world()
        let member = ShareMember(kafka, "m")
        func code(_ epoch: Int32, words: [ShareMember.Words] = []) throws -> KafkaErrorCode {
            member.sessionEpoch = epoch
            let response: ShareFetchResponse = try member.client.ask(try member.request(words: words), 2)
            return response.errorCode
        }
        #expect(try code(1) == .shareSessionNotFound)
        #expect(try code(-1) == .shareSessionNotFound)
        #expect(try code(0, words: [(0...0, [1])]) == .invalidRequest)
        #expect(try code(0) == .none)
        #expect(try code(2) == .invalidShareSessionEpoch)
        #expect(try code(1) == .none)
        member.sessionEpoch = 0
        #expect(try member.acknowledge([(0...0, [1])]).code == .invalidShareSessionEpoch)
        member.sessionEpoch = 7
        #expect(try member.acknowledge([(0...0, [1])]).code == .invalidShareSessionEpoch)
        #expect(try code(-1) == .none)
        #expect(try code(2) == .shareSessionNotFound)
    }

    @Test("Nobody opens a session while clients hold as much memory as they may")
    func pressure() throws {
        var limits = Limits()
        limits.clientMemoryMax = 1000
        let kafka = TestKafka(limits: limits)
        let (one, two) = (ShareMember(kafka, "one"), ShareMember(kafka, "two"))
        #expect(try one.fetch() == Got())
        kafka.peers.addMemory(2000)
        let response: ShareFetchResponse = try two.client.ask(try two.request(), 2)
        #expect(response.errorCode == .shareSessionLimitReached)
        #expect(try one.fetch() == Got())
        kafka.peers.addMemory(-2000)
        #expect(try two.fetch() == Got())
    }

    @Test("The end of a session, of a connection and of a lock give records back; that of a membership does not")
    func givesBack() throws {
        let kafka = world()
        try produce(kafka, ["a"])
        let other = ShareMember(kafka, "other")
        #expect(try other.fetch(maxRecords: 0) == Got())
        let first = ShareMember(kafka, "first")
        #expect(try first.fetch().counts == [1])
        first.sessionEpoch = -1
        #expect(try first.acknowledge([]).code == .none)
        let second = ShareMember(kafka, "second")
        #expect(try second.fetch().counts == [2])
        second.client.drop()
        let third = ShareMember(kafka, "third")
        try third.beat(["t"])
        #expect(try third.fetch().counts == [3])
        // Clients leave by one connection while they acknowledge by another.
        #expect(try third.leave().errorCode == .none)
        #expect(try third.acknowledge([(0...0, [2])]) == ShareMember.Outcome())
        #expect(try third.fetch().counts == [4])
        kafka.pass(milliseconds: 29_500)
        #expect(try other.fetch() == Got())
        kafka.pass(milliseconds: 1000)
        #expect(try other.fetch().counts == [5])
        kafka.pass(milliseconds: 31_000)
        #expect(try third.fetch() == Got(), "a record is delivered five times")
    }

    @Test("More time is had by asking for it, in the second version")
    func renew() throws {
        let kafka = world()
        try produce(kafka, ["a", "b"])
        let member = ShareMember(kafka, "m")
        let other = ShareMember(kafka, "other")
        #expect(try member.fetch().values == ["a", "b"])
        kafka.pass(milliseconds: 20_000)
        #expect(try member.acknowledge([(0...0, [4])]).part == .invalidRequest)
        #expect(try member.acknowledge([(0...0, [4])], renews: true).part == .none)
        kafka.pass(milliseconds: 11_000)
        #expect(try other.fetch().values == ["b"])
        #expect(try member.fetch(words: [(0...0, [4])], renews: true).acknowledgeCode == .none)
        kafka.pass(milliseconds: 25_000)
        #expect(try member.acknowledge([(0...0, [1])]).part == .none)
    }

    @Test("A fetch with nothing to have waits, for records that come and for those that come back")
    func waits() throws {
        let kafka = world(partitions: 2)
        let (one, two) = (ShareMember(kafka, "one"), ShareMember(kafka, "two"))
        #expect(try one.fetch() == Got())
        try one.begin(partitions: [0, 1])
        #expect(try one.take() == nil)
        try produce(kafka, ["a"], 1)
        #expect(try #require(try one.take()).map(\.values) == [["a"]])

        try two.begin(partitions: [0, 1])
        #expect(try two.take() == nil)
        #expect(try one.acknowledge([(0...0, [2])], partition: 1).part == .none)
        #expect(try #require(try two.take()).filter { !$0.values.isEmpty }.map(\.counts) == [[2]])

        try one.begin(wait: 60_000, partitions: [0, 1])
        kafka.pass(milliseconds: 30_500)
        #expect(try #require(try one.take()).map(\.counts) == [[3]])
        try two.begin(wait: 1000, partitions: [0, 1])
        kafka.pass(milliseconds: 1100)
        #expect(try two.take()?.isEmpty == true)
        #expect(kafka.peers.memoryUse > 0)
        one.client.drop()
        two.client.drop()
        #expect(kafka.peers.memoryUse == kafka.peers.shares.byteCount)
    }

    @Test("Of those that wait the first gets a record that comes, and the others wait on")
    func order() throws {
        let kafka = world()
        let members = (0..<3).map { ShareMember(kafka, "m\($0)") }
        for member in members {
            #expect(try member.fetch() == Got())
            try member.begin()
        }
        for number in 0..<3 {
            try produce(kafka, ["\(number)"])
            let taken = try members.map { try $0.take()?.first?.values }
            #expect(taken == (0..<3).map { $0 == number ? ["\(number)"] : nil })
        }
    }

    @Test("No more records are in flight than the limit says, and a word about one makes room")
    func limit() throws {
        let kafka = world()
        for number in 0..<5 { try produce(kafka, (0..<500).map { "\(number)/\($0)" }) }
        let (one, two) = (ShareMember(kafka, "one"), ShareMember(kafka, "two"))
        for _ in 0..<4 { #expect(try one.fetch().values.count == 500) }
        try two.begin()
        #expect(try two.take() == nil)
        #expect(try one.acknowledge([(100...119, [1])]).part == .none)
        #expect(try #require(try two.take()).first?.acquired == [2000...2019])
    }

    @Test("An acknowledgement is answered when it is durable, alone or with a fetch")
    func durable() throws {
        let kafka = world(.whenTold)
        try kafka.connect().send(TestConnection.production(TestBatch.bytes(["a", "b"])), 8)
        kafka.commit()
        let member = ShareMember(kafka, "m")
        try member.begin(wait: 0)
        #expect(try member.take() == nil, "where the group begins is durable first")
        kafka.commit()
        #expect(try #require(try member.take()).first?.values == ["a", "b"])
        try member.client.send(try member.acknowledgement([(0...0, [1])]), 2)
        #expect(try member.takeAcknowledged() == nil)
        kafka.commit()
        #expect(try #require(try member.takeAcknowledged()).part == .none)
        try member.begin(wait: 0, words: [(1...1, [1])])
        #expect(try member.take() == nil)
        kafka.commit()
        #expect(try #require(try member.take()).first?.acknowledgeCode == KafkaErrorCode.none)
        let again = try kafka.restarted()
        #expect(again.peers.shares.positions(of: "g").map(\.start.rawValue) == [2])
    }

    @Test("After a restart what was acknowledged does not come again, and all else does, with its deliveries")
    func restart() throws {
        let kafka = world()
        try produce(kafka, ["a", "b", "c", "d"])
        let member = ShareMember(kafka, "m")
        _ = try member.fetch()
        #expect(try member.acknowledge([(0...0, [1]), (1...1, [2]), (2...2, [3])]).part == .none)
        let again = try kafka.restarted()
        #expect(again.peers.memoryUse == 0)
        let other = ShareMember(again, "m")
        other.sessionEpoch = 5
        #expect(try other.acknowledge([(3...3, [1])]).code == .shareSessionNotFound)
        other.sessionEpoch = 0
        #expect(try other.fetch() == Got(values: ["b", "d"], acquired: [1...1, 3...3], counts: [2, 1]))
    }

    @Test("A topic that is made anew under its name begins anew, and unknown ones are named")
    func topics() throws {
        let kafka = world()
        try produce(kafka, ["a"])
        let member = ShareMember(kafka, "m")
        let old = try member.request()
        #expect(try member.fetch().values == ["a"])
        try member.begin()
        let client = kafka.connect()
        let _: DeleteTopicsResponse = try client.ask(DeleteTopicsRequest(topicNames: ["t"]), 5)
        #expect(try #require(try member.take()).map(\.code) == [.unknownTopicID])
        #expect(kafka.peers.shares.positions(of: "g").isEmpty)
        let _: CreateTopicsResponse = try client.ask(
            CreateTopicsRequest(topics: [.init(name: "t", numPartitions: 1, replicationFactor: 1)]), 7)
        try produce(kafka, ["b"])
        member.sessionEpoch = 0
        #expect(try member.fetch().values == ["b"])
        var request = old
        request.shareSessionEpoch = 0
        let response: ShareFetchResponse = try member.client.ask(request, 2)
        #expect(response.responses.first?.partitions.first?.errorCode == .unknownTopicID)
        request.topics[0].topicID = try kafka.id(of: "t")
        request.topics[0].partitions[0].partitionIndex = 9
        let beyond: ShareFetchResponse = try member.client.ask(request, 2)
        #expect(beyond.responses.first?.partitions.first?.errorCode == .unknownTopicOrPartition)
    }

    @Test("Marks of transactions come to nobody; what was given up only to groups that read everything")
    func transactions() throws {
        let kafka = world()
        kafka.peers.offsets.settings["c"].values = [
            "share.auto.offset.reset": "earliest", "share.isolation.level": "read_committed",
        ]
        let client = kafka.connect()
        let producer: InitProducerIDResponse = try client.ask(
            InitProducerIDRequest(transactionalID: "tx", transactionTimeoutMs: 60_000), 4)
        func transact(_ value: String, _ sequence: Int32, commits: Bool?) throws {
            let _: AddPartitionsToTxnResponse = try client.ask(
                AddPartitionsToTxnRequest(
                    v3AndBelowTransactionalID: "tx", v3AndBelowProducerID: producer.producerID,
                    v3AndBelowProducerEpoch: 0, v3AndBelowTopics: [.init(name: "t", partitions: [0])]), 3)
            let batch = TestBatch.bytes(
                [TestBatch.Item(value: value)], producer: producer.producerID, epoch: 0, sequence: sequence,
                isTransactional: true)
            let _: ProduceResponse = try client.ask(TestConnection.production(batch, transactionalID: "tx"), 8)
            guard let commits else { return }
            let _: EndTxnResponse = try client.ask(
                EndTxnRequest(
                    transactionalID: "tx", producerID: producer.producerID, producerEpoch: 0, committed: commits), 3)
        }
        try transact("kept", 0, commits: true)
        try transact("given up", 1, commits: false)
        try produce(kafka, ["plain"])
        try transact("open", 2, commits: nil)
        #expect(try ShareMember(kafka, "m").fetch().values == ["kept", "given up", "plain", "open"])
        let member = ShareMember(kafka, "m", group: "c")
        #expect(try member.fetch().values == ["kept", "plain"])
        try member.begin()
        #expect(try member.take() == nil)
        let _: EndTxnResponse = try client.ask(
            EndTxnRequest(
                transactionalID: "tx", producerID: producer.producerID, producerEpoch: 0, committed: true), 3)
        #expect(try #require(try member.take()).first?.values == ["open"])
    }

    @Test("A topic stands once in an answer, whichever of its partitions has its turn")
    func turns() throws {
        let kafka = TestKafka([TestKafka.stream("t", partitions: 2), TestKafka.stream("u", partitions: 2)])
        kafka.peers.offsets.settings["g"].values["share.auto.offset.reset"] = "earliest"
        let member = ShareMember(kafka, "m")
        let client = kafka.connect()
        for turn in 0..<5 {
            for (topic, number) in [("t", Int32(0)), ("t", 1), ("u", 0), ("u", 1)] {
                #expect(try client.produce(TestBatch.bytes(["\(turn)"]), to: topic, number).errorCode == .none)
            }
            var request = try member.request(["t", "u"], partitions: [0, 1])
            request.shareSessionEpoch = Int32(turn)
            let response: ShareFetchResponse = try member.client.ask(request, 2)
            #expect(Set(response.responses.map(\.topicID)).count == response.responses.count)
            let found = response.responses.flatMap(\.partitions).filter { !$0.acquiredRecords.isEmpty }
            #expect(found.count == 4)
            for part in found {
                let range = try #require(part.records.range)
                let records = try TestBatch.records(Array(member.client.lastFrame[range.indices]))
                #expect(records.map(\.offset) == [Int64(turn)])
            }
        }
    }

    @Test("When the node stops, what members have is delivered again as if it had not been")
    func stops() throws {
        let kafka = world()
        try produce(kafka, ["a"])
        try ShareMember(kafka, "m").beat(["t"])
        for _ in 0..<6 {
            let again = try kafka.restarted()
            let member = ShareMember(again, "m")
            #expect(try member.fetch().counts == [1])
            again.shard.beginDrain()
            member.client.drop()
        }
    }

    @Test("What loops read at the same time goes to one member each")
    func loops() throws {
        let kafka = world()
        try produce(kafka, ["a", "b"])
        let other = TestKafka(engine: kafka.engine, peers: kafka.peers, index: 1)
        let (one, two) = (ShareMember(kafka, "one"), ShareMember(other, "two"))
        #expect(try one.fetch().values == ["a", "b"])
        try two.begin()
        #expect(try two.take() == nil)
        #expect(try one.acknowledge([(1...1, [2])]) == ShareMember.Outcome())
        other.settle()
        #expect(try #require(try two.take()).first?.values == ["b"])
    }
}
