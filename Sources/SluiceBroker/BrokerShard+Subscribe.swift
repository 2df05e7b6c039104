import Checksums
import LogInterface
import MQTTSession
import MQTTWire
import SluiceCore
import TopicRouting

/// SUBSCRIBE and UNSUBSCRIBE.
extension BrokerShard {
    /// Answers each filter with its code, in order [MQTT-3.9.3-1].
    func subscribe(_ client: Client, _ packet: Packet.Subscribe, _ bytes: Span<UInt8>) {
        // Whoever was told of a new stream may ask for it in the tick in which this shard hears of it.
        followStreams()
        var identifier: UInt32?
        var replay = ReplayRequest.Options()
        var asksForHistory = false
        var properties = PropertyReader(bytes, packet.properties)
        while let property = properties.next() {
            switch property.value {
            case .integer(let value): if property.id == .subscriptionIdentifier { identifier = value }
            case .pair(let name, let value):
                replay.take(
                    String(decoding: bytes.copy(name), as: UTF8.self),
                    String(decoding: bytes.copy(value), as: UTF8.self))
            case .bytes: break
            }
        }
        var codes: [ReasonCode] = []
        var reasons: [String] = []
        var added: [(subscription: Subscription, isNew: Bool)] = []
        var needsRecord = false
        beginNews()
        var filters = SubscriptionReader(bytes, packet)
        while let (range, asked) = filters.next() {
            let request = SubscriptionRequest(
                filter: bytes.copy(range), options: options(asked, of: client), identifier: identifier, replay: replay)
            let outcome = subscribe(client, request)
            asksForHistory = asksForHistory || ReplayRequest.asksForHistory(request.filter)
            codes.append(outcome.code)
            needsRecord = needsRecord || outcome.needsRecord
            if let subscription = outcome.subscription { added.append((subscription, outcome.isNew)) }
            if let reason = outcome.reason {
                reasons.append(reason)
                note(client, "to subscribe to \(String(decoding: request.filter, as: UTF8.self))", refused: reason)
            }
        }
        if !asksForHistory, let remark = replay.remark {
            report(.replayMisasked, "\(who: client): \(remark, as: .reason)")
            note(client, "to replay", refused: remark)
        }
        var answer: [UInt8] = []
        if !reasons.isEmpty {
            report(
                .subscriptionRefused,
                "\(who: client): subscription refused, \(reasons.joined(separator: "; "), as: .reason)")
            if client.version == .v5, client.session.requestsProblemInformation {
                answer = ReasonString.properties(reasons.joined(separator: "; "))
            }
        }
        var suback = SubackPacket(
            version: client.version, packetID: packet.packetID, codes: codes, properties: answer)
        // The reason is left out when the client has no room for it [MQTT-3.9.2-1].
        if suback.encodedSize > Int(client.session.maximumPacketSize) { suback.properties = [] }
        let isSent = fits(client, suback.encodedSize, "SUBACK")
        if client.isRecorded || needsRecord {
            // A session that stays has its subscriptions on record before it hears of them.
            if client.isRecorded {
                recordChange(client, added: storedSubscriptions(client, of: packet, bytes), removed: [])
                recordProgress(client, storedProgress(client), awaited: true)
            }
            counters.answersSent += isSent ? 1 : 0
            sessions.output(client) { if isSent { suback.encode(into: &$0) } }
        } else if isSent {
            suback.encode(into: &client.output)
            markAnswered(client)
        }
        for (subscription, isNew) in added { feedRetained(subscription, isNew: isNew) }
    }

    /// What there is now of the filters that a SUBSCRIBE names, in the form that is kept.
    private func storedSubscriptions(
        _ client: Client, of packet: Packet.Subscribe, _ bytes: Span<UInt8>
    ) -> [StoredSubscription] {
        var asked: Set<[UInt8]> = []
        var filters = SubscriptionReader(bytes, packet)
        while let (range, _) = filters.next() { asked.insert(bytes.copy(range)) }
        return client.subscriptions.filter { asked.contains($0.filter) }.map { stored($0) }
    }

