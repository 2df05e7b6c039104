import AccessControl
import HTTPWire
import LogInterface
import RecordFormat
import SluiceBroker
import SluiceCore
import TopicRouting

/// `GET /v1/streams/{stream}/records`: history, a page or all of it, and what comes within a while.
extension HTTPShard {
    /// Records of an answer in one document, unless it is asked for another number.
    static let defaultLimit = 100
    /// Records of an answer in one document at most.
    static let documentLimit = 10_000
    /// The longest wait, in milliseconds.
    private static let waitMax = 300_000
    /// Bytes that are read of a partition at a time, and by all requests in one tick.
    static let readByteCount = 256 << 10
    private static let tickByteCount = 2 << 20

    func readRecords(_ exchange: Exchange) {
        if exchange.head.parameter("group") != nil { return readAsMember(exchange) }
        do throws(HTTPFault) {
            let stream = try readableStream(exchange)
            let filter = try recordFilter(exchange, stream)
            let form = try Self.form(exchange)
            let limit = try Self.limit(exchange, form)
            let wait = try Self.integer(exchange, "wait", 0...Self.waitMax) ?? 0
            let from = try RequestPosition(
                exchange.head.parameter("from") ?? "earliest", of: "from", now: wallClock)
            let to = try exchange.head.parameter("to").map { text throws(HTTPFault) in
                try RequestPosition(text, of: "to", now: wallClock)
            }
            let read = try read(exchange, stream, filter, form, limit: limit, from: from, to: to, wait: wait)
            begin(read, from, to)
        } catch {
            exchange.fail(error)
        }
    }

    /// A read of a stream, which `begin` begins.
    func read(
        _ exchange: Exchange, _ stream: StreamDescription, _ filter: RecordFilter, _ form: RecordRead.Form, limit: Int,
        from: RequestPosition, to: RequestPosition?, wait: Int = 0
    ) throws(HTTPFault) -> RecordRead {
        RecordRead(
            exchange, stream.settings.name, filter, form, limit: limit, lanes: try lanes(of: stream, from, to),
            deadline: wait > 0 ? now + Int64(wait) * 1_000_000 : nil)
    }

    /// Lets a read go.
    func begin(_ read: RecordRead, _ from: RequestPosition, _ to: RequestPosition?) {
        reads.all[ObjectIdentifier(read)] = read
        read.exchange.abandoned = { [unowned self, unowned read] in forget(read) }
        read.exchange.drained = { [unowned self] in wakeAfterTick() }
        lookUp(read, from, to)
    }

    // MARK: Parameters

    /// The stream of the path, when who asks may read something of it.
    func readableStream(_ exchange: Exchange) throws(HTTPFault) -> StreamDescription {
        try readableStream(named: exchange.captures["stream"] ?? "")
    }

    /// The stream of a name.
    func readableStream(named name: String) throws(HTTPFault) -> StreamDescription {
        guard let stream = streams.readable(named: name) else {
            throw HTTPFault(.notFound, "there is no stream '\(name)'")
        }
        return stream
    }

    func recordFilter(_ exchange: Exchange, _ stream: StreamDescription) throws(HTTPFault) -> RecordFilter {
        try recordFilter(
            exchange, stream, filter: exchange.head.parameter("filter"), key: exchange.head.parameter("key"))
    }

    /// What is wanted of a stream, and may be had.
    func recordFilter(
        _ exchange: Exchange, _ stream: StreamDescription, filter text: String?, key: String?
    ) throws(HTTPFault) -> RecordFilter {
        var filter = RecordFilter()
        filter.downlink = settings.downlinks[stream.settings.name]
        filter.key = key.map { Array($0.utf8) }
        if let text, !text.isEmpty {
            let bytes = Array(text.utf8)
            do throws(TopicSyntaxError) {
                try FilterSyntax.check(filter: bytes.span, limits: settings.limits)
            } catch {
                throw HTTPFault(.badRequest, "filter '\(text)': \(error)")
            }
            filter.topicFilter = bytes
        }
        filter.rights = exchange.session?.rights
        return filter
    }

    private static func form(_ exchange: Exchange) throws(HTTPFault) -> RecordRead.Form {
        if let name = exchange.head.parameter("format") {
            guard let form = RecordRead.Form(rawValue: name) else {
                throw HTTPFault(.badRequest, "format '\(name)': expected json, ndjson or raw")
            }
            return form
        }
        return exchange.head.field("accept")?.contains("application/x-ndjson") == true ? .ndjson : .json
    }

