import CommitLog
import Foundation
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

    private struct Sent {
        var batch: RecordBatch
        var lsn: LSN
        var isJournaled: Bool
        /// Whether every crash from now on must leave it.
        var isKept = false
    }

    private struct Partition {
        var durability: Durability
        var sent: [Sent] = []
        /// Ends that a reader may have seen, and that no crash, or no kill, may take back.
        var endPower = Offset.zero
        var endKill = Offset.zero
        /// The highest start that retention reached.
        var start = Offset.zero
    }

    private var partitions: [Partition]
    private var end: (written: LSN, durable: LSN) = (.zero, .zero)

    init(_ log: SimLog) {
        partitions = log.withState { state in state.partitions.map { Partition(durability: $0.durability) } }
    }

    mutating func appended(_ append: Append, _ lsn: LSN) {
        let partition = append.partition.index
        let isJournaled =
            switch partitions[partition].durability {
            case .fsync: append.isAwaited
            case .interval: true
            case .memory: false
            }
        partitions[partition].sent.append(Sent(batch: append.batch, lsn: lsn, isJournaled: isJournaled))
    }

    /// Notes what readers of the log can see by now.
    mutating func observe(_ log: SimLog) {
        log.withState { state in
            for index in partitions.indices {
                let partition = state.partitions[index]
                if partition.durability == .fsync {
                    partitions[index].endPower = max(partitions[index].endPower, partition.durable)
                }
                if partition.durability != .memory {
                    partitions[index].endKill = max(partitions[index].endKill, partition.durable)
                }
                partitions[index].start = max(partitions[index].start, partition.start)
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
                partitions[index].endPower = max(partitions[index].endPower, sent.batch.nextOffset)
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
        var fates: [LSN: Bool] = [:]
        for index in partitions.indices {
            let end = log.withState { $0.partitions[index].durable }
            let found = try matched(index, try log.readAll(index))
            guard end >= partitions[index].endPower else {
                throw Violation(
                    "partition \(index) ends at \(end.rawValue), \(partitions[index].endPower.rawValue) was seen")
            }
            var remaining: [Sent] = []
            for (number, sent) in partitions[index].sent.enumerated() {
                let isRetained = sent.batch.nextOffset > partitions[index].start
                let isFound = found.contains(number)
                if !isFound, sent.isKept, isRetained {
                    throw Violation(
                        "partition \(index) lost \(sent.batch.baseOffset.rawValue), group \(sent.lsn.rawValue)")
                }
                if sent.isJournaled, !sent.isKept, isRetained {
                    if let fate = fates[sent.lsn], fate != isFound {
                        throw Violation("group \(sent.lsn.rawValue) survived in parts")
                    }
                    fates[sent.lsn] = isFound
                }
                guard isFound || !isRetained else { continue }
                var kept = sent
                kept.isKept = kept.isKept || isFound
                // Groups of another life have other numbers; nothing of this one is pending any more.
                kept.lsn = .zero
                remaining.append(kept)
            }
            partitions[index].sent = remaining
            partitions[index].endPower = max(partitions[index].endPower, end)
            partitions[index].endKill = partitions[index].endPower
        }
    }

    /// Compares the segment files of a running log with what was flushed.
    func check(running log: SimLog) throws {
        for index in partitions.indices {
            let (start, flushed) = log.withState { ($0.partitions[index].start, $0.partitions[index].flushed) }
            let found = try matched(index, try log.readAll(index))
            for (number, sent) in partitions[index].sent.enumerated()
            where sent.batch.baseOffset >= start && sent.batch.nextOffset <= flushed && !found.contains(number) {
                throw Violation("partition \(index) does not serve \(sent.batch.baseOffset.rawValue)")
            }
        }
    }

    /// Compares batches that a reader got with what was sent.
    /// - Returns: the numbers of what was sent and is there.
    private func matched(_ index: Int, _ batches: [RecordBatch]) throws -> Set<Int> {
        var numbers: [Offset: [Int]] = [:]
        for (number, sent) in partitions[index].sent.enumerated() {
            numbers[sent.batch.baseOffset, default: []].append(number)
        }
        var found: Set<Int> = []
        var expected = Offset.zero
        for batch in batches {
            guard batch.baseOffset >= expected else {
                throw Violation("partition \(index) serves \(batch.baseOffset.rawValue) after \(expected.rawValue)")
            }
            expected = batch.nextOffset
            guard
                let number = numbers[batch.baseOffset]?.first(where: {
                    Self.areEqual(partitions[index].sent[$0].batch, batch)
                })
            else { throw Violation("partition \(index) serves at \(batch.baseOffset.rawValue) what was never there") }
            found.insert(number)
        }
        return found
    }

    private static func areEqual(_ left: RecordBatch, _ right: RecordBatch) -> Bool {
        guard left.checksum == right.checksum, left.byteCount == right.byteCount else { return false }
        return left.withUnsafeBytes { left in
            right.withUnsafeBytes { right in
                guard let first = left.baseAddress, let second = right.baseAddress else { return false }
                return memcmp(first, second, left.count) == 0
            }
        }
    }
}
