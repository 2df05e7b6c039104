import CommitLog
import LogInterface
import SluiceCore

/// The flusher thread: segments, checkpoints, and journal files for the journal thread.
///
/// Isolation: what says so is called with the lock held; all else is the thread's own.
// Sendable: `isTimed`, `isUrgent`, `isBlocked` and `asked` are touched only with the lock held, other variables only
// by the thread.
final class Flusher: @unchecked Sendable {
    /// Bytes for segment files that wake the flusher before its time.
    private static let flushBytes = 16 << 20
    /// How long batches that are in no journal wait for their segment file.
    private static let unjournaledNanoseconds: Int64 = 50_000_000
    /// How long journaled batches wait for their segment file.
    private static let journaledNanoseconds: Int64 = 1_000_000_000

    private let shared: SharedLog
    private let shelf: JournalShelf
    private let indexer: IndexerThread
    private let work: Monitor.Condition
    private var thread: WorkerThread?

    /// Whether the thread sleeps with an end in sight.
    private var isTimed = false
    /// Whether that end is near enough for batches that are in no journal.
    private var isUrgent = false
    /// Whether it waits for space.
    private(set) var isBlocked = false
    /// Whether somebody waits for what may be flushed, and the newest segments that are to be sealed before an offset.
    private var asked: (flush: Bool, seal: [PartitionID: Offset]) = (false, [:])

    private let maintenance: LogMaintenance
    private var lastRoll: Int64 = 0
    /// Bytes that had been flushed when the indexer was last told of it.
    private var lastIndexed: Int64 = 0
    /// Journal files that are to be overwritten, and have to get a new number before.
    private var stale: [JournalWriter.File] = []

    init(_ shared: SharedLog, _ shelf: JournalShelf, _ indexer: IndexerThread, _ maintenance: LogMaintenance) {
        self.shared = shared
        self.shelf = shelf
        self.indexer = indexer
        self.maintenance = maintenance
        work = Monitor.Condition(shared.monitor)
        shared.signalOnPoison(work)
    }

    /// Starts the thread, which keeps this alive.
    func start() { thread = WorkerThread(name: "sluice-flush") { self.run() } }

    /// Waits for the thread's end: everything that is durable is in its segment file then, and the directory marked
    /// clean, unless the log is in trouble.
    func join() { thread?.join() }

    // MARK: What others ask of it

    /// A journal file is wanted or full, a stream was deleted, the journal thread is done, or the log stops. The
    /// lock is held.
    func signal() { work.signal() }

    /// What may be flushed is wanted soon, and these newest segments sealed that begin before an offset, as far as all
    /// that was appended to them is flushed. The lock is held.
    func ask(seal ends: [PartitionID: Offset]) {
        asked.flush = true
        asked.seal.merge(ends) { max($0, $1) }
        work.signal()
    }

    /// Groups were written or synchronised. The lock is held.
    func progressed() {
        let isUrgentNow = shared.state.hasUnjournaled && !isUrgent
        if !isTimed || isUrgentNow || shared.state.flushableBytes > Self.flushBytes { work.signal() }
    }

    // MARK: The thread

    private func run() {
        defer {
            shared.monitor.lock()
            shelf.makerIsDone()
            shared.monitor.unlock()
        }
        lastRoll = MonotonicClock.nanoseconds()
        while waitForWork() {
            do throws(StorageError) {
                let ends = takeAsked()
                try maintenance.flush()
                if !ends.isEmpty { try maintenance.seal(ends) }
                try prepareJournal()
                tellIndexer()
                try rollOldSegments()
                // Not before all of it went well: housekeeping takes this for the return of space.
                setBlocked(false)
            } catch {
                guard error.isPassing else { return shared.poison(error) }
                setBlocked(true)
                shared.setFull(.device, error)
                if shared.isAskedToStop { return }
                MonotonicClock.sleep(nanoseconds: SharedLog.fullRetryNanoseconds)
            }
            shared.wakeAfterPressure()
        }
        finish()
    }

    private func setBlocked(_ isBlocked: Bool) {
        shared.monitor.lock()
        self.isBlocked = isBlocked
        shared.monitor.unlock()
    }

