import Bridging
import LogInterface
import RecordFormat
import SluiceCore

/// From the log to the upstream.
extension BridgeRunner {
    /// Bytes that are read of a partition at a time.
    private static let readBytesMax = 256 << 10
    /// Partitions that are read at a time: with their batches, a megabyte.
    private static let loadedMax = 4
    /// Records looked at in a tick, so that what came from upstream gets its turn.
    private static let recordsMax = 8192

    // MARK: Reading

    /// Whether more could be handed over, or looked at, right now.
    var isPumpReady: Bool {
        guard map.isOut, mayForward, connection.isConnected && window.isOpen || connection.isIdle else {
            return false
        }
        return sources.contains { !$0.cursor.isEmpty }
    }

    /// Whether no trial, no loop that one has found and no end of the node stands in the way.
    private var mayForward: Bool { pause == nil && loopFound == nil && !isDraining }

    /// Whether its pace lets it hand over another message now.
    private var isInPace: Bool { paceDue == nil }

    /// Whether everything durable was read.
    var isAtEnd: Bool {
        sources.allSatisfy {
            $0.cursor.isEmpty && $0.cursor.awaited == nil && $0.next >= log.bounds($0.partition).highWatermark
        }
    }

    /// How many messages wait, as far as a lazy bridge has looked.
    var waitingCount: Int64 {
        if connection.isIdle { return Int64(lazyCount) }
        if !inflight.isEmpty { return Int64(inflight.count) }
        return isAtEnd ? 0 : 1
    }

    /// Hands over what the window takes; while lazy, counts what there would be.
    func pump() {
        guard map.isOut else { return }
        if connection.isIdle { return look(for: settings.threshold) }
        pace.elapsed(now: now)
        elapseCatchUp()
        guard connection.isConnected, window.isOpen, mayForward, isInPace else { return }
        var budget = Self.recordsMax
        var idle = 0
        while idle < sources.count, budget > 0, window.isOpen, connection.isConnected, mayForward, isInPace {
            let index = nextSource
            nextSource = (nextSource + 1) % sources.count
            load(index)
            guard !sources[index].cursor.isEmpty else {
                idle += 1
                continue
            }
            idle = 0
            forward(index, &budget)
        }
    }

    private func look(for threshold: Int) {
        var budget = Self.recordsMax
        for index in sources.indices where lazyCount < threshold && budget > 0 {
            if sources[index].cursor.isEmpty { load(index) }
            while lazyCount < threshold, budget > 0, let batch = firstBatch(index) {
                count(batch, at: index, &budget)
            }
        }
    }

    private func count(_ batch: RecordBatch, at index: Int, _ budget: inout Int) {
        let bytes = batch.bytes
        var records = sources[index].cursor.records ?? RecordReader(batch)
        while budget > 0, let record = next(&records, bytes) {
            budget -= 1
            let offset = batch.baseOffset.advanced(by: record.offsetDelta)
            if offset >= sources[index].next, outgoing(record, bytes, at: offset, sources[index], batch) != nil {
                if sources[index].looked == nil { sources[index].looked = offset }
                lazyCount += 1
            }
            sources[index].pass(offset.advanced(by: 1))
        }
        sources[index].cursor.records = records
        if budget > 0 { sources[index].finishBatch() }
    }

    /// Reads on in a partition, from memory or in the background.
    private func load(_ index: Int) {
        if sources[index].cursor.isEmpty, let ahead = sources[index].ahead {
            sources[index].ahead = nil
            received(ahead, index)
        }
        let source = sources[index]
        guard source.cursor.awaited == nil, source.ahead == nil, source.sought == nil else { return }
        if !source.cursor.isEmpty {
            guard source.isBehind, source.looked == nil, source.cursor.batches.count <= 2 else { return }
            return prefetch(index, from: source.cursor.readEnd)
        }
        guard source.next < log.bounds(source.partition).highWatermark else { return }
        let loaded = sources.count { !$0.cursor.isEmpty || $0.cursor.awaited != nil }
        guard loaded < Self.loadedMax else { return }
        let read = sources[index].cursor.load(
            from: source.next, visibility: .durable, selection: selection, byteCountMax: Self.readBytesMax, by: &reads)
        sources[index].isBehind = read == nil
        if let read { received(read, index) }
    }

