import CommitLog
import LogInterface
import RecordFormat
import SluiceCore
import SluiceTesting
import Testing

@Suite("The log in memory")
struct LogStateTests {
    @Test("the tail is trimmed to its bound, but never past what is flushed or a scan has still to see")
    func trims() throws {
        let world = FaultWorld()
        let log = try world.open()
        log.withState { $0.setInterest(log.reader, appended: false, durable: true) }
        for _ in 0..<10 { _ = try world.commit(log) }
        try log.flush()
        #expect(log.withState { $0.partitions[0].tail.count } == 10)
        var entries: [TailEntry] = []
        log.withState { $0.scan(log.reader, .durable, countMax: 4, into: &entries) }
        #expect(entries.map(\.batch.baseOffset.rawValue) == [0, 2, 4, 6])
        _ = try world.commit(log)
        #expect(log.withState { $0.partitions[0].tail.count } == 7)
        #expect(log.withState { $0.hasNews(log.reader) })
        log.withState { $0.scan(log.reader, .durable, countMax: 100, into: &entries) }
        #expect(entries.map(\.batch.baseOffset.rawValue) == (0..<11).map { $0 * 2 })
        #expect(!log.withState { $0.hasNews(log.reader) })
        try log.flush()
        // 2048 bytes: two batches, with what they take beside their bytes.
        #expect(log.withState { $0.partitions[0].tail.count } == 2)
    }

    @Test("a scan tells since when each entry has been durable, as far as so many commits are remembered")
    func durableSince() throws {
        let world = FaultWorld()
        let log = try world.open()
        log.withState { $0.setInterest(log.reader, appended: true, durable: true) }
        for time in [10, 20, nil, 40] as [Int64?] {
            log.time = time
            _ = try world.commit(log)
        }
        var entries: [TailEntry] = []
        // What became visible at no time in particular counts from the next commit whose time is known.
        log.withState { $0.scan(log.reader, .durable, countMax: 2, into: &entries) }
        #expect(entries.map(\.durableAt) == [10, 20])
        entries.removeAll()
        log.withState { $0.scan(log.reader, .durable, countMax: 9, into: &entries) }
        #expect(entries.map(\.durableAt) == [40, 40])
        entries.removeAll()
        for time in 100..<400 {
            log.time = Int64(time)
            _ = try world.commit(log)
        }
        log.withState { $0.scan(log.reader, .durable, countMax: 1000, into: &entries) }
        let times = entries.map(\.durableAt)
        #expect(times.count == 300 && times.suffix(255) == Array(145..<400).map(Int64?.some)[...])
        #expect(times.prefix(45).allSatisfy { $0 == nil })
        entries.removeAll()
        log.withState { $0.scan(log.reader, .appended, countMax: 1000, into: &entries) }
        #expect(entries.count == 304 && entries.allSatisfy { $0.durableAt == nil })
    }

    @Test("an interest that begins starts at the end of what its visibility sees")
    func interestBegins() throws {
        let world = FaultWorld()
        let log = try world.open()
        _ = try world.commit(log)
        world.append(log)
        log.withState { $0.setInterest(log.reader, appended: true, durable: true) }
        #expect(!log.withState { $0.hasNews(log.reader) })
        try log.write()
        try log.synchronize()
        var entries: [TailEntry] = []
        log.withState { $0.scan(log.reader, .appended, countMax: 9, into: &entries) }
        #expect(entries.isEmpty)
        log.withState { $0.scan(log.reader, .durable, countMax: 9, into: &entries) }
        #expect(entries.map(\.batch.baseOffset.rawValue) == [2])
    }

