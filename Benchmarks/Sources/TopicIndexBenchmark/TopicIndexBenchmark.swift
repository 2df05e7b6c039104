import CommitLog
import CommitLogPosix
import Foundation
import LogInterface
import RecordFormat
import SluiceCore
import TopicRouting

/// Measures what one device's history costs, with its topic index and without.
///
///     TopicIndexBenchmark DIRECTORY fill|ingest [RECORDS] [RECORDS-PER-BATCH]
///     TopicIndexBenchmark DIRECTORY build [SECTION-MIB]
///     TopicIndexBenchmark DIRECTORY read|device
@main
enum TopicIndexBenchmark {
    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count > 2 else {
            return print("TopicIndexBenchmark DIRECTORY fill|ingest|build|read|device ...")
        }
        let directory = arguments[1]
        var fleet = Fleet()
        if arguments.count > 3, let count = Int(arguments[3]) { fleet.recordCount = count }
        if arguments.count > 4, let count = Int(arguments[4]) { fleet.recordsPerBatch = count }
        switch arguments[2] {
        case "fill": try fill(directory, fleet, indexed: false)
        case "ingest": try fill(directory, fleet, indexed: true)
        case "build": try build(directory, sectionBytes: (arguments.count > 3 ? Int(arguments[3]) ?? 16 : 16) << 20)
        case "read": try read(directory)
        case "device": try device(directory)
        default: print("unknown: \(arguments[2])")
        }
    }

    // MARK: Fill and build

    /// Fills a stream, with the index built meanwhile or left to `build`.
    private static func fill(_ directory: String, _ fleet: Fleet, indexed: Bool) throws {
        let log = try Fleet.open(directory, indexed: indexed)
        let start = MonotonicClock.nanoseconds()
        try fleet.fill(log)
        log.stop()
        print("filled in \(seconds(since: start)) s")
    }

    /// Builds every index anew, on this thread. Sections of four times the size have the topics and postings of a log
    /// that was compressed to a quarter.
    private static func build(_ directory: String, sectionBytes: Int) throws {
        let storage = try PosixStorage(root: directory)
        let paths = SegmentPaths(stream: "fleet", number: 0)
        for name in try storage.list(paths.directory) where name.hasSuffix(".topics") {
            try storage.remove("\(paths.directory)/\(name)")
        }
        let log = try snapshot(storage, paths)
        let indexer = TopicIndexer(
            storage: storage, access: log.access, partitions: [(Fleet.partition, paths)], sectionBytes: sectionBytes)
        print("memory before: \(memory())")
        let start = MonotonicClock.nanoseconds()
        var longest: Int64 = 0
        // As often as it takes to notice that the log is at rest.
        var looks = 0
        while looks < 30 {
            let began = MonotonicClock.nanoseconds()
            if try !indexer.step() { looks += 1 }
            longest = max(longest, MonotonicClock.nanoseconds() - began)
        }
        let time = seconds(since: start)
        let index = try byteCount(storage, paths, ".topics")
        let share = Double(index) / Double(log.byteCount) * 100
        print("built in \(time) s: \(Double(log.byteCount) / 1e6 / time) MB/s, longest step \(longest / 1_000_000) ms")
        print("index \(index) bytes of \(log.byteCount): \(share) %")
        print("memory after: \(memory())")
    }

    /// Every segment as sealed but the newest, whose end is the file's.
    private static func snapshot(
        _ storage: PosixStorage, _ paths: SegmentPaths
    ) throws -> (access: Snapshot, byteCount: Int64) {
        let bases = try storage.list(paths.directory).compactMap { SegmentPaths.baseOffset($0, suffix: ".log") }
            .sorted()
        var segments: [SegmentInfo] = []
        var total: Int64 = 0
        for (index, base) in bases.enumerated() {
            var segment = SegmentInfo(baseOffset: base)
            let file = try storage.open(paths.log(base), creating: false)
            segment.byteCount = try storage.byteCount(file)
            storage.close(file)
            segment.nextOffset =
                index + 1 < bases.count ? bases[index + 1] : try end(storage, paths, segment)
            total += segment.byteCount
            segments.append(segment)
        }
        return (Snapshot(segments), total)
    }

    private static func end(_ storage: PosixStorage, _ paths: SegmentPaths, _ segment: SegmentInfo) throws -> Offset {
        var segment = segment
        segment.nextOffset = Offset(rawValue: Int64.max)
        var offset = segment.baseOffset
        var hint: SegmentHint?
        while true {
            let read = try SegmentReader.read(
                storage, paths, segment, from: offset, hint: hint, byteCountMax: 4 << 20)
            guard let last = read.batches.last else { return offset }
            offset = last.nextOffset
            hint = read.hint
            if hint == nil { return offset }
        }
    }

    private static func byteCount(_ storage: PosixStorage, _ paths: SegmentPaths, _ suffix: String) throws -> Int64 {
        var total: Int64 = 0
        for name in try storage.list(paths.directory) where name.hasSuffix(suffix) {
            let file = try storage.open("\(paths.directory)/\(name)", creating: false)
            total += try storage.byteCount(file)
            storage.close(file)
        }
        return total
    }

    // MARK: Read

    private static func read(_ directory: String) throws {
        let storage = try PosixStorage(root: directory)
        let paths = SegmentPaths(stream: "fleet", number: 0)
        let log = try snapshot(storage, paths)
        let reader = PartitionReader(files: PartitionFiles(storage: storage, paths: paths), access: log.access)
        let topic = Fleet.topic(4711)
        for round in 0..<2 {
            let whole = try reader.read(topic, nil)
            print("everything, round \(round): \(whole)")
        }
        let whole = try reader.read(topic, nil)
        print("everything, warm: \(whole)")
        var best: PartitionReader.Outcome?
        for round in 0..<5 {
            let one = try reader.read(topic, TopicSelection(topics: [topic]))
            guard one.recordCount == whole.recordCount else { return print("WRONG: \(one)") }
            print("one device, round \(round): \(one)")
            if one.milliseconds < best?.milliseconds ?? .infinity { best = one }
        }
        if let best { print("ratio: \(whole.milliseconds / best.milliseconds)") }
        for filter in ["fleet/+/telemetry", "fleet/dev-0471+", "fleet/dev-0/#", "+/dev-04711/telemetry", "no/such"] {
            print("\(filter): \(try reader.read(nil, selection(filter)))")
        }
    }

    /// One device again and again, for a profiler.
    private static func device(_ directory: String) throws {
        let storage = try PosixStorage(root: directory)
        let paths = SegmentPaths(stream: "fleet", number: 0)
        let log = try snapshot(storage, paths)
        let reader = PartitionReader(files: PartitionFiles(storage: storage, paths: paths), access: log.access)
        var total = 0.0
        for number in 0..<200 {
            let topic = Fleet.topic(number * 47)
            total += try reader.read(topic, TopicSelection(topics: [topic])).milliseconds
        }
        print("one device: \(total / 200) ms on average")
    }

    private static func selection(_ filter: String) -> TopicSelection {
        let bytes = Array(filter.utf8)
        guard let wild = bytes.firstIndex(where: { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "#") }) else {
            return TopicSelection(topics: [bytes])
        }
        // `x+` is no filter; here it stands for every topic that begins with x.
        if filter.hasSuffix("+"), !filter.hasSuffix("/+") {
            return TopicSelection(
                topics: [], wildcards: [TopicSelection.Wildcard(prefix: Array(bytes[..<wild])) { _ in true }])
        }
        return TopicSelection(
            topics: [],
            wildcards: [
                TopicSelection.Wildcard(prefix: Array(bytes[..<wild])) {
                    FilterSyntax.matches(filter: bytes.span, topic: $0)
                }
            ])
    }

    // MARK: Figures

    static func seconds(since start: Int64) -> Double { Double(MonotonicClock.nanoseconds() - start) / 1e9 }

    /// Resident memory now and at its highest.
    private static func memory() -> String {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        return status.split(separator: "\n").filter { $0.hasPrefix("VmHWM") || $0.hasPrefix("VmRSS") }
            .joined(separator: ", ")
    }
}

