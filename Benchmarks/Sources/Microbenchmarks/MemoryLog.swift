import CommitLog
import LogInterface
import RecordFormat
import SluiceCore

/// The log's own state behind the engine's seam, with a disk that is done at once: what remains
/// is the CPU of the appends and scans.
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

    private var settlements = SettlementQueue()

    func register(wake: @escaping @Sendable () -> Void) -> LoopID { state.register() }

    func append(_ appends: [Append], from loop: LoopID) -> AppendTicket {
        guard case .appended(let lsn) = state.append(appends) else { return settlements.refuse(.failed) }
        let group = state.takeGroup()
        state.completed(write: group).release()
        state.completed(synchronize: state.written)
        for (partition, end) in state.takeFlushTargets() {
            while true {
                let batches = state.unflushed(partition, before: end)
                if batches.isEmpty { break }
                state.completed(flush: partition, batches: batches[...], segments: [])
            }
        }
        return settlements.add(lsn, .durable)
    }

    func append(sequenced append: Append, with companions: [Append], from loop: LoopID) -> AppendTicket {
        self.append([append] + companions, from: loop)
    }

    func fence(from loop: LoopID) -> AppendTicket { settlements.add(state.durable, .durable) }
    func takeSettlements(of loop: LoopID, into settlements: inout [Settlement]) {
        self.settlements.take(written: state.written, durable: state.durable, into: &settlements)
    }
    func erase(_ order: ErasureOrder, number: UInt64, for loop: LoopID) {}
    func takeErasures(_ loop: LoopID) -> [(number: UInt64, report: ErasureReport)] { [] }
    var appendsAtomically: Bool { true }
    var patience: Int64 { 0 }
    var isUnderPressure: Bool { false }
    func scanOffsets(_ loop: LoopID) -> [Offset] { state.scanOffsets(loop) }

    func endOffsets() -> [Offset] { state.endOffsets() }

    func hold(_ partition: PartitionID, from offset: Offset?, for loop: LoopID) -> Bool { false }

    func setInterest(_ loop: LoopID, appended: Bool, durable: Bool) {
        state.setInterest(loop, appended: appended, durable: durable)
    }
    var isScanned: Bool { state.isScanned }
    func scan(_ loop: LoopID, _ visibility: Visibility, countMax: Int, into entries: inout [TailEntry]) {
        state.scan(loop, visibility, countMax: countMax, into: &entries)
    }
    func readTail(
        _ partition: PartitionID, from offset: Offset, visibility: Visibility, loop: LoopID, byteCountMax: Int
    ) -> PartitionRead? {
        state.readTail(partition, from: offset, visibility: visibility, loop: loop, byteCountMax: byteCountMax)
    }
    func fetch(_ request: ReadRequest, for loop: LoopID) {}
    func fetchOffset(_ partition: PartitionID, at time: Timestamp, number: UInt64, for loop: LoopID) {}
    func takeFetched(_ loop: LoopID) -> [(number: UInt64, read: PartitionRead)] { [] }
    var catalogueGeneration: UInt64 { 1 }
    func administer(_ request: StreamRequest, number: UInt64, for loop: LoopID) {
        preconditionFailure("Cannot change the streams of a benchmark")
    }
    func takeAdministered(_ loop: LoopID) -> [(number: UInt64, result: Result<StreamDescription, StreamFault>)] { [] }
    func setPolicy(_ policy: StreamPolicy, of stream: String) {}
    func newestTime(_ partition: PartitionID) -> Timestamp? { nil }

    func producers(_ partition: PartitionID) -> [ProducerFigures] { [] }

    func trim(_ partition: PartitionID, before offset: Offset) {}
    var trouble: LogTrouble? { nil }
    func bounds(_ partition: PartitionID) -> PartitionBounds {
        PartitionBounds(start: .zero, highWatermark: .zero, end: .zero)
    }
    func figures(_ partition: PartitionID) -> PartitionFigures { PartitionFigures(byteCount: 0, hasRemovable: false) }
}
