import CommitLog
import LogInterface
import SluiceCore

/// The indexer thread: topic indexes of flushed segments.
extension LogRuntime {
    /// How often the indexer looks for work that nobody told it of. At 300 MB/s the batches of a section are still in
    /// memory after that.
    private static let indexNanoseconds: Int64 = 200_000_000

    func runIndexer() {
        let indexer = TopicIndexer(
            storage: storage, access: self, partitions: indexedPartitions, sectionBytes: settings.topicSectionBytes)
        while waitForIndexWork(indexer) {
            do throws(StorageError) {
                while try indexer.step(), !indexerIsStopping {}
            } catch {
                // An index is a cache: without space there is none for now, and no failure is the log's.
                if !error.isFull { report(.warning, "a topic index cannot be written: \(error)") }
            }
            for finding in indexer.takeFindings() { report(.warning, "\(finding.path): \(finding.text)") }
        }
    }

    /// Every partition but those of the broker's own streams, which nobody reads by topic.
    private var indexedPartitions: [(id: PartitionID, paths: SegmentPaths)] {
        streams.filter { !$0.settings.name.hasPrefix("__") }.flatMap { stream in
            stream.partitions.enumerated().map { number, partition in
                (partition, SegmentPaths(stream: stream.settings.name, number: number))
            }
        }
    }

    /// Waits until a reader found an index wanting, or it is time to look, and tells the indexer of the former.
    /// - Returns: false when the log stops.
    private func waitForIndexWork(_ indexer: TopicIndexer) -> Bool {
        monitor.lock()
        defer { monitor.unlock() }
        if suspectSegments.isEmpty, !isStopping { indexWork.wait(atMost: Self.indexNanoseconds) }
        for (partition, segment) in suspectSegments { indexer.examine(partition, segment: segment) }
        suspectSegments = []
        return !isStopping
    }

    private var indexerIsStopping: Bool {
        monitor.lock()
        defer { monitor.unlock() }
        return isStopping
    }

    /// A reader found the topic index of a segment missing, damaged or wrong. The lock is held.
    func noteSuspect(_ partition: PartitionID, _ segment: Offset) {
        guard suspectSegments.count < 64 else { return }
        suspectSegments.append((partition, segment))
        indexWork.signal()
    }
}
