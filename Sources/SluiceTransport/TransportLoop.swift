import CLinux
import Cryptography
import EventLoop
import Glibc
import LogInterface
import SluiceBroker
import SluiceCore
import Synchronization

/// What comes to a loop from other threads.
enum LoopMessage: Sendable {
    /// A new connection, what is spoken on it, and whether it is one too many.
    case accepted(Int32, Door, isSurplus: Bool)
    /// A word from another shard.
    case shard(ShardMessage)
    /// The node is about to stop: what is in flight to groups' members may be acknowledged until then, by the
    /// monotonic clock in nanoseconds.
    case drain(until: Int64)
    /// The node stops, as soon as the drain is over.
    case stop
}

/// What is spoken at a listener, with what its connections need for that.
enum Door: Sendable {
    /// MQTT over TCP.
    case mqtt
    /// MQTT over TLS.
    case mqtts(TLSContext)
    /// MQTT over WebSocket.
    case ws
    /// MQTT over WebSocket over TLS.
    case wss(TLSContext)

    /// What a listener of this kind opens; one with TLS has a context.
    init(_ kind: ListenerKind, _ context: TLSContext?) {
        switch (kind, context) {
        case (.mqtt, _): self = .mqtt
        case (.ws, _): self = .ws
        case (.mqtts, let context?): self = .mqtts(context)
        case (.wss, let context?): self = .wss(context)
        case (.mqtts, nil), (.wss, nil): preconditionFailure("Cannot speak TLS while there is no context")
        }
    }
}

/// One event loop with its shard and its connections, on a thread of its own.
///
/// Isolation: its thread, but for `post` and the wake.
// Sendable: other threads only call `post`, which goes through the mutex and the wake.
final class TransportLoop: @unchecked Sendable {
    /// Bytes that one read takes at most: a loop's worth of small messages, and within the processor's second-level
    /// cache.
    static let readBytes = 256 << 10

    let loop = Loop()
    private(set) var shard: BrokerShard
    private let log: any LogEngine
    private let onClose: () -> Void
    private let mailbox = Mutex<[LoopMessage]>([])
    private let wakeBox: WakeBox
    private var connections: [ObjectIdentifier: Connection] = [:]
    private var pausedConnections: [Connection] = []
    /// Connections whose last bytes are on their way, oldest first, among others that have ended since: thousands that
    /// are closed at once are not searched for one by one.
    private var lingering = Ring<(connection: Connection, since: Int64)>()
    /// Connections whose handshakes go on, oldest first, among others that have finished since.
    private var opening = Ring<(connection: Connection, since: Int64)>()
    private let handshakeSecondsMax: Int
    private let report: (LogSeverity, String) -> Void
    private var failureLines = LineLimiter(burst: 20, nanosecondsPerLine: 200_000_000)
    private var afterTickWork: [() -> Void] = []
    private var memory = UnsafeMutableRawPointer.allocate(byteCount: readBytes, alignment: 4096)
    private(set) var receiveCapacity = readBytes
    // What one call of a channel leaves, on its way to the shard or to the socket; nothing stays in them.
    var plain = ByteBuffer()
    var wire = ByteBuffer()
    var clear = ByteBuffer()
    var frames = ByteBuffer()
    private let codecs = FrameCodecPool()
    private var tickEnd: TickEnd?
    private var timer: RepeatingTimer?
    /// Ticks while some replay keeps a pace.
    private var pacer: RepeatingTimer?
    private(set) var isStopping = false
    /// When the drain is over in any case.
    private var drainEnd: Int64 = 0
    /// Looks whether the drain is over.
    private var drainTimer: RepeatingTimer?
    private var lastPublishCount: UInt64 = 0
    private var lastElapsed = Int64.max

    /// The loop's wake, which the log gets before the loop is made.
    // Sendable: set once before the threads start.
    final class WakeBox: @unchecked Sendable {
        var wake: Wake?
        func send() { wake?.send() }
    }

    init(
        settings: ShardSettings, log: any LogEngine, peers: any ShardPeers, onClose: @escaping () -> Void,
        report: @escaping (LogSeverity, String) -> Void
    ) {
        self.log = log
        self.onClose = onClose
        self.report = report
        handshakeSecondsMax = settings.limits.connectSecondsMax
        let box = WakeBox()
        wakeBox = box
        shard = BrokerShard(settings: settings, log: log, peers: peers, wake: { box.send() }, report: report)
        setClocks()
        // The work of a wake is done at the end of its tick, with that of the sockets.
        box.wake = Wake(loop) {}
        tickEnd = TickEnd(loop) { [unowned self] in endTick() }
        timer = RepeatingTimer(loop, milliseconds: 500) { [unowned self] in elapsed() }
    }

