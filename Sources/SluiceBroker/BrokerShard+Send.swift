import LogInterface
import MQTTSession
import MQTTWire
import RecordFormat
import SluiceCore

/// One delivery: a record on its way into a client's output.
extension BrokerShard {
    /// A record on its way to subscribers.
    struct Delivery {
        let batch: RecordBatch
        let record: RecordView
        let message: StoredMessage
        let partition: PartitionID
        var offset: Offset { batch.baseOffset.advanced(by: record.offsetDelta) }
        var token: DeliveryToken { DeliveryToken(partition, offset) }
        var timestamp: Timestamp {
            Timestamp(rawValue: BatchLayout.baseTimestamp(batch.bytes).rawValue &+ Int64(record.timestampDelta))
        }
    }

    /// What a PUBLISH says of itself.
    struct PublishFlags {
        var packetID = PacketID.none
        var qos: QoS
        var retain: Bool
        /// Whether it may have been sent before, to this client or to another member of its group.
        var duplicate = false
        /// Whether an earlier connection of the session sent it, and its step is on record.
        var isResumed = false
    }

    enum SendOutcome {
        case done
        /// It is not for this reader, has expired, or is larger than its client takes: there is nothing to send.
        case passedOver
        case full
    }

    /// Gives a record to a reader's sink.
    func send(
        _ delivery: Delivery, to target: MatchList.Target, _ bytes: Span<UInt8>, isRetained: Bool = false
    ) -> SendOutcome {
        target.reader.sink.take(delivery, for: target, bytes, isRetained: isRetained, from: self)
    }

    /// As `send`, with the bytes of the record's own batch.
    func send(_ delivery: Delivery, to target: MatchList.Target) -> SendOutcome {
        let batch = delivery.batch
        return send(delivery, to: target, batch.bytes)
    }

    /// Puts a message into a client's output, unless its window or its output is full.
    /// - Parameter isRetained: whether it is a retained message for a new subscription.
    func send(
        _ delivery: Delivery, to target: MatchList.Target, _ bytes: Span<UInt8>, _ client: Client, isRetained: Bool
    ) -> SendOutcome {
        assert(target.reader.client === client && !client.isClosing, "a record goes to its reader's client")
        // What is in flight comes to its end before the node does.
        if isDraining, target.visibility == .durable { return .full }
        let waiting = client.output.count + client.deferredByteCount
        guard waiting < memory.outputBytesAllowed else {
            client.hasBlockedReader = true
            return .full
        }
        // What an earlier connection left unfinished goes first [MQTT-4.6.0-1].
        if client.redelivery != nil, target.visibility == .durable { return .full }
        guard mayRead(bytes.extracting(delivery.message.deliveredTopic(bytes).indices), client, target.reader) else {
            counters.deliveriesSkipped += 1
            return .passedOver
        }
        if case .member(let membership) = target.reader.kind {
            return send(delivery, to: target, bytes, of: membership)
        }
        let message = delivery.message
        if target.noLocal, let origin = message.clientID {
            let name = client.clientID
            if bytes.extracting(origin.indices).isEqual(to: name.span) { return .passedOver }
        }
        guard isWanted(delivery, target, client, bytes) else {
            counters.deliveriesSkipped += 1
            return .passedOver
        }
        var flags = PublishFlags(
            qos: min(message.qos, target.qos), retain: isRetained || target.retainAsPublished && message.isRetained)
        if flags.qos != .atMostOnce {
            guard let free = client.session.send(qos: flags.qos, token: delivery.token.rawValue) else { return .full }
            flags.packetID = free
            if client.isPersistent {
                note(delivery.token, delivery, isLive: target.reader === client.liveReader, client, flags)
            }
        }
        encode(delivery, target, bytes, client, flags)
        return .done
    }

