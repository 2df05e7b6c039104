import CommitLog
import LogInterface
import RecordFormat
import SluiceCore
import SluiceTesting

/// An engine whose background work is done in steps that a simulation chooses.
protocol SteppedEngine: LogEngine {
    /// What can be done now, as numbers that `perform` understands; the same numbers stand for the same kind of work.
    var work: [Int] { get }
    /// Does some of it.
    func perform(_ work: Int) throws(StorageError)
    /// Every batch of a partition, in its order, those that are not durable too.
    func allBatches(of partition: PartitionID) throws(StorageError) -> [RecordBatch]
}

/// The embedded engine without threads, on a simulated disk: each step of its threads is one of the simulation's.
///
/// Isolation: one thread.
// Sendable: only one thread ever touches it.
final class SimEngine: SteppedEngine, LogStateAccess, @unchecked Sendable {
    private struct Loop {
        var wake: @Sendable () -> Void
        var settlements = SettlementQueue()
        var fetched: [(number: UInt64, read: PartitionRead)] = []
    }

    private struct Fetch {
        var request: ReadRequest
        var time: Timestamp?
        var loop: LoopID
    }

    /// Breaks the circle between the maintenance and the engine that owns it.
    // Sendable: only one thread ever touches it.
    private final class Access: LogStateAccess, @unchecked Sendable {
        weak var engine: SimEngine?
        func withState<Result>(_ body: (inout LogState) -> Result) -> Result {
            guard let engine else { preconditionFailure("Cannot reach an engine that is gone") }
            return engine.withState(body)
        }
        func pause() {}
    }

    private let plant: Plant?
    private var state: LogState
    private var journal: JournalWriter
    private var spare: JournalWriter.File?
    private var finished: [JournalWriter.File] = []
    private var hasUnsynced = false
    private let maintenance: LogMaintenance
    private let housekeeper: Housekeeper
    private let files: [PartitionFiles]
    private var loops: [Loop] = []
    private var fetches: [Fetch] = []
    /// Whether the next fetch finds that it cannot read now.
    var failsFetch = false
    /// The wall's time, which housekeeping goes by.
    var wallClock = Timestamp(rawValue: 0)

    /// Recovers what is on a disk.
    init(
        _ disk: SimDisk, _ settings: [StreamSettings], limits: LogLimits, journalFileBytes: Int, plant: Plant? = nil
    ) throws(StorageError) {
        var serial = 0
        let opening = LogOpening(
            storage: disk, settings: settings, limits: limits, journalFileBytes: journalFileBytes,
            makeID: {
                serial += 1
                return "stream-\(serial)"
            })
        var opened = try opening.open()
        self.plant = plant
        let writers = opened.writers
        state = opened.takeState()
        journal = opened.takeJournal()
        let access = Access()
        maintenance = LogMaintenance(storage: disk, access: access, writers: writers, files: opened.takeFiles())
        var limits = HousekeepingLimits()
        limits.sealingDelayMilliseconds = 0
        housekeeper = Housekeeper(
            storage: disk, access: access, limits: limits, makeSeed: { 7 })
        var files = [PartitionFiles?](repeating: nil, count: writers.count)
        for stream in opened.streams {
            for (number, partition) in stream.partitions.enumerated() {
                let paths = SegmentPaths(stream: stream.settings.name, number: number)
                files[partition.index] = PartitionFiles(storage: disk, paths: paths)
            }
        }
        self.files = files.compactMap { $0 }
        access.engine = self
    }

    func withState<Result>(_ body: (inout LogState) -> Result) -> Result { body(&state) }
    func pause() {}

    // MARK: Steps

    private enum Work: Int, CaseIterable { case write, synchronize, flush, prepare, fetch }

    var work: [Int] {
        Work.allCases.filter { work in
            switch work {
            case .write: !state.pendingDemand.isEmpty || state.pendingDemand.wantsSync
            case .synchronize: hasUnsynced
            case .flush: state.partitions.contains { $0.flushed < $0.flushable }
            case .prepare: spare == nil || finished.contains { $0.lastLSN < state.durable }
            case .fetch: !fetches.isEmpty
            }
        }.map(\.rawValue)
    }

    /// What an idle engine does now and then.
    func keepHouse() throws {
        try maintenance.roll { _ in self.wallClock }
        _ = try housekeeper.compact(now: wallClock, shouldStop: { false })
    }

