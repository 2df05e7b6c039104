import GroupCoordination
import LogInterface
import RecordFormat
import SluiceBroker
import SluiceCore
import Testing
import TopicRouting

@testable import CommitLog

/// A log engine in memory whose disk moves when a test says so.
///
/// Isolation: one thread, the test's.
// Sendable: only one thread ever touches it.
final class FakeLog: LogEngine, @unchecked Sendable {
    private var state: LogState
    private var wakes: [@Sendable () -> Void] = []
    private var history: [[RecordBatch]]
    private var answers: [LoopID: [(number: UInt64, read: PartitionRead)]] = [:]
    private var administered: [(number: UInt64, result: Result<StreamDescription, StreamFault>)] = []
    private var settlements: [SettlementQueue] = []
    /// Orders to erase, which nobody carries out.
    private(set) var erasures: [ErasureOrder] = []
    private var segments: [SegmentInfo]
    /// What appends are answered with in place of being taken.
    var refusal: AppendRefusal?
    private(set) var fetchCount = 0
    /// What the last fetch asked for.
    private(set) var fetchedSelection: TopicSelection?
    /// What the last fetch would take at most, in bytes.
    private(set) var fetchedByteCountMax = 0
    /// Whether history cannot be read for now.
    var failsReads = false
    /// Whether offsets of a time cannot be looked up for now.
    var failsLookups = false
    /// Whether fetches wait until a test lets them read.
    var holdsFetches = false
    private var heldFetches: [() -> Void] = []

    /// A log of the stream `mqtt` and the node's own, one partition each.
    /// - Parameter others: streams besides, with as many partitions.
    init(
        durability: Durability = .fsync, tailBytesMax: Int = 64 << 20, partitionCount: Int = 1, others: [String] = []
    ) {
        var mqtt = StreamSettings(name: "mqtt")
        mqtt.durability = durability
        mqtt.partitionCount = partitionCount
        let settings =
            [mqtt] + ["__sessions", "__retained", "__presence", "__consumer_offsets"].map { StreamSettings(name: $0) }
            + others.map { name in
                var settings = mqtt
                settings.name = name
                return settings
            }
        var count = 0
        let streams = settings.map { setting in
            let partitions = (count..<count + setting.partitionCount).map { PartitionID(rawValue: UInt32($0)) }
            count += setting.partitionCount
            return StreamDescription(settings: setting, id: "id-\(setting.name)", partitions: partitions)
        }
        segments = (0..<count).map { _ in SegmentInfo(baseOffset: .zero) }
        history = (0..<count).map { _ in [] }
        var limits = LogLimits()
        limits.tailBytesMax = tailBytesMax
        let partitions = Self.partitions(streams, segments)
        state = LogState(partitions: partitions, nextLSN: LSN(rawValue: 1), limits: limits, streams: streams)
    }

    // MARK: The disk

    /// The journal has written what is pending, and nothing more.
    func write() {
        let group = state.takeGroup()
        state.completed(write: group).release()
    }

    /// Everything written is on the device.
    func synchronize() { state.completed(synchronize: state.written) }

    /// Writes and synchronises what is pending.
    func commit() {
        write()
        synchronize()
    }

    /// Moves the tail to the segment files.
    func flush() {
        for (partition, end) in state.takeFlushTargets() {
            let batches = state.unflushed(partition, before: end, countMax: .max, byteCountMax: .max)
            let index = partition.index
            history[index] += batches
            for batch in batches {
                segments[index].nextOffset = batch.nextOffset
                segments[index].byteCount += Int64(batch.byteCount)
            }
            state.completed(flush: partition, batches: batches[...], segments: [segments[index]])
        }
    }

    /// Compaction takes everything away that a stream has in segment files.
    func compactAway(_ stream: String) {
        for partition in streams.first(where: { $0.settings.name == stream })?.partitions ?? [] {
            history[partition.index] = []
        }
    }

    /// The batches of the stream `mqtt` that are in segment files.
    var flushedBatches: [RecordBatch] { history[0] }

    /// The records in them.
    var flushedCount: Int { history[0].reduce(0) { $0 + $1.recordCount } }

    /// The bytes of the stream of sessions.
    var sessionByteCount: Int {
        flush()
        return batches(of: SessionReplay.stream).reduce(0) { $0 + $1.byteCount }
    }

    // MARK: Recovery

    /// What a crash leaves: the durable records, in a log whose tail is empty.
    func crashed() -> FakeLog {
        flush()
        let log = FakeLog(
            durability: streams[0].settings.durability, partitionCount: streams[0].settings.partitionCount,
            others: streams.dropFirst(5).map(\.settings.name))
        log.recover(history)
        return log
    }

