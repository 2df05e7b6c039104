import Compression
import KafkaWire
import SluiceCore
import SluiceTesting
import Testing

@testable import KafkaBroker

@Suite("Fetch")
struct FetchTests {
    private typealias Client = TestConnection

    /// A topic of two partitions in which records stand already, a batch for each.
    private func filled(_ counts: [Int], size: Int = 100) throws -> (kafka: TestKafka, client: TestConnection) {
        let kafka = TestKafka([TestKafka.stream("t", partitions: counts.count)])
        let client = kafka.connect()
        for (partition, count) in counts.enumerated() {
            for number in 0..<count {
                let value = "\(partition)/\(number)" + String(repeating: "x", count: size)
                #expect(try client.produce(TestBatch.bytes([value]), Int32(partition)).errorCode == .none)
            }
        }
        return (kafka, client)
    }

    @Test("Records come in every version, from the batch of the offset on", arguments: Int16(4)...18)
    func versions(_ version: Int16) throws {
        let kafka = TestKafka()
        let client = kafka.connect()
        for batch in [["a", "b", "c"], ["d", "e"], ["f"]] { _ = try client.produce(TestBatch.bytes(batch)) }
        let all = try #require(try client.fetch(Client.fetching(), version: version).first)
        #expect(all.values == ["a", "b", "c", "d", "e", "f"])
        #expect(all.part.highWatermark == 6 && all.part.lastStableOffset == 6)
        #expect(all.part.abortedTransactions == nil)
        if version >= 5 { #expect(all.part.logStartOffset == 0) }
        let middle = try #require(try client.fetch(Client.fetching("t", [0: 4]), version: version).first)
        #expect(middle.values == ["d", "e", "f"])
    }

    @Test("A partition with nothing new has records of length 0, and who does not wait is answered")
    func empty() throws {
        let (_, client) = try filled([1, 0])
        let parts = try client.fetch(Client.fetching("t", [0: 1, 1: 0]))
        #expect(parts.map(\.bytes) == [[], []])
        #expect(parts.map(\.part.errorCode) == [.none, .none])
        #expect(parts.map(\.part.highWatermark) == [1, 0])
        let committed = try client.fetch(Client.fetching("t", [1: 0], readsCommitted: true))
        #expect(committed.first?.part.abortedTransactions == [])
    }

    @Test("A fetch that waits is answered when records come")
    func wakes() throws {
        let (kafka, client) = try filled([0, 0])
        try client.send(Client.fetching("t", [0: 0, 1: 0], wait: 10_000), 12)
        #expect(client.takeFrame() == nil)
        let other = kafka.connect()
        _ = try other.produce(TestBatch.bytes(["new"]), 1)
        let parts = try #require(try client.takeFetched())
        #expect(parts.map(\.values) == [[], ["new"]])
    }

    @Test("A fetch waits for as many bytes as it wants, and no longer than it wants")
    func waits() throws {
        let (kafka, client) = try filled([0])
        let other = kafka.connect()
        let batch = TestBatch.bytes(["new"])
        try client.send(Client.fetching(wait: 10_000, minBytes: Int32(batch.count * 2)), 12)
        _ = try other.produce(batch)
        #expect(client.takeFrame() == nil)
        _ = try other.produce(batch)
        #expect(try client.takeFetched()?.first?.values == ["new", "new"])

        try client.send(Client.fetching("t", [0: 2], wait: 3000, minBytes: 1 << 20), 12)
        _ = try other.produce(batch)
        kafka.pass(milliseconds: 2900)
        #expect(client.takeFrame() == nil)
        #expect(kafka.shard.nextPace == kafka.shard.now + 100_000_000)
        kafka.shard.now += 100_000_000
        kafka.shard.pace()
        #expect(try client.takeFetched()?.first?.values == ["new"])
        #expect(kafka.shard.nextPace == nil)
    }

    @Test("Offsets that are not there are 1, at once", arguments: [Int64(-1), 4, Int64.max, Int64.min])
    func outOfRange(_ offset: Int64) throws {
        let (_, client) = try filled([3, 3])
        let parts = try client.fetch(Client.fetching("t", [0: offset, 1: 3], wait: 10_000))
        #expect(parts.map(\.part.errorCode) == [.offsetOutOfRange, .none])
    }

    @Test("Topics and partitions that are not there are 3, and the rest is answered with them")
    func unknown() throws {
        let (_, client) = try filled([1])
        let parts = try client.fetch(Client.fetching("t", [0: 0, 5: 0, -1: 0], wait: 10_000))
        #expect(parts.map(\.part.errorCode.rawValue) == [3, 0, 3])
        #expect(try client.fetch(Client.fetching("none", wait: 10_000)).map(\.part.errorCode.rawValue) == [3])
    }

    @Test("Leader epochs: there is one", arguments: [(Int32(-1), Int16(0)), (0, 0), (1, 75), (-2, 74)])
    func epochs(_ epoch: Int32, _ code: Int16) throws {
        let (_, client) = try filled([1])
        var request = Client.fetching(wait: 10_000)
        request.topics[0].partitions[0].currentLeaderEpoch = epoch
        #expect(try client.fetch(request).first?.part.errorCode.rawValue == code)
    }

    @Test("The first batch comes however large it is, and others as they fit")
    func firstBatch() throws {
        let (_, client) = try filled([3, 3], size: 1000)
        let parts = try client.fetch(Client.fetching("t", [0: 0, 1: 0], maxBytes: 10, partitionBytes: 10))
        #expect(parts.map(\.values.count) == [1, 0])
        let size = parts[0].bytes.count
        let two = try client.fetch(
            Client.fetching("t", [0: 0, 1: 0], maxBytes: Int32(size * 4), partitionBytes: Int32(size * 2)))
        #expect(two.map(\.values.count) == [2, 2])
        let shared = try client.fetch(
            Client.fetching("t", [0: 0, 1: 0], maxBytes: Int32(size * 4), partitionBytes: Int32(size * 3)))
        #expect(shared.map(\.values.count) == [3, 1])
        let none = try client.fetch(Client.fetching("t", [0: 3, 1: 0], maxBytes: 0, partitionBytes: 0))
        #expect(none.map(\.values.count) == [0, 1])
    }

    @Test("A batch that does not fit behind others, while more is wanted, waits and is not looked for again and again")
    func leftOut() throws {
        let (kafka, client) = try filled([1, 1], size: 1000)
        try client.send(
            Client.fetching("t", [0: 0, 1: 0], wait: 1000, minBytes: 1 << 20, partitionBytes: 500), 12)
        #expect(client.takeFrame() == nil)
        kafka.pass(milliseconds: 1000)
        #expect(try client.takeFetched()?.map(\.values.count) == [1, 0])
        let next = try client.fetch(Client.fetching("t", [0: 1, 1: 0], wait: 1000, partitionBytes: 500))
        #expect(next.map(\.values.count) == [0, 1])
    }

    @Test("A partition that is asked for twice is answered twice")
    func twice() throws {
        let (kafka, client) = try filled([0])
        var request = Client.fetching(wait: 10_000)
        request.topics[0].partitions.append(request.topics[0].partitions[0])
        request.topics.append(request.topics[0])
        try client.send(request, 12)
        _ = try kafka.connect().produce(TestBatch.bytes(["a"]))
        #expect(try client.takeFetched()?.map(\.values) == [["a"], ["a"], ["a"], ["a"]])
    }

    @Test("zstd is 76 for who asks in a version that has none", arguments: [(Int16(9), Int16(76)), (10, 0)])
    func zstd(_ version: Int16, _ code: Int16) throws {
        let client = TestKafka().connect()
        _ = try client.produce(TestBatch.bytes((0..<30).map { _ in "again and again" }, codec: .zstd))
        let part = try #require(try client.fetch(Client.fetching(), version: version).first)
        #expect(part.part.errorCode.rawValue == code)
        #expect(part.values.isEmpty == (code != 0))
    }

    @Test(
        "A session tells what has changed, begins anew when asked, and is nobody else's",
        arguments: [12, 14, 18] as [Int16])
    func sessions(_ version: Int16) throws {
        let (kafka, client) = try filled([1])
        var request = Client.fetching()
        (request.sessionID, request.sessionEpoch) = (0, 0)
        let first: FetchResponse = try client.ask(request, version)
        #expect(first.sessionID != 0 && first.responses.count == 1)
        let topics = request.topics
        request.topics[0].partitions[0].fetchOffset = 1
        (request.sessionID, request.sessionEpoch) = (first.sessionID, 1)
        let second: FetchResponse = try client.ask(request, version)
        #expect(second.errorCode == .none && second.sessionID == first.sessionID && second.responses.isEmpty)
        // Nothing is said anew, and nothing has changed.
        request.topics = []
        request.sessionEpoch = 2
        let third: FetchResponse = try client.ask(request, version)
        #expect(third.errorCode == .none && third.responses.isEmpty)
        let again: FetchResponse = try client.ask(request, version)
        #expect(again.errorCode == .invalidFetchSessionEpoch)
        let other: FetchResponse = try kafka.connect().ask(request, version)
        #expect(other.errorCode == .fetchSessionIDNotFound)
        request.topics = topics
        (request.sessionID, request.sessionEpoch) = (first.sessionID, -1)
        let ended: FetchResponse = try client.ask(request, version)
        #expect(ended.errorCode == .none && ended.sessionID == 0 && ended.responses.count == 1)
        (request.sessionID, request.sessionEpoch) = (first.sessionID, 3)
        let gone: FetchResponse = try client.ask(request, version)
        #expect(gone.errorCode == .fetchSessionIDNotFound)
    }

    @Test("Who waits for a topic that is deleted hears of it", arguments: [12, 13] as [Int16])
    func deleted(_ version: Int16) throws {
        let (kafka, client) = try filled([0])
        try client.send(Client.fetching(wait: 10_000), version)
        let response: DeleteTopicsResponse = try kafka.connect().ask(DeleteTopicsRequest(topicNames: ["t"]), 5)
        #expect(response.responses.map(\.errorCode) == [.none])
        #expect(
            try client.takeFetched(version: version)?.map(\.part.errorCode)
                == [version >= 13 ? .unknownTopicID : .unknownTopicOrPartition])
    }

