import RecordFormat
package import SluiceCore

/// Reaches the log's state: through the runtime's lock, or directly in a simulation.
package protocol LogStateAccess: AnyObject {
    /// Calls `body` with the state. Short, no I/O, never nested.
    func withState<Result>(_ body: (inout LogState) -> Result) -> Result
}

/// What happens behind the appends: tail to segment files, checkpoints, retention.
///
/// Isolation: one thread (the flusher's), or a simulation.
package final class LogMaintenance {
    private let storage: any Storage
    private let access: any LogStateAccess
    private let writers: [SegmentWriter]
    private let settings: [StreamSettings]
    private let paths: [SegmentPaths]
    private var files: JournalFiles
    private var failure: StorageError?

    /// The maintenance of an opened log.
    package init(
        storage: any Storage, access: any LogStateAccess, writers: [SegmentWriter], streams: [StreamDescription],
        files: consuming JournalFiles
    ) {
        self.storage = storage
        self.access = access
        self.writers = writers
        self.files = files
        var settings = [StreamSettings](repeating: StreamSettings(name: ""), count: writers.count)
        var paths = [SegmentPaths](repeating: SegmentPaths(stream: "", number: 0), count: writers.count)
        for stream in streams {
            for (number, partition) in stream.partitions.enumerated() {
                settings[partition.index] = stream.settings
                paths[partition.index] = SegmentPaths(stream: stream.settings.name, number: number)
            }
        }
        self.settings = settings
        self.paths = paths
    }

    /// Writes every batch whose group is durable now and that is not in a segment file yet.
    ///
    /// What becomes durable meanwhile is left for the next time: each partition is written once, with much, and not
    /// over and over with the little that has come while the others were written.
    /// - Throws: `StorageError`; what was written before it counts.
    package func flush() throws(StorageError) {
        try checkUsable()
        let targets = access.withState { $0.takeFlushTargets() }
        for (index, target) in targets.enumerated() {
            do throws(StorageError) {
                try flush(target.partition, before: target.end)
            } catch {
                access.withState { state in
                    for target in targets[index...] { state.requeueFlush(target.partition) }
                }
                // A roll synchronises: what fails for another reason than space is final here, too.
                if !error.isFull { failure = error }
                throw error
            }
        }
    }

    private func flush(_ partition: PartitionID, before end: Offset) throws(StorageError) {
        let writer = writers[partition.index]
        while true {
            let batches = access.withState { $0.unflushed(partition, before: end) }
            if batches.isEmpty { return }
            var segments: [SegmentInfo] = []
            var failure: StorageError?
            do throws(StorageError) { try writer.append(batches, sealed: &segments) } catch { failure = error }
            segments.append(writer.active)
            let done = batches.prefix { $0.nextOffset <= writer.active.nextOffset }
            access.withState { $0.completed(flush: partition, batches: done, segments: segments) }
            if let failure { throw failure }
        }
    }

    /// Waits until every segment file is on the device. A failure poisons the log.
    package func synchronize() throws(StorageError) {
        try synchronize { (writer) throws(StorageError) in try writer.synchronize() }
    }

    private func synchronize(_ body: (SegmentWriter) throws(StorageError) -> Void) throws(StorageError) {
        try checkUsable()
        do throws(StorageError) {
            for writer in writers { try body(writer) }
        } catch {
            // A second try would succeed without the bytes that the kernel has dropped.
            failure = error
            throw error
        }
    }

    private func checkUsable() throws(StorageError) {
        if let failure { throw failure }
    }

    /// Makes journal files superfluous: everything in them reaches its segment file, on the device.
    /// - Returns: the files under new numbers, in their order, free to be written.
    package func checkpoint(_ finished: [JournalWriter.File]) throws(StorageError) -> [JournalWriter.File] {
        // Every group in the files may be flushed by now; one that may not would be lost with its file.
        for file in finished { precondition(access.withState { $0.durable } >= file.lastLSN) }
        try flush()
        try synchronize { (writer) throws(StorageError) in try writer.synchronizeBatches() }
        var recycled: [JournalWriter.File] = []
        for file in finished { recycled.append(try files.recycle(file)) }
        return recycled
    }

    /// Makes one more journal file.
    package func makeJournalFile() throws(StorageError) -> JournalWriter.File { try files.make() }

    /// Removes a journal file that is one too many.
    package func remove(_ file: JournalWriter.File) throws(StorageError) { try files.remove(file) }

    /// Leaves the mark of a clean stop; the caller has flushed and synchronised, and nothing follows.
    package func markClean() throws(StorageError) {
        try checkUsable()
        try storage.replace(LogOpening.cleanMark, with: Array("clean\n".utf8), inDirectory: "meta")
    }

    /// Removes segments whose records are all older than their stream keeps, or that exceed its bytes.
    ///
    /// A clock that jumps ahead must not empty a stream at once: one pass removes at most half of a partition's
    /// segments, and no pass the newest.
    /// - Returns: the removed segments' number.
    package func retain(now: Timestamp) throws(StorageError) -> Int {
        var removed = 0
        for index in writers.indices {
            let setting = settings[index]
            let doomed = access.withState { Self.doomed($0.partitions[index], setting, now: now) }
            for segment in doomed {
                // The names go first from memory, then from the disk: a reader that still holds one fails to open it
                // and asks again.
                for path in paths[index].all(segment.baseOffset) { try storage.remove(path) }
                removed += 1
            }
        }
        return removed
    }

    private static func doomed(_ partition: PartitionState, _ setting: StreamSettings, now: Timestamp) -> [SegmentInfo]
    {
        var doomed: [SegmentInfo] = []
        var byteCount = partition.segments.reduce(0) { $0 + $1.byteCount }
        let countMax = max(1, partition.segments.count / 2)
        while doomed.count < countMax, partition.segments.count > 1, let oldest = partition.segments.first {
            let isOld =
                setting.retentionMilliseconds.map { oldest.maxTimestamp.rawValue < now.rawValue - $0 } ?? false
            let isTooMuch = setting.retentionBytesMax.map { byteCount - oldest.byteCount >= $0 } ?? false
            let isGivenUp = oldest.nextOffset <= partition.trimmedBefore
            guard isOld || isTooMuch || isGivenUp else { break }
            // A reader's tail may still hold these batches; it does no harm, their offsets are below the start now.
            guard oldest.nextOffset <= partition.flushed else { break }
            byteCount -= oldest.byteCount
            doomed.append(partition.removeFirstSegment())
        }
        return doomed
    }
}
