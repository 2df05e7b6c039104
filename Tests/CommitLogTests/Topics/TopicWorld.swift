import CommitLog
import Compression
import LogInterface
import RecordFormat
import SluiceCore
import SluiceTesting
import Testing
import TopicRouting

/// One partition with records of many topics, its segments and their topic indexes, on a simulated disk.
final class TopicWorld {
    static let paths = SegmentPaths(stream: "device", number: 0)
    static let partition = PartitionID(rawValue: 0)
    /// Topics that share prefixes, one of two bytes a letter, the empty one, and none at all.
    static let topics: [String?] = [
        "a", "a/b", "a/b/c", "a/bb", "a/b/d/e", "ab", "b", "fleet/1/t", "fleet/12/t", "fleet/2/t", "плант/é/温度",
        "плант/ж/温度", "$SYS/x", "", nil,
    ]
    /// Selections of every kind: by name, `+`, `#`, of nothing, of what is not there.
    static let filters: [[String]] = [
        ["a"], ["a/b"], ["fleet/2/t"], ["плант/é/温度"], ["zz"], ["a/b", "ab", "fleet/12/t"], [], ["a/#"], ["a/b/#"],
        ["+"], ["+/+"], ["fleet/+/t"], ["плант/+/温度"], ["+/b/#"], ["$SYS/#", "b"], ["#"],
    ]

    /// A record as a reader sees it.
    struct Found: Equatable, CustomStringConvertible {
        var offset: Int64
        var topic: [UInt8]?
        var number: UInt8
        var description: String { "\(offset):\(topic.map { String(decoding: $0, as: UTF8.self) } ?? "-")" }
    }

    let disk = SimDisk()
    let sectionBytes: Int
    private var settings: SimLog.Settings
    private var random: SeededGenerator
    private(set) var log: SimLog
    private(set) var indexer: TopicIndexer
    private(set) var batchCount = 0

    init(
        seed: UInt64, segmentBytes: Int64? = nil, sectionBytes: Int? = nil, retentionBytes: Int64? = nil,
        tailBytes: Int? = nil
    ) throws {
        var random = SeededGenerator(seed: seed)
        var stream = StreamSettings(name: "device")
        stream.policy.granuleBytesMax = segmentBytes ?? Int64(1500 << random.below(4))
        stream.policy.retentionBytesMax = retentionBytes
        settings = SimLog.Settings(streams: [stream])
        settings.housekeeping.batchBytes = 200 << random.below(4)
        settings.housekeeping.sealingDelayMilliseconds = 0
        settings.journalFileBytes = 16 << 10
        settings.limits.indexIntervalBytes = 256
        settings.limits.tailBytesMax = tailBytes ?? 1024 << random.below(4)
        self.sectionBytes = sectionBytes ?? 300 << random.below(4)
        self.random = random
        log = try SimLog(disk, settings)
        indexer = Self.makeIndexer(disk, log, self.sectionBytes)
    }

    /// Compresses what is sealed.
    /// - Returns: the number of segments whose files were replaced.
    func seal() throws -> Int {
        try log.housekeeper.seal(now: Timestamp(rawValue: Int64.max >> 1), shouldStop: { false })
    }

    private static func makeIndexer(_ disk: SimDisk, _ log: SimLog, _ sectionBytes: Int) -> TopicIndexer {
        TopicIndexer(
            storage: disk, access: log, partitions: [(Self.partition, Self.paths)], sectionBytes: sectionBytes)
    }

    // MARK: Writing

    /// Appends batches, mostly of few topics, and flushes them.
    func append(_ count: Int, topics: [String?] = TopicWorld.topics) throws {
        for _ in 0..<count {
            guard case .appended = log.append([makeAppend(topics)]) else {
                throw WorldError(text: "an append was refused")
            }
            try log.write()
            try log.synchronize()
            batchCount += 1
        }
        try log.flush()
        try log.prepare()
    }

    /// Appends and flushes one batch of a Kafka client, a record for each list of headers.
    func appendFromKafka(_ records: [[(String, String)]], codec: Codec) throws {
        var builder = RecordBatchBuilder()
        let key = RecordFields.nullKey
        let value = [UInt8](repeating: 7, count: 40)
        for headers in records {
            let field = RecordFields.headers(headers.map { RecordHeader(name: $0.0, value: Array($0.1.utf8)) })
            builder.append(
                at: Timestamp(rawValue: 1000), keyField: key.span, value: value.span, headersField: field.span)
        }
        let plain = builder.finish()
        let batch = plain.compressed(codec) ?? plain
        var header = batch.header
        header.markFromKafka()
        let bytes = batch.bytes
        let marked = RecordBatch(copying: bytes, checksumming: header)
        guard
            case .appended = log.append([
                Append(partition: Self.partition, batch: marked, isAwaited: true, topicHashes: nil)
            ])
        else { throw WorldError(text: "an append was refused") }
        try log.write()
        try log.synchronize()
        batchCount += 1
        try log.flush()
        try log.prepare()
    }

    struct WorldError: Error {
        var text: String
    }

    private func makeAppend(_ topics: [String?]) -> Append {
        var builder = RecordBatchBuilder()
        let key = RecordFields.nullKey
        for _ in 0..<1 + random.below(4) {
            let topic = topics[random.below(topics.count)]
            let header = topic.map { [RecordHeader(name: TopicHeader.name, value: Array($0.utf8))] } ?? []
            let headers = RecordFields.headers(header)
            let value = [UInt8](repeating: UInt8(truncatingIfNeeded: random.next()), count: 1 + random.below(60))
            builder.append(
                at: Timestamp(rawValue: 1000 + Int64(batchCount)), keyField: key.span, value: value.span,
                headersField: headers.span)
        }
        // Some batches leave a hole behind them when the power fails.
        return Append(
            partition: Self.partition, batch: builder.finish(), isAwaited: !random.once(in: 4), topicHashes: nil)
    }