    private static func limit(_ exchange: Exchange, _ form: RecordRead.Form) throws(HTTPFault) -> Int {
        switch form {
        case .json: return try integer(exchange, "limit", 1...documentLimit) ?? defaultLimit
        case .ndjson: return try integer(exchange, "limit", 1...Int.max) ?? .max
        case .raw:
            guard try integer(exchange, "limit", 1...Int.max) ?? 1 == 1 else {
                throw HTTPFault(.badRequest, "format raw gives one record; limit can be 1")
            }
            return 1
        }
    }

    static func integer(
        _ exchange: Exchange, _ name: String, _ range: ClosedRange<Int>
    ) throws(HTTPFault) -> Int? {
        guard let text = exchange.head.parameter(name) else { return nil }
        guard let value = Int(text), range.contains(value) else {
            let most = range.upperBound == .max ? "or more" : "to \(range.upperBound)"
            throw HTTPFault(.badRequest, "\(name) '\(text)': expected a whole number, \(range.lowerBound) \(most)")
        }
        return value
    }

    // MARK: Beginning

    /// The partitions that are read, with what is known of where.
    private func lanes(
        of stream: StreamDescription, _ from: RequestPosition, _ to: RequestPosition?
    ) throws(HTTPFault) -> [RecordRead.Lane] {
        try from.check(of: stream)
        try to?.check(of: stream)
        var lanes: [RecordRead.Lane] = []
        for (number, partition) in stream.partitions.enumerated() {
            let bounds = log.bounds(partition)
            var lane = RecordRead.Lane(
                number: number, offset: bounds.start, end: bounds.highWatermark,
                cursor: PartitionCursor(partition), isOpen: to == nil)
            switch from {
            case .vector(let offsets):
                guard let offset = offsets[number] else { continue }
                guard offset <= bounds.end else {
                    throw HTTPFault(
                        .badRequest,
                        "partition \(number) of '\(stream.settings.name)' ends at \(bounds.end.rawValue), "
                            + "before \(offset.rawValue)")
                }
                lane.offset = max(offset, bounds.start)
            case .one(.latest): lane.offset = bounds.highWatermark
            case .one: break
            }
            if case .vector(let offsets)? = to {
                guard let offset = offsets[number] else { continue }
                lane.end = min(offset, bounds.highWatermark)
            }
            lanes.append(lane)
        }
        return lanes
    }

    /// Asks the log for the offsets of times.
    private func lookUp(_ read: RecordRead, _ from: RequestPosition, _ to: RequestPosition?) {
        if case .one(.time(let time)) = from { read.startTime = time }
        if case .one(.time(let time))? = to { read.endTime = time }
        for index in read.lanes.indices { findStart(read, index) }
        wakeReads()
    }

    /// Looks up where a lane starts, where that is a time. What the log cannot answer now is asked again.
    private func findStart(_ read: RecordRead, _ lane: Int) {
        guard let time = read.startTime else { return }
        let number = logReader.find(read.lanes[lane].cursor.partition, at: time)
        read.lanes[lane].startLookup = number
        reads.waiting[number] = .start(read, lane: lane)
    }

    func forget(_ read: RecordRead) {
        reads.all[ObjectIdentifier(read)] = nil
        reads.parked[ObjectIdentifier(read)] = nil
        for index in read.lanes.indices { read.lanes[index].cursor.forget() }
        updateInterest()
    }

    // MARK: Going on

    /// Takes what the log has answered.
    func takeReads() {
        for (number, answer) in logReader.takeFetched() {
            switch reads.waiting.removeValue(forKey: number) {
            case nil: break
            case .start(let read, let lane)?:
                guard !answer.isFailed else {
                    findStart(read, lane)
                    continue
                }
                read.lanes[lane].startLookup = nil
                read.lanes[lane].offset = answer.nextOffset
            case .records(let read, let lane)?:
                read.lanes[lane].cursor.answered()
                guard !answer.isFailed else { continue }
                take(answer, read, lane)
            case .tail(let tail, let lane)?: took(answer, tail, lane)
            case .age(let place, let offset)?: took(answer, place, offset)
            }
        }
    }

    private func take(_ answer: PartitionRead, _ read: RecordRead, _ lane: Int) {
        if answer.isGone {
            read.lanes[lane].end = read.lanes[lane].offset
            return
        }
        read.lanes[lane].cursor.received(answer)
        if answer.batches.isEmpty { read.lanes[lane].offset = max(read.lanes[lane].offset, answer.nextOffset) }
    }

    /// Moves every read on that can.
    /// - Returns: whether there is more to do right now.
    func advanceReads() -> Bool {
        var budget = Self.tickByteCount
        var isBehind = false
        for read in Array(reads.all.values) where !read.isParked {
            isBehind = advance(read, &budget) || isBehind
        }
        return isBehind
    }

