import CLinux
import Glibc

/// A mutex with the conditions that the log's threads wait on.
///
/// Isolation: any thread. The memory of the POSIX objects is allocated, so that it never moves.
// Sendable: the pointers are constant and POSIX makes the objects behind them safe to share.
final class Monitor: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)

    init() {
        mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(mutex, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    @inline(__always)
    func lock() { pthread_mutex_lock(mutex) }

    @inline(__always)
    func unlock() { pthread_mutex_unlock(mutex) }

    /// A condition of this monitor that one thread waits on.
    // Sendable for the same reason.
    final class Condition: @unchecked Sendable {
        private let monitor: Monitor
        private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
        private var isAwaited = false

        init(_ monitor: Monitor) {
            self.monitor = monitor
            condition.initialize(to: pthread_cond_t())
            var attributes = pthread_condattr_t()
            pthread_condattr_init(&attributes)
            pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
            pthread_cond_init(condition, &attributes)
            pthread_condattr_destroy(&attributes)
        }

        deinit {
            pthread_cond_destroy(condition)
            condition.deallocate()
        }

        /// Wakes the waiting thread; costs a comparison when none waits. The lock is held.
        @inline(__always)
        func signal() {
            if isAwaited {
                isAwaited = false
                pthread_cond_signal(condition)
            }
        }

        /// Whether a thread waits, which the caller promises to `wake` when it has unlocked: a thread that is woken
        /// while the lock is held only wakes to wait for it. The lock is held.
        @inline(__always)
        func claimWake() -> Bool {
            defer { isAwaited = false }
            return isAwaited
        }

        /// Wakes the thread after `claimWake`. The lock is not held.
        func wake() { pthread_cond_signal(condition) }

        /// Waits for a signal, at most for `nanoseconds`. The lock is held.
        func wait(atMost nanoseconds: Int64? = nil) {
            isAwaited = true
            if let nanoseconds {
                let end = MonotonicClock.nanoseconds() + nanoseconds
                var time = timespec(tv_sec: Int(end / 1_000_000_000), tv_nsec: Int(end % 1_000_000_000))
                pthread_cond_timedwait(condition, monitor.mutex, &time)
            } else {
                pthread_cond_wait(condition, monitor.mutex)
            }
            isAwaited = false
        }
    }
}

/// The clock that intervals are measured with.
package enum MonotonicClock {
    /// Nanoseconds since an arbitrary moment; never goes back.
    package static func nanoseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// Sleeps; for threads that own nothing.
    static func sleep(nanoseconds: Int64) {
        var time = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
        nanosleep(&time, nil)
    }
}

/// The clock on the wall, for records' timestamps only.
package enum WallClock {
    /// Milliseconds since 1970.
    package static func milliseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}

/// A named thread that runs a function to its end.
package final class WorkerThread {
    private final class Body {
        let name: String
        let run: @Sendable () -> Void
        init(name: String, run: @escaping @Sendable () -> Void) {
            self.name = name
            self.run = run
        }
    }

    private var handle = pthread_t()
    /// Nothing here recurses; the system's 8 MiB for each thread are most of a small process's address space.
    private static let stackBytes = 1 << 20

    /// Starts the thread.
    package init(name: String, _ run: @escaping @Sendable () -> Void) {
        let body = Unmanaged.passRetained(Body(name: name, run: run))
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setstacksize(&attributes, Self.stackBytes)
        let status = pthread_create(
            &handle, &attributes,
            { argument in
                guard let argument else { return nil }
                let body = Unmanaged<Body>.fromOpaque(argument).takeRetainedValue()
                sluice_name_thread(body.name)
                body.run()
                return nil
            }, body.toOpaque())
        precondition(status == 0, "Cannot start a thread: \(status)")
    }

    /// Waits until the function has returned.
    package func join() { pthread_join(handle, nil) }
}
