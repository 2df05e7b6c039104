import CommitLog
import LogInterface
import SluiceCore

/// Orders to erase that wait, and what is to be told of those that were begun.
///
/// Isolation: guarded by the log's lock.
struct ErasureQueue {
    /// An order, and who waits for what becomes of it.
    struct Task: Sendable {
        var order: ErasureOrder
        var number: UInt64
        var loop: LoopID
    }

    /// Orders, oldest first.
    var tasks: [Task] = []
    /// The newest report of each erasure that has moved since its loop last asked.
    private var reports: [LoopID: [UInt64: ErasureReport]] = [:]

    mutating func tell(_ report: ErasureReport, of task: Task) {
        reports[task.loop, default: [:]][task.number] = report
    }

    mutating func takeReports(_ loop: LoopID) -> [(number: UInt64, report: ErasureReport)] {
        guard let taken = reports.removeValue(forKey: loop) else { return [] }
        return taken.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
}

/// An erasure that goes on.
struct ErasureWork {
    /// What it waits for, or does.
    enum Stage {
        /// Everything that is meant is on its way into sealed segments.
        case gathering
        /// Segments are looked at and rewritten.
        case rewriting
        /// Batches are let go from memory that come before this one.
        case releasing(UInt64)
        /// Journal files are overwritten.
        case scrubbing
    }

    let task: ErasureQueue.Task
    var erasure: Erasure
    var stage = Stage.gathering
    /// When it was last told how far it is.
    var toldAt: Int64 = 0
}

/// Erasures: one after the other, a segment at a time between everything else that the thread does.
extension HousekeepingThread {
    /// How often it is told how far an erasure is.
    private static let tellNanoseconds: Int64 = 100_000_000

    // MARK: What others ask of it

    /// Leaves an order to the thread. The lock is held.
    /// - Returns: false when the thread has ended; the caller refuses it then, without the lock.
    func erase(_ task: ErasureQueue.Task) -> Bool {
        if isDone { return false }
        erasures.tasks.append(task)
        signal()
        return true
    }

    /// Whether there is something to do that waits for nobody. The lock is held.
    var hasErasureStep: Bool {
        guard let erasing else { return !erasures.tasks.isEmpty }
        if case .rewriting = erasing.stage { return true }
        return false
    }

    /// Answers an order that nothing is done about any more.
    func refuse(_ task: ErasureQueue.Task) { tell(ErasureReport(), of: task, fault: shared.trouble) }

    /// The thread ends: whoever waits for an erasure hears of it.
    func refuseErasures() {
        shared.monitor.lock()
        let left = erasures.tasks
        erasures.tasks = []
        shared.monitor.unlock()
        if let erasing { tell(erasing.erasure.report, of: erasing.task, fault: shared.trouble) }
        erasing = nil
        for task in left { refuse(task) }
    }

    // MARK: The work

    /// Goes on with the erasure, or begins the next.
    func workOnErasure() {
        if erasing == nil { beginErasure() }
        guard var work = erasing else { return }
        do throws(HousekeepingError) {
            let isOver = try advance(&work)
            erasing = isOver ? nil : work
            if isOver {
                tell(work.erasure.report, of: work.task, isDone: true)
            } else if MonotonicClock.nanoseconds() - work.toldAt >= Self.tellNanoseconds {
                erasing?.toldAt = MonotonicClock.nanoseconds()
                tell(work.erasure.report, of: work.task)
            }
        } catch {
            erasing = nil
            switch error {
            case .failed(let error): tell(work.erasure.report, of: work.task, fault: error)
            case .damaged: preconditionFailure("Cannot leave a damaged segment to somebody else")
            case .inDoubt(let error):
                shared.poison(error)
                tell(work.erasure.report, of: work.task, fault: error)
            }
        }
    }

    private func beginErasure() {
        shared.monitor.lock()
        let task = erasures.tasks.isEmpty ? nil : erasures.tasks.removeFirst()
        shared.monitor.unlock()
        guard let task else { return }
        erasing = ErasureWork(task: task, erasure: Erasure(task.order, by: housekeeper))
    }

    /// - Returns: whether it is over.
    private func advance(_ work: inout ErasureWork) throws(HousekeepingError) -> Bool {
        switch work.stage {
        case .gathering:
            let needs = work.erasure.needs
            guard needs.isEmpty else {
                gather(needs)
                return false
            }
            work.erasure.begin()
            work.stage = .rewriting
        case .rewriting:
            if try work.erasure.step() { return false }
            if work.task.order.isDryRun { return true }
            work.stage = .releasing(shared.withState { $0.tailEnd })
        case .releasing(let end):
            shared.monitor.lock()
            defer { shared.monitor.unlock() }
            // What was appended meanwhile lies between, and has to be in its segment too.
            guard shared.state.releaseTail(before: end) else {
                ask(seal: [:])
                return false
            }
            shelf.askScrub()
            flusher.signal()
            work.stage = .scrubbing
        case .scrubbing:
            shared.monitor.lock()
            defer { shared.monitor.unlock() }
            if shelf.takeScrubbed() { return true }
            if shelf.isCurrentUnwanted { askForGroup() }
            flusher.signal()
        }
        return false
    }

    private func gather(_ needs: Erasure.Needs) {
        shared.monitor.lock()
        ask(seal: needs.seal)
        shared.monitor.unlock()
    }

    /// Brings what was appended to the segments, and seals some. The lock is held.
    private func ask(seal ends: [PartitionID: Offset]) {
        askForGroup()
        flusher.ask(seal: ends)
    }

    /// Lets the journal write and synchronise a group, be it empty. The lock is held.
    private func askForGroup() {
        _ = shared.state.barrier()
        journal.signal()
    }

    // MARK: Reports

    private func tell(_ report: ErasureReport, of task: ErasureQueue.Task, fault: StorageError?) {
        var report = report
        report.fault = fault.map { "\($0)" } ?? "the log stops"
        tell(report, of: task, isDone: true)
    }

    private func tell(_ report: ErasureReport, of task: ErasureQueue.Task, isDone: Bool = false) {
        var report = report
        report.isDone = isDone
        shared.monitor.lock()
        erasures.tell(report, of: task)
        let wake = shared.loops[task.loop.index].wake
        shared.monitor.unlock()
        wake()
    }
}
