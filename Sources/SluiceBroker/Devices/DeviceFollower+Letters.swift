import Administration
import Bridging
import Checksums
import DeviceProfiles
import LogInterface
import PayloadFormats
import RecordFormat
import SluiceCore
import TopicRouting

/// A job with dead letters as it goes on.
struct LetterWork {
    /// What is to be done.
    let order: LetterOrder
    var report: LetterReport
    /// The partitions of the stream that are still to be read, each up to where it ended when the job began.
    var places: [(place: LetterPlace, partition: PartitionID, end: Offset)]
    /// Where it is in the first of them.
    var cursor: PartitionCursor?
    var next = Offset.zero
    /// The append that it waits for, and what is dealt with when that is durable.
    var awaited: (ticket: AppendTicket, place: LetterPlace, runs: OffsetRuns, passed: Int64)?
    /// How many of each reason do not pass.
    var reasons: [PayloadFault.Reason: Int64] = [:]

    /// Takes a read that it has asked for.
    /// - Returns: whether it had.
    mutating func take(_ number: UInt64, _ read: PartitionRead) -> Bool {
        guard cursor?.awaited == number else { return false }
        cursor?.answered()
        if read.isGone {
            next = .init(rawValue: .max)
        } else if !read.isFailed {
            cursor?.received(read)
            if cursor?.isEmpty ?? true { next = max(next, read.nextOffset) }
        }
        return true
    }
}

/// Jobs with dead letters: they are read again, looked at by the profiles as they are now, and what passes goes to its
/// stream in one append with the note that it is dealt with. A job that is done twice, or is cut short and done again,
/// passes nothing twice.
extension DeviceFollower {
    /// Letters that are dealt with in one append.
    private static let lettersMax = 256
    private static let readBytesMax = 256 << 10

    /// Goes on with the job with dead letters, or begins the next.
    /// - Returns: whether there is more to do right now.
    func workOnLetters() -> Bool {
        if letters == nil { beginLetters() }
        guard let work = letters, work.awaited == nil else { return false }
        guard let (place, partition, end) = work.places.first else {
            finishLetters()
            return false
        }
        guard work.next < end else {
            letters?.places.removeFirst()
            letters?.cursor = nil
            letters?.next = .zero
            return true
        }
        var cursor = work.cursor ?? PartitionCursor(partition)
        if cursor.isEmpty {
            guard cursor.awaited == nil else { return false }
            let read = cursor.load(
                from: work.next, visibility: .durable, selection: nil, byteCountMax: Self.readBytesMax, by: &reads)
            guard let read else {
                letters?.cursor = cursor
                return false
            }
            cursor.received(read)
            if cursor.isEmpty { letters?.next = max(work.next, read.nextOffset) }
        }
        if let batch = cursor.batches.first {
            // In the order in which they came: what an append takes is what is left of one batch at most.
            let after = deal(batch, place, end)
            if let after { letters?.next = after } else { letters?.next = max(work.next, cursor.finishBatch()) }
        }
        letters?.cursor = cursor
        letters.map { work in peers.withDevices { $0.note(work.report) } }
        return true
    }

    private func beginLetters() {
        guard let (number, order) = peers.withDevices({ $0.takeOrder() }) else { return }
        var report = LetterReport()
        report.number = number
        let name = DeviceProfile.deadLetterStream(of: order.stream)
        guard let stream = streams.stream(named: name) else {
            report.isDone = true
            report.fault = "there is no stream '\(name)'"
            return peers.withDevices { $0.note(report) }
        }
        let places = stream.partitions.enumerated().map { number, partition in
            (LetterPlace(stream: name, number: number), partition, log.bounds(partition).highWatermark)
        }
        letters = LetterWork(order: order, report: report, places: places)
    }

    private func finishLetters(fault: String? = nil) {
        guard var report = letters?.report else { return }
        report.isDone = true
        report.fault = fault
        letters = nil
        peers.withDevices { $0.note(report) }
    }

    /// Deals with letters of a batch.
    /// - Returns: where to go on when an append has as many as it may; nil behind the batch.
    private func deal(_ stored: RecordBatch, _ place: LetterPlace, _ end: Offset) -> Offset? {
        guard var work = letters, !stored.isControl else { return nil }
        defer {
            work.report.reasons = work.reasons.sorted { $0.key.rawValue < $1.key.rawValue }
                .map { LetterReport.Reason($0.key.rawValue, $0.value) }
            letters = work
        }
        var accumulators = BatchAccumulators(count: streams.partitionCount, in: memory)
        var runs = OffsetRuns()
        let known = peers.withDevices { $0.runs[place] ?? OffsetRuns() }
        var goesOn: Offset?
        do throws(BatchError) {
            let batch = try inflater.plain(stored)
            let bytes = batch.bytes
            var records = RecordReader(batch)
            while let record = try records.next(bytes) {
                let offset = batch.baseOffset.advanced(by: record.offsetDelta)
                guard offset >= work.next, offset < end, !known.contains(offset.rawValue) else { continue }
                guard let letter = StoredLetter(record, in: bytes, of: batch) else { continue }
                if runs.count == Self.lettersMax {
                    goesOn = offset
                    break
                }
                work.report.examined += 1
                guard letter.isMeant(by: work.order) else { continue }
                work.report.selected += 1
                if redrive(letter, record, bytes, &accumulators, &work) {
                    runs.insert(offset.rawValue..<offset.rawValue + 1)
                }
            }
        } catch {
            report(.letterBatchPassedOver, "dead letters: a batch is passed over, \(error, as: .reason)")
        }
        if !runs.ranges.isEmpty { append(&accumulators, runs, place, &work) }
        return goesOn
    }

