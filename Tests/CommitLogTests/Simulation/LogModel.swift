import CommitLog
import Foundation
import LogInterface
import RecordFormat
import SluiceCore
import SluiceTesting

/// What the log has promised so far, and whether it kept it.
struct LogModel {
    /// A promise that was broken.
    struct Violation: Error, CustomStringConvertible {
        var description: String
        init(_ description: String) { self.description = description }
    }

    struct Sent {
        var baseOffset: Offset
        var nextOffset: Offset
        var records: [StoredRecord]
        var lsn: LSN
        var durability: Durability
        var isJournaled: Bool
        /// Whether every crash from now on must leave it.
        var isKept = false
    }

    struct Partition {
        var isCompacted: Bool
        /// Whether its stream was deleted: nothing is promised, and its number is nobody's.
        var isGone: Bool
        var sent: [Sent] = []
        /// Ends that a reader may have seen, and that no crash, or no kill, may take back.
        var endPower = Offset.zero
        var endKill = Offset.zero
        /// The end that was last looked at.
        var seen: Offset?
        /// The highest start that retention reached.
        var start = Offset.zero
    }

    var partitions: [Partition] = []
    /// The streams that there are, as they were last seen.
    var streams: [String: StreamDescription] = [:]
    /// The streams that every opening makes which lacks them.
    private(set) var configured: Set<String>
    /// Every identifier that a stream had, and what it had for partitions.
    var numbers: [PartitionID: String] = [:]
    /// Streams of which nobody knows what became of the last request.
    var uncertain: Set<String> = []
    private var end: (written: LSN, durable: LSN) = (.zero, .zero)

    init(_ log: SimLog) {
        configured = Set(log.streams.map(\.settings.name))
        adopt(log)
    }

    mutating func appended(_ append: Append, _ lsn: LSN, _ durability: Durability) throws {
        let partition = append.partition.index
        let isJournaled =
            switch durability {
            case .fsync: append.isAwaited
            case .interval: true
            case .memory: false
            }
        partitions[partition].sent.append(
            Sent(
                baseOffset: append.batch.baseOffset, nextOffset: append.batch.nextOffset,
                records: try StoredRecord.all(append.batch), lsn: lsn, durability: durability,
                isJournaled: isJournaled))
    }

    /// Notes what readers of the log can see by now.
    mutating func observe(_ log: SimLog) {
        log.withState { state in
            for index in partitions.indices where !partitions[index].isGone && !state.partitions[index].isGone {
                let partition = state.partitions[index]
                // What promises an end is the newest batch that had such a durability when it came.
                func end(_ isPromised: (Durability) -> Bool) -> Offset {
                    let last = partitions[index].sent.last {
                        $0.nextOffset <= partition.highWatermark && isPromised($0.durability)
                    }
                    return last?.nextOffset ?? .zero
                }
                if partitions[index].seen != partition.highWatermark {
                    partitions[index].seen = partition.highWatermark
                    partitions[index].endPower = max(partitions[index].endPower, end { $0 == .fsync })
                    partitions[index].endKill = max(partitions[index].endKill, end { $0 != .memory })
                }
                partitions[index].start = max(partitions[index].start, partition.start)
                // A sealed segment was on the device before the next one began.
                let sealed = partition.segments.dropLast().last?.nextOffset ?? .zero
                for number in partitions[index].sent.indices
                where partitions[index].sent[number].nextOffset <= min(sealed, partition.flushed) {
                    partitions[index].sent[number].isKept = true
                }
            }
        }
    }

    /// Notes that the log stopped in order: nothing of it may be missing.
    mutating func stoppedCleanly() {
        for index in partitions.indices {
            for number in partitions[index].sent.indices { partitions[index].sent[number].isKept = true }
        }
    }

    /// Notes how far the log had come when it ended.
    mutating func ended(_ log: SimLog) {
        observe(log)
        end = log.withState { ($0.written, $0.durable) }
    }

    /// Turns the end into what must be there: `crash` is the worst that happened before a recovery was complete.
    private mutating func settle(_ crash: SimDisk.Crash) {
        let reached = crash == .kill ? end.written : end.durable
        for index in partitions.indices {
            if crash == .kill { partitions[index].endPower = partitions[index].endKill }
            partitions[index].endKill = partitions[index].endPower
            for number in partitions[index].sent.indices where partitions[index].sent[number].lsn <= reached {
                let sent = partitions[index].sent[number]
                partitions[index].endPower = max(partitions[index].endPower, sent.nextOffset)
                if sent.isJournaled { partitions[index].sent[number].isKept = true }
            }
        }
        end = (.zero, .zero)
    }

