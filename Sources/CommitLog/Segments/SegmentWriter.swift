package import RecordFormat
package import SluiceCore

/// Appends batches to a partition's newest segment and keeps its two indexes.
///
/// What is checksummed: each batch, by its own CRC. What is rebuilt after a crash: both indexes. `append` reaches the
/// operating system, `synchronize` the device.
/// Isolation: the flusher's thread, or recovery before it starts.
/// Invariants: an index entry is written only after the batch that it points to; after a failed write the next one goes
/// to the same place; a failed roll leaves the old segment in use for readers, and is tried again before the next
/// batch is written.
package final class SegmentWriter {
    private struct Files {
        var log: FileID
        var index: FileID
        var timeIndex: FileID
    }

    private let storage: any Storage
    private let paths: SegmentPaths
    private let shape: SegmentShape
    private var files: Files
    /// The newest segment.
    package private(set) var active: SegmentInfo
    /// The timestamp of the newest segment's first record; nil while it is empty.
    package private(set) var firstTimestamp: Timestamp?
    private var indexByteCount: Int64
    private var timeIndexByteCount: Int64
    private var sparse: SparseIndex
    /// Whether something may have been written that `synchronize` has not seen. A run that was killed leaves that
    /// behind too.
    package private(set) var isDirty = true
    /// Where a segment was to begin whose files could not all be made. One of them may be there: a recovery would take
    /// what lies behind this offset in the segment before for a stray. So the next batch waits for that segment.
    private var unfinishedRoll: Offset?
    /// The producers as of the newest segment's end.
    private(set) var producers: ProducerStates
    /// Whether the newest segment has its snapshot of them.
    private var hasSnapshot: Bool

    /// A writer at the end of `active`. With `indexes`, its index files are right and go on; without, they are written
    /// anew by whoever notes the batches that are there.
    init(
        storage: any Storage, paths: SegmentPaths, shape: SegmentShape, active: SegmentInfo,
        sparse: consuming SparseIndex, producers: ProducerStates? = nil
    ) throws(StorageError) {
        self.storage = storage
        self.paths = paths
        self.shape = shape
        self.active = active
        self.sparse = sparse
        self.producers = producers ?? ProducerStates()
        hasSnapshot = producers != nil
        files = try Self.open(storage, paths, active.baseOffset)
        indexByteCount = try storage.byteCount(files.index)
        timeIndexByteCount = try storage.byteCount(files.timeIndex)
        if active.byteCount > 0 {
            firstTimestamp = try SegmentIndexes.header(storage, files.log, at: 0)?.baseTimestamp
        }
    }

    deinit { close() }

    /// Appends batches whose offsets are at or behind the end.
    /// - Parameter sealed: gets the segments that were sealed on the way, oldest first; `active` comes behind them.
    /// - Throws: `StorageError`; batches that were written before it count: those that end at or before
    ///   `active.nextOffset`.
    package func append(_ batches: [RecordBatch], sealed: inout [SegmentInfo]) throws(StorageError) {
        var start = 0
        if let base = unfinishedRoll, !batches.isEmpty { sealed.append(try roll(at: base)) }
        while start < batches.count {
            if needsRoll(for: batches[start]) {
                sealed.append(try roll(at: batches[start].baseOffset))
            }
            var end = start
            var byteCount: Int64 = 0
            while end < batches.count, end - start < 512, fits(batches[end], after: byteCount) {
                byteCount += Int64(batches[end].byteCount)
                end += 1
            }
            try write(batches[start..<end])
            start = end
        }
    }

    /// Seals the newest segment though it is not full; it holds something.
    /// - Returns: it; `active` is empty.
    package func seal() throws(StorageError) -> SegmentInfo {
        precondition(active.byteCount > 0)
        return try roll(at: active.nextOffset)
    }

    /// Starts a segment at `offset`, when the end is before it: a hole at the end is then on record, in a file's name,
    /// and the next recovery does not take it for lost batches.
    /// - Returns: whether a segment was sealed; an empty one is removed instead.
    func skip(to offset: Offset) throws(StorageError) -> Bool {
        guard offset > active.nextOffset else { return false }
        let old = try roll(at: offset)
        guard old.byteCount == 0 else { return true }
        for path in paths.all(old.baseOffset) { try storage.remove(path) }
        return false
    }

    /// Waits until everything written is on the device.
    /// - Throws: `StorageError`: the log is poisoned.
    package func synchronize() throws(StorageError) {
        try synchronizeBatches()
        try storage.synchronize(files.index)
        try storage.synchronize(files.timeIndex)
    }

    /// Waits until the batches are on the device. The newest segment's indexes need not be: the next opening checks
    /// them and makes up for what they lack. A checkpoint of many partitions costs a third.
    /// - Throws: `StorageError`: the log is poisoned.
    package func synchronizeBatches() throws(StorageError) {
        guard isDirty else { return }
        try storage.synchronize(files.log)
        isDirty = false
    }

    private func close() {
        storage.close(files.log)
        storage.close(files.index)
        storage.close(files.timeIndex)
    }

    private static func open(
        _ storage: any Storage, _ paths: SegmentPaths, _ base: Offset
    ) throws(StorageError) -> Files {
        let log = try storage.open(paths.log(base), creating: true)
        do throws(StorageError) {
            let index = try storage.open(paths.index(base), creating: true)
            do throws(StorageError) {
                return Files(log: log, index: index, timeIndex: try storage.open(paths.timeIndex(base), creating: true))
            } catch {
                storage.close(index)
                throw error
            }
        } catch {
            storage.close(log)
            throw error
        }
    }

    /// A segment holds at least one batch, at most `segmentBytesMax`, and offsets within 31 bits of its base.
    private func needsRoll(for batch: RecordBatch) -> Bool {
        active.byteCount > 0 && !fits(batch, after: 0)
    }

    private func fits(_ batch: RecordBatch, after byteCount: Int64) -> Bool {
        let end = active.byteCount + byteCount
        guard end > 0 else { return true }
        return end + Int64(batch.byteCount) <= shape.segmentBytesMax
            && batch.lastOffset.rawValue - active.baseOffset.rawValue <= Int64(Int32.max)
    }

    private func write(_ batches: ArraySlice<RecordBatch>) throws(StorageError) {
        var pieces: [UnsafeRawBufferPointer] = unsafe []
        unsafe pieces.reserveCapacity(batches.count)
        // The batches are held by the caller until the write is done, and their bytes do not move.
        for batch in batches { unsafe batch.withUnsafeBytes { unsafe pieces.append($0) } }
        isDirty = true
        let isSequenced = batches.contains { $0.producerID != .none }
        if isSequenced, !hasSnapshot { try storeSnapshot() }
        try unsafe storage.write(files.log, pieces, at: active.byteCount)
        for batch in batches { note(batch) }
        if isSequenced { for batch in batches where batch.producerID != .none { producers.note(batch.header) } }
        // The batches count from here on: an index entry that cannot be written now is written with the next ones.
        try writeIndexEntries()
    }

    /// Says that batches of producers follow, and what is known of them so far.
    private func storeSnapshot() throws(StorageError) {
        // Nothing of this segment is in `producers` yet, or it would have its snapshot.
        try ProducerSnapshot.store(producers, storage, paths, active.baseOffset)
        try storage.synchronizeDirectory(paths.directory)
        hasSnapshot = true
    }

    private func writeIndexEntries() throws(StorageError) {
        guard !sparse.index.isEmpty || !sparse.timeIndex.isEmpty else { return }
        let files = files
        let (indexEnd, timeIndexEnd) = (indexByteCount, timeIndexByteCount)
        try unsafe sparse.index.withUnsafeBytes { (entries) throws(StorageError) in
            try unsafe storage.write(files.index, [entries], at: indexEnd)
        }
        try unsafe sparse.timeIndex.withUnsafeBytes { (entries) throws(StorageError) in
            try unsafe storage.write(files.timeIndex, [entries], at: timeIndexEnd)
        }
        indexByteCount += Int64(sparse.index.count)
        timeIndexByteCount += Int64(sparse.timeIndex.count)
        sparse.taken()
        isDirty = true
    }

    private func note(_ batch: RecordBatch) {
        precondition(batch.baseOffset >= active.nextOffset)
        if active.byteCount == 0 { firstTimestamp = BatchLayout.baseTimestamp(batch.bytes) }
        sparse.note(
            lastOffset: batch.lastOffset, maxTimestamp: batch.maxTimestamp, byteCount: batch.byteCount,
            position: active.byteCount)
        active.byteCount += Int64(batch.byteCount)
        active.nextOffset = batch.nextOffset
        active.maxTimestamp = sparse.maxTimestamp
    }

    /// Starts a new segment; nothing changes unless all of it works.
    private func roll(at base: Offset) throws(StorageError) -> SegmentInfo {
        precondition(base >= active.nextOffset && base > active.baseOffset)
        sparse.addTimeEntry()
        try writeIndexEntries()
        // The old segment reaches the device before the new one exists: recovery then looks for a torn end in the last
        // one only.
        try synchronize()
        precondition(unfinishedRoll == nil || unfinishedRoll == base, "Cannot roll elsewhere than where it was begun")
        unfinishedRoll = base
        let next = try Self.open(storage, paths, base)
        do throws(StorageError) {
            for file in [next.log, next.index, next.timeIndex] { try storage.truncate(file, to: 0) }
            if !producers.isEmpty { try ProducerSnapshot.store(producers, storage, paths, base) }
            try storage.synchronizeDirectory(paths.directory)
        } catch {
            for file in [next.log, next.index, next.timeIndex] { storage.close(file) }
            throw error
        }
        close()
        unfinishedRoll = nil
        hasSnapshot = !producers.isEmpty
        let sealed = active
        files = next
        active = SegmentInfo(baseOffset: base)
        firstTimestamp = nil
        indexByteCount = 0
        timeIndexByteCount = 0
        sparse = SparseIndex(base: base, interval: shape.indexIntervalBytes)
        return sealed
    }
}
