import CLinux
import CUv
import SluiceCore
import Synchronization

/// Threads that work on what loops have no time for, such as hashing passwords; the processor is theirs when nobody
/// else wants it.
///
/// Isolation: any thread. Sendable since what is shared is behind the mutex, and libuv's semaphore, which never moves,
/// is safe to share.
package final class WorkQueue: @unchecked Sendable {
    private struct State {
        var jobs = Ring<Job>()
        var counts: [String: Int] = [:]
        var isClosed = false
        /// Whether what waits is done before the threads end.
        var finishes = false
    }

    private struct Job {
        let source: String
        let body: @Sendable () -> Void
    }

    private let state = Mutex(State())
    private let semaphore = UnsafeMutablePointer<uv_sem_t>.allocate(capacity: 1)
    private let capacity: Int
    private let sourceCapacity: Int
    private var threads: [LoopThread] = []

    /// Starts the threads.
    /// - Parameters:
    ///   - yields: whether they stand below everybody else.
    ///   - capacity: jobs that may wait.
    ///   - sourceCapacity: jobs of one source that may wait.
    package init(name: String, threadCount: Int, capacity: Int, sourceCapacity: Int, yields: Bool = true) {
        precondition(threadCount > 0 && sourceCapacity > 0 && sourceCapacity <= capacity)
        self.capacity = capacity
        self.sourceCapacity = sourceCapacity
        uv_sem_init(semaphore, 0)
        threads = (0..<threadCount).map { number in
            LoopThread(name: "\(name)-\(number)") { [self] in
                if yields { sluice_yield_to_others() }
                work()
            }
        }
    }

    /// Has a job done, behind those that wait.
    /// - Parameter source: who wants it done: one that wants too much leaves room for others.
    /// - Returns: whether there was room for it.
    package func submit(from source: String, _ body: @escaping @Sendable () -> Void) -> Bool {
        let isTaken = state.withLock { state in
            guard !state.isClosed, state.jobs.count < capacity, state.counts[source, default: 0] < sourceCapacity else {
                return false
            }
            state.counts[source, default: 0] += 1
            state.jobs.append(Job(source: source, body: body))
            return true
        }
        if isTaken { uv_sem_post(semaphore) }
        return isTaken
    }

    /// Ends the threads when they have done what they are at.
    /// - Parameter finishes: whether what waits is done before.
    package func close(finishing finishes: Bool = false) {
        state.withLock { state in
            state.isClosed = true
            state.finishes = finishes
        }
        for _ in threads { uv_sem_post(semaphore) }
        for thread in threads { thread.join() }
        threads = []
        uv_sem_destroy(semaphore)
        semaphore.deallocate()
    }

    private func work() {
        while true {
            uv_sem_wait(semaphore)
            let (job, isOver) = state.withLock { state in
                let job = state.isClosed && !state.finishes ? nil : Self.take(&state)
                return (job, state.isClosed && job == nil)
            }
            if isOver { return }
            job?.body()
        }
    }

    private static func take(_ state: inout State) -> Job? {
        guard let job = state.jobs.popFirst() else { return nil }
        let left = (state.counts[job.source] ?? 1) - 1
        state.counts[job.source] = left > 0 ? left : nil
        return job
    }
}