    /// Compares a freshly opened log with the promises; what it has is promised from now on, what it lacks must stay
    /// away.
    mutating func check(recovered log: SimLog, after crash: SimDisk.Crash) throws {
        settle(crash)
        if let damage = log.findings.first(where: { $0.severity == .damage }) {
            throw Violation("a crash is called damage: \(damage.path): \(damage.text)")
        }
        try checkStreams(log)
        var fates: [LSN: Bool] = [:]
        for index in partitions.indices where !partitions[index].isGone {
            let end = log.withState { $0.partitions[index].highWatermark }
            let (found, excused) = try present(index, try log.readAll(index), before: end)
            guard end >= partitions[index].endPower else {
                throw Violation(
                    "partition \(index) ends at \(end.rawValue), \(partitions[index].endPower.rawValue) was seen")
            }
            var remaining: [Sent] = []
            for (number, sent) in partitions[index].sent.enumerated() {
                let isRetained = sent.nextOffset > partitions[index].start
                let isFound = found.contains(number)
                if !isFound, sent.isKept, isRetained, !excused.contains(number) {
                    throw Violation(
                        "partition \(index) lost \(sent.baseOffset.rawValue), group \(sent.lsn.rawValue)")
                }
                if sent.isJournaled, !sent.isKept, isRetained {
                    if let fate = fates[sent.lsn], fate != isFound {
                        throw Violation("group \(sent.lsn.rawValue) survived in parts")
                    }
                    fates[sent.lsn] = isFound
                }
                guard isFound || !isRetained || sent.isKept else { continue }
                var kept = sent
                kept.isKept = kept.isKept || isFound
                // Groups of another life have other numbers; nothing of this one is pending any more.
                kept.lsn = .zero
                remaining.append(kept)
            }
            partitions[index].sent = remaining
            partitions[index].seen = nil
            partitions[index].endPower = max(partitions[index].endPower, end)
            partitions[index].endKill = partitions[index].endPower
        }
    }

    /// Compares the segment files of a running log with what was flushed.
    func check(running log: SimLog) throws {
        for index in partitions.indices where !partitions[index].isGone {
            let (start, flushed) = log.withState { ($0.partitions[index].start, $0.partitions[index].flushed) }
            let (found, excused) = try present(index, try log.readAll(index), before: flushed)
            for (number, sent) in partitions[index].sent.enumerated()
            where sent.baseOffset >= start && sent.nextOffset <= flushed && !found.contains(number)
                && !excused.contains(number)
            {
                throw Violation("partition \(index) does not serve \(sent.baseOffset.rawValue)")
            }
        }
    }

    /// Compares batches that a reader got, of all before `end`, with what was sent.
    /// - Returns: the numbers of what was sent and is there, and of what compaction may have taken parts of.
    private func present(
        _ index: Int, _ batches: [RecordBatch], before end: Offset
    ) throws -> (found: Set<Int>, excused: Set<Int>) {
        let partition = partitions[index]
        let sent = Set(partition.sent.flatMap(\.records))
        var found: Set<StoredRecord> = []
        var expected = Offset.zero
        for batch in batches {
            guard batch.baseOffset >= expected else {
                throw Violation("partition \(index) serves \(batch.baseOffset.rawValue) after \(expected.rawValue)")
            }
            expected = batch.nextOffset
            for record in try StoredRecord.all(batch) {
                guard sent.contains(record) else {
                    throw Violation("partition \(index) serves at \(record.offset) what was never there")
                }
                found.insert(record)
            }
        }
        let superseded = partition.isCompacted ? try superseded(partition, found, before: end) : []
        var numbers: (found: Set<Int>, excused: Set<Int>) = ([], [])
        for (number, sent) in partition.sent.enumerated() {
            if sent.records.allSatisfy(found.contains) { numbers.found.insert(number) }
            if sent.records.allSatisfy({ found.contains($0) || superseded.contains($0) }) {
                numbers.excused.insert(number)
            }
        }
        return numbers
    }

    /// The records that compaction may have removed: those with a later record of their key, and tombstones.
    private func superseded(
        _ partition: Partition, _ found: Set<StoredRecord>, before end: Offset
    ) throws -> Set<StoredRecord> {
        let there = partition.sent.filter { sent in
            sent.nextOffset <= end && (sent.isKept || sent.records.contains(where: found.contains))
        }
        var last: [[UInt8]: Int64] = [:]
        for record in there.flatMap(\.records) {
            if let key = record.key { last[key] = max(last[key] ?? -1, record.offset) }
        }
        var superseded: Set<StoredRecord> = []
        for record in there.flatMap(\.records) {
            guard let key = record.key, let newest = last[key] else { continue }
            if newest > record.offset || record.value == nil { superseded.insert(record) }
            // A tombstone that is gone has taken along what it deletes.
            guard record.value == nil, !found.contains(record) else { continue }
            if let left = found.first(where: { $0.key == key && $0.offset < record.offset }) {
                throw Violation("\(left.offset) is back, its tombstone \(record.offset) is gone")
            }
        }
        return superseded
    }
}

/// A record as a reader sees it.
struct StoredRecord: Hashable {
    var offset: Int64
    var timestamp: Int64
    var key: [UInt8]?
    var value: [UInt8]?

    /// The offset tells records apart well enough, and values are long.
    func hash(into hasher: inout Hasher) { hasher.combine(offset) }

    /// The records of a batch, compressed or not.
    static func all(_ batch: RecordBatch) throws -> [StoredRecord] {
        let batch = try batch.decompressed(byteCountMax: 1 << 20)
        let bytes = batch.bytes
        let base = BatchLayout.baseTimestamp(bytes).rawValue
        func copy(_ range: FieldRange) -> [UInt8] { batch.withUnsafeBytes { Array($0[range.indices]) } }
        var records: [StoredRecord] = []
        var reader = RecordReader(batch)
        while let record = try reader.next(bytes) {
            records.append(
                StoredRecord(
                    offset: batch.baseOffset.rawValue + Int64(record.offsetDelta),
                    timestamp: base + Int64(record.timestampDelta), key: record.key.map(copy),
                    value: record.value.map(copy)))
        }
        return records
    }
}
