import CLinux
package import Cryptography
import EventLoop
import Glibc
package import GroupCoordination
package import LogInterface
package import SluiceBroker
package import SluiceCore
import Synchronization
package import TopicRouting

/// What is spoken on a listener's connections.
package enum ListenerKind: String, CaseIterable, Sendable {
    /// MQTT over TCP.
    case mqtt
    /// MQTT over TLS.
    case mqtts
    /// MQTT over WebSocket.
    case ws
    /// MQTT over WebSocket over TLS.
    case wss
}

/// One place to listen.
package struct ListenerEndpoint: Sendable {
    /// What is spoken there.
    package var kind: ListenerKind
    /// The numeric address to listen on.
    package var host: String
    /// The port; 0 lets the system choose.
    package var port: UInt16
    /// What its connections prove themselves with, where TLS is spoken.
    package var tls: TLSContext?

    /// An endpoint from its parts.
    package init(kind: ListenerKind, host: String, port: UInt16, tls: TLSContext?) {
        switch kind {
        case .mqtt, .ws: precondition(tls == nil)
        case .mqtts, .wss: precondition(tls != nil)
        }
        self.kind = kind
        self.host = host
        self.port = port
        self.tls = tls
    }
}

/// What a server needs to listen.
package struct ServerSettings {
    /// Where to listen, one of each kind at most.
    package var listeners: [ListenerEndpoint]
    /// The number of event loops.
    package var loopCount: Int
    /// Bounds of everything that input could make grow.
    package var limits: Limits

    /// Settings from their parts.
    package init(listeners: [ListenerEndpoint], loopCount: Int, limits: Limits) {
        precondition(loopCount > 0)
        precondition(!listeners.isEmpty)
        self.listeners = listeners
        self.loopCount = loopCount
        self.limits = limits
    }
}

/// Why a server does not start.
package struct ListenError: Error, CustomStringConvertible {
    /// What was tried and what the system said.
    package let description: String
}

