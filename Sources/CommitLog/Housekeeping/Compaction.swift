import LogInterface
import RecordFormat
import SluiceCore

/// One pass over a partition: of the records with one key, only the last one stays.
///
/// As Kafka's log cleaner does it: the segments that no pass has seen are read, and the newest offset of each key in
/// them is noted, as far as the table of keys has room; then every segment up to there is rewritten without the records
/// that a newer one supersedes. Offsets and timestamps stay. Oldest segments come first: a tombstone never goes before
/// what it deletes. Where nothing is superseded, nothing is written.
/// Memory: the table of keys, and a few batches.
struct Compaction {
    private let keeper: Housekeeper
    private let id: PartitionID
    private let policy: StreamPolicy
    private let shape: SegmentShape
    private(set) var record: HousekeepingRecord

    init(
        _ keeper: Housekeeper, _ id: PartitionID, _ policy: StreamPolicy, shape: SegmentShape,
        record: HousekeepingRecord
    ) {
        self.keeper = keeper
        self.id = id
        self.policy = policy
        self.shape = shape
        self.record = record
    }

    /// Does the pass, if the segments that none has seen are enough.
    /// - Returns: whether there was one, and it was not stopped.
    mutating func run(now: Timestamp, seed: UInt64, shouldStop: () -> Bool) throws(HousekeepingError) -> Bool {
        let sealed = keeper.access.withState { state in
            let partition = state.partitions[id.index]
            return partition.segments.dropLast().filter { $0.nextOffset <= partition.flushed }
        }
        let dirty = sealed.filter { $0.nextOffset > record.compactedBefore && $0.byteCount > 0 }
        let (total, due) = (sealed.reduce(0) { $0 + $1.byteCount }, dirty.reduce(0) { $0 + $1.byteCount })
        guard due > 0, due * 100 >= total * Int64(policy.dirtyPercentMin) else { return false }
        var keys = KeyMap(byteCountMax: keeper.limits.keyMapBytesMax, seed: seed)
        guard let end = try note(dirty, in: &keys, shouldStop: shouldStop) else { return false }
        let tombstones = record.tombstonesMayGo(
            before: Timestamp(rawValue: now.rawValue - policy.tombstoneMilliseconds))
        var selection = Selection(end: end, tombstonesMayGoBefore: tombstones)
        var group = Group()
        for segment in sealed where segment.baseOffset < end {
            if shouldStop() { return false }
            let survey = try survey(segment, selection, keys)
            // A segment with damage stays as it is, so that what is left of it can be looked at.
            if survey.isDamaged || !group.fits(survey, segment, shape) {
                try rewrite(&group, &selection, keys)
            }
            if survey.isDamaged {
                selection.keepTombstones(from: segment.baseOffset)
            } else {
                group.add(segment, survey)
            }
        }
        try rewrite(&group, &selection, keys)
        record.note(passAt: now, before: end)
        return true
    }

    /// Which records stay.
    private struct Selection {
        /// Records from here on are not judged by this pass.
        var end: Offset
        var tombstonesMayGoBefore: Offset

        /// A segment that stays as it is may hold what a later tombstone deletes.
        mutating func keepTombstones(from offset: Offset) {
            tombstonesMayGoBefore = min(tombstonesMayGoBefore, offset)
        }

        func keeps(
            _ record: RecordView, of batch: RecordBatch, _ bytes: Span<UInt8>, _ keys: borrowing KeyMap
        ) -> Bool {
            let offset = batch.baseOffset.advanced(by: record.offsetDelta)
            // The mark of a transaction's end is what readers know its records by.
            guard offset < end, !batch.isControl, let key = record.key else { return true }
            if let newest = keys.offset(of: bytes.extracting(key.indices)), newest > offset { return false }
            return record.value != nil || offset >= tombstonesMayGoBefore
        }
    }

    /// What rewriting a segment would do.
    private struct Survey {
        var keptBytes: Int64 = 0
        var droppedCount = 0
        var isDamaged = false
    }

    /// Consecutive segments that become one: what is left of many should not stay many.
    private struct Group {
        private(set) var segments: [SegmentInfo] = []
        private var keptBytes: Int64 = 0
        private(set) var droppedCount = 0

        func fits(_ survey: Survey, _ segment: SegmentInfo, _ shape: SegmentShape) -> Bool {
            guard let first = segments.first else { return true }
            return keptBytes + survey.keptBytes <= shape.segmentBytesMax
                && segment.nextOffset.rawValue - first.baseOffset.rawValue < Int64(Int32.max)
        }

        mutating func add(_ segment: SegmentInfo, _ survey: Survey) {
            segments.append(segment)
            keptBytes += survey.keptBytes
            droppedCount += survey.droppedCount
        }
    }

    // MARK: Reading