    deinit { memory.deallocate() }

    /// Runs until the node stops.
    func run() {
        sluice_exact_timers()
        // What the timer will do every half a second has a beginning: the broker's own topics are there from the start.
        elapsed()
        loop.run()
        loop.drain()
    }

    /// Puts a message into the mailbox. Any thread.
    func post(_ message: LoopMessage) {
        mailbox.withLock { $0.append(message) }
        wakeBox.send()
    }

    // MARK: Ticks

    /// Whether something has happened since the loop waited, and the clocks are those of this tick.
    private var isTicking = false

    /// Sets the clocks if this is the first that happens in a tick: they stand where they stood before the loop waited,
    /// which an idle one does for half a second.
    func beginTick() {
        guard !isTicking else { return }
        isTicking = true
        setClocks()
    }

    private func setClocks() {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC_COARSE, &time)
        shard.now = Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
        clock_gettime(CLOCK_REALTIME_COARSE, &time)
        shard.wallClock = Timestamp(rawValue: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }

    private func endTick() {
        beginTick()
        takeMessages()
        shard.endTick()
        while !afterTickWork.isEmpty {
            var work: [() -> Void] = []
            swap(&work, &afterTickWork)
            for body in work { body() }
        }
        if !pausedConnections.isEmpty, !log.isUnderPressure { resumePaused() }
        if isStopping, connections.isEmpty { finish() }
        keepPace()
        gather()
        isTicking = false
    }

    /// Has a timer of five milliseconds for as long as some replay waits for the time of its next record.
    private func keepPace() {
        guard shard.isPacing != (pacer != nil), !isStopping else { return }
        if let pacer {
            pacer.close()
            self.pacer = nil
        } else {
            pacer = RepeatingTimer(loop, milliseconds: 5) { [unowned self] in
                setClocks()
                shard.pace()
            }
        }
    }

    /// Publishes in a tick from which the loop has enough to do: then it reads on while the device works.
    private static let busyPublishCount: UInt64 = 16

    /// Lets messages gather in the sockets while a commit is on its way that this loop waits for. Its end wakes the
    /// loop once, for the acknowledgements and for what has come meanwhile; without this, each message wakes it, to be
    /// appended and to wait all the same. A wake of an idle processor was the largest cost of a message at 5,000 a
    /// second (ADR 0006).
    private func gather() {
        let publishCount = shard.counters.publishesReceived
        defer { lastPublishCount = publishCount }
        guard publishCount - lastPublishCount < Self.busyPublishCount, shard.waitsForCommit, !isStopping else { return }
        let patience = log.patience
        if patience > 0 { wakeBox.wake?.wait(atMost: patience) }
    }

    /// Runs `body` behind the tick that is being worked on.
    func afterTick(_ body: @escaping () -> Void) {
        afterTickWork.append(body)
        wakeBox.send()
    }

    private func takeMessages() {
        let messages = mailbox.withLock { box in
            guard !box.isEmpty else { return [LoopMessage]() }
            var taken: [LoopMessage] = []
            swap(&taken, &box)
            return taken
        }
        for message in messages {
            switch message {
            case .accepted(let socket, let door, let isSurplus): accept(socket, door, isSurplus: isSurplus)
            case .shard(let message): shard.received(message)
            case .drain(let end):
                shard.beginDrain()
                drainEnd = end
            case .stop:
                if !stopDrained() {
                    drainTimer = RepeatingTimer(loop, milliseconds: 5) { [unowned self] in _ = stopDrained() }
                }
            }
        }
    }

    /// The time between two ticks of the timer, which has half a second, from which on the loop was held up.
    private static let standstillNanoseconds: Int64 = 1_000_000_000

    private func elapsed() {
        setClocks()
        let now = shard.now
        let sinceLast = now - lastElapsed
        lastElapsed = now
        let stoodStill = sinceLast > Self.standstillNanoseconds
        if stoodStill { shard.stoodStill(for: sinceLast) }
        shard.elapsed()
        if !stoodStill { giveUpHandshakes(now) }
        while let oldest = lingering.first, now - oldest.since > 2_000_000_000 {
            oldest.connection.cut()
            _ = lingering.popFirst()
        }
        // A resumed publisher that must stop again is paused by its next read.
        if !pausedConnections.isEmpty, !log.isUnderPressure { resumePaused() }
        if isStopping, connections.isEmpty { finish() }
    }

    // MARK: Connections