    /// Waits until there is enough, or it is old enough, to flush.
    /// - Returns: false when the log stops and the journal has.
    private func waitForWork() -> Bool {
        shared.monitor.lock()
        defer { shared.monitor.unlock() }
        let began = MonotonicClock.nanoseconds()
        while !(shared.isStopping && shelf.isWriterDone) {
            if shared.state.poison != nil && !shared.isStopping {
                work.wait()
                continue
            }
            if !shelf.hasSpare || shared.state.registry.hasDepartures { return true }
            if asked.flush || !stale.isEmpty || shelf.hasScrubWork(behind: shared.state.durable) { return true }
            if shared.state.flushableBytes > Self.flushBytes { return true }
            let nanoseconds: Int64 =
                shared.state.hasUnjournaled
                ? Self.unjournaledNanoseconds
                : shared.state.flushableBytes > 0
                    ? Self.journaledNanoseconds : shared.settings.housekeepingNanoseconds
            // Counted from the start, so that commits that come meanwhile do not put it off.
            let left = began + nanoseconds - MonotonicClock.nanoseconds()
            if left <= 0 { return true }
            isTimed = shared.state.flushableBytes > 0
            isUrgent = shared.state.hasUnjournaled
            work.wait(atMost: left)
            isTimed = false
        }
        return false
    }

    private func takeAsked() -> [PartitionID: Offset] {
        shared.monitor.lock()
        defer { shared.monitor.unlock() }
        defer { asked = (false, [:]) }
        return asked.seal
    }

    /// A flush went well: the indexer is woken when there is enough for a section, while its batches are in memory.
    private func tellIndexer() {
        shared.monitor.lock()
        if shared.state.flushedBytes - lastIndexed >= Int64(shared.settings.topicSectionBytes) / 2 {
            lastIndexed = shared.state.flushedBytes
            indexer.signal()
        }
        shared.monitor.unlock()
    }

    private func rollOldSegments() throws(StorageError) {
        let monotonic = MonotonicClock.nanoseconds()
        guard monotonic - lastRoll > shared.settings.housekeepingNanoseconds else { return }
        let now = WallClock.milliseconds()
        let ages = shared.withState { state in
            state.partitions.map { state.policy(ofStream: $0.streamIndex).sealingMilliseconds }
        }
        try maintenance.roll { Timestamp(rawValue: now - ages[$0.index]) }
        lastRoll = monotonic
    }

    /// Keeps a prepared journal file at hand. The first few are made; from then on all that are full are made
    /// superfluous at once, so that a checkpoint's fsyncs, one for each partition, are paid for every few files.
    private func prepareJournal() throws(StorageError) {
        shared.monitor.lock()
        let needsSpare = !shelf.hasSpare
        let full = shelf.full(behind: shared.state.durable)
        let isScrubbing = shelf.isScrubbing(before: maintenance.journalNumbersEnd)
        stale += shelf.takeStaleSpares()
        shared.monitor.unlock()
        if isScrubbing { return try scrub(full, needsSpare) }
        guard needsSpare else { return }
        if full.count < JournalShelf.fullCountMax {
            let made = try maintenance.makeJournalFile()
            offer([made])
        } else {
            offer(try recycle(full))
        }
    }

    /// Makes full journal files superfluous.
    private func recycle(_ full: [JournalWriter.File]) throws(StorageError) -> [JournalWriter.File] {
        let checkpoint = try maintenance.checkpoint(full)
        shared.monitor.lock()
        shelf.removeFull(checkpoint.doneCount)
        shared.monitor.unlock()
        // As long as there is a file to go on in, the others can wait for the next checkpoint.
        if let failure = checkpoint.failure, !failure.isPassing || checkpoint.recycled.isEmpty { throw failure }
        return checkpoint.recycled
    }

    /// Overwrites journal files from before it was asked for, as far as nothing needs them; the journal thread leaves
    /// the one that it writes when there is another to go on in.
    private func scrub(_ full: [JournalWriter.File], _ needsSpare: Bool) throws(StorageError) {
        if full.isEmpty, stale.isEmpty, needsSpare { offer([try maintenance.makeJournalFile()]) }
        if !full.isEmpty { stale += try recycle(full) }
        while let file = stale.first {
            // What is overwritten in vain once gets another number the next time: numbers on the shelf only grow.
            guard let renumbered = try maintenance.renumber(file) else {
                stale.removeFirst()
                continue
            }
            stale[0] = renumbered
            try maintenance.overwrite(renumbered)
            stale.removeFirst()
            offer([renumbered])
        }
        shared.monitor.lock()
        shelf.endScrub()
        shared.monitor.unlock()
    }

    private func offer(_ files: [JournalWriter.File]) {
        shared.monitor.lock()
        shelf.offer(files)
        shared.monitor.unlock()
    }

    private func finish() {
        guard shared.trouble == nil else { return }
        do throws(StorageError) {
            try maintenance.flush()
            try maintenance.synchronize()
            try maintenance.markClean()
        } catch {
            shared.report(
                .cleanStopFailed,
                "the clean stop could not be completed, the next start recovers: \(error, as: .reason)")
        }
    }
}