    @Test("a read of the tail keeps little memory from being freed, however far apart its batches lie")
    func keepsLittle() throws {
        let partitions = (0..<2).map { number in
            PartitionState(
                id: PartitionID(rawValue: UInt32(number)), streamIndex: 0, durability: .memory,
                segments: [SegmentInfo(baseOffset: .zero)], end: .zero)
        }
        var state = LogState(partitions: partitions, nextLSN: LSN(rawValue: 1), limits: LogLimits())
        let reader = state.register()
        var builder = RecordBatchBuilder(in: BatchMemory())
        func append(_ byteCount: Int, to number: Int) {
            let (key, headers) = (RecordFields.nullKey, RecordFields.headers([]))
            let value = [UInt8](repeating: 1, count: byteCount)
            builder.append(
                at: Timestamp(rawValue: 0), keyField: key.span, value: value.span, headersField: headers.span)
            let append = Append(
                partition: partitions[number].id, batch: builder.finish(), isAwaited: false, topicHashes: nil)
            let outcome = state.append([append])
            #expect(outcome == .appended(LSN(rawValue: 1)))
        }
        // One small batch in each slab, and large ones of the other partition.
        for _ in 0..<40 {
            append(10, to: 1)
            for _ in 0..<9 { append(30_000, to: 0) }
        }
        var (offset, reads) = (Offset.zero, 0)
        while true {
            let found = state.readTail(
                partitions[1].id, from: offset, visibility: .appended, loop: reader, byteCountMax: 1 << 20)
            let read = try #require(found)
            // Two slabs and one for the reader, each with one batch or two.
            #expect((1...6).contains(read.batches.count))
            let slabs = Set(read.batches.map { $0.keptMemory.id })
            #expect(slabs.count <= 3)
            reads += 1
            offset = read.nextOffset
            if read.isCaughtUp { break }
        }
        #expect(offset == Offset(rawValue: 40))
        #expect(reads > 6)
    }

    @Test("a read of the tail ends at the scan, and is refused below what is in memory")
    func readsTail() throws {
        let world = FaultWorld()
        let log = try world.open()
        log.withState { $0.setInterest(log.reader, appended: true, durable: false) }
        for _ in 0..<4 { _ = try world.commit(log) }
        func read(_ offset: Int64, _ byteCountMax: Int = 100_000) -> PartitionRead? {
            log.withState {
                $0.readTail(
                    PartitionID(rawValue: 0), from: Offset(rawValue: offset), visibility: .appended, loop: log.reader,
                    byteCountMax: byteCountMax)
            }
        }
        #expect(read(0)?.batches.isEmpty == true)
        #expect(read(0)?.isCaughtUp == true)
        var entries: [TailEntry] = []
        log.withState { $0.scan(log.reader, .appended, countMax: 3, into: &entries) }
        #expect(read(0)?.batches.map(\.baseOffset.rawValue) == [0, 2, 4])
        #expect(read(0)?.nextOffset.rawValue == 6)
        #expect(read(3)?.batches.map(\.baseOffset.rawValue) == [2, 4])
        #expect(read(0, 1)?.batches.count == 1)
        #expect(read(0, 1)?.isCaughtUp == false)
        log.withState { $0.setInterest(log.reader, appended: false, durable: false) }
        for _ in 0..<6 { _ = try world.commit(log) }
        try log.flush()
        #expect(read(0) == nil)
    }

    @Test("a group is patient while everybody who waits for it is, and somebody does")
    func patience() throws {
        let world = FaultWorld()
        let log = try world.open()
        func isPatient() -> Bool { log.withState { $0.pendingIsPatient } }
        #expect(!isPatient())
        var append = world.makeAppend()
        append.isPatient = true
        _ = log.append([append])
        #expect(isPatient())
        var unawaited = world.makeAppend()
        unawaited.isAwaited = false
        _ = log.append([unawaited])
        #expect(isPatient(), "who does not wait is in no hurry")
        _ = log.append([world.makeAppend()])
        #expect(!isPatient())
        try log.write()
        _ = log.append([append])
        #expect(isPatient(), "the next group has its own")
    }

    @Test("what nobody waits for becomes visible with its group, at once when it is read, else with the next sync")
    func unawaited() throws {
        let world = FaultWorld()
        let log = try world.open()
        func appendUnawaited() {
            var append = world.makeAppend()
            append.isAwaited = false
            _ = log.append([append])
        }
        appendUnawaited()
        #expect(log.withState { $0.partitions[0].highWatermark } == .zero)
        #expect(!log.withState { $0.pendingDemand.wantsSync })
        log.withState { $0.setInterest(log.reader, appended: false, durable: true) }
        appendUnawaited()
        #expect(log.withState { $0.pendingDemand.wantsSync })
        try log.write()
        #expect(log.withState { $0.partitions[0].highWatermark } == .zero)
        try log.synchronize()
        #expect(log.withState { $0.partitions[0].highWatermark }.rawValue == 4)
        #expect(log.withState { $0.hasUnjournaled })
        try log.flush()
        #expect(try log.readAll(0).count == 2)
    }
}

