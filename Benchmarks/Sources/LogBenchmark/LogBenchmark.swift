import CLinux
import CPlainWrite
import CommitLog
import CommitLogPosix
import Glibc
import RecordFormat
import SluiceCore

/// What the embedded log costs without a broker around it. `LogBenchmark DIR read|append|open`, see PERFORMANCE.md.
@main
enum LogBenchmark {
    static let partition = PartitionID(rawValue: 0)

    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 3 || arguments.count == 4 else {
            print("usage: LogBenchmark DIR read|append [RECORDS-A-BATCH]|layout|open")
            exit(2)
        }
        switch arguments[2] {
        case "read": try read(arguments[1])
        case "append": try append(arguments[1], arguments.count > 3 ? arguments[3...].compactMap { Int($0) } : [1, 16, 64])
        case "layout": try ManyPartitions.write(to: arguments[1])
        case "open": try ManyPartitions.open(arguments[1])
        default: print("no such benchmark: \(arguments[2])")
        }
    }

    /// Sequential reads of 1 GiB in batches of 64 KiB, out of the page cache, on this thread.
    private static func read(_ path: String) throws {
        let log = try open(path, .memory)
        let batchCount = 16_384
        try fill(log, batchCount: batchCount, recordsPerBatch: 64, payloadBytes: 1000)
        while log.bounds(partition).flushed < log.bounds(partition).appended { usleep(10_000) }
        let byteCount = log.bounds(partition).byteCount
        let files = PartitionFiles(
            storage: PosixStorage(inspecting: path), paths: SegmentPaths(stream: "bench", number: 0))
        var best = 0.0
        for round in 0..<6 {
            let start = ThreadTime.nanoseconds
            var read = PartitionRead(nextOffset: .zero)
            var count: Int64 = 0
            repeat {
                read = try files.read(
                    partition, from: read.nextOffset, hint: read.hint, byteCountMax: 1 << 20, access: log)
                for batch in read.batches { count += Int64(batch.byteCount) }
            } while !read.batches.isEmpty
            precondition(count == byteCount, "\(count) of \(byteCount) bytes were read")
            let rate = Double(count) / Double(ThreadTime.nanoseconds - start)
            // The first round brings the files into the page cache.
            if round > 0 { best = max(best, rate) }
        }
        print("read, batches of 64 KiB: \(rounded(best)) GB/s of thread time (best of 5)")
        log.stop()
    }

    /// Records of 1 KiB through one partition, `durability: interval`, beside plain writes of the same bytes in C.
    private static func append(_ path: String, _ batchSizes: [Int]) throws {
        var ratios: [Double] = []
        for recordsPerBatch in batchSizes {
            for round in 0..<5 {
                let directory = "\(path)/\(recordsPerBatch)-\(round)"
                let log = try open(directory, .interval)
                let recordCount = 512 << 10
                let start = ProcessTime.nanoseconds
                try fill(
                    log, batchCount: recordCount / recordsPerBatch, recordsPerBatch: recordsPerBatch,
                    payloadBytes: 1024)
                while log.bounds(partition).flushed < log.bounds(partition).appended { usleep(1000) }
                let ours = ProcessTime.nanoseconds - start
                let batchBytes = Int(log.bounds(partition).byteCount) / (recordCount / recordsPerBatch)
                log.stop()
                let bytes = [UInt8](repeating: 7, count: batchBytes)
                let before = ProcessTime.nanoseconds
                let sum = plain_write(
                    directory + "/plain", bytes, UInt64(batchBytes), UInt64(recordCount / recordsPerBatch))
                precondition(sum >= 0)
                let plain = ProcessTime.nanoseconds - before
                ratios.append(Double(ours) / Double(plain))
                print(
                    "append, \(recordsPerBatch) records a batch: \(ours / Int64(recordCount)) ns a record, "
                        + "plain \(plain / Int64(recordCount)) ns, ratio \(rounded(Double(ours) / Double(plain)))")
                system("rm -rf '\(directory)'")
            }
            let median = ratios.suffix(5).sorted()[2]
            print("append, \(recordsPerBatch) records a batch: median ratio \(rounded(median))")
        }
    }

    private static func open(_ path: String, _ durability: Durability) throws -> LogRuntime {
        system("rm -rf '\(path)'; mkdir -p '\(path)'")
        var stream = StreamSettings(name: "bench")
        stream.durability = durability
        return try LogRuntime(
            storage: PosixStorage(root: path), streams: [stream], settings: LogRuntimeSettings(), report: { print($0) })
    }

    private static func fill(_ log: LogRuntime, batchCount: Int, recordsPerBatch: Int, payloadBytes: Int) throws {
        let reader = log.register(wake: {})
        var builder = RecordBatchBuilder()
        let (key, headers) = (RecordFields.key([1, 2, 3, 4]), RecordFields.headers([]))
        var payload = [UInt8](repeating: 0x20, count: payloadBytes)
        for number in 0..<batchCount {
            for _ in 0..<recordsPerBatch {
                payload[number % payloadBytes] &+= 1
                builder.append(
                    at: Timestamp(rawValue: Int64(number)), keyField: key.span, value: payload.span,
                    headersField: headers.span)
            }
            let append = Append(partition: partition, batch: builder.finish(), isAwaited: true, topicHashes: nil)
            guard case .appended = log.append([append], from: reader) else { return print("refused") }
            while log.isUnderPressure { usleep(500) }
        }
    }

    static func rounded(_ value: Double) -> String { String(Int(value * 100) / 100) + "." + String(Int(value * 100) % 100) }
}

/// Processor time of the calling thread.
enum ThreadTime {
    static var nanoseconds: Int64 { clock(CLOCK_THREAD_CPUTIME_ID) }

    static func clock(_ id: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(id, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

/// Processor time of all threads, user and system.
enum ProcessTime {
    static var nanoseconds: Int64 { ThreadTime.clock(CLOCK_PROCESS_CPUTIME_ID) }
}
