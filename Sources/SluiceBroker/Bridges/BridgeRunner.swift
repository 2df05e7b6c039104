package import Bridging
package import DeviceProfiles
package import LogInterface
import RecordFormat
package import SluiceCore
package import TopicRouting

/// One bridge at work: a cursor on the log whose messages go upstream, and what comes from there into the log.
///
/// A tick goes: what the upstream sent is taken in, what it acknowledged moves the position, more is read and handed
/// over as far as the window allows, and what must not be forgotten is appended to the log as one: messages that came,
/// and the checkpoint. What the upstream is told leaves when that is durable, where the order matters: acknowledgements
/// of what came, and everything of QoS 2. At QoS 1 only the window waits for checkpoints: a crash repeats at most what
/// was in it.
/// More than twenty stored properties: the position, the window and what was told of them move together, in one tick.
/// Isolation: one thread, the bridge's own. It does no I/O; log and upstream are reached through their seams.
package final class BridgeRunner {
    let settings: BridgeSettings
    let log: any LogEngine
    let peers: any ShardPeers
    let upstream: any UpstreamClient
    let report: (LogEvent, LogWords) -> Void
    let loopID: LoopID
    let map: TopicMap
    /// The node, in the properties that end loops.
    let node: [UInt8]
    let checkpointPartition: PartitionID
    let selection: TopicSelection?
    let notebook: any BridgeNotebook
    /// Which notes are those since the newest checkpoint.
    var epoch: UInt64 = 0
    /// Sources whose position is to be noted.
    var unnoted: [Int] = []
    var connection: BridgeConnection
    var intake: Intake
    /// Properties on their way into the intake.
    var scratch = ByteBuffer()
    var sources: [BridgeSource] = []
    /// What is on its way, by packet identifier.
    var inflight: [UInt16: Outgoing] = [:]
    /// QoS 2 messages on their way, in the order of their identifiers' use.
    var assured: [Assured] = []
    var window = BridgeWindow()
    /// What the upstream did not take and is to be asked about alone, so that what lies behind it is not sent time and
    /// again meanwhile.
    var probe: (source: Int, offset: Offset)?
    /// The window while nothing is refused.
    private var windowLimit = 0
    var events: [UpstreamEvent] = []
    var nextSource = 0
    /// Reads the log.
    var reads: LogReader
    /// Decompresses what Kafka clients have produced.
    let inflater = BatchInflater()
    /// What the topics of records are made by that have none of their own, by their streams' names.
    package var downlinks: [String: DownlinkTemplate] = [:]
    /// Until what has settled nothing may leave.
    var heldUntil: AppendTicket?
    /// The newest checkpoint that is on its way to the device.
    var pendingCheckpoint: AppendTicket?
    var isCheckpointDirty = false
    /// When the newest checkpoint was made.
    var lastCheckpoint = Int64.min / 2
    /// How long an acknowledgement waits for its checkpoint at most, while the window is open, in nanoseconds.
    static let checkpointNanoseconds: Int64 = 20_000_000
    /// Whether something changed that the upstream must not hear of before it is durable.
    var mustHold = false
    var lastPacketID: UInt16 = 0
    var subscriptions: [UInt16: [UInt8]] = [:]
    var refusals: [String] = []
    var failureTold: UpstreamFailure?
    var toldConnected: Bool?
    /// When the upstream last acknowledged something, or was given something after it had acknowledged all.
    var lastAnswer: Int64 = 0
    var isHolding = false
    private var isInterested = false
    var hasWarned = false
    var lastLook: Int64 = 0
    /// Messages of its own that a lazy bridge has seen ahead.
    var lazyCount = 0
    /// Which node the upstream is, when it is one that says so.
    var upstreamNode: [UInt8]?
    /// Finds what goes in circles and carries no mark.
    var loops: LoopWatch
    /// The pause that it has asked for.
    var pause: Pause?
    /// What came during a pause, and when.
    var withheld: [(message: BridgeMessage, at: Int64)] = []
    /// What it has found, until the bridge can be held.
    var loopFound: String?
    /// How fast it hands over.
    var pace: BridgePace
    /// The catch-up that goes on, if it has a pace.
    var catchUp: CatchUp?
    /// Whether the node stops.
    var isDraining = false
    /// Why the bridge is held, when it is for a loop.
    var loop: UpstreamFailure?
    /// What it has counted besides its partitions.
    var totals = BridgeTotals()
    /// Messages that came and are not durable yet.
    var receivedPending: UInt64 = 0
    /// Nanoseconds of a clock that never goes back.
    var now: Int64 = 0
    /// The wall's time.
    var wallClock = Timestamp(rawValue: 0)
    private var random: any RandomNumberGenerator

    /// A publish on its way.
    struct Outgoing {
        var source: Int
        var offset: Offset
        var byteCount: Int
        var topic: [UInt8]
    }

    /// A QoS 2 publish on its way, which may outlive its connection, and the node.
    struct Assured {
        var packetID: UInt16
        var source: Int
        var offset: Offset
        var isReceived: Bool
        /// Nil while it is still to be read from the log.
        var message: BridgeMessage?
        var ticket: UInt64?
    }

    /// A bridge that goes on from its checkpoint, or begins.
    package init(
        settings: BridgeSettings, log: any LogEngine, peers: any ShardPeers, rules: RuleSet,
        profiles: ProfileSet = ProfileSet(), limits: Limits,
        checkpoint: BridgeCheckpoint?, notebook: any BridgeNotebook, upstream: any UpstreamClient,
        random: any RandomNumberGenerator, now: Int64, report: @escaping (LogEvent, LogWords) -> Void
    ) {
        self.settings = settings
        self.log = log
        self.peers = peers
        self.upstream = upstream
        self.notebook = notebook
        self.random = random
        self.report = report
        map = TopicMap(settings.topics)
        loopID = log.register(wake: upstream.wake)
        reads = LogReader(log, loopID)
        guard let stream = log.streams.first(where: { $0.settings.name == BridgeCheckpoint.stream }) else {
            preconditionFailure("Cannot run a bridge without the stream of checkpoints")
        }
        node = Array(stream.id.utf8)
        checkpointPartition = stream.partitions[0]
        selection = TopicSelection(filters: map.localFilters)
        connection = BridgeConnection(settings, isPaused: checkpoint?.isPaused ?? false, now: now)
        intake = Intake(
            StreamTable(log.streams), rules: rules, profiles: profiles, limits: limits, in: BatchMemory())
        // Who brought a message is always on record.
        intake.recordsOrigins = true
        loops = LoopWatch(now: now, echoes: settings.version != .v5 && map.isOut && map.isIn)
        pace = BridgePace(
            messagesPerSecond: settings.messagesPerSecondMax, bytesPerSecond: settings.bytesPerSecondMax, now: now)
        if checkpoint?.isLooped ?? false {
            loop = UpstreamFailure(.loop, "its messages went in circles before the node was started again")
        }
        self.now = now
        restore(checkpoint)
    }

    /// Another epoch of notes: until its checkpoint is durable nothing may leave that they would tell of.
    func beginNotes() {
        epoch = random.next() | 1
        unnoted.removeAll()
        isCheckpointDirty = true
        mustHold = true
    }

    /// A random number for a delay.
    var jitter: UInt64 { random.next() }

    // MARK: Ticks

    /// Does what there is to do.
    /// - Returns: when to come back at the latest, and whether nothing may leave until then.
    package func tick(now: Int64, wallClock: Timestamp) -> (deadline: Int64, isHeld: Bool) {
        assert(now >= self.now, "the clock never goes back")
        self.now = now
        self.wallClock = wallClock
        dropInterest()
        releaseHold()
        takeFetched()
        if heldUntil == nil {
            settleLoops()
            upstream.receive(into: &events)
            takeEvents()
            note()
            missAnswers()
            perform(connection.elapsed(now: now, waiting: waitingCount, jitter: jitter))
            pump()
            // What goes upstream is noted before it leaves.
            note()
            commit()
            if heldUntil == nil, !isWithholding { upstream.flush() }
        }
        assert(window.unacknowledged == inflight.count, "the window counts what is on its way")
        if now - lastLook >= Self.lookNanoseconds { look() }
        return (nextDeadline(), heldUntil != nil || isWithholding)
    }

    /// How often lag, holds and warnings are looked at, in nanoseconds.
    static let lookNanoseconds: Int64 = 500_000_000

    private func nextDeadline() -> Int64 {
        var deadline = lastLook + Self.lookNanoseconds
        if let due = connection.deadline { deadline = min(deadline, due) }
        if loopFound != nil, heldUntil == nil { deadline = now }
        if let due = pauseDeadline, heldUntil == nil { deadline = min(deadline, due) }
        if isPumpReady, heldUntil == nil { deadline = min(deadline, paceDue ?? now) }
        if let due = paceDue, connection.isConnected, heldUntil == nil, !isAtEnd { deadline = min(deadline, due) }
        if isCheckpointDirty, pendingCheckpoint == nil {
            deadline = min(deadline, lastCheckpoint + Self.checkpointNanoseconds)
        }
        setInterest()
        return deadline
    }

    /// Asks to be woken by appends only while there is nothing left to read: a bridge that is not connected costs the
    /// publishers nothing.
    private func setInterest() {
        guard map.isOut, connection.isConnected || connection.isIdle, heldUntil == nil, isAtEnd else { return }
        isInterested = true
        log.setInterest(loopID, appended: false, durable: true)
        // Something may have come between the last look and the interest.
        if !isAtEnd { upstream.wake() }
    }

    /// A reader with an interest sees no more than the scan that it never makes.
    private func dropInterest() {
        guard isInterested else { return }
        isInterested = false
        log.setInterest(loopID, appended: false, durable: false)
    }

    private func releaseHold() {
        settle()
        if heldUntil != nil, let trouble = log.trouble, !trouble.isPassing {
            abandon("the log takes nothing any more")
        }
    }

    /// Takes what the log says of appends.
    func settle() {
        var settlements: [Settlement] = []
        log.takeSettlements(of: loopID, into: &settlements)
        for settlement in settlements { settle(settlement) }
    }

    private func settle(_ settlement: Settlement) {
        intake.settle(settlement, peers)
        var isRefused = false
        if case .refused = settlement.outcome { isRefused = true }
        if pendingCheckpoint == settlement.ticket {
            pendingCheckpoint = nil
            if isRefused { isCheckpointDirty = true } else { window.persisted() }
        }
        assert(heldUntil.map { settlement.ticket <= $0 } ?? true, "what is waited for is not passed over")
        guard heldUntil == settlement.ticket else { return }
        heldUntil = nil
        if isRefused {
            if connection.isConnected { abandon("the log refuses what came: \(trouble)") }
            return
        }
        totals.received += receivedPending
        receivedPending = 0
        if !isWithholding { upstream.flush() }
    }

    func perform(_ action: BridgeConnection.Action) {
        switch action {
        case .none: return
        case .disconnect: hangUp()
        case .connect(let index):
            guard assured.allSatisfy({ $0.message != nil }) else {
                // The messages that an earlier process left halfway are read from the log first.
                return connection.postponed(now: now)
            }
            rewind()
            assert(inflight.count == assured.count, "only what goes on at QoS 2 is on its way before the connection")
            var attempt = UpstreamAttempt(address: settings.addresses[index])
            attempt.node = node
            for message in assured {
                if message.isReceived {
                    attempt.unreleased.append(message.packetID)
                } else if let content = message.message {
                    attempt.unreceived.append((message.packetID, content))
                }
            }
            if !assured.isEmpty { attempt.lastPacketID = lastPacketID }
            upstream.connect(attempt)
        }
    }

    /// Ends the connection from this side.
    private func hangUp() {
        // An acknowledgement that has not left is of a message that is not stored.
        if receivedPending > 0 || isWithholding { upstream.drop() } else { upstream.disconnect() }
        receivedPending = 0
        events.removeAll()
        forgetConnection()
    }

    /// What came and cannot be stored is not acknowledged; the upstream sends it again.
    func abandon(_ reason: String) {
        heldUntil = nil
        hangUp()
        connection.lost(UpstreamFailure(.local, reason), now: now, jitter: jitter)
        tellFailure()
    }

    private func takeEvents() {
        guard !events.isEmpty else { return }
        var taken: [UpstreamEvent] = []
        swap(&taken, &events)
        for event in taken {
            switch event {
            case .connected(let isPresent, let inflightMax, let node):
                upstreamNode = node
                connected(isPresent, inflightMax)
            case .lost(let failure): lost(failure)
            case .finished(let packetID, let reason): finished(packetID, reason)
            case .received(let packetID): received(packetID)
            case .subscribed(let packetID, let codes): subscribed(packetID, codes)
            case .message(let message): received(message)
            case .warning(let text):
                report(.bridgeWarned, "bridge \(settings.name, as: .bridge): \(text, as: .reason)")
            }
        }
        taken.removeAll(keepingCapacity: true)
        if events.isEmpty { swap(&taken, &events) }
    }

    private func connected(_ isSessionPresent: Bool, _ inflightMax: Int?) {
        connection.connected(now: now)
        forgetLoops()
        failureTold = nil
        windowLimit = min(settings.inflightMax, inflightMax ?? settings.inflightMax)
        window.limit = probe == nil ? windowLimit : 1
        if let probe { nextSource = probe.source }
        refusals = []
        let address = connection.address.map { settings.addresses[$0].description } ?? ""
        report(.bridgeConnected, "bridge \(settings.name, as: .bridge): connected to \(address, as: .address)")
        beginCatchUp()
        sendAssuredAgain(isSessionPresent)
        tellState(isConnected: true)
        for subscription in map.subscriptions {
            guard let packetID = upstream.subscribe(subscription, noLocal: settings.triesPrivate) else { return }
            subscriptions[packetID] = subscription.filter
        }
    }

    /// The upstream has a message: what lies behind it may go, if it was the one that it is asked about.
    func answered(_ source: Int, _ offset: Offset) {
        guard let probe, probe.source == source, probe.offset <= offset else { return }
        self.probe = nil
        window.limit = windowLimit
    }

    /// The upstream does not take what it is given: the bridge leaves, and comes back after a while with everything
    /// that was not acknowledged, in order.
    func backOff(_ failure: UpstreamFailure) {
        guard connection.isConnected else { return }
        hangUp()
        connection.lost(failure, now: now, jitter: jitter)
        tellFailure()
    }

    /// An upstream that answers pings and acknowledges nothing has lost what is on its way, or has no room for it and
    /// cannot say so: before MQTT 5 there is no such answer.
    private func missAnswers() {
        guard window.unacknowledged > 0, now - lastAnswer > 2 * Int64(settings.keepAliveSeconds) * 1_000_000_000 else {
            return
        }
        let seconds = 2 * settings.keepAliveSeconds
        backOff(UpstreamFailure(.timeout, "the upstream has acknowledged nothing for \(seconds) s"))
    }

    private func lost(_ failure: UpstreamFailure) {
        connection.lost(failure, now: now, jitter: jitter)
        forgetConnection()
        tellFailure()
    }

    /// Says why there is no connection, once while it stays the same.
    private func tellFailure() {
        guard let failure = connection.failure, failure != failureTold else { return }
        failureTold = failure
        report(.bridgeLost, "bridge \(settings.name, as: .bridge): \(failure, as: .reason)")
    }

    // MARK: Commands

    /// Does what somebody asks.
    package func perform(_ command: BridgeCommand, now: Int64) {
        self.now = now
        switch command {
        case .pause:
            perform(connection.pause())
            isCheckpointDirty = true
        case .resume:
            loop = nil
            connection.resume(now: now)
            isCheckpointDirty = true
        case .seek(let seek): self.seek(seek)
        case .route(let routing):
            let streams = StreamTable(log.streams)
            intake.follow(streams, in: BatchMemory())
            intake.route(by: routing.rules, profiles: routing.profiles, streams)
        }
        commit()
    }

    /// Hands over nothing more: the node stops, and what is on its way is given time to be acknowledged.
    package func drain() { isDraining = true }

    /// Whether nothing is on its way, or could be acknowledged.
    package var isDrained: Bool {
        !connection.isConnected || window.unacknowledged == 0 && heldUntil == nil && receivedPending == 0
    }

    /// Ends, as the node stops: what is acknowledged is on record.
    package func shutDown() {
        heldUntil = nil
        isCheckpointDirty = true
        pendingCheckpoint = nil
        lastCheckpoint = .min / 2
        tellState(isConnected: false)
        commit()
        if isWithholding {
            upstream.drop()
        } else {
            upstream.flush()
            upstream.disconnect()
        }
        dropInterest()
    }
}
