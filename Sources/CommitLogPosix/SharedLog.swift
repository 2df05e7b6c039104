import CommitLog
import LogInterface
import SluiceCore
import Synchronization

/// What the log's threads and the loops that use it share: the log's state behind one lock, and who is woken by what.
///
/// Each thread is a type of its own with state of its own; what is here is everybody's. Threads know those that they
/// wake, and never the other way round: journal → flusher → indexer, readers → indexer, housekeeping → flusher; what
/// anybody may find out (the log is poisoned, space ran out) is told here, and wakes who has asked for it.
/// Isolation: `state`, `loops` and `isStopping` are touched only with `monitor` locked, as by every method
/// that says so; all others lock it themselves. The lock is held for a few instructions, and never while calling out.
// Sendable: as above; what is no variable is constant, or atomic.
final class SharedLog: LogStateAccess, @unchecked Sendable {
    /// What is kept of a loop that uses the log.
    struct RegisteredLoop {
        var wake: @Sendable () -> Void
        var settlements = SettlementQueue()
    }

    /// How long a thread that found no space waits before it tries again.
    static let fullRetryNanoseconds: Int64 = 100_000_000

    let storage: any Storage
    let settings: LogRuntimeSettings
    let report: @Sendable (LogEvent, LogWords) -> Void

    let monitor = Monitor()
    var state: LogState
    var loops: [RegisteredLoop] = []
    private(set) var isStopping = false
    private var poisonConditions: [Monitor.Condition] = []
    private var spaceConditions: [Monitor.Condition] = []

    let writtenLSN: Atomic<UInt64>
    let durableLSN: Atomic<UInt64>
    let catalogueGeneration: Atomic<UInt64>
    let underPressure = Atomic<Bool>(false)
    /// Whether some loop scans the tail.
    let scanned = Atomic<Bool>(false)

    /// The state of an opened log, before its threads start.
    init(
        storage: any Storage, state: consuming LogState, settings: LogRuntimeSettings,
        report: @escaping @Sendable (LogEvent, LogWords) -> Void
    ) {
        self.storage = storage
        self.settings = settings
        self.report = report
        writtenLSN = Atomic(state.written.rawValue)
        durableLSN = Atomic(state.durable.rawValue)
        catalogueGeneration = Atomic(state.registry.generation)
        self.state = state
        self.state.policy = settings.policy
    }

    // MARK: Threads

    /// Signals a thread when the log is poisoned. Before threads start.
    func signalOnPoison(_ condition: Monitor.Condition) { poisonConditions.append(condition) }

    /// Signals a thread when space runs out or comes back. Before threads start.
    func signalOnSpace(_ condition: Monitor.Condition) { spaceConditions.append(condition) }

    /// The log stops; the caller signals its threads. The lock is held.
    func beginStop() { isStopping = true }

    /// Whether the log stops.
    var isAskedToStop: Bool {
        monitor.lock()
        defer { monitor.unlock() }
        return isStopping
    }

    // MARK: State

    /// See `LogStateAccess`.
    func withState<Result>(_ body: (inout LogState) -> Result) -> Result {
        monitor.lock()
        defer { monitor.unlock() }
        return body(&state)
    }

    /// See `LogStateAccess`.
    func pause() { MonotonicClock.sleep(nanoseconds: 1_000_000) }

    /// Why the log refuses work, if it does.
    var trouble: StorageError? { withState { $0.poison ?? $0.full } }

    /// Every stream, with its policy as it is now.
    var streams: [StreamDescription] { withState { $0.registry.streams } }

    /// The files of a partition.
    func files(_ partition: PartitionID) -> PartitionFiles {
        PartitionFiles(storage: storage, paths: withState { $0.registry.paths(of: partition) })
    }

    /// Whether the stream of a partition was deleted.
    func isGone(_ partition: PartitionID) -> Bool { withState { $0.partitions[partition.index].isGone } }

    /// Makes known that streams have changed, if they have, and wakes every loop.
    func publishCatalogue() {
        monitor.lock()
        let isChanged = catalogueGeneration.load(ordering: .relaxed) != state.registry.generation
        catalogueGeneration.store(state.registry.generation, ordering: .releasing)
        let wakes = isChanged ? loops.map(\.wake) : []
        monitor.unlock()
        for wake in wakes { wake() }
    }

    // MARK: Loops

    /// The wake functions of loops with batches to scan. The lock is held.
    func loopsWithNews(besides loop: LoopID?) -> [@Sendable () -> Void] {
        loops.indices.filter { index in
            index != loop?.index && state.hasNews(LoopID(index: index))
        }.map { loops[$0].wake }
    }

    /// Makes the state's LSNs known; who waited for them is woken by the caller, without the lock. The lock is held.
    func publishProgress() -> [@Sendable () -> Void] {
        assert(state.durable <= state.written)
        writtenLSN.store(state.written.rawValue, ordering: .releasing)
        durableLSN.store(state.durable.rawValue, ordering: .releasing)
        var woken = state.isScanned ? loopsWithNews(besides: nil) : []
        for index in loops.indices
        where loops[index].settlements.takeWake(written: state.written, durable: state.durable) {
            woken.append(loops[index].wake)
        }
        publishPressure()
        return woken
    }

    /// The lock is held.
    func publishPressure() {
        // A poisoned log refuses at once, and readers are served: nobody has to wait for it.
        underPressure.store(state.isUnderPressure && state.poison == nil, ordering: .relaxed)
    }

    /// Loops that left their sockets unread look again, when there is no need for it any more.
    func wakeAfterPressure() {
        monitor.lock()
        let wasUnderPressure = underPressure.load(ordering: .relaxed)
        publishPressure()
        let wakes = wasUnderPressure && !state.isUnderPressure ? loops.map(\.wake) : []
        monitor.unlock()
        for wake in wakes { wake() }
    }

    // MARK: Trouble

    /// The log acknowledges nothing any more.
    func poison(_ error: StorageError) {
        monitor.lock()
        state.poison(error)
        publishPressure()
        let wakes = loops.map(\.wake)
        for condition in poisonConditions { condition.signal() }
        monitor.unlock()
        report(.logPoisoned, "the log is poisoned and acknowledges nothing any more: \(error, as: .reason)")
        for wake in wakes { wake() }
    }

    /// Notes that something is wanting that comes back, space mostly (an error), or that it came back (nil), and says
    /// so when it makes a difference.
    func setFull(_ cause: LogState.FullCause, _ error: StorageError?) {
        monitor.lock()
        let former = state.full
        let isChange = state.setFull(cause, error)
        let wakes = isChange ? loops.map(\.wake) : []
        for condition in spaceConditions { condition.signal() }
        monitor.unlock()
        guard isChange else { return }
        if let error {
            report(.publishesRefused, "publishes are refused: \(error, as: .reason)")
        } else {
            report(.publishesResumed, "\(Self.relief(from: former), as: .reason), publishes are taken again")
        }
        for wake in wakes { wake() }
    }

    /// The directory is at its quota.
    func quotaReached() {
        let quota = withState { $0.policy.quotaBytes } ?? 0
        let reason = "the data directory has reached its quota of \(quota) bytes"
        setFull(.quota, StorageError(.write, "data", code: 122, reason: reason))
    }

    /// What came back when nothing is wanting any more.
    private static func relief(from error: StorageError?) -> String {
        guard let error, !error.isSpace else { return "space has returned" }
        return error.isFull ? "files can be opened again" : "\(error.operation.rawValue) works again"
    }
}