    /// Builds whatever is due.
    func index() throws { while try indexer.step() {} }

    /// Ends the log as `crash` does, and opens it again.
    func reopen(_ crash: SimDisk.Crash, seed: UInt64 = 3) throws {
        disk.crash(crash, seed: seed)
        log = try SimLog(disk, settings)
        indexer = Self.makeIndexer(disk, log, sectionBytes)
    }

    // MARK: Reading

    static func selection(_ filters: [String]) -> TopicSelection {
        var topics: [[UInt8]] = []
        var wildcards: [TopicSelection.Wildcard] = []
        for filter in filters.map({ Array($0.utf8) }) {
            guard let wild = filter.firstIndex(where: { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "#") }) else {
                topics.append(filter)
                continue
            }
            let prefix = filter[wild] == UInt8(ascii: "#") ? filter[..<wild].dropLast() : filter[..<wild]
            wildcards.append(
                TopicSelection.Wildcard(prefix: Array(prefix)) { FilterSyntax.matches(filter: filter.span, topic: $0) })
        }
        return TopicSelection(topics: topics, wildcards: wildcards)
    }

    /// A cursor as the broker has them: it remembers where it is, and the engine's hint.
    struct Cursor {
        var selection: TopicSelection?
        var offset = Offset.zero
        var hint: ReadHint?
        var found: [Found] = []
        var batchCount = 0
        var suspects: Set<Offset> = []
    }

    /// Moves a cursor on by one read.
    /// - Returns: whether there was something left to read.
    func read(_ cursor: inout Cursor, byteCountMax: Int) throws -> Bool {
        guard cursor.offset < log.withState({ $0.partitions[0].flushed }) else { return false }
        let (offset, hint, selection) = (cursor.offset, cursor.hint, cursor.selection)
        let read = try log.files(0).read(
            Self.partition, from: offset, hint: hint, selection: selection,
            byteCountMax: byteCountMax, access: log, noteSuspect: { cursor.suspects.insert($0) })
        for batch in read.batches { try take(batch, &cursor) }
        guard read.nextOffset > cursor.offset else {
            let segments = log.withState { $0.partitions[0].segments }
            throw WorldError(text: "no progress at \(cursor.offset) of \(segments), \(cursor.selection == nil)")
        }
        cursor.offset = read.nextOffset
        cursor.hint = read.hint
        cursor.batchCount += read.batches.count
        return true
    }

    private func take(_ batch: RecordBatch, _ cursor: inout Cursor) throws {
        let bytes = batch.bytes
        var records = RecordReader(batch)
        while let record = try records.next(bytes) {
            let offset = batch.baseOffset.advanced(by: record.offsetDelta)
            guard offset >= cursor.offset else { continue }
            let topic = TopicHeader.topic(of: record, in: bytes, isFromKafka: batch.isFromKafka).map {
                Self.copy(bytes, $0.indices)
            }
            let isWanted = topic.map { $0.isEmpty || cursor.selection?.contains($0.span) ?? true } ?? true
            guard isWanted else { continue }
            cursor.found.append(
                Found(offset: offset.rawValue, topic: topic, number: record.value.map { bytes[Int($0.start)] } ?? 0))
        }
    }

    private static func copy(_ bytes: Span<UInt8>, _ range: Range<Int>) -> [UInt8] {
        var copy: [UInt8] = []
        for index in range { copy.append(bytes[index]) }
        return copy
    }

    /// Everything from `offset` on, with a selection or without.
    func readAll(_ selection: TopicSelection?, from offset: Offset = .zero, byteCountMax: Int = 900) throws -> Cursor {
        var cursor = Cursor(selection: selection, offset: offset)
        while try read(&cursor, byteCountMax: byteCountMax) {}
        return cursor
    }

    /// Compares reads with a selection with what reading everything finds of it.
    /// - Returns: the segments whose index was found wanting.
    @discardableResult
    func expectSame(
        _ place: @autoclosure () -> String, _ filters: [[String]] = TopicWorld.filters, byteCountsMax: [Int] = [900]
    ) throws -> Set<Offset> {
        let all = try readAll(nil)
        var suspects: Set<Offset> = []
        for filter in filters {
            let selection = Self.selection(filter)
            let expected = all.found.filter { found in
                found.topic.map { $0.isEmpty || selection.contains($0.span) } ?? true
            }
            for byteCountMax in byteCountsMax {
                let cursor = try readAll(selection, byteCountMax: byteCountMax)
                #expect(cursor.found == expected, "\(place()), \(filter), \(byteCountMax) bytes a read")
                suspects.formUnion(cursor.suspects)
            }
        }
        return suspects
    }

    /// Lets readers come upon what is wrong with the indexes, until nothing is: each call names one segment.
    func repair(_ place: String, _ filters: [[String]] = TopicWorld.filters) throws {
        for _ in 0..<20 {
            let suspects = try expectSame(place, filters)
            if suspects.isEmpty { return }
            for segment in suspects { indexer.examine(Self.partition, segment: segment) }
            try index()
        }
        Issue.record("\(place): an index is never right")
    }

    /// The paths of the topic indexes, oldest first.
    var indexPaths: [String] { disk.paths.filter { $0.hasSuffix(".topics") } }
}
