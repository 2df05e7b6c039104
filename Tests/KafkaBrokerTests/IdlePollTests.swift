import KafkaWire
import SluiceCore
import SluiceTesting
import Testing

@testable import KafkaBroker

@Suite("Polls that find nothing")
struct IdlePollTests {
    private typealias Client = TestConnection

    private func world(_ partitions: Int = 1) throws -> (kafka: TestKafka, client: TestConnection) {
        let kafka = TestKafka([TestKafka.stream("t", partitions: partitions)])
        let client = kafka.connect()
        _ = try client.produce(TestBatch.bytes(["a"]))
        return (kafka, client)
    }

    /// Sends a poll of 500 ms and lets the time pass.
    private func poll(
        _ kafka: TestKafka, _ client: TestConnection, _ request: FetchRequest, _ version: Int16 = 12
    ) throws -> FetchResponse {
        try client.send(request, version)
        kafka.pass(milliseconds: 500)
        return try #require(try client.take(FetchResponse.self, version))
    }

    @Test(
        "The same poll again is answered as before, with its own number, and is not decoded",
        arguments: [12, 13, 18] as [Int16])
    func same(_ version: Int16) throws {
        let (kafka, client) = try world()
        let request = Client.fetching("t", [0: 1], wait: 500)
        let first = try poll(kafka, client, request, version)
        let kept = try #require(client.keptPoll)
        for _ in 0..<3 { #expect(try poll(kafka, client, request, version) == first) }
        #expect(client.keptPoll === kept)
    }

    @Test("A record that comes while nobody waits is in the next answer, at once")
    func betweenPolls() throws {
        let (kafka, client) = try world()
        let request = Client.fetching("t", [0: 1], wait: 500)
        _ = try poll(kafka, client, request)
        _ = try kafka.connect().produce(TestBatch.bytes(["b"]))
        #expect(try client.fetch(request).map(\.values) == [["b"]])
    }

    @Test("A record that comes while a repeated poll waits wakes it")
    func whileWaiting() throws {
        let (kafka, client) = try world()
        let request = Client.fetching("t", [0: 1], wait: 500)
        for _ in 0..<2 { _ = try poll(kafka, client, request) }
        try client.send(request, 12)
        #expect(client.takeFrame() == nil)
        _ = try kafka.connect().produce(TestBatch.bytes(["b"]))
        #expect(try client.takeFetched()?.map(\.values) == [["b"]])
    }

    @Test(
        "Polls of a session go on by its epoch; a wrong one, and one of a session that has ended, are refused",
        arguments: [12, 14, 15, 18] as [Int16])
    func sessions(_ version: Int16) throws {
        let (kafka, client) = try world()
        var request = Client.fetching("t", [0: 1], wait: 500)
        (request.sessionID, request.sessionEpoch) = (0, 0)
        let session = try poll(kafka, client, request, version).sessionID
        request.topics = []
        request.sessionID = session
        for epoch in 1...4 {
            request.sessionEpoch = Int32(epoch)
            let answer = try poll(kafka, client, request, version)
            #expect(answer.errorCode == .none && answer.responses.isEmpty && answer.sessionID == session)
        }
        #expect(client.keptPoll?.fetch.session?.epoch == 5)
        #expect(try client.ask(request, version, FetchResponse.self).errorCode == .invalidFetchSessionEpoch)
        request.sessionEpoch = 5
        _ = try kafka.connect().produce(TestBatch.bytes(["b"]))
        #expect(try client.ask(request, version, FetchResponse.self).responses.count == 1)
        var another = Client.fetching("t", [0: 2], wait: 0)
        (another.sessionID, another.sessionEpoch) = (0, 0)
        _ = try client.ask(another, version, FetchResponse.self)
        request.sessionEpoch = 6
        #expect(try client.ask(request, version, FetchResponse.self).errorCode == .fetchSessionIDNotFound)
    }

    @Test("A session's partition that has moved in between is read from where it is now")
    func moved() throws {
        let (kafka, client) = try world()
        var request = Client.fetching("t", [0: 1], wait: 500)
        let topics = request.topics
        (request.sessionID, request.sessionEpoch) = (0, 0)
        request.sessionID = try poll(kafka, client, request).sessionID
        request.topics = []
        request.sessionEpoch = 1
        _ = try poll(kafka, client, request)
        request.topics = topics
        request.topics[0].partitions[0].fetchOffset = 0
        request.sessionEpoch = 2
        let back = try client.ask(request, 12, FetchResponse.self)
        #expect((back.responses.first?.partitions.first?.records.byteCount ?? 0) > 0)
        request.topics = []
        request.sessionEpoch = 3
        let again = try client.ask(request, 12, FetchResponse.self)
        #expect(again.responses.count == 1, "the partition stands at its beginning")
    }

    @Test("Of two polls that are sent at once, each has its answer")
    func pipelined() throws {
        let (kafka, client) = try world()
        let request = Client.fetching("t", [0: 1], wait: 500)
        _ = try poll(kafka, client, request)
        try client.send(request, 12)
        try client.send(request, 12)
        kafka.pass(milliseconds: 500)
        for _ in 0..<2 { #expect(try client.take(FetchResponse.self, 12)?.responses.count == 1) }
        #expect(client.asked.isEmpty)
    }

    @Test("Whatever happens between polls, a poll tells what the same request of a stranger tells", arguments: 0..<40)
    func history(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let (kafka, client) = try world(2)
        let other = kafka.connect()
        let isCommitted = Bool.random(using: &random)
        let version: Int16 = seed % 2 == 0 ? 12 : 18
        var offsets: [Int32: Int64] = [0: 1, 1: 0]
        for _ in 0..<60 {
            switch Int.random(in: 0..<12, using: &random) {
            case 0: _ = try other.produce(TestBatch.bytes(["x"]), Int32.random(in: 0...1, using: &random))
            case 1:
                let number = Int32.random(in: 0...1, using: &random)
                let partition = DeleteRecordsRequest.DeleteRecordsPartition(partitionIndex: number, offset: -1)
                let topic = DeleteRecordsRequest.DeleteRecordsTopic(name: "t", partitions: [partition])
                _ = try other.ask(
                    DeleteRecordsRequest(topics: [topic], timeoutMs: 1000), 2, DeleteRecordsResponse.self)
                kafka.commit()
            case 2:
                let more = CreatePartitionsRequest.CreatePartitionsTopic(name: "t", count: 3)
                _ = try other.ask(
                    CreatePartitionsRequest(topics: [more], timeoutMs: 1000), 3, CreatePartitionsResponse.self)
            case 3: offsets[0] = Int64.random(in: 0...3, using: &random)
            case 4:
                for (number, part) in try other.fetch(Client.fetching("t", [0: 0, 1: 0])).enumerated() {
                    offsets[Int32(number)] = max(0, part.part.highWatermark)
                }
            case _: break
            }
            let request = Client.fetching("t", offsets, wait: 500, readsCommitted: isCommitted)
            let answer = try poll(kafka, client, request, version)
            let reference = try poll(kafka, kafka.connect(), request, version)
            #expect(answer == reference)
        }
    }
}
