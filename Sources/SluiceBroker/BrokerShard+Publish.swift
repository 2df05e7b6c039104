import LogInterface
import MQTTSession
import MQTTWire
import RecordFormat
import SluiceCore
import TopicRouting

/// PUBLISH: from a client into the tick's batches, and the batches into the log.
extension BrokerShard {
    /// Bytes of a batch after which it is appended before its tick ends: consumers fetch up to 1 MiB, and a batch that
    /// fits the processor's cache is written while it is there.
    private static let batchBytesMax = 256 << 10

    /// Stores a message of QoS 0 or 1 that has nothing special: the way of nearly every message.
    @inline(__always)
    func publish(
        plain publish: PlainPublish, _ client: Client, _ bytes: Span<UInt8>
    ) throws(MQTTDecodeError) {
        let topic = bytes.extracting(publish.topicStart..<publish.topicStart + publish.topicByteCount)
        let route = try routes.route(topic)
        guard !route.isReserved, noLocalCount == 0 else {
            return try self.publish(PublishAction(publish), client, bytes)
        }
        counters.publishesReceived += 1
        counters.messagesStored += 1
        counters.receivedBytes += UInt64(publish.end - publish.payloadStart)
        client.isPublisher = true
        let index = route.partitionIndex
        accumulators.append(
            to: index, at: wallClock, keyField: route.keyField,
            value: bytes.extracting(publish.payloadStart..<publish.end),
            headersField: route.headersField(publish.qos))
        if isScanned { accumulators.note(route.topicHash, in: index) }
        if case .atLeastOnce = publish.qos {
            accumulators.expect(in: index)
            acknowledge(client, .puback, publish.packetID)
        }
        if accumulators.byteCount(in: index) > Self.batchBytesMax { submit() }
    }

    /// Stores a message and notes its acknowledgement.
    func publish(
        _ publish: PublishAction, _ client: Client, _ bytes: Span<UInt8>
    ) throws(MQTTDecodeError) {
        counters.publishesReceived += 1
        switch publish.topic {
        case .name(let range): try store(publish, bytes.extracting(range), client, bytes)
        case .namedAlias(let range, let alias):
            client.session.bindAlias(alias, to: UInt64(alias))
            client.aliasTopics[alias] = bytes.copy(range)
            try store(publish, bytes.extracting(range), client, bytes)
        case .token(let token):
            guard let topic = client.aliasTopics[UInt16(truncatingIfNeeded: token)] else {
                preconditionFailure("Cannot publish to an alias that was not bound")
            }
            try store(publish, topic.span, client, bytes)
        }
    }

    private func store(
        _ publish: PublishAction, _ topic: Span<UInt8>, _ client: Client, _ bytes: Span<UInt8>
    ) throws(MQTTDecodeError) {
        let route = try routes.route(topic)
        if route.isReserved { return refuseReserved(publish, topic, client, bytes) }
        client.isPublisher = true
        if !publish.properties.isEmpty, isLooped(publish, bytes) { return passOver(publish, client) }
        append(publish, topic, route, bytes, origin: noLocalCount > 0 ? client.clientID : nil)
        switch publish.qos {
        case .atMostOnce: break
        case .atLeastOnce: acknowledge(client, .puback, publish.packetID)
        case .exactlyOnce:
            if client.isPersistent { recordReceived(client, publish.packetID) }
            acknowledge(client, .pubrec, publish.packetID)
        }
        if accumulators.byteCount(in: route.partitionIndex) > Self.batchBytesMax { submit() }
    }

    /// Adds a message to the tick's batches, and to the retained ones if it asks for that.
    /// - Parameter origin: the publisher's identifier when it is to be on record.
    func append(
        _ publish: PublishAction, _ topic: Span<UInt8>, _ route: Route, _ bytes: Span<UInt8>, origin: [UInt8]?
    ) {
        let index = route.partitionIndex
        let payload = bytes.extracting(publish.payload)
        if publish.properties.isEmpty && !publish.retain && origin == nil {
            accumulators.append(
                to: index, at: wallClock, keyField: route.keyField, value: payload,
                headersField: route.headersField(publish.qos))
        } else {
            let headers = RecordFields.headers(MessageHeader.headers(topic, publish, in: bytes, clientID: origin))
            accumulators.append(
                to: index, at: wallClock, keyField: route.keyField, value: payload, headersField: headers.span)
            if publish.retain {
                retain(
                    topic, payload, headersField: headers.span,
                    expirySeconds: MessageHeader.expirySeconds(publish, in: bytes),
                    awaited: publish.qos != .atMostOnce)
            }
        }
        counters.messagesStored += 1
        counters.receivedBytes += UInt64(payload.count)
        if isScanned { accumulators.note(route.topicHash, in: index) }
        if publish.qos != .atMostOnce { accumulators.expect(in: index) }
    }