    func perform(_ work: Int) throws(StorageError) {
        switch Work(rawValue: work) {
        case .write: try write()
        case .synchronize: try synchronize()
        case .flush: try maintenance.flush()
        case .prepare: try prepare()
        case .fetch: answer()
        case nil: return
        }
    }

    private func write() throws(StorageError) {
        var group = state.takeGroup()
        if journal.needsSpare(for: group) {
            try synchronize()
            if spare == nil { try prepare() }
            guard let file = spare else { preconditionFailure("Cannot prepare no file") }
            spare = nil
            state.reserveAll(in: &group)
            finished.append(journal.adopt(spare: file))
        }
        try journal.write(group, durable: state.durable)
        hasUnsynced = true
        state.completed(write: group).release()
        wakeLoops()
    }

    private func synchronize() throws(StorageError) {
        guard hasUnsynced else { return }
        try journal.synchronize()
        hasUnsynced = false
        state.completed(synchronize: state.written)
        wakeLoops()
    }

    private func prepare() throws(StorageError) {
        while let file = finished.first, file.lastLSN < state.durable {
            let checkpoint = try maintenance.checkpoint([file])
            if let failure = checkpoint.failure { throw failure }
            let recycled = checkpoint.recycled[0]
            finished.removeFirst()
            if spare == nil { spare = recycled } else { try maintenance.remove(recycled) }
        }
        if spare == nil { spare = try maintenance.makeJournalFile() }
    }

    private func answer() {
        let fetch = fetches.removeFirst()
        let partition = fetch.request.partition
        var read = PartitionRead(nextOffset: fetch.request.offset)
        do throws(StorageError) {
            guard !failsFetch else { throw StorageError(.read, "a segment", code: 5, reason: "simulated") }
            if let time = fetch.time {
                read.nextOffset = try files[partition.index].offset(partition, at: time, access: self)
            } else {
                read = try files[partition.index].read(fetch.request, access: self) { _ in }
            }
        } catch {
            read.isFailed = true
        }
        failsFetch = false
        if plant == .fetchesBackwards { read.batches.reverse() }
        if plant == .fetchSkips, !read.batches.isEmpty { read.batches.removeFirst() }
        loops[fetch.loop.index].fetched.append((fetch.request.number, read))
        loops[fetch.loop.index].wake()
    }

    private func wakeLoops() {
        for index in loops.indices {
            let isSettled = loops[index].settlements.takeWake(written: state.written, durable: state.durable)
            if isSettled || state.hasNews(LoopID(index: index)) { loops[index].wake() }
        }
    }

    func allBatches(of partition: PartitionID) throws(StorageError) -> [RecordBatch] {
        while let next = work.first(where: { $0 != Work.fetch.rawValue }) { try perform(next) }
        var offset = state.partitions[partition.index].start
        var hint: ReadHint?
        var batches: [RecordBatch] = []
        while offset < state.partitions[partition.index].flushed {
            let read = try files[partition.index].read(
                partition, from: offset, hint: hint, byteCountMax: 64 << 10, access: self)
            batches += read.batches
            hint = read.hint
            guard read.nextOffset > offset else { break }
            offset = read.nextOffset
        }
        return batches
    }

    // MARK: Streams

    var streams: [StreamDescription] { state.registry.streams }
    var catalogueGeneration: UInt64 { state.registry.generation }

    func administer(_ request: StreamRequest, number: UInt64, for loop: LoopID) {
        preconditionFailure("Cannot change streams: no client of the simulation asks for that")
    }

    func takeAdministered(_ loop: LoopID) -> [(number: UInt64, result: Result<StreamDescription, StreamFault>)] { [] }

    func erase(_ order: ErasureOrder, number: UInt64, for loop: LoopID) {
        preconditionFailure("Cannot erase: no client of the simulation asks for that")
    }

    func takeErasures(_ loop: LoopID) -> [(number: UInt64, report: ErasureReport)] { [] }

    // MARK: Appends

    var appendsAtomically: Bool { true }

    func register(wake: @escaping @Sendable () -> Void) -> LoopID {
        loops.append(Loop(wake: wake))
        return state.register()
    }

