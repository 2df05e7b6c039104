import GroupCoordination
import KafkaWire
import LogInterface
import RecordFormat
import SluiceCore
import SluiceTesting
import Speaking
import Testing

@testable import KafkaBroker

/// The Kafka endpoint of one loop on a log in memory, with clients whose sockets are arrays.
///
/// Isolation: the test's thread.
final class TestKafka {
    let engine: MemoryEngine
    let shard: KafkaShard
    let peers: FakeKafkaPeers
    private let report = ReportBox()

    private final class ReportBox { var lines: [String] = [] }

    /// Lines of the log since the last call.
    func takeLines() -> [String] {
        defer { report.lines = [] }
        return report.lines
    }

    /// An endpoint with these streams beside the node's own.
    convenience init(
        _ streams: [StreamSettings] = [TestKafka.stream("t")], pace: MemoryEngine.Pace = .atOnce,
        createsTopics: Bool = true, declared: Set<String> = [], limits: Limits = Limits(),
        access: (any KafkaAdmission)? = nil
    ) {
        let own = [
            GroupRecord.stream, ProducerNumbers.stream, TransactionTable.stream, ShareStateRecord.stream,
        ].map { StreamSettings(name: $0) }
        self.init(
            engine: MemoryEngine(own + streams, pace: pace), createsTopics: createsTopics, declared: declared,
            limits: limits, access: access)
    }

    /// An endpoint on a log.
    init(
        engine: MemoryEngine, peers: FakeKafkaPeers = FakeKafkaPeers(), index: Int = 0, createsTopics: Bool = true,
        declared: Set<String> = [], limits: Limits = Limits(), access: (any KafkaAdmission)? = nil
    ) {
        self.engine = engine
        self.peers = peers
        var settings = KafkaSettings(
            index: index, limits: limits, clusterID: "AAAAAAAAAAAAAAAAAAAAAA",
            advertised: ["kafka": KafkaAddress(host: "broker.example", port: 19092)], createsTopics: createsTopics,
            declared: declared, directory: "/data")
        settings.access = access
        shard = KafkaShard(
            settings, log: engine, peers: peers, wake: {},
            report: { [report] _, words in report.lines.append(words.text) })
        shard.now = 1_000_000_000
        shard.wallClock = Timestamp(rawValue: Self.start)
    }

    /// The wall's clock when a test begins, in milliseconds.
    static let start: Int64 = 1_700_000_000_000

    /// A stream of some partitions.
    static func stream(_ name: String, partitions: Int = 1, _ body: (inout StreamSettings) -> Void = { _ in })
        -> StreamSettings
    {
        var settings = StreamSettings(name: name)
        settings.partitionCount = partitions
        body(&settings)
        return settings
    }

    // MARK: Time

    /// The end of a loop's iteration.
    func tick() {
        for mail in peers.takeMail(of: shard.settings.index) { shard.received(mail) }
        shard.endTick()
    }

    /// As many ticks as answers of the log take.
    func settle() {
        for _ in 0..<8 { tick() }
    }

    /// What was appended settles, and the loop sees it.
    func commit() {
        engine.settle()
        settle()
    }

    /// Time passes.
    func pass(milliseconds: Int64) {
        shard.now += milliseconds * 1_000_000
        shard.wallClock = Timestamp(rawValue: shard.wallClock.rawValue + milliseconds)
        shard.elapsed()
        settle()
    }

    // MARK: Clients

    /// A client that has connected.
    func connect(_ name: String? = "test") -> TestConnection { TestConnection(self, name) }

    /// The partition of a stream.
    func partition(_ stream: String, _ number: Int = 0) throws -> PartitionID {
        try #require(engine.streams.first { $0.settings.name == stream }).partitions[number]
    }

