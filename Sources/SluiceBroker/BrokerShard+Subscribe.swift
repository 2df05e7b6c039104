import CommitLog
import MQTTSession
import MQTTWire
import SluiceCore
import TopicRouting

/// SUBSCRIBE and UNSUBSCRIBE.
extension BrokerShard {
    /// Answers each filter with its code, in order [MQTT-3.9.3-1].
    func subscribe(_ client: Client, _ packet: Packet.Subscribe, _ bytes: Span<UInt8>) {
        var identifier: UInt32?
        var position: String?
        var properties = PropertyReader(bytes, packet.properties)
        while let property = properties.next() {
            switch property.value {
            case .integer(let value): if property.id == .subscriptionIdentifier { identifier = value }
            case .pair(let name, let value):
                if bytes.copy(name).elementsEqual("stream-offset".utf8) {
                    position = String(decoding: bytes.copy(value), as: UTF8.self)
                }
            case .bytes: break
            }
        }
        var codes: [ReasonCode] = []
        var reasons: [String] = []
        var filters = SubscriptionReader(bytes, packet)
        while let (range, options) = filters.next() {
            let request = SubscriptionRequest(
                filter: bytes.copy(range), options: options, identifier: identifier, position: position)
            let outcome = subscribe(client, request)
            codes.append(outcome.code)
            if let reason = outcome.reason { reasons.append(reason) }
        }
        var answer: [UInt8] = []
        if !reasons.isEmpty {
            report(
                .info, "\(client.name) at \(client.address): subscription refused, \(reasons.joined(separator: "; "))")
            if client.version == .v5, client.session.requestsProblemInformation {
                let text = Array(reasons.joined(separator: "; ").utf8.prefix(1024))
                answer = PropertyWriter.bytes { PropertyWriter.append(.reasonString, text.span, to: &$0) }
            }
        }
        SubackPacket(version: client.version, packetID: packet.packetID, codes: codes, properties: answer)
            .encode(into: &client.output)
        markDirty(client)
    }

    private struct SubscriptionRequest {
        var filter: [UInt8]
        var options: SubscriptionOptions
        var identifier: UInt32?
        var position: String?
    }

    private struct Outcome {
        var code: ReasonCode
        var reason: String?
    }

    private func subscribe(_ client: Client, _ request: SubscriptionRequest) -> Outcome {
        guard client.subscriptions.count < settings.limits.subscriptionsMax else {
            return Outcome(
                code: .quotaExceeded, reason: "a client has at most \(settings.limits.subscriptionsMax) subscriptions")
        }
        if TopicSyntax.isShared(request.filter.span) {
            return Outcome(code: .sharedSubscriptionsNotSupported, reason: "shared subscriptions are not offered")
        }
        switch ReplayRequest.parse(request.filter, position: request.position, now: wallClock) {
        case .ordinary: return subscribe(client, request, live: request.filter)
        case .refused(let reason): return Outcome(code: .implementationSpecificError, reason: reason)
        case .replay(let replay): return subscribe(client, request, replay: replay)
        }
    }

    private func subscribe(_ client: Client, _ request: SubscriptionRequest, live filter: [UInt8]) -> Outcome {
        let reader = client.liveReader ?? Reader(client: client, isReplay: false)
        client.liveReader = reader
        add(
            Subscription(
                client: client, filter: request.filter, matched: filter, options: request.options,
                identifier: request.identifier, reader: reader))
        return Outcome(code: ReasonCode(rawValue: request.options.qos.rawValue))
    }

    private func subscribe(_ client: Client, _ request: SubscriptionRequest, replay: ReplayRequest) -> Outcome {
        let candidates: [StreamDescription]
        if let name = replay.stream {
            candidates = log.streams.filter { $0.settings.name == name && !name.hasPrefix("__") }
            guard !candidates.isEmpty else {
                return Outcome(code: .topicFilterInvalid, reason: "there is no stream '\(name)'")
            }
        } else {
            candidates = log.streams.filter { !$0.settings.name.hasPrefix("__") }
        }
        if case .offset(let number, _) = replay.position {
            guard candidates.count == 1, number < candidates[0].partitions.count else {
                return Outcome(
                    code: .topicFilterInvalid, reason: "an offset needs one stream, and a partition that it has")
            }
        }
        let reader = Reader(client: client, isReplay: true)
        // The scan's interest first: from then on the tail keeps what the cursors have not reached.
        add(
            Subscription(
                client: client, filter: request.filter, matched: replay.filter, options: request.options,
                identifier: request.identifier, reader: reader))
        for stream in candidates { start(reader, stream, replay.position) }
        excludeOthers(reader, candidates)
        queue(reader)
        return Outcome(code: ReasonCode(rawValue: request.options.qos.rawValue))
    }

    /// Gives a replay its cursors in one stream.
    private func start(_ reader: Reader, _ stream: StreamDescription, _ position: ReplayPosition) {
        for (number, partition) in stream.partitions.enumerated() {
            switch position {
            case .latest: continue
            case .earliest:
                reader.addCursor(Reader.Cursor(partition: partition, offset: log.bounds(partition).start))
            case .offset(let wanted, let offset):
                if number == wanted {
                    let bounds = log.bounds(partition)
                    let clamped = min(max(offset, bounds.start), bounds.appended)
                    reader.addCursor(Reader.Cursor(partition: partition, offset: clamped))
                } else {
                    reader.exclude(partition)
                }
            case .time(let time):
                let ticket = takeTicket(reader)
                var cursor = Reader.Cursor(partition: partition, offset: .zero)
                cursor.ticket = ticket
                cursor.isLookup = true
                cursor.notBefore = time
                reader.addCursor(cursor)
                log.fetchOffset(partition, at: time, ticket: ticket, reader: self.reader)
            }
        }
    }