    private static func partitions(
        _ streams: [StreamDescription], _ segments: [SegmentInfo]
    ) -> [PartitionState] {
        streams.enumerated().flatMap { index, stream in
            stream.partitions.map { partition in
                PartitionState(
                    id: partition, streamIndex: index, durability: stream.settings.durability,
                    segments: [segments[partition.index]], end: segments[partition.index].nextOffset)
            }
        }
    }

    private func recover(_ history: [[RecordBatch]]) {
        self.history = history
        for (index, batches) in history.enumerated() {
            segments[index].nextOffset = batches.last?.nextOffset ?? .zero
        }
        let streams = streams
        let partitions = Self.partitions(streams, segments)
        state = LogState(partitions: partitions, nextLSN: LSN(rawValue: 1), limits: LogLimits(), streams: streams)
    }

    /// What the stream of sessions says.
    func sessions(now: Int64, wallClock: Timestamp) -> SessionDirectory {
        var replay = SessionReplay(StreamTable(streams))
        for batch in batches(of: SessionReplay.stream) {
            let bytes = batch.bytes
            var records = RecordReader(batch)
            do {
                while let record = try records.next(bytes) {
                    guard let key = record.key else { continue }
                    let name = key.indices.map { bytes[$0] }
                    if let value = record.value {
                        replay.apply(key: name, value: bytes.extracting(value.indices))
                    } else {
                        replay.apply(key: name, value: nil)
                    }
                }
            } catch {
                Issue.record("\(error)")
            }
        }
        return replay.finish(now: now, wallClock: wallClock)
    }

    /// What the stream of retained messages says.
    func retained() -> RetainedTree {
        var replay = RetainedReplay()
        do {
            for batch in batches(of: RetainedReplay.stream) { try replay.apply(batch) }
        } catch {
            Issue.record("\(error)")
        }
        return replay.finish()
    }

    /// What the stream of groups' offsets says.
    func offsets() -> OffsetTable {
        var table = OffsetTable()
        do {
            for batch in batches(of: GroupRecord.stream) {
                let bytes = batch.bytes
                var records = RecordReader(batch)
                while let record = try records.next(bytes) {
                    guard let key = record.key else { continue }
                    table.apply(key: key.indices.map { bytes[$0] }, value: record.value?.indices.map { bytes[$0] })
                }
            }
        } catch {
            Issue.record("\(error)")
        }
        return table
    }

    func batches(of stream: String) -> [RecordBatch] {
        streams.first { $0.settings.name == stream }.map { history[$0.partitions[0].index] } ?? []
    }

    // MARK: Streams

    var streams: [StreamDescription] { state.registry.streams }

    var catalogueGeneration: UInt64 { state.registry.generation }

    func setPolicy(_ policy: StreamPolicy, of stream: String) { state.setPolicy(policy, of: stream) }

    func administer(_ request: StreamRequest, number: UInt64, for loop: LoopID) {
        administered.append((number, perform(request)))
        for wake in wakes { wake() }
    }

    func takeAdministered(_ loop: LoopID) -> [(number: UInt64, result: Result<StreamDescription, StreamFault>)] {
        defer { administered = [] }
        return administered
    }

    private func perform(_ request: StreamRequest) -> Result<StreamDescription, StreamFault> {
        let known = state.registry.stream(request.name)
        switch request {
        case .create(let settings):
            if let fault = settings.fault ?? (known == nil ? nil : .exists) { return .failure(fault) }
            return .success(enter(settings, id: "id-\(state.registry.generation)-\(settings.name)", []))
        case .alter(_, let change):
            guard let known else { return .failure(.unknown) }
            do throws(StreamFault) {
                return .success(enter(try known.settings.altered(by: change), id: known.id, known.partitions))
            } catch {
                return .failure(error)
            }
        case .delete(let name):
            guard let known = state.remove(name) else { return .failure(.unknown) }
            return .success(known)
        }
    }

    private func enter(_ settings: StreamSettings, id: String, _ known: [PartitionID]) -> StreamDescription {
        let added = (0..<settings.partitionCount - known.count).map { number in
            PartitionID(rawValue: UInt32(segments.count + number))
        }
        segments += added.map { _ in SegmentInfo(baseOffset: .zero) }
        history += added.map { _ in [] }
        let stream = StreamDescription(settings: settings, id: id, partitions: known + added)
        state.enter(stream, adding: added.map { _ in SegmentInfo(baseOffset: .zero) })
        return stream
    }

    // MARK: The engine

    var appendsAtomically: Bool { true }

    func hold(_ partition: PartitionID, from offset: Offset?, for loop: LoopID) -> Bool { false }

    func register(wake: @escaping @Sendable () -> Void) -> LoopID {
        wakes.append(wake)
        settlements.append(SettlementQueue())
        return state.register()
    }

