package import CommitLog
import Glibc
import RecordFormat
package import SluiceCore
import Synchronization

/// How the log's threads behave.
package struct LogRuntimeSettings: Sendable {
    /// Bytes of a journal file.
    package var journalFileBytes = 64 << 20
    /// How long a commit waits for company, in nanoseconds; 0 commits at once.
    package var commitDelayNanoseconds: Int64 = 0
    /// After how many nanoseconds written groups are synchronised that nobody waits for (`durability: interval`).
    package var syncIntervalNanoseconds: Int64 = 100_000_000
    /// Bytes of the log that a section of a topic index covers: smaller ones are looked into more often, larger ones
    /// leave more to be read in sequence and take more memory to build.
    package var topicSectionBytes = 16 << 20
    /// Bounds of the log's memory.
    package var limits = LogLimits()
    /// Bounds of the log on disk.
    package var policy = LogPolicy()
    /// Bounds of housekeeping.
    package var housekeeping = HousekeepingLimits()
    /// Bytes of the disk set aside for the day on which it is full; see `SpaceReserve`.
    package var reserveBytes = 32 << 20
    /// How often retention and the rest of housekeeping look, in nanoseconds.
    package var housekeepingNanoseconds: Int64 = 10_000_000_000

    /// The defaults.
    package init() {}
}

