package import CommitLog
import Glibc
package import LogInterface
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
package final class LogRuntime: LogStateAccess, @unchecked Sendable {
    /// What is kept of a loop.
    struct RegisteredLoop {
        var wake: @Sendable () -> Void
        var settlements = SettlementQueue()
        var fetched: [(number: UInt64, read: PartitionRead)] = []
    }

    /// A read that waits for a thread.
    struct Fetch: Sendable {
        var request: ReadRequest
        /// What is looked up in place of a read.
        var time: Timestamp?
        var loop: LoopID
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

    var catalogue: [StreamDescription]
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
    var loops: [RegisteredLoop] = []
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
    let scanned = Atomic<Bool>(false)

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
        catalogue = streams
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

    /// Changes what bounds the log as a whole.
    package func setPolicy(_ policy: LogPolicy) {
        monitor.lock()
        defer { monitor.unlock() }
        state.policy = policy
        measureQuotaRoom()
        keepWork.signal()
    }

    /// The wake functions of loops with batches to scan. The lock is held.
    func loopsWithNews(besides loop: LoopID?) -> [@Sendable () -> Void] {
        loops.indices.filter { index in
            index != loop?.index && state.hasNews(LoopID(index: index))
        }.map { loops[$0].wake }
    }

    /// The lock is held.
    func publishPressure() {
        // A poisoned log refuses at once, and readers are served: nobody has to wait for it.
        underPressure.store(state.isUnderPressure && state.poison == nil, ordering: .relaxed)
    }
}