    /// Whether an answer is no larger than its client takes; one that is must not be sent [MQTT-3.1.2-24].
    private func fits(_ client: Client, _ byteCount: Int, _ packet: StaticString) -> Bool {
        guard byteCount > Int(client.session.maximumPacketSize) else { return true }
        report(
            .answerUnsent,
            "\(who: client): a \(packet, as: .packet) of \(byteCount, as: .bytes) bytes is not sent, "
                + "it takes at most \(client.session.maximumPacketSize, as: .limit)")
        return false
    }

    /// One filter of a SUBSCRIBE, or of a stored session.
    struct SubscriptionRequest {
        var filter: [UInt8]
        var options: SubscriptionOptions
        var identifier: UInt32?
        var replay = ReplayRequest.Options()
    }

    /// What becomes of one.
    struct Outcome {
        var code: ReasonCode
        var reason: String?
        /// The subscription that may get retained messages.
        var subscription: Subscription?
        /// Whether it takes the place of no other.
        var isNew = false
        /// Whether the answer must wait for a record.
        var needsRecord = false
    }

    /// Subscribes a client to one filter.
    func subscribe(_ client: Client, _ request: SubscriptionRequest) -> Outcome {
        // One that takes another's place makes them no more.
        let most = client.bounds.limits.subscriptionsMax
        let isFull = client.subscriptions.count >= most
        if isFull, !client.subscriptions.contains(where: { $0.filter == request.filter }) {
            return Outcome(
                code: .quotaExceeded,
                reason:
                    "'limits: subscriptions' is \(most), and as many are there")
        }
        if isRefused(request.filter) {
            return Outcome(code: .unspecifiedError, reason: "the configuration refuses this filter")
        }
        if let refusal = refusal(of: request.filter, client) { return refusal }
        if let fault = request.replay.fault(with: request.filter) {
            return Outcome(code: .implementationSpecificError, reason: fault)
        }
        if TopicSyntax.isShared(request.filter.span) { return share(client, request) }
        switch ReplayRequest.parse(request.filter, request.replay, now: wallClock) {
        case .ordinary: return subscribe(client, request, live: request.filter)
        case .refused(let reason): return Outcome(code: .implementationSpecificError, reason: reason)
        case .replay(let replay): return subscribe(client, request, replay: replay)
        }
    }

    private func subscribe(_ client: Client, _ request: SubscriptionRequest, live filter: [UInt8]) -> Outcome {
        let reader = client.liveReader ?? Reader(client: client, kind: .live)
        client.liveReader = reader
        let subscription = Subscription(
            client: client, filter: request.filter, matched: filter, options: request.options,
            identifier: request.identifier, reader: reader)
        tellNews()
        let replaced = client.subscriptions.first { $0.filter == request.filter && $0.reader === reader }
        // What is not durable yet is ahead of it still, and comes with the scan that it is on. The other way round it
        // counts from here, and has everything that was appended before [MQTT-3.8.4-4].
        if replaced?.visibility == .durable, subscription.visibility == .appended { subscription.staysDurable = true }
        let former = add(subscription)
        if let former, former.visibility == subscription.visibility {
            subscription.since = former.since
        } else if request.options.qos != .atMostOnce {
            subscription.since = startOfNews(reader)
        }
        return Outcome(
            code: ReasonCode(rawValue: request.options.qos.rawValue), subscription: subscription, isNew: former == nil)
    }

    /// Whether nobody may subscribe to what `filter` names, be it behind a share group or a replay.
    private func isRefused(_ filter: [UInt8]) -> Bool {
        guard !settings.limits.refusedFilters.isEmpty else { return false }
        let levels = filter.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        let inners =
            [filter] + [1, 2].filter { levels.count > $0 }.map { Array(levels[$0...].joined(separator: [0x2F])) }
        let isNested = ["$share", "$replay", "$stream"].contains { levels[0].elementsEqual($0.utf8) }
        return settings.limits.refusedFilters.contains { refused in
            (isNested ? inners : [filter]).contains { inner in
                inner == refused || FilterSyntax.matches(filter: refused.span, topic: inner.span)
            }
        }
    }

    /// Whether a filter is one of a share group.
    static func isShared(_ filter: [UInt8]) -> Bool { TopicSyntax.isShared(filter.span) }

    /// A request of its own to subscribe begins.
    func beginNews() {
        newsStart = nil
        hasToldNews = false
    }

