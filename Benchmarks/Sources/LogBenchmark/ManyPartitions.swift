import CommitLog
import CommitLogPosix
import Glibc
import RecordFormat
import SluiceCore

/// A directory of 2,000 partitions, 50 sealed segments each, that stand for 50 GiB: the middle of each segment is a hole in its
/// file, which an opening does not read.
enum ManyPartitions {
    static let partitionCount = 2000
    static let segmentCount = 50
    static let segmentBytes: Int64 = 512 << 10

    private static var stream: StreamSettings {
        var stream = StreamSettings(name: "many")
        stream.partitionCount = partitionCount
        stream.shape.segmentBytesMax = segmentBytes
        return stream
    }

    static func write(to path: String) throws {
        system("rm -rf '\(path)'; mkdir -p '\(path)'")
        do {
            let log = try LogRuntime(
                storage: PosixStorage(root: path), streams: [stream], settings: LogRuntimeSettings(),
                report: { print($0) })
            log.stop()
        }
        let storage = try PosixStorage(root: path)
        for number in 0..<partitionCount {
            let paths = SegmentPaths(stream: "many", number: number)
            for segment in 0..<segmentCount { try write(storage, paths, Int64(segment) * 2000) }
        }
        print("\(partitionCount) partitions of \(segmentCount) segments, \((Int64(partitionCount * segmentCount) * segmentBytes) >> 30) GiB")
    }

    /// A segment with a batch at each end, and indexes that lead to the last one.
    private static func write(_ storage: PosixStorage, _ paths: SegmentPaths, _ base: Int64) throws {
        let base = Offset(rawValue: base)
        let (first, last) = (batch(at: base), batch(at: base.advanced(by: 1990)))
        let position = segmentBytes - Int64(last.byteCount)
        let log = try storage.open(paths.log(base), creating: true)
        defer { storage.close(log) }
        try storage.write(log, bytes: first.bytes, at: 0)
        try storage.write(log, bytes: last.bytes, at: position)
        var index = ByteBuffer()
        index.append(bigEndian: Int32(last.lastOffset.rawValue - base.rawValue))
        index.append(bigEndian: Int32(position))
        var times = ByteBuffer()
        times.append(bigEndian: last.maxTimestamp.rawValue)
        times.append(bigEndian: Int32(last.lastOffset.rawValue - base.rawValue))
        try put(storage, paths.index(base), index.bytes)
        try put(storage, paths.timeIndex(base), times.bytes)
    }

    private static func put(_ storage: PosixStorage, _ path: String, _ bytes: Span<UInt8>) throws {
        let file = try storage.open(path, creating: true)
        defer { storage.close(file) }
        try storage.write(file, bytes: bytes, at: 0)
    }

    private static func batch(at offset: Offset) -> RecordBatch {
        var builder = RecordBatchBuilder()
        let (key, headers) = (RecordFields.nullKey, RecordFields.headers([]))
        let value = [UInt8](repeating: 0x20, count: 200)
        for _ in 0..<10 {
            builder.append(
                at: Timestamp(rawValue: offset.rawValue), keyField: key.span, value: value.span,
                headersField: headers.span)
        }
        let batch = builder.finish()
        batch.assign(offset)
        return batch
    }

    static func open(_ path: String) throws {
        let before = memory
        let start = ThreadTime.clock(CLOCK_MONOTONIC)
        let log = try LogRuntime(
            storage: PosixStorage(root: path), streams: [stream], settings: LogRuntimeSettings(), report: { print($0) })
        let milliseconds = (ThreadTime.clock(CLOCK_MONOTONIC) - start) / 1_000_000
        let files = (try? PosixStorage(inspecting: "/proc/self").list("fd").count) ?? 0
        print(
            "open: \(milliseconds) ms, \(memory - before) MiB above \(before), \(files) files open, "
                + "\(log.findings.count) findings")
        log.stop()
    }

    /// Resident memory in MiB.
    private static var memory: Int {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return Int(usage.ru_maxrss) / 1024
    }
}