    /// Puts a letter through the profiles as they are now.
    /// - Returns: whether it is dealt with.
    private func redrive(
        _ letter: StoredLetter, _ record: RecordView, _ bytes: Span<UInt8>,
        _ accumulators: inout BatchAccumulators, _ work: inout LetterWork
    ) -> Bool {
        if work.order.action == .discard { return true }
        let payload = bytes.extracting(record.value?.indices ?? 0..<0)
        let resolution = routing.rules.resolve(letter.topic.span)
        if let entry = resolution.profiled {
            if let fault = reader.check(payload, slack: 0, schema: routing.profiles.entries[entry].message.schema) {
                work.report.failed += 1
                work.reasons[fault.reason, default: 0] += 1
                return false
            }
        }
        guard work.order.action == .redrive else {
            work.report.passed += 1
            return false
        }
        guard let stream = streams.stream(named: resolution.stream) else {
            work.report.failed += 1
            return false
        }
        let partition = stream.partitions[resolution.partition(partitionCount: stream.partitions.count)].index
        let (key, headers) = (RecordFields.key(resolution.key), RecordFields.headers(letter.headers))
        accumulators.append(
            to: partition, at: letter.time, keyField: key.span, value: payload, headersField: headers.span)
        if log.isScanned { accumulators.note(XXH3.hash(letter.topic.span), in: partition) }
        accumulators.expect(in: partition)
        return true
    }

    /// Appends what passes, and the note that it is dealt with.
    private func append(
        _ accumulators: inout BatchAccumulators, _ runs: OffsetRuns, _ place: LetterPlace, _ work: inout LetterWork
    ) {
        var all = peers.withDevices { $0.runs[place] ?? OffsetRuns() }
        for range in runs.ranges { all.insert(range) }
        if let partition = streams.stream(named: place.stream)?.partitions[place.number] {
            all.removeAll(before: log.bounds(partition).start.rawValue)
        }
        var appends: [Append] = []
        accumulators.takeBatches(into: &appends, scanned: log.isScanned)
        var note = DeviceAppend(at: wallClock, in: memory)
        note.put(DeviceRecord.key(place), DeviceRecord.value(all))
        appends += note.finish(devicesPartition)
        work.awaited = (log.append(appends, from: loop), place, all, Int64(runs.count))
    }

    /// What has passed is durable, or was refused: then it is a dead letter still.
    func settleLetters(_ settlement: Settlement) {
        guard let awaited = letters?.awaited, awaited.ticket == settlement.ticket else { return }
        letters?.awaited = nil
        if case .refused = settlement.outcome {
            return finishLetters(fault: "the log refuses them: \(log.trouble?.description ?? "a stream is gone")")
        }
        letters?.report.passed += awaited.passed
        peers.withDevices { $0.runs[awaited.place] = awaited.runs }
        letters.map { work in peers.withDevices { $0.note(work.report) } }
    }
}

extension OffsetRuns {
    /// How many offsets are in it.
    var count: Int { ranges.reduce(0) { $0 + $1.count } }
}

/// A dead letter as it is on record.
struct StoredLetter {
    /// The topic of the message.
    let topic: [UInt8]
    /// When it came.
    let time: Timestamp
    /// The headers of the message, and that it was a dead letter.
    private(set) var headers: [RecordHeader]
    private var reason: [UInt8] = []
    private let key: [UInt8]

    /// The letter in a record; nil when it is none.
    init?(_ record: RecordView, in bytes: Span<UInt8>, of batch: RecordBatch) {
        guard let range = TopicHeader.topic(of: record, in: bytes, isFromKafka: batch.isFromKafka),
            let topic = DeadLetter.original(bytes.extracting(range.indices).copied)
        else { return nil }
        self.topic = topic
        time = KafkaMessage.time(of: record, in: batch)
        key = record.key.map { bytes.extracting($0.indices).copied } ?? []
        headers = [RecordHeader(name: MessageHeader.topic, value: topic)]
        var reader = HeaderReader(record)
        while let (name, value) = reader.next(bytes) {
            let (text, content) = (
                String(decoding: bytes.extracting(name.indices).copied, as: UTF8.self),
                bytes.extracting(value.indices).copied
            )
            if text == DeadLetter.Header.reason { reason = content }
            // It is not retained again: what is retained since may be newer.
            let isLeft =
                text == MessageHeader.topic || text == MessageHeader.retained
                || text.hasPrefix(MessageHeader.letterPrefix)
            if !isLeft { headers.append(RecordHeader(name: text, value: content)) }
        }
        let offset = batch.baseOffset.advanced(by: record.offsetDelta).rawValue
        headers.append(RecordHeader(name: DeadLetter.Header.redriven, value: Array(String(offset).utf8)))
    }

    /// Whether an order is about it.
    func isMeant(by order: LetterOrder) -> Bool {
        (order.reason.isEmpty || Array(order.reason.utf8) == reason)
            && (order.device.isEmpty || Array(order.device.utf8) == key)
            && time.rawValue >= order.from && time.rawValue < order.until
    }
}

extension Span<UInt8> {
    /// The bytes as an array.
    fileprivate var copied: [UInt8] { Array(copying: self) }
}
