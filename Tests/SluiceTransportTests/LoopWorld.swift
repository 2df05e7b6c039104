import CLinux
import EventLoop
import Foundation
import Glibc
import SluiceCore
import Speaking
import Synchronization
import Testing

@testable import SluiceTransport

/// Something that one thread waits for and another brings about.
final class Condition: Sendable {
    private let condition = NSCondition()
    private let count = Mutex(0)

    /// It has come about once more.
    func signal() {
        condition.lock()
        count.withLock { $0 += 1 }
        condition.broadcast()
        condition.unlock()
    }

    /// Whether it has come about.
    var hasHappened: Bool { count.withLock { $0 > 0 } }

    /// Waits until it has come about `wanted` times.
    /// - Returns: whether it has, within a minute.
    func wait(_ wanted: Int = 1) -> Bool {
        let deadline = Date(timeIntervalSinceNow: 60)
        condition.lock()
        defer { condition.unlock() }
        while count.withLock({ $0 }) < wanted {
            guard condition.wait(until: deadline) else { return count.withLock { $0 } >= wanted }
        }
        return true
    }
}

/// A speaker that tests tell what to say.
///
/// Isolation: its loop's thread, but for what never changes and the conditions.
// Sendable: tests read the label, the peer, the conditions and what is behind a mutex only.
final class TestSpeaker: Speaker, @unchecked Sendable {
    weak var link: (any ConnectionLink)?
    let peer: PeerIdentity
    let refusal: ConnectionRefusal?
    var outputQueue = OutputQueue()
    var wantedByteCount = 0
    var mustWait = false
    var isClosing = false
    var keptByteCount = 0
    var sentByteCount = 0
    var takenCalls = 0
    /// What it does with bytes that came; returns how many it is done with.
    let body: (TestSpeaker, [UInt8]) -> Int
    let behind = Condition()
    let gone = Condition()
    let wasDrained = Condition()
    /// What the peer had not taken when something was sent last.
    let unacknowledged = Mutex(0)

    init(
        _ link: (any ConnectionLink)?, _ peer: PeerIdentity, refusal: ConnectionRefusal? = nil,
        _ body: @escaping (TestSpeaker, [UInt8]) -> Int
    ) {
        self.link = link
        self.peer = peer
        self.refusal = refusal
        self.body = body
    }

    var label: LogWords { "speaker at \(peer.address, as: .address)" }

    func received(_ bytes: Span<UInt8>) -> Int {
        takenCalls += 1
        return body(self, bytes.indices.map { bytes[$0] })
    }

    func kept(byteCount: Int) { keptByteCount = byteCount }

    func sent(_ byteCount: Int, isBehind: Bool) {
        sentByteCount += byteCount
        let count = link?.unacknowledgedByteCount ?? 0
        unacknowledged.withLock { $0 = count }
        if isBehind { behind.signal() }
    }

    func drained() { wasDrained.signal() }
    func disconnected() { gone.signal() }

    /// Says bytes.
    func say(_ bytes: [UInt8]) { outputQueue.bytes.append(bytes.span) }
}

/// What lives on a test's loop: speakers that say what `body` tells them.
// Sendable: other threads use the conditions and the mutexes only.
final class TestService: LoopService, @unchecked Sendable {
    private let body: (TestSpeaker, [UInt8]) -> Int
    private var speakers: [TestSpeaker] = []
    private let made = Mutex<[TestSpeaker]>([])
    let refusedPeers = Mutex<[(address: String, reason: String)]>([])
    let hasRefused = Condition()
    let hasSpeaker = Condition()
    let traffic = Mutex((received: 0, sent: 0))

    init(_ body: @escaping (TestSpeaker, [UInt8]) -> Int) { self.body = body }

    /// The speaker of the first connection, once there is one.
    var first: TestSpeaker? { hasSpeaker.wait() ? made.withLock { $0.first } : nil }

    func setClocks(now: Int64, wallClock: Timestamp) {}
    func takeMessages() {}
    func endTick() { for speaker in speakers { speaker.link?.flush() } }

    func moved(receivedByteCount: Int, sentByteCount: Int) {
        traffic.withLock { $0 = ($0.received + receivedByteCount, $0.sent + sentByteCount) }
    }

