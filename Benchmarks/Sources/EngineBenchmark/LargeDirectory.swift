import CommitLog
import CommitLogPosix
import Foundation
import Glibc
import LogInterface
import RecordFormat
import SluiceCore

/// A directory of 2,000 partitions and 50 GiB, in holes but for the ends of its segments.
struct LargeDirectory {
    let path: String
    /// Sealed segments of each partition.
    let segmentsPerPartition: Int
    private static let partitionCount = 2000
    private var hole: Int64 { (50 << 30) / Int64(Self.partitionCount * segmentsPerPartition) }

    private var streams: [StreamSettings] {
        var stream = StreamSettings(name: "large")
        stream.partitionCount = Self.partitionCount
        return [stream]
    }

    /// Makes it: by an opening, whose newest segments are then pushed behind sealed ones.
    func make() throws {
        try EngineBenchmark.open(path, streams).stop()
        for number in 0..<Self.partitionCount {
            let directory = "\(path)/streams/large-\(number)"
            for name in try FileManager.default.contentsOfDirectory(atPath: directory) where name.hasPrefix("0") {
                try FileManager.default.removeItem(atPath: "\(directory)/\(name)")
            }
            for segment in 0...segmentsPerPartition {
                try makeSegment(directory, base: Int64(segment) * 1000, isNewest: segment == segmentsPerPartition)
            }
        }
        print("made \(Self.partitionCount) partitions, \(Self.partitionCount * segmentsPerPartition) sealed segments")
    }

    private func makeSegment(_ directory: String, base: Int64, isNewest: Bool) throws {
        let digits = String(format: "%020lld", base)
        let batch = EngineBenchmark.batch(1, 100)
        batch.assign(Offset(rawValue: isNewest ? base : base + 999))
        let position = isNewest ? 0 : hole
        let log = Glibc.open("\(directory)/\(digits).log", O_WRONLY | O_CREAT, 0o640)
        defer { close(log) }
        batch.withUnsafeBytes { _ = pwrite(log, $0.baseAddress, $0.count, off_t(position)) }
        var index: [UInt8] = []
        var times: [UInt8] = []
        if !isNewest {
            index = big(Int32(999)) + big(Int32(position))
            times = big(batch.maxTimestamp.rawValue) + big(Int32(999))
        }
        try Data(index).write(to: URL(filePath: "\(directory)/\(digits).index"))
        try Data(times).write(to: URL(filePath: "\(directory)/\(digits).timeindex"))
    }

    private func big<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
        withUnsafeBytes(of: number.bigEndian) { Array($0) }
    }

    /// Opens it, in a process that has done nothing else.
    func open() throws {
        let began = MonotonicClock.nanoseconds()
        let log = try EngineBenchmark.open(path, streams)
        let seconds = Double(MonotonicClock.nanoseconds() - began) / 1e9
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let memory = status.split(separator: "\n").filter { $0.hasPrefix("VmHWM") || $0.hasPrefix("VmRSS") }
        let files = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
        var (byteCount, segmentCount) = (Int64(0), 0)
        for partition in log.streams[0].partitions {
            byteCount += log.figures(partition).byteCount
            segmentCount += log.withState { $0.partitions[partition.index].segments.count }
        }
        print(
            "open: \(EngineBenchmark.hundredths(seconds)) s for \(byteCount >> 20) MiB in \(segmentCount) segments, "
                + "\(files) open files, \(memory.joined(separator: ", ")), \(log.findings.count) findings")
        log.stop()
    }
}
