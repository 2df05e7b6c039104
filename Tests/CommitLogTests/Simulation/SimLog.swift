import CommitLog
import LogInterface
import RecordFormat
import SluiceCore
import SluiceTesting

/// The log without threads: what the runtime's threads do, one step after the other, on a simulated disk.
final class SimLog: LogStateAccess {
    /// When what completes is said to have completed; nil for at no time in particular.
    var time: Int64?
    struct Settings {
        var streams: [StreamSettings]
        var journalFileBytes = 16 << 10
        var limits = LogLimits()
        var housekeeping = HousekeepingLimits()
    }

    let disk: SimDisk
    let findings: [RecoveryFinding]
    let wasClean: Bool
    let maintenance: LogMaintenance
    let housekeeper: Housekeeper
    let administrator: StreamAdministrator
    let reader: LoopID
    private var state: LogState
    private var journal: JournalWriter
    private var spare: JournalWriter.File?
    private var finished: [JournalWriter.File] = []
    private(set) var hasUnsynced = false

    init(_ disk: SimDisk, _ settings: Settings) throws(StorageError) {
        // No two streams of all that a directory ever had have the same.
        var serial = disk.operationCount * 100
        let makeID = {
            serial += 1
            return "stream-\(serial)"
        }
        let opening = LogOpening(
            storage: disk, settings: settings.streams, limits: settings.limits,
            journalFileBytes: settings.journalFileBytes, makeID: makeID)
        var opened = try opening.open()
        self.disk = disk
        findings = opened.findings
        wasClean = opened.wasClean
        let writers = opened.writers
        state = opened.takeState()
        journal = opened.takeJournal()
        reader = state.register()
        let access = Access()
        maintenance = LogMaintenance(
            storage: disk, access: access, writers: writers, files: opened.takeFiles())
        housekeeper = Housekeeper(
            storage: disk, access: access, limits: settings.housekeeping, makeSeed: { 7 })
        administrator = StreamAdministrator(
            storage: disk, access: access, housekeeper: housekeeper, catalogue: opened.catalogue, makeID: makeID)
        access.log = self
    }

    /// Breaks the circle between the maintenance and the log that owns it.
    private final class Access: LogStateAccess {
        weak var log: SimLog?
        func withState<Result>(_ body: (inout LogState) -> Result) -> Result {
            guard let log else { preconditionFailure("Cannot reach a log that is gone") }
            return log.withState(body)
        }
        /// No time passes in a simulation: what is tried again is tried at once.
        func pause() {}
    }

    func withState<Result>(_ body: (inout LogState) -> Result) -> Result { body(&state) }

    var streams: [StreamDescription] { state.registry.streams }

    /// No time passes in a simulation: what is tried again is tried at once.
    func pause() {}

    func append(_ appends: [Append]) -> AppendOutcome { state.append(appends) }

    /// Writes the pending group; `between` runs where the other threads could.
    /// - Parameter leaving: whether the journal goes on in another file though the one that it has is not full.
    func write(
        leaving isUnwanted: Bool = false, between: () throws(StorageError) -> Void = {}
    ) throws(StorageError) {
        guard !state.pendingDemand.isEmpty || state.pendingDemand.wantsSync else { return }
        var group = state.takeGroup()
        try between()
        if journal.needsSpare(for: group) || isUnwanted && journal.isBegun {
            try synchronize()
            try between()
            if spare == nil { try prepare() }
            guard let file = spare else { preconditionFailure("Cannot prepare no file") }
            spare = nil
            state.reserveAll(in: &group)
            finished.append(journal.adopt(spare: file))
            try between()
        }
        try journal.write(group, durable: state.durable)
        hasUnsynced = true
        try between()
        state.completed(write: group, at: time).release()
    }

    /// Waits for the device; what was written counts as durable.
    func synchronize() throws(StorageError) {
        guard hasUnsynced else { return }
        do throws(StorageError) {
            try journal.synchronize()
        } catch {
            state.poison(error)
            throw error
        }
        hasUnsynced = false
        state.completed(synchronize: state.written, at: time)
    }

    func flush() throws(StorageError) { try maintenance.flush() }

    /// What the flusher does between flushes: makes a full journal file superfluous, or one more.
    func prepare() throws(StorageError) {
        while let file = finished.first, file.lastLSN < state.durable {
            let checkpoint = try maintenance.checkpoint([file])
            if let failure = checkpoint.failure { throw failure }
            let recycled = checkpoint.recycled[0]
            finished.removeFirst()
            if spare == nil { spare = recycled } else { try maintenance.remove(recycled) }
        }
        if spare == nil { spare = try maintenance.makeJournalFile() }
    }

    /// Does what the threads do about an order to erase.
    func erase(_ order: ErasureOrder) throws -> ErasureReport {
        var erasure = Erasure(order, by: housekeeper)
        while !erasure.needs.isEmpty {
            let needs = erasure.needs
            try commitBarrier()
            try flush()
            try maintenance.seal(needs.seal)
        }
        erasure.begin()
        while try erasure.step() {}
        guard !order.isDryRun else { return erasure.report }
        let end = state.tailEnd
        guard state.releaseTail(before: end) else { preconditionFailure("Cannot let go of a tail that is flushed") }
        try scrub()
        return erasure.report
    }

    private func commitBarrier(leaving isUnwanted: Bool = false) throws(StorageError) {
        _ = state.barrier()
        try write(leaving: isUnwanted)
        try synchronize()
    }

    /// Overwrites every journal file that there is.
    private func scrub() throws(StorageError) {
        let end = maintenance.journalNumbersEnd
        while journal.fileNumber < end {
            // An empty file cannot be left.
            try commitBarrier()
            if spare == nil { spare = try maintenance.makeJournalFile() }
            try commitBarrier(leaving: true)
            let full = finished
            for file in try maintenance.checkpoint(full).recycled {
                try maintenance.overwrite(file)
                if spare == nil { spare = file } else { try maintenance.remove(file) }
            }
            finished = []
        }
        if let file = spare, file.number < end, let renumbered = try maintenance.renumber(file) {
            try maintenance.overwrite(renumbered)
            spare = renumbered
        }
    }

    func stopCleanly() throws(StorageError) {
        try write()
        try synchronize()
        try maintenance.flush()
        try maintenance.synchronize()
        try maintenance.markClean()
    }

    /// Does what is asked about a stream, and stops where the world has.
    func administer(_ request: StreamRequest) throws(StorageError) -> Result<StreamDescription, StreamFault> {
        let result = try administrator.perform(request)
        guard !disk.isStopped else {
            throw StorageError(.open, "", code: SimDisk.stoppedCode, reason: "the world has stopped")
        }
        return result
    }

    /// A partition's files.
    func files(_ partition: Int) -> PartitionFiles {
        let id = PartitionID(rawValue: UInt32(partition))
        return PartitionFiles(storage: disk, paths: state.registry.paths(of: id))
    }

    /// Every batch of a partition that its segment files hold.
    func readAll(_ partition: Int, byteCountMax: Int = 3000) throws(StorageError) -> [RecordBatch] {
        let id = PartitionID(rawValue: UInt32(partition))
        var offset = state.partitions[partition].start
        let end = state.partitions[partition].flushed
        var hint: ReadHint?
        var batches: [RecordBatch] = []
        while offset < end {
            let read = try files(partition).read(id, from: offset, hint: hint, byteCountMax: byteCountMax, access: self)
            batches += read.batches
            hint = read.hint
            guard read.nextOffset > offset else { break }
            offset = read.nextOffset
        }
        return batches
    }
}