    func append(_ appends: [Append], from loop: LoopID) -> AppendTicket {
        var appends = appends
        if plant == .losesInboundID, appends.count > 1 {
            let sessions = streams.first { $0.settings.name == "__sessions" }?.partitions[0]
            appends.removeAll { $0.partition == sessions }
        }
        let ticket: AppendTicket
        switch state.append(appends) {
        case .appended(let lsn):
            let level = plant == .settlesEarly ? .taken : state.level(of: appends)
            ticket = loops[loop.index].settlements.add(lsn, level)
        case .refusedFull: return loops[loop.index].settlements.refuse(.full)
        case .refusedUnknown: return loops[loop.index].settlements.refuse(.unknownStream)
        case .refusedPoisoned: return loops[loop.index].settlements.refuse(.failed)
        }
        for index in loops.indices where index != loop.index && state.hasNews(LoopID(index: index)) {
            loops[index].wake()
        }
        return ticket
    }

    func append(sequenced append: Append, with companions: [Append], from loop: LoopID) -> AppendTicket {
        preconditionFailure("Cannot append for producers, of which the simulation has none")
    }

    func fence(from loop: LoopID) -> AppendTicket {
        loops[loop.index].settlements.add(state.barrier(), plant == .settlesEarly ? .taken : .durable)
    }

    func takeSettlements(of loop: LoopID, into settlements: inout [Settlement]) {
        loops[loop.index].settlements.take(written: state.written, durable: state.durable, into: &settlements)
    }

    var patience: Int64 { 0 }
    var isUnderPressure: Bool { state.isUnderPressure && state.poison == nil }
    var trouble: LogTrouble? {
        (state.poison ?? state.full).map { LogTrouble(isPassing: $0.isFull, description: $0.description) }
    }

    // MARK: Reads

    func setInterest(_ loop: LoopID, appended: Bool, durable: Bool) {
        state.setInterest(loop, appended: appended, durable: durable)
    }

    func scanOffsets(_ loop: LoopID) -> [Offset] { state.scanOffsets(loop) }
    func endOffsets() -> [Offset] { state.endOffsets() }
    var isScanned: Bool { state.isScanned }

    func scan(_ loop: LoopID, _ visibility: Visibility, countMax: Int, into entries: inout [TailEntry]) {
        state.scan(loop, visibility, countMax: countMax, into: &entries)
    }

    func readTail(
        _ partition: PartitionID, from offset: Offset, visibility: Visibility, loop: LoopID, byteCountMax: Int
    ) -> PartitionRead? {
        state.readTail(partition, from: offset, visibility: visibility, loop: loop, byteCountMax: byteCountMax)
    }

    func fetch(_ request: ReadRequest, for loop: LoopID) {
        fetches.append(Fetch(request: request, time: nil, loop: loop))
    }

    func fetchOffset(_ partition: PartitionID, at time: Timestamp, number: UInt64, for loop: LoopID) {
        let request = ReadRequest(partition, from: .zero, byteCountMax: 0, number: number)
        fetches.append(Fetch(request: request, time: time, loop: loop))
    }

    func takeFetched(_ loop: LoopID) -> [(number: UInt64, read: PartitionRead)] {
        defer { loops[loop.index].fetched = [] }
        return loops[loop.index].fetched
    }

    func bounds(_ partition: PartitionID) -> PartitionBounds { state.partitions[partition.index].bounds }
    func figures(_ partition: PartitionID) -> PartitionFigures { state.partitions[partition.index].figures }

    func newestTime(_ partition: PartitionID) -> Timestamp? { state.partitions[partition.index].newestTime }

    func producers(_ partition: PartitionID) -> [ProducerFigures] {
        state.partitions[partition.index].producers.figures
    }

    // MARK: Retention

    func setPolicy(_ policy: StreamPolicy, of stream: String) {}
    func trim(_ partition: PartitionID, before offset: Offset) {
        state.partitions[partition.index].trimmedBefore = offset
    }
    func hold(_ partition: PartitionID, from offset: Offset?, for loop: LoopID) -> Bool {
        state.partitions[partition.index].hold(from: offset, for: loop)
    }
}

/// The engine in memory: its only work is to let appends settle.
extension MemoryEngine: SteppedEngine {
    var work: [Int] { hasPending ? [0] : [] }
    func perform(_ work: Int) throws(StorageError) { settle(atMost: 1) }
    func allBatches(of partition: PartitionID) throws(StorageError) -> [RecordBatch] { batches(of: partition) }
}
