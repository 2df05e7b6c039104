import CLinux
import CommitLog
import SluiceCore
import Synchronization

/// The journal thread: writes and synchronises commit groups, one after the other.
extension LogRuntime {
    func runJournal() {
        sluice_exact_timers()
        var lastSync = MonotonicClock.nanoseconds()
        while waitForGroup(&lastSync) {
            waitForCompany()
            commit(&lastSync)
            pace()
        }
        monitor.lock()
        journalStopped = true
        flushWork.signal()
        monitor.unlock()
    }

    var journalIsStopping: Bool {
        monitor.lock()
        defer { monitor.unlock() }
        return isStopping
    }

    /// Waits until a group should be committed. Groups that nobody waits for wait a sync interval.
    /// - Returns: false when the log stops and nothing is left, or it is poisoned.
    private func waitForGroup(_ lastSync: inout Int64) -> Bool {
        monitor.lock()
        defer { monitor.unlock() }
        while true {
            if state.poison != nil { return false }
            let demand = state.pendingDemand
            if demand.wantsSync || demand.wantsWrite || demand.byteCount > 1 << 20 || state.wantsSync { return true }
            if isStopping { return !demand.isEmpty || journalHasUnsynced }
            if demand.isEmpty && !journalHasUnsynced {
                journalWork.wait()
                continue
            }
            let due = lastSync + settings.syncIntervalNanoseconds - MonotonicClock.nanoseconds()
            if due <= 0 { return true }
            journalIsTimed = true
            journalWork.wait(atMost: due)
            journalIsTimed = false
        }
    }

    /// Gives other publishers a moment to join a group that somebody waits for: as long as a sync takes, and only while
    /// groups are large enough for it to pay. With a commit delay, `pace` takes its place.
    ///
    /// Publishers that were acknowledged just now are about to send again. Waiting for as many of them makes one group
    /// of what would be several, each with its own sync; a lone publisher, or a slow fleet, is never made to wait.
    private func waitForCompany() {
        monitor.lock()
        defer { monitor.unlock() }
        guard state.pendingDemand.wantsSync, !isStopping else { return }
        let pending = state.pendingAwaitedCount
        guard settings.commitDelayNanoseconds == 0, lastAwaitedCount >= Self.companyMin else { return }
        let nanoseconds = min(syncNanoseconds, Self.companyNanosecondsMax)
        companyTarget = pending + lastAwaitedCount
        patienceNanoseconds.store(Self.gatheringNanoseconds, ordering: .relaxed)
        let end = MonotonicClock.nanoseconds() + nanoseconds
        while state.pendingAwaitedCount < companyTarget, !isStopping, !state.isUnderPressure {
            let left = end - MonotonicClock.nanoseconds()
            if left <= 0 { break }
            journalWork.wait(atMost: left)
        }
        companyTarget = 0
    }

    /// With a commit delay, makes at most one commit in that time: a message waits for the next one, but the first
    /// after a pause does not wait at all.
    private func pace() {
        guard settings.commitDelayNanoseconds > 0 else { return }
        monitor.lock()
        defer { monitor.unlock() }
        patienceNanoseconds.store(
            settings.commitDelayNanoseconds + Self.patienceNanosecondsMax, ordering: .relaxed)
        // Nobody signals for a target out of reach.
        companyTarget = Int.max
        let end = MonotonicClock.nanoseconds() + settings.commitDelayNanoseconds
        while !isStopping, !state.isUnderPressure {
            let left = end - MonotonicClock.nanoseconds()
            if left <= 0 { break }
            journalWork.wait(atMost: left)
        }
        companyTarget = 0
        if state.pendingDemand.isEmpty { patienceNanoseconds.store(0, ordering: .relaxed) }
    }

    /// Writes the pending group, and synchronises when somebody waits for it or it is time.
    private func commit(_ lastSync: inout Int64) {
        defer { patienceNanoseconds.store(0, ordering: .relaxed) }
        do throws(StorageError) {
            let start = MonotonicClock.nanoseconds()
            if lastAwaitedCount >= Self.companyMin || settings.commitDelayNanoseconds > 0 {
                let patience = min(syncNanoseconds * 5 / 4, Self.patienceNanosecondsMax)
                patienceNanoseconds.store(patience, ordering: .relaxed)
            }
            let wantsSync = try writePending()
            if wantsSync || journalIsStopping || start - lastSync >= settings.syncIntervalNanoseconds {
                try journal.synchronize()
                journalHasUnsynced = false
                lastSync = start
                // A moving average over about eight commits: one slow answer of the device does not make everybody
                // wait.
                syncNanoseconds += (MonotonicClock.nanoseconds() - start - syncNanoseconds) / 8
                patienceNanoseconds.store(0, ordering: .relaxed)
                advance { state, lsn in state.completed(synchronize: lsn) }
            }
        } catch {
            poison(error)
        }
    }

