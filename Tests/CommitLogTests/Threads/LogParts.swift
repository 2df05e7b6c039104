import CommitLog
import Glibc
import LogInterface
import RecordFormat
import SluiceCore
import SluiceTesting
import Testing

@testable import CommitLogPosix

/// The parts of an engine on a simulated disk, none of whose threads runs.
final class LogParts {
    let disk: SimDisk
    let shared: SharedLog
    let shelf: JournalShelf
    let indexer: IndexerThread
    let maintenance: LogMaintenance
    let flusher: Flusher
    let catalogue: Catalogue
    let woken = Woken()
    let loop: LoopID
    private var writer: JournalWriter?

    /// Journal files of so many bytes: the first group of each takes two blocks of 512.
    init(_ disk: SimDisk = SimDisk(), journalFileBytes: Int = 4096) throws {
        self.disk = disk
        var settings = LogRuntimeSettings()
        settings.journalFileBytes = journalFileBytes
        settings.syncIntervalNanoseconds = LogRuntimeTests.hourNanoseconds
        settings.housekeepingNanoseconds = LogRuntimeTests.hourNanoseconds
        var opened = try LogOpening(
            storage: disk, settings: [StreamSettings(name: "mqtt")], limits: settings.limits,
            journalFileBytes: journalFileBytes, makeID: { "id" }
        ).open()
        shared = SharedLog(
            storage: disk, state: opened.takeState(), settings: settings,
            report: { _, _ in })
        catalogue = opened.catalogue
        let journalWriter = opened.takeJournal()
        shelf = JournalShelf(shared, writing: journalWriter.fileNumber)
        indexer = IndexerThread(shared)
        maintenance = LogMaintenance(
            storage: disk, access: shared, writers: opened.writers, files: opened.takeFiles())
        flusher = Flusher(shared, shelf, indexer, maintenance)
        writer = consume journalWriter
        shared.loops.append(SharedLog.RegisteredLoop(wake: { [woken] in woken.signal() }))
        loop = shared.state.register()
    }

    /// The journal's writer; once.
    func takeWriter() -> JournalWriter {
        guard let taken = writer.take() else { preconditionFailure("Cannot take the writer twice") }
        return taken
    }

    /// Calls `body` with the lock held.
    func locked<Result: ~Copyable>(_ body: () throws -> Result) rethrows -> Result {
        shared.monitor.lock()
        defer { shared.monitor.unlock() }
        return try body()
    }

    /// Appends a record of so many bytes that somebody waits for.
    func append(byteCount: Int = 100) {
        var builder = RecordBatchBuilder()
        let (key, headers) = (RecordFields.nullKey, RecordFields.headers([]))
        let value = [UInt8](repeating: 0x61, count: byteCount)
        builder.append(
            at: Timestamp(rawValue: 1000), keyField: key.span, value: value.span, headersField: headers.span)
        let append = Append(
            partition: PartitionID(rawValue: 0), batch: builder.finish(), isAwaited: true, topicHashes: nil)
        let outcome = shared.withState { $0.append([append]) }
        guard case .appended = outcome else {
            Issue.record("\(outcome)")
            return
        }
    }

    /// What the journal thread does for a group, without it.
    func commit(_ writer: inout JournalWriter) throws {
        let group = locked { shared.state.takeGroup() }
        try writer.write(group, durable: shared.withState { $0.durable })
        try writer.synchronize()
        shared.monitor.lock()
        shared.state.completed(write: group).release()
        shared.state.completed(synchronize: shared.state.written)
        flusher.progressed()
        shared.monitor.unlock()
    }

    /// Waits until something holds of the parts, looked at with the lock held.
    func wait(until condition: () -> Bool) { while !locked(condition) { sched_yield() } }

    /// Tells threads to stop: what `signal` wakes, with the lock held.
    func stop(_ signal: () -> Void) {
        locked {
            shared.beginStop()
            signal()
        }
    }
}
