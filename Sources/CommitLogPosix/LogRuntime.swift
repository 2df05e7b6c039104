package import CommitLog
package import LogInterface
package import RecordFormat
package import SluiceCore

/// The embedded engine: the log that all share, and the threads that do its I/O.
///
/// The journal thread writes and synchronises groups, the flusher writes segments and checkpoints, the reader threads
/// read segments, the housekeeping thread removes and rewrites sealed ones and changes streams, the indexer thread
/// writes topic indexes.
/// Isolation: any thread; what loops ask of it holds the lock of the shared log for a few instructions.
package final class LogRuntime: Sendable {
    /// What recovery had to say.
    package let findings: [RecoveryFinding]
    let shared: SharedLog
    let journal: JournalThread
    let readers: ReaderPool
    let housekeeping: HousekeepingThread
    private let flusher: Flusher
    private let indexer: IndexerThread

    /// Recovers the directory behind `storage` and starts the threads.
    /// - Throws: `StorageError` when the directory cannot be opened.
    package init(
        storage: any Storage, streams: [StreamSettings], settings: LogRuntimeSettings,
        report: @escaping @Sendable (LogEvent, LogWords) -> Void
    ) throws(StorageError) {
        var opened = try Self.open(storage, streams, settings)
        findings = opened.findings
        shared = SharedLog(
            storage: storage, state: opened.takeState(), settings: settings, report: report)
        let journalWriter = opened.takeJournal()
        let shelf = JournalShelf(shared, writing: journalWriter.fileNumber)
        indexer = IndexerThread(shared)
        let maintenance = LogMaintenance(
            storage: storage, access: shared, writers: opened.writers, files: opened.takeFiles())
        flusher = Flusher(shared, shelf, indexer, maintenance)
        journal = JournalThread(shared, shelf, flusher, writer: journalWriter)
        readers = ReaderPool(shared, indexer)
        housekeeping = HousekeepingThread(shared, shelf, flusher, journal, opened.catalogue)
        housekeeping.measureQuotaRoom()
        journal.start()
        flusher.start()
        housekeeping.start()
        indexer.start()
        readers.start()
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
        shared.monitor.lock()
        shared.beginStop()
        journal.signal()
        flusher.signal()
        readers.signal()
        housekeeping.signal()
        indexer.signal()
        shared.monitor.unlock()
        journal.join()
        flusher.join()
        housekeeping.join()
        indexer.join()
        readers.join()
    }

    /// Bytes of memory that the newest records take.
    package var tailByteCount: Int { shared.withState { $0.tailBytes } }

    /// What commits have taken so far.
    package var commits: CommitStatistics.Figures { journal.statistics.figures }

    /// Changes what bounds the log as a whole.
    package func setPolicy(_ policy: LogPolicy) {
        shared.monitor.lock()
        defer { shared.monitor.unlock() }
        shared.state.policy = policy
        housekeeping.measureQuotaRoom()
        housekeeping.signal()
    }

    /// Calls `body` with the log's state. Short, no I/O, never nested.
    package func withState<Result>(_ body: (inout LogState) -> Result) -> Result { shared.withState(body) }

    /// Calls `body` with every batch of a partition's segment files, oldest first; for recovery, before appends.
    /// - Throws: `StorageError`, and what `body` throws.
    package func forEachBatch(of partition: PartitionID, _ body: (RecordBatch) throws -> Void) throws {
        let files = shared.files(partition)
        var offset = bounds(partition).start
        var hint: ReadHint?
        while true {
            let read = try files.read(
                partition, from: offset, hint: hint, byteCountMax: 1 << 20, access: shared)
            for batch in read.batches { try body(batch) }
            guard read.nextOffset > offset else { return }
            offset = read.nextOffset
            hint = read.hint
        }
    }
}