    /// A topic's identifier.
    /// A request with its topics named as the version has it: by identifiers from some version on. One that says them
    /// itself stays as it is, and a topic that is not there has one that nobody knows.
    func named(_ request: any KafkaRequest, _ version: Int16) -> any KafkaRequest {
        func id(_ name: String, _ said: KafkaUUID) -> KafkaUUID {
            guard said == .zero else { return said }
            let stream = engine.streams.first { $0.settings.name == name }
            return stream.flatMap { KafkaUUID($0.id) } ?? .random()
        }
        switch request {
        case var fetch as FetchRequest where version >= 13:
            for index in fetch.topics.indices {
                fetch.topics[index].topicID = id(fetch.topics[index].topic, fetch.topics[index].topicID)
            }
            return fetch
        case var produce as ProduceRequest where version >= 13:
            for index in produce.topicData.indices {
                produce.topicData[index].topicID = id(produce.topicData[index].name, produce.topicData[index].topicID)
            }
            return produce
        case var commit as OffsetCommitRequest where version >= 10:
            for index in commit.topics.indices {
                commit.topics[index].topicID = id(commit.topics[index].name, commit.topics[index].topicID)
            }
            return commit
        case var offsets as OffsetFetchRequest where version >= 10:
            for group in offsets.groups.indices {
                offsets.groups[group].topics = offsets.groups[group].topics?.map { topic in
                    var topic = topic
                    topic.topicID = id(topic.name, topic.topicID)
                    return topic
                }
            }
            return offsets
        default: return request
        }
    }

    func id(of stream: String) throws -> KafkaUUID {
        let stream = try #require(engine.streams.first { $0.settings.name == stream })
        return try #require(KafkaUUID(stream.id))
    }
}

/// What loops share, of which there is one.
// Sendable: one thread.
final class FakeKafkaPeers: KafkaPeers, @unchecked Sendable {
    var offsets = OffsetTable()
    var numbers = ProducerNumbers()
    var transactions = TransactionTable()
    private var mail: [Int: [KafkaMail]] = [:]

    func withOffsets<Result>(_ body: (inout OffsetTable) -> Result) -> Result { body(&offsets) }
    func withProducerNumbers<Result>(_ body: (inout ProducerNumbers) -> Result) -> Result { body(&numbers) }
    var shares = ShareTable()
    func withShares<Result>(_ body: (inout ShareTable) -> Result) -> Result { body(&shares) }
    func withTransactions<Result>(_ body: (inout TransactionTable) -> Result) -> Result { body(&transactions) }
    func post(_ mail: KafkaMail, to shard: Int) { self.mail[shard, default: []].append(mail) }
    let shardCount = 1
    private(set) var memoryUse = 0
    func addMemory(_ byteCount: Int) { memoryUse += byteCount }

    func takeMail(of shard: Int) -> [KafkaMail] { mail.removeValue(forKey: shard) ?? [] }
}

/// A client's end of a connection.
final class TestConnection: ConnectionLink {
    private let owner: TestKafka
    private let name: String?
    private var speaker: KafkaConnection?
    private var unread: [UInt8] = []
    private var received: [UInt8] = []
    private var lastNumber: Int32 = 0
    /// The numbers of requests that are not answered, in their order.
    private(set) var asked: [Int32] = []
    /// The poll that the endpoint keeps for the client to send it again.
    var keptPoll: IdlePoll? { speaker?.idlePoll }
    /// Whether the socket takes nothing.
    var isBlocked = false
    private(set) var isClosed = false
    private var isFeeding = false

    struct Missing: Error { let text: String }

    init(_ owner: TestKafka, _ name: String?) {
        self.owner = owner
        self.name = name
        let peer = PeerIdentity(
            address: "192.0.2.1:40000", listener: ListenerIdentity(name: "kafka", conversation: .kafka))
        speaker = owner.shard.connected(self, peer: peer, refusal: nil) as? KafkaConnection
    }

    /// Who the endpoint takes it for, and what that may do.
    var identity: KafkaIdentityState? { speaker?.identity }

    // MARK: The link

    func flush() {
        guard !isBlocked, let speaker else { return }
        let count = speaker.outputQueue.count
        guard count > 0 else { return }
        speaker.outputQueue.bytes.withUnsafeBytes { received += Array($0) }
        speaker.outputQueue.reset(keeping: 0)
        speaker.sent(count, isBehind: false)
    }