/// The embedded engine: the log's state behind one lock, and the threads that do its I/O.
///
/// Isolation: `append`, scans and reads come from event loops and hold the lock for a few instructions; the journal
/// thread writes and synchronises groups, the flusher writes segments and checkpoints, the reader threads read
/// segments, the housekeeping thread removes and rewrites sealed ones, the indexer thread writes topic indexes.
/// Sendable: every mutable stored property is touched only with `monitor` locked, except those of the journal thread,
/// which are its own.
package final class LogRuntime: LogEngine, LogStateAccess, @unchecked Sendable {
    struct Reader {
        var wake: @Sendable () -> Void
        var awaitedDurable: LSN?
        var awaitedWritten: LSN?
        var fetched: [(ticket: UInt64, read: PartitionRead)] = []
    }

    struct Fetch: Sendable {
        var partition: PartitionID
        var offset: Offset
        var time: Timestamp?
        var hint: ReadHint?
        var selection: TopicSelection?
        var byteCountMax: Int
        var ticket: UInt64
        var reader: ReaderID
    }

    /// Threads that read history. What is not in the page cache holds one of them up for as long as the disk takes; the
    /// others read on for everybody else.
    static let readerThreadCount = 4
    /// Full journal files from which a checkpoint frees them all: with 64 MiB each, a recovery reads at most 320 MiB.
    static let journalFilesFullMax = 4
    /// Awaited records in a group from which the next one waits for company.
    static let companyMin = 4
    /// The longest that loops are asked to leave their sockets alone for a sync: other traffic of theirs waits as long.
    static let patienceNanosecondsMax: Int64 = 1_000_000
    /// How long loops let messages gather at a time while a group waits for company.
    static let gatheringNanoseconds: Int64 = 100_000
    /// The longest wait for company that nobody configured.
    static let companyNanosecondsMax: Int64 = 300_000
    /// Bytes for segment files that wake the flusher before its time.
    static let flushBytes = 16 << 20
    /// How long a thread that found no space waits before it tries again.
    static let fullRetryNanoseconds: Int64 = 100_000_000
    /// How long batches that are in no journal wait for their segment file.
    static let unjournaledNanoseconds: Int64 = 50_000_000
    /// How long journaled batches wait for their segment file.
    static let journaledNanoseconds: Int64 = 1_000_000_000

    /// See `LogEngine`.
    package let streams: [StreamDescription]
    /// What recovery had to say.
    package let findings: [RecoveryFinding]
    let settings: LogRuntimeSettings
    let storage: any Storage
    let files: [PartitionFiles]
    let report: @Sendable (LogSeverity, String) -> Void
    /// What readers meet that they will meet again.
    let readerLines = Mutex(LineLimiter(burst: 10, nanosecondsPerLine: 5_000_000_000))

    let monitor = Monitor()
    let journalWork: Monitor.Condition
    let flushWork: Monitor.Condition
    let spareReady: Monitor.Condition
    /// One for each reader thread, and the threads that wait, the one that waited last at the end: it is the warmest.
    let readWork: [Monitor.Condition]
    var idleReaders: [Int] = []
    let keepWork: Monitor.Condition
    let indexWork: Monitor.Condition
    var state: LogState
    var readers: [Reader] = []
    var fetches = Ring<Fetch>()
    /// Segments whose topic index a reader found wanting.
    var suspectSegments: [(partition: PartitionID, segment: Offset)] = []
    /// Prepared journal files, in the order of their numbers.
    var spares: [JournalWriter.File] = []
    var finished: [JournalWriter.File] = []
    var isStopping = false
    var journalStopped = false
    /// Whether no journal file will be prepared any more.
    var flusherStopped = false
    /// Whether the journal thread sleeps with an end in sight.
    var journalIsTimed = false
    /// How many awaited records the journal thread waits for before it commits; 0 when it does not.
    var companyTarget = 0
    /// Awaited records of the newest group that was taken.
    var lastAwaitedCount = 0
    /// What a sync takes, lately.
    var syncNanoseconds: Int64 = 200_000
    /// Whether the flusher sleeps with an end in sight.
    var flusherIsTimed = false
    /// Whether that end is near enough for batches that are in no journal.
    var flusherIsUrgent = false
    private var threads: [WorkerThread] = []

    let writtenLSN: Atomic<UInt64>
    let durableLSN: Atomic<UInt64>
    let underPressure = Atomic<Bool>(false)
    let patienceNanoseconds = Atomic<Int64>(0)
    private let scanned = Atomic<Bool>(false)

    /// Bytes in the directory besides segments, journal and reserve, as of the last look.
    var otherByteCount: Int64 = 0

    /// Whether the flusher, or the journal thread, waits for space.
    var flusherIsBlocked = false
    var journalIsBlocked = false

    /// The journal thread's own.
    var journal: JournalWriter
    var journalHasUnsynced = false

    /// The flusher's own.
    var maintenance: LogMaintenance?

    /// The housekeeping thread's own.
    var housekeeper: Housekeeper?
    var reserve: SpaceReserve

    /// Recovers the directory behind `storage` and starts the threads.
    /// - Throws: `StorageError` when the directory cannot be opened.
    package init(
        storage: any Storage, streams: [StreamSettings], settings: LogRuntimeSettings,
        report: @escaping @Sendable (LogSeverity, String) -> Void
    ) throws(StorageError) {
        var opened = try Self.open(storage, streams, settings)
        self.settings = settings
        self.report = report
        let streams = opened.streams
        let writers = opened.writers
        self.streams = streams
        findings = opened.findings
        journalWork = Monitor.Condition(monitor)
        flushWork = Monitor.Condition(monitor)
        spareReady = Monitor.Condition(monitor)
        readWork = (0..<Self.readerThreadCount).map { [monitor] _ in Monitor.Condition(monitor) }
        keepWork = Monitor.Condition(monitor)
        indexWork = Monitor.Condition(monitor)
        self.storage = storage
        var files = [PartitionFiles?](repeating: nil, count: writers.count)
        for stream in streams {
            for (number, partition) in stream.partitions.enumerated() {
                let paths = SegmentPaths(stream: stream.settings.name, number: number)
                files[partition.index] = PartitionFiles(storage: storage, paths: paths)
            }
        }
        self.files = files.compactMap { $0 }
        reserve = SpaceReserve(storage: storage, byteCount: settings.reserveBytes)
        state = opened.takeState()
        journal = opened.takeJournal()
        let journalFiles = opened.takeFiles()
        writtenLSN = Atomic(state.written.rawValue)
        durableLSN = Atomic(state.durable.rawValue)
        maintenance = LogMaintenance(
            storage: storage, access: self, writers: writers, files: journalFiles)
        housekeeper = Housekeeper(
            storage: storage, access: self, streams: streams, limits: settings.housekeeping,
            makeSeed: { UInt64.random(in: .min ... .max) })
        state.policy = settings.policy
        measureQuotaRoom()
        threads = [
            WorkerThread(name: "sluice-journal") { [unowned self] in runJournal() },
            WorkerThread(name: "sluice-flush") { [unowned self] in runFlusher() },
            WorkerThread(name: "sluice-keep") { [unowned self] in runHousekeeping() },
            WorkerThread(name: "sluice-index") { [unowned self] in runIndexer() },
        ]
        for number in readWork.indices {
            threads.append(WorkerThread(name: "sluice-read-\(number)") { [unowned self] in runReader(number) })
        }
    }

    /// Opens the directory; on a full disk once more without the reserve, which is there for this.
    private static func open(
        _ storage: any Storage, _ streams: [StreamSettings], _ settings: LogRuntimeSettings
    ) throws(StorageError) -> OpenedLog {
        func opening() -> LogOpening {
            LogOpening(
                storage: storage, settings: streams, limits: settings.limits,
                journalFileBytes: settings.journalFileBytes, makeID: StreamIdentifier.random)
        }
        do throws(StorageError) {
            return try opening().open()
        } catch {
            guard error.isFull else { throw error }
            try storage.remove(SpaceReserve.path)
            return try opening().open()
        }
    }

    /// Stops the threads: what was appended is written, synchronised and in its segment file, and the directory is
    /// marked clean.
    /// No append may come any more.
    package func stop() {
        monitor.lock()
        isStopping = true
        journalWork.signal()
        flushWork.signal()
        for condition in readWork { condition.signal() }
        keepWork.signal()
        indexWork.signal()
        monitor.unlock()
        for thread in threads { thread.join() }
        threads = []
        maintenance = nil
        housekeeper = nil
    }

    /// See `LogStateAccess`.
    package func withState<Result>(_ body: (inout LogState) -> Result) -> Result {
        monitor.lock()
        defer { monitor.unlock() }
        return body(&state)
    }

    /// See `LogStateAccess`.
    package func pause() { MonotonicClock.sleep(nanoseconds: 1_000_000) }

    // MARK: Policies

    /// See `LogEngine`.
    package func policy(ofStream index: Int) -> StreamPolicy { withState { $0.policy(ofStream: index) } }

    /// See `LogEngine`.
    package func setPolicy(_ policy: StreamPolicy, ofStream index: Int) {
        withState { state in
            state.setPolicy(policy, ofStream: index)
            keepWork.signal()
        }
    }

    /// Changes what bounds the log as a whole.
    package func setPolicy(_ policy: LogPolicy) {
        monitor.lock()
        defer { monitor.unlock() }
        state.policy = policy
        measureQuotaRoom()
        keepWork.signal()
    }

    // MARK: Appends

    /// See `LogEngine`.
    package func register(wake: @escaping @Sendable () -> Void) -> ReaderID {
        monitor.lock()
        defer { monitor.unlock() }
        readers.append(Reader(wake: wake))
        return state.register()
    }

    /// See `LogEngine`.
    package func append(_ appends: [Append], from reader: ReaderID) -> AppendOutcome {
        monitor.lock()
        let outcome = state.append(appends)
        var isAppended = false
        if case .appended = outcome { isAppended = true }
        unlock(behindAppend: isAppended, isRefused: outcome == .refusedFull, from: reader)
        return outcome
    }

    /// Appends a batch of an idempotent producer, unless it is there already or its number does not follow on.
    package func appendSequenced(_ append: Append, from reader: ReaderID) -> SequencedOutcome {
        monitor.lock()
        let outcome = state.appendSequenced(append)
        var isAppended = false
        if case .appended = outcome { isAppended = true }
        unlock(behindAppend: isAppended, isRefused: outcome == .refusedFull, from: reader)
        return outcome
    }

    /// Wakes whoever an append concerns; the lock is held, and given back.
    private func unlock(behindAppend isAppended: Bool, isRefused: Bool, from reader: ReaderID) {
        // The append is the first to find the quota used up.
        let isAtQuota = isRefused && state.full == nil
        var wakesJournal = false
        if isAppended {
            let demand = state.pendingDemand
            let isWanted = demand.wantsSync || demand.wantsWrite || demand.byteCount > 1 << 20 || state.wantsSync
            let isEnough = isWanted && (state.pendingAwaitedCount >= companyTarget || state.isUnderPressure)
            if isEnough || !journalIsTimed && companyTarget == 0 { wakesJournal = journalWork.claimWake() }
        }
        publishPressure()
        let woken = scanned.load(ordering: .relaxed) ? readersWithNews(besides: reader) : []
        monitor.unlock()
        if wakesJournal { journalWork.wake() }
        for wake in woken { wake() }
        if isAtQuota { quotaReached() }
    }

    /// See `LogEngine`.
    package func barrier() -> LSN {
        monitor.lock()
        defer { monitor.unlock() }
        journalWork.signal()
        return state.barrier()
    }

    /// See `LogEngine`.
    package var progress: (written: LSN, durable: LSN) {
        (
            LSN(rawValue: writtenLSN.load(ordering: .acquiring)), LSN(rawValue: durableLSN.load(ordering: .acquiring))
        )
    }

    /// See `LogEngine`.
    package func awaitProgress(_ lsn: LSN, written: Bool, for reader: ReaderID) {
        monitor.lock()
        let isReached: Bool
        if written {
            readers[reader.index].awaitedWritten = lsn
            isReached = state.written >= lsn
        } else {
            readers[reader.index].awaitedDurable = lsn
            isReached = state.durable >= lsn
        }
        let wake = isReached ? readers[reader.index].wake : nil
        monitor.unlock()
        wake?()
    }

    /// As `LogEngine` says.
    package var patience: Int64 { patienceNanoseconds.load(ordering: .relaxed) }

    /// See `LogEngine`.
    package var isUnderPressure: Bool { underPressure.load(ordering: .relaxed) }

    /// As `LogEngine` says.
    package func trim(_ partition: PartitionID, before offset: Offset) {
        withState { $0.partitions[partition.index].trimmedBefore = offset }
    }

    /// See `LogEngine`.
    package func hold(_ partition: PartitionID, from offset: Offset?, for reader: ReaderID) -> Bool {
        withState { $0.partitions[partition.index].hold(from: offset, for: reader) }
    }

    /// See `LogStateAccess`.
    package var trouble: StorageError? { withState { $0.poison ?? $0.full } }

    // MARK: Readers

    /// See `LogEngine`.
    package func setInterest(_ reader: ReaderID, appended: Bool, durable: Bool) {
        withState { state in
            state.setInterest(reader, appended: appended, durable: durable)
            scanned.store(state.isScanned, ordering: .relaxed)
        }
    }

    /// See `LogEngine`.
    package func scanOffsets(_ reader: ReaderID) -> [Offset] { withState { $0.scanOffsets(reader) } }

    /// See `LogEngine`.
    package func appendedOffsets() -> [Offset] { withState { $0.appendedOffsets() } }

    /// See `LogEngine`.
    package var isScanned: Bool { scanned.load(ordering: .relaxed) }

    /// See `LogEngine`.
    package func scan(_ reader: ReaderID, _ level: TailLevel, countMax: Int, into entries: inout [TailEntry]) {
        monitor.lock()
        state.scan(reader, level, countMax: countMax, into: &entries)
        monitor.unlock()
    }

    /// See `LogEngine`.
    package func readTail(
        _ partition: PartitionID, from offset: Offset, level: TailLevel, reader: ReaderID, byteCountMax: Int
    ) -> PartitionRead? {
        withState { $0.readTail(partition, from: offset, level: level, reader: reader, byteCountMax: byteCountMax) }
    }

    /// See `LogEngine`.
    package func fetch(
        _ partition: PartitionID, from offset: Offset, hint: ReadHint?, selection: TopicSelection?, byteCountMax: Int,
        ticket: UInt64, reader: ReaderID
    ) {
        enqueue(
            Fetch(
                partition: partition, offset: offset, time: nil, hint: hint, selection: selection,
                byteCountMax: byteCountMax, ticket: ticket, reader: reader))
    }

    /// See `LogEngine`.
    package func fetchOffset(_ partition: PartitionID, at time: Timestamp, ticket: UInt64, reader: ReaderID) {
        enqueue(
            Fetch(
                partition: partition, offset: .zero, time: time, hint: nil, selection: nil, byteCountMax: 0,
                ticket: ticket, reader: reader))
    }

    private func enqueue(_ fetch: Fetch) {
        monitor.lock()
        fetches.append(fetch)
        if let idle = idleReaders.popLast() { readWork[idle].signal() }
        monitor.unlock()
    }

    /// See `LogEngine`.
    package func takeFetched(_ reader: ReaderID) -> [(ticket: UInt64, read: PartitionRead)] {
        monitor.lock()
        defer { monitor.unlock() }
        var taken: [(ticket: UInt64, read: PartitionRead)] = []
        swap(&taken, &readers[reader.index].fetched)
        return taken
    }

    /// See `LogEngine`.
    package func bounds(_ partition: PartitionID) -> PartitionBounds {
        withState { state in
            let partition = state.partitions[partition.index]
            return PartitionBounds(
                start: partition.start, durable: partition.durable, appended: partition.appended,
                flushed: partition.flushed, byteCount: partition.byteCount,
                segmentCount: partition.segments.count)
        }
    }

    /// The wake functions of loops with batches to scan. The lock is held.
    func readersWithNews(besides reader: ReaderID?) -> [@Sendable () -> Void] {
        readers.indices.filter { index in
            index != reader?.index && state.hasNews(ReaderID(index: index))
        }.map { readers[$0].wake }
    }

    /// The lock is held.
    func publishPressure() {
        // A poisoned log refuses at once, and readers are served: nobody has to wait for it.
        underPressure.store(state.isUnderPressure && state.poison == nil, ordering: .relaxed)
    }
}
