import Compression
import Foundation
import RecordFormat
import SluiceCore

/// How small sealed batches become and what it costs: sizes as a share of the payloads and of the uncompressed log,
/// speeds in MB of uncompressed records a second of processor time, the best of five rounds.
@main
enum BatchCompression {
    private static let byteCountMax = 1 << 24

    static func main() throws {
        try printBombs()
        let readings = Readings(recordCount: 200_000, deviceCount: 1000, seed: 1)
        let log = readings.logByteCount
        print(
            "\n\(readings.recordCount) readings of \(number(readings.payloadByteCount / readings.recordCount)) bytes, "
                + "in \(readings.batches.count) batches; the log takes "
                + "\(share(log, readings.payloadByteCount)) of the payloads")
        print("batches     codec    records/batch  of payloads  of the log  compress MB/s  decompress MB/s")
        let kinds: [(Codec, Int?)] = [
            (.zstd, 1), (.zstd, 3), (.zstd, 6), (.zstd, 9), (.lz4, nil), (.lz4, 9), (.gzip, 6), (.snappy, nil),
        ]
        try rows(readings.batches, "ingest", kinds.filter { $0.0 == .zstd || $0.0 == .lz4 }, readings)
        for kibibytes in [4, 8, 12, 16, 32, 64, 128, 256] {
            let merged = try merge(readings.batches, kibibytes << 10)
            try rows(merged, "\(kibibytes) KiB", kinds, readings)
        }
        try printMerging(readings)
        try printContexts(readings)
    }

    private static func merge(_ batches: [RecordBatch], _ byteCountMax: Int) throws -> [RecordBatch] {
        var merger = BatchMerger(recordByteCountMax: byteCountMax)
        var merged: [RecordBatch] = []
        for batch in batches { merged += try merger.append(batch) }
        return merged + merger.finish()
    }

    private static func rows(
        _ batches: [RecordBatch], _ name: String, _ kinds: [(Codec, Int?)], _ readings: Readings
    ) throws {
        let plainByteCount = batches.reduce(0) { $0 + $1.byteCount }
        let perBatch = readings.recordCount / batches.count
        print(
            row(
                name, "none", "\(perBatch)", share(plainByteCount, readings.payloadByteCount),
                share(plainByteCount, readings.logByteCount), "", ""))
        for (codec, level) in kinds {
            var compressor = Compressor(codec, level: level)
            var decompressor = Decompressor()
            var compressed: [RecordBatch] = []
            let compressing = fastest {
                compressed = batches.map { $0.compressed(with: &compressor) ?? $0 }
            }
            let decompressing = try fastest {
                for batch in compressed {
                    _ = try batch.decompressed(byteCountMax: byteCountMax, with: &decompressor)
                }
            }
            let byteCount = compressed.reduce(0) { $0 + $1.byteCount }
            print(
                row(
                    name, "\(codec)\(level.map { " \($0)" } ?? "")", "\(perBatch)",
                    share(byteCount, readings.payloadByteCount), share(byteCount, readings.logByteCount),
                    speed(plainByteCount, compressing), speed(plainByteCount, decompressing)))
        }
    }

    private static func printMerging(_ readings: Readings) throws {
        let time = try fastest { _ = try merge(readings.batches, 64 << 10) }
        print("\nmerging alone, 64 KiB: \(speed(readings.logByteCount, time)) MB/s of the log")
        let reading = fastest { for batch in readings.batches { _ = batch.header } }
        print("decoding a header: \(number(Int(reading * 1e9) / readings.batches.count)) ns")
    }

    /// What it saves to keep a context.
    private static func printContexts(_ readings: Readings) throws {
        print("\none batch                  compress us: context kept, new    decompress us: kept, new")
        for kibibytes in [1, 16, 64] {
            let batches = Array(try merge(readings.batches, kibibytes << 10).prefix(500))
            for (codec, level) in [(Codec.zstd, 1), (.zstd, 3), (.zstd, 9), (.lz4, 0), (.gzip, 6)] {
                var compressor = Compressor(codec, level: level)
                var decompressor = Decompressor()
                let compressed = batches.map { $0.compressed(with: &compressor) ?? $0 }
                let kept = fastest { for batch in batches { _ = batch.compressed(with: &compressor) } }
                let new = fastest { for batch in batches { _ = batch.compressed(codec, level: level) } }
                let keptBack = try fastest {
                    for batch in compressed {
                        _ = try batch.decompressed(byteCountMax: byteCountMax, with: &decompressor)
                    }
                }
                let newBack = try fastest {
                    for batch in compressed { _ = try batch.decompressed(byteCountMax: byteCountMax) }
                }
                let times = [kept, new, keptBack, newBack].map { String(format: "%10.1f", $0 / 500 * 1e6) }
                print(
                    "\(kibibytes) KiB \(codec) \(level)".padding(toLength: 20, withPad: " ", startingAt: 0),
                    terminator: "")
                print(times.joined(separator: "  "))
            }
        }
    }

    /// How far memory grows while a gibibyte of zeros is refused at 1 MiB.
    private static func printBombs() throws {
        let zeros = [UInt8](repeating: 0, count: 1 << 20)
        print("a gibibyte of zeros, refused at 1 MiB: compressed bytes, growth of the peak of resident memory")
        for codec in [Codec.gzip, .lz4, .zstd] {
            let part = codec.compress(zeros.span)
            let bomb = Array(repeatElement(part, count: 1024).joined())
            _ = try peakKibibytes()
            let before = try peakKibibytes()
            let error = refusal(bomb, codec)
            print("\(codec): \(bomb.count) bytes, \(try peakKibibytes() - before) KiB, \(error)")
        }
    }

    private static func refusal(_ bomb: [UInt8], _ codec: Codec) -> String {
        do throws(CompressionError) {
            return "NOT REFUSED: \(try codec.decompress(bomb.span, byteCountMax: 1 << 20).count) bytes"
        } catch {
            return "\(error)"
        }
    }

    /// The peak of resident memory since the last call, which starts a new one.
    private static func peakKibibytes() throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") } ?? ""
        try "5".write(toFile: "/proc/self/clear_refs", atomically: false, encoding: .utf8)
        return Int(line.filter(\.isNumber)) ?? 0
    }

    // MARK: Figures

    private static func fastest(_ body: () throws -> Void) rethrows -> Double {
        var best = Double.infinity
        for _ in 0..<5 {
            let start = cpuSeconds()
            try body()
            best = min(best, cpuSeconds() - start)
        }
        return best
    }

    /// Processor time of this thread: a shared machine's other work does not count.
    private static func cpuSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    private static func share(_ part: Int, _ whole: Int) -> String {
        String(format: "%.1f %%", 100 * Double(part) / Double(whole))
    }

    private static func speed(_ byteCount: Int, _ seconds: Double) -> String {
        String(format: "%.0f", Double(byteCount) / seconds / 1e6)
    }

    private static func number(_ value: Int) -> String { "\(value)" }

    private static func row(_ cells: String...) -> String {
        zip(cells, [10, 9, 14, 12, 11, 14, 16]).enumerated().map { index, cell in
            let blanks = String(repeating: " ", count: max(0, cell.1 - cell.0.count))
            return index < 2 ? cell.0 + blanks : blanks + cell.0
        }.joined(separator: " ")
    }
}
