import CommitLog
import RecordFormat
import SluiceCore

/// The log's own state behind the engine's seam, with a disk that is done at once: what remains is the CPU of the appends and scans.
// Sendable: the benchmark has one thread.
final class MemoryLog: LogEngine, @unchecked Sendable {
    private var state: LogState
    let streams: [StreamDescription]

    init(partitionCount: Int) {
        var setting = StreamSettings(name: RuleSetName.catchAll)
        setting.partitionCount = partitionCount
        let ids = (0..<partitionCount).map { PartitionID(rawValue: UInt32($0)) }
        streams = [StreamDescription(settings: setting, id: "bench", partitions: ids)]
        let partitions = ids.map { id in
            PartitionState(
                id: id, streamIndex: 0, durability: .fsync, segments: [SegmentInfo(baseOffset: .zero)], end: .zero)
        }
        var limits = LogLimits()
        limits.tailBytesMax = 1 << 20
        state = LogState(partitions: partitions, nextLSN: LSN(rawValue: 1), limits: limits)
    }

    enum RuleSetName { static let catchAll = "mqtt" }

    func register(wake: @escaping @Sendable () -> Void) -> ReaderID { state.register() }

    func append(_ appends: [Append], from reader: ReaderID) -> AppendOutcome {
        let outcome = state.append(appends)
        let group = state.takeGroup()
        state.completed(write: group.lsn)
        state.completed(synchronize: group.lsn)
        for (partition, end) in state.takeFlushTargets() {
            while true {
                let batches = state.unflushed(partition, before: end)
                if batches.isEmpty { break }
                state.completed(flush: partition, batches: batches[...], segments: [])
            }
        }
        return outcome
    }

    func barrier() -> LSN { state.durable }

    var progress: (written: LSN, durable: LSN) { (state.written, state.durable) }
    func awaitProgress(_ lsn: LSN, written: Bool, for reader: ReaderID) {}
    var patience: Int64 { 0 }
    var isUnderPressure: Bool { false }
    func scanOffsets(_ reader: ReaderID) -> [Offset] { state.scanOffsets(reader) }

    func appendedOffsets() -> [Offset] { state.appendedOffsets() }

    func hold(_ partition: PartitionID, from offset: Offset?, for reader: ReaderID) -> Bool { false }

    func setInterest(_ reader: ReaderID, appended: Bool, durable: Bool) {
        state.setInterest(reader, appended: appended, durable: durable)
    }
    var isScanned: Bool { state.isScanned }
    func scan(_ reader: ReaderID, _ level: TailLevel, countMax: Int, into entries: inout [TailEntry]) {
        state.scan(reader, level, countMax: countMax, into: &entries)
    }
    func readTail(
        _ partition: PartitionID, from offset: Offset, level: TailLevel, reader: ReaderID, byteCountMax: Int
    ) -> PartitionRead? {
        state.readTail(partition, from: offset, level: level, reader: reader, byteCountMax: byteCountMax)
    }
    func fetch(
        _ partition: PartitionID, from offset: Offset, hint: ReadHint?, selection: TopicSelection?, byteCountMax: Int,
        ticket: UInt64, reader: ReaderID
    ) {}
    func fetchOffset(_ partition: PartitionID, at time: Timestamp, ticket: UInt64, reader: ReaderID) {}
    func takeFetched(_ reader: ReaderID) -> [(ticket: UInt64, read: PartitionRead)] { [] }
    func policy(ofStream index: Int) -> StreamPolicy { state.policy(ofStream: index) }
    func setPolicy(_ policy: StreamPolicy, ofStream index: Int) { state.setPolicy(policy, ofStream: index) }
    func trim(_ partition: PartitionID, before offset: Offset) {}
    var trouble: StorageError? { nil }
    func bounds(_ partition: PartitionID) -> PartitionBounds {
        PartitionBounds(start: .zero, durable: .zero, appended: .zero, flushed: .zero, byteCount: 0, segmentCount: 1)
    }
}
