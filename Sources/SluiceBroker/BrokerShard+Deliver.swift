import Checksums
import CommitLog
import MQTTSession
import MQTTWire
import RecordFormat
import SluiceCore
import TopicRouting

/// From the log to the clients: the scan of the tail, and the readers that are behind it.
extension BrokerShard {
    /// Batches taken from the tail at a time; more wait for the next tick, so that sockets get their turn.
    private static let scanCountMax = 1024
    /// Bytes that a reader behind the tail takes at a time.
    private static let readBytesMax = 256 << 10
    /// Topics that are remembered as nobody's.
    private static let unmatchedMax = 1 << 16

    // MARK: The scan

    /// Delivers what is new in the tail to the readers that are live.
    /// - Returns: whether there may be more.
    func deliver() -> Bool {
        var isBehind = false
        if appendedCount > 0 { isBehind = scan(.appended) }
        if durableCount > 0 { isBehind = scan(.durable) || isBehind }
        return isBehind
    }

    private func scan(_ level: TailLevel) -> Bool {
        log.scan(reader, level, countMax: Self.scanCountMax, into: &tailEntries)
        for entry in tailEntries where mayMatch(entry, level) { deliver(entry, level) }
        let isBehind = tailEntries.count == Self.scanCountMax
        tailEntries.removeAll(keepingCapacity: true)
        return isBehind
    }

    private func unmatchedIndex(_ level: TailLevel) -> Int {
        switch level {
        case .appended: 0
        case .durable: 1
        }
    }

    private func mayMatch(_ entry: TailEntry, _ level: TailLevel) -> Bool {
        guard let hashes = entry.topicHashes, !hashes.isEmpty else { return true }
        let unmatched = unmatchedHashes[unmatchedIndex(level)]
        return hashes.contains { !unmatched.contains($0) }
    }

    private func deliver(_ entry: TailEntry, _ level: TailLevel) {
        let batch = entry.batch
        let bytes = batch.bytes
        var records = RecordReader(batch)
        while let record = next(&records, bytes, entry.partition) {
            guard let message = StoredMessage(record, in: bytes) else { continue }
            let list = matchList(bytes.extracting(message.topic.indices))
            guard list.has(level) else {
                noteUnmatched(bytes.extracting(message.topic.indices), level)
                continue
            }
            for target in list.targets where target.level == level {
                let delivery = Delivery(
                    batch: batch, record: record, message: message, partition: entry.partition)
                deliverLive(delivery, to: target, bytes)
            }
        }
    }

    /// The next record of a verified batch; one that does not decode is reported, and the rest of its batch passed
    /// over.
    private func next(_ records: inout RecordReader, _ bytes: Span<UInt8>, _ partition: PartitionID) -> RecordView? {
        do throws(BatchError) {
            return try records.next(bytes)
        } catch {
            report(.warning, "partition \(partition.rawValue): a batch is passed over, \(error)")
            return nil
        }
    }

    private func noteUnmatched(_ topic: Span<UInt8>, _ level: TailLevel) {
        let index = unmatchedIndex(level)
        if unmatchedHashes[index].count >= Self.unmatchedMax { unmatchedHashes[index] = [] }
        unmatchedHashes[index].insert(XXH3.hash(topic))
    }

    private func matchList(_ topic: Span<UInt8>) -> MatchList {
        if let list = matches.lookup(topic) { return list }
        let list = MatchList()
        trie.forEachMatch(of: topic) { list.add($0) }
        matches.insert(list, for: topic)
        return list
    }

    /// A record on its way to subscribers.
    struct Delivery {
        let batch: RecordBatch
        let record: RecordView
        let message: StoredMessage
        let partition: PartitionID
        var offset: Offset { batch.baseOffset.advanced(by: record.offsetDelta) }
    }

    private func deliverLive(_ delivery: Delivery, to target: MatchList.Target, _ bytes: Span<UInt8>) {
        let reader = target.reader
        guard !reader.client.isClosing, !reader.excludes(delivery.partition) else { return }
        if !reader.isLive && reader.lags(delivery.partition) { return }
        guard send(delivery, to: target, bytes) == .full else { return }
        switch target.level {
        case .appended:
            counters.deliveriesDropped += 1
            reader.client.droppedCount += 1
        case .durable: reader.addCursor(Reader.Cursor(partition: delivery.partition, offset: delivery.offset))
        }
    }