    func append(_ appends: [Append], from loop: LoopID) -> AppendTicket {
        if let refusal { return settlements[loop.index].refuse(refusal) }
        switch state.append(appends) {
        case .appended(let lsn): return settlements[loop.index].add(lsn, state.level(of: appends))
        case .refusedFull: return settlements[loop.index].refuse(.full)
        case .refusedPoisoned: return settlements[loop.index].refuse(.failed)
        case .refusedUnknown: return settlements[loop.index].refuse(.unknownStream)
        }
    }

    func append(sequenced append: Append, with companions: [Append], from loop: LoopID) -> AppendTicket {
        self.append([append] + companions, from: loop)
    }

    func fence(from loop: LoopID) -> AppendTicket { settlements[loop.index].add(state.barrier(), .durable) }

    func takeSettlements(of loop: LoopID, into settlements: inout [Settlement]) {
        self.settlements[loop.index].take(written: state.written, durable: state.durable, into: &settlements)
    }

    var patience: Int64 { 0 }

    var isUnderPressure: Bool { state.isUnderPressure }

    func setInterest(_ loop: LoopID, appended: Bool, durable: Bool) {
        state.setInterest(loop, appended: appended, durable: durable)
    }

    func scanOffsets(_ loop: LoopID) -> [Offset] { state.scanOffsets(loop) }

    func endOffsets() -> [Offset] { state.endOffsets() }

    var isScanned: Bool { state.isScanned }

    func scan(_ loop: LoopID, _ visibility: Visibility, countMax: Int, into entries: inout [TailEntry]) {
        state.scan(loop, visibility, countMax: countMax, into: &entries)
    }

    func readTail(
        _ partition: PartitionID, from offset: Offset, visibility: Visibility, loop: LoopID, byteCountMax: Int
    ) -> PartitionRead? {
        state.readTail(partition, from: offset, visibility: visibility, loop: loop, byteCountMax: byteCountMax)
    }

    func fetch(_ request: ReadRequest, for loop: LoopID) {
        fetchCount += 1
        fetchedSelection = request.selection
        fetchedByteCountMax = request.byteCountMax
        let perform = { [unowned self] in readHistory(request, for: loop) }
        if holdsFetches { heldFetches.append(perform) } else { perform() }
    }

    /// Lets the fetches read that waited.
    func releaseFetches() {
        holdsFetches = false
        for perform in heldFetches { perform() }
        heldFetches = []
    }

    private func readHistory(_ request: ReadRequest, for loop: LoopID) {
        var read = PartitionRead(nextOffset: request.offset)
        read.isGone = state.partitions[request.partition.index].isGone
        read.isFailed = failsReads
        if read.isGone || read.isFailed { return answers[loop, default: []].append((request.number, read)) }
        var byteCount = 0
        for batch in history[request.partition.index]
        where batch.nextOffset > request.offset && byteCount < request.byteCountMax {
            read.nextOffset = batch.nextOffset
            // As sharp as an index can be: a reader must get along with everything else being left out.
            guard request.selection.map({ Self.isWanted(batch, $0) }) ?? true else { continue }
            read.batches.append(batch)
            byteCount += batch.byteCount
        }
        answers[loop, default: []].append((request.number, read))
    }

    private static func isWanted(_ batch: RecordBatch, _ selection: TopicSelection) -> Bool {
        var records = RecordReader(batch)
        let bytes = batch.bytes
        do {
            while let record = try records.next(bytes) {
                guard let topic = TopicHeader.topic(of: record, in: bytes, isFromKafka: batch.isFromKafka) else {
                    return true
                }
                if selection.contains(bytes.extracting(topic.indices)) { return true }
            }
        } catch {
            return true
        }
        return false
    }

    func fetchOffset(_ partition: PartitionID, at time: Timestamp, number: UInt64, for loop: LoopID) {
        let batch = history[partition.index].first { $0.maxTimestamp >= time }
        var read = PartitionRead(nextOffset: batch?.baseOffset ?? segments[partition.index].nextOffset)
        read.isFailed = failsLookups
        if failsLookups { read.nextOffset = .zero }
        answers[loop, default: []].append((number, read))
    }

    func takeFetched(_ loop: LoopID) -> [(number: UInt64, read: PartitionRead)] {
        defer { answers[loop] = nil }
        return answers[loop] ?? []
    }

    func trim(_ partition: PartitionID, before offset: Offset) {}

    var trouble: LogTrouble? { nil }

    func bounds(_ partition: PartitionID) -> PartitionBounds { state.partitions[partition.index].bounds }

    func figures(_ partition: PartitionID) -> PartitionFigures { state.partitions[partition.index].figures }

    func newestTime(_ partition: PartitionID) -> Timestamp? { state.partitions[partition.index].newestTime }

    func producers(_ partition: PartitionID) -> [ProducerFigures] {
        state.partitions[partition.index].producers.figures
    }

    func erase(_ order: ErasureOrder, number: UInt64, for loop: LoopID) { erasures.append(order) }

    func takeErasures(_ loop: LoopID) -> [(number: UInt64, report: ErasureReport)] { [] }
}
