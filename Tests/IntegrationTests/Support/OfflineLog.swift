import CommitLog
import CommitLogPosix
import Compression
import Foundation
import LogInterface
import RecordFormat
import SluiceCore

/// Reads a data directory's records without a broker.
enum OfflineLog {
    struct DamageError: Error { let text: String }

    /// The values of a partition's records, in offset order.
    static func values(_ data: String, stream: String, partition: Int = 0) throws -> [String] {
        let storage = PosixStorage(inspecting: data)
        let paths = SegmentPaths(stream: stream, number: partition)
        let bases = try storage.list(paths.directory).compactMap { SegmentPaths.baseOffset($0, suffix: ".log") }
            .sorted()
        var values: [String] = []
        var next = bases.first ?? .zero
        for (index, base) in bases.enumerated() {
            var segment = SegmentInfo(baseOffset: base)
            let file = try storage.open(paths.log(base), creating: false)
            segment.byteCount = try storage.byteCount(file)
            segment.nextOffset = index + 1 < bases.count ? bases[index + 1] : Offset(rawValue: .max)
            storage.close(file)
            var hint: SegmentHint?
            while true {
                let read = try SegmentReader.read(
                    storage, paths, segment, from: next, hint: hint, byteCountMax: 1 << 20)
                guard read.damagedByteCount == 0 else { throw DamageError(text: "\(paths.log(base)) is damaged") }
                guard let last = read.batches.last else { break }
                // A minute after its last record a segment may have been sealed, and be compressed.
                var decompressor = Decompressor()
                for batch in read.batches {
                    try append(batch.decompressed(byteCountMax: 64 << 20, with: &decompressor), to: &values)
                }
                next = last.nextOffset
                hint = read.hint
            }
        }
        return values
    }

    private static func append(_ batch: RecordBatch, to values: inout [String]) throws {
        var records = RecordReader(batch)
        let bytes = batch.bytes
        while let record = try records.next(bytes) {
            var value: [UInt8] = []
            for index in record.value?.indices ?? 0..<0 { value.append(bytes[index]) }
            values.append(String(decoding: value, as: UTF8.self))
        }
    }
}

extension Data {
    /// The first byte at or behind `start` that is in a payload of `sluice bench`. Where those are depends on how they
    /// came in, and no checksum covers all of a batch's header.
    func payloadIndex(from start: Int) -> Int? {
        range(of: Data(repeating: UInt8(ascii: "x"), count: 8), in: start..<count)?.lowerBound
    }
}