    private func advance(_ read: RecordRead, _ budget: inout Int) -> Bool {
        guard !read.exchange.isOver else {
            forget(read)
            return false
        }
        guard read.lanes.allSatisfy(\.isResolved) else { return false }
        let name = Array(read.stream.utf8)
        let readsWhole = read.filter.rights?.mayReadStream(name.span).isAllowed ?? true
        while read.left > 0, read.current < read.lanes.count {
            guard read.hasRoom else {
                read.flush()
                if read.form == .json { break }
                return read.exchange.makesRoom()
            }
            guard budget > 0 else {
                read.flush()
                return true
            }
            let lane = read.current
            if read.lanes[lane].isOver {
                read.current += 1
                continue
            }
            guard read.lanes[lane].cursor.awaited == nil else {
                read.flush()
                return false
            }
            budget -= 4096
            if let batch = read.lanes[lane].cursor.batches.first {
                budget -= batch.byteCount
                take(batch, read, lane, readsWhole)
                continue
            }
            let found = read.lanes[lane].cursor.load(
                from: read.lanes[lane].offset, visibility: .durable, selection: read.filter.selection,
                byteCountMax: Self.readByteCount, by: &logReader)
            if let found {
                take(found, read, lane)
                guard found.batches.isEmpty, found.isCaughtUp else { continue }
                if tails.isScanning {
                    // This loop's scan has not passed it yet, and does so in the next tick.
                    read.flush()
                    return true
                }
                read.lanes[lane].end = read.lanes[lane].offset
            } else if let number = read.lanes[lane].cursor.awaited {
                reads.waiting[number] = .records(read, lane: lane)
            }
        }
        read.flush()
        finish(read)
        return false
    }

    private func take(_ stored: RecordBatch, _ read: RecordRead, _ lane: Int, _ readsWhole: Bool) {
        let end = read.lanes[lane].end ?? .zero
        forEachRecord(of: stored) { record, batch in
            let offset = batch.baseOffset.advanced(by: record.offsetDelta)
            guard offset >= read.lanes[lane].offset else { return true }
            guard read.left > 0, offset < end else { return false }
            guard !read.isBeyond(KafkaMessage.time(of: record, in: batch), lane, offset) else { return false }
            read.lanes[lane].offset = offset.advanced(by: 1)
            guard read.hasStarted(KafkaMessage.time(of: record, in: batch), lane) else { return true }
            let sight = RecordSight(
                record, in: batch, partition: read.lanes[lane].number, read.filter, readsWhole: readsWhole)
            if let sight { read.take(sight) }
            return true
        }
        guard read.left > 0, !read.lanes[lane].isOver else { return }
        read.lanes[lane].offset = max(read.lanes[lane].offset, read.lanes[lane].cursor.finishBatch())
    }

    /// Calls `body` with each record of a batch until it returns false.
    func forEachRecord(of stored: RecordBatch, _ body: (RecordView, RecordBatch) -> Bool) {
        guard !stored.isControl else { return }
        do throws(BatchError) {
            let batch = try inflater.plain(stored)
            var records = RecordReader(batch)
            while let record = try records.next(batch.bytes) {
                guard body(record, batch) else { return }
            }
        } catch {
            reportFailure(.httpBatchPassedOver, "a batch is passed over for HTTP: \(error, as: .reason)")
        }
    }

    private func finish(_ read: RecordRead) {
        if read.count == 0, let deadline = read.deadline, now < deadline, read.lanes.contains(where: \.isOpen) {
            return park(read)
        }
        forget(read)
        read.finish()
    }

    // MARK: Waiting

    private func park(_ read: RecordRead) {
        read.isParked = true
        reads.parked[ObjectIdentifier(read)] = read
        updateInterest()
        // What came before the interest was known is not told of.
        if hasNews(read) { unpark(read) }
    }

    private func hasNews(_ read: RecordRead) -> Bool {
        read.lanes.contains { $0.isOpen && log.bounds($0.cursor.partition).highWatermark > $0.offset }
    }

    private func unpark(_ read: RecordRead) {
        read.isParked = false
        reads.parked[ObjectIdentifier(read)] = nil
        for index in read.lanes.indices where read.lanes[index].isOpen {
            read.lanes[index].end = log.bounds(read.lanes[index].cursor.partition).highWatermark
        }
        read.current = 0
        wakeReads()
    }

    /// Records have come in these partitions.
    func unparkReads(of partitions: Set<PartitionID>) {
        for read in Array(reads.parked.values)
        where read.lanes.contains(where: { $0.isOpen && partitions.contains($0.cursor.partition) }) { unpark(read) }
    }

    /// Answers those whose time is over.
    func expireReads() {
        for read in Array(reads.parked.values) where (read.deadline ?? 0) <= now {
            forget(read)
            read.finish()
        }
    }
}
