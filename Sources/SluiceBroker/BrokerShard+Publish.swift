import AccessControl
import Bridging
import LogInterface
import MQTTSession
import MQTTWire
import RecordFormat
import SluiceCore
import Speaking
import TopicRouting

/// PUBLISH: from a client into the tick's batches, and the batches into the log.
extension BrokerShard {
    /// Stores a message of QoS 0 or 1 that has nothing special: the way of nearly every message.
    @inline(__always)
    func publish(
        plain publish: PlainPublish, _ client: Client, _ bytes: Span<UInt8>
    ) throws(MQTTDecodeError) {
        assert(client.session.isOpen && publish.qos != .exactlyOnce, "QoS 2 has flows to keep, and is never plain")
        let topic = bytes.extracting(publish.topicStart..<publish.topicStart + publish.topicByteCount)
        if let access = client.access, !access.remembers(topic) {
            return try self.publish(PublishAction(publish), client, bytes)
        }
        let payload = bytes.extracting(publish.payloadStart..<publish.end)
        let isStored = try intake.storePlain(
            topic: topic, payload: payload, slack: bytes.count - publish.end, qos: publish.qos, at: wallClock)
        guard isStored else {
            return try self.publish(PublishAction(publish), client, bytes)
        }
        counters.received.add(publish.qos)
        client.isPublisher = true
        if case .atLeastOnce = publish.qos { acknowledge(client, .puback, publish.packetID) }
        if intake.isFull { submit() }
    }

    /// Stores a message and notes its acknowledgement.
    func publish(
        _ publish: PublishAction, _ client: Client, _ bytes: Span<UInt8>
    ) throws(MQTTDecodeError) {
        counters.received.add(publish.qos)
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
        if let pace = client.pace, !admits(publish, client, pace) { return }
        if !publish.properties.isEmpty, isLooped(publish, bytes) { return passOver(publish, client) }
        let retention = publish.retain ? retention(topic, bytes.extracting(publish.payload), client) : .free
        if case .refused(let words) = retention { return refuse(publish, topic, client, .quotaExceeded, words) }
        let message = IncomingMessage(
            topic: topic, payload: bytes.extracting(publish.payload),
            properties: bytes.extracting(publish.properties), qos: publish.qos, isRetained: publish.retain)
        let owner = publish.retain ? client.principal.ownerName : []
        switch try intake.store(message, under: client.access, origin: client.clientID, owner: owner, at: wallClock) {
        case .stored, .deadLettered: break
        case .denied(let verdict): return deny(publish, topic, client, verdict)
        case .reserved: return refuseReserved(publish, topic, client, bytes)
        case .refused(let reason, let words): return refuse(publish, topic, client, reason, words)
        }
        if case .counted(let name, let byteCount, let added) = retention {
            intake.pendingRetained.begin(name, of: owner, byteCount: byteCount, adding: added)
        }
        client.isPublisher = true
        switch publish.qos {
        case .atMostOnce: break
        case .atLeastOnce: acknowledge(client, .puback, publish.packetID)
        case .exactlyOnce:
            if client.isPersistent { recordReceived(client, publish.packetID) }
            acknowledge(client, .pubrec, publish.packetID)
        }
        if intake.isFull { submit() }
    }

    /// Tells a client that it may not publish to a topic.
    private func deny(_ publish: PublishAction, _ topic: Span<UInt8>, _ client: Client, _ verdict: Verdict) {
        let key = Array(copying: topic)
        reportDenial(client, "publish to \(String(decoding: key, as: UTF8.self))", verdict, key: key)
        refuse(publish, topic, client, .notAuthorized, "not authorized", isReported: true)
    }

    /// Some `$` topics belong to the broker: `$SYS` is read only, and the others are requests.
    private func refuseReserved(_ publish: PublishAction, _ topic: Span<UInt8>, _ client: Client, _ bytes: Span<UInt8>)
    {
        let name = String(decoding: topic.copy(ByteRange(start: 0, byteCount: topic.count)), as: UTF8.self)
        let isState = Self.isBridgeState(topic)
        if let access = client.access {
            let verdict = isState ? access.rights.mayPublish(topic) : access.rights.mayAdminister
            guard verdict.isAllowed else { return deny(publish, topic, client, verdict) }
        }
        if isState { tellBridgeState(Array(name.utf8), bytes.copy(publish.payload)) }
        guard isState || answerRequest(name, publish, client, bytes) else {
            return refuse(publish, topic, client, .notAuthorized, "the topic is the broker's own")
        }
        passOver(publish, client)
    }

