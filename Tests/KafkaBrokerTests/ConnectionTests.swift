import GroupCoordination
import KafkaWire
import SluiceCore
import SluiceTesting
import Testing

@testable import KafkaBroker

@Suite("Connections")
struct ConnectionTests {
    private static func text(_ text: String) -> [UInt8] { Array(text.utf8) }

    /// Bytes that no client means.
    private static let nonsense: [(name: String, bytes: [UInt8])] = [
        ("a web browser's", text("GET / HTTP/1.1\r\nHost: x\r\n\r\n")),
        ("TLS", [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xFC, 0x03]),
        ("a huge length", [0x7F, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0]),
        ("a negative length", [0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0]),
        ("no length", [0, 0, 0, 0, 0, 0, 0, 0]),
        ("a short frame", [0, 0, 0, 7, 0, 3, 0, 9, 0, 0, 0]),
        ("an API that there is none of", [0, 0, 0, 10, 0x03, 0xE8, 0, 0, 0, 0, 0, 1, 0xFF, 0xFF]),
        ("an API that is not served", [0, 0, 0, 10, 0, 17, 0, 0, 0, 0, 0, 1, 0xFF, 0xFF]),
        ("a negative API", [0, 0, 0, 10, 0xFF, 0xFF, 0, 0, 0, 0, 0, 1, 0xFF, 0xFF]),
        ("a version that is not served", [0, 0, 0, 10, 0, 3, 0, 99, 0, 0, 0, 1, 0xFF, 0xFF]),
        ("Produce of message sets", [0, 0, 0, 10, 0, 0, 0, 2, 0, 0, 0, 1, 0xFF, 0xFF]),
        ("a request that ends early", [0, 0, 0, 10, 0, 3, 0, 9, 0, 0, 0, 1, 0xFF, 0xFF]),
        ("bytes behind a request", [0, 0, 0, 14, 0, 18, 0, 0, 0, 0, 0, 1, 0xFF, 0xFF, 1, 2, 3, 4]),
        ("an array beyond its frame", [0, 0, 0, 14, 0, 3, 0, 1, 0, 0, 0, 1, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF]),
        ("a name that is no text", [0, 0, 0, 12, 0, 18, 0, 0, 0, 0, 0, 1, 0, 2, 0xC3, 0x28]),
        ("MQTT", [0x10, 0x0C, 0, 4, 0x4D, 0x51, 0x54, 0x54, 4, 2, 0, 60, 0, 0]),
    ]

    @Test(
        "What no client means closes its connection with one line, and others are served", arguments: nonsense.indices)
    func faults(_ index: Int) throws {
        let fault = Self.nonsense[index]
        let kafka = TestKafka()
        let (bad, good) = (kafka.connect(), kafka.connect())
        try good.send(TestConnection.fetching(wait: 10_000), 12)
        bad.send(bytes: fault.bytes)
        #expect(bad.isClosed, "\(fault.name)")
        let lines = kafka.takeLines()
        #expect(lines.count == 1, "\(fault.name): \(lines)")
        #expect(lines.first?.contains("192.0.2.1:40000") == true)
        _ = try kafka.connect().produce(TestBatch.bytes(["a"]))
        #expect(try good.takeFetched()?.first?.values == ["a"])
        bad.drop()
        good.drop()
        #expect(kafka.peers.memoryUse == 0)
    }

    @Test("A web browser's and TLS bytes are called what they are")
    func hints() throws {
        let kafka = TestKafka()
        kafka.connect().send(bytes: Self.nonsense[0].bytes)
        #expect(kafka.takeLines().first?.contains("HTTP") == true)
        kafka.connect().send(bytes: Self.nonsense[1].bytes)
        #expect(kafka.takeLines().first?.contains("TLS") == true)
    }

    @Test("The same nonsense again and again does not fill the log")
    func lines() throws {
        let kafka = TestKafka()
        for _ in 0..<1000 { kafka.connect().send(bytes: Self.nonsense[0].bytes) }
        #expect(kafka.takeLines().count < 20)
    }

