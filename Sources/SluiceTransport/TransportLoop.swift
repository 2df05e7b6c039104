import CLinux
import Cryptography
import EventLoop
import Glibc
import SluiceCore
import Speaking
import Synchronization

/// What comes to a loop from the thread that accepts.
enum LoopMessage: Sendable {
    /// A new connection, what is spoken on it, and why it is not let in.
    case accepted(Int32, Door, ConnectionRefusal?)
    /// Other limits hold from now on.
    case limits(LimitBook)
    /// A connection was closed as it came, for this reason; of many, some are told.
    case turnedAway(PeerIdentity, String)
    /// The node is about to stop: what is in flight may come to its end until then, by the monotonic clock in
    /// nanoseconds.
    case drain(until: Int64)
    /// The node stops, as soon as the drain is over.
    case stop
}

/// What is spoken at a listener, with what its connections need for that.
struct Door: Sendable {
    let listener: ListenerIdentity
    /// Nil where TLS is not spoken.
    var tls: TLSContext?
    /// Nil where WebSocket is not spoken.
    let webSocket: WebSocketOffer?
    /// From where connections come by a proxy, which says whose they are.
    var proxies: [IPNetwork] = []

    /// Whether an address is a proxy's.
    func isProxy(_ host: IPAddress?) -> Bool {
        guard !proxies.isEmpty, let host else { return false }
        return proxies.contains { $0.contains(host) }
    }
}

/// One event loop with its service and its connections, on a thread of its own.
///
/// More than twenty stored properties: what the thread has one of (buffers, timers, lists of connections by what they
/// wait for), of which no two belong together more than with the rest.
/// Isolation: its thread, but for `post` and the wake.
// Sendable: other threads only call `post`, which goes through the mutex and the wake.
final class TransportLoop: @unchecked Sendable {
    /// Bytes that one read takes at most: a loop's worth of small messages, and within the processor's second-level
    /// cache.
    static let readBytes = 256 << 10

    /// Bytes of regions of files that one turn of a connection sends at most: a reader as fast as this machine does not
    /// keep the others waiting.
    let regionBytesMax: Int
    let loop = Loop()
    let service: any LoopService
    private let onClose: () -> Void
    private let mailbox = Mutex<[LoopMessage]>([])
    private let wakeBox: WakeBox
    private var connections: [ObjectIdentifier: Connection] = [:]
    private var pausedConnections: [Connection] = []
    /// Connections whose last bytes are on their way, oldest first, among others that have ended since: thousands that
    /// are closed at once are not searched for one by one.
    private var lingering = Ring<(connection: Connection, since: Int64)>()
    /// Connections whose handshakes go on, oldest first, among others that have finished since; by their listeners,
    /// which have times of their own.
    private var opening: [String: Ring<(connection: Connection, since: Int64)>] = [:]
    private var limits: LimitBook
    private let gate: (any ConnectionGate)?
    private let report: (LogEvent, LogWords) -> Void
    private var failureLines = LineLimiter(burst: 20, nanosecondsPerLine: 200_000_000)
    private var afterTickWork: [() -> Void] = []
    /// Bytes that the sockets gave and took, of which the service does not know yet.
    var receivedByteCount = 0
    var sentByteCount = 0
    /// Nanoseconds of the monotonic clock, as of this tick's start.
    private(set) var now: Int64 = 0
    private var memory = UnsafeMutableRawPointer.allocate(byteCount: readBytes, alignment: 4096)
    private(set) var receiveCapacity = readBytes
    // What one call of a channel leaves, on its way to the speaker or to the socket; nothing stays in them.
    var plain = ByteBuffer()
    var wire = ByteBuffer()
    var clear = ByteBuffer()
    var frames = ByteBuffer()
    private let codecs = FrameCodecPool()
    private var tickEnd: TickEnd?
    private var timer: RepeatingTimer?
    /// Wakes the loop when the service wants to be.
    private var pacer: Alarm?
    /// What `pacer` is set to; nil when it is not.
    private var paceTime: Int64?
    private(set) var isStopping = false
    /// When the drain is over in any case.
    private var drainEnd: Int64 = 0
    /// Looks whether the drain is over; then ends the time that connections have for their last bytes.
    private var drainTimer: RepeatingTimer?
    private var lastElapsed = Int64.max

    /// The loop's wake, which the service gets before the loop is made.
    // Sendable: set once before the threads start.
    final class WakeBox: @unchecked Sendable {
        var wake: Wake?
        func send() { wake?.send() }
    }