/// Reads as a broker's cursor does, and looks at every record.
struct PartitionReader {
    let files: PartitionFiles
    let access: any LogStateAccess

    struct Outcome: CustomStringConvertible {
        var recordCount = 0
        var batchCount = 0
        var byteCount = 0
        var readCount = 0
        var milliseconds = 0.0
        var firstMilliseconds = 0.0
        var longestMilliseconds = 0.0
        var description: String {
            "\(recordCount) records in \(milliseconds) ms, the first after \(firstMilliseconds) ms; \(readCount) reads, "
                + "the longest \(longestMilliseconds) ms; \(batchCount) batches, \(byteCount >> 20) MiB"
        }
    }

    func read(_ topic: [UInt8]?, _ selection: TopicSelection?) throws -> Outcome {
        var outcome = Outcome()
        var offset = Offset.zero
        var hint: ReadHint?
        let end = access.withState { $0.partitions[0].flushed }
        let start = MonotonicClock.nanoseconds()
        while offset < end {
            let began = MonotonicClock.nanoseconds()
            let read = try files.read(
                Fleet.partition, from: offset, hint: hint, selection: selection, byteCountMax: 256 << 10,
                access: access)
            outcome.longestMilliseconds = max(
                outcome.longestMilliseconds, Double(MonotonicClock.nanoseconds() - began) / 1e6)
            for batch in read.batches {
                outcome.batchCount += 1
                outcome.byteCount += batch.byteCount
                outcome.recordCount += try count(topic, selection, in: batch)
                if outcome.recordCount > 0, outcome.firstMilliseconds == 0 {
                    outcome.firstMilliseconds = Double(MonotonicClock.nanoseconds() - start) / 1e6
                }
            }
            outcome.readCount += 1
            guard read.nextOffset > offset else { break }
            offset = read.nextOffset
            hint = read.hint
        }
        outcome.milliseconds = Double(MonotonicClock.nanoseconds() - start) / 1e6
        return outcome
    }

    private func count(_ topic: [UInt8]?, _ selection: TopicSelection?, in batch: RecordBatch) throws -> Int {
        var count = 0
        let bytes = batch.bytes
        var records = RecordReader(batch)
        while let record = try records.next(bytes) {
            guard let range = TopicHeader.topic(of: record, in: bytes, isFromKafka: false) else { continue }
            let name = bytes.extracting(range.indices)
            if let topic {
                if isSame(name, topic.span) { count += 1 }
            } else if selection?.contains(name) ?? true {
                count += 1
            }
        }
        return count
    }

    private func isSame(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Bool {
        guard left.count == right.count else { return false }
        for index in left.indices where left[index] != right[index] { return false }
        return true
    }
}
