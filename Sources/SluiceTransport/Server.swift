import CLinux
package import CommitLog
import EventLoop
import Glibc
package import SluiceBroker
package import SluiceCore
import Synchronization
package import TopicRouting

/// What a server needs to listen.
package struct ServerSettings {
    /// The numeric address to listen on.
    package var host: String
    /// The port; 0 lets the system choose.
    package var port: UInt16
    /// The number of event loops.
    package var loopCount: Int
    /// Bounds of everything that input could make grow.
    package var limits: Limits

    /// Settings from their parts.
    package init(host: String, port: UInt16, loopCount: Int, limits: Limits) {
        precondition(loopCount > 0)
        self.host = host
        self.port = port
        self.loopCount = loopCount
        self.limits = limits
    }
}

/// Why a server does not start.
package struct ListenError: Error, CustomStringConvertible {
    /// What was tried and what the system said.
    package let description: String
}

/// The MQTT listener and the event loops behind it.
///
/// Isolation: `init` and `run` on one thread, which accepts and takes signals; each loop has its own.
package final class Server {
    private let settings: ServerSettings
    private let log: any LogEngine
    private let rules: RuleSet
    private let report: @Sendable (LogSeverity, String) -> Void
    private let listener: Int32
    private let peers = Peers()
    private let loop = Loop()
    private var loops: [TransportLoop] = []
    private var acceptedCount = 0
    private var refusedCount = 0
    private var watchers: [SignalWatcher] = []
    private var acceptor: Acceptor?
    private var retry: RepeatingTimer?
    /// Where it listens, as `HOST:PORT`.
    package let address: String

    /// Takes new connections off the listener.
    private final class Acceptor: ReadinessTarget {
        let body: () -> Void
        var watcher: ReadinessWatcher?
        init(_ body: @escaping () -> Void) { self.body = body }
        func ready(readable: Bool, writable: Bool) { if readable { body() } }
    }

    /// Binds the listener; connections wait in the kernel until `run`.
    /// - Throws: `ListenError`.
    package init(
        settings: ServerSettings, log: any LogEngine, rules: RuleSet, sessions: SessionDirectory,
        retained: RetainedTree,
        report: @escaping @Sendable (LogSeverity, String) -> Void
    ) throws(ListenError) {
        self.settings = settings
        self.log = log
        self.rules = rules
        self.report = report
        listener = sluice_listen_tcp(settings.host, settings.port, 4096)
        guard listener >= 0 else {
            throw ListenError(
                description: "cannot listen on \(settings.host):\(settings.port): \(String(cString: strerror(errno)))")
        }
        address = SocketAddress.local(of: listener)
        peers.directory.withLock { $0 = sessions }
        peers.retained.withLock { $0 = retained }
    }

    /// Serves until SIGTERM or SIGINT, then closes every connection and returns.
    /// - Parameters:
    ///   - reload: called on SIGHUP, on this thread; connections that come meanwhile wait in the kernel.
    ///   - ready: called when connections are accepted.
    package func run(reload: @escaping () -> Void, ready: () -> Void) {
        loops = (0..<settings.loopCount).map { index in
            TransportLoop(
                settings: ShardSettings(index: index, limits: settings.limits, rules: rules), log: log, peers: peers,
                onClose: { [peers] in peers.connectionCount.subtract(1, ordering: .relaxed) }, report: report)
        }
        peers.loops = loops
        let threads = loops.enumerated().map { index, loop in
            LoopThread(name: "sluice-loop-\(index)") { loop.run() }
        }
        let acceptor = Acceptor { [unowned self] in accept() }
        acceptor.watcher = ReadinessWatcher(loop, socket: listener, target: acceptor)
        acceptor.watcher?.want(readable: true, writable: false)
        self.acceptor = acceptor
        for signal in [SIGTERM, SIGINT] {
            watchers.append(SignalWatcher(loop, signal: signal) { [unowned self] in stopAccepting() })
        }
        watchers.append(SignalWatcher(loop, signal: SIGHUP, reload))
        ready()
        loop.run()
        for loop in loops { loop.post(.stop) }
        for thread in threads { thread.join() }
        loop.drain()
    }

    /// Deals new connections out to the loops in turn.
    private func accept() {
        for _ in 0..<256 {
            let socket = sluice_accept(listener)
            if socket < 0 {
                if errno == EAGAIN || errno == EINTR || errno == ECONNABORTED { return }
                return waitForDescriptors()
            }
            guard peers.connectionCount.load(ordering: .relaxed) < settings.limits.connectionsMax else {
                Glibc.close(socket)
                refusedCount += 1
                if refusedCount & (refusedCount - 1) == 0 {
                    report(.warning, "\(refusedCount) connections refused, \(settings.limits.connectionsMax) are open")
                }
                continue
            }
            peers.connectionCount.add(1, ordering: .relaxed)
            loops[acceptedCount % loops.count].post(.accepted(socket))
            acceptedCount += 1
        }
    }

    /// Out of descriptors or memory: the connections there are go on, new ones wait in the kernel for a while.
    private func waitForDescriptors() {
        report(.warning, "cannot accept connections: \(String(cString: strerror(errno)))")
        acceptor?.watcher?.want(readable: false, writable: false)
        retry = RepeatingTimer(loop, milliseconds: 200) { [unowned self] in
            retry?.close()
            retry = nil
            acceptor?.watcher?.want(readable: true, writable: false)
        }
    }

    private func stopAccepting() {
        acceptor?.watcher?.close()
        acceptor = nil
        retry?.close()
        retry = nil
        Glibc.close(listener)
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
    let counters = Mutex<[BrokerCounters]>([])
    let connectionCount = Atomic<Int>(0)
    var loops: [TransportLoop] = []

    func withDirectory<Result>(_ body: (inout SessionDirectory) -> Result) -> Result {
        directory.withLock { directory in body(&directory) }
    }

    func withRetained<Result>(_ body: (inout RetainedTree) -> Result) -> Result {
        retained.withLock { retained in body(&retained) }
    }

    func withCounters<Result>(_ body: (inout [BrokerCounters]) -> Result) -> Result {
        counters.withLock { counters in body(&counters) }
    }

    var shardCount: Int { loops.count }

    func post(_ message: ShardMessage, to shard: Int) { loops[shard].post(.shard(message)) }
}
