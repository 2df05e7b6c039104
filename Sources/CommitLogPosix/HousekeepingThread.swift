import CLinux
import CommitLog
import LogInterface
import SluiceCore

/// The housekeeping thread: what happens to old segments and to whole streams, and what happens when space runs out.
///
/// Isolation: what says so is called with the lock held; all else is the thread's own.
// Sendable: `otherByteCount`, `tasks`, `answers`, `isDone` and `erasures` are touched only with the lock held, other
// variables only by the thread.
final class HousekeepingThread: @unchecked Sendable {
    /// How often space is looked at; what comes in meanwhile is counted against what was left of the quota then.
    private static let spaceNanoseconds: Int64 = 1_000_000_000

    /// How often an erasure looks whether other threads have done their part.
    private static let erasureNanoseconds: Int64 = 10_000_000

    /// A request about a stream, and who waits for its answer.
    struct Task: Sendable {
        var request: StreamRequest
        var number: UInt64
        var loop: LoopID
    }

    let shared: SharedLog
    let shelf: JournalShelf
    let flusher: Flusher
    let journal: JournalThread
    private let work: Monitor.Condition
    private var thread: WorkerThread?

    /// Bytes in the directory besides segments, journal and reserve, as of the last look.
    private var otherByteCount: Int64 = 0

    /// Requests about streams, oldest first.
    private var tasks: [Task] = []
    /// By loop.
    private var answers: [[(number: UInt64, result: Result<StreamDescription, StreamFault>)]] = []
    /// Whether the thread does nothing any more.
    private(set) var isDone = false
    /// Orders to erase, and what is to be told of them.
    var erasures = ErasureQueue()

    /// The erasure that is worked on.
    var erasing: ErasureWork?
    let housekeeper: Housekeeper
    private let administrator: StreamAdministrator
    private var reserve: SpaceReserve

    init(
        _ shared: SharedLog, _ shelf: JournalShelf, _ flusher: Flusher, _ journal: JournalThread, _ catalogue: Catalogue
    ) {
        self.shared = shared
        self.shelf = shelf
        self.flusher = flusher
        self.journal = journal
        work = Monitor.Condition(shared.monitor)
        housekeeper = Housekeeper(
            storage: shared.storage, access: shared, limits: shared.settings.housekeeping,
            makeSeed: { UInt64.random(in: .min ... .max) })
        administrator = StreamAdministrator(
            storage: shared.storage, access: shared, housekeeper: housekeeper, catalogue: catalogue,
            makeID: StreamIdentifier.random)
        reserve = SpaceReserve(storage: shared.storage, byteCount: shared.settings.reserveBytes)
        shared.signalOnSpace(work)
    }

    /// Starts the thread, which keeps this alive.
    func start() { thread = WorkerThread(name: "sluice-keep") { self.run() } }

    /// Waits for the thread's end.
    func join() { thread?.join() }

    // MARK: What others ask of it

    /// A policy has changed, or the log stops. The lock is held.
    func signal() { work.signal() }

    /// Counts what is left of the quota. The lock is held.
    /// - Returns: whether nothing is.
    @discardableResult
    func measureQuotaRoom() -> Bool {
        let room = shared.state.policy.quotaBytes.map { $0 - storedByteCount }
        shared.state.setQuotaRoom(room)
        return room.map { $0 <= 0 } ?? false
    }

    // MARK: Streams

    /// Leaves a request to the thread. The lock is held.
    /// - Returns: false when the thread has ended; the caller refuses it then, without the lock.
    func administer(_ task: Task) -> Bool {
        if isDone { return false }
        tasks.append(task)
        work.signal()
        return true
    }

    /// The answers for a loop that have come since the last call. The lock is held.
    func takeAnswers(_ loop: LoopID) -> [(number: UInt64, result: Result<StreamDescription, StreamFault>)] {
        guard loop.index < answers.count else { return [] }
        defer { answers[loop.index] = [] }
        return answers[loop.index]
    }

    /// Answers requests that nothing is done about any more.
    func refuse(_ tasks: [Task]) {
        let reason = shared.trouble.map { "\($0)" } ?? "the log stops"
        for task in tasks { answer(task, .failure(.storage(reason))) }
    }

    private func answer(_ task: Task, _ result: Result<StreamDescription, StreamFault>) {
        shared.monitor.lock()
        while answers.count <= task.loop.index { answers.append([]) }
        answers[task.loop.index].append((task.number, result))
        let wake = shared.loops[task.loop.index].wake
        shared.monitor.unlock()
        wake()
    }

    private func nextTask() -> Task? {
        shared.monitor.lock()
        defer { shared.monitor.unlock() }
        return tasks.isEmpty ? nil : tasks.removeFirst()
    }

    /// Does what was asked, and removes what deleted streams have left.
    private func administer() {
        while let task = nextTask() {
            do throws(StorageError) {
                let result = try administrator.perform(task.request)
                shared.publishCatalogue()
                answer(task, result)
            } catch {
                shared.poison(error)
                return refuse([task])
            }
        }
        guard administrator.hasRemovals else { return }
        shared.withState { _ in flusher.signal() }
        tryTo { () throws(HousekeepingError) in try administrator.removeFiles() }
    }

    /// The thread ends: whoever waits for an answer gets one.
    private func finish() {
        shared.monitor.lock()
        isDone = true
        let left = tasks
        tasks = []
        shared.monitor.unlock()
        refuse(left)
        refuseErasures()
    }

    // MARK: The thread