    /// Tells a client that its message is not taken: with a reason where its protocol has one; an older client hears
    /// that it was, since it would send it again and again [MQTT-3.3.5-2].
    private func refuse(
        _ publish: PublishAction, _ topic: Span<UInt8>, _ client: Client, _ reason: ReasonCode, _ words: String,
        isReported: Bool = false
    ) {
        let name = String(decoding: Array(copying: topic), as: UTF8.self)
        counters.refusedMessages.add(reason)
        if !isReported {
            report(.publishRefused, "\(who: client): publish to \(name, as: .topic) refused, \(words, as: .reason)")
        }
        note(client, "to publish to \(name)", refused: words)
        switch publish.qos {
        case .atMostOnce: return
        case .atLeastOnce:
            refuse(client, .puback, publish.packetID, reason, words)
            client.session.acknowledged(publishCount: 1)
        case .exactlyOnce:
            refuse(client, .pubrec, publish.packetID, reason, words)
            if case .v5 = client.version { client.session.refused(publish.packetID) }
        }
    }

    /// Notes an acknowledgement of success, to leave when this tick's append has reached its durability.
    @inline(__always)
    func acknowledge(_ client: Client, _ kind: AcknowledgementKind, _ id: PacketID) {
        assert(id != .none, "what is acknowledged has an identifier [MQTT-2.2.1-3]")
        let firstByte = UInt32(kind.rawValue << 4 | (kind == .pubrel ? 2 : 0))
        if kind == .pubrec { client.unsettledReceiptCount += 1 }
        if acks.current.isEmpty { acks.current.time = exactTime }
        acks.current.add(
            client, firstByte << 24 | 2 << 16 | UInt32(id.rawValue), ends: kind == .puback, receives: kind == .pubrec)
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
        releaseIdentifiers()
    }

    private func submitMessages() {
        let ticket = intake.submit(to: log, from: loop, peers)
        wills.commit(ticket)
        guard !acks.current.isEmpty else { return }
        acks.commit(ticket ?? log.fence(from: loop))
    }

    /// A message came again: it is acknowledged no sooner than its first copy, which another shard may have appended
    /// just now. What this tick has taken in besides waits for its own append, which may be refused.
    func acknowledgeRepeated(_ client: Client, _ id: PacketID) {
        submit()
        assert(acks.current.isEmpty, "what waits for an append was closed with it")
        acknowledge(client, .pubrec, id)
        acks.commit(log.fence(from: loop))
    }

    /// Appends what has changed of sessions.
    func submitState() {
        sessions.submit(to: log, from: loop)
    }

    // MARK: Settlements

    /// Does what has waited for appends that the log has said something of.
    func settle() {
        guard waitsForSettlement else { return }
        assert(settlements.isEmpty, "settlements are worked through before there are more")
        log.takeSettlements(of: loop, into: &settlements)
        guard !settlements.isEmpty else { return }
        assert(
            zip(settlements, settlements.dropFirst()).allSatisfy { $0.ticket < $1.ticket },
            "appends settle in the order of their tickets")
        for settlement in settlements {
            intake.settle(settlement, peers)
            if let group = wills.pop(settlement.ticket) { settle(group, settlement.outcome) }
            if let group = acks.pop(settlement.ticket) { settle(group, settlement.outcome) }
            if let group = sessions.pop(settlement.ticket) { settle(group, settlement.outcome) }
        }
        settlements.removeAll(keepingCapacity: true)
    }

    private func settle(_ group: AckQueue.Group, _ outcome: Settlement.Outcome) {
        switch outcome {
        case .stored, .duplicate: release(group)
        case .refused(.full): refuse(group, .quotaExceeded)
        case .refused(.failed), .refused(.outOfOrder), .refused(.fenced), .refused(.unknownStream):
            refuse(group, .unspecifiedError)
        }
        for run in group.runs where run.receiptCount > 0 { settleReceipts(run) }
        acks.recycle(group)
    }

    /// What a client has sent at QoS 2 was received, or was not: when it is gone, its session can be somebody else's.
    private func settleReceipts(_ run: AckQueue.Run) {
        let client = run.client
        client.unsettledReceiptCount -= run.receiptCount
        assert(client.unsettledReceiptCount >= 0, "what settles has waited")
        guard client.unsettledReceiptCount == 0, clients.takeUnsettled(client.number) != nil else { return }
        giveUpIdentifier(client)
    }

