import Bridging
import LogInterface
import MQTTWire
import SluiceCore
import Speaking
import TopicRouting

/// From the upstream into the log.
extension BridgeRunner {
    /// The answer to a subscription.
    func subscribed(_ packetID: UInt16, _ codes: [UInt8]) {
        guard let filter = subscriptions.removeValue(forKey: packetID) else { return }
        guard let code = codes.first, code >= 0x80 else { return }
        // 0x80 is all that MQTT 3.1.1 has.
        let reason: LogWords = PublishRefusal(code: code).map { ": \($0, as: .reason)" } ?? ""
        let text: LogWords =
            "\(UpstreamFailure.Cause.topic.rawValue): the upstream refuses the subscription "
            + "'\(String(decoding: filter, as: UTF8.self), as: .filter)'\(reason)"
        if refusals.count < 10 { refusals.append(text.text) }
        report(.bridgeSubscriptionRefused, "bridge \(settings.name, as: .bridge): \(text)")
    }

    /// A message came. It is acknowledged when it is durable, or when nobody here wants it.
    func received(_ message: BridgeMessage) {
        // Behind the end of a connection nothing is acknowledged, and all comes again.
        guard connection.isConnected, !withhold(message) else { return }
        accept(message, at: now)
    }

    /// - Parameter time: when it came.
    func accept(_ message: BridgeMessage, at time: Int64) {
        switch HopCount.verdict(message.properties, node: node) {
        case .take: break
        case .ownMessage:
            totals.looped += 1
            isCheckpointDirty = true
            return
        case .tooFar(let hops):
            totals.looped += 1
            isCheckpointDirty = true
            if totals.looped & (totals.looped - 1) == 0 {
                report(
                    .bridgeMessageLooped,
                    "bridge \(settings.name, as: .bridge): a message of "
                        + "'\(String(decoding: message.topic, as: UTF8.self), as: .topic)' "
                        + "passed \(hops, as: .hops) bridges and is not taken: there is a loop")
            }
            return
        }
        guard let mapped = map.inward(message.topic.span) else { return }
        assert(heldUntil == nil, "what comes is taken in when what came before may be acknowledged")
        let origin = Array(settings.localClientID.utf8)
        watch(mapped.topic, message.payload, .in, storedAt: time)
        var marked = message
        HopCount.markTaken(&marked.properties, node: node, upstream: upstreamNode)
        let refusal = store(marked, topic: mapped.topic, qos: min(mapped.qos, message.qos), origin: origin)
        if let refusal {
            totals.refused += 1
            isCheckpointDirty = true
            if refusals.count < 10 {
                let topic = String(decoding: message.topic, as: UTF8.self)
                refusals.append("'\(topic)' is not taken: \(refusal)")
                report(
                    .bridgeMessageUntaken,
                    "bridge \(settings.name, as: .bridge): '\(topic, as: .topic)' is not taken: "
                        + "\(refusal, as: .reason)")
            }
            return
        }
        receivedPending += 1
        // What came and its count are appended as one.
        isCheckpointDirty = true
        mustHold = true
    }

    /// Takes a message into the tick's append.
    /// - Parameter origin: who is on record as its publisher.
    /// - Returns: why it cannot be taken, if it cannot.
    private func store(_ message: BridgeMessage, topic: [UInt8], qos: BridgeQoS, origin: [UInt8]) -> String? {
        var properties = ByteBuffer()
        swap(&properties, &scratch)
        defer { swap(&properties, &scratch) }
        properties.removeAll()
        message.properties.append(to: &properties)
        do throws(MQTTDecodeError) {
            let incoming = IncomingMessage(
                topic: topic.span, payload: message.payload.span, properties: properties.bytes, qos: QoS(qos),
                isRetained: message.isRetained)
            switch try intake.store(incoming, under: nil, origin: origin, at: wallClock) {
            case .stored, .deadLettered: return nil
            case .reserved: return "the topic is the broker's own"
            case .denied: preconditionFailure("Cannot deny what is under no rules")
            case .refused(_, let words): return words
            }
        } catch {
            return "its topic here is none: \(error)"
        }
    }

    /// Tells upstream and here whether the bridge is connected, as mosquitto does.
    func tellState(isConnected: Bool) {
        guard settings.notifies, toldConnected != isConnected else { return }
        toldConnected = isConnected
        let payload = [UInt8(ascii: isConnected ? "1" : "0")]
        let topic = Array(settings.stateTopic.utf8)
        if topic.first == UInt8(ascii: "$") {
            let system = SystemTopic(settings.stateTopic, isConnected ? "1" : "0")
            for shard in 0..<peers.shardCount { peers.post(.bridgeState(system), to: shard) }
        } else {
            let message = BridgeMessage(topic: topic, payload: payload, qos: .atLeastOnce, isRetained: true)
            let origin = Array(settings.localClientID.utf8)
            if let reason = store(message, topic: topic, qos: .atLeastOnce, origin: origin) {
                report(
                    .bridgeStateUntold,
                    "bridge \(settings.name, as: .bridge): its state cannot be told on "
                        + "\(settings.stateTopic, as: .topic): \(reason, as: .reason)")
            }
        }
        guard !settings.notifiesLocallyOnly, connection.isConnected else { return }
        // Its answer is nobody's: a broker that refuses it has its reasons.
        _ = upstream.publish(BridgeMessage(topic: topic, payload: payload, qos: .atLeastOnce, isRetained: true))
    }

    /// Appends what came, and what must not be forgotten, as one.
    func commit() {
        // From the next append on: a batch that has begun has a list of all its topics, or none.
        defer { intake.isScanned = log.isScanned }
        // One checkpoint is on its way at a time, unless something waits for another.
        let isDue = window.wantsCheckpoint || now - lastCheckpoint >= Self.checkpointNanoseconds
        let isCheckpointed = isCheckpointDirty && (pendingCheckpoint == nil && isDue || mustHold)
        guard
            let ticket = intake.submit(
                to: log, from: loopID, peers, with: isCheckpointed ? checkpointAppend() : nil)
        else { return mustHold = false }
        assert(ticket > pendingCheckpoint ?? .none, "a newer checkpoint is of a later append")
        assert(ticket > heldUntil ?? .none, "who holds back already does so for longer, never for less")
        if isCheckpointed {
            isCheckpointDirty = false
            lastCheckpoint = now
            pendingCheckpoint = ticket
            window.checkpointed()
        }
        if mustHold { heldUntil = ticket }
        mustHold = false
        // A refusal is known at once, mostly.
        settle()
    }

    /// Why the log refuses appends, as far as it says so.
    var trouble: String { log.trouble.map { "\($0)" } ?? "it is full" }
}

extension MessageProperties {
    /// Appends them as MQTT 5 encodes them.
    func append(to buffer: inout ByteBuffer) {
        if let payloadFormat { PropertyWriter.append(.payloadFormatIndicator, UInt32(payloadFormat), to: &buffer) }
        if let expirySeconds { PropertyWriter.append(.messageExpiryInterval, expirySeconds, to: &buffer) }
        if let contentType { PropertyWriter.append(.contentType, contentType.span, to: &buffer) }
        if let responseTopic { PropertyWriter.append(.responseTopic, responseTopic.span, to: &buffer) }
        if let correlationData { PropertyWriter.append(.correlationData, correlationData.span, to: &buffer) }
        for pair in user { PropertyWriter.append(userProperty: pair.name.span, pair.value.span, to: &buffer) }
    }
}
