import AccessControl
import HTTPWire
import LogInterface
import RecordFormat
import SluiceBroker
import SluiceCore

/// `GET /v1/streams/{stream}/tail`: server-sent events.
///
/// Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
extension HTTPShard {
    /// Open tails at most: each holds a connection and a position.
    private static let tailCountMax = 20_000
    /// Batches of a scan that are handled in one go.
    private static let scanCountMax = 256
    /// How often a tail without events shows that it is there, in nanoseconds: proxies close what is silent.
    private static let pulse: Int64 = 15_000_000_000

    func tailRecords(_ exchange: Exchange) {
        do throws(HTTPFault) {
            guard tails.all.count < Self.tailCountMax else {
                throw HTTPFault(.unavailable, "\(Self.tailCountMax) tails are open, as many as may be")
            }
            let stream = try readableStream(exchange)
            let filter = try recordFilter(exchange, stream)
            let text = exchange.head.field("last-event-id") ?? exchange.head.parameter("from") ?? "latest"
            let from = try RequestPosition(text, of: "from", now: wallClock)
            let lanes = try tailLanes(of: stream, from)
            let tail = Tail(exchange, stream.settings.name, filter, lanes: lanes)
            exchange.begin("text/event-stream", isEndless: true)
            guard !exchange.isOver else { return }
            exchange.write(Array("retry: 1000\n\n".utf8).span)
            add(tail, from)
        } catch {
            exchange.fail(error)
        }
    }

    private func tailLanes(
        of stream: StreamDescription, _ from: RequestPosition
    ) throws(HTTPFault) -> [Tail.Lane] {
        try from.check(of: stream)
        return stream.partitions.enumerated().map { number, partition in
            let bounds = log.bounds(partition)
            let offset =
                switch from {
                case .vector(let offsets): min(max(offsets[number] ?? bounds.start, bounds.start), bounds.end)
                case .one(.latest): bounds.highWatermark
                case .one: bounds.start
                }
            return Tail.Lane(number: number, offset: offset, cursor: PartitionCursor(partition))
        }
    }

    private func add(_ tail: Tail, _ from: RequestPosition) {
        tails.all[ObjectIdentifier(tail)] = tail
        tails.behind[ObjectIdentifier(tail)] = tail
        for index in tail.lanes.indices {
            let partition = tail.lanes[index].cursor.partition
            tails.byPartition[partition, default: []].append((tail, index))
            guard case .one(.time(let time)) = from else { continue }
            tail.startTime = time
            find(tail, index)
        }
        tail.exchange.abandoned = { [unowned self, unowned tail] in remove(tail) }
        tail.exchange.drained = { [unowned self, unowned tail] in
            guard !tail.isLive else { return }
            tails.behind[ObjectIdentifier(tail)] = tail
            wakeAfterTick()
        }
        updateInterest()
        wakeReads()
    }

    /// Looks up where a lane starts; what the log cannot answer now is asked again.
    private func find(_ tail: Tail, _ lane: Int) {
        guard let time = tail.startTime else { return }
        let number = logReader.find(tail.lanes[lane].cursor.partition, at: time)
        tail.lanes[lane].lookup = number
        reads.waiting[number] = .tail(tail, lane: lane)
    }

    private func remove(_ tail: Tail) {
        tails.all[ObjectIdentifier(tail)] = nil
        tails.behind[ObjectIdentifier(tail)] = nil
        for lane in tail.lanes { remove(tail, lane.cursor.partition) }
        updateInterest()
    }

    private func remove(_ tail: Tail, _ partition: PartitionID) {
        tails.byPartition[partition]?.removeAll { $0.tail === tail }
        if tails.byPartition[partition]?.isEmpty == true { tails.byPartition[partition] = nil }
    }

    /// Asks the log for its scan while somebody waits for records.
    func updateInterest() {
        let isWanted = !tails.all.isEmpty || !reads.parked.isEmpty
        guard isWanted != tails.isScanning else { return }
        tails.isScanning = isWanted
        log.setInterest(loop, appended: false, durable: isWanted)
    }

    // MARK: Ticks

    /// Delivers what has come, and moves those on that are behind.
    func advanceTails() {
        guard tails.isScanning else { return }
        var entries: [TailEntry] = []
        var changed: Set<PartitionID> = []
        repeat {
            entries.removeAll(keepingCapacity: true)
            log.scan(loop, .durable, countMax: Self.scanCountMax, into: &entries)
            for entry in entries {
                changed.insert(entry.partition)
                if let targets = tails.byPartition[entry.partition] { deliver(entry.batch, to: targets) }
            }
        } while entries.count == Self.scanCountMax
        if !reads.parked.isEmpty, !changed.isEmpty { unparkReads(of: changed) }
        var budget = 4 << 20
        for tail in Array(tails.behind.values) where advance(tail, &budget) { wakeAfterTick() }
    }

