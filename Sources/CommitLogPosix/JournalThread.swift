import CLinux
import CommitLog
import LogInterface
import SluiceCore
import Synchronization

/// The journal thread: writes and synchronises commit groups, one after the other.
///
/// A group is taken out of the log's state and is this thread's until it is settled: nobody else can reach it, and
/// nothing can reach it afterwards.
/// Isolation: `wake`, `patience` and `stop` are anybody's; what says so is called with the lock held; all else is the
/// thread's own.
// Sendable: `isTimed`, `companyTarget`, `isAtLeisure` and `isBlocked` are touched only with the lock held, other
// variables only by the thread.
final class JournalThread: @unchecked Sendable {
    /// Awaited records in a group from which the next one waits for company.
    private static let companyMin = 4
    /// The longest that loops are asked to leave their sockets alone for a sync: other traffic of theirs waits as long.
    private static let patienceNanosecondsMax: Int64 = 1_000_000
    /// How long loops let messages gather at a time while a group waits for company.
    private static let gatheringNanoseconds: Int64 = 100_000
    /// The longest wait for company that nobody configured.
    private static let companyNanosecondsMax: Int64 = 300_000
    /// How long after a commit the next one begins for whom nobody is in a hurry.
    private static let leisureNanoseconds: Int64 = 2_000_000

    private let shared: SharedLog
    private let shelf: JournalShelf
    private let flusher: Flusher
    private let work: Monitor.Condition
    private var thread: WorkerThread?

    /// Whether the thread sleeps with an end in sight.
    private var isTimed = false
    /// How many awaited records the thread waits for before it commits; 0 when it does not.
    private var companyTarget = 0
    /// Whether it waits for as long as nobody is in a hurry.
    private var isAtLeisure = false
    /// Whether it waits for space.
    private(set) var isBlocked = false

    private var writer: JournalWriter
    private var hasUnsynced = false
    private var lastSync: Int64 = 0
    /// Awaited records of the newest group that was taken.
    private var lastAwaitedCount = 0
    /// What a sync takes, lately.
    private var syncNanoseconds: Int64 = 200_000

    private let patienceNanoseconds = Atomic<Int64>(0)
    /// What commits have taken.
    let statistics = CommitStatistics()

    init(_ shared: SharedLog, _ shelf: JournalShelf, _ flusher: Flusher, writer: consuming JournalWriter) {
        self.shared = shared
        self.shelf = shelf
        self.flusher = flusher
        self.writer = writer
        work = Monitor.Condition(shared.monitor)
    }

    /// Starts the thread, which keeps this alive.
    func start() { thread = WorkerThread(name: "sluice-journal") { self.run() } }

    /// Waits for the thread's end.
    func join() { thread?.join() }

    // MARK: What others ask of it

    /// As `LogEngine.patience` says.
    var patience: Int64 { patienceNanoseconds.load(ordering: .relaxed) }

    /// Something wants the pending group, or the log stops. The lock is held.
    func signal() { work.signal() }

    /// Something was appended. The lock is held.
    /// - Returns: whether the caller must `wake` the thread, when it has unlocked.
    func claimWakeBehindAppend() -> Bool {
        let demand = shared.state.pendingDemand
        let isWanted = demand.wantsSync || demand.wantsWrite || demand.byteCount > 1 << 20 || shared.state.wantsSync
        let isEnough =
            isWanted
            && (shared.state.pendingAwaitedCount >= companyTarget || shared.state.isUnderPressure
                || isAtLeisure && !shared.state.pendingIsPatient)
        return isEnough || !isTimed && companyTarget == 0 ? work.claimWake() : false
    }

    /// After `claimWakeBehindAppend`. The lock is not held.
    func wake() { work.wake() }

    // MARK: The thread

    private func run() {
        sluice_exact_timers()
        lastSync = MonotonicClock.nanoseconds()
        while waitForGroup() {
            waitForCompany()
            commit()
            pace()
        }
        shared.monitor.lock()
        shelf.writerIsDone()
        flusher.signal()
        shared.monitor.unlock()
    }