    /// Reads on in the background while there is something in hand.
    private func prefetch(_ index: Int, from offset: Offset) {
        guard offset < log.bounds(sources[index].partition).highWatermark else { return }
        let number = sources[index].cursor.fetch(
            from: offset, selection: selection, byteCountMax: Self.readBytesMax, by: &reads)
        assert(sources[index].cursor.awaited == number)
    }

    private func received(_ read: PartitionRead, _ index: Int) {
        let removed = sources[index].received(read)
        if removed > 0 {
            isCheckpointDirty = true
            let source = sources[index]
            report(
                .bridgeRecordsLost,
                "bridge \(settings.name, as: .bridge): retention took \(removed, as: .count) records of "
                    + "\(source.stream, as: .stream)-\(source.number, as: .partition) before they were looked at, "
                    + "those of other topics counted")
        }
        if read.damagedByteCount > 0 {
            report(
                .bridgeDamagePassedOver,
                "bridge \(settings.name, as: .bridge): \(read.damagedByteCount, as: .bytes) damaged bytes were passed "
                    + "over in \(sources[index].stream, as: .stream)-\(sources[index].number, as: .partition)")
        }
    }

    func takeFetched() {
        for (number, read) in reads.takeFetched() {
            if let index = assured.firstIndex(where: { $0.ticket == number }) {
                assured[index].ticket = nil
                // What cannot be read now is not gone: it is looked for again.
                if !read.isFailed { recover(index, read) }
                continue
            }
            if let index = sources.firstIndex(where: { $0.timing == number }) {
                sources[index].timing = nil
                timed(index, read.batches.first)
                continue
            }
            guard let index = sources.firstIndex(where: { $0.cursor.awaited == number }) else { continue }
            sources[index].cursor.answered()
            if sources[index].sought != nil {
                guard !read.isFailed else { continue }
                sources[index].progress.sought(read.nextOffset)
                sources[index].reset()
                isCheckpointDirty = true
            } else if sources[index].cursor.isEmpty {
                received(read, index)
            } else {
                sources[index].ahead = read
            }
        }
    }

    // MARK: Forwarding

    /// Hands over records of the first batch of a source.
    private func forward(_ index: Int, _ budget: inout Int) {
        guard let batch = firstBatch(index) else { return }
        let bytes = batch.bytes
        var records = sources[index].cursor.records ?? RecordReader(batch)
        while budget > 0, window.isOpen, mayForward, isInPace {
            let before = records
            guard let record = next(&records, bytes) else {
                sources[index].finishBatch()
                return
            }
            budget -= 1
            let offset = batch.baseOffset.advanced(by: record.offsetDelta)
            guard offset >= sources[index].progress.read else { continue }
            if !forward(record, bytes, at: offset, index, batch) {
                sources[index].cursor.records = before
                return
            }
        }
        sources[index].cursor.records = records
    }

    /// - Returns: false when the record was not taken.
    private func forward(
        _ record: RecordView, _ bytes: Span<UInt8>, at offset: Offset, _ index: Int, _ batch: RecordBatch
    ) -> Bool {
        guard !sources[index].progress.isDone(offset) else {
            sources[index].progress.settled(offset, as: .forwarded)
            return true
        }
        guard let message = outgoing(record, bytes, at: offset, sources[index], batch) else {
            sources[index].progress.passed(offset.advanced(by: 1))
            return true
        }
        if message.qos == .exactlyOnce, assured.contains(where: { $0.source == index && $0.offset == offset }) {
            // An earlier connection sent it, and this one has again, under the identifier that it had.
            sources[index].progress.sent(offset, isResumed: true)
            return true
        }
        return send(message, at: offset, index, recordTime: KafkaMessage.time(of: record, in: batch))
    }