@Suite("Retention")
struct RetentionTests {
    @Test("by bytes: whole segments go, oldest first, and readers go on at the new start and hear what they missed")
    func byBytes() throws {
        var stream = StreamSettings(name: "device")
        stream.policy.retentionBytesMax = 2500
        let (world, log) = try Self.filled(stream)
        let before = log.withState { $0.partitions[0].segments }
        #expect(before.count == 8)
        #expect(try Self.retain(log, at: 0) == 5)
        #expect(try Self.retain(log, at: 0) == 0)
        let segments = log.withState { $0.partitions[0].segments }
        #expect(segments == Array(before.suffix(3)))
        #expect(segments.reduce(0) { $0 + $1.byteCount } <= 3500)
        #expect(log.withState { $0.partitions[0].byteCount } == segments.reduce(0) { $0 + $1.byteCount })
        let start = segments[0].baseOffset
        #expect(log.withState { $0.partitions[0].start } == start)
        let read = try log.files(0).read(
            PartitionID(rawValue: 0), from: .zero, hint: nil, byteCountMax: 100, access: log)
        #expect(read.batches.first?.baseOffset == start)
        #expect(read.removedCount == start.rawValue)
        #expect(world.disk.paths.filter { $0.hasPrefix("streams/device-0/0") }.count == 9)
    }

    @Test("a hold keeps what is at its offset and behind it, says that it did, and ends")
    func hold() throws {
        var stream = StreamSettings(name: "device")
        stream.policy.retentionBytesMax = 2500
        let (_, log) = try Self.filled(stream)
        let before = log.withState { $0.partitions[0].segments }
        let reader = LoopID(index: 7)
        func hold(_ offset: Offset?) -> Bool { log.withState { $0.partitions[0].hold(from: offset, for: reader) } }
        #expect(!hold(before[2].baseOffset))
        #expect(try Self.retain(log, at: 0) == 2)
        #expect(log.withState { $0.partitions[0].start } == before[2].baseOffset)
        #expect(hold(before[2].baseOffset), "retention wanted more")
        #expect(!hold(before[3].baseOffset), "nothing since")
        #expect(try Self.retain(log, at: 0) == 1)
        _ = hold(nil)
        #expect(try Self.retain(log, at: 0) == 2)
        #expect(!hold(nil))
    }

    @Test("by age: an eighth of the segments at most in a pass, never the newest")
    func byAge() throws {
        var stream = StreamSettings(name: "device")
        stream.policy.retentionMilliseconds = 10
        let (_, log) = try Self.filled(stream)
        #expect(try Self.retain(log, at: 1011) == 0)
        #expect(try Self.retain(log, at: 1014) == 1)
        #expect(try Self.retain(log, at: 1_000_000) == 1)
        for _ in 0..<8 { _ = try Self.retain(log, at: 1_000_000) }
        #expect(log.withState { $0.partitions[0].segments.count } == 1)
    }

    @Test("a clock that jumps ahead removes nothing for an hour, and then again a little at a time")
    func clockJump() throws {
        var stream = StreamSettings(name: "device")
        stream.policy.retentionMilliseconds = 1000
        let (_, log) = try Self.filled(stream)
        #expect(try Self.retain(log, at: 1500, monotonic: 0) == 0)
        let day: Int64 = 86_400_000
        let jump = try log.housekeeper.retain(wall: Timestamp(rawValue: 1500 + day), monotonic: 10_000)
        #expect(jump.removedCount == 0)
        #expect(jump.jumpMilliseconds == day - 10_000)
        #expect(try Self.retain(log, at: 11_500 + day, monotonic: 20_000) == 0)
        #expect(try Self.retain(log, at: 1500 + day + 3_600_000, monotonic: 3_611_000) == 1)
    }