    /// Waits until a group should be committed. Groups that nobody waits for wait a sync interval.
    /// - Returns: false when the log stops and nothing is left, or it is poisoned.
    private func waitForGroup() -> Bool {
        shared.monitor.lock()
        defer { shared.monitor.unlock() }
        while true {
            if shared.state.poison != nil { return false }
            let demand = shared.state.pendingDemand
            if demand.wantsSync || demand.wantsWrite || demand.byteCount > 1 << 20 || shared.state.wantsSync {
                return true
            }
            if shared.isStopping { return !demand.isEmpty || hasUnsynced }
            if demand.isEmpty && !hasUnsynced {
                work.wait()
                continue
            }
            let due = lastSync + shared.settings.syncIntervalNanoseconds - MonotonicClock.nanoseconds()
            if due <= 0 { return true }
            isTimed = true
            work.wait(atMost: due)
            isTimed = false
        }
    }

    /// Gives other publishers a moment to join a group that somebody waits for: as long as a sync takes, and only while
    /// groups are large enough for it to pay. With a commit delay, `pace` takes its place.
    ///
    /// Publishers that were acknowledged just now are about to send again. Waiting for as many of them makes one group
    /// of what would be several, each with its own sync; a lone publisher, or a slow fleet, is never made to wait.
    private func waitForCompany() {
        shared.monitor.lock()
        defer { shared.monitor.unlock() }
        guard shared.state.pendingDemand.wantsSync, !shared.isStopping else { return }
        waitAtLeisure()
        let pending = shared.state.pendingAwaitedCount
        guard shared.settings.commitDelayNanoseconds == 0, lastAwaitedCount >= Self.companyMin else { return }
        let nanoseconds = min(syncNanoseconds, Self.companyNanosecondsMax)
        companyTarget = pending + lastAwaitedCount
        patienceNanoseconds.store(Self.gatheringNanoseconds, ordering: .relaxed)
        let end = MonotonicClock.nanoseconds() + nanoseconds
        while shared.state.pendingAwaitedCount < companyTarget, !shared.isStopping, !shared.state.isUnderPressure {
            let left = end - MonotonicClock.nanoseconds()
            if left <= 0 { break }
            work.wait(atMost: left)
        }
        companyTarget = 0
    }

    /// While everybody who waits is patient, waits until two milliseconds after the last commit. Many producers of
    /// few records a second share commits then, and the first after a pause does not wait. The lock is held.
    private func waitAtLeisure() {
        let end = lastSync + Self.leisureNanoseconds
        guard shared.settings.commitDelayNanoseconds == 0, shared.state.pendingIsPatient else { return }
        isAtLeisure = true
        // Nobody signals for a target out of reach.
        companyTarget = Int.max
        while shared.state.pendingIsPatient, !shared.isStopping, !shared.state.isUnderPressure {
            let left = end - MonotonicClock.nanoseconds()
            if left <= 0 { break }
            patienceNanoseconds.store(min(left + syncNanoseconds, Self.patienceNanosecondsMax), ordering: .relaxed)
            work.wait(atMost: left)
        }
        companyTarget = 0
        isAtLeisure = false
    }

    /// With a commit delay, makes at most one commit in that time: a message waits for the next one, but the first
    /// after a pause does not wait at all.
    private func pace() {
        let delay = shared.settings.commitDelayNanoseconds
        guard delay > 0 else { return }
        shared.monitor.lock()
        defer { shared.monitor.unlock() }
        patienceNanoseconds.store(delay + Self.patienceNanosecondsMax, ordering: .relaxed)
        // Nobody signals for a target out of reach.
        companyTarget = Int.max
        let end = MonotonicClock.nanoseconds() + delay
        while !shared.isStopping, !shared.state.isUnderPressure {
            let left = end - MonotonicClock.nanoseconds()
            if left <= 0 { break }
            work.wait(atMost: left)
        }
        companyTarget = 0
        if shared.state.pendingDemand.isEmpty { patienceNanoseconds.store(0, ordering: .relaxed) }
    }

    // MARK: A commit

    /// Writes the pending group, and synchronises when somebody waits for it or it is time.
    private func commit() {
        defer { patienceNanoseconds.store(0, ordering: .relaxed) }
        do throws(StorageError) {
            let start = MonotonicClock.nanoseconds()
            if lastAwaitedCount >= Self.companyMin || shared.settings.commitDelayNanoseconds > 0 {
                let patience = min(syncNanoseconds * 5 / 4, Self.patienceNanosecondsMax)
                patienceNanoseconds.store(patience, ordering: .relaxed)
            }
            let wantsSync = try writePending()
            if wantsSync || shared.isAskedToStop || start - lastSync >= shared.settings.syncIntervalNanoseconds {
                try writer.synchronize()
                hasUnsynced = false
                lastSync = start
                let end = MonotonicClock.nanoseconds()
                statistics.synchronized(nanoseconds: end - start)
                // A moving average over about eight commits: one slow answer of the device does not make everybody
                // wait.
                syncNanoseconds += (end - start - syncNanoseconds) / 8
                patienceNanoseconds.store(0, ordering: .relaxed)
                synchronized(at: end)
            }
        } catch {
            shared.poison(error)
        }
    }