    /// When a record was stored, on the clock that never goes back.
    private func storeTime(_ recordTime: Timestamp) -> Int64 {
        now - max(0, wallClock.rawValue - recordTime.rawValue) * 1_000_000
    }

    private func send(_ message: BridgeMessage, at offset: Offset, _ index: Int, recordTime: Timestamp) -> Bool {
        // A fixed header of five bytes, two lengths of two, a packet identifier.
        let byteCount = message.topic.count + message.payload.count + 9
        if let most = settings.messageBytesMax, byteCount > most {
            refuse(message.topic, "it has \(byteCount) bytes, and packet_size is \(most)")
            sources[index].progress.settled(offset, as: .refused)
            isCheckpointDirty = true
            return true
        }
        switch upstream.publish(message) {
        case .taken(let packetID):
            sources[index].progress.sent(offset, storedAt: recordTime)
            track(packetID, message, at: offset, index)
            watch(message.topic, message.payload, .out, storedAt: storeTime(recordTime))
            return true
        case .unconnected: return false
        case .impossible(let reason):
            refuse(message.topic, reason)
            sources[index].progress.settled(offset, as: .refused)
            isCheckpointDirty = true
            return true
        }
    }

    private func track(_ packetID: UInt16, _ message: BridgeMessage, at offset: Offset, _ index: Int) {
        let byteCount = message.payload.count + message.topic.count
        assert(inflight[packetID] == nil, "an identifier is one message's while that is on its way")
        assert(offset < sources[index].progress.read, "what is on its way was read")
        inflight[packetID] = Outgoing(source: index, offset: offset, byteCount: byteCount, topic: message.topic)
        if window.unacknowledged == 0 { lastAnswer = now }
        window.sent(byteCount)
        pace.took(byteCount: byteCount)
        catchUp?.pace.took()
        catchUp?.sentCount += 1
        if unnoted.last != index { unnoted.append(index) }
        lastPacketID = packetID
        guard message.qos == .exactlyOnce else { return }
        assured.append(
            Assured(packetID: packetID, source: index, offset: offset, isReceived: false, message: message))
        isCheckpointDirty = true
        mustHold = true
    }

    /// Forwards what the broker's own topics say, which no log has: at QoS 0, and only what there is now.
    package func forward(_ topics: [SystemTopic]) {
        guard connection.isConnected, mayForward else { return }
        for topic in topics {
            guard let mapped = map.outward(topic.topic.span) else { continue }
            // Nobody waits for its answer, and what is told next makes it old.
            _ = upstream.publish(
                BridgeMessage(
                    topic: mapped.topic, payload: topic.payload, qos: .atMostOnce,
                    isRetained: settings.retainsOutgoing))
        }
    }

    /// The message that a record becomes; nil when it stays here.
    func outgoing(
        _ record: RecordView, _ bytes: Span<UInt8>, at offset: Offset, _ source: BridgeSource, _ batch: RecordBatch
    ) -> BridgeMessage? {
        if batch.isFromKafka { return outgoing(foreign: record, bytes, at: offset, source, batch) }
        guard let stored = StoredMessage(record, in: bytes) else { return nil }
        // What the bridge itself took in does not go back.
        if let origin = stored.clientID {
            let own = Array(settings.localClientID.utf8)
            if bytes.extracting(origin.indices).isEqual(to: own.span) { return nil }
        }
        guard let mapped = map.outward(bytes.extracting(stored.topic.indices)) else { return nil }
        let age = max(0, (wallClock.rawValue - KafkaMessage.time(of: record, in: batch).rawValue) / 1000)
        if let expiry = stored.expirySeconds, age >= Int64(expiry) { return nil }
        var message = BridgeMessage(
            topic: mapped.topic, payload: Array(copying: bytes.extracting(stored.payload.indices)),
            qos: min(mapped.qos, BridgeQoS(stored.qos)),
            isRetained: stored.isRetained && settings.retainsOutgoing)
        switch settings.version {
        case .v311: break
        case .v5:
            if stored.hasProperties {
                message.properties = stored.properties(
                    record, in: bytes, expiryLeft: stored.expirySeconds.map { UInt32(clamping: Int64($0) - age) })
            }
            HopCount.mark(&message.properties, node: node)
        }
        return message
    }

