import CommitLog
import Compression
import LogInterface
import RecordFormat
import SluiceCore
import SluiceTesting
import Testing

/// One partition of keyed records on a simulated disk, and its housekeeping.
final class HousekeepingWorld {
    let disk = SimDisk()
    var settings: SimLog.Settings
    private(set) var log: SimLog
    private(set) var clock: Int64 = 1000

    init(segmentBytes: Int64 = 2000, _ change: (inout StreamPolicy, inout HousekeepingLimits) -> Void) throws {
        var stream = StreamSettings(name: "state")
        stream.policy.granuleBytesMax = segmentBytes
        var limits = HousekeepingLimits()
        limits.batchBytes = 1024
        limits.sealingDelayMilliseconds = 0
        change(&stream.policy, &limits)
        settings = SimLog.Settings(streams: [stream])
        settings.housekeeping = limits
        settings.limits.tailBytesMax = 1024
        settings.limits.indexIntervalBytes = 256
        log = try SimLog(disk, settings)
    }

    /// Appends one batch with a record for each key; nil deletes the key. Time goes on by a millisecond.
    /// - Parameter transaction: the producer whose transaction it belongs to.
    func put(_ records: [(key: String, value: String?)], in transaction: Int64? = nil) throws {
        clock += 1
        var builder = RecordBatchBuilder()
        let headers = RecordFields.headers([])
        for (key, value) in records {
            let keyField = RecordFields.key(Array(key.utf8))
            if let value {
                let bytes = Array(value.utf8)
                builder.append(
                    at: Timestamp(rawValue: clock), keyField: keyField.span, value: bytes.span,
                    headersField: headers.span)
            } else {
                builder.appendTombstone(
                    at: Timestamp(rawValue: clock), keyField: keyField.span, headersField: headers.span)
            }
        }
        var batch = builder.finish()
        if let transaction {
            batch = batch.with(
                producer: ProducerID(rawValue: transaction), epoch: 0, baseSequence: 0, isTransactional: true)
        }
        try append(batch)
    }

    /// Ends a producer's transaction.
    func end(_ transaction: Int64, commits: Bool) throws {
        clock += 1
        try append(
            RecordBatch.endOfTransaction(
                producer: ProducerID(rawValue: transaction), epoch: 0, commits: commits,
                at: Timestamp(rawValue: clock)))
    }

    private func append(_ batch: RecordBatch) throws {
        let append = Append(
            partition: PartitionID(rawValue: 0), batch: batch, isAwaited: true, topicHashes: nil)
        guard case .appended = log.append([append]) else { throw LogModel.Violation("refused") }
        try log.write()
        try log.synchronize()
        try log.flush()
    }

    /// Begins a new segment, so that all before it is sealed.
    func roll() throws { try log.maintenance.roll { _ in Timestamp(rawValue: Int64.max) } }

    func compact(at now: Int64? = nil) throws -> Bool {
        try log.housekeeper.compact(now: Timestamp(rawValue: now ?? clock), shouldStop: { false }) > 0
    }

    func seal() throws -> Int {
        try log.housekeeper.seal(now: Timestamp(rawValue: clock), shouldStop: { false })
    }

    func reopen(_ crash: SimDisk.Crash) throws {
        disk.crash(crash, seed: 3)
        log = try SimLog(disk, settings)
    }

    /// Every record that is served, oldest first.
    func records() throws -> [StoredRecord] { try log.readAll(0).flatMap(StoredRecord.all) }

    /// Key, value and offset of every record, as text.
    func text() throws -> [String] {
        try records().map { record in
            let key = record.key.map { String(decoding: $0, as: UTF8.self) } ?? "-"
            let value = record.value.map { String(decoding: $0, as: UTF8.self) } ?? "x"
            return "\(record.offset):\(key)=\(value)"
        }
    }

    var segments: [SegmentInfo] { log.withState { $0.partitions[0].segments } }
}