    /// What was published before a subscription, also in this very tick, goes to those who subscribed before it, and
    /// not to the new one.
    private func tellNews() {
        guard !hasToldNews else { return }
        hasToldNews = true
        submit()
        guard subscriptions.has(.appended) else { return }
        while scan(.appended) {}
    }

    /// From where a subscription counts that is made now.
    /// - Returns: nil when its reader begins there anyway.
    func startOfNews(_ reader: Reader) -> Positions? {
        tellNews()
        if newsStart == nil { newsStart = Positions(base: Positions.Vector(log.endOffsets())) }
        let isBehind = !reader.isLive || reader.client?.redelivery != nil
        guard let newsStart, isBehind || scanned.isBehind(newsStart.base.offsets, streams) else { return nil }
        return newsStart
    }

    /// Makes a client a member of a share group.
    private func share(_ client: Client, _ request: SubscriptionRequest) -> Outcome {
        let key = Array(request.filter.dropFirst("$share/".utf8.count))
        let inner = key.firstIndex(of: UInt8(ascii: "/")).map { key[($0 + 1)...] } ?? []
        if inner.starts(with: "$stream/".utf8) {
            let name = String(decoding: key.prefix { $0 != UInt8(ascii: "/") }, as: UTF8.self)
            return joinGroup(client, name, request, Array(inner))
        }
        guard !inner.starts(with: "$replay/".utf8), !inner.starts(with: "$SYS".utf8) else {
            return Outcome(code: .topicFilterInvalid, reason: "a share group has an ordinary filter or a $stream")
        }
        let reader = client.shareReader ?? Reader(client: client, kind: .live)
        client.shareReader = reader
        client.subscriptions.removeAll { $0.filter == request.filter }
        client.subscriptions.append(
            Subscription(
                client: client, filter: request.filter, matched: Array(inner), options: request.options,
                identifier: request.identifier, reader: reader))
        let isNew = joinShare(client, key: key, request)
        return Outcome(code: ReasonCode(rawValue: request.options.qos.rawValue), needsRecord: isNew)
    }

    private func subscribe(_ client: Client, _ request: SubscriptionRequest, replay: ReplayRequest) -> Outcome {
        let candidates: [StreamDescription]
        if let name = replay.stream {
            guard let stream = streams.readable(named: name) else {
                return Outcome(code: .topicFilterInvalid, reason: "there is no stream '\(name)'")
            }
            candidates = [stream]
        } else {
            candidates = streams.readable
        }
        if replay.positions == nil, let stream = candidates.first,
            let fault = fault(of: replay.position, in: stream)
                ?? replay.until.flatMap({ self.fault(ofEnd: $0, in: stream) })
        {
            return Outcome(code: .topicFilterInvalid, reason: fault)
        }
        if replay.position == .committed, replay.positions == nil, let kept = keep(client, request) { return kept }
        let reader = Reader(client: client, kind: .replay)
        if let stream = replay.stream {
            reader.wholeStream = stream
            reader.readsWholeStream = mayReadWhole(stream, client)
        }
        let subscription = Subscription(
            client: client, filter: request.filter, matched: Presence.matched(replay.filter, in: replay.stream),
            options: request.options, identifier: request.identifier, reader: reader)
        // The scan's interest first: from then on the tail keeps what the cursors have not reached.
        _ = add(subscription)
        if replay.position == .latest, replay.positions == nil { subscription.since = startOfNews(reader) }
        if let positions = replay.positions {
            for stream in candidates { resume(reader, stream, positions) }
        } else {
            for stream in candidates { start(reader, stream, replay.position) }
        }
        excludeOthers(reader, candidates)
        chart(reader, replay, candidates)
        queue(reader)
        return Outcome(code: ReasonCode(rawValue: request.options.qos.rawValue))
    }

    /// A replay that goes on from where the session has got to is left as it is, when there is one.
    private func keep(_ client: Client, _ request: SubscriptionRequest) -> Outcome? {
        guard let index = client.subscriptions.firstIndex(where: { $0.filter == request.filter }) else { return nil }
        guard client.subscriptions[index].options == request.options else { return nil }
        return Outcome(code: ReasonCode(rawValue: request.options.qos.rawValue))
    }