    /// Writes the pending group, if there is one.
    /// - Returns: whether somebody waits for the device.
    private func writePending() throws(StorageError) -> Bool {
        monitor.lock()
        if state.pendingDemand.isEmpty && !state.pendingDemand.wantsSync {
            monitor.unlock()
            return false
        }
        let isBehind = state.wantsSync
        var group = state.takeGroup()
        lastAwaitedCount = group.awaitedCount
        publishPressure()
        monitor.unlock()
        try makeRoom(for: &group)
        try write(group)
        journalHasUnsynced = true
        advance { state, _ in state.completed(write: group.lsn) }
        return group.wantsSync || isBehind
    }

    /// Writes a group; while the disk is full it is tried again, and nothing of it is acknowledged.
    private func write(_ group: borrowing CommitGroup) throws(StorageError) {
        var wasBlocked = false
        while true {
            do throws(StorageError) {
                try journal.write(group, durable: LSN(rawValue: durableLSN.load(ordering: .relaxed)))
                if wasBlocked { withState { _ in journalIsBlocked = false } }
                return
            } catch {
                guard error.isFull, !journalIsStopping else { throw error }
                wasBlocked = true
                withState { _ in journalIsBlocked = true }
                setFull(.device, error)
                MonotonicClock.sleep(nanoseconds: Self.fullRetryNanoseconds)
            }
        }
    }

    /// Goes on in the spare file when the group does not fit in the current one; waits for the flusher to have one.
    private func makeRoom(for group: inout CommitGroup) throws(StorageError) {
        guard journal.needsSpare(for: group) else { return }
        if journalHasUnsynced {
            try journal.synchronize()
            journalHasUnsynced = false
            // Said before the file is handed on: a checkpoint takes away a file's groups, so it must see that they may
            // be flushed.
            advance { state, lsn in state.completed(synchronize: lsn) }
        }
        monitor.lock()
        while spares.isEmpty, state.poison == nil, !flusherStopped {
            flushWork.signal()
            spareReady.wait(atMost: 100_000_000)
        }
        guard let file = spares.first else {
            monitor.unlock()
            throw StorageError(.write, "journal", code: 0, reason: "no file to go on in")
        }
        spares.removeFirst()
        state.reserveAll(in: &group)
        finished.append(journal.adopt(spare: file))
        flushWork.signal()
        monitor.unlock()
    }

    /// Moves the state's LSNs on, publishes them, and wakes who waited.
    private func advance(_ body: (inout LogState, LSN) -> Void) {
        monitor.lock()
        // The flusher may have poisoned the log meanwhile: nothing is acknowledged after that.
        guard state.poison == nil else { return monitor.unlock() }
        body(&state, state.written)
        writtenLSN.store(state.written.rawValue, ordering: .releasing)
        durableLSN.store(state.durable.rawValue, ordering: .releasing)
        let isUrgent = state.hasUnjournaled && !flusherIsUrgent
        if !flusherIsTimed || isUrgent || state.flushableBytes > Self.flushBytes { flushWork.signal() }
        var woken = state.isScanned ? loopsWithNews(besides: nil) : []
        for index in loops.indices
        where loops[index].settlements.takeWake(written: state.written, durable: state.durable) {
            woken.append(loops[index].wake)
        }
        publishPressure()
        monitor.unlock()
        for wake in woken { wake() }
    }

    /// What came back when nothing is wanting any more.
    private static func relief(from error: StorageError?) -> String {
        guard let error, !error.isSpace else { return "space has returned" }
        return error.isFull ? "files can be opened again" : "\(error.operation.rawValue) works again"
    }

    func poison(_ error: StorageError) {
        monitor.lock()
        state.poison(error)
        publishPressure()
        let wakes = loops.map(\.wake)
        spareReady.signal()
        flushWork.signal()
        monitor.unlock()
        report(.error, "the log is poisoned and acknowledges nothing any more: \(error)")
        for wake in wakes { wake() }
    }

    /// Notes that something is wanting that comes back, space mostly (an error), or that it came back (nil), and says
    /// so when it makes a difference.
    func setFull(_ cause: LogState.FullCause, _ error: StorageError?) {
        monitor.lock()
        let former = state.full
        let isChange = state.setFull(cause, error)
        let wakes = isChange ? loops.map(\.wake) : []
        keepWork.signal()
        monitor.unlock()
        guard isChange else { return }
        if let error {
            report(.warning, "publishes are refused: \(error)")
        } else {
            report(.warning, "\(Self.relief(from: former)), publishes are taken again")
        }
        for wake in wakes { wake() }
    }
}