    private func accept(_ socket: Int32, _ door: Door, isSurplus: Bool) {
        guard !isStopping, let connection = Connection(self, socket: socket, channel: channel(door, socket)) else {
            Glibc.close(socket)
            return onClose()
        }
        connection.isSurplus = isSurplus
        connections[ObjectIdentifier(connection)] = connection
        if connection.channel == nil { connection.open() } else { opening.append((connection, shard.now)) }
    }

    private func channel(_ door: Door, _ socket: Int32) -> Channel? {
        switch door {
        case .mqtt: nil
        case .mqtts(let context): Channel(address: SocketAddress.peer(of: socket), tls: context, webSocket: nil)
        case .ws: Channel(address: SocketAddress.peer(of: socket), tls: nil, webSocket: codecs)
        case .wss(let context): Channel(address: SocketAddress.peer(of: socket), tls: context, webSocket: codecs)
        }
    }

    /// Ends connections whose handshakes take too long.
    private func giveUpHandshakes(_ now: Int64) {
        while let oldest = opening.first {
            if oldest.connection.isOpening {
                guard now - oldest.since > Int64(handshakeSecondsMax) * 1_000_000_000 else { break }
                oldest.connection.giveUp(after: handshakeSecondsMax)
            }
            _ = opening.popFirst()
        }
        let leftOutCount = failureLines.takeLeftOut(at: now)
        if leftOutCount > 0 { report(.info, "\(leftOutCount) more connections failed meanwhile") }
    }

    /// Logs why a connection failed before or below MQTT, unless there are too many such lines: whoever opens
    /// connections by the thousand shall not fill the log.
    func reportFailure(_ text: String) { if failureLines.admits(at: shard.now) { report(.info, text) } }

    /// Gives the memory of large bursts back, on the way in.
    func shrinkInput() {
        if plain.capacity > Self.keptBytes { plain.reset(keeping: Self.keptBytes) }
        if clear.capacity > Self.keptBytes { clear.reset(keeping: Self.keptBytes) }
    }

    /// Gives the memory of large bursts back, on the way out.
    func shrinkOutput() {
        if wire.capacity > Self.keptBytes { wire.reset(keeping: Self.keptBytes) }
        if frames.capacity > Self.keptBytes { frames.reset(keeping: Self.keptBytes) }
    }

    private static let keptBytes = 2 * readBytes

    func closed(_ connection: Connection) {
        connections[ObjectIdentifier(connection)] = nil
        pausedConnections.removeAll { $0 === connection }
        onClose()
    }

    /// Gives a closing connection two seconds to take its last bytes and to hang up.
    func linger(_ connection: Connection) { lingering.append((connection, shard.now)) }

    /// Whether a client must be left unread: the log is behind, the client does not read its answers, or a packet of it
    /// waits.
    func mustPause(_ client: Client) -> Bool {
        client.isPostponed || client.isPublisher && log.isUnderPressure || client.output.count > shard.outputBytesMax
    }

    func paused(_ connection: Connection) { pausedConnections.append(connection) }

    private func resumePaused() {
        var resumed: [Connection] = []
        swap(&resumed, &pausedConnections)
        for connection in resumed {
            if connection.mustStayPaused { pausedConnections.append(connection) } else { connection.resume() }
        }
    }

    /// The loop's receive buffer with room for `byteCount` bytes; what was in it is lost.
    func receiveBuffer(holding byteCount: Int) -> UnsafeMutableRawPointer {
        if byteCount > receiveCapacity {
            memory.deallocate()
            receiveCapacity = byteCount
            memory = .allocate(byteCount: byteCount, alignment: 4096)
        } else if receiveCapacity > Self.readBytes, byteCount <= Self.readBytes {
            memory.deallocate()
            receiveCapacity = Self.readBytes
            memory = .allocate(byteCount: Self.readBytes, alignment: 4096)
        }
        return memory
    }

    // MARK: Stopping

    /// Stops when nothing is in flight that a group would hand out again, or when that has taken too long.
    /// - Returns: whether it has stopped.
    private func stopDrained() -> Bool {
        setClocks()
        guard shard.isDrained || shard.now >= drainEnd else { return false }
        drainTimer?.close()
        drainTimer = nil
        stop()
        return true
    }

    private func stop() {
        isStopping = true
        shard.endTick()
        shard.shutDown()
        for connection in Array(connections.values) { connection.isOpening ? connection.finish() : connection.close() }
        shard.endTick()
    }

    private func finish() {
        timer?.close()
        timer = nil
        pacer?.close()
        pacer = nil
        tickEnd?.close()
        tickEnd = nil
        loop.stop()
    }
}