    /// Gives a replay its end and its pace, when it has any.
    private func chart(_ reader: Reader, _ replay: ReplayRequest, _ streams: [StreamDescription]) {
        let bounds = replay.bounds ?? replay.until.flatMap { self.bounds(until: $0, streams) }
        guard bounds != nil || replay.speed != nil else { return }
        let topic = replay.stream.map { "$stream/\($0)" } ?? "$replay"
        let course = ReplayCourse(bounds: bounds, speed: replay.speed, endTopic: Array(topic.utf8))
        assert(reader.course == nil, "a replay has one course")
        course.open = Set(streams.flatMap(\.partitions).filter { !reader.excludes($0) })
        reader.course = course
        readers.chart(reader)
    }

    private func bounds(until position: ReplayPosition, _ streams: [StreamDescription]) -> ReplayBounds? {
        func ends(_ end: (PartitionBounds) -> Offset) -> ReplayBounds {
            let partitions = streams.flatMap(\.partitions)
            return .offsets(Dictionary(uniqueKeysWithValues: partitions.map { ($0, end(log.bounds($0))) }))
        }
        switch position {
        case .earliest: return ends(\.start)
        case .latest: return ends(\.end)
        case .committed: return nil
        case .time(let time): return .time(time)
        case .offset(let number, let offset):
            guard let stream = streams.first, number < stream.partitions.count else { return nil }
            return .offsets([stream.partitions[number]: offset])
        }
    }

    /// Subscribes a stored session to history again: it goes on where it was.
    func restoreReplay(
        _ client: Client, _ request: SubscriptionRequest, _ positions: Positions?, _ bounds: ReplayBounds?
    ) -> Outcome {
        switch ReplayRequest.parse(request.filter, request.replay, now: wallClock) {
        case .replay(var replay):
            replay.positions = positions
            replay.bounds = bounds
            return subscribe(client, request, replay: replay)
        case .ordinary, .refused: return Outcome(code: .implementationSpecificError, reason: "it is no replay any more")
        }
    }

    /// Why nothing can be read from a position; the nearest one that there is.
    func fault(of position: ReplayPosition, in stream: StreamDescription) -> String? {
        guard case .offset(let number, let offset) = position else { return nil }
        if let fault = fault(ofEnd: position, in: stream) { return fault }
        // What retention took is passed over; what nobody has written yet would be waited for in silence.
        let end = log.bounds(stream.partitions[number]).end
        guard offset > end else { return nil }
        return "partition \(number) of '\(stream.settings.name)' ends at \(end.rawValue), and there is no "
            + "\(number):\(offset.rawValue); the nearest is \(number):\(end.rawValue)"
    }

    /// Why nothing can be read up to a position.
    private func fault(ofEnd position: ReplayPosition, in stream: StreamDescription) -> String? {
        guard case .offset(let number, _) = position, number >= stream.partitions.count else { return nil }
        let last = stream.partitions.count - 1
        let there = last == 0 ? "partition 0 only" : "partitions 0 to \(last)"
        return "an offset needs a partition that it has: '\(stream.settings.name)' has \(there), and no \(number)"
    }

    /// Gives a replay its cursors in one stream, where it was before.
    private func resume(_ reader: Reader, _ stream: StreamDescription, _ positions: Positions) {
        for partition in stream.partitions {
            let bounds = log.bounds(partition)
            let offset = min(max(positions.offset(in: partition), bounds.start), bounds.end)
            reader.addCursor(Reader.Cursor(partition: partition, offset: offset))
        }
    }

    /// Gives a replay its cursors in one stream.
    func start(_ reader: Reader, _ stream: StreamDescription, _ position: ReplayPosition) {
        for (number, partition) in stream.partitions.enumerated() {
            switch position {
            case .latest, .committed: continue
            case .earliest:
                reader.addCursor(Reader.Cursor(partition: partition, offset: log.bounds(partition).start))
            case .offset(let wanted, let offset):
                if number == wanted {
                    let bounds = log.bounds(partition)
                    let clamped = min(max(offset, bounds.start), bounds.end)
                    reader.addCursor(Reader.Cursor(partition: partition, offset: clamped))
                } else {
                    reader.exclude(partition)
                }
            case .time(let time):
                reader.addCursor(readers.cursor(of: reader, in: partition, at: time))
            }
        }
    }

