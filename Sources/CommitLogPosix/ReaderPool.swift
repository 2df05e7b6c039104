import CommitLog
import LogInterface
import SluiceCore

/// The reader threads: history that is no longer in memory.
///
/// What is not in the page cache holds one of them up for as long as the disk takes; the others read on for everybody
/// else.
/// Isolation: what says so is called with the lock held; all else is the threads' own.
// Sendable: `queue`, `idle` and `answers` are touched only with the lock held, `lines` only by `report`, with it held.
final class ReaderPool: @unchecked Sendable {
    /// A read that waits for a thread.
    struct Fetch: Sendable {
        var request: ReadRequest
        /// What is looked up in place of a read.
        var time: Timestamp?
        var loop: LoopID
    }

    private let shared: SharedLog
    private let indexer: IndexerThread
    /// One for each thread.
    private let work: [Monitor.Condition]
    private var threads: [WorkerThread] = []
    private var queue = Ring<Fetch>()
    /// The threads that wait, the one that waited last at the end: it is the warmest.
    private var idle: [Int] = []
    /// By loop.
    private var answers: [[(number: UInt64, read: PartitionRead)]] = []
    /// What readers meet that they will meet again.
    private var lines = LineLimiter(burst: 10, nanosecondsPerLine: 5_000_000_000)

    /// A pool of so many threads.
    init(_ shared: SharedLog, _ indexer: IndexerThread, threadCount: Int = 4) {
        self.shared = shared
        self.indexer = indexer
        work = (0..<threadCount).map { _ in Monitor.Condition(shared.monitor) }
    }

    /// Starts the threads, which keep this alive.
    func start() {
        threads = work.indices.map { number in
            WorkerThread(name: "sluice-read-\(number)") { self.run(number) }
        }
    }

    /// Waits for the threads' end.
    func join() { for thread in threads { thread.join() } }

    // MARK: What others ask of it

    /// The log stops. The lock is held.
    func signal() { for condition in work { condition.signal() } }

    /// Reads for a loop, which is woken when there is an answer. The lock is held.
    func fetch(_ fetch: Fetch) {
        queue.append(fetch)
        if let idle = idle.popLast() { work[idle].signal() }
    }

    /// The answers for a loop that have come since the last call. The lock is held.
    func takeAnswers(_ loop: LoopID) -> [(number: UInt64, read: PartitionRead)] {
        guard loop.index < answers.count else { return [] }
        var taken: [(number: UInt64, read: PartitionRead)] = []
        swap(&taken, &answers[loop.index])
        return taken
    }

    // MARK: The threads

    private func run(_ number: Int) {
        while let fetch = nextFetch(number) {
            let (read, suspect) = read(fetch)
            shared.monitor.lock()
            if let suspect { indexer.noteSuspect(fetch.request.partition, suspect) }
            while answers.count <= fetch.loop.index { answers.append([]) }
            answers[fetch.loop.index].append((fetch.request.number, read))
            let wake = shared.loops[fetch.loop.index].wake
            shared.monitor.unlock()
            wake()
        }
    }

    private func nextFetch(_ number: Int) -> Fetch? {
        shared.monitor.lock()
        defer { shared.monitor.unlock() }
        while !shared.isStopping {
            if let fetch = queue.popFirst() { return fetch }
            idle.append(number)
            work[number].wait()
            // It is off the list unless it woke by itself, or the log stops.
            idle.removeAll { $0 == number }
        }
        return nil
    }

    /// - Returns: the answer, and a segment whose topic index should be looked at.
    private func read(_ fetch: Fetch) -> (read: PartitionRead, suspect: Offset?) {
        let request = fetch.request
        let partition = request.partition
        var read = PartitionRead(nextOffset: request.offset)
        var suspect: Offset?
        do throws(StorageError) {
            guard !shared.isGone(partition) else {
                read.isGone = true
                return (read, nil)
            }
            let files = shared.files(partition)
            if let time = fetch.time {
                read.nextOffset = try files.offset(partition, at: time, access: shared)
            } else {
                read = try files.read(request, access: shared) { suspect = $0 }
            }
        } catch {
            guard !shared.isGone(partition) else {
                read.isGone = true
                return (read, nil)
            }
            read.isFailed = true
            report(
                .historyUnreadable,
                "history of partition \(partition.rawValue, as: .partition) at \(request.offset.rawValue, as: .offset) "
                    + "is not readable: \(error, as: .reason)")
        }
        if read.damagedByteCount > 0 {
            report(
                .damagePassedOver,
                "partition \(partition.rawValue, as: .partition): \(read.damagedByteCount, as: .bytes) damaged bytes "
                    + "passed over")
        }
        return (read, suspect)
    }

    /// Reports what a read has met; whoever reads the same place again does not fill the log.
    private func report(_ event: LogEvent, _ words: LogWords) {
        let now = MonotonicClock.nanoseconds()
        shared.monitor.lock()
        let (isAdmitted, leftOutCount) = (lines.admits(at: now), lines.takeLeftOut(at: now))
        shared.monitor.unlock()
        if isAdmitted { shared.report(event, words) }
        if leftOutCount > 0 {
            shared.report(.readLinesLeftOut, "\(leftOutCount, as: .leftOut) more lines about reads were left out")
        }
    }
}