    /// A replay of some streams stays out of the others, also when it is live.
    private func excludeOthers(_ reader: Reader, _ candidates: [StreamDescription]) {
        for stream in log.streams where !candidates.contains(stream) {
            for partition in stream.partitions { reader.exclude(partition) }
        }
    }

    /// The number of a new fetch.
    func takeTicket(_ reader: Reader) -> UInt64 {
        defer { nextTicket += 1 }
        fetchers[nextTicket] = reader
        return nextTicket
    }

    // MARK: The table of subscriptions

    /// Adds a subscription in place of an earlier one of the same filter [MQTT-3.8.4-3].
    private func add(_ subscription: Subscription) {
        let client = subscription.client
        if let index = client.subscriptions.firstIndex(where: { $0.filter == subscription.filter }) {
            drop(client.subscriptions.remove(at: index))
        }
        client.subscriptions.append(subscription)
        if subscription.reader.isReplay { client.replays.append(subscription.reader) }
        let filter = subscription.matched
        trie.insert(subscription, filter: filter.span)
        count(subscription, by: 1)
    }

    /// Takes a subscription out of the table.
    func drop(_ subscription: Subscription) {
        let filter = subscription.matched
        trie.remove(id: subscription.id, filter: filter.span)
        if subscription.reader.isReplay {
            subscription.reader.isClosed = true
            subscription.client.replays.removeAll { $0 === subscription.reader }
        }
        count(subscription, by: -1)
    }

    private func count(_ subscription: Subscription, by step: Int) {
        if subscription.options.qos == .atMostOnce && !subscription.reader.isReplay {
            appendedCount += step
        }
        // An overlapping subscription at a higher QoS moves a reader to the durable scan, and both kinds may be asked
        // for.
        if subscription.options.qos != .atMostOnce || subscription.reader.isReplay { durableCount += step }
        if subscription.options.noLocal { noLocalCount += step }
        subscription.reader.subscriptionsChanged()
        matchGeneration += 1
        matches.advance(to: matchGeneration)
        unmatchedHashes = [[], []]
        log.setInterest(reader, appended: appendedCount > 0, durable: durableCount > 0)
    }

    /// Answers each filter with its code, in order [MQTT-3.11.3-2].
    func unsubscribe(_ client: Client, _ packet: Packet.Unsubscribe, _ bytes: Span<UInt8>) {
        var codes: [ReasonCode] = []
        var filters = FilterReader(bytes, packet)
        while let range = filters.next() {
            let filter = bytes.copy(range)
            if let index = client.subscriptions.firstIndex(where: { $0.filter == filter }) {
                drop(client.subscriptions.remove(at: index))
                codes.append(.success)
            } else {
                codes.append(.noSubscriptionExisted)
            }
        }
        UnsubackPacket(version: client.version, packetID: packet.packetID, codes: codes).encode(into: &client.output)
        markDirty(client)
    }
}

/// A subscription that reads history: `$replay/<when>/<filter>` or `$stream/<name>[/<filter>]`.
struct ReplayRequest {
    /// The stream, or nil for all.
    var stream: String?
    /// The filter that topics must match.
    var filter: [UInt8]
    /// Where to start.
    var position: ReplayPosition

    enum Parsed {
        /// Not a replay.
        case ordinary
        case replay(ReplayRequest)
        /// A replay that cannot be, and why.
        case refused(String)
    }

    static func parse(_ filter: [UInt8], position: String?, now: Timestamp) -> Parsed {
        let levels = filter.split(separator: UInt8(ascii: "/"), maxSplits: 2, omittingEmptySubsequences: false)
        let isReplay = levels[0].elementsEqual("$replay".utf8)
        guard isReplay || levels[0].elementsEqual("$stream".utf8) else { return .ordinary }
        guard levels.count > 1, !levels[1].isEmpty else {
            return .refused(isReplay ? "expected $replay/WHEN/FILTER" : "expected $stream/NAME or $stream/NAME/FILTER")
        }
        let inner = levels.count > 2 ? Array(levels[2]) : []
        let second = String(decoding: levels[1], as: UTF8.self)
        if isReplay {
            guard !inner.isEmpty else { return .refused("expected $replay/WHEN/FILTER") }
            guard let position = ReplayPosition(second, now: now) else {
                return .refused("'\(second)' is no position: \(ReplayPosition.expectation)")
            }
            if case .offset = position { return .refused("$replay/ takes a time; an offset belongs to one $stream/") }
            return .replay(ReplayRequest(stream: nil, filter: inner, position: position))
        }
        let text = position ?? "latest"
        guard let position = ReplayPosition(text, now: now) else {
            return .refused("stream-offset '\(text)' is no position: \(ReplayPosition.expectation)")
        }
        return .replay(
            ReplayRequest(stream: second, filter: inner.isEmpty ? [UInt8(ascii: "#")] : inner, position: position))
    }
}