    /// Changes of sessions are durable, or cannot be.
    private func settle(_ group: SessionBook.Group, _ outcome: Settlement.Outcome) {
        guard case .refused = outcome else { return release(group) }
        // The reserve is used up, or the log takes nothing any more: what was promised durable cannot be.
        for work in group.work {
            switch work {
            case .open(let client): terminate(client, .unspecifiedError, Self.stateRefusal)
            case .output(let client, let range):
                client.deferredByteCount -= range.count
                assert(client.deferredByteCount >= 0, "no more leaves than waited")
                terminate(client, .unspecifiedError, Self.stateRefusal)
            case .trim: break
            case .move(let reader): readers.stall(reader)
            }
        }
    }

    private static let stateRefusal = "what its session must have on record cannot be stored"

    private func release(_ group: SessionBook.Group) {
        for work in group.work {
            switch work {
            case .open(let client): finishOpening(client)
            case .output(let client, let range):
                client.deferredByteCount -= range.count
                assert(client.deferredByteCount >= 0, "no more leaves than waited")
                guard !client.isClosing else { continue }
                group.append(range, to: &client.output)
                markDirty(client)
            case .trim(let offset): if let partition = sessions.partition { log.trim(partition, before: offset) }
            case .move(let reader): queue(reader)
            }
        }
    }

    /// Sends acknowledgements whose messages are as durable as their streams promise.
    private func release(_ group: AckQueue.Group) {
        counters.publishTime.record(nanoseconds: exactTime - group.time, count: group.bytes.count / 4)
        unsafe group.bytes.withUnsafeBytes { bytes in
            for run in group.runs where !run.client.isClosing {
                assert(run.start + run.byteCount <= bytes.count, "a run lies in its group's bytes")
                assert(run.endedCount * 4 <= run.byteCount, "a flow ends with an acknowledgement")
                counters.answersSent += UInt64(run.byteCount / 4)
                unsafe run.client.output.append(
                    UnsafeRawBufferPointer(rebasing: bytes[run.start..<run.start + run.byteCount]))
                if run.endedCount > 0 {
                    run.client.session.acknowledged(publishCount: run.endedCount)
                    if run.client.isPostponed { continueReading(run.client) }
                }
                markDirty(run.client)
            }
        }
    }

    /// Nothing of the tick was stored. MQTT 5 clients are told with each message; others have no way to hear it, and a
    /// connection that ends unacknowledged makes them send again.
    private func refuse(_ group: AckQueue.Group, _ reason: ReasonCode) {
        counters.refusedMessages.add(reason, count: UInt64(group.bytes.count / 4))
        for run in group.runs {
            let client = run.client
            guard !client.isClosing else {
                forgetRefused(run, of: group)
                continue
            }
            note(
                client, "to publish", refused: Self.meaning(ofRefusal: reason), count: max(1, run.byteCount / 4))
            guard client.version == .v5 else {
                forgetRefused(run, of: group)
                let cause = "its publishes cannot be stored"
                report(.clientClosed, "\(who: client): closed, \(cause, as: .reason)")
                terminate(client, reason, cause)
                continue
            }
            for at in stride(from: run.start, to: run.start + run.byteCount, by: 4) {
                let (kind, id) = group.acknowledgement(at: at)
                refuse(client, kind, id, reason)
            }
        }
    }

    /// What was not stored was not received: when it comes again on the session it is no repetition. The session of a
    /// client that is gone is where it was left: nobody takes it before its appends have settled.
    private func forgetRefused(_ run: AckQueue.Run, of group: AckQueue.Group) {
        guard run.receiptCount > 0 else { return }
        for at in stride(from: run.start, to: run.start + run.byteCount, by: 4) {
            let (kind, id) = group.acknowledgement(at: at)
            guard kind == .pubrec else { continue }
            run.client.session.refused(id)
            guard run.client.hasClaim, run.client.isClosing else { continue }
            peers.withDirectory { $0.forget(received: id, of: run.client.clientID) }
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
            if client.isPostponed { continueReading(client) }
        case .pubrec:
            refuse(client, .pubrec, id, reason, text)
            client.session.refused(id)
        case .pubrel, .pubcomp, nil:
            // A PUBREL whose release could not be stored: without PUBCOMP the client asks again.
            terminate(client, reason, text)
        }
    }
}
