import CLinux
package import Cryptography
import EventLoop
import Glibc
package import SluiceCore
package import Speaking
import Synchronization

/// One place to listen.
package struct ListenerEndpoint: Sendable {
    /// What it is called and what is spoken there.
    package var identity: ListenerIdentity
    /// The numeric address to listen on.
    package var host: String
    /// The port; 0 lets the system choose.
    package var port: UInt16
    /// What its connections prove themselves with; nil where TLS is not spoken.
    package var tls: TLSContext?
    /// What is spoken over WebSocket; nil where it is spoken without.
    package var webSocket: WebSocketOffer?
    /// From where connections come by a proxy, which says whose they are.
    package var proxies: [IPNetwork] = []

    /// An endpoint from its parts.
    package init(
        _ identity: ListenerIdentity, host: String, port: UInt16, tls: TLSContext? = nil,
        webSocket: WebSocketOffer? = nil
    ) {
        self.identity = identity
        self.host = host
        self.port = port
        self.tls = tls
        self.webSocket = webSocket
    }
}

/// What a server needs to listen.
package struct ServerSettings {
    /// Where to listen; no two have one name.
    package var listeners: [ListenerEndpoint]
    /// The number of event loops that connections are dealt out to.
    package var loopCount: Int
    /// What is spoken on loops of its own, behind those, where some listener speaks it.
    package var ownLoops: [Conversation] = []
    /// Bounds of everything that input could make grow.
    package var limits: Limits { book.general }
    /// The same, with those of single listeners.
    package var book: LimitBook
    /// Decides which connections come in; nil for all.
    package var gate: (any ConnectionGate)?
    /// Listening sockets of another process, for those listeners that they fit; the others are closed.
    package var inherited: [InheritedSocket] = []
    /// Where another process may ask for the listening sockets; nil for nowhere.
    package var handoverDirectory: String?

    /// Settings from their parts.
    package init(listeners: [ListenerEndpoint], loopCount: Int, limits: LimitBook, gate: (any ConnectionGate)? = nil) {
        precondition(loopCount > 0)
        precondition(!listeners.isEmpty)
        self.listeners = listeners
        self.loopCount = loopCount
        book = limits
        self.gate = gate
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
    private var settings: ServerSettings
    private let report: @Sendable (LogEvent, LogWords) -> Void
    private var listeners: [Listener] = []
    private let connectionCount = ConnectionCount()
    /// How long a stop waits for what is in flight and, in `beforeStop`, for what else there is.
    package static let drainNanoseconds: Int64 = 1_000_000_000
    /// Called when no connection is accepted any more, while the loops drain.
    package var beforeStop: () -> Void = {}
    private let loop = Loop()
    private var loops: [TransportLoop] = []
    private var acceptedCount = 0
    private var ownLoops: [Conversation] = []
    private var refusalLines = LineLimiter(burst: 1, nanosecondsPerLine: 10_000_000_000)
    private var acceptLines = LineLimiter(burst: 1, nanosecondsPerLine: 10_000_000_000)
    private var bannedLines = LineLimiter(burst: 20, nanosecondsPerLine: 200_000_000)
    private var acceptPauseMilliseconds = shortestAcceptPause
    private static let shortestAcceptPause: UInt64 = 50
    private static let longestAcceptPause: UInt64 = 3200
    private var watchers: [SignalWatcher] = []
    private var retry: RepeatingTimer?
    private var handover: HandoverPoint?
    /// Ends the time that connections have after a handover which came just before it.
    private var farewell: RepeatingTimer?
    /// How long those have to say who they are before the drain begins, in milliseconds: some turns over a slow net.
    private static let farewellMilliseconds: UInt64 = 250

    /// One listening socket.
    private final class Listener: ReadinessTarget {
        let socket: Int32
        var door: Door
        var watcher: ReadinessWatcher?
        var body: ((Listener) -> Void)?
        /// Whether a service manager chose the address.
        let isPinned: Bool

        init(_ endpoint: ListenerEndpoint, _ inherited: InheritedSocket?) throws(ListenError) {
            door = Door(
                listener: endpoint.identity, tls: endpoint.tls, webSocket: endpoint.webSocket,
                proxies: endpoint.proxies)
            isPinned = inherited?.isPinned ?? false
            socket = inherited?.take() ?? sluice_listen_tcp(endpoint.host, endpoint.port, 4096)
            guard socket >= 0 else {
                throw ListenError(
                    description:
                        "cannot listen on \(endpoint.host):\(endpoint.port): \(String(cString: strerror(errno)))")
            }
        }

        deinit { if socket >= 0 { Glibc.close(socket) } }

        func ready(readable: Bool, writable: Bool) { if readable { body?(self) } }
    }

    /// Connections that are open, on all loops.
    private final class ConnectionCount: Sendable {
        let value = Atomic<Int>(0)
    }

    /// Where it listens, as `HOST:PORT`, in the order of its settings.
    package var addresses: [(listener: ListenerIdentity, address: String)] {
        listeners.map { ($0.door.listener, SocketAddress.local(of: $0.socket)) }
    }

    /// Binds the listeners; connections wait in the kernel until `run`.
    /// - Throws: `ListenError`.
    package init(
        settings: ServerSettings, report: @escaping @Sendable (LogEvent, LogWords) -> Void
    ) throws(ListenError) {
        self.settings = settings
        self.report = report
        for endpoint in settings.listeners {
            listeners.append(try Listener(endpoint, settings.inherited.take(for: endpoint)))
        }
        for socket in settings.inherited { socket.close() }
        self.settings.inherited = []
    }

    /// Serves until SIGTERM or SIGINT, or until another process has taken the listening sockets. Then it begins nothing
    /// new, waits up to a second for what is in flight, closes every connection, and returns.
    /// - Parameters:
    ///   - makeService: makes what lives on a loop, from its index and what wakes it from any thread; called for each
    ///     loop in turn, before any of them runs.
    ///   - beforeThreads: called when all services are there and none of them runs.
    ///   - reload: called on SIGHUP, on this thread; connections that come meanwhile wait in the kernel.
    ///   - ready: called when connections are accepted.
    package func run(
        makeService: (_ index: Int, _ wake: @escaping @Sendable () -> Void) -> any LoopService,
        beforeThreads: () -> Void, reload: @escaping () -> Void, ready: () -> Void
    ) {
        let spoken = Set(listeners.map(\.door.listener.conversation))
        ownLoops = settings.ownLoops.filter(spoken.contains)
        loops = (0..<settings.loopCount + ownLoops.count).map { index in
            TransportLoop(
                limits: settings.book, gate: settings.gate, makeService: { makeService(index, $0) },
                onClose: { [connectionCount] in connectionCount.value.subtract(1, ordering: .relaxed) }, report: report)
        }
        beforeThreads()
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
        offerSockets()
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
    package func replaceContext(of name: String, by context: TLSContext) {
        for listener in listeners where listener.door.listener.name == name { listener.door.tls = context }
    }

    /// Lets the proxies of a listener be others, for connections that come from now on. On the thread that runs it.
    package func replaceProxies(of name: String, by proxies: [IPNetwork]) {
        for listener in listeners where listener.door.listener.name == name { listener.door.proxies = proxies }
    }

    /// Puts other limits in force. On the thread that runs it.
    package func replaceLimits(by limits: LimitBook) {
        settings.book = limits
        for loop in loops { loop.post(.limits(limits)) }
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
            if settings.gate?.hasBans == true, turnsAway(socket, listener.door) {
                Glibc.close(socket)
                continue
            }
            let count = connectionCount.value.load(ordering: .relaxed)
            let isSurplus = count >= settings.limits.connectionsMax
            if isSurplus { reportSurplus() }
            guard count < settings.limits.connectionsMax + Limits.surplusConnectionsMax else {
                Glibc.close(socket)
                continue
            }
            connectionCount.value.add(1, ordering: .relaxed)
            nextLoop(listener.door).post(.accepted(socket, listener.door, isSurplus ? surplusRefusal : nil))
        }
    }

    /// The loop of the next connection of a listener.
    private func nextLoop(_ door: Door) -> TransportLoop {
        if let index = ownLoops.firstIndex(of: door.listener.conversation) {
            return loops[settings.loopCount + index]
        }
        defer { acceptedCount += 1 }
        return loops[acceptedCount % settings.loopCount]
    }

    /// Whether a connection is of an address that is kept out. It is closed here: a flood of them costs the loops
    /// nothing but a few words a second.
    private func turnsAway(_ socket: Int32, _ door: Door) -> Bool {
        let peer = PeerIdentity(address: SocketAddress.peer(of: socket), listener: door.listener)
        let now = monotonicNanoseconds()
        guard let host = peer.host, !door.isProxy(host), let refusal = settings.gate?.ban(of: host, now: now) else {
            return false
        }
        if bannedLines.admits(at: now) {
            nextLoop(door).post(.turnedAway(peer, refusal.words))
        }
        return true
    }

    private var surplusRefusal: ConnectionRefusal {
        ConnectionRefusal(
            .tooMany, "there are as many connections as there may be, \(settings.limits.connectionsMax)")
    }

    private func reportSurplus() {
        let now = monotonicNanoseconds()
        let leftOutCount = refusalLines.takeLeftOut(at: now)
        guard refusalLines.admits(at: now) || leftOutCount > 0 else { return }
        let more: LogWords = leftOutCount > 0 ? ", and \(leftOutCount, as: .leftOut) before it" : ""
        report(
            .connectionsExhausted,
            "a connection is refused\(more): \(settings.limits.connectionsMax, as: .limit) are open, as many as may be "
                + "('limits: connections', or what the start said of open files)")
    }

    /// Out of descriptors or memory: the connections there are go on, new ones wait in the kernel for a while, longer
    /// each time.
    private func waitForDescriptors() {
        let reason = String(cString: strerror(errno))
        if acceptLines.admits(at: monotonicNanoseconds()) {
            report(.acceptFailed, "cannot accept connections: \(reason, as: .reason)")
        }
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

    // MARK: Stopping

    /// Lets another process take over, where the directory can have a mailbox.
    private func offerSockets() {
        guard let directory = settings.handoverDirectory else { return }
        handover = HandoverPoint(
            loop, in: directory, report: report,
            offers: { [unowned self] in
                listeners.map {
                    HandoverPoint.Offer(name: $0.door.listener.name, isPinned: $0.isPinned, socket: $0.socket)
                }
            },
            given: { [unowned self] in bidFarewell() })
        if handover == nil {
            let reason = String(cString: strerror(errno))
            report(
                .handoverUnavailable,
                "no other process can take over, '\(directory, as: .path)': \(reason, as: .reason)")
        }
    }

    /// Another process has the sockets, and what comes from here on waits in the kernel for that one. Connections that
    /// have come just now still get their answer.
    private func bidFarewell() {
        closeListeners()
        farewell = RepeatingTimer(loop, milliseconds: Self.farewellMilliseconds) { [unowned self] in stopAccepting() }
    }

    private func closeListeners() {
        for listener in listeners { listener.watcher?.close() }
        retry?.close()
        retry = nil
        // The sockets close with them.
        listeners = []
    }

    private func stopAccepting() {
        closeListeners()
        handover?.close()
        farewell?.close()
        farewell = nil
        for watcher in watchers { watcher.close() }
        watchers = []
        loop.stop()
    }
}