/// The listeners and the event loops behind them.
///
/// Isolation: `init` and `run` on one thread, which accepts and takes signals; each loop has its own.
package final class Server {
    private let settings: ServerSettings
    private let log: any LogEngine
    private let rules: RuleSet
    private let report: @Sendable (LogSeverity, String) -> Void
    private var listeners: [Listener] = []
    private let peers = Peers()
    /// The node's bridges, which clients ask about; set before `run`.
    package var bridges: (any BridgeDirectory)?
    /// How long a stop waits for what is in flight to groups' members and, in `beforeStop`, for bridges.
    package static let drainNanoseconds: Int64 = 1_000_000_000
    /// Called when no connection is accepted any more, while the loops drain.
    package var beforeStop: () -> Void = {}
    private let loop = Loop()
    private var loops: [TransportLoop] = []
    private var acceptedCount = 0
    private var refusalLines = LineLimiter(burst: 1, nanosecondsPerLine: 10_000_000_000)
    private var acceptLines = LineLimiter(burst: 1, nanosecondsPerLine: 10_000_000_000)
    private var acceptPauseMilliseconds = shortestAcceptPause
    private static let shortestAcceptPause: UInt64 = 50
    private static let longestAcceptPause: UInt64 = 3200
    private var watchers: [SignalWatcher] = []
    private var retry: RepeatingTimer?

    /// One listening socket.
    private final class Listener: ReadinessTarget {
        let socket: Int32
        var door: Door
        let kind: ListenerKind
        var watcher: ReadinessWatcher?
        var body: ((Listener) -> Void)?

        init(_ endpoint: ListenerEndpoint) throws(ListenError) {
            kind = endpoint.kind
            door = Door(endpoint.kind, endpoint.tls)
            socket = sluice_listen_tcp(endpoint.host, endpoint.port, 4096)
            guard socket >= 0 else {
                throw ListenError(
                    description:
                        "cannot listen on \(endpoint.host):\(endpoint.port): \(String(cString: strerror(errno)))")
            }
        }

        deinit { if socket >= 0 { Glibc.close(socket) } }

        func ready(readable: Bool, writable: Bool) { if readable { body?(self) } }
    }

    /// What the shards share; posts only from `run`'s `ready` until `beforeStop` returns.
    package var sharedState: any ShardPeers { peers }

    /// Where it listens, as `HOST:PORT`, in the order of its settings.
    package var addresses: [(kind: ListenerKind, address: String)] {
        listeners.map { ($0.kind, SocketAddress.local(of: $0.socket)) }
    }

    /// Binds the listeners; connections wait in the kernel until `run`.
    /// - Throws: `ListenError`.
    package init(
        settings: ServerSettings, log: any LogEngine, rules: RuleSet, sessions: SessionDirectory,
        retained: RetainedTree, offsets: OffsetTable,
        report: @escaping @Sendable (LogSeverity, String) -> Void
    ) throws(ListenError) {
        self.settings = settings
        self.log = log
        self.rules = rules
        self.report = report
        for endpoint in settings.listeners { listeners.append(try Listener(endpoint)) }
        peers.directory.withLock { $0 = sessions }
        peers.retained.withLock { $0 = retained }
        peers.offsets.withLock { $0 = offsets }
    }

    /// Serves until SIGTERM or SIGINT. Then it takes no more publishes, waits up to a second for what is in flight to
    /// groups' members, closes every connection, and returns.
    /// - Parameters:
    ///   - reload: called on SIGHUP, on this thread; connections that come meanwhile wait in the kernel.
    ///   - ready: called when connections are accepted.
    package func run(reload: @escaping () -> Void, ready: () -> Void) {
        loops = (0..<settings.loopCount).map { index in
            var shard = ShardSettings(index: index, limits: settings.limits, rules: rules)
            shard.bridges = bridges
            return TransportLoop(
                settings: shard, log: log, peers: peers,
                onClose: { [peers] in peers.connectionCount.subtract(1, ordering: .relaxed) }, report: report)
        }
        peers.loops = loops
        // No thread is there yet, and no client.
        loops.first?.shard.rewriteSessions()
        let threads = loops.enumerated().map { index, loop in
            LoopThread(name: "sluice-loop-\(index)") { loop.run() }
        }
        for listener in listeners {
            listener.body = { [unowned self] listener in accept(listener) }
            listener.watcher = ReadinessWatcher(loop, socket: listener.socket, target: listener)
            listener.watcher?.want(readable: true, writable: false)
        }
        for signal in [SIGTERM, SIGINT] {
            watchers.append(SignalWatcher(loop, signal: signal) { [unowned self] in stopAccepting() })
        }
        watchers.append(SignalWatcher(loop, signal: SIGHUP, reload))
        ready()
        loop.run()
        let drainEnd = monotonicNanoseconds() + Self.drainNanoseconds
        for loop in loops { loop.post(.drain(until: drainEnd)) }
        beforeStop()
        for loop in loops { loop.post(.stop) }
        for thread in threads { thread.join() }
        loop.drain()
    }

    /// Lets connections that come from now on prove themselves with `context`; those there are keep theirs. On the
    /// thread that runs it.
    package func replaceContext(of kind: ListenerKind, by context: TLSContext) {
        for listener in listeners where listener.kind == kind { listener.door = Door(kind, context) }
    }

    /// Deals new connections out to the loops in turn.
    private func accept(_ listener: Listener) {
        for _ in 0..<256 {
            let socket = sluice_accept(listener.socket)
            if socket < 0 {
                if errno == EAGAIN || errno == EINTR || errno == ECONNABORTED { return }
                return waitForDescriptors()
            }
            acceptPauseMilliseconds = Self.shortestAcceptPause
            let count = peers.connectionCount.load(ordering: .relaxed)
            let isSurplus = count >= settings.limits.connectionsMax
            if isSurplus { reportSurplus() }
            guard count < settings.limits.connectionsMax + Limits.surplusConnectionsMax else {
                Glibc.close(socket)
                continue
            }
            peers.connectionCount.add(1, ordering: .relaxed)
            loops[acceptedCount % loops.count].post(.accepted(socket, listener.door, isSurplus: isSurplus))
            acceptedCount += 1
        }
    }

    private func reportSurplus() {
        let now = monotonicNanoseconds()
        let leftOutCount = refusalLines.takeLeftOut(at: now)
        guard refusalLines.admits(at: now) || leftOutCount > 0 else { return }
        let more = leftOutCount > 0 ? ", and \(leftOutCount) before it" : ""
        report(
            .warning,
            "a connection is refused\(more): \(settings.limits.connectionsMax) are open, as many as may be "
                + "('limits: connections', or what the start said of open files)")
    }

    /// Out of descriptors or memory: the connections there are go on, new ones wait in the kernel for a while, longer
    /// each time.
    private func waitForDescriptors() {
        let reason = String(cString: strerror(errno))
        if acceptLines.admits(at: monotonicNanoseconds()) { report(.warning, "cannot accept connections: \(reason)") }
        for listener in listeners { listener.watcher?.want(readable: false, writable: false) }
        guard retry == nil else { return }
        let pause = acceptPauseMilliseconds
        acceptPauseMilliseconds = min(pause * 2, Self.longestAcceptPause)
        retry = RepeatingTimer(loop, milliseconds: pause) { [unowned self] in
            retry?.close()
            retry = nil
            for listener in listeners { listener.watcher?.want(readable: true, writable: false) }
        }
    }

    private func monotonicNanoseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    private func stopAccepting() {
        for listener in listeners { listener.watcher?.close() }
        retry?.close()
        retry = nil
        // The sockets close with them.
        listeners = []
        for watcher in watchers { watcher.close() }
        watchers = []
        loop.stop()
    }
}

/// The shards of one server, to each other.
// Sendable: `loops` is set before their threads start and never changes then; the directory is behind its mutex.
final class Peers: ShardPeers, @unchecked Sendable {
    let directory = Mutex(SessionDirectory())
    let retained = Mutex(RetainedTree())
    let offsets = Mutex(OffsetTable())
    let counters = Mutex<[BrokerCounters]>([])
    let refusals = Mutex<[RefusalList]>([])
    let connectionCount = Atomic<Int>(0)
    let heldMemory = Atomic<Int>(0)
    var loops: [TransportLoop] = []

    func withDirectory<Result>(_ body: (inout SessionDirectory) -> Result) -> Result {
        directory.withLock { directory in body(&directory) }
    }

    func withRetained<Result>(_ body: (inout RetainedTree) -> Result) -> Result {
        retained.withLock { retained in body(&retained) }
    }

    func withOffsets<Result>(_ body: (inout OffsetTable) -> Result) -> Result {
        offsets.withLock { offsets in body(&offsets) }
    }

    func withCounters<Result>(_ body: (inout [BrokerCounters]) -> Result) -> Result {
        counters.withLock { counters in body(&counters) }
    }

    func withRefusals<Result>(_ body: (inout [RefusalList]) -> Result) -> Result {
        refusals.withLock { refusals in body(&refusals) }
    }

    func addMemory(_ byteCount: Int) { heldMemory.add(byteCount, ordering: .relaxed) }

    var memoryUse: Int { heldMemory.load(ordering: .relaxed) }

    var shardCount: Int { loops.count }

    func post(_ message: ShardMessage, to shard: Int) { loops[shard].post(.shard(message)) }
}