    @Test("Requests are taken byte by byte, and several at a time")
    func pieces() throws {
        let kafka = TestKafka()
        let client = kafka.connect()
        let frame = try TestConnection.frame(MetadataRequest(topics: []), 9, number: 7)
        for byte in frame { client.send(bytes: [byte]) }
        #expect(client.takeFrame()?[..<4] == [0, 0, 0, 7])
        client.send(bytes: frame + frame + frame.dropLast())
        #expect(client.takeFrame() != nil && client.takeFrame() != nil)
        #expect(client.takeFrame() == nil)
        #expect(kafka.peers.memoryUse > 0)
        client.send(bytes: [frame[frame.count - 1]])
        #expect(client.takeFrame() != nil)
        client.drop()
        #expect(kafka.peers.memoryUse == 0)
    }

    @Test("A connection that asks nothing for ten minutes is closed, one that waits for records is not")
    func idle() throws {
        let kafka = TestKafka()
        let (idle, busy, waiting) = (kafka.connect(), kafka.connect(), kafka.connect())
        try waiting.send(TestConnection.fetching(wait: 3_000_000), 12)
        kafka.pass(milliseconds: 599_000)
        _ = try busy.ask(MetadataRequest(topics: []), 9, MetadataResponse.self)
        #expect(!idle.isClosed)
        kafka.pass(milliseconds: 2_000)
        #expect(idle.isClosed && !busy.isClosed && !waiting.isClosed)
        #expect(kafka.takeLines().isEmpty, "it is nothing to report")
    }

    @Test("Answers come in the order of the requests when the first one waits")
    func pipelining() throws {
        let kafka = TestKafka()
        let client = kafka.connect()
        try client.send(TestConnection.fetching(wait: 10_000), 12)
        try client.send(MetadataRequest(topics: []), 9)
        try client.send(TestConnection.production(TestBatch.bytes(["mine"]), acks: 0), 9, isAnswered: false)
        try client.send(InitProducerIDRequest(transactionalID: nil, transactionTimeoutMs: 1), 4)
        #expect(try client.takeFetched()?.first?.values == ["mine"])
        #expect(try client.take(MetadataResponse.self, 9)?.brokers.count == 1)
        #expect(try client.take(InitProducerIDResponse.self, 4)?.errorCode == KafkaErrorCode.none)
        #expect(client.asked.isEmpty)
    }

    @Test("Answers that wait for one before them are in the account of memory")
    func heldAnswers() throws {
        let kafka = TestKafka()
        let client = kafka.connect()
        for _ in 0..<10 { _ = try client.produce(TestBatch.bytes([String(repeating: "x", count: 100_000)])) }
        try client.send(TestConnection.fetching("t", [0: 10], wait: 5000), 12)
        for _ in 0..<20 { try client.send(TestConnection.fetching(), 12) }
        #expect(client.takeFrame() == nil)
        #expect(kafka.peers.memoryUse > 20 * 1_000_000)
        kafka.pass(milliseconds: 5000)
        var count = 0
        while try client.takeFetched() != nil { count += 1 }
        #expect(count == 21)
        let poll = try #require(client.keptPoll)
        #expect(kafka.peers.memoryUse == poll.byteCount)
        client.drop()
        #expect(kafka.peers.memoryUse == 0)
    }

    @Test("Appends that settle late are answered behind each other, and what follows behind them")
    func pipelinedAppends() throws {
        let kafka = TestKafka(pace: .whenTold)
        let client = kafka.connect()
        for value in ["a", "b", "c"] { try client.send(TestConnection.production(TestBatch.bytes([value])), 9) }
        try client.send(MetadataRequest(topics: []), 9)
        #expect(client.takeFrame() == nil)
        #expect(kafka.peers.memoryUse > 0)
        for offset in Int64(0)..<3 {
            kafka.engine.settle(atMost: 1)
            kafka.settle()
            let response = try #require(try client.take(ProduceResponse.self, 9))
            #expect(response.responses.first?.partitionResponses.first?.baseOffset == offset)
        }
        #expect(try client.take(MetadataResponse.self, 9) != nil)
        #expect(kafka.peers.memoryUse == 0)
    }