    /// A loop that does not run yet.
    /// - Parameters:
    ///   - makeService: makes what lives on it; it gets what wakes the loop from any thread.
    ///   - onClose: called for each connection that is gone.
    ///   - regionBytesMax: see the property.
    init(
        limits: LimitBook, gate: (any ConnectionGate)? = nil,
        makeService: (_ wake: @escaping @Sendable () -> Void) -> any LoopService,
        onClose: @escaping () -> Void, report: @escaping (LogEvent, LogWords) -> Void, regionBytesMax: Int = 1 << 20
    ) {
        precondition(regionBytesMax > 0)
        self.regionBytesMax = regionBytesMax
        self.onClose = onClose
        self.report = report
        self.limits = limits
        self.gate = gate
        let box = WakeBox()
        wakeBox = box
        service = makeService { box.send() }
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
        now = Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
        clock_gettime(CLOCK_REALTIME_COARSE, &time)
        let wallClock = Timestamp(rawValue: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
        service.setClocks(now: now, wallClock: wallClock)
    }

    private func endTick() {
        beginTick()
        takeMessages()
        endServiceTick()
        while !afterTickWork.isEmpty {
            var work: [() -> Void] = []
            swap(&work, &afterTickWork)
            for body in work { body() }
        }
        if !pausedConnections.isEmpty, !service.isUnderPressure { resumePaused() }
        if isStopping, connections.isEmpty { finish() }
        keepPace()
        gather()
        isTicking = false
    }

    /// Lets the service end what it gathered in this tick.
    func endServiceTick() {
        tellTraffic()
        service.endTick()
    }

    private func tellTraffic() {
        guard receivedByteCount > 0 || sentByteCount > 0 else { return }
        service.moved(receivedByteCount: receivedByteCount, sentByteCount: sentByteCount)
        receivedByteCount = 0
        sentByteCount = 0
    }

    /// Wakes come on multiples of this, so that what falls due at about the same time is worked on together.
    private static let paceGrid: Int64 = 5_000_000

    /// Sets the alarm to when the service wants to be woken.
    private func keepPace() {
        let wanted = isStopping ? nil : service.nextPace.map { ($0 / Self.paceGrid + 1) * Self.paceGrid }
        guard wanted != paceTime else { return }
        paceTime = wanted
        guard let wanted else {
            pacer?.clear()
            return
        }
        let alarm = pacer ?? Alarm(loop) { [unowned self] in paced() }
        pacer = alarm
        alarm.set(milliseconds: UInt64(max(1, (wanted - now + 999_999) / 1_000_000)))
    }

    private func paced() {
        paceTime = nil
        setClocks()
        service.pace()
        // The loop waits for events before this tick ends.
        keepPace()
    }

    /// Lets bytes gather in the sockets for as long as the service has nothing to do with them: until it is woken, or
    /// the time is over (ADR 0006).
    private func gather() {
        let time = service.gatheringTime()
        if time > 0, !isStopping { wakeBox.wake?.wait(atMost: time) }
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
        // What was left for the service before the message of another thread is done before it.
        service.takeMessages()
        for message in messages {
            switch message {
            case .accepted(let socket, let door, let refusal): accept(socket, door, refusal)
            case .limits(let book): limits = book
            case .turnedAway(let peer, let words):
                reportFailure(.connectionRefused, "\(peer.address, as: .address): refused, \(words, as: .reason)")
                service.refused(peer, because: words)
            case .drain(let end):
                service.beginDrain()
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
        let now = now
        let sinceLast = now - lastElapsed
        lastElapsed = now
        let stoodStill = sinceLast > Self.standstillNanoseconds
        if stoodStill { service.stoodStill(for: sinceLast) }
        tellTraffic()
        service.elapsed()
        if !stoodStill { giveUpHandshakes(now) }
        while let oldest = lingering.first, now - oldest.since > 2_000_000_000 {
            oldest.connection.cut()
            _ = lingering.popFirst()
        }
        // A resumed publisher that must stop again is paused by its next read.
        if !pausedConnections.isEmpty, !service.isUnderPressure { resumePaused() }
        if isStopping, connections.isEmpty { finish() }
    }

    // MARK: Connections

    private func accept(_ socket: Int32, _ door: Door, _ refusal: ConnectionRefusal?) {
        let peer = PeerIdentity(address: SocketAddress.peer(of: socket), listener: door.listener)
        let isProxy = door.isProxy(peer.host)
        let connection = Connection(
            self, peer, channel: isProxy ? nil : channel(door, peer), awaiting: isProxy ? door : nil)
        connection.refusal = refusal
        guard !isStopping, isProxy || admit(connection, peer),
            let readiness = ReadinessSocket(loop, socket, of: connection)
        else {
            Glibc.close(socket)
            leave(connection)
            return onClose()
        }
        connection.begin(readiness)
        connections[ObjectIdentifier(connection)] = connection
        if connection.channel == nil, !isProxy {
            connection.open(speaker(of: connection, peer))
        } else {
            opening[door.listener.name, default: Ring()].append((connection, now))
        }
    }

    /// A proxy has said whose a connection is.
    /// - Parameter source: whose; nil for the proxy's own.
    /// - Returns: whether it is let in.
    func enter(_ connection: Connection, _ door: Door, _ source: String?) -> Bool {
        let peer = PeerIdentity(address: source ?? connection.peer.address, listener: door.listener)
        connection.enter(peer, channel: channel(door, peer))
        guard admit(connection, peer) else {
            connection.finish()
            return false
        }
        if connection.channel == nil { connection.open(speaker(of: connection, peer)) }
        return true
    }

    /// Asks the gate for a connection.
    /// - Returns: whether it may go on, be it to be told why it is refused.
    private func admit(_ connection: Connection, _ peer: PeerIdentity) -> Bool {
        // One that is one too many for the process is counted by that alone.
        guard let gate, connection.refusal == nil else { return true }
        switch gate.admit(peer, now: now) {
        case .admitted: break
        case .told(let refusal): connection.refusal = refusal
        case .closed(let refusal):
            reportFailure(
                .connectionRefused, "\(peer.address, as: .address): refused, \(refusal.words, as: .reason)")
            service.refused(peer, because: refusal.words)
            return false
        }
        connection.isCounted = true
        return true
    }

    /// The gate counts a connection no longer.
    private func leave(_ connection: Connection) {
        guard connection.isCounted else { return }
        connection.isCounted = false
        gate?.left(connection.peer, wasTold: connection.refusal != nil)
    }

    /// A peer has failed before its bytes had a speaker.
    func failed(_ peer: PeerIdentity, _ reason: String) {
        gate?.failed(peer, now: now)
        service.refused(peer, because: reason)
    }

    private func channel(_ door: Door, _ peer: PeerIdentity) -> Channel? {
        guard door.tls != nil || door.webSocket != nil else { return nil }
        let stream = door.webSocket.map { WebSocketStream(offer: $0, pool: codecs) }
        return Channel(peer: peer, tls: door.tls, webSocket: stream)
    }

    /// Makes a connection's speaker.
    func speaker(of connection: Connection, _ peer: PeerIdentity) -> any Speaker {
        service.connected(connection, peer: peer, refusal: connection.refusal)
    }

    /// Ends connections whose handshakes take too long.
    private func giveUpHandshakes(_ now: Int64) {
        for listener in Array(opening.keys) {
            let seconds = limits.of(listener).connectSecondsMax
            while let oldest = opening[listener]?.first {
                if oldest.connection.isOpening {
                    guard now - oldest.since > Int64(seconds) * 1_000_000_000 else { break }
                    oldest.connection.giveUp(after: seconds)
                }
                _ = opening[listener]?.popFirst()
            }
        }
        let leftOutCount = failureLines.takeLeftOut(at: now)
        if leftOutCount > 0 {
            report(.connectionFailuresLeftOut, "\(leftOutCount, as: .leftOut) more connections failed meanwhile")
        }
    }

    /// Logs why a connection failed below its speaker, unless there are too many such lines: whoever opens
    /// connections by the thousand shall not fill the log.
    func reportFailure(_ event: LogEvent, _ words: LogWords) {
        if failureLines.admits(at: now) { report(event, words) }
    }

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
        leave(connection)
        onClose()
    }

    /// Gives a closing connection two seconds to take its last bytes and to hang up.
    func linger(_ connection: Connection) { lingering.append((connection, now)) }

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

    /// Stops when nothing is in flight that is worth a wait, or when that has taken too long.
    /// - Returns: whether it has stopped.
    private func stopDrained() -> Bool {
        setClocks()
        guard service.isDrained || now >= drainEnd else { return false }
        drainTimer?.close()
        drainTimer = nil
        stop()
        return true
    }

    /// How long peers have, when the loop stops, to take what they have been sent: one that does not read would keep
    /// the process for the two seconds of a connection that ends while it runs.
    private static let lastBytesMilliseconds: UInt64 = 400

    private func stop() {
        isStopping = true
        endServiceTick()
        service.shutDown()
        for connection in Array(connections.values) { connection.isOpening ? connection.finish() : connection.close() }
        endServiceTick()
        drainTimer = RepeatingTimer(loop, milliseconds: Self.lastBytesMilliseconds) { [unowned self] in
            for connection in Array(connections.values) { connection.cut() }
            wakeBox.send()
        }
    }

    private func finish() {
        timer?.close()
        timer = nil
        pacer?.close()
        pacer = nil
        drainTimer?.close()
        drainTimer = nil
        tickEnd?.close()
        tickEnd = nil
        loop.stop()
    }
}
