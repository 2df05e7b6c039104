import CommitLog
import LogInterface
import SluiceCore

/// The indexer thread: topic indexes of flushed segments.
///
/// Isolation: what says so is called with the lock held; all else is the thread's own.
// Sendable: `suspects` is touched only with the lock held, other variables only by the thread.
final class IndexerThread: @unchecked Sendable {
    /// How often it looks for work that nobody told it of. At 300 MB/s the batches of a section are still in memory
    /// after that.
    private static let lookNanoseconds: Int64 = 200_000_000
    /// Segments that are noted at most: a reader meets one that was left out again.
    private static let suspectCountMax = 64

    private let shared: SharedLog
    private let work: Monitor.Condition
    private var thread: WorkerThread?
    /// Segments whose topic index a reader found wanting.
    private var suspects: [(partition: PartitionID, segment: Offset)] = []
    /// The catalogue that it goes by.
    private var generation: UInt64 = 0

    init(_ shared: SharedLog) {
        self.shared = shared
        work = Monitor.Condition(shared.monitor)
    }

    /// Starts the thread, which keeps this alive.
    func start() { thread = WorkerThread(name: "sluice-index") { self.run() } }

    /// Waits for the thread's end.
    func join() { thread?.join() }

    // MARK: What others ask of it

    /// There is enough for a section, or the log stops. The lock is held.
    func signal() { work.signal() }

    /// A reader found the topic index of a segment missing, damaged or wrong. The lock is held.
    func noteSuspect(_ partition: PartitionID, _ segment: Offset) {
        guard suspects.count < Self.suspectCountMax else { return }
        suspects.append((partition, segment))
        work.signal()
    }

    // MARK: The thread

    private func run() {
        let indexer = TopicIndexer(
            storage: shared.storage, access: shared, partitions: [],
            sectionBytes: shared.settings.topicSectionBytes)
        while waitForWork(indexer) {
            do throws(StorageError) {
                while try indexer.step(), !shared.isAskedToStop {}
            } catch {
                // An index is a cache: without space there is none for now, and no failure is the log's.
                // Nor of a stream that is going.
                let isOld = generation != shared.withState { $0.registry.generation }
                if !error.isFull, !isOld {
                    shared.report(.topicIndexFailed, "a topic index cannot be written: \(error, as: .reason)")
                }
            }
            for finding in indexer.takeFindings() {
                shared.report(.topicIndexDamaged, "\(finding.path, as: .path): \(finding.text, as: .reason)")
            }
        }
    }

    /// Every partition but those of the broker's own streams, which nobody reads by topic. The lock is held.
    private var indexedPartitions: [(id: PartitionID, paths: SegmentPaths)] {
        shared.state.registry.streams.filter { !$0.settings.isInternal }.flatMap { stream in
            stream.partitions.map { ($0, shared.state.registry.paths(of: $0)) }
        }
    }

    /// Waits until a reader found an index wanting, or it is time to look, and tells the indexer of the former.
    /// - Returns: false when the log stops.
    private func waitForWork(_ indexer: TopicIndexer) -> Bool {
        shared.monitor.lock()
        defer { shared.monitor.unlock() }
        if suspects.isEmpty, !shared.isStopping { work.wait(atMost: Self.lookNanoseconds) }
        if generation != shared.state.registry.generation {
            generation = shared.state.registry.generation
            indexer.follow(indexedPartitions)
        }
        for (partition, segment) in suspects { indexer.examine(partition, segment: segment) }
        suspects = []
        return !shared.isStopping
    }
}
