import CLogBound
import CommitLog
import CommitLogPosix
import Compression
import Foundation
import Glibc
import LogInterface
import RecordFormat
import SluiceCore

/// Measures the log by itself: appends beside a bound in C, sequential reads out of the page cache, and the opening of
/// a large directory.
///
///     EngineBenchmark DIRECTORY append|read|make-large|open-large
@main
enum EngineBenchmark {
    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count >= 3 else {
            return print("EngineBenchmark DIRECTORY append|read|make-large|open-large [SEGMENTS-PER-PARTITION]")
        }
        let large = LargeDirectory(
            path: arguments[1], segmentsPerPartition: arguments.count > 3 ? Int(arguments[3]) ?? 1 : 1)
        switch arguments[2] {
        case "append": try append(arguments[1])
        case "read": try read(arguments[1])
        case "make-large": try large.make()
        case "open-large": try large.open()
        default: print("unknown: \(arguments[2])")
        }
    }

    static let partition = PartitionID(rawValue: 0)

    static func open(_ path: String, _ streams: [StreamSettings]) throws -> LogRuntime {
        try LogRuntime(
            storage: PosixStorage(root: path), streams: streams, settings: LogRuntimeSettings(), report: { print($1) })
    }

    /// A batch of `count` records of `byteCount` bytes.
    static func batch(_ count: Int, _ byteCount: Int, in memory: BatchMemory? = nil) -> RecordBatch {
        var builder = RecordBatchBuilder(capacity: count * (byteCount + 32), in: memory)
        let (key, headers) = (RecordFields.nullKey, RecordFields.headers([]))
        let value = [UInt8](repeating: 0x61, count: byteCount)
        for _ in 0..<count {
            builder.append(
                at: Timestamp(rawValue: 1_767_225_600_000), keyField: key.span, value: value.span,
                headersField: headers.span)
        }
        return builder.finish()
    }

    /// User and system time of the process, in seconds.
    static func processorTime() -> Double {
        var usage = rusage()
        // RUSAGE_SELF, which Swift imports as an enumeration that the call does not take.
        getrusage(0, &usage)
        return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
            + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
    }

    // MARK: Append

    /// Records of 1 KiB into one partition with `durability: interval`, each batch awaited as a publisher would; beside a
    /// write and a checksum of the same bytes in C, in turns. Of single records 64 and 1,000 are under way at most, as with
    /// a few publishers and with 50 that have 20 each.
    private static func append(_ path: String) throws {
        for (perBatch, window) in [(1, 64), (1, 1000), (16, 64), (64, 64)] {
            let batchCount = 400_000 / perBatch
            var ours: [Double] = []
            var bounds: [Double] = []
            for round in 0..<5 {
                ours.append(try appendOnce("\(path)/append-\(perBatch)-\(round)", perBatch, batchCount, window))
                bounds.append(try bound("\(path)/bound", perBatch, batchCount))
            }
            let ratios = zip(ours, bounds).map { $0 / $1 }.sorted()
            let (mine, bound) = (ours.sorted()[2], bounds.sorted()[2])
            print(
                "append, \(perBatch) records of 1 KiB a batch, \(window) batches under way: \(micro(mine)) us a record, C \(micro(bound)) us, "
                    + "ratio \(hundredths(ratios[2])) (\(hundredths(ratios[0]))-\(hundredths(ratios[4])))")
        }
    }

    private static func appendOnce(_ path: String, _ perBatch: Int, _ batchCount: Int, _ window: Int) throws -> Double {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }
        var stream = StreamSettings(name: "metric")
        stream.durability = .interval
        stream.policy.sealing = .none
        let log = try open(path, [stream])
        let woken = DispatchSemaphore(value: 0)
        let loop = log.register(wake: { woken.signal() })
        let start = processorTime()
        var last = AppendTicket.none
        // As a loop builds them.
        let memory = BatchMemory()
        for number in 0..<batchCount {
            let append = Append(
                partition: partition, batch: batch(perBatch, 1024, in: memory), isAwaited: true, topicHashes: nil)
            last = log.append([append], from: loop)
            if number % window == window - 1 { try wait(log, last, loop, woken) }
        }
        try wait(log, last, loop, woken)
        // With everything that follows an append: segments, checkpoints, indexes.
        log.stop()
        return (processorTime() - start) / Double(perBatch * batchCount)
    }

    private static func wait(
        _ log: LogRuntime, _ ticket: AppendTicket, _ loop: LoopID, _ woken: DispatchSemaphore
    ) throws {
        var settlements: [Settlement] = []
        while true {
            log.takeSettlements(of: loop, into: &settlements)
            guard settlements.allSatisfy({ $0.outcome == .stored }) else { throw POSIXError(.EIO) }
            if settlements.last?.ticket == ticket { return }
            woken.wait()
        }
    }

    private static func bound(_ path: String, _ perBatch: Int, _ batchCount: Int) throws -> Double {
        let bytes = [UInt8](repeating: 0x61, count: batch(perBatch, 1024).byteCount)
        let start = processorTime()
        let code = bytes.withUnsafeBytes { bound_append(path, $0.baseAddress, $0.count, Int32(batchCount)) }
        unlink(path)
        guard code == 0 else { throw POSIXError(.EIO) }
        return (processorTime() - start) / Double(perBatch * batchCount)
    }

    // MARK: Read

    /// A gigabyte of batches of 64 KiB, read from its start by the embedded reader, out of the page cache.
    private static func read(_ path: String) throws {
        let log = try open(path, [StreamSettings(name: "metric")])
        let woken = DispatchSemaphore(value: 0)
        let loop = log.register(wake: { woken.signal() })
        var last = AppendTicket.none
        for _ in 0..<16 << 10 {
            let append = Append(partition: partition, batch: batch(64, 1000), isAwaited: true, topicHashes: nil)
            last = log.append([append], from: loop)
            while log.isUnderPressure { usleep(100) }
        }
        try wait(log, last, loop, woken)
        while log.withState({ $0.partitions[0].flushed < $0.partitions[0].appended }) { usleep(1000) }
        var speeds: [Double] = []
        for _ in 0..<7 {
            var (byteCount, recordCount) = (0, 0)
            let (start, began) = (processorTime(), MonotonicClock.nanoseconds())
            try log.forEachBatch(of: partition) { batch in
                byteCount += batch.byteCount
                recordCount += batch.recordCount
            }
            let seconds = Double(MonotonicClock.nanoseconds() - began) / 1e9
            precondition(recordCount == 64 << 14)
            speeds.append(Double(byteCount) / 1e9 / (processorTime() - start))
            print(
                "read \(byteCount) bytes: \(hundredths(speeds[speeds.count - 1])) GB/s of processor, "
                    + "\(hundredths(Double(byteCount) / 1e9 / seconds)) GB/s of time")
        }
        print("read, batches of 64 KiB: median \(hundredths(speeds.sorted()[3])) GB/s of processor")
        log.stop()
    }

    static func micro(_ seconds: Double) -> String { String(format: "%.3f", seconds * 1e6) }
    static func hundredths(_ value: Double) -> String { String(format: "%.2f", value) }
}
