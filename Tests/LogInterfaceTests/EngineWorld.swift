import CommitLog
import CommitLogPosix
import Foundation
import LogInterface
import RecordFormat
import SluiceCore
import SluiceTesting
import Testing

/// The engines that keep the contract.
enum EngineKind: String, CaseIterable, CustomTestStringConvertible {
    /// The embedded engine on a simulated disk.
    case simulated
    /// The embedded engine on a directory.
    case directory
    /// The engine in memory.
    case memory

    var testDescription: String { rawValue }
}

/// One engine with the streams `first` (two partitions) and `second` and the node's own `__state`, and a loop on it.
final class EngineWorld {
    let engine: any LogEngine
    let loop: TestLoop
    private let path: String?
    private let disk: SimDisk?

    init(_ kind: EngineKind, _ change: (inout StreamSettings) -> Void = { _ in }) throws {
        let streams = ["first", "second", "__state"].map { name in
            var setting = StreamSettings(name: name)
            if name == "first" { setting.partitionCount = 2 }
            setting.policy.granuleBytesMax = 4096
            change(&setting)
            return setting
        }
        var settings = LogRuntimeSettings()
        settings.journalFileBytes = 64 << 10
        // History is soon no longer in memory.
        settings.limits.tailBytesMax = 4096
        settings.reserveBytes = 64 << 10
        var path: String?
        var disk: SimDisk?
        switch kind {
        case .simulated:
            let simulated = SimDisk()
            disk = simulated
            engine = try LogRuntime(storage: simulated, streams: streams, settings: settings, report: { _, _ in })
        case .directory:
            let made = NSTemporaryDirectory() + "sluice-contract-\(UUID().uuidString)"
            try FileManager.default.createDirectory(atPath: made, withIntermediateDirectories: true)
            path = made
            engine = try LogRuntime(
                storage: PosixStorage(root: made), streams: streams, settings: settings, report: { _, _ in })
        case .memory: engine = MemoryEngine(streams)
        }
        self.path = path
        self.disk = disk
        loop = TestLoop(engine)
    }

    deinit {
        (engine as? LogRuntime)?.stop()
        guard let path else { return }
        do { try FileManager.default.removeItem(atPath: path) } catch { Issue.record("\(error)") }
    }

    /// A partition of a stream.
    func partition(_ stream: String, _ number: Int = 0) throws -> PartitionID {
        try #require(engine.streams.first { $0.settings.name == stream }).partitions[number]
    }

    /// A batch with a record for each number, which is its value and its time in milliseconds; topics go round.
    static func batch(_ numbers: [Int]) -> RecordBatch {
        var builder = RecordBatchBuilder()
        let key = RecordFields.nullKey
        for number in numbers {
            let value = Array("\(number)".utf8) + [UInt8](repeating: 0x2E, count: 100)
            let headers = RecordFields.headers([
                RecordHeader(name: TopicHeader.name, value: Array("fleet/\(number % 7)".utf8))
            ])
            builder.append(
                at: Timestamp(rawValue: Int64(number)), keyField: key.span, value: value.span,
                headersField: headers.span)
        }
        return builder.finish()
    }

    static func append(_ batch: RecordBatch, to partition: PartitionID, awaited: Bool = true) -> Append {
        Append(partition: partition, batch: batch, isAwaited: awaited, topicHashes: nil)
    }

    /// Appends batches of ten numbers, from 0 on, and waits for each.
    func fill(_ partition: PartitionID, batchCount: Int) {
        for number in 0..<batchCount {
            let batch = Self.batch(Array(number * 10..<number * 10 + 10))
            let outcome = loop.settle(loop.append([Self.append(batch, to: partition)]).ticket)
            #expect(outcome == .stored)
        }
    }

    /// The numbers in batches, from `offset` on, with their offsets.
    static func numbers(_ batches: [RecordBatch], from offset: Offset = .zero) throws -> [(offset: Int64, number: Int)]
    {
        var numbers: [(offset: Int64, number: Int)] = []
        for batch in batches {
            let bytes = batch.bytes
            var records = RecordReader(batch)
            while let record = try records.next(bytes) {
                let at = batch.baseOffset.advanced(by: record.offsetDelta)
                guard at >= offset, let value = record.value else { continue }
                let digits = value.indices.map { bytes[$0] }.prefix { $0 != 0x2E }
                numbers.append((at.rawValue, Int(String(decoding: digits, as: UTF8.self)) ?? -1))
            }
        }
        return numbers
    }

    /// Reads all of a partition as history.
    func history(
        _ partition: PartitionID, from start: Offset = .zero, byteCountMax: Int = 3000,
        _ change: (inout ReadRequest) -> Void = { _ in }
    ) throws -> [Int] {
        var (offset, hint): (Offset, ReadHint?) = (start, nil)
        var numbers: [Int] = []
        let end = engine.bounds(partition).highWatermark
        while offset < end {
            let read = loop.fetch(partition, from: offset, byteCountMax: byteCountMax) { request in
                change(&request)
                request.hint = hint
            }
            guard !read.isFailed else { continue }
            numbers += try Self.numbers(read.batches, from: offset).map(\.number)
            guard read.nextOffset > offset else {
                // What is only in memory yet: the engine brings it to rest by itself.
                sched_yield()
                continue
            }
            (offset, hint) = (read.nextOffset, read.hint)
        }
        return numbers
    }
}
