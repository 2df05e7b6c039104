import HTTPWire
package import LogInterface
import RecordFormat
package import SluiceBroker
package import SluiceCore
package import Speaking

/// The HTTP endpoint: its connections, what their requests wait for, and the tails that are open.
///
/// It lives on an event loop of its own with a shard of its own, so that making JSON takes nothing from the loops that
/// devices are on. What is asked as a client of the broker goes through a `LocalSession` of that shard; history and
/// live records are read from the log directly.
///
/// More than twenty stored properties: each kind of request that waits has a table of its own.
/// Isolation: its loop's thread.
package final class HTTPShard {
    let settings: HTTPSettings
    let log: any LogEngine
    let broker: BrokerShard
    let peers: any ShardPeers
    let loop: LoopID
    let wake: @Sendable () -> Void
    private let report: (LogEvent, LogWords) -> Void
    /// Nanoseconds of a clock that never goes back.
    package var now: Int64 = 0
    /// The wall's clock.
    package var wallClock = Timestamp(rawValue: 0) {
        didSet { if startedAt.rawValue == 0 { startedAt = wallClock } }
    }
    private(set) var streams: StreamTable
    private var generation: UInt64
    private var connections: [ObjectIdentifier: HTTPConnection] = [:]
    private var dirty: [HTTPConnection] = []
    private var sessions: [ObjectIdentifier: LocalSession] = [:]
    private var dirtySessions: [LocalSession] = []
    private var failures = LineLimiter(burst: 10, nanosecondsPerLine: 1_000_000_000)
    private var nextClient: UInt64 = 1
    private var isEnding = false
    private var needsTick = false
    /// Whether no request is begun any more.
    private(set) var isDraining = false
    private let router = Router.all
    /// Reads of history under way.
    var reads = RecordReads()
    /// What waits for the log to settle.
    var appends: [AppendTicket: (Settlement.Outcome) -> Void] = [:]
    /// The tails that are open.
    var tails = TailTable()
    /// Reads the log for all requests.
    var logReader: LogReader
    /// Decompresses what producers have compressed.
    let inflater = BatchInflater()
    /// Where events are written before they are told.
    let tailScratch = TailScratch()
    /// Members of consumer groups.
    var members = HTTPMembers()
    /// Who waits for a state of the past, by numbers.
    var stateWaiters: [UInt64: (PastStateAnswer) -> Void] = [:]
    var lastStateNumber: UInt64 = 0
    /// Who follows the overview.
    var overviewers: [ObjectIdentifier: Exchange] = [:]
    var toldOverviewAt: Int64 = 0
    var rates = TrafficRates()
    /// Rates of the last hour.
    var traffic = TimeSeries<TrafficPoint>()
    /// How far groups and bridges are behind.
    var lag = LagWatch()
    /// When the endpoint was made, which is when the node started.
    private(set) var startedAt = Timestamp(rawValue: 0)
    /// Answers that have room again.
    private var roomy: [Exchange] = []

    /// An endpoint beside `broker`, whose loop `wake` wakes from any thread.
    package init(
        _ settings: HTTPSettings, broker: BrokerShard, log: any LogEngine, peers: any ShardPeers,
        wake: @escaping @Sendable () -> Void, report: @escaping (LogEvent, LogWords) -> Void
    ) {
        self.settings = settings
        self.broker = broker
        self.log = log
        self.peers = peers
        self.wake = wake
        self.report = report
        loop = log.register(wake: wake)
        logReader = LogReader(log, loop)
        generation = log.catalogueGeneration
        streams = StreamTable(log.streams)
    }

    // MARK: Ticks

    /// Ends a tick, behind the shard's: takes what has come from the broker and the log, and sends what is answered.
    package func endTick() {
        isEnding = true
        defer { isEnding = false }
        followStreams()
        pumpSessions()
        serveMembers()
        settleAppends()
        takeReads()
        takeStates()
        while !roomy.isEmpty {
            let exchanges = roomy
            roomy = []
            for exchange in exchanges where !exchange.isOver && exchange.hasRoom { exchange.drained?() }
        }
        advanceTails()
        if advanceReads() { needsTick = true }
        flush()
        if needsTick {
            needsTick = false
            wake()
        }
    }

    /// Twice a second.
    package func elapsed() {
        for connection in Array(connections.values) { connection.elapsed() }
        expireReads()
        pulseTails()
        tellOverviewers()
        watchLag()
        expireMembers()
        flush()
    }

    /// When a request is to be answered though nothing has come; nil while none waits.
    package var nextPace: Int64? { [reads.earliestDeadline, members.earliestDeadline].compactMap(\.self).min() }

    /// At `nextPace`, or some milliseconds later.
    package func pace() {
        expireReads()
        expireMembers()
        flush()
    }

    private func followStreams() {
        let current = log.catalogueGeneration
        guard current != generation else { return }
        generation = current
        streams = StreamTable(log.streams, after: streams)
    }

    /// Lets reads that have something to do go on in this tick, or soon.
    func wakeReads() { wakeAfterTick() }

    /// Lets another tick follow, when what is done now comes too late for the broker's part of this one.
    func wakeAfterTick() { if isEnding { needsTick = true } }

    private func pumpSessions() {
        while !dirtySessions.isEmpty {
            let pumped = dirtySessions
            dirtySessions = []
            for session in pumped { session.pump() }
        }
    }

    private func flush() {
        while !dirty.isEmpty {
            let flushed = dirty
            dirty = []
            for connection in flushed {
                connection.isDirty = false
                connection.flush()
            }
        }
    }

    func markDirty(_ connection: HTTPConnection) {
        guard !connection.isDirty else { return }
        connection.isDirty = true
        dirty.append(connection)
    }

    func markDirty(_ session: LocalSession) {
        dirtySessions.append(session)
        // What the broker says outside its tick is heard in the next.
        if isEnding { needsTick = true }
    }

    func hasRoom(_ exchange: Exchange) {
        roomy.append(exchange)
        if !isEnding { wake() } else { needsTick = true }
    }

    // MARK: Connections

    /// A client has connected.
    package func connected(
        _ link: any ConnectionLink, peer: PeerIdentity, refusal: ConnectionRefusal?
    ) -> any Speaker {
        let connection = HTTPConnection(self, link, peer)
        connections[ObjectIdentifier(connection)] = connection
        if let refusal { connection.turnAway(refusal.words) }
        return connection
    }

    /// How many there are.
    var connectionCount: Int { connections.count }

    func left(_ connection: HTTPConnection) { connections[ObjectIdentifier(connection)] = nil }

    func continueReading(_ connection: HTTPConnection) { connection.readOn() }

    /// The node is about to stop: tails end, what was begun is answered.
    package func beginDrain() {
        isDraining = true
        endTails()
        endOverviewers()
    }

    /// Whether everything that was to be appended has settled.
    package var isDrained: Bool { appends.isEmpty }

    /// The node stops.
    package func shutDown() {
        for connection in Array(connections.values) { connection.close() }
        for session in Array(sessions.values) { session.end() }
    }

    // MARK: Sessions

    func takeClientID() -> String {
        defer { nextClient += 1 }
        return "http-\(nextClient)"
    }

    /// Begins a session for somebody.
    func open(
        _ credentials: HTTPCredentials, peer: PeerIdentity, receiveMaximum: UInt16? = nil,
        done: @escaping (LocalSession, LocalSession.Refusal?) -> Void
    ) -> LocalSession {
        var opened: LocalSession?
        let session = LocalSession(self, credentials, peer: peer, receiveMaximum: receiveMaximum) { refusal in
            guard let opened else { return }
            done(opened, refusal)
        }
        opened = session
        sessions[ObjectIdentifier(session)] = session
        return session
    }

    func closed(_ session: LocalSession) { sessions[ObjectIdentifier(session)] = nil }

    // MARK: Requests

    /// How long the body of a request may be.
    func bodyByteCountMax(of head: RequestHead) -> Int {
        guard case .found(let endpoint, _) = router.find(head.method, head.path), let body = endpoint.body else {
            return Endpoint.Body.plainByteCountMax
        }
        return body.byteCountMax
    }

    /// Does what a request asks for.
    func handle(_ exchange: Exchange, of connection: HTTPConnection) {
        guard !isDraining else { return exchange.fail(.unavailable, "the node is stopping") }
        do throws(HTTPFault) {
            try settings.hosts[connection.peer.listener.name]?.check(exchange.head)
        } catch {
            return exchange.fail(error)
        }
        switch router.find(exchange.head.method, exchange.head.path) {
        case .found(let endpoint, let captures):
            exchange.captures = captures
            if let fault = endpoint.fault(with: exchange.head) { return exchange.fail(fault) }
            guard endpoint.needsSession else { return endpoint.handler(self, exchange) }
            identify(exchange, connection) { [unowned self] in endpoint.handler(self, exchange) }
        case .otherMethods(let methods):
            exchange.fail(
                HTTPFault(.methodNotAllowed, "here are \(methods.joined(separator: ", "))"),
                fields: [("Allow", methods.joined(separator: ", "))])
        case .nothing:
            exchange.fail(.notFound, "there is nothing of this name; GET /v1/openapi.json says what there is")
        }
    }

    /// A request could not be read.
    func refused(_ fault: HTTPFault, on connection: HTTPConnection) {
        reportFailure(.httpRequestRefused, "\(connection.label): refused, \(fault.words, as: .reason)")
        // Nonsense from somebody whom nobody knows is an attempt.
        if connection.session == nil, fault.status == .badRequest { settings.gate?.failed(connection.peer, now: now) }
    }

    // MARK: Reports and memory

    func reportFailure(_ event: LogEvent, _ words: LogWords) {
        let leftOut = failures.takeLeftOut(at: now)
        guard failures.admits(at: now) || leftOut > 0 else { return }
        report(event, leftOut > 0 ? "\(words) (and \(leftOut, as: .leftOut) lines like it before)" : words)
    }

    /// Whether clients hold as much as they may, or the log takes nothing for now.
    package var isUnderPressure: Bool { peers.memoryUse > settings.limits.clientMemoryMax || log.isUnderPressure }

    /// Whether clients hold half of what they may: the other half is for those that publish.
    var isMemoryScarce: Bool { peers.memoryUse > settings.limits.clientMemoryMax / 2 }

    /// Connections hold so many bytes more, or fewer.
    func account(_ byteCount: Int) { peers.addMemory(byteCount) }
}

/// What events are written into: an event, and the identifier in front of it.
///
/// Isolation: its endpoint's.
final class TailScratch {
    var event = ByteBuffer()
    var mark = ByteBuffer()
}