    private func run() {
        defer { finish() }
        sluice_yield_to_others()
        var lastPass = MonotonicClock.nanoseconds()
        repeat {
            guard shared.withState({ $0.poison }) == nil else { return }
            administer()
            keepSpace()
            workOnErasure()
            let now = MonotonicClock.nanoseconds()
            if now - lastPass >= shared.settings.housekeepingNanoseconds || isQuotaReached {
                lastPass = now
                pass()
            }
        } while waitForWork()
    }

    private func waitForWork() -> Bool {
        shared.monitor.lock()
        defer { shared.monitor.unlock() }
        guard !shared.isStopping else { return false }
        if !tasks.isEmpty || hasErasureStep { return true }
        let isWaited = shared.state.full != nil || administrator.hasRemovals
        let interval =
            erasing != nil
            ? Self.erasureNanoseconds : isWaited ? SharedLog.fullRetryNanoseconds : Self.spaceNanoseconds
        work.wait(atMost: min(interval, shared.settings.housekeepingNanoseconds))
        return !shared.isStopping
    }

    /// Everything that housekeeping does, once.
    private func pass() {
        tryTo { () throws(HousekeepingError) in
            try retain()
            measureOthers()
            // Rewriting needs space before it gives any back.
            guard shared.trouble == nil, hasRoomToRewrite else { return }
            let now = Timestamp(rawValue: WallClock.milliseconds())
            _ = try housekeeper.compact(now: now, shouldStop: { self.isAskedToPause })
            _ = try housekeeper.seal(now: now, shouldStop: { self.isAskedToPause })
        }
    }

    private func tryTo(_ body: () throws(HousekeepingError) -> Void) {
        do throws(HousekeepingError) {
            try body()
        } catch {
            switch error {
            case .failed(let error):
                shared.report(.housekeepingDelayed, "housekeeping goes on later: \(error, as: .reason)")
            case .damaged:
                shared.report(.segmentDamaged, "housekeeping has found a damaged segment and leaves it as it is")
            case .inDoubt(let error): shared.poison(error)
            }
        }
    }

    private var isAskedToPause: Bool {
        shared.monitor.lock()
        defer { shared.monitor.unlock() }
        return shared.state.full != nil || shared.isStopping || !tasks.isEmpty || hasErasureStep
    }

    private func retain() throws(HousekeepingError) {
        let result = try housekeeper.retain(
            wall: Timestamp(rawValue: WallClock.milliseconds()), monotonic: MonotonicClock.nanoseconds() / 1_000_000)
        if let milliseconds = result.jumpMilliseconds {
            shared.report(
                .clockJumped,
                "the clock has jumped ahead by \(milliseconds / 1000, as: .seconds) s: for an hour nothing is removed "
                    + "for its age")
        }
    }

    // MARK: Space

    /// Bytes that the directory takes, or will when what is in memory has reached its files: segments, what is on its
    /// way there, the journal with as many files as it can have, the reserve, and whatever else was found at the last
    /// look. The lock is held.
    private var storedByteCount: Int64 {
        Int64(shared.state.unflushedBytes) + segmentByteCount + otherByteCount
            + Int64(shelf.countMax * shared.settings.journalFileBytes + shared.settings.reserveBytes)
    }

    private var segmentByteCount: Int64 { shared.state.partitions.reduce(0) { $0 + $1.byteCount } }

    /// Looks how much of the directory is neither segments, journal nor reserve: indexes, metadata, notes, what is
    /// being rewritten.
    private func measureOthers() {
        guard shared.withState({ $0.policy.quotaBytes }) != nil else { return }
        do throws(StorageError) {
            var used = try shared.storage.usedByteCount("")
            used -= try shared.storage.usedByteCount(JournalFiles.directory)
            if reserve.isHeld { used -= Int64(shared.settings.reserveBytes) }
            shared.monitor.lock()
            otherByteCount = max(0, used - segmentByteCount)
            shared.monitor.unlock()
        } catch {
            shared.report(
                .spaceUnmeasured, "what the data directory takes is looked at again later: \(error, as: .reason)")
        }
    }

    /// Whether a segment can be written beside the one that it replaces without going over the quota.
    private var hasRoomToRewrite: Bool {
        shared.monitor.lock()
        defer { shared.monitor.unlock() }
        guard let quota = shared.state.policy.quotaBytes else { return true }
        let largest = shared.state.registry.streams.map(\.settings.policy.granuleBytesMax).max() ?? 0
        return quota - storedByteCount > largest
    }

    private var isQuotaReached: Bool { shared.withState { $0.full != nil && !$0.isDeviceFull } }

    /// What is wanting, and who waits for it.
    private var standing: (isFull: Bool, isOutOfSpace: Bool, isBlocked: Bool) {
        shared.monitor.lock()
        defer { shared.monitor.unlock() }
        return (
            shared.state.isDeviceFull, shared.state.isDeviceOutOfSpace, flusher.isBlocked || journal.isBlocked
        )
    }

    /// Refuses publishes while the directory is at its quota; gives the reserve up when the device is full, and takes
    /// publishes again when it can be set aside anew.
    private func keepSpace() {
        shared.monitor.lock()
        let isReached = measureQuotaRoom()
        shared.monitor.unlock()
        if isReached { shared.quotaReached() } else { shared.setFull(.quota, nil) }
        do throws(StorageError) {
            let (isFull, isOutOfSpace, isBlocked) = standing
            if !isFull {
                if !reserve.isHeld, try !reserve.hold() {
                    let error = StorageError(.write, SpaceReserve.path, code: 28, reason: "no space on device")
                    shared.setFull(.device, error)
                }
            } else if reserve.isHeld, isOutOfSpace {
                try reserve.release()
            } else if !isBlocked, try reserve.hold() {
                shared.setFull(.device, nil)
            }
        } catch {
            shared.report(.reserveFailed, "the reserve of space is tried again: \(error, as: .reason)")
        }
    }
}