    /// Notes the newest offset of each key; records of transactions count when the mark of a good end has come.
    /// - Returns: the offset before which the table knows every record of `segments`; nil when stopped.
    private func note(
        _ segments: [SegmentInfo], in keys: inout KeyMap, shouldStop: () -> Bool
    ) throws(HousekeepingError) -> Offset? {
        var open = OpenTransactionKeys()
        for segment in segments {
            if shouldStop() { return nil }
            var reader = SegmentSequence(keeper.storage, keeper.paths(id), segment, keeper.limits.readBytes)
            while let batch = try reader.next() {
                guard open.heldByteCount < keeper.limits.keyMapBytesMax else { return open.first }
                if let end = note(batch, in: &keys, &open) { return min(end, open.first ?? end) }
            }
        }
        // What is not decided is judged by a later pass.
        return open.first ?? segments.last?.nextOffset
    }

    /// Notes the keys of a batch.
    /// - Returns: the first record that the table has no room for, if there is one.
    private func note(
        _ batch: RecordBatch, in keys: inout KeyMap, _ open: inout OpenTransactionKeys
    ) -> Offset? {
        if batch.isControl {
            for (key, offset) in open.end(of: batch.producerID, isCommitted: batch.endsWell == true) {
                guard keys.note(key.span, at: offset) else { return offset }
            }
            return nil
        }
        let bytes = batch.bytes
        var records = RecordReader(batch)
        do throws(BatchError) {
            while let record = try records.next(bytes) {
                let offset = batch.baseOffset.advanced(by: record.offsetDelta)
                // A pass may have ended within a segment.
                guard offset >= self.record.compactedBefore, let key = record.key else { continue }
                let field = bytes.extracting(key.indices)
                if batch.isTransactional {
                    open.add(field, at: offset, of: batch.producerID)
                } else {
                    guard keys.note(field, at: offset) else { return offset }
                }
            }
        } catch {
            // Readers pass over the rest of such a batch; here it stays as it is, see `survey`.
            return nil
        }
        return nil
    }

    private func survey(
        _ segment: SegmentInfo, _ selection: Selection, _ keys: borrowing KeyMap
    ) throws(HousekeepingError) -> Survey {
        var survey = Survey()
        var reader = SegmentSequence(keeper.storage, keeper.paths(id), segment, keeper.limits.readBytes)
        while let batch = try reader.next() {
            let bytes = batch.bytes
            var records = RecordReader(batch)
            var keptCount = 0
            do throws(BatchError) {
                while let record = try records.next(bytes) {
                    if selection.keeps(record, of: batch, bytes, keys) { keptCount += 1 }
                }
            } catch {
                survey.isDamaged = true
            }
            survey.droppedCount += batch.recordCount - keptCount
            survey.keptBytes += Int64(batch.byteCount * keptCount / max(1, batch.recordCount))
        }
        survey.isDamaged = survey.isDamaged || reader.damagedByteCount > 0
        return survey
    }

    // MARK: Writing

    private func rewrite(
        _ group: inout Group, _ selection: inout Selection, _ keys: borrowing KeyMap
    ) throws(HousekeepingError) {
        let sources = group.segments
        let droppedCount = group.droppedCount
        group = Group()
        guard let first = sources.first, let last = sources.last else { return }
        guard droppedCount > 0 || sources.count > 1 else { return }
        do throws(HousekeepingError) {
            let selection = selection
            try keeper.replace(sources, id) { () throws(HousekeepingError) in
                try write(sources, selection, keys, base: first.baseOffset, end: last.nextOffset)
            }
        } catch {
            // The survey found it whole; it stays as it is, and the rest of the pass is done.
            guard case .damaged = error else { throw error }
            selection.keepTombstones(from: first.baseOffset)
        }
    }

    private func write(
        _ sources: [SegmentInfo], _ selection: Selection, _ keys: borrowing KeyMap, base: Offset, end: Offset
    ) throws(HousekeepingError) -> SegmentInfo {
        let writer = try keeper.writer(id, base: base)
        var merger = BatchMerger(
            recordByteCountMax: keeper.limits.batchBytes, codec: policy.sealing, level: keeper.limits.level)
        for segment in sources {
            var reader = SegmentSequence(keeper.storage, keeper.paths(id), segment, keeper.limits.readBytes)
            while let batch = try reader.next() {
                let merged: [RecordBatch]
                do throws(BatchError) {
                    merged = try merger.append(batch) { record, bytes in
                        selection.keeps(record, of: batch, bytes, keys)
                    }
                } catch {
                    throw .damaged
                }
                try writer.append(merged)
            }
            if reader.damagedByteCount > 0 { throw .damaged }
        }
        try writer.append(merger.finish())
        return try writer.finish(nextOffset: end)
    }
}