    /// A replay of some streams stays out of the others, also when it is live.
    func excludeOthers(_ reader: Reader, _ candidates: [StreamDescription]) {
        for stream in streams.streams where !candidates.contains(stream) {
            for partition in stream.partitions { reader.exclude(partition) }
        }
        // One that asks for a stream by its name gets no other that is made later, nor later partitions of its own.
        if candidates.count == 1 { reader.excludeNew(from: streams.partitionCount) }
    }

    // MARK: The table of subscriptions

    /// Adds a subscription in place of an earlier one of the same filter [MQTT-3.8.4-3].
    /// - Returns: that one.
    func add(_ subscription: Subscription) -> Subscription? {
        guard let client = subscription.client else { preconditionFailure("Cannot add nobody's subscription") }
        var former: Subscription?
        if let index = client.subscriptions.firstIndex(where: { $0.filter == subscription.filter }) {
            former = client.subscriptions.remove(at: index)
        }
        client.subscriptions.append(subscription)
        if subscription.reader.isReplay { client.sideReaders.append(subscription.reader) }
        // The new one first: the scan must not lose its place when the last subscription is replaced.
        insert(subscription)
        if let former {
            // The table has one place for each reader and filter, which the new one has taken.
            assert(former !== subscription)
            if former.id != subscription.id { drop(former) } else { replaced(former) }
        }
        return former
    }

    /// A subscription has lost its place in the table to another one of its reader.
    private func replaced(_ former: Subscription) {
        dropFeeds(of: former)
        subscriptions.replaced(former)
        changed(former, by: -1)
    }

    /// Takes a subscription out of the table.
    func drop(_ subscription: Subscription) {
        dropFeeds(of: subscription)
        if case .member(let membership) = subscription.reader.kind {
            leave(membership)
        } else if Self.isShared(subscription.filter) {
            return
        }
        if subscription.reader.isReplay {
            subscription.reader.isClosed = true
            readers.unchart(subscription.reader)
            subscription.client?.sideReaders.removeAll { $0 === subscription.reader }
        }
        remove(subscription)
    }

    /// Puts a subscription into the table.
    func insert(_ subscription: Subscription) {
        let isScanning = subscriptions.has(.durable)
        subscriptions.insert(subscription)
        changed(subscription, by: 1)
        if !isScanning, subscriptions.has(.durable) { scanned.restart(log.scanOffsets(loop)) }
    }

    /// Takes a subscription out of the table.
    func remove(_ subscription: Subscription) {
        subscriptions.remove(subscription)
        changed(subscription, by: -1)
    }

    /// What follows from a subscription more or less.
    private func changed(_ subscription: Subscription, by step: Int) {
        intake.recordsOrigins = subscriptions.hasNoLocal
        if subscription.matched.starts(with: "$SYS".utf8) {
            peers.withDirectory { directory in
                directory.systemSubscriptionCount += step
                assert(directory.systemSubscriptionCount >= 0)
            }
        }
        subscription.reader.subscriptionsChanged()
        log.setInterest(loop, appended: subscriptions.has(.appended), durable: subscriptions.has(.durable))
    }

    /// Answers each filter with its code, in order [MQTT-3.11.3-2].
    func unsubscribe(_ client: Client, _ packet: Packet.Unsubscribe, _ bytes: Span<UInt8>) {
        var codes: [ReasonCode] = []
        var removed: [[UInt8]] = []
        var filters = FilterReader(bytes, packet)
        while let range = filters.next() {
            let filter = bytes.copy(range)
            if let index = client.subscriptions.firstIndex(where: { $0.filter == filter }) {
                drop(client.subscriptions.remove(at: index))
                if Self.isShared(filter) {
                    leaveShare(client, key: Array(filter.dropFirst("$share/".utf8.count)))
                }
                removed.append(filter)
                codes.append(.success)
            } else {
                codes.append(.noSubscriptionExisted)
            }
        }
        let unsuback = UnsubackPacket(version: client.version, packetID: packet.packetID, codes: codes)
        let isSent = fits(client, unsuback.encodedSize, "UNSUBACK")
        if client.isRecorded {
            recordChange(client, added: [], removed: removed)
            counters.answersSent += isSent ? 1 : 0
            sessions.output(client) { if isSent { unsuback.encode(into: &$0) } }
        } else if isSent {
            unsuback.encode(into: &client.output)
            markAnswered(client)
        }
    }
}
