import Administration
import GroupCoordination
import HTTPBroker
import LogInterface
import SluiceBroker
import SluiceCore
import SluiceTesting
import Speaking
import Testing
import TopicRouting

/// An HTTP endpoint beside a shard on a log in memory, with clients whose sockets are numbers and a clock of its own.
///
/// Isolation: the test's thread.
final class TestHTTP {
    static let second: Int64 = 1_000_000_000

    let shard: HTTPShard
    private let broker: BrokerShard
    private let report: Report
    private(set) var now = second

    /// What was logged: the events, and what was said of them.
    final class Report { var lines: [LogLine] = [] }
    var lines: [LogLine] { report.lines }

    init() {
        let log = MemoryEngine([StreamSettings(name: "mqtt")])
        let (peers, report) = (FakePeers(), Report())
        broker = BrokerShard(
            settings: ShardSettings(index: 0, limits: Limits(), rules: RuleSet()), log: log, peers: peers, wake: {},
            report: { report.lines.append(LogLine($0, $1)) })
        shard = HTTPShard(
            HTTPSettings(limits: Limits(), version: "test", node: FakeNode()), broker: broker, log: log, peers: peers,
            wake: {}, report: { report.lines.append(LogLine($0, $1)) })
        self.report = report
        setClocks()
    }

    private func setClocks() {
        shard.now = now
        broker.now = now
    }

    func tick() {
        broker.endTick()
        shard.endTick()
    }

    /// Lets half a second pass, as the loop does.
    func elapse() {
        now += Self.second / 2
        setClocks()
        broker.elapsed()
        shard.elapsed()
        tick()
    }
}

/// A client's end of a connection: a socket that takes so much, and a peer that takes bytes from there.
final class TestReader: ConnectionLink {
    /// What the system keeps for the peer at most; it says so when a third of that is free, as Linux does.
    static let socketBytes = 6000

    private let owner: TestHTTP
    private var speaker: HTTPConnection?
    private var isWriteBlocked = false
    private(set) var unacknowledgedByteCount = 0
    private(set) var takenByteCount = 0
    /// The beginning of what its socket was given.
    private(set) var text = ""
    private(set) var isClosed = false
    private(set) var isPaused = false

    init(_ owner: TestHTTP) {
        self.owner = owner
        let peer = PeerIdentity(
            address: "192.0.2.1:40000", listener: ListenerIdentity(name: "http", conversation: .http))
        speaker = owner.shard.connected(self, peer: peer, refusal: nil) as? HTTPConnection
    }

    /// Asks for something so many times at once.
    /// - Parameter keepsAlive: whether more may follow the last.
    func ask(_ path: String, times: Int = 1, keepsAlive: Bool = true) {
        let head = "GET \(path) HTTP/1.1\r\nHost: x\r\n"
        let last = head + (keepsAlive ? "\r\n" : "Connection: close\r\n\r\n")
        var unread = Array((String(repeating: head + "\r\n", count: times - 1) + last).utf8)
        while !unread.isEmpty {
            unread.removeFirst(speaker?.received(unread.span) ?? unread.count)
            owner.tick()
        }
    }

    /// Takes bytes, as far as there are any.
    func take(_ byteCount: Int) {
        let count = min(byteCount, unacknowledgedByteCount)
        unacknowledgedByteCount -= count
        takenByteCount += count
        guard isWriteBlocked, unacknowledgedByteCount <= Self.socketBytes * 2 / 3 else { return }
        isWriteBlocked = false
        flush()
        if !isWriteBlocked { speaker?.drained() }
        owner.tick()
    }

    // MARK: The link

    func flush() {
        guard !isWriteBlocked, let speaker else { return }
        let count = min(speaker.outputQueue.count, Self.socketBytes - unacknowledgedByteCount)
        unacknowledgedByteCount += count
        if text.isEmpty {
            text = speaker.outputQueue.withFirstBytes { String(decoding: $0.prefix(count), as: UTF8.self) }
        }
        speaker.outputQueue.removeFirst(count)
        isWriteBlocked = !speaker.outputQueue.isEmpty
        speaker.sent(count, isBehind: isWriteBlocked)
    }

    func resume() { isPaused = false }
    func pause() { isPaused = true }
    func close() { isClosed = true }
}

/// Peers of a node with one shard.
// Sendable: one thread.
private final class FakePeers: ShardPeers, @unchecked Sendable {
    private var directory = SessionDirectory()
    private var retained = RetainedTree()
    private var offsets = OffsetTable()
    private var counters: [BrokerCounters] = []
    private var refusals: [RefusalList] = []
    private var devices = DeviceBook()
    private var shares = ShareTable()
    private(set) var memoryUse = 0
    let shardCount = 1

    func withDirectory<Result>(_ body: (inout SessionDirectory) -> Result) -> Result { body(&directory) }
    func withRetained<Result>(_ body: (inout RetainedTree) -> Result) -> Result { body(&retained) }
    func withCounters<Result>(_ body: (inout [BrokerCounters]) -> Result) -> Result { body(&counters) }
    func withOffsets<Result>(_ body: (inout OffsetTable) -> Result) -> Result { body(&offsets) }
    func withShares<Result>(_ body: (inout ShareTable) -> Result) -> Result { body(&shares) }
    func withRefusals<Result>(_ body: (inout [RefusalList]) -> Result) -> Result { body(&refusals) }
    func withDevices<Result>(_ body: (inout DeviceBook) -> Result) -> Result { body(&devices) }
    func addMemory(_ byteCount: Int) { memoryUse += byteCount }
    func post(_ message: ShardMessage, to shard: Int) {}
}

/// A process that knows nothing.
private struct FakeNode: HTTPNode {
    var unready: [String] { [] }
    var diskFreeBytes: Int64? { nil }
    var configuration: JSON { .object([]) }
    var figures: [MetricFamily] { [] }
    var logMemoryBytes: Int { 0 }
    var heapBytes: UInt64? { nil }

    func explain(topic: String) -> JSON { .object([]) }
    func takeStates() -> [(number: UInt64, answer: PastStateAnswer)] { [] }

    func findState(
        _ filter: [UInt8], at time: Int64, number: UInt64, wake: @escaping @Sendable () -> Void
    ) -> Bool { false }
}
