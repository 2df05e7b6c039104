package import SluiceCore
import Synchronization

/// What the journal's commits have taken so far.
///
/// Isolation: any thread; the lock is held for some instructions, once or twice a commit.
package final class CommitStatistics: Sendable {
    /// What is counted.
    package struct Figures: Sendable, Equatable {
        /// How long commits took that were synchronised, the write and the wait for the device.
        package var time = LatencyHistogram()
        /// Groups that were written.
        package var groupCount: UInt64 = 0
        /// Bytes of records in them.
        package var byteCount: UInt64 = 0
    }

    private let counted = Mutex(Figures())

    /// Nothing counted.
    init() {}

    /// What is counted so far.
    package var figures: Figures { counted.withLock { $0 } }

    func synchronized(nanoseconds: Int64) { counted.withLock { $0.time.record(nanoseconds: nanoseconds) } }

    func written(byteCount: Int) {
        counted.withLock { figures in
            figures.groupCount += 1
            figures.byteCount += UInt64(byteCount)
        }
    }
}