    func next(_ records: inout RecordReader, _ bytes: Span<UInt8>) -> RecordView? {
        do throws(BatchError) { return try records.next(bytes) } catch {
            report(
                .bridgeBatchPassedOver,
                "bridge \(settings.name, as: .bridge): a batch is passed over, \(error, as: .reason)")
            return nil
        }
    }

    private func refuse(_ topic: [UInt8], _ reason: String) {
        let cause = UpstreamFailure.Cause.topic.rawValue
        let name = String(decoding: topic, as: UTF8.self)
        let text = "\(cause): '\(name)' is passed over: \(reason)"
        if refusals.count < 10, !refusals.contains(text) {
            refusals.append(text)
            report(
                .bridgeMessageRefused,
                "bridge \(settings.name, as: .bridge): \(cause): '\(name, as: .topic)' is passed over: "
                    + "\(reason, as: .reason)")
        }
    }

    // MARK: Answers

    /// A publish is over.
    func finished(_ packetID: UInt16, _ reason: UInt8) {
        lastAnswer = now
        let known = inflight.removeValue(forKey: packetID)
        let wasAssured = assured.firstIndex { $0.packetID == packetID }
        let place =
            wasAssured.map { (assured[$0].source, assured[$0].offset) }
            ?? known.map { ($0.source, $0.offset) }
        if let index = wasAssured { assured.remove(at: index) }
        guard let (source, offset) = place else { return }
        let refusal = PublishRefusal(code: reason)
        let topic = known?.topic ?? []
        if let refusal, refusal.isPassing || settings.refused == .hold {
            return refused(source, offset, topic, refusal)
        }
        answered(source, offset)
        let before = sources[source].progress.unsettledCount
        sources[source].progress.acknowledged(offset, as: refusal == nil ? .forwarded : .refused)
        window.settled(before - sources[source].progress.unsettledCount)
        if let known { window.finished(known.byteCount) }
        if unnoted.last != source { unnoted.append(source) }
        isCheckpointDirty = true
        if let refusal { refuse(topic, refusal.description) }
    }

    /// The upstream did not take a message that has to go again.
    private func refused(_ source: Int, _ offset: Offset, _ topic: [UInt8], _ refusal: PublishRefusal) {
        isCheckpointDirty = true
        // At QoS 2 what was taken behind it must not go again, and so this comes after it.
        if window.isNoted { sources[source].progress.refused(offset) }
        probe = (source, offset)
        let text = "'\(String(decoding: topic, as: UTF8.self))' is not taken, and is tried again: \(refusal)"
        backOff(UpstreamFailure(refusal.isPassing ? .full : .topic, text))
    }

    /// Notes where it is in the partitions that were sent or acknowledged something. Without notes the window waits for
    /// checkpoints; at QoS 2 everything does.
    func note() {
        guard window.isNoted, !unnoted.isEmpty else { return unnoted.removeAll(keepingCapacity: true) }
        for index in unnoted {
            let progress = sources[index].progress
            let entry = BridgeNotes.entry(
                epoch: epoch,
                BridgeNotes.Note(position: progress.position, counts: progress.counts, sentEnd: progress.sentEnd))
            guard notebook.write(entry, at: index * BridgeNotes.entryByteCount) else {
                window.isNoted = false
                break
            }
        }
        unnoted.removeAll(keepingCapacity: true)
    }

    /// The upstream has a QoS 2 publish, and is told that it may forget the identifier when that is on record.
    func received(_ packetID: UInt16) {
        lastAnswer = now
        guard let index = assured.firstIndex(where: { $0.packetID == packetID }), !assured[index].isReceived else {
            return
        }
        assured[index].isReceived = true
        isCheckpointDirty = true
        mustHold = true
    }