    func resume() { feed() }

    func pause() {}

    var unacknowledgedByteCount: Int { 0 }

    func close() {
        flush()
        isClosed = true
    }

    // MARK: The client

    /// Sends bytes, and lets the endpoint work.
    func send(bytes: [UInt8]) {
        unread += bytes
        feed()
        owner.settle()
        if isClosed { drop() }
    }

    private func feed() {
        guard !isFeeding, let speaker else { return }
        isFeeding = true
        defer { isFeeding = false }
        while !unread.isEmpty {
            let count = speaker.received(unread.span)
            unread.removeFirst(count)
            speaker.kept(byteCount: unread.count)
            if count == 0 { break }
        }
    }

    /// Sends a request that is answered.
    @discardableResult
    func send(_ request: some KafkaRequest, _ version: Int16, isAnswered: Bool = true) throws -> Int32 {
        lastNumber += 1
        let number = lastNumber
        if isAnswered { asked.append(number) }
        send(bytes: try Self.frame(owner.named(request, version), version, number: number, clientID: name))
        return number
    }

    /// A whole frame.
    static func frame(
        _ request: some KafkaRequest, _ version: Int16, number: Int32 = 1, clientID: String? = "test"
    ) throws -> [UInt8] {
        var writer = KafkaWriter()
        try writer.writeFrame(request, correlationID: number, clientID: clientID, version: version)
        let bytes = writer.buffer.bytes
        return bytes.copy(ByteRange(start: 0, byteCount: bytes.count))
    }

    /// The next answer's frame without its length; nil when there is none yet.
    func takeFrame() -> [UInt8]? {
        guard received.count >= 4 else { return nil }
        let length = received[..<4].reduce(0) { $0 << 8 | Int($1) }
        guard received.count >= 4 + length else { return nil }
        defer { received.removeFirst(4 + length) }
        return Array(received[4..<4 + length])
    }

    /// The next answer; nil when there is none yet.
    func take<Response: KafkaResponse>(_ type: Response.Type, _ version: Int16) throws -> Response? {
        guard let frame = takeFrame() else { return nil }
        let api = try #require(KafkaAPI(rawValue: Response.key))
        var reader = KafkaReader(frame.span)
        let header = try reader.readResponseHeader(api, version: version)
        #expect(header.correlationID == asked.first, "answers come in the order of the requests")
        if !asked.isEmpty { asked.removeFirst() }
        let response = try Response(from: &reader, version: version)
        try reader.finish()
        lastFrame = frame
        return response
    }

    /// The bytes that the last answer was read from.
    private(set) var lastFrame: [UInt8] = []

    /// Asks, and takes the answer.
    func ask<Response: KafkaResponse>(
        _ request: some KafkaRequest, _ version: Int16, _ type: Response.Type = Response.self
    ) throws -> Response {
        try send(request, version)
        guard let response = try take(Response.self, version) else {
            throw Missing(text: "\(Response.self) does not come: \(owner.takeLines())")
        }
        return response
    }

    /// The connection is lost.
    func drop() {
        speaker?.disconnected()
        speaker = nil
        isClosed = true
        owner.settle()
    }

    /// The socket takes bytes again.
    func unblock() {
        isBlocked = false
        flush()
        speaker?.drained()
        owner.settle()
    }
}

extension TestKafka {
    /// Calls `body` with the key and the value of each record of a stream of the node's own.
    func forEachRecord(of stream: String, _ body: ([UInt8], [UInt8]?) -> Void) throws {
        func copy(_ bytes: Span<UInt8>) -> [UInt8] { bytes.copy(ByteRange(start: 0, byteCount: bytes.count)) }
        for batch in engine.batches(of: try partition(stream)) {
            let bytes = batch.bytes
            var records = RecordReader(batch)
            while let record = try records.next(bytes) {
                guard let key = record.key else { continue }
                var value: [UInt8]?
                if let field = record.value { value = copy(bytes.extracting(field.indices)) }
                body(copy(bytes.extracting(key.indices)), value)
            }
        }
    }
}