    // MARK: One delivery

    enum SendOutcome { case done, full }

    /// Puts a message into a client's output, unless its window or its output is full.
    private func send(_ delivery: Delivery, to target: MatchList.Target, _ bytes: Span<UInt8>) -> SendOutcome {
        let client = target.reader.client
        guard client.output.count < settings.limits.outputBytesMax else {
            client.hasBlockedReader = true
            return .full
        }
        let message = delivery.message
        if target.noLocal, let origin = message.clientID {
            let name = client.clientID
            if bytes.extracting(origin.indices).isEqual(to: name.span) { return .done }
        }
        var expiryLeft: UInt32?
        if let expiry = message.expirySeconds {
            let age = (wallClock.rawValue - timestamp(delivery).rawValue) / 1000
            guard age < Int64(expiry) else {
                counters.deliveriesSkipped += 1
                return .done
            }
            expiryLeft = UInt32(clamping: Int64(expiry) - max(0, age))
        }
        let qos = min(message.qos, target.qos)
        scratch.removeAll()
        if client.version == .v5 { appendProperties(delivery, target, bytes, expiryLeft) }
        let topic = bytes.extracting(message.topic.indices)
        let payload = bytes.extracting(message.payload.indices)
        let byteCount = PacketEncoder.publishEncodedSize(
            topicByteCount: topic.count, payloadByteCount: payload.count, propertiesByteCount: scratch.count, qos: qos,
            version: client.version)
        guard byteCount <= Int(client.session.maximumPacketSize) else {
            counters.deliveriesSkipped += 1
            return .done
        }
        var id = PacketID.none
        if qos != .atMostOnce {
            guard let free = client.session.send(qos: qos, token: 0) else { return .full }
            id = free
        }
        PacketEncoder.publish(
            into: &client.output, topic: topic, payload: payload, packetID: id, qos: qos,
            retain: target.retainAsPublished && message.isRetained, duplicate: false, properties: scratch.bytes,
            version: client.version)
        counters.messagesDelivered += 1
        markDirty(client)
        return .done
    }

    private func timestamp(_ delivery: Delivery) -> Timestamp { timestamp(delivery.batch, delivery.record) }

    private func timestamp(_ batch: RecordBatch, _ record: RecordView) -> Timestamp {
        Timestamp(rawValue: BatchLayout.baseTimestamp(batch.bytes).rawValue &+ Int64(record.timestampDelta))
    }

