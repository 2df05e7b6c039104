package import LogInterface
import RecordFormat
package import SluiceCore

/// Takes records away for good, a segment at a time.
///
/// What it does, each step behind the one before: everything up to the ends of its targets is in sealed segments
/// (`needs`); these are rewritten one by one without the records that are meant (`step`), as the compaction does it, so
/// that a crash leaves all of an old segment or all of the new one; the batches that memory holds of them are let go
/// (`LogState.releaseTail`); journal files from before are overwritten (`LogMaintenance.overwrite`). Nothing is on
/// record of how far it has come: whoever does it again finds less to do.
/// A segment with damage stays as it is, and behind it records without a value stay too: they may delete what it holds.
/// Isolation: the housekeeping thread, or a simulation.
package struct Erasure {
    private let housekeeper: Housekeeper
    private let order: ErasureOrder
    /// The target that is worked on, and where in it.
    private var index = 0
    private var position = Offset.zero
    /// Whether a segment of the target stays as it is.
    private var isHindered = false
    /// How far it has come.
    package private(set) var report = ErasureReport()

    /// An erasure that has not begun. Targets in streams that are deleted are passed over.
    package init(_ order: ErasureOrder, by housekeeper: Housekeeper) {
        self.order = order
        self.housekeeper = housekeeper
    }

    /// What has to happen first.
    package struct Needs: Equatable {
        /// Whether records are not in their segment files yet.
        package var flush = false
        /// Newest segments that are to be sealed, with the ends of their targets.
        package var seal: [PartitionID: Offset] = [:]

        /// Whether nothing has to.
        package var isEmpty: Bool { !flush && seal.isEmpty }
    }

    /// What has to happen before the first step.
    package var needs: Needs {
        housekeeper.access.withState { state in
            var needs = Needs()
            for target in order.targets {
                let partition = state.partitions[target.partition.index]
                if partition.isGone { continue }
                if partition.flushed < min(target.end, partition.appended) { needs.flush = true }
                guard !order.isDryRun, let newest = partition.segments.last else { continue }
                if newest.baseOffset < target.end, newest.byteCount > 0 { needs.seal[target.partition] = target.end }
            }
            return needs
        }
    }

    /// Notes how much there is to do.
    package mutating func begin() {
        let (housekeeper, order) = (housekeeper, order)
        report.totalBytes = housekeeper.access.withState { state in
            order.targets.reduce(0) { total, target in
                total
                    + state.partitions[target.partition.index].segments.reduce(0) { bytes, segment in
                        bytes + (segment.baseOffset < target.end ? segment.byteCount : 0)
                    }
            }
        }
    }

    /// Looks at the next segment, and rewrites it where it has to.
    /// - Returns: false when there is none left.
    /// - Throws: `HousekeepingError`; what was rewritten stays so, and the step may be tried again.
    package mutating func step() throws(HousekeepingError) -> Bool {
        guard index < order.targets.count else { return false }
        let target = order.targets[index]
        let from = position
        let segment = housekeeper.access.withState { state -> SegmentInfo? in
            let partition = state.partitions[target.partition.index]
            guard !partition.isGone, let found = partition.segment(holding: from) else { return nil }
            return found.baseOffset < target.end ? found : nil
        }
        guard let segment else {
            try finishTarget(target)
            return index < order.targets.count
        }
        try look(at: segment, target)
        report.examinedBytes = min(report.totalBytes, report.examinedBytes + segment.byteCount)
        position = segment.nextOffset
        return true
    }

    private mutating func finishTarget(_ target: ErasureOrder.Target) throws(HousekeepingError) {
        if !housekeeper.access.withState({ $0.partitions[target.partition.index].isGone }) {
            // What a recovery has set aside may hold anything.
            let (storage, directory) = (housekeeper.storage, housekeeper.paths(target.partition).directory)
            do throws(StorageError) {
                report.damagedCount += Int64(try storage.list(directory).count { $0.hasSuffix(".damaged") })
            } catch {
                throw .failed(error)
            }
        }
        index += 1
        position = .zero
        isHindered = false
    }

    // MARK: A segment

    private mutating func look(at segment: SegmentInfo, _ target: ErasureOrder.Target) throws(HousekeepingError) {
        var survey = Survey()
        var reader = sequence(segment, target)
        var isDamaged = false
        while let batch = try reader.next() {
            guard batch.baseOffset < target.end else { break }
            do throws(BatchError) {
                try survey.take(batch, target, keepsDeletions: isHindered)
            } catch {
                isDamaged = true
            }
        }
        isDamaged = isDamaged || reader.damagedByteCount > 0
        if !isDamaged, !order.isDryRun, survey.tally.recordCount > 0 {
            do throws(HousekeepingError) {
                try rewrite(segment, target)
            } catch {
                guard case .damaged = error else { throw error }
                isDamaged = true
            }
        }
        if isDamaged {
            isHindered = true
            report.damagedCount += 1
        }
        var tally = report.tallies[target.partition] ?? ErasureReport.Tally()
        tally.recordCount += survey.tally.recordCount
        tally.byteCount += survey.tally.byteCount
        report.tallies[target.partition] = tally
        report.names.merge(survey.names) { $1 ?? $0 }
    }

    private func sequence(_ segment: SegmentInfo, _ target: ErasureOrder.Target) -> SegmentSequence {
        SegmentSequence(
            housekeeper.storage, housekeeper.paths(target.partition), segment, housekeeper.limits.readBytes)
    }

    /// What a segment has of the records that are meant.
    private struct Survey {
        var tally = ErasureReport.Tally()
        var names: [[UInt8]: Offset?] = [:]

        mutating func take(
            _ batch: RecordBatch, _ target: ErasureOrder.Target, keepsDeletions: Bool
        ) throws(BatchError) {
            let bytes = batch.bytes
            var records = RecordReader(batch)
            var start = records.position
            while let record = try records.next(bytes) {
                defer { start = records.position }
                guard Erasure.means(record, batch, bytes, target, keepsDeletions: keepsDeletions) else { continue }
                tally.recordCount += 1
                tally.byteCount += Int64(records.position - start)
                note(record, batch, bytes, target.note)
            }
        }

        private mutating func note(
            _ record: RecordView, _ batch: RecordBatch, _ bytes: Span<UInt8>, _ note: ErasureOrder.Note
        ) {
            switch note {
            case .nothing: return
            case .topics:
                let topic = TopicHeader.topic(of: record, in: bytes, isFromKafka: batch.isFromKafka)
                guard let topic else { return }
                names[topic.copy(from: bytes)] = .some(nil)
            case .keys:
                guard let key = record.key else { return }
                let name = key.copy(from: bytes)
                let offset = batch.baseOffset.advanced(by: record.offsetDelta)
                names[name] = .some(record.value == nil ? offset : names[name] ?? nil)
            }
        }
    }

    /// Whether a record is meant.
    private static func means(
        _ record: RecordView, _ batch: RecordBatch, _ bytes: Span<UInt8>, _ target: ErasureOrder.Target,
        keepsDeletions: Bool
    ) -> Bool {
        let offset = batch.baseOffset.advanced(by: record.offsetDelta)
        // The mark of a transaction's end is what readers know its records by.
        guard offset < target.end, !batch.isControl, let key = record.key else { return false }
        if keepsDeletions, record.value == nil { return false }
        return target.matches(bytes.extracting(key.indices), offset)
    }

    private func rewrite(_ segment: SegmentInfo, _ target: ErasureOrder.Target) throws(HousekeepingError) {
        let id = target.partition
        let codec = housekeeper.access.withState { $0.policy(ofStream: $0.partitions[id.index].streamIndex).sealing }
        let keepsDeletions = isHindered
        try housekeeper.replace([segment], id) { () throws(HousekeepingError) in
            let writer = try housekeeper.writer(id, base: segment.baseOffset)
            var merger = BatchMerger(
                recordByteCountMax: housekeeper.limits.batchBytes, codec: codec, level: housekeeper.limits.level)
            var reader = sequence(segment, target)
            while let batch = try reader.next() {
                let merged: [RecordBatch]
                do throws(BatchError) {
                    merged = try merger.append(batch) { record, bytes in
                        !Self.means(record, batch, bytes, target, keepsDeletions: keepsDeletions)
                    }
                } catch {
                    throw .damaged
                }
                try writer.append(merged)
            }
            if reader.damagedByteCount > 0 { throw .damaged }
            try writer.append(merger.finish())
            return try writer.finish(nextOffset: segment.nextOffset)
        }
    }
}