    @Test("a policy that changes while the log runs counts from the next pass on")
    func changes() throws {
        let (_, log) = try Self.filled(StreamSettings(name: "device"))
        #expect(try Self.retain(log, at: 1_000_000) == 0)
        var policy = StreamPolicy()
        policy.retentionBytesMax = 1
        log.withState { $0.setPolicy(policy, ofStream: 0) }
        #expect(try Self.retain(log, at: 1_000_000) == 7)
    }

    @Test("in total: the oldest segments of all streams go, but not those of compacted streams")
    func inTotal() throws {
        var streams = ["device", "metric", "state"].map { StreamSettings(name: $0) }
        streams[2].policy.cleanup = .compact
        for index in streams.indices { streams[index].policy.granuleBytesMax = 1500 }
        let world = FaultWorld(streams)
        let log = try world.open()
        for number in 0..<36 { _ = try world.commit(log, partition: number % 3) }
        try log.flush()
        let before = log.withState { state in state.partitions.map(\.segments.count) }
        let total = log.withState { state in state.partitions.reduce(0) { $0 + $1.byteCount } }
        log.withState { $0.policy.retentionBytesMax = total / 2 }
        #expect(try Self.retain(log, at: 5000) > 0)
        let after = log.withState { state in state.partitions.map(\.segments.count) }
        #expect(after[2] == before[2])
        #expect(after[0] < before[0])
        #expect(abs(after[0] - after[1]) <= 1)
        // All but the newest may go; what compacted streams hold counts and stays.
        log.withState { $0.policy.retentionBytesMax = 1 }
        _ = try Self.retain(log, at: 5000)
        #expect(log.withState { state in state.partitions.map(\.segments.count) } == [1, 1, before[2]])
    }

    @Test("a segment that is not full is sealed when its first record is old, so that it can go")
    func slowStream() throws {
        var stream = StreamSettings(name: "device")
        stream.policy.retentionMilliseconds = 1000
        let world = FaultWorld(stream)
        var log = try world.open()
        _ = try world.commit(log)
        try log.flush()
        for attempt in 0..<2 {
            try log.maintenance.roll { _ in Timestamp(rawValue: 1001) }
            #expect(log.withState { $0.partitions[0].segments.count } == 1)
            // The first record's time is found again when the log opens.
            if attempt == 0 { log = try world.reopen(.kill) }
        }
        try log.maintenance.roll { _ in Timestamp(rawValue: 1002) }
        #expect(log.withState { $0.partitions[0].segments.count } == 2)
        try log.maintenance.roll { _ in Timestamp(rawValue: 9000) }
        #expect(log.withState { $0.partitions[0].segments.count } == 2)
        #expect(try Self.retain(log, at: 9000) == 1)
        #expect(log.withState { $0.partitions[0].start } == Offset(rawValue: 2))
        log = try world.reopen(.powerCut)
        #expect(log.withState { $0.partitions[0].start } == Offset(rawValue: 2))
        _ = try world.commit(log)
        try log.flush()
        #expect(try log.readAll(0).map(\.baseOffset.rawValue) == [2])
    }

    private static func retain(_ log: SimLog, at wall: Int64, monotonic: Int64? = nil) throws -> Int {
        try log.housekeeper.retain(wall: Timestamp(rawValue: wall), monotonic: monotonic ?? wall).removedCount
    }

    @Test("a time is looked up in the segments: the first batch that has it or a later one")
    func lookup() throws {
        let (world, log) = try Self.filled(StreamSettings(name: "device"))
        for (number, batch) in world.sent.enumerated() {
            let time = Timestamp(rawValue: 1001 + Int64(number))
            let found = try log.files(0).offset(PartitionID(rawValue: 0), at: time, access: log)
            #expect(found == batch.baseOffset)
        }
        let end = try log.files(0).offset(PartitionID(rawValue: 0), at: Timestamp(rawValue: 5000), access: log)
        #expect(end == world.sent.last?.nextOffset)
    }

    /// Twenty-four batches in eight segments; the n-th batch has the timestamp 1000 + n.
    private static func filled(_ stream: StreamSettings) throws -> (FaultWorld, SimLog) {
        let world = FaultWorld(stream)
        let log = try world.open()
        for _ in 0..<24 { _ = try world.commit(log) }
        try log.flush()
        return (world, log)
    }
}