    /// Some `$` topics belong to the broker: `$SYS` is read only, and the others are requests.
    private func refuseReserved(_ publish: PublishAction, _ topic: Span<UInt8>, _ client: Client, _ bytes: Span<UInt8>)
    {
        let name = String(decoding: topic.copy(ByteRange(start: 0, byteCount: topic.count)), as: UTF8.self)
        let isState = Self.isBridgeState(topic)
        if isState { tellBridgeState(Array(name.utf8), bytes.copy(publish.payload)) }
        let isAnswered = isState || answerRequest(name, publish, client, bytes)
        let reason: ReasonCode = isAnswered ? .success : .notAuthorized
        if !isAnswered {
            counters.messagesRefused += 1
            report(.info, "\(client.name) at \(client.address): publish to \(name) refused, the topic is the broker's")
            note(client, "to publish to \(name)", refused: "the topic is the broker's")
        }
        func respond(_ kind: AcknowledgementKind) {
            if isAnswered { return answer(client, kind, publish.packetID, reason) }
            refuse(client, kind, publish.packetID, reason, "the topic is the broker's own")
        }
        switch publish.qos {
        case .atMostOnce: return
        case .atLeastOnce:
            respond(.puback)
            client.session.acknowledged(publishCount: 1)
        case .exactlyOnce:
            respond(.pubrec)
            if !isAnswered, case .v5 = client.version { client.session.refused(publish.packetID) }
        }
    }

    /// Notes an acknowledgement of success, to leave when this tick's append has reached its durability.
    @inline(__always)
    func acknowledge(_ client: Client, _ kind: AcknowledgementKind, _ id: PacketID) {
        let firstByte = UInt32(kind.rawValue << 4 | (kind == .pubrel ? 2 : 0))
        acks.current.add(client, firstByte << 24 | 2 << 16 | UInt32(id.rawValue), ends: kind == .puback)
    }

    /// PUBREL: the identifier is free, which must be durable before the client hears of it. Were it lost, a new message
    /// of the same identifier would be taken for the old one.
    func release(_ client: Client, _ id: PacketID) {
        if client.isPersistent {
            recordReleased(client, id)
            acknowledge(client, .pubcomp, id)
        } else {
            answer(client, .pubcomp, id, .success)
        }
    }

    // MARK: The tick's append

    /// Appends the tick's batches as one, and after them what has changed of sessions.
    func submit() {
        submitMessages()
        submitState()
    }

    private func submitMessages() {
        guard !accumulators.isEmpty else {
            // A message that came again is acknowledged no sooner than its first copy, which another shard may have
            // appended just now.
            if !acks.current.isEmpty { acks.commit(log.fence(from: loop)) }
            return
        }
        appends.removeAll(keepingCapacity: true)
        accumulators.takeBatches(into: &appends, scanned: isScanned)
        let retains = retainedChanges.isEmpty ? nil : peers.withRetained { $0.beginAppend() }
        let ticket = log.append(appends, from: loop)
        if let retains { noteRetained(retains, ticket) }
        acks.commit(acks.current.needsFence ? log.fence(from: loop) : ticket)
    }

    /// Appends what has changed of sessions.
    func submitState() {
        guard !state.isEmpty, let partition = sessionsPartition else { return }
        let appends = state.takeAppends(to: partition, offsets: offsetsPartition)
        state.commit(appends.isEmpty ? log.fence(from: loop) : log.append(appends, from: loop))
    }

    // MARK: Settlements

