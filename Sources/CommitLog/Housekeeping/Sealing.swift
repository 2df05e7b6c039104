import Compression
import LogInterface
import RecordFormat
import SluiceCore

/// Gives sealed segments the form that they keep: the small batches of the publishers become larger, compressed ones.
///
/// Offsets and timestamps stay. A segment is rewritten when the first megabyte of it shows that a fifth can be saved,
/// and only once: how far a partition has come is on record. Compacted streams get their form from the compaction.
/// Memory: a few batches.
struct Sealing {
    /// Bytes of a segment that show what compression would save.
    private static let sampleBytes: Int64 = 1 << 20
    /// Of a hundred bytes, how many may be left for a rewrite to pay.
    private static let keptPercentMax: Int64 = 80

    private let keeper: Housekeeper
    private let id: PartitionID
    private let policy: StreamPolicy
    private(set) var record: HousekeepingRecord

    init(_ keeper: Housekeeper, _ id: PartitionID, _ policy: StreamPolicy, record: HousekeepingRecord) {
        self.keeper = keeper
        self.id = id
        self.policy = policy
        self.record = record
    }

    /// Looks at the segments that nothing was appended to for a while.
    /// - Returns: the number of segments rewritten.
    mutating func run(now: Timestamp, shouldStop: () -> Bool) throws(HousekeepingError) -> Int {
        let due = Timestamp(rawValue: now.rawValue - keeper.limits.sealingDelayMilliseconds)
        let segments = keeper.access.withState { state in
            let partition = state.partitions[id.index]
            return partition.segments.dropLast().filter { segment in
                segment.nextOffset <= partition.flushed && segment.nextOffset > record.sealedBefore
            }
        }
        var count = 0
        for segment in segments {
            // A clock that was set back leaves records of the future; they are sealed with their time.
            guard segment.maxTimestamp <= due, !shouldStop() else { break }
            do throws(HousekeepingError) {
                if segment.byteCount > 0, try pays(segment), try rewrite(segment) { count += 1 }
            } catch {
                // What is damaged stays as it is, so that what is left of it can be looked at.
                guard case .damaged = error else { throw error }
            }
            record.sealedBefore = segment.nextOffset
        }
        return count
    }

    private func merger() -> BatchMerger {
        BatchMerger(recordByteCountMax: keeper.limits.batchBytes, codec: policy.sealing, level: keeper.limits.level)
    }

    private func sequence(_ segment: SegmentInfo) -> SegmentSequence {
        SegmentSequence(keeper.storage, keeper.paths(id), segment, keeper.limits.readBytes)
    }

    /// Whether the start of a segment becomes small enough.
    private func pays(_ segment: SegmentInfo) throws(HousekeepingError) -> Bool {
        var reader = sequence(segment)
        var merger = merger()
        var byteCount: Int64 = 0
        while reader.storedByteCount < Self.sampleBytes, let batch = try reader.next() {
            byteCount += Self.byteCount(try merged(batch, &merger))
        }
        byteCount += Self.byteCount(merger.finish())
        return Self.isSmall(byteCount, beside: reader.storedByteCount)
    }

    private func rewrite(_ segment: SegmentInfo) throws(HousekeepingError) -> Bool {
        var isRewritten = false
        try keeper.replace([segment], id) { () throws(HousekeepingError) in
            let writer = try keeper.writer(id, base: segment.baseOffset)
            var reader = sequence(segment)
            var merger = merger()
            while let batch = try reader.next() { try writer.append(try merged(batch, &merger)) }
            if reader.damagedByteCount > 0 { throw .damaged }
            try writer.append(merger.finish())
            let written = try writer.finish(nextOffset: segment.nextOffset)
            isRewritten = Self.isSmall(written.byteCount, beside: segment.byteCount)
            return isRewritten ? written : nil
        }
        return isRewritten
    }

    private func merged(
        _ batch: RecordBatch, _ merger: inout BatchMerger
    ) throws(HousekeepingError) -> [RecordBatch] {
        do throws(BatchError) { return try merger.append(batch) } catch { throw .damaged }
    }

    private static func byteCount(_ batches: [RecordBatch]) -> Int64 {
        batches.reduce(0) { $0 + Int64($1.byteCount) }
    }

    private static func isSmall(_ byteCount: Int64, beside other: Int64) -> Bool {
        byteCount * 100 <= other * keptPercentMax
    }
}
