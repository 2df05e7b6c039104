import Checksums
import LogInterface
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
    static let readBytesMax = 256 << 10
    /// Bytes that a reader which is behind in several partitions takes of all of them together; what it has read waits
    /// in memory until its client takes it. A partition's share is at least a sealed batch, and what it takes is at
    /// least one batch.
    private static let (readBytesOfAllMax, readBytesMin) = (2 << 20, 32 << 10)

    /// Bytes that a reader takes at a time in each of `count` partitions.
    static func readBytes(ofEach count: Int) -> Int {
        max(readBytesMin, min(readBytesMax, readBytesOfAllMax / max(1, count)))
    }

    // MARK: The scan

    /// Delivers what is new in the tail to the readers that are live.
    /// - Returns: whether there may be more.
    func deliver() -> Bool {
        var isBehind = false
        if subscriptions.has(.appended) { isBehind = scan(.appended) }
        if subscriptions.has(.durable) { isBehind = scan(.durable) || isBehind }
        return isBehind
    }

    /// Delivers what is newly visible.
    /// - Returns: whether there may be more.
    func scan(_ visibility: Visibility) -> Bool {
        assert(tailEntries.isEmpty, "a scan is worked through before the next")
        log.scan(loop, visibility, countMax: Self.scanCountMax, into: &tailEntries)
        for entry in tailEntries {
            // Another loop's append to a stream that was made since this tick began.
            if entry.partition.index >= streams.partitionCount { followStreams(isChanged: true) }
            if !streams.isHidden(entry.partition), subscriptions.mayMatch(entry, visibility) {
                let deliveredCount = counters.messagesDelivered
                deliver(entry, visibility)
                freshDeliveries.note(counters.messagesDelivered - deliveredCount, durableAt: entry.durableAt)
            }
            assert(
                entry.batch.recordCount > 0 || entry.batch.isFromKafka, "only profiles leave a batch without records")
            if visibility == .durable { scanned.passed(entry.partition, entry.batch.nextOffset) }
        }
        let isBehind = tailEntries.count == Self.scanCountMax
        tailEntries.removeAll(keepingCapacity: true)
        return isBehind
    }

    func deliver(_ entry: TailEntry, _ visibility: Visibility) {
        let batch = entry.batch
        if batch.isForeign { return deliver(foreign: entry, visibility) }
        let bytes = batch.bytes
        var records = RecordReader(batch)
        while let record = next(&records, bytes, entry.partition) {
            guard let message = StoredMessage(record, in: bytes) else { continue }
            let list = subscriptions.list(bytes.extracting(message.topic.indices))
            guard list.has(visibility) else {
                subscriptions.noteUnmatched(bytes.extracting(message.topic.indices), visibility)
                continue
            }
            for target in list.targets where target.visibility == visibility {
                let delivery = Delivery(
                    batch: batch, record: record, message: message, partition: entry.partition)
                deliverLive(delivery, to: target, bytes)
            }
        }
    }

    /// The next record of a verified batch; one that does not decode is reported, and the rest of its batch passed
    /// over.
    func next(_ records: inout RecordReader, _ bytes: Span<UInt8>, _ partition: PartitionID) -> RecordView? {
        do throws(BatchError) {
            return try records.next(bytes)
        } catch {
            report(
                .batchPassedOver,
                "partition \(partition.rawValue, as: .partition): a batch is passed over, \(error, as: .reason)")
            return nil
        }
    }

    func deliverLive(_ delivery: Delivery, to target: MatchList.Target, _ bytes: Span<UInt8>) {
        let reader = target.reader
        guard !reader.sink.isClosing, !reader.excludes(delivery.partition) else { return }
        switch target.visibility {
        case .appended:
            assert(reader.isLiveKind, "replays and groups read what is durable")
            if reader.hasQuick, reader.quick.lags(delivery.partition) { return }
            if send(delivery, to: target, bytes) == .full { reader.postpone(delivery.partition, delivery.offset) }
        case .durable:
            if !reader.isLive && reader.lags(delivery.partition) { return }
            guard target.counts(delivery.offset, in: delivery.partition) else { return }
            switch step(reader, delivery.partition, delivery.offset, delivery.timestamp) {
            case .over: return
            case .notDue: break
            case .goOn:
                switch send(delivery, to: target, bytes) {
                case .done:
                    reader.course?.deliveredCount += 1
                    return
                case .passedOver: return
                case .full: break
                }
            }
            reader.addCursor(Reader.Cursor(partition: delivery.partition, offset: delivery.offset))
        }
    }

    // MARK: Readers that are behind

    /// Puts a reader on the list of those to be moved on this tick.
    func queue(_ reader: Reader) { readers.queue(reader) }

    /// A client takes more than before.
    func wakeReaders(of client: Client) {
        if let reader = client.liveReader {
            if !reader.isLive { queue(reader) }
            if reader.hasQuick, !reader.quick.isLive { queue(reader.quick) }
        }
        for reader in client.sideReaders where !reader.isLive { queue(reader) }
    }

    /// Moves every reader on that something happened for.
    func moveReaders() {
        takeFetched()
        for reader in readers.takeQueued() { move(reader) }
    }

    private func takeFetched() {
        for fetched in readers.takeFetched() {
            switch fetched {
            case .record(let waiter, let read): self.fetched(read, for: waiter)
            case .cursor(let reader, let index, let read): self.fetched(read, reader, at: index)
            }
        }
    }

    private func fetched(_ read: PartitionRead, _ reader: Reader, at index: Int) {
        let selectionNumber = reader.selectionNumber
        reader.update(at: index) { cursor in
            cursor.place.answered()
            if read.isFailed || read.isGone { return }
            if cursor.isLookup {
                cursor.offset = read.nextOffset
                cursor.isLookup = false
            } else if cursor.selectionNumber == selectionNumber {
                // An answer to other subscriptions may have ruled out what these want: it is asked for again.
                cursor.received(read)
            }
        }
        if read.isGone { lost(reader, reader.cursors[index].partition) }
        if read.isFailed { readers.stall(reader) } else { queue(reader) }
    }

    /// The stream that a reader has a cursor in was deleted: there is nothing left for it there.
    private func lost(_ reader: Reader, _ partition: PartitionID) {
        reader.exclude(partition)
        if let index = reader.cursors.firstIndex(where: { $0.partition == partition }) {
            reader.removeCursor(at: index)
        }
        report(
            .readerEnded,
            "a reader of partition \(partition.rawValue, as: .partition) ends there: its stream was deleted")
    }

    /// Moves a reader on in each partition that it is behind in, until its client takes no more or it has caught up.
    private func move(_ reader: Reader) {
        guard !reader.isClosed, !reader.sink.isClosing else { return }
        defer { reader.sink.account(reader, on: self) }
        var index = 0
        while index < reader.cursors.count {
            switch move(reader, at: index) {
            case .caughtUp: reader.removeCursor(at: index)
            case .waits: index += 1
            case .full:
                // What its client does not take would lie in memory that others want.
                if memory.pressure > .none { reader.forgetRead() }
                return
            }
        }
        if reader.isLive { caughtUp(reader) }
    }

    /// A reader has nothing behind it any more.
    private func caughtUp(_ reader: Reader) {
        assert(reader.heldByteCount == 0, "who has caught up holds nothing")
        reader.assuredEnds = [:]
        switch reader.kind {
        case .live, .quick, .replay, .member, .group: break
        case .retained:
            reader.isClosed = true
            reader.client?.sideReaders.removeAll { $0 === reader }
        }
    }

    enum Progress { case caughtUp, waits, full }
    private enum BatchOutcome { case done, full, notDue }

    private func selection(of reader: Reader) -> TopicSelection? {
        reader.selection(of: reader.sink.subscriptions)
    }

    private func move(_ reader: Reader, at index: Int) -> Progress {
        if case .retained(let feed) = reader.kind { return move(reader, feed) }
        if reader.cursors[index].isLookup, reader.cursors[index].place.awaited == nil {
            readers.findAgain(reader, at: index)
        }
        var budget = 4
        while reader.cursors[index].place.awaited == nil {
            // A replay is over in a partition when it comes to a record behind its end.
            if reader.course != nil, reader.excludes(reader.cursors[index].partition) { return .caughtUp }
            if let batch = reader.cursors[index].place.batches.first {
                switch deliver(batch, reader, at: index) {
                case .done: reader.update(at: index) { $0.finishBatch() }
                case .full: return .full
                case .notDue: return .waits
                }
                continue
            }
            // A reader far behind gives way to the sockets after a megabyte, and goes on next tick.
            guard budget > 0 else {
                queue(reader)
                return .waits
            }
            if mustStarve(reader) { return .waits }
            budget -= 1
            guard let read = load(reader, at: index) else {
                guard reader.visibility == .durable else { return skip(reader, at: index) }
                return .waits
            }
            if read.isGone || read.batches.isEmpty && read.isCaughtUp { return .caughtUp }
            reader.update(at: index) { $0.received(read) }
        }
        return .waits
    }

    /// Reads on for a reader.
    /// - Returns: nil when it comes later; a reader of what is appended goes without it.
    private func load(_ reader: Reader, at index: Int) -> PartitionRead? {
        let byteCountMax = Self.readBytes(ofEach: reader.cursors.count)
        let cursor = reader.cursors[index]
        assert(!cursor.isLookup && cursor.place.isEmpty, "who reads on knows from where, and has used up what it has")
        guard reader.visibility == .durable else {
            return log.readTail(
                cursor.partition, from: cursor.offset, visibility: .appended, loop: loop, byteCountMax: byteCountMax)
        }
        let number = reader.selectionNumber
        reader.update(at: index) { $0.selectionNumber = number }
        return readers.load(
            reader, at: index, from: cursor.offset, visibility: .durable, selection: selection(of: reader),
            byteCountMax: byteCountMax)
    }

    /// QoS 0 messages have left the memory before a client took them: it goes on with what is new. What lies between is
    /// counted as dropped, record by record, whether it was the client's or not.
    private func skip(_ reader: Reader, at index: Int) -> Progress {
        assert(reader.visibility == .appended, "what is durable is not passed over")
        let cursor = reader.cursors[index]
        let missed = UInt64(max(1, log.bounds(cursor.partition).end.rawValue - cursor.offset.rawValue))
        counters.deliveriesDropped += missed
        reader.sink.missed(missed)
        return .caughtUp
    }

    /// Delivers a batch from the reader's position on.
    /// - Returns: `done`, unless the client takes no more or the next record is not due: the position is there then.
    private func deliver(_ stored: RecordBatch, _ reader: Reader, at index: Int) -> BatchOutcome {
        let partition = reader.cursors[index].partition
        guard let batch = plain(stored, partition) else { return .done }
        if batch !== stored { reader.update(at: index) { $0.place.replaceFirst(by: batch) } }
        let origin = batch.isFromKafka ? kafkaOrigin(of: partition) : nil
        if batch.isFromKafka, origin == nil { return .done }
        let bytes = batch.bytes
        let own = reader.only.map { (filter: $0.matched, target: MatchList.Target($0)) }
        var records = reader.cursors[index].place.records ?? RecordReader(batch)
        while true {
            let before = records
            guard let record = next(&records, bytes, partition) else { return .done }
            let offset = batch.baseOffset.advanced(by: record.offsetDelta)
            guard offset >= reader.cursors[index].offset else { continue }
            let found =
                if let origin {
                    candidate(record, batch, reader, own, at: index, origin)
                } else {
                    candidate(record, bytes, batch, reader, own, at: index)
                }
            guard let (delivery, target) = found else { continue }
            // A crash left the position behind; what was sent at QoS 2 since then was recorded by itself.
            if let end = reader.assuredEnds[partition], offset < end,
                min(delivery.message.qos, target.qos) == .exactlyOnce
            {
                continue
            }
            if let notBefore = reader.cursors[index].notBefore, delivery.timestamp < notBefore { continue }
            var (outcome, isDelivered) = (BatchOutcome.done, false)
            switch step(reader, partition, offset, delivery.timestamp) {
            case .over: return .done
            case .notDue: outcome = .notDue
            case .goOn:
                switch send(delivery, to: target) {
                case .done: isDelivered = true
                case .passedOver: break
                case .full: outcome = .full
                }
            }
            guard outcome == .done else {
                reader.update(at: index) { cursor in
                    cursor.offset = offset
                    cursor.place.records = before
                }
                return outcome
            }
            if isDelivered { reader.course?.deliveredCount += 1 }
        }
    }

    /// A record that MQTT wrote, and what it is to a reader; nil when it is nothing.
    @inline(__always)
    private func candidate(
        _ record: RecordView, _ bytes: Span<UInt8>, _ batch: RecordBatch, _ reader: Reader,
        _ own: (filter: [UInt8], target: MatchList.Target)?, at index: Int
    ) -> (delivery: Delivery, target: MatchList.Target)? {
        guard let message = StoredMessage(record, in: bytes) else { return nil }
        let partition = reader.cursors[index].partition
        let offset = batch.baseOffset.advanced(by: record.offsetDelta)
        let wanted = wanted(bytes.extracting(message.topic.indices), reader, own)
        guard let target = wanted?.seen(at: reader.visibility, offset, in: partition) else { return nil }
        return (Delivery(batch: batch, record: record, message: message, partition: partition), target)
    }

    /// A record that a Kafka client wrote, and what it is to a reader; nil when it is nothing.
    private func candidate(
        _ record: RecordView, _ batch: RecordBatch, _ reader: Reader,
        _ own: (filter: [UInt8], target: MatchList.Target)?, at index: Int, _ origin: KafkaOrigin
    ) -> (delivery: Delivery, target: MatchList.Target)? {
        let partition = reader.cursors[index].partition
        let offset = batch.baseOffset.advanced(by: record.offsetDelta)
        let message = KafkaMessage(record, in: batch.bytes, origin)
        let wanted = wanted(message.topic.span, reader, own)
        guard let target = wanted?.seen(at: reader.visibility, offset, in: partition),
            let delivery = delivery(message, record, batch, partition)
        else { return nil }
        return (delivery, target)
    }

    /// What a reader is to a topic: one with a single subscription asks its own filter, and not what all others match.
    private func wanted(
        _ topic: Span<UInt8>, _ reader: Reader, _ own: (filter: [UInt8], target: MatchList.Target)?
    ) -> MatchList.Target? {
        guard let own else { return subscriptions.list(topic).target(of: reader.subscriber) }
        let isMatch = own.filter.isEmpty || FilterSyntax.matches(filter: own.filter.span, topic: topic)
        return isMatch ? own.target : nil
    }
}