    /// A batch for tails that are live in its partition: each record is looked at once, and written once.
    private func deliver(_ stored: RecordBatch, to targets: [(tail: Tail, lane: Int)]) {
        var live = targets.filter { $0.tail.lanes[$0.lane].isLive && !$0.tail.exchange.isOver }
        guard !live.isEmpty else { return }
        let name = Array(live[0].tail.stream.utf8)
        let wholes = live.map { $0.tail.filter.rights?.mayReadStream(name.span).isAllowed ?? true }
        forEachRecord(of: stored) { record, batch in
            tailScratch.event.removeAll()
            let offset = batch.baseOffset.advanced(by: record.offsetDelta)
            for (place, target) in live.enumerated() where offset >= target.tail.lanes[target.lane].offset {
                let sight = RecordSight(
                    record, in: batch, partition: target.tail.lanes[target.lane].number, target.tail.filter,
                    readsWhole: wholes[place])
                guard let sight else { continue }
                if tailScratch.event.isEmpty { Self.write(sight, to: &tailScratch.event) }
                tell(target.tail, target.lane, next: offset.advanced(by: 1))
            }
            return true
        }
        live.removeAll { $0.tail.exchange.makesRoom() }
        for target in live {
            // It reads on by itself when its socket has taken what there is.
            target.tail.lanes[target.lane].offset = max(target.tail.lanes[target.lane].offset, stored.nextOffset)
            for index in target.tail.lanes.indices { target.tail.lanes[index].isLive = false }
        }
    }

    private func tell(_ tail: Tail, _ lane: Int, next: Offset) {
        tails.eventCount += 1
        tail.tell(tailScratch, lane: lane, next: next)
    }

    private static func write(_ sight: RecordSight, to event: inout ByteBuffer) {
        event.append(utf8: "data: ")
        sight.appendJSON(to: &event)
        event.append(utf8: "\n\n")
    }

    /// Moves a tail on where it is behind.
    /// - Returns: whether there is more to do right now.
    private func advance(_ tail: Tail, _ budget: inout Int) -> Bool {
        let name = Array(tail.stream.utf8)
        let readsWhole = tail.filter.rights?.mayReadStream(name.span).isAllowed ?? true
        for index in tail.lanes.indices {
            while !tail.lanes[index].isLive, tail.lanes[index].lookup == nil {
                guard tail.exchange.makesRoom(), !tail.exchange.isOver else {
                    tails.behind[ObjectIdentifier(tail)] = nil
                    return false
                }
                guard budget > 0 else { return true }
                guard step(tail, index, readsWhole, &budget) else { break }
            }
        }
        // One that waits for the log is queued again by the answer.
        tails.behind[ObjectIdentifier(tail)] = nil
        return false
    }

    /// One batch, or one read.
    /// - Returns: whether it can go on at once.
    private func step(_ tail: Tail, _ index: Int, _ readsWhole: Bool, _ budget: inout Int) -> Bool {
        guard tail.lanes[index].cursor.awaited == nil else { return false }
        if let batch = tail.lanes[index].cursor.batches.first {
            budget -= batch.byteCount + 4096
            tellAll(of: batch, tail, index, readsWhole)
            tail.lanes[index].offset = max(tail.lanes[index].offset, tail.lanes[index].cursor.finishBatch())
            return true
        }
        let found = tail.lanes[index].cursor.load(
            from: tail.lanes[index].offset, visibility: .durable, selection: tail.filter.selection,
            byteCountMax: Self.readByteCount, by: &logReader)
        guard let found else {
            if let number = tail.lanes[index].cursor.awaited { reads.waiting[number] = .tail(tail, lane: index) }
            return false
        }
        take(found, tail, index)
        return true
    }

    private func take(_ read: PartitionRead, _ tail: Tail, _ index: Int) {
        guard !read.isGone, !read.batches.isEmpty || !read.isCaughtUp else {
            tail.lanes[index].isLive = true
            tail.lanes[index].cursor.forget()
            return
        }
        tail.lanes[index].cursor.received(read)
        if read.batches.isEmpty { tail.lanes[index].offset = max(tail.lanes[index].offset, read.nextOffset) }
    }

    private func tellAll(of stored: RecordBatch, _ tail: Tail, _ index: Int, _ readsWhole: Bool) {
        forEachRecord(of: stored) { record, batch in
            let offset = batch.baseOffset.advanced(by: record.offsetDelta)
            guard offset >= tail.lanes[index].offset else { return true }
            let sight = RecordSight(
                record, in: batch, partition: tail.lanes[index].number, tail.filter, readsWhole: readsWhole)
            guard let sight else { return true }
            tailScratch.event.removeAll()
            Self.write(sight, to: &tailScratch.event)
            tell(tail, index, next: offset.advanced(by: 1))
            return true
        }
    }

    /// The log has answered a tail.
    func took(_ answer: PartitionRead, _ tail: Tail, _ lane: Int) {
        if tail.lanes[lane].lookup != nil {
            guard !answer.isFailed else { return find(tail, lane) }
            tail.lanes[lane].lookup = nil
            tail.lanes[lane].offset = answer.nextOffset
        } else {
            tail.lanes[lane].cursor.answered()
            if !answer.isFailed { take(answer, tail, lane) }
        }
        guard tails.all[ObjectIdentifier(tail)] != nil else { return }
        tails.behind[ObjectIdentifier(tail)] = tail
    }

    /// Twice a second: shows those that a tail is there whose records are rare.
    func pulseTails() {
        for tail in Array(tails.all.values) {
            // Rights may have changed.
            tail.filter.rights = tail.exchange.session?.rights
            if now - tail.exchange.writtenAt > Self.pulse { tail.exchange.write(Array(":\n\n".utf8).span) }
        }
    }

    /// The node stops: who reads comes back to another one.
    func endTails() {
        for tail in Array(tails.all.values) {
            remove(tail)
            tail.exchange.end()
        }
        for read in Array(reads.parked.values) {
            forget(read)
            read.finish()
        }
    }
}
