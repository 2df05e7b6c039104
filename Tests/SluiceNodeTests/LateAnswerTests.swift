import CLinux
import CommitLogPosix
import EventLoop
import Foundation
import Glibc
import LogInterface
import SluiceBroker
import SluiceCore
import Speaking
import Synchronization
import Testing
import TopicRouting

@testable import SluiceNode
@testable import SluiceTransport

/// An authenticator that answers when the test's thread does.
private final class LateAuthenticator: Authenticator {
    private let tickets = Mutex<[AuthenticationTicket]>([])
    private let asked = DispatchSemaphore(value: 0)

    func authenticate(_ credentials: Credentials, _ ticket: AuthenticationTicket) -> AuthenticationAnswer? {
        tickets.withLock { $0.append(ticket) }
        asked.signal()
        return nil
    }

    /// The ticket of the next client that asks.
    func next() throws -> AuthenticationTicket {
        guard asked.wait(timeout: .now() + 60) == .success else { throw Failure(text: "nobody asked") }
        return tickets.withLock { $0.removeFirst() }
    }
}

private struct Failure: Error { let text: String }

/// A shard on a running loop, over a log on the disk.
private final class RunningShard {
    let authenticator = LateAuthenticator()
    private let directory: String
    private let log: LogRuntime
    private let loop: TransportLoop
    private let thread: LoopThread
    private let listener: Int32

    init() throws {
        directory = NSTemporaryDirectory() + "sluice-node-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let log = try LogRuntime(
            storage: PosixStorage(root: directory), streams: [StreamSettings(name: "mqtt")],
            settings: LogRuntimeSettings(), report: { _, _ in })
        self.log = log
        listener = sluice_listen_tcp("127.0.0.1", 0, 16)
        guard listener >= 0 else { throw Failure(text: "cannot listen") }
        let peers = Peers()
        var settings = ShardSettings(index: 0, limits: Limits(), rules: RuleSet())
        settings.admission = authenticator
        let loop = TransportLoop(
            limits: LimitBook(Limits()),
            makeService: { wake in
                let service = ShardService(
                    settings, nil, nil, log: log, peers: peers, wake: wake, report: { _, _ in })
                peers.services.append(service)
                return service
            }, onClose: {}, report: { _, _ in })
        self.loop = loop
        thread = LoopThread(name: "test-loop") { loop.run() }
    }

    deinit {
        loop.post(.stop)
        thread.join()
        log.stop()
        close(listener)
        do { try FileManager.default.removeItem(atPath: directory) } catch { return }
    }

    /// A client that has sent its CONNECT, of MQTT 3.1.1 with a user name and a password, and a PINGREQ behind it.
    func connect(_ id: UInt8) throws -> Int32 {
        let port = SocketAddress.local(of: listener).split(separator: ":").last.map(String.init) ?? ""
        let socket = sluice_connect_tcp("127.0.0.1", port)
        guard socket >= 0 else { throw Failure(text: "cannot connect") }
        sluice_wait_readable(listener, 60_000_000_000)
        let door = Door(listener: ListenerIdentity(name: "test", conversation: .mqtt), tls: nil, webSocket: nil)
        loop.post(.accepted(sluice_accept(listener), door, nil))
        let packets: [UInt8] =
            [0x10, 19, 0, 4, 0x4D, 0x51, 0x54, 0x54, 4, 0xC2, 0, 60, 0, 1, id, 0, 1, 117, 0, 1, 112] + [0xC0, 0]
        guard send(socket, packets, packets.count, Int32(MSG_NOSIGNAL)) == packets.count else {
            throw Failure(text: "cannot send")
        }
        return socket
    }
}

@Suite("Answers of other threads to a running loop")
struct LateAnswerTests {
    /// Reads `count` bytes, or up to the end.
    private func read(_ socket: Int32, _ count: Int) -> [UInt8] {
        var time = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        var bytes: [UInt8] = []
        var byte: UInt8 = 0
        while bytes.count < count, recv(socket, &byte, 1, 0) == 1 { bytes.append(byte) }
        return bytes
    }

    @Test("a client is answered when it is known who it is, and what it sent meanwhile after that")
    func answers() throws {
        let shard = try RunningShard()
        let good = try shard.connect(97)
        defer { close(good) }
        let ticket = try shard.authenticator.next()
        var byte: UInt8 = 0
        #expect(recv(good, &byte, 1, Int32(MSG_DONTWAIT)) == -1)
        ticket.answer(.accepted(.user("u")))
        #expect(read(good, 6) == [0x20, 2, 0, 0, 0xD0, 0], "a CONNACK, and the answer to the PINGREQ")
        let bad = try shard.connect(98)
        defer { close(bad) }
        try shard.authenticator.next().answer(.badCredentials)
        #expect(read(bad, .max) == [0x20, 2, 0, 4])
    }

    @Test("a client that leaves before its answer is nobody's, and others are not held up by theirs")
    func leaves() throws {
        let shard = try RunningShard()
        let gone = try shard.connect(97)
        let first = try shard.authenticator.next()
        close(gone)
        let waiting = try shard.connect(98)
        defer { close(waiting) }
        let second = try shard.authenticator.next()
        let quick = try shard.connect(99)
        defer { close(quick) }
        try shard.authenticator.next().answer(.accepted(.anonymous))
        #expect(read(quick, 6) == [0x20, 2, 0, 0, 0xD0, 0])
        first.answer(.accepted(.user("u")))
        second.answer(.accepted(.user("u")))
        #expect(read(waiting, 6) == [0x20, 2, 0, 0, 0xD0, 0])
    }

    @Test("a loop that stops tells clients that still wait")
    func stops() throws {
        var shard: RunningShard? = try RunningShard()
        let client = try #require(try shard?.connect(97))
        defer { close(client) }
        let ticket = try shard?.authenticator.next()
        shard = nil
        #expect(read(client, .max) == [0x20, 2, 0, 3])
        ticket?.answer(.accepted(.user("u")))
    }
}