    /// The connection is gone: what it has not finished goes again, and at QoS 2 under the same identifiers.
    func forgetConnection() {
        inflight.removeAll()
        catchUp = nil
        subscriptions.removeAll()
        window.lost()
        forgetLoops()
        for index in sources.indices {
            sources[index].progress.lost()
            sources[index].reset()
        }
        lazyCount = 0
        tellState(isConnected: false)
    }

    /// Before an attempt: what is on its way at QoS 2 counts as such again.
    func rewind() {
        lastAnswer = now
        assert(inflight.isEmpty && window.unacknowledged == 0, "an attempt begins with nothing on its way")
        for index in sources.indices { sources[index].reset() }
        lazyCount = 0
        for message in assured {
            let byteCount = message.message.map { $0.payload.count + $0.topic.count } ?? 0
            inflight[message.packetID] = Outgoing(
                source: message.source, offset: message.offset, byteCount: byteCount,
                topic: message.message?.topic ?? [])
            window.sent(byteCount)
        }
    }

    /// The upstream that has forgotten the session gets again what it had acknowledged halfway: it may have lost it.
    func sendAssuredAgain(_ isSessionPresent: Bool) {
        guard !isSessionPresent else { return }
        for message in assured where message.isReceived {
            guard let content = message.message, case .taken(let packetID) = upstream.publish(content) else { return }
            let known = inflight.removeValue(forKey: message.packetID)
            assured.removeAll { $0.packetID == message.packetID }
            inflight[packetID] = known
            sources[message.source].progress.sentAgain()
            assured.append(
                Assured(
                    packetID: packetID, source: message.source, offset: message.offset, isReceived: false,
                    message: content))
            lastPacketID = packetID
            isCheckpointDirty = true
            mustHold = true
        }
    }

    // MARK: After a crash

    /// Reads what an earlier process left halfway.
    func fetchAssured() {
        for index in assured.indices where assured[index].message == nil && assured[index].ticket == nil {
            assured[index].ticket = reads.fetch(
                sources[assured[index].source].partition, from: assured[index].offset, byteCountMax: 1)
        }
    }

    private func recover(_ index: Int, _ read: PartitionRead) {
        let wanted = assured[index]
        assert(wanted.ticket == nil && wanted.message == nil, "what was found is not looked for")
        for batch in read.batches.compactMap(plain) {
            let bytes = batch.bytes
            var records = RecordReader(batch)
            while let record = next(&records, bytes) {
                let offset = batch.baseOffset.advanced(by: record.offsetDelta)
                guard offset == wanted.offset else { continue }
                assured[index].message = outgoing(record, bytes, at: offset, sources[wanted.source], batch)
            }
        }
        guard assured[index].message == nil else { return }
        // Retention took it, or it has expired, or the bridge's topics changed: that is found again, and counted then.
        assured.remove(at: index)
        isCheckpointDirty = true
    }
}

extension StoredMessage {
    /// What the record's headers stand for.
    func properties(_ record: RecordView, in bytes: Span<UInt8>, expiryLeft: UInt32?) -> MessageProperties {
        var properties = MessageProperties()
        properties.expirySeconds = expiryLeft
        var headers = HeaderReader(record)
        while let (name, value) = headers.next(bytes) {
            let content = Array(copying: bytes.extracting(value.indices))
            if Self.isName(name, MessageHeader.payloadFormat, bytes) {
                properties.payloadFormat = content == [UInt8(ascii: "1")] ? 1 : 0
            } else if Self.isName(name, MessageHeader.contentType, bytes) {
                properties.contentType = content
            } else if Self.isName(name, MessageHeader.responseTopic, bytes) {
                properties.responseTopic = content
            } else if Self.isName(name, MessageHeader.correlationData, bytes) {
                properties.correlationData = content
            } else {
                let whole = Array(copying: bytes.extracting(name.indices))
                let prefix = Array(MessageHeader.userPrefix.utf8)
                if whole.starts(with: prefix) {
                    properties.user.append((Array(whole.dropFirst(prefix.count)), content))
                }
            }
        }
        return properties
    }
}