    @Test("More requests than may be under way are left in the socket, and taken later")
    func manyCalls() throws {
        let kafka = TestKafka(pace: .whenTold)
        let client = kafka.connect()
        for _ in 0..<200 { try client.send(TestConnection.production(TestBatch.bytes(["v"])), 9) }
        #expect(kafka.shard.produceCount == UInt64(KafkaBounds.callsMax))
        for _ in 0..<10 { kafka.commit() }
        var count = 0
        while try client.take(ProduceResponse.self, 9) != nil { count += 1 }
        #expect(count == 200)
        #expect(kafka.engine.batches(of: try kafka.partition("t")).count == 200)
        client.drop()
        #expect(kafka.peers.memoryUse == 0)
    }

    @Test("A socket that takes nothing holds up its own requests, in bounded memory")
    func slowReader() throws {
        let kafka = TestKafka()
        let client = kafka.connect()
        for _ in 0..<100 { _ = try client.produce(TestBatch.bytes([String(repeating: "x", count: 100_000)])) }
        client.isBlocked = true
        for _ in 0..<50 { try client.send(TestConnection.fetching("t", [0: 0], partitionBytes: 1 << 20), 12) }
        #expect(kafka.peers.memoryUse < 3 * KafkaBounds.outputBytesMax)
        let other: MetadataResponse = try kafka.connect().ask(MetadataRequest(topics: []), 9)
        #expect(other.brokers.count == 1)
        client.unblock()
        for _ in 0..<100 { kafka.settle() }
        var count = 0
        while try client.takeFetched() != nil { count += 1 }
        #expect(count == 50)
        client.drop()
        #expect(kafka.peers.memoryUse == 0)
    }

    @Test("While clients hold more than they may, the largest half request is given up")
    func pressure() throws {
        var limits = Limits()
        limits.clientMemoryMax = 1 << 20
        let kafka = TestKafka(limits: limits)
        let (small, large) = (kafka.connect(), kafka.connect())
        small.send(bytes: [0, 0x10, 0, 0] + [UInt8](repeating: 0, count: 1000))
        large.send(bytes: [0, 0x20, 0, 0] + [UInt8](repeating: 0, count: 3 << 19))
        #expect(large.isClosed && !small.isClosed)
        #expect(kafka.takeLines().count == 1)
        small.drop()
        #expect(kafka.peers.memoryUse == 0)
    }

    @Test("Who goes while everything waits leaves nothing behind")
    func leaves() throws {
        let kafka = TestKafka(pace: .whenTold)
        let client = kafka.connect()
        try client.send(TestConnection.production(TestBatch.bytes(["a"])), 9)
        try client.send(InitProducerIDRequest(transactionalID: nil, transactionTimeoutMs: 1), 4)
        try client.send(TestConnection.fetching(wait: 10_000), 12)
        try client.send(
            JoinGroupRequest(
                groupID: "g", sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000, protocolType: "consumer",
                protocols: [.init(name: "range", metadata: [])]), 3)
        client.drop()
        kafka.commit()
        kafka.pass(milliseconds: 60_000)
        kafka.commit()
        #expect(kafka.peers.memoryUse == 0)
        #expect(kafka.shard.isDrained)
        #expect(!kafka.peers.offsets.isActive("g"))
    }

    @Test("A node that stops begins nothing and ends its connections")
    func stops() throws {
        let kafka = TestKafka(pace: .whenTold)
        let client = kafka.connect()
        try client.send(TestConnection.production(TestBatch.bytes(["a"])), 9)
        kafka.shard.beginDrain()
        try client.send(TestConnection.production(TestBatch.bytes(["b"])), 9)
        #expect(!kafka.shard.isDrained)
        kafka.commit()
        #expect(kafka.shard.isDrained)
        #expect(try client.take(ProduceResponse.self, 9) != nil)
        kafka.shard.shutDown()
        #expect(client.isClosed)
        #expect(kafka.engine.batches(of: try kafka.partition("t")).count == 1)
    }
}