    @Test("A topic that is made anew under its name is another one for who knows it by its identifier")
    func identifiers() throws {
        let (kafka, client) = try filled([1])
        var request = Client.fetching()
        request.topics[0].topicID = try kafka.id(of: "t")
        (request.sessionID, request.sessionEpoch) = (0, 0)
        let first: FetchResponse = try client.ask(request, 13)
        #expect(first.responses.map(\.topicID) == [request.topics[0].topicID])
        let other = kafka.connect()
        let _: DeleteTopicsResponse = try other.ask(DeleteTopicsRequest(topicNames: ["t"]), 5)
        let again = CreateTopicsRequest.CreatableTopic(name: "t", numPartitions: 1, replicationFactor: 1)
        let _: CreateTopicsResponse = try other.ask(CreateTopicsRequest(topics: [again], timeoutMs: 1000), 5)
        #expect(try kafka.id(of: "t") != request.topics[0].topicID)
        request.topics = []
        (request.sessionID, request.sessionEpoch) = (first.sessionID, 1)
        let gone: FetchResponse = try client.ask(request, 13)
        #expect(gone.responses.flatMap { $0.partitions.map(\.errorCode) } == [.unknownTopicID])
        // A session is of names or of identifiers.
        request.sessionEpoch = 2
        let named: FetchResponse = try client.ask(request, 12)
        #expect(named.errorCode == .fetchSessionTopicIDError)
        let strange = TestConnection.production(TestBatch.bytes(["a"]), to: "none")
        let refused: ProduceResponse = try client.ask(strange, 13)
        #expect(refused.responses.map { $0.partitionResponses.map(\.errorCode) } == [[.unknownTopicID]])
    }

    @Test("Nothing asked for is answered at once")
    func nothing() throws {
        let (_, client) = try filled([0])
        #expect(try client.fetch(FetchRequest(maxWaitMs: 10_000, minBytes: 1)).isEmpty)
    }

    @Test("A fetch of who has gone waits no longer")
    func gone() throws {
        let (kafka, client) = try filled([0])
        try client.send(Client.fetching(wait: 10_000), 12)
        client.drop()
        _ = try kafka.connect().produce(TestBatch.bytes(["a"]))
        kafka.pass(milliseconds: 20_000)
        #expect(kafka.peers.memoryUse == 0)
    }
}
