import GroupCoordination
import KafkaWire
package import LogInterface
package import SluiceCore
package import Speaking

/// The Kafka endpoint of one event loop: its connections, and what their requests wait for.
///
/// A tick takes what the log and other loops have answered, then what sockets bring, and ends with the output.
///
/// More than twenty stored properties: each kind of request that waits has a table of its own.
/// Isolation: its loop's thread.
package final class KafkaShard {
    var settings: KafkaSettings
    let log: any LogEngine
    let loop: LoopID
    let peers: any KafkaPeers
    let report: (LogEvent, LogWords) -> Void
    /// Nanoseconds of a clock that never goes back.
    package var now: Int64 = 0
    /// The wall's clock.
    package var wallClock = Timestamp(rawValue: 0)
    private(set) var topics: TopicTable
    /// The number of the catalogue's state that `topics` has.
    private(set) var topicGeneration: UInt64
    private var connections: [ObjectIdentifier: KafkaConnection] = [:]
    private var dirty: [KafkaConnection] = []
    private var failures = LineLimiter(burst: 10, nanosecondsPerLine: 1_000_000_000)
    var writer = KafkaWriter()
    /// Whether no request is begun any more.
    private(set) var isDraining = false
    /// Looks at records for who else wants to; nil for nobody.
    package var examiner: (any ProduceExaminer)?
    /// Looks at what producers send.
    var validator = BatchValidator()
    /// What waits for the log to settle.
    var appends = AppendsUnderWay()
    /// What waits for records.
    var waiting = WaitingFetches()
    /// What waits for the log to read or look up, and for changes of streams.
    var reads = ReadsUnderWay()
    /// Where consumers are about to read on.
    var readHints = ReadHints()
    /// What waits for a group's coordinator.
    var groupCalls = GroupCalls()
    /// What members' patterns match.
    var patterns = TopicPatterns()
    /// Requests that wait for a password to be judged.
    var saslCalls = SaslCalls()
    /// The numbers that producers are given next, and who waits for some.
    var producers = ProducerDesk()

    /// An endpoint whose loop `wake` wakes, from any thread.
    package init(
        _ settings: KafkaSettings, log: any LogEngine, peers: any KafkaPeers, wake: @escaping @Sendable () -> Void,
        report: @escaping (LogEvent, LogWords) -> Void
    ) {
        self.settings = settings
        self.log = log
        self.peers = peers
        self.report = report
        loop = log.register(wake: wake)
        topicGeneration = log.catalogueGeneration
        topics = TopicTable(log.streams)
    }

    // MARK: Ticks

    /// Another loop's endpoint says something.
    package func received(_ mail: KafkaMail) {
        switch mail {
        case .accessChanged: accessChanged()
        case .limitsChanged(let book):
            settings.limits = book.general
            settings.listenerLimits = book.listeners
        case .authenticated(let number, let answer): answered(number, answer)
        case .decided(let partitions): decided(partitions)
        case .sharesGrew(let keys): sharesGrew(keys)
        case .answered(let answers): for (waiter, answer) in answers { answerGroupCall(waiter, answer) }
        }
    }

    /// Ends a tick: takes what has come from the log, and sends what is answered.
    package func endTick() {
        followTopics()
        settleAppends()
        takeReads()
        wakeFetches()
        flush()
    }

    private func flush() {
        // Whoever is flushed may take up reading and be answered at once.
        while !dirty.isEmpty {
            let flushed = dirty
            dirty.removeAll(keepingCapacity: true)
            for connection in flushed {
                connection.isDirty = false
                connection.flush()
                connection.goOn()
            }
        }
    }

    /// Twice a second.
    package func elapsed() {
        patterns.refill()
        expireFetches()
        // One endpoint keeps the time of all groups.
        if settings.index == 0 {
            elapsedGroups()
            elapsedTransactions()
            elapsedShares()
        }
        if settings.access != nil { endGrants() }
        for connection in connections.values {
            connection.endIfIdle()
            connection.goOn()
        }
        flush()
    }

    /// When a fetch is to be answered though nothing has come; nil while none waits.
    package var nextPace: Int64? { waiting.earliestDeadline }

    /// At `nextPace`, or some milliseconds later.
    package func pace() {
        expireFetches()
        flush()
    }

    /// Whether some request waits for a commit, so that the loop may let bytes gather until it comes.
    package var waitsForCommit: Bool { !appends.isEmpty }

    /// Requests for appends so far.
    package var produceCount: UInt64 { appends.count }

    /// Takes the log's streams as they are now.
    func followTopics() {
        let current = log.catalogueGeneration
        guard current != topicGeneration else { return }
        let (former, formerGeneration) = (topics, topicGeneration)
        topicGeneration = current
        topics = TopicTable(log.streams)
        let known = topics
        let added = Set(known.topics.lazy.filter { former[$0.name] == nil }.map(\.name))
        patterns.follow(known, added: added)
        if settings.index == 0 {
            let matched = rematched(added: added, since: formerGeneration)
            peers.withOffsets { table in
                table.consumers.follow(matched, now: now) { known[$0]?.partitions.count }
                table.shares.follow { known[$0]?.partitions.count }
            }
            forgetShares(ofOtherTopicsThan: known)
        }
        // Whoever waits for a topic that is gone hears of it.
        for fetch in waiting.fetches.all { look(fetch) }
        for fetch in waiting.shares.all { look(fetch) }
    }

    // MARK: Connections

    /// All that are there, in no order.
    var allConnections: [KafkaConnection] { Array(connections.values) }

    /// A client has connected.
    package func connected(
        _ link: any ConnectionLink, peer: PeerIdentity, refusal: ConnectionRefusal?
    ) -> any Speaker {
        let connection = KafkaConnection(self, link, peer)
        connections[ObjectIdentifier(connection)] = connection
        guard let refusal else {
            identify(connection)
            return connection
        }
        // Kafka's protocol has no word for it: its clients try again later.
        auditRefused(connection, refusal.words)
        connection.fail(refusal.words)
        return connection
    }

    func disconnected(_ connection: KafkaConnection) {
        connections[ObjectIdentifier(connection)] = nil
        auditDisconnected(connection)
        for fetch in connection.fetches { forget(fetch) }
        endShares(of: connection)
        abandonGroupCalls(of: connection)
    }

    /// The node is about to stop: no request is begun any more, those under way are answered.
    package func beginDrain() { isDraining = true }

    /// Whether everything that was to be appended has settled.
    package var isDrained: Bool { appends.isEmpty }

    /// The node stops.
    package func shutDown() {
        for connection in connections.values { connection.close() }
    }

    func markDirty(_ connection: KafkaConnection) {
        guard !connection.isDirty else { return }
        connection.isDirty = true
        dirty.append(connection)
    }

    func reportFailure(_ event: LogEvent, _ words: LogWords) {
        let leftOut = failures.takeLeftOut(at: now)
        guard failures.admits(at: now) || leftOut > 0 else { return }
        report(event, leftOut > 0 ? "\(words) (and \(leftOut, as: .leftOut) lines like it before)" : words)
    }

    /// Where clients of a connection's listener are told to connect.
    func address(for connection: KafkaConnection) -> KafkaAddress {
        settings.advertised[connection.peer.listener.name] ?? KafkaAddress(host: "127.0.0.1", port: 9092)
    }

    // MARK: Memory

    /// Whether clients hold as much as they may: requests that hold memory wait until others have let go of it.
    package var isUnderPressure: Bool { peers.memoryUse > settings.limits.clientMemoryMax || log.isUnderPressure }

    /// Connections hold so many bytes more, or fewer.
    func account(_ byteCount: Int) {
        if byteCount != 0 { peers.addMemory(byteCount) }
    }

    /// Ends the connection with the largest half-received request while all clients hold more than they may.
    func boundHalfRequests() {
        guard peers.memoryUse > settings.limits.clientMemoryMax,
            let largest = connections.values.max(by: { $0.keptByteCount < $1.keptByteCount }),
            largest.keptByteCount > 0, !largest.isClosing
        else { return }
        largest.fail("clients hold as much memory as they may, and its request of \(largest.keptByteCount) bytes most")
    }

    // MARK: Requests

    /// What who has not shown who it is may ask for.
    private static let introductions: Set<KafkaAPI> = [.apiVersions, .saslHandshake, .saslAuthenticate]

    /// A frame has come, without its length.
    func received(_ frame: Span<UInt8>, from connection: KafkaConnection) {
        do throws(KafkaWireError) {
            let prefix = try KafkaRequestPrefix(frame)
            guard let api = prefix.api, let versions = ServedVersions.of(api) else {
                return connection.fail(
                    "it asks for API \(prefix.key) in version \(prefix.version), which is not served")
            }
            guard versions.contains(prefix.version) else {
                guard api == .apiVersions else {
                    return connection.fail(
                        "it asks for \(api.name) in version \(prefix.version), served are \(versions)")
                }
                return refuseVersion(prefix, connection)
            }
            guard connection.identity.principal != nil || Self.introductions.contains(api) else {
                return connection.fail("it asks for \(api.name) before it has shown who it is")
            }
            if api == .fetch, repeatPoll(frame, prefix, connection) { return }
            var reader = KafkaReader(frame)
            let header = try reader.readRequestHeader(api, version: prefix.version)
            connection.clientID = header.clientID
            if settings.access != nil, connection.identity.clientID != header.clientID { grantAccess(connection) }
            let call = KafkaCall(connection, prefix, api, clientID: header.clientID)
            connection.begin(call)
            auditRequest(api, connection)
            try dispatch(call, &reader, frame)
        } catch {
            connection.fail("a request is malformed: \(error)")
        }
    }

    /// Answers a call.
    /// - Parameter records: what goes into the response's gaps, one for each.
    func answer(_ call: KafkaCall, _ response: some KafkaResponse, records: [AnswerRecords] = []) {
        guard !call.isAbandoned else { return }
        assert(call.answer == nil, "a request is answered once")
        do throws(KafkaWireError) {
            try writer.writeFrame(response, correlationID: call.correlationID, version: call.version)
        } catch {
            assertionFailure("\(call.api.name) version \(call.version): \(error)")
            return call.connection.fail("\(call.api.name) version \(call.version) cannot be answered: \(error)")
        }
        assert(writer.gaps.count == records.count)
        if call.connection.isNext(call) {
            call.connection.send(writer.buffer.bytes, writer.gaps, records)
            call.answer = KafkaCall.Answer.nothing
        } else {
            // Whoever asks much behind a request that waits holds the memory of the answers until then.
            let kept = records.reduce(writer.buffer.count) { $0 + $1.heldByteCount }
            call.answer = KafkaCall.Answer(
                bytes: writer.buffer.bytes.copied, gaps: writer.gaps, records: records)
            call.connection.hold(kept, for: call)
        }
        writer.removeAll()
        call.connection.advance()
    }

    /// Answers a call with a frame that has no gaps.
    func answer(_ call: KafkaCall, _ frame: [UInt8]) {
        guard !call.isAbandoned else { return }
        assert(call.answer == nil, "a request is answered once")
        if call.connection.isNext(call) {
            call.connection.send(frame.span, [], [])
            call.answer = KafkaCall.Answer.nothing
        } else {
            call.answer = KafkaCall.Answer(bytes: frame, gaps: [], records: [])
            call.connection.hold(frame.count, for: call)
        }
        call.connection.advance()
    }

    /// Ends a call that is not answered: a request to append without acknowledgement.
    func finish(_ call: KafkaCall) {
        guard !call.isAbandoned else { return }
        call.answer = KafkaCall.Answer.nothing
        call.connection.advance()
    }
}