    func gatheringTime() -> Int64 { 0 }
    func elapsed() {}
    func stoodStill(for nanoseconds: Int64) {}
    var nextPace: Int64? { nil }
    func pace() {}

    func connected(_ link: any ConnectionLink, peer: PeerIdentity, refusal: ConnectionRefusal?) -> any Speaker {
        let speaker = TestSpeaker(link, peer, refusal: refusal, body)
        speakers.append(speaker)
        made.withLock { $0.append(speaker) }
        hasSpeaker.signal()
        return speaker
    }

    func refused(_ peer: PeerIdentity, because reason: String) {
        refusedPeers.withLock { $0.append((peer.address, reason)) }
        hasRefused.signal()
    }

    var isUnderPressure: Bool { false }
    func beginDrain() {}
    var isDrained: Bool { true }
    func shutDown() {}
}

/// A running loop with a listening socket of the loopback interface.
final class LoopWorld {
    let service: TestService
    private let loop: TransportLoop
    private let thread: LoopThread
    private let listener: Int32
    private let door: Door
    private let lines: LineBox

    // Sendable: behind its mutex.
    private final class LineBox: Sendable {
        let lines = Mutex<[String]>([])
        let hasLine = Condition()
    }

    struct Failure: Error { let text: String }

    static let listenerIdentity = ListenerIdentity(name: "test", conversation: Conversation(rawValue: "test"))

    init(
        tls: TLSContextBox? = nil, webSocket: WebSocketOffer? = nil, regionBytesMax: Int = 1 << 20,
        proxies: [IPNetwork] = [], gate: (any ConnectionGate)? = nil, limits: Limits = Limits(),
        _ body: @escaping (TestSpeaker, [UInt8]) -> Int
    ) throws {
        // As the process that serves does: sendfile(2) knows no flag that keeps the signal away.
        signal(SIGPIPE, SIG_IGN)
        let service = TestService(body)
        self.service = service
        let lines = LineBox()
        self.lines = lines
        door = Door(
            listener: Self.listenerIdentity, tls: tls?.context, webSocket: webSocket, proxies: proxies)
        listener = sluice_listen_tcp("127.0.0.1", 0, 16)
        guard listener >= 0 else { throw Failure(text: "cannot listen") }
        let loop = TransportLoop(
            limits: LimitBook(limits), gate: gate, makeService: { _ in service }, onClose: {},
            report: { _, words in
                lines.lines.withLock { $0.append(words.text) }
                lines.hasLine.signal()
            }, regionBytesMax: regionBytesMax)
        self.loop = loop
        thread = LoopThread(name: "test-loop") { loop.run() }
    }

    deinit {
        loop.post(.stop)
        thread.join()
        close(listener)
    }

    /// The first line that the transport reports.
    var firstLine: String? { lines.hasLine.wait() ? lines.lines.withLock { $0.first } : nil }

    /// A connection to the loop.
    func connect(_ refusal: ConnectionRefusal? = nil) throws -> Int32 {
        let address = SocketAddress.local(of: listener)
        let port = address.split(separator: ":").last.map(String.init) ?? ""
        let socket = sluice_connect_tcp("127.0.0.1", port)
        guard socket >= 0 else { throw Failure(text: "cannot connect to \(address)") }
        sluice_wait_readable(listener, 60_000_000_000)
        let accepted = sluice_accept(listener)
        guard accepted >= 0 else { throw Failure(text: "nothing to accept") }
        // A peer that never reads must be noticed by a test's few megabytes.
        var size: Int32 = 32 << 10
        setsockopt(accepted, SOL_SOCKET, SO_SNDBUF, &size, 4)
        setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &size, 4)
        loop.post(.accepted(accepted, door, refusal))
        return socket
    }
}

/// A file that goes with the test.
final class TestFile: RegionFile {
    let descriptor: Int32
    private let path: String

    init(_ bytes: [UInt8]) throws {
        path = NSTemporaryDirectory() + "sluice-region-\(UUID().uuidString)"
        try Data(bytes).write(to: URL(filePath: path))
        descriptor = open(path, O_RDWR)
        guard descriptor >= 0 else { throw LoopWorld.Failure(text: "cannot open \(path)") }
    }

    deinit {
        close(descriptor)
        unlink(path)
    }

    func truncate(to byteCount: Int) { ftruncate(descriptor, byteCount) }
}