    /// As `send`, to a member of a consumer group, which keeps book of what it was sent.
    private func send(
        _ delivery: Delivery, to target: MatchList.Target, _ bytes: Span<UInt8>, of membership: GroupMembership
    ) -> SendOutcome {
        let client = membership.client
        let standing = membership.standing(delivery.partition, delivery.offset)
        if standing == .done { return .passedOver }
        guard isWanted(delivery, target, client, bytes) else {
            counters.deliveriesSkipped += 1
            return .passedOver
        }
        var flags = PublishFlags(
            qos: min(delivery.message.qos, target.qos),
            retain: target.retainAsPublished && delivery.message.isRetained)
        guard flags.qos != .atMostOnce else {
            membership.sent(delivery.partition, delivery.offset)
            encode(delivery, target, bytes, client, flags)
            membership.acknowledged(delivery.partition, delivery.offset)
            markDirty(membership)
            return .done
        }
        let token = DeliveryToken(delivery.partition, delivery.offset, kind: .group)
        guard let id = client.session.send(qos: flags.qos, token: token.rawValue) else { return .full }
        flags.packetID = id
        flags.duplicate = standing == .repeated
        client.groupInFlight[token.rawValue, default: []].append(membership)
        membership.sent(delivery.partition, delivery.offset)
        if client.isPersistent { note(token, delivery, isLive: false, client, flags) }
        encode(delivery, target, bytes, client, flags)
        return .done
    }

    /// Whether a message has not expired and is no larger than its client takes; otherwise it counts as delivered.
    func isWanted(
        _ delivery: Delivery, _ target: MatchList.Target?, _ client: Client, _ bytes: Span<UInt8>
    ) -> Bool {
        if let expiry = delivery.message.expirySeconds {
            guard (wallClock.rawValue - delivery.timestamp.rawValue) / 1000 < Int64(expiry) else { return false }
        }
        return fits(delivery, target, client, bytes)
    }

    /// Whether a message is no larger than its client takes.
    func fits(_ delivery: Delivery, _ target: MatchList.Target?, _ client: Client, _ bytes: Span<UInt8>) -> Bool {
        guard client.session.maximumPacketSize < UInt32.max else { return true }
        let message = delivery.message
        scratch.removeAll()
        if client.version == .v5 { appendProperties(delivery, target, bytes) }
        if client.session.topicAliasMaximum > 0 { PropertyWriter.append(.topicAlias, 1, to: &scratch) }
        let byteCount = PacketEncoder.publishEncodedSize(
            topicByteCount: Int(message.deliveredTopic(bytes).count), payloadByteCount: Int(message.payload.count),
            propertiesByteCount: scratch.count, qos: min(message.qos, target?.qos ?? .exactlyOnce),
            version: client.version)
        return byteCount <= Int(client.session.maximumPacketSize)
    }

    /// Records what a crash must not undo of a delivery to a session that stays: the step of one at QoS 2, before the
    /// client sees it.
    func note(_ token: DeliveryToken, _ delivery: Delivery, isLive: Bool, _ client: Client, _ flags: PublishFlags) {
        assert(
            client.isPersistent && client.isRecorded, "a session that ends with its connection has nothing on record")
        assert(flags.packetID != .none)
        client.isProgressDirty = true
        guard flags.qos == .exactlyOnce else { return }
        if client.recordedIDs.contains(flags.packetID.rawValue) {
            // The identifier's last step would be forgotten, and with it that its message was sent.
            var session = stored(client)
            session.inflight.removeAll { $0.packetID == flags.packetID }
            session.stand(at: delivery.offset, in: delivery.partition, isLive: isLive)
            recordProgress(client, session, awaited: true)
        }
        recordStep(client, flags.packetID, token.rawValue, .awaitingPubrec, awaited: true)
    }

    /// A packet that is no delivery is in a client's output.
    func markAnswered(_ client: Client) {
        counters.answersSent += 1
        markDirty(client)
    }