    /// Writes the pending group, if there is one.
    /// - Returns: whether somebody waits for the device.
    private func writePending() throws(StorageError) -> Bool {
        shared.monitor.lock()
        if shared.state.pendingDemand.isEmpty && !shared.state.pendingDemand.wantsSync {
            shared.monitor.unlock()
            return false
        }
        let isBehind = shared.state.wantsSync
        statistics.written(byteCount: shared.state.pendingDemand.byteCount)
        var group = shared.state.takeGroup()
        lastAwaitedCount = group.awaitedCount
        let isUnwanted = shelf.isCurrentUnwanted
        shared.publishPressure()
        shared.monitor.unlock()
        if isUnwanted && writer.isBegun || writer.needsSpare(for: group) { try makeRoom(for: &group) }
        try write(group)
        hasUnsynced = true
        let wantsSync = group.wantsSync
        settle(group)
        return wantsSync || isBehind
    }

    /// Writes a group; while the disk is full it is tried again, and nothing of it is acknowledged.
    private func write(_ group: borrowing CommitGroup) throws(StorageError) {
        var wasBlocked = false
        while true {
            do throws(StorageError) {
                let durable = LSN(rawValue: shared.durableLSN.load(ordering: .relaxed))
                try writer.write(group, durable: durable)
                if wasBlocked { setBlocked(false) }
                return
            } catch {
                guard error.isFull, !shared.isAskedToStop else { throw error }
                wasBlocked = true
                setBlocked(true)
                shared.setFull(.device, error)
                MonotonicClock.sleep(nanoseconds: SharedLog.fullRetryNanoseconds)
            }
        }
    }

    private func setBlocked(_ isBlocked: Bool) {
        shared.monitor.lock()
        self.isBlocked = isBlocked
        shared.monitor.unlock()
    }

    /// Goes on in the spare file; waits for the flusher to have one.
    private func makeRoom(for group: inout CommitGroup) throws(StorageError) {
        if hasUnsynced {
            try writer.synchronize()
            hasUnsynced = false
            // Said before the file is handed on: a checkpoint takes away a file's groups, so it must see that they may
            // be flushed.
            synchronized(at: MonotonicClock.nanoseconds())
        }
        shared.monitor.lock()
        while !shelf.hasSpare, shared.state.poison == nil, !shelf.isMakerDone {
            flusher.signal()
            shelf.ready.wait(atMost: 100_000_000)
        }
        guard let file = shelf.takeSpare() else {
            shared.monitor.unlock()
            throw StorageError(.write, "journal", code: 0, reason: "no file to go on in")
        }
        shared.state.reserveAll(in: &group)
        shelf.leave(writer.adopt(spare: file), for: file.number)
        flusher.signal()
        shared.monitor.unlock()
    }

    // MARK: Its effects

    /// A group was written, and is given back.
    private func settle(_ group: consuming CommitGroup) {
        shared.monitor.lock()
        // The flusher may have poisoned the log meanwhile: nothing is acknowledged after that.
        guard shared.state.poison == nil else { return shared.monitor.unlock() }
        let settled = shared.state.completed(write: group, at: MonotonicClock.nanoseconds())
        let woken = progressed()
        shared.monitor.unlock()
        for wake in woken { wake() }
        settled.release()
    }

    /// Everything that was written is on the device.
    private func synchronized(at time: Int64) {
        shared.monitor.lock()
        guard shared.state.poison == nil else { return shared.monitor.unlock() }
        shared.state.completed(synchronize: shared.state.written, at: time)
        let woken = progressed()
        shared.monitor.unlock()
        for wake in woken { wake() }
    }

    /// Tells the flusher, and finds whom else to wake. The lock is held.
    private func progressed() -> [@Sendable () -> Void] {
        flusher.progressed()
        return shared.publishProgress()
    }
}