    /// Does what has waited for appends that the log has said something of.
    func settle() {
        guard waitsForSettlement else { return }
        log.takeSettlements(of: loop, into: &settlements)
        guard !settlements.isEmpty else { return }
        for settlement in settlements {
            if let changes = retainedAppends.first, changes.ticket == settlement.ticket {
                settle(changes, settlement.outcome)
            }
            if let group = acks.pop(settlement.ticket) { settle(group, settlement.outcome) }
            if let group = state.pop(settlement.ticket) { settle(group, settlement.outcome) }
        }
        settlements.removeAll(keepingCapacity: true)
    }

    private func settle(_ group: AckQueue.Group, _ outcome: Settlement.Outcome) {
        switch outcome {
        case .stored, .duplicate: release(group)
        case .refused(.full): refuse(group, .quotaExceeded)
        case .refused(.failed), .refused(.outOfOrder), .refused(.fenced): refuse(group, .unspecifiedError)
        }
        acks.recycle(group)
    }

    /// Changes of sessions are durable, or cannot be.
    private func settle(_ group: StateQueue.Group, _ outcome: Settlement.Outcome) {
        guard case .refused = outcome else { return release(group) }
        // The reserve is used up, or the log takes nothing any more: what was promised durable cannot be.
        for work in group.work {
            switch work {
            case .open(let client): terminate(client, .unspecifiedError, Self.stateRefusal)
            case .output(let client, let range):
                client.deferredByteCount -= range.count
                terminate(client, .unspecifiedError, Self.stateRefusal)
            case .trim: break
            case .move(let reader): stall(reader)
            }
        }
    }

    private static let stateRefusal = "what its session must have on record cannot be stored"

    private func release(_ group: StateQueue.Group) {
        for work in group.work {
            switch work {
            case .open(let client): finishOpening(client)
            case .output(let client, let range):
                client.deferredByteCount -= range.count
                guard !client.isClosing else { continue }
                group.append(range, to: &client.output)
                markDirty(client)
            case .trim(let offset): if let partition = sessionsPartition { log.trim(partition, before: offset) }
            case .move(let reader): queue(reader)
            }
        }
    }

    /// Sends acknowledgements whose messages are as durable as their streams promise.
    private func release(_ group: AckQueue.Group) {
        unsafe group.bytes.withUnsafeBytes { bytes in
            for run in group.runs where !run.client.isClosing {
                unsafe run.client.output.append(
                    UnsafeRawBufferPointer(rebasing: bytes[run.start..<run.start + run.byteCount]))
                if run.endedCount > 0 {
                    run.client.session.acknowledged(publishCount: run.endedCount)
                    if run.client.isPostponed { takePostponed(run.client) }
                }
                markDirty(run.client)
            }
        }
    }

    /// Nothing of the tick was stored. MQTT 5 clients are told with each message; others have no way to hear it, and a
    /// connection that ends unacknowledged makes them send again.
    private func refuse(_ group: AckQueue.Group, _ reason: ReasonCode) {
        counters.messagesRefused += UInt64(group.bytes.count / 4)
        for run in group.runs where !run.client.isClosing {
            let client = run.client
            note(
                client, "to publish", refused: Self.meaning(ofRefusal: reason), count: max(1, run.byteCount / 4))
            guard client.version == .v5 else {
                report(.info, "\(client.name) at \(client.address): closed, its publishes cannot be stored")
                terminate(client, reason, "its publishes cannot be stored")
                continue
            }
            for at in stride(from: run.start, to: run.start + run.byteCount, by: 4) {
                let (kind, id) = group.acknowledgement(at: at)
                refuse(client, kind, id, reason)
            }
        }
    }

    private static func meaning(ofRefusal reason: ReasonCode) -> String {
        reason == .quotaExceeded ? "the log has no room for it" : "the log takes nothing any more"
    }

    private func refuse(_ client: Client, _ kind: AcknowledgementKind?, _ id: PacketID, _ reason: ReasonCode) {
        let text = Self.meaning(ofRefusal: reason)
        switch kind {
        case .puback:
            refuse(client, .puback, id, reason, text)
            client.session.acknowledged(publishCount: 1)
            if client.isPostponed { takePostponed(client) }
        case .pubrec:
            refuse(client, .pubrec, id, reason, text)
            client.session.refused(id)
        case .pubrel, .pubcomp, nil:
            // A PUBREL whose release could not be stored: without PUBCOMP the client asks again.
            terminate(client, reason, text)
        }
    }
}