    /// Encodes a PUBLISH; at QoS 2 to a session that stays it leaves when its step is durable, and what follows with
    /// it.
    func encode(
        _ delivery: Delivery, _ target: MatchList.Target?, _ bytes: Span<UInt8>, _ client: Client,
        _ flags: PublishFlags
    ) {
        assert(
            (flags.qos == .atMostOnce) == (flags.packetID == .none), "identifiers are for QoS 1 and 2 [MQTT-2.2.1-2]")
        assert(flags.qos != .atMostOnce || !flags.duplicate, "what comes at QoS 0 comes once [MQTT-3.3.1-2]")
        assert(
            !streams.isHidden(delivery.partition) || delivery.partition == retainedPartition
                || streams.isGone(delivery.partition), "the node's own streams are delivered to nobody")
        let message = delivery.message
        // What follows a message that waits must not overtake it, at whatever QoS.
        let isDeferred =
            client.deferredByteCount > 0 || flags.qos == .exactlyOnce && client.isPersistent && !flags.isResumed
        var topic = bytes.extracting(message.deliveredTopic(bytes).indices)
        scratch.removeAll()
        if client.version == .v5 {
            appendProperties(delivery, target, bytes)
            if !isDeferred, client.session.topicAliasMaximum > 0, appendAlias(client, topic) { topic = Span() }
        }
        let payload = bytes.extracting(message.payload.indices)
        if isDeferred {
            let start = sessions.current.bytes.count
            PacketEncoder.publish(
                into: &sessions.current.bytes, topic: topic, payload: payload, packetID: flags.packetID, qos: flags.qos,
                retain: flags.retain, duplicate: flags.duplicate, properties: scratch.bytes, version: client.version)
            sessions.deferOutput(client, from: start)
        } else {
            PacketEncoder.publish(
                into: &client.output, topic: topic, payload: payload, packetID: flags.packetID, qos: flags.qos,
                retain: flags.retain, duplicate: flags.duplicate, properties: scratch.bytes, version: client.version)
            markDirty(client)
        }
        counters.delivered.add(flags.qos)
        counters.deliveredBytes += UInt64(payload.count)
    }

    private func appendProperties(_ delivery: Delivery, _ target: MatchList.Target?, _ bytes: Span<UInt8>) {
        if delivery.message.hasProperties {
            let expiryLeft = delivery.message.expirySeconds.map { expiry in
                let age = max(0, (wallClock.rawValue - delivery.timestamp.rawValue) / 1000)
                return UInt32(clamping: Int64(expiry) - age)
            }
            StoredMessage.appendProperties(delivery.record, in: bytes, expiryLeft: expiryLeft, to: &scratch)
        }
        guard let target else { return }
        for identifier in target.identifiers {
            PropertyWriter.append(.subscriptionIdentifier, identifier, to: &scratch)
        }
        guard target.reader.isReplay else { return }
        appendUser("ts", String(delivery.timestamp.rawValue * 1000))
        if let key = delivery.record.key {
            let name = Array("key".utf8)
            PropertyWriter.append(userProperty: name.span, bytes.extracting(key.indices), to: &scratch)
        }
        appendUser("offset", "\(partitionNumber(delivery.partition)):\(delivery.offset.rawValue)")
    }

    private func appendUser(_ name: String, _ value: String) {
        let name = Array(name.utf8)
        let value = Array(value.utf8)
        PropertyWriter.append(userProperty: name.span, value.span, to: &scratch)
    }

    /// Appends the topic's alias, and gives it one while there are any left.
    /// - Returns: whether the client knows the alias already, so that the name may be left out.
    private func appendAlias(_ client: Client, _ topic: Span<UInt8>) -> Bool {
        let name = topic.copy(ByteRange(start: 0, byteCount: topic.count))
        if let alias = client.outboundAliases[name] {
            PropertyWriter.append(.topicAlias, UInt32(alias), to: &scratch)
            return true
        }
        let most = min(Int(client.session.topicAliasMaximum), settings.limits.topicAliasesMax)
        guard client.outboundAliases.count < most else { return false }
        let alias = UInt16(client.outboundAliases.count + 1)
        assert(alias <= client.session.topicAliasMaximum, "a client knows no more aliases than it says [MQTT-3.1.2-26]")
        client.outboundAliases[name] = alias
        PropertyWriter.append(.topicAlias, UInt32(alias), to: &scratch)
        return false
    }
}

extension StoredSession {
    /// Corrects a snapshot that is taken in the middle of a batch: the record at `offset` is being sent just now.
    mutating func stand(at offset: Offset, in partition: PartitionID, isLive: Bool) {
        guard isLive, let positions else { return }
        let others = positions.exceptions.filter { $0.partition != partition }
        self.positions = Positions(
            base: positions.base, exceptions: others + [Positions.Exception(partition: partition, offset: offset)])
    }
}
