import Compression
import LogInterface
import RecordFormat
package import SluiceCore

/// Reaches the log's state: through the runtime's lock, or directly in a simulation.
package protocol LogStateAccess: AnyObject {
    /// Calls `body` with the state. Short, no I/O, never nested.
    func withState<Result>(_ body: (inout LogState) -> Result) -> Result
    /// Waits a moment for another thread to finish what it is at; about a millisecond.
    func pause()
}

/// What happens right behind the appends: tail to segment files, checkpoints.
///
/// Isolation: one thread (the flusher's), or a simulation.
package final class LogMaintenance {
    private let storage: any Storage
    private let access: any LogStateAccess
    /// By partition.
    private var writers: [SegmentWriter?]
    private var files: JournalFiles
    private var failure: StorageError?
    private var compressor = Compressor(.none)

    /// The maintenance of an opened log.
    package init(
        storage: any Storage, access: any LogStateAccess, writers: [SegmentWriter?], files: consuming JournalFiles
    ) {
        self.storage = storage
        self.access = access
        self.writers = writers
        self.files = files
    }

    /// Writes every batch whose group is durable now and that is not in a segment file yet.
    ///
    /// What becomes durable meanwhile is left for the next time: each partition is written once, with much, and not
    /// over and over with the little that has come while the others were written.
    /// - Throws: `StorageError`; what was written before it counts.
    package func flush() throws(StorageError) {
        try checkUsable()
        let (changes, targets) = access.withState { ($0.takeWriterChanges(), $0.takeFlushTargets()) }
        for (partition, writer) in changes.arrivals {
            while writers.count <= partition.index { writers.append(nil) }
            writers[partition.index] = writer
        }
        if !changes.gone.isEmpty {
            for partition in changes.gone { writers[partition.index] = nil }
            access.withState { $0.release(changes.gone) }
        }
        for (index, target) in targets.enumerated() {
            do throws(StorageError) {
                try flush(target.partition, before: target.end)
            } catch {
                access.withState { state in
                    for target in targets[index...] { state.requeueFlush(target.partition) }
                }
                // A roll synchronises: what is in doubt after that is final here, too.
                if !error.isPassing { failure = error }
                throw error
            }
        }
    }

    private func flush(_ partition: PartitionID, before end: Offset) throws(StorageError) {
        guard let writer = writers[partition.index] else {
            preconditionFailure("Cannot flush partition \(partition.rawValue), which nobody writes")
        }
        while true {
            let batches = access.withState { $0.unflushed(partition, before: end) }
            if batches.isEmpty { return }
            var segments: [SegmentInfo] = []
            var failure: StorageError?
            do throws(StorageError) {
                try writer.append(compressed(batches, partition), sealed: &segments)
            } catch {
                failure = error
            }
            segments.append(writer.active)
            let done = batches.prefix { $0.nextOffset <= writer.active.nextOffset }
            access.withState { $0.completed(flush: partition, batches: done, segments: segments) }
            if let failure { throw failure }
        }
    }

    /// The batches as their stream wants them in its segments, one for one: what a failed write leaves out begins where
    /// a batch in memory does.
    private func compressed(_ batches: [RecordBatch], _ partition: PartitionID) -> [RecordBatch] {
        let codec = access.withState { state in
            state.policy(ofStream: state.partitions[partition.index].streamIndex).compression
        }
        guard codec != .none else { return batches }
        if compressor.codec != codec { compressor = Compressor(codec) }
        return batches.map { $0.compressed(with: &compressor) ?? $0 }
    }

    /// Seals segments that began too long ago, though they are not full: retention removes sealed segments only.
    /// - Parameter oldest: the moment before which a partition's newest segment may not have begun.
    package func roll(olderThan oldest: (PartitionID) -> Timestamp) throws(StorageError) {
        try roll { id, writer in writer.firstTimestamp.map { $0 < oldest(id) } ?? false }
    }

    private func roll(_ isDue: (PartitionID, SegmentWriter) -> Bool) throws(StorageError) {
        try checkUsable()
        for index in writers.indices {
            let id = PartitionID(rawValue: UInt32(index))
            guard let writer = writers[index], writer.active.byteCount > 0, isDue(id, writer) else { continue }
            let isFlushed = access.withState { state in
                !state.partitions[index].isGone && state.partitions[index].flushed == writer.active.nextOffset
            }
            guard isFlushed else { continue }
            do throws(StorageError) {
                let sealed = try writer.seal()
                access.withState { state in
                    state.completed(flush: id, batches: [], segments: [sealed, writer.active])
                }
            } catch {
                if !error.isPassing { failure = error }
                throw error
            }
        }
    }

    /// Seals newest segments, so that what lies before an offset can be rewritten.
    /// - Parameter ends: the offsets, by partition; a segment that begins there or behind stays as it is.
    package func seal(_ ends: [PartitionID: Offset]) throws(StorageError) {
        try roll { id, writer in ends[id].map { writer.active.baseOffset < $0 } ?? false }
    }

    /// Waits until every segment file is on the device. A failure poisons the log.
    package func synchronize() throws(StorageError) {
        try synchronize { (writer) throws(StorageError) in try writer.synchronize() }
    }

    private func synchronize(_ body: (SegmentWriter) throws(StorageError) -> Void) throws(StorageError) {
        try checkUsable()
        do throws(StorageError) {
            for writer in writers { if let writer { try body(writer) } }
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
    ///
    /// A later group must be durable, and with it the head of the file behind: a recovery that found neither these
    /// files nor that head would not know whether frames behind it follow on.
    /// - Throws: `StorageError`, before any file has a new name.
    package func checkpoint(_ finished: [JournalWriter.File]) throws(StorageError) -> Checkpoint {
        // Every group in the files may be flushed by now; one that may not would be lost with its file.
        for file in finished { precondition(access.withState { $0.durable } > file.lastLSN) }
        try flush()
        try synchronize { (writer) throws(StorageError) in try writer.synchronizeBatches() }
        // What needs space comes first, since it is the likeliest to fail.
        var filled: [JournalWriter.File] = []
        for file in finished { filled.append(try files.fill(file)) }
        var result = Checkpoint()
        // The oldest first, and none behind one that keeps its name: the files that a recovery finds follow on.
        for file in filled {
            do throws(StorageError) {
                if let recycled = try files.recycle(file) { result.recycled.append(recycled) }
                result.doneCount += 1
            } catch {
                if !error.isPassing { failure = error }
                result.failure = error
                break
            }
        }
        return result
    }

    /// What became of the files of a checkpoint.
    package struct Checkpoint {
        /// Files under new numbers, in their order, free to be written.
        package var recycled: [JournalWriter.File] = []
        /// How many of the files, from the first on, are done with.
        package var doneCount = 0
        /// Why the next one is as it was; it is tried again when that is passing, and the log is poisoned otherwise.
        package var failure: StorageError?
    }

    /// The number of the next journal file that is made or recycled.
    package var journalNumbersEnd: UInt64 { files.numbersEnd }

    /// Gives a prepared journal file a new number, so that it can be written behind others; see `overwrite`.
    /// - Returns: nil when it has lost its name to a rename that was reported as failed: it is gone then.
    /// - Throws: `StorageError`; it has its old number still.
    package func renumber(_ spare: JournalWriter.File) throws(StorageError) -> JournalWriter.File? {
        do throws(StorageError) {
            return try files.recycle(spare)
        } catch {
            if !error.isPassing { failure = error }
            throw error
        }
    }

    /// Puts zeros in the place of all that a recycled journal file still has of its earlier life, on the device.
    /// - Throws: `StorageError`; it is to be overwritten once more before it is written.
    package func overwrite(_ recycled: JournalWriter.File) throws(StorageError) {
        do throws(StorageError) {
            try files.overwrite(recycled)
        } catch {
            if !error.isPassing { failure = error }
            throw error
        }
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
}
