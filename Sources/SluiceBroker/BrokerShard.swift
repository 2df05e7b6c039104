import Bridging
import GroupCoordination
package import LogInterface
import MQTTSession
import MQTTWire
import RecordFormat
package import SluiceCore
package import Speaking
import TopicRouting

/// One event loop's part of the broker: its clients, their subscriptions, and their way into and out of the log.
///
/// A tick goes: bytes are `received`, publishes become records of the tick's batches, `endTick` appends the batches,
/// delivers what is new in the log, releases the acknowledgements that the log has caught up with, and flushes every
/// client with output.
/// More than twenty stored properties: a tick goes through all concerns of a loop, and one thread owns what they keep
/// between ticks; what can stand alone (routes, batches, acknowledgements, the scan, groups) is a type.
/// Isolation: one thread. It does no I/O and takes no lock; the log and the peers are reached through their seams.
package final class BrokerShard {
    var settings: ShardSettings
    let log: any LogEngine
    let peers: any ShardPeers
    private let say: (LogEvent, LogWords) -> Void
    /// Lines about clients, who may connect and be refused without end.
    private var clientLines = LineLimiter(burst: 50, nanosecondsPerLine: 200_000_000)
    /// Makes another tick come soon.
    let wake: @Sendable () -> Void
    let loop: LoopID
    /// What clients of each listener may grow, and are offered.
    var boundsTable: BoundsTable
    /// Clients with limits of their own that have something to wait for.
    var bound = BoundClients()
    var intake: Intake
    var acks = AckQueue()
    var wills = WillQueue()
    let batchMemory = BatchMemory()
    var sessions: SessionBook
    /// What the log has said of appends, as it is worked through.
    var settlements: [Settlement] = []
    /// How far the durable scan has come.
    var scanned = ScannedOffsets()
    /// The ends of all partitions as of the SUBSCRIBE that is being worked on, when it needs them.
    var newsStart: Positions?
    /// Whether that SUBSCRIBE has seen to it that what came before it went to those who were there.
    var hasToldNews = false
    /// The share groups that live here.
    var shareGroups = ShareGroupTable()
    /// The consumer groups that are coordinated here.
    var coordinators = CoordinatorTable()
    /// The clients of this shard that are members of consumer groups.
    var members = MemberSet()
    /// What the broker says of itself.
    var systemTopics = SystemTopics()
    /// What the node's messages are known by in other nodes; nil without bridges' stream.
    private(set) lazy var nodeID = log.streams.first { $0.settings.name == BridgeCheckpoint.stream }.map {
        Array($0.id.utf8)
    }
    private var elapsedCount = 0
    private var tickCount: UInt64 = 0
    var clients = ClientTable()
    /// Who wants what.
    var subscriptions = SubscriptionTable()
    /// Who has something to do, or waits.
    var readers: ReaderSet
    /// Requests that wait for somebody else's answer.
    var requests = OpenRequests()
    /// What a scan of the tail handed over, as it is worked through.
    var tailEntries: [TailEntry] = []
    /// What clients hold together.
    var memory: MemoryAccount
    /// Whether the node is about to stop: see `beginDrain`.
    var isDraining = false
    /// Clients of whom somebody else is to say who they are, the oldest first, among others that are known since.
    var awaitedAnswers = Ring<AwaitedAnswer>()
    /// When the credentials of clients end that have an end.
    var grantEnds = GrantEnds()
    var scratch = ByteBuffer()
    /// Decompresses what Kafka clients have produced.
    let inflater = BatchInflater()
    let retainedPartition: PartitionID?
    let presencePartition: PartitionID?
    /// The log's streams, as of `generation`.
    private(set) var streams: StreamTable
    private var generation: UInt64
    /// What happened so far.
    package var counters = BrokerCounters()
    /// Nanoseconds of a clock that never goes back; the transport sets it once a tick.
    package var now: Int64 = 0
    /// As `now`, read at this moment: `now` is good to some milliseconds, which is too coarse for what takes less.
    var exactTime: Int64 { settings.exactClock?() ?? now }
    /// Live deliveries of this tick, which its end hands to their sockets.
    var freshDeliveries = FreshDeliveries()
    /// The wall's time; the transport sets it once a tick.
    package var wallClock = Timestamp(rawValue: 0)

    /// A shard on a recovered log. The log holds the streams of all rules.
    package init(
        settings: ShardSettings, log: any LogEngine, peers: any ShardPeers, wake: @escaping @Sendable () -> Void,
        report: @escaping (LogEvent, LogWords) -> Void
    ) {
        self.settings = settings
        self.log = log
        self.peers = peers
        say = report
        memory = MemoryAccount(settings.limits)
        self.wake = wake
        loop = log.register(wake: wake)
        readers = ReaderSet(log, loop)
        boundsTable = BoundsTable(LimitBook(settings.limits, listeners: settings.listenerLimits))
        generation = log.catalogueGeneration
        streams = StreamTable(log.streams)
        intake = Intake(
            streams, rules: settings.rules, profiles: settings.profiles, limits: settings.limits, in: batchMemory)
        sessions = SessionBook(streams, in: batchMemory)
        retainedPartition = streams.stream(named: RetainedReplay.stream)?.partitions.first
        presencePartition = streams.stream(named: Presence.stream)?.partitions.first
        boundsTable.isRetainAvailable = retainedPartition != nil
    }

    /// Whether acknowledgements wait for the log.
    package var waitsForCommit: Bool { acks.oldest != nil || sessions.oldest != nil }

    /// Whether anything waits for the log.
    var waitsForSettlement: Bool { waitsForCommit || intake.waitsForSettlement || !wills.isEmpty }

    /// Whether the log is so far behind that publishers must wait.
    package var isUnderPressure: Bool { log.isUnderPressure }

    /// Says what an operator should know. What clients can repeat as they like is at level info, and bounded.
    func report(_ event: LogEvent, _ words: LogWords) {
        switch event.severity {
        case .info: if clientLines.admits(at: now) { say(event, words) }
        case .warning, .error: say(event, words)
        }
    }

    /// Bytes of output above which a client's own bytes are left unread.
    var outputBytesMax: Int { settings.limits.outputBytesMax }

    // MARK: Connections

    /// Takes in a new connection.
    /// - Parameter refusal: why its CONNECT is to be refused; nil when it is not.
    package func connected(
        _ link: any ConnectionLink, peer: PeerIdentity, refusal: ConnectionRefusal? = nil
    ) -> Client {
        let client = Client(number: clients.takeNumber(), of: self, peer: peer, link: link)
        client.refusal = refusal
        clients.add(client)
        counters.connectionsAccepted += 1
        return client
    }

    /// Takes bytes that a client sent.
    /// - Returns: how many of them are done with; the rest belongs to a packet that is not whole, or must be given
    /// again later.
    package func received(_ client: Client, _ bytes: Span<UInt8>) -> Int {
        assert(client.shard === self, "a client is its own shard's")
        var offset = 0
        // One test for all that come together: who has a rate goes the longer way.
        let takesPlain = !isDraining && client.pace == nil && !client.isTraced
        while !client.isClosing {
            do throws(MQTTDecodeError) {
                if takesPlain, let publish = client.decoder.plainPublish(bytes, from: offset),
                    client.session.takesPlain(qos: publish.qos, now: now)
                {
                    try self.publish(plain: publish, client, bytes)
                    counters.packetsReceived += 1
                    offset = publish.end
                    continue
                }
                switch try client.decoder.decode(bytes, from: offset) {
                case .needsMore(let byteCount):
                    client.wantedByteCount = byteCount
                    return offset
                case .packet(let packet, let end):
                    assert(end > offset && end <= bytes.count, "a packet lies in what has come")
                    if !takesPlain, case .publish(let publish) = packet,
                        mustPostpone(publish, client, byteCount: end - offset)
                    {
                        client.isPostponed = true
                        return offset
                    }
                    counters.packetsReceived += 1
                    client.wantedByteCount = 2
                    let action = client.session.received(packet, in: bytes, now: now)
                    if case .postpone = action {
                        client.isPostponed = true
                        return offset
                    }
                    if client.isTraced { trace(packet, bytes, from: client) }
                    try perform(action, client, bytes)
                    offset = end
                }
            } catch {
                refuse(client, error)
            }
        }
        return bytes.count
    }

    /// Lets a client's packets be taken that had to wait.
    func continueReading(_ client: Client) {
        client.isPostponed = false
        client.link?.resume()
    }

    /// The connection is gone, or was closed.
    package func disconnected(_ client: Client) {
        client.isClosing = true
        guard clients.remove(client) else { return }
        endTrace(of: client)
        auditDisconnected(client)
        release(client)
        leave(countOf: client)
        leave(client)
        settleWill(client)
        leaveShares(client)
        leaveAllGroups(client)
        for subscription in client.subscriptions { drop(subscription) }
        client.subscriptions = []
        client.redelivery = nil
        assert(client.sideReaders.allSatisfy(\.isClosed), "what read for a subscription goes with it")
        // Readers hold their client: it goes when they do.
        client.liveReader = nil
        client.shareReader = nil
        client.sideReaders = []
        assert(client.heldByteCount == 0, "nothing is counted for a client that is gone")
        assert(client.shares.isEmpty && client.sharedInFlight.isEmpty && client.groupInFlight.isEmpty)
        guard client.hasClaim else { return }
        // The former holder of the identifier still has its session: whoever comes next waits for that as well.
        guard !client.awaitsIdentifier else { return clients.keep(lostWaiter: client) }
        giveUpIdentifier(client)
    }

    /// Looks for clients that were silent for too long, and for what is due. Called twice a second.
    package func elapsed() {
        expireSessions()
        expireAnswers()
        endGrants()
        let leftOutCount = clientLines.takeLeftOut(at: now)
        if leftOutCount > 0 {
            say(.clientLinesLeftOut, "\(leftOutCount, as: .leftOut) more lines about clients were left out")
        }
        readers.retryStalled()
        retryLookups()
        relieveMemory()
        reportShed()
        inflater.forget()
        elapsedCount += 1
        if elapsedCount.isMultiple(of: 2) {
            recordProgress()
            recordShareGroups()
            elapsedMemberships()
            expireGroups()
            expireRetained()
            batchMemory.releaseIdle()
        }
        tellSystemTopics()
        for client in Array(clients.all) where client.session.deadline <= now {
            if case .close(let fault) = client.session.elapsed(now: now) {
                reportClosed(client, fault.description + limitNote(fault, client))
                terminate(client, fault.reasonCode, fault.description)
            }
        }
    }

    /// Does what came from another shard.
    package func received(_ message: ShardMessage) {
        switch message {
        case .takeOver(let number, let owner):
            let known = clients[number] ?? clients.lostWaiter(number) ?? clients.unsettled(number)
            guard let client = known else { return letIn(owner) }
            takeOver(client, by: owner)
        case .released(let number): identifierReleased(number)
        case .shareJoined(let key, let member): shareJoined(key, member)
        case .shareLeft(let key, let owner, let isUnsubscribed): shareLeft(key, owner, isUnsubscribed: isUnsubscribed)
        case .shareHanded(let handout): shareHanded(handout)
        case .shareFinished(let key, let token, let owner): shareFinished(key, token, by: owner)
        case .shareRefused(let key, let token, let owner): shareRefused(key, token, by: owner)
        case .shareAccess(let key, let owner, let rights): shareAccess(key, owner, rights)
        case .shareReady(let key, let owner): shareReady(key, owner)
        case .groupJoined(let join): groupJoined(join)
        case .groupLeft(let name, let member, let memberships, let handovers):
            groupLeft(name, member, memberships, handovers)
        case .groupReleased(let name, let member, let handover): groupReleased(name, member, handover)
        case .groupAssigned(let assignment): groupAssigned(assignment)
        case .groupRevoked(let id, let partition): groupRevoked(id, partition)
        case .groupReset(let name, let offsets): resetGroup(name, to: offsets)
        case .groupForgotten(let name): groupForgotten(name)
        case .system(let topics): update(topics)
        case .presence(let topic): told(topic)
        case .bridgeState(let topic): told(bridge: topic)
        case .endSession(let clientID): endSession(clientID)
        case .authenticated(let number, let answer): answered(number, answer)
        case .accessChanged: accessChanged()
        case .limitsChanged(let book): follow(book)
        case .routing(let routing): route(by: routing)
        case .tellCounts: tellCounts()
        case .deviceErased(let job, let ends): deviceErased(job, ends)
        case .deviceRead(let number, let values): deviceRead(number, values)
        case .trace(let news): received(news)
        }
    }

    /// Closes the tick: see the type's description.
    package func endTick() {
        followStreams()
        takeAdministered()
        takeErasures()
        measureMemory()
        submit()
        setScanned()
        let isBehind = deliver()
        moveReaders()
        endCourses()
        commitMemberships()
        // Deliveries may have changed sessions, and what is released may deliver.
        submitState()
        settle()
        flushClients()
        endOverweight()
        tickCount &+= 1
        // A look at the whole takes longer than most ticks.
        assert(!tickCount.isMultiple(of: 16) || holdsInvariants())
        // What was left for another tick needs one, whether or not a socket has news.
        if isBehind || readers.hasQueued || !sessions.isEmpty || !intake.isEmpty || clients.hasLeft {
            wake()
        }
    }

    /// Goes on with the log's streams as they are now, if they have changed.
    func followStreams(isChanged: Bool = false) {
        let current = log.catalogueGeneration
        guard isChanged || current != generation else { return }
        assert(current >= generation, "a running engine counts its changes upwards")
        generation = current
        let former = streams.partitionCount
        streams = StreamTable(log.streams, after: streams)
        assert(streams.partitionCount >= former, "a partition's number is never given again")
        intake.follow(streams, in: batchMemory)
        sessions.follow(streams)
        scanned.grow(to: streams.partitionCount)
        newsStart = nil
        endCoursesOfGone()
    }

    /// A batch without a list of its topics is looked through by everybody; so are those under construction when scans
    /// begin.
    private func setScanned() { intake.isScanned = log.isScanned }

    // MARK: Ends of connections

    /// Ends a connection from our side.
    /// - Parameter cause: what the client is told beside the reason.
    func terminate(_ client: Client, _ reason: ReasonCode, _ cause: String) {
        guard !client.isClosing else { return }
        assert(clients[client.number] === client, "who is not closing is there")
        client.endCause = cause
        counters.endedConnections.add(reason)
        client.session.terminated(reason, because: cause, into: &client.output)
        close(client)
    }

    /// Closes a connection after its output.
    func close(_ client: Client) {
        if client.isTraced { traceOutput(client) }
        client.isClosing = true
        client.link?.close()
        disconnected(client)
    }

    private func refuse(_ client: Client, _ error: MQTTDecodeError) {
        reportClosed(client, error.description + limitNote(error, client))
        // Before it is known who it is, nonsense is an attempt.
        if !client.isOpened { settings.gate?.failed(client.peer, now: now) }
        client.endCause = error.description
        counters.endedConnections.add(error.reasonCode)
        client.session.malformed(
            error, version: client.decoder.version, packetSizeMax: client.decoder.packetSizeMax, into: &client.output)
        close(client)
    }

    /// Puts a client on the list of those with output.
    @inline(__always)
    func markDirty(_ client: Client) {
        clients.markDirty(client)
        if client.isTraced { traceOutput(client) }
    }

    func flushClients() {
        // Whoever takes more may get more at once; that is for the next tick.
        var flushed: [Client] = []
        clients.takeDirty(into: &flushed)
        for client in flushed {
            client.link?.flush()
            // A socket that took everything never says that it can be written again.
            account(client)
            if client.hasBlockedReader, client.output.count < memory.outputBytesAllowed / 2 { drained(client) }
        }
        if !freshDeliveries.isEmpty { freshDeliveries.end(at: exactTime, into: &counters.deliveryTime) }
        guard !clients.hasDirty else { return wake() }
        flushed.removeAll(keepingCapacity: true)
        clients.takeDirty(into: &flushed)
    }

    /// A client's socket took what it had not taken before: its readers may go on.
    package func drained(_ client: Client) {
        assert(client.shard === self, "a client is its own shard's")
        client.hasBlockedReader = false
        redeliver(client)
        wakeReaders(of: client)
        unblockShares(client)
    }

    // MARK: Actions

    /// Does what the session says.
    private func perform(
        _ action: SessionAction, _ client: Client, _ bytes: Span<UInt8>
    ) throws(MQTTDecodeError) {
        switch action {
        case .none, .postpone: return
        case .open(let request): if authenticate(client, request) { connect(client, request) }
        case .authenticate(let packet): authenticate(client, packet, bytes)
        case .refuse(let reason):
            refuse(client, reason, "an empty client identifier needs a clean session, and MQTT 3.1.1 or later")
        case .publish(let publish): try self.publish(publish, client, bytes)
        case .repeated(let id):
            counters.duplicatesSuppressed += 1
            acknowledgeRepeated(client, id)
        case .release(let id): release(client, id)
        case .releaseRepeated(let id): answer(client, .pubcomp, id, .success)
        case .releaseUnknown(let id):
            refuse(client, .pubcomp, id, .packetIdentifierNotFound, "no message from the client waits for this PUBREL")
        case .delivered(let token): finish(client, nil, token)
        case .completed(let id, let token): finish(client, id, token)
        case .rejected(let id, let token, reason: _): finish(client, id, token)
        case .sendPubrel(let id, let token): sendPubrel(client, id, token)
        case .sendPubrelUnknown(let id):
            refuse(client, .pubrel, id, .packetIdentifierNotFound, "no message to the client waits for this PUBREC")
        case .subscribe(let packet): subscribe(client, packet, bytes)
        case .unsubscribe(let packet): unsubscribe(client, packet, bytes)
        case .ping:
            PacketEncoder.pingResponse(into: &client.output)
            markAnswered(client)
        case .disconnect(let goodbye):
            client.expirySeconds = client.bounds.offer.sessionExpirySeconds(asked: goodbye.sessionExpirySeconds)
            client.goodbye = Goodbye(publishesWill: goodbye.publishesWill)
            client.endCause = "the client said goodbye"
            close(client)
        case .close(let fault):
            reportClosed(client, fault.description + limitNote(fault, client))
            terminate(client, fault.reasonCode, fault.description)
        }
    }

    /// A delivery is over: what waited for it goes on.
    /// - Parameter id: its identifier when it may be one of QoS 2.
    private func finish(_ client: Client, _ id: PacketID?, _ token: UInt64) {
        if client.isPersistent {
            client.isProgressDirty = true
            if let id, client.recordedIDs.contains(id.rawValue) {
                recordStep(client, id, token, nil, awaited: false)
            }
        }
        switch DeliveryToken(rawValue: token).kind {
        case .own, .none: break
        case .share: finishShared(client, token)
        case .group: finishMember(client, DeliveryToken(rawValue: token))
        }
        if let redelivery = client.redelivery {
            redelivery.finished(client.session.storedFlows.inflight)
            redeliver(client)
        }
        wakeReaders(of: client)
        if !client.shares.isEmpty { unblockShares(client) }
    }

    /// The client has a QoS 2 message. From here on it must not be sent again, and a session that stays has that on
    /// record before the client may forget the identifier.
    func sendPubrel(_ client: Client, _ id: PacketID, _ token: UInt64) {
        assert(id != .none && !client.isClosing)
        guard client.isPersistent else { return answer(client, .pubrel, id, .success) }
        recordStep(client, id, token, .awaitingPubcomp, awaited: true)
        counters.answersSent += 1
        sessions.output(client) { [version = client.version] buffer in
            PacketEncoder.acknowledgement(
                into: &buffer, kind: .pubrel, packetID: id, reason: .success, version: version)
        }
    }
}
