import CommitLog
import LogInterface
import SluiceCore
import Synchronization

/// The flusher thread: segments, checkpoints.
extension LogRuntime {
    func runFlusher() {
        defer {
            monitor.lock()
            flusherStopped = true
            spareReady.signal()
            monitor.unlock()
        }
        guard let maintenance else { preconditionFailure("Cannot flush before the log is open") }
        var lastRoll = MonotonicClock.nanoseconds()
        var lastIndexed: Int64 = 0
        while waitForFlush() {
            do throws(StorageError) {
                try maintenance.flush()
                try prepareJournal(maintenance)
                noteFlush(&lastIndexed)
                let now = MonotonicClock.nanoseconds()
                if now - lastRoll > settings.housekeepingNanoseconds {
                    try rollOldSegments(maintenance)
                    lastRoll = now
                }
                // Not before all of it went well: housekeeping takes this for the return of space.
                withState { _ in flusherIsBlocked = false }
            } catch {
                if error.isPassing {
                    withState { _ in flusherIsBlocked = true }
                    setFull(.device, error)
                    if journalIsStopping { return }
                    MonotonicClock.sleep(nanoseconds: Self.fullRetryNanoseconds)
                } else {
                    return poison(error)
                }
            }
            wakeAfterPressure()
        }
        finish(maintenance)
    }

    /// Waits until there is enough, or it is old enough, to flush.
    /// - Returns: false when the log stops and the journal has.
    private func waitForFlush() -> Bool {
        monitor.lock()
        defer { monitor.unlock() }
        let began = MonotonicClock.nanoseconds()
        while !(isStopping && journalStopped) {
            if state.poison != nil && !isStopping {
                flushWork.wait()
                continue
            }
            if spares.isEmpty { return true }
            if state.flushableBytes > Self.flushBytes { return true }
            let nanoseconds: Int64 =
                state.hasUnjournaled
                ? Self.unjournaledNanoseconds
                : state.flushableBytes > 0 ? Self.journaledNanoseconds : settings.housekeepingNanoseconds
            // Counted from the start, so that commits that come meanwhile do not put it off.
            let left = began + nanoseconds - MonotonicClock.nanoseconds()
            if left <= 0 { return true }
            flusherIsTimed = state.flushableBytes > 0
            flusherIsUrgent = state.hasUnjournaled
            flushWork.wait(atMost: left)
            flusherIsTimed = false
        }
        return false
    }

    /// A flush went well: the indexer is woken when there is enough for a section, while its batches are in memory.
    private func noteFlush(_ lastIndexed: inout Int64) {
        monitor.lock()
        if state.flushedBytes - lastIndexed >= Int64(settings.topicSectionBytes) / 2 {
            lastIndexed = state.flushedBytes
            indexWork.signal()
        }
        monitor.unlock()
    }

    private func rollOldSegments(_ maintenance: LogMaintenance) throws(StorageError) {
        let now = WallClock.milliseconds()
        let ages = withState { state in
            state.partitions.map { state.policy(ofStream: $0.streamIndex).sealingMilliseconds }
        }
        try maintenance.roll { Timestamp(rawValue: now - ages[$0.index]) }
    }

    /// Keeps a prepared journal file at hand. The first few are made; from then on all that are full are made
    /// superfluous at once, so that a checkpoint's fsyncs, one for each partition, are paid for every few files.
    private func prepareJournal(_ maintenance: LogMaintenance) throws(StorageError) {
        monitor.lock()
        let needsSpare = spares.isEmpty
        let full = finished.prefix { $0.lastLSN < state.durable }
        monitor.unlock()
        guard needsSpare else { return }
        if full.count < Self.journalFilesFullMax {
            let made = try maintenance.makeJournalFile()
            offer([made])
        } else {
            let checkpoint = try maintenance.checkpoint(Array(full))
            monitor.lock()
            finished.removeFirst(checkpoint.doneCount)
            monitor.unlock()
            offer(checkpoint.recycled)
            // As long as there is a file to go on in, the others can wait for the next checkpoint.
            if let failure = checkpoint.failure, !failure.isPassing || checkpoint.recycled.isEmpty { throw failure }
        }
    }

    private func offer(_ files: [JournalWriter.File]) {
        monitor.lock()
        spares += files
        spareReady.signal()
        monitor.unlock()
    }

    /// Loops that left their sockets unread look again.
    private func wakeAfterPressure() {
        monitor.lock()
        let wasUnderPressure = underPressure.load(ordering: .relaxed)
        publishPressure()
        let wakes = wasUnderPressure && !state.isUnderPressure ? loops.map(\.wake) : []
        monitor.unlock()
        for wake in wakes { wake() }
    }

    private func finish(_ maintenance: LogMaintenance) {
        guard trouble == nil else { return }
        do throws(StorageError) {
            try maintenance.flush()
            try maintenance.synchronize()
            try maintenance.markClean()
        } catch {
            report(.warning, "the clean stop could not be completed, the next start recovers: \(error)")
        }
    }
}
