import CommitLog
import SluiceCore
import Synchronization

/// The flusher thread: segments, checkpoints, retention.
extension LogRuntime {
    func runFlusher() {
        defer {
            monitor.lock()
            flusherStopped = true
            spareReady.signal()
            monitor.unlock()
        }
        guard let maintenance else { preconditionFailure("Cannot flush before the log is open") }
        var lastRetention = MonotonicClock.nanoseconds()
        var wasFull = false
        while waitForFlush() {
            do throws(StorageError) {
                try maintenance.flush()
                try prepareJournal(maintenance)
                if wasFull {
                    wasFull = false
                    setFull(nil)
                }
                let now = MonotonicClock.nanoseconds()
                if now - lastRetention > Self.retentionNanoseconds {
                    lastRetention = now
                    _ = try maintenance.retain(now: Timestamp(rawValue: WallClock.milliseconds()))
                }
            } catch {
                if error.isFull {
                    if !wasFull { setFull(error) }
                    wasFull = true
                    if journalIsStopping { return }
                    MonotonicClock.sleep(nanoseconds: 200_000_000)
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
            if spare == nil || !finished.isEmpty { return true }
            if state.flushableBytes > Self.flushBytes { return true }
            let nanoseconds: Int64 =
                state.hasUnjournaled
                ? Self.unjournaledNanoseconds
                : state.flushableBytes > 0 ? Self.journaledNanoseconds : Self.retentionNanoseconds
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

    /// Keeps one prepared journal file at hand; makes the files that are full superfluous.
    private func prepareJournal(_ maintenance: LogMaintenance) throws(StorageError) {
        while true {
            monitor.lock()
            let file = finished.first
            let needsSpare = spare == nil
            monitor.unlock()
            if let file {
                let recycled = try maintenance.checkpoint(file)
                monitor.lock()
                finished.removeFirst()
                let isKept = spare == nil
                if isKept { spare = recycled }
                spareReady.signal()
                monitor.unlock()
                if !isKept { try maintenance.remove(recycled) }
            } else if needsSpare {
                let made = try maintenance.makeJournalFile()
                monitor.lock()
                spare = made
                spareReady.signal()
                monitor.unlock()
            } else {
                return
            }
        }
    }

    /// Loops that left their sockets unread look again.
    private func wakeAfterPressure() {
        monitor.lock()
        let wasUnderPressure = underPressure.load(ordering: .relaxed)
        publishPressure()
        let wakes = wasUnderPressure && !state.isUnderPressure ? readers.map(\.wake) : []
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
            report("the clean stop could not be completed, the next start recovers: \(error)")
        }
    }
}