    private func appendProperties(
        _ delivery: Delivery, _ target: MatchList.Target, _ bytes: Span<UInt8>, _ expiryLeft: UInt32?
    ) {
        if delivery.message.hasProperties {
            StoredMessage.appendProperties(delivery.record, in: bytes, expiryLeft: expiryLeft, to: &scratch)
        }
        for identifier in target.identifiers {
            PropertyWriter.append(.subscriptionIdentifier, identifier, to: &scratch)
        }
        guard target.reader.isReplay else { return }
        appendUser("ts", String(timestamp(delivery).rawValue * 1000))
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

    // MARK: Readers that are behind

    /// Puts a reader on the list of those to be moved on this tick.
    func queue(_ reader: Reader) {
        guard !reader.isQueued else { return }
        reader.isQueued = true
        readerQueue.append(reader)
    }

    /// A client takes more than before.
    func wakeReaders(of client: Client) {
        if let reader = client.liveReader, !reader.isLive { queue(reader) }
        for reader in client.replays where !reader.isLive { queue(reader) }
    }

    /// Moves every reader on that something happened for.
    func moveReaders() {
        takeFetched()
        guard !readerQueue.isEmpty else { return }
        var queued: [Reader] = []
        swap(&queued, &readerQueue)
        for reader in queued {
            reader.isQueued = false
            move(reader)
        }
    }

    private func takeFetched() {
        guard !fetchers.isEmpty else { return }
        for (ticket, read) in log.takeFetched(reader) {
            guard let reader = fetchers.removeValue(forKey: ticket), let index = reader.index(ticket: ticket) else {
                continue
            }
            let selectionNumber = reader.selectionNumber
            reader.update(at: index) { cursor in
                cursor.ticket = nil
                if cursor.isLookup {
                    cursor.offset = read.nextOffset
                    cursor.isLookup = false
                } else if cursor.selectionNumber == selectionNumber {
                    // An answer to other subscriptions may have ruled out what these want: it is asked for again.
                    cursor.take(read)
                }
            }
            queue(reader)
        }
    }

    /// Moves a reader on in each partition that it is behind in, until its client takes no more or it has caught up.
    private func move(_ reader: Reader) {
        guard !reader.isClosed, !reader.client.isClosing else { return }
        var index = 0
        while index < reader.cursors.count {
            switch move(reader, at: index) {
            case .caughtUp: reader.removeCursor(at: index)
            case .waits: index += 1
            case .full: return
            }
        }
    }

    private enum Progress { case caughtUp, waits, full }

    private func move(_ reader: Reader, at index: Int) -> Progress {
        var budget = 4
        while reader.cursors[index].ticket == nil {
            if let batch = reader.cursors[index].batches.first {
                guard deliver(batch, reader, at: index) else { return .full }
                reader.update(at: index) { $0.finishBatch(batch) }
                continue
            }
            // A reader far behind gives way to the sockets after a megabyte, and goes on next tick.
            guard budget > 0 else {
                queue(reader)
                return .waits
            }
            budget -= 1
            let cursor = reader.cursors[index]
            guard
                let read = log.readTail(
                    cursor.partition, from: cursor.offset, level: .durable, reader: self.reader,
                    byteCountMax: Self.readBytesMax)
            else {
                let ticket = takeTicket(reader)
                let selectionNumber = reader.selectionNumber
                reader.update(at: index) { cursor in
                    cursor.ticket = ticket
                    cursor.selectionNumber = selectionNumber
                }
                log.fetch(
                    cursor.partition, from: cursor.offset, hint: cursor.hint,
                    selection: reader.selection(of: reader.client.subscriptions), byteCountMax: Self.readBytesMax,
                    ticket: ticket, reader: self.reader)
                return .waits
            }
            if read.batches.isEmpty && read.isCaughtUp { return .caughtUp }
            reader.update(at: index) { $0.take(read) }
        }
        return .waits
    }

    /// Delivers a batch from the reader's position on.
    /// - Returns: false when the client takes no more; the position is at the record that it did not take.
    private func deliver(_ batch: RecordBatch, _ reader: Reader, at index: Int) -> Bool {
        let bytes = batch.bytes
        let partition = reader.cursors[index].partition
        var records = reader.cursors[index].records ?? RecordReader(batch)
        while true {
            let before = records
            guard let record = next(&records, bytes, partition) else { return true }
            let offset = batch.baseOffset.advanced(by: record.offsetDelta)
            guard offset >= reader.cursors[index].offset, let message = StoredMessage(record, in: bytes) else {
                continue
            }
            let list = matchList(bytes.extracting(message.topic.indices))
            guard let target = list.targets.first(where: { $0.reader === reader && $0.level == .durable }) else {
                continue
            }
            let delivery = Delivery(batch: batch, record: record, message: message, partition: partition)
            if send(delivery, to: target, bytes) == .full {
                reader.update(at: index) { cursor in
                    cursor.offset = offset
                    cursor.records = before
                }
                return false
            }
        }
    }
}

extension Reader.Cursor {
    /// Takes batches that were read.
    mutating func take(_ read: PartitionRead) {
        batches = read.batches[...]
        records = nil
        hint = read.hint
        readEnd = read.nextOffset
        // A read that found nothing moved past a hole, past what retention removed, or past what nobody asked for.
        if read.batches.isEmpty { offset = max(offset, readEnd) }
    }

    /// The first batch is done.
    mutating func finishBatch(_ batch: RecordBatch) {
        batches = batches.dropFirst()
        records = nil
        offset = max(offset, batch.nextOffset)
        if batches.isEmpty { offset = max(offset, readEnd) }
    }
}
