import CommitLog
import CommitLogPosix
import Foundation
import Glibc
import LogInterface
import RecordFormat
import SluiceCore
import SluiceTesting
import Testing

/// Parts of segment files that are sent as they are: whole batches, as many as were asked for, with an index that helps
/// and with one that is wrong.
@Suite("Regions of segments")
struct RegionTests {
    /// A log with one segment of batches of very different sizes, of one to three records.
    private final class Filled {
        static let partition = PartitionID(rawValue: 0)
        let directory: TemporaryDirectory
        let log: LogRuntime
        /// The segment's file, and its index.
        let file, index: String
        /// Every batch of the file, by a walk through it.
        let headers: [BatchHeader]
        let positions: [Int64]

        init() throws {
            directory = try TemporaryDirectory()
            try Self.fill(directory)
            let name = try #require(
                try FileManager.default.subpathsOfDirectory(atPath: directory.path).first {
                    $0.hasSuffix(".index") && $0.contains("mqtt")
                }, "no index")
            index = "\(directory.path)/\(name)"
            file = index.replacing(".index", with: ".log")
            let bytes = try [UInt8](Data(contentsOf: URL(filePath: file)))
            var (headers, positions): ([BatchHeader], [Int64]) = ([], [])
            var position = 0
            while position < bytes.count {
                let view = bytes.span.extracting(position..<position + BatchLayout.headerByteCount)
                let header = try #require(try BatchHeader(view))
                headers.append(header)
                positions.append(Int64(position))
                position += header.byteCount
            }
            #expect(headers.count == 1500)
            (self.headers, self.positions) = (headers, positions)
            log = try LogRuntimeTests.open(directory.path)
        }

        deinit { log.stop() }

        var end: Offset { headers[headers.count - 1].nextOffset }
        var byteCount: Int64 { headers.reduce(0) { $0 + Int64($1.byteCount) } }

        private static func fill(_ directory: TemporaryDirectory) throws {
            let log = try LogRuntimeTests.open(directory.path)
            defer { log.stop() }
            let loop = TestLoop(log)
            var random = SeededGenerator(seed: 7)
            let (key, headers) = (RecordFields.nullKey, RecordFields.headers([]))
            for start in stride(from: 0, to: 1500, by: 100) {
                let appends = (start..<start + 100).map { _ in
                    var builder = RecordBatchBuilder()
                    for _ in 0...Int.random(in: 0...2, using: &random) {
                        let value = [UInt8](repeating: 7, count: Int.random(in: 1...3000, using: &random))
                        builder.append(
                            at: Timestamp(rawValue: 1000), keyField: key.span, value: value.span,
                            headersField: headers.span)
                    }
                    return Append(partition: partition, batch: builder.finish(), isAwaited: true, topicHashes: nil)
                }
                #expect(loop.settle(log.append(appends, from: loop.id)) == .stored)
            }
        }

        func region(from offset: Offset, hint: ReadHint? = nil, byteCountMax: Int) -> PartitionRead {
            let woken = Woken()
            let loop = log.register(wake: { woken.signal() })
            var request = ReadRequest(Self.partition, from: offset, byteCountMax: byteCountMax, number: 1)
            request.form = .region
            request.hint = hint
            log.fetch(request, for: loop)
            while true {
                woken.wait()
                if let read = log.takeFetched(loop).first?.read { return read }
            }
        }
    }

    @Test(
        "a region begins with the batch that holds the offset, and ends with the last that fits",
        arguments: Harm.allCases)
    func isWhole(_ harm: Harm) throws {
        let filled = try Filled()
        let headers = filled.headers
        try harm.befall(filled.index)
        var random = SeededGenerator(seed: 11)
        for number in 0..<200 {
            // From here on every header was looked at, and regions are led past them.
            if number == 100 { #expect(filled.region(from: .zero, byteCountMax: 64 << 20).nextOffset == filled.end) }
            let offset = Int64.random(in: 0..<filled.end.rawValue, using: &random)
            let byteCountMax = [1, 5000, 65_536, 1 << 20, 64 << 20].randomElement(using: &random) ?? 1
            let read = filled.region(from: Offset(rawValue: offset), byteCountMax: byteCountMax)
            let first = try #require(headers.firstIndex { $0.nextOffset.rawValue > offset })
            var (end, size) = (first, 0)
            while end < headers.count, end == first || size + headers[end].byteCount <= byteCountMax {
                size += headers[end].byteCount
                end += 1
            }
            let start = filled.positions[first]
            let region = try #require(read.region, "\(harm) \(offset) \(byteCountMax)")
            #expect(region.range == start..<start + Int64(size), "\(harm) \(offset) \(byteCountMax)")
            #expect(read.nextOffset == headers[end - 1].nextOffset)
        }
    }

    @Test(
        "regions by the hint of the one before are the same as without, to the end of the segment",
        arguments: Harm.allCases)
    func goesOn(_ harm: Harm) throws {
        let filled = try Filled()
        try harm.befall(filled.index)
        for byteCountMax in [1, 20_000, 300_000] {
            var offset = Offset.zero
            var position: Int64 = 0
            var hint: ReadHint?
            while offset < filled.end {
                let read = filled.region(from: offset, hint: hint, byteCountMax: byteCountMax)
                let region = try #require(read.region)
                let plain = filled.region(from: offset, byteCountMax: byteCountMax)
                #expect(region.range.lowerBound == position && region.range == plain.region?.range)
                #expect(read.nextOffset == plain.nextOffset && read.nextOffset > offset)
                (offset, position, hint) = (read.nextOffset, region.range.upperBound, read.hint)
            }
            #expect(hint == nil && position == filled.byteCount)
        }
    }

    @Test(
        "what is damaged in the middle of a segment ends a region, and what lies behind is read",
        arguments: Wound.allCases)
    func damage(_ wound: Wound) throws {
        let filled = try Filled()
        let (headers, positions) = (filled.headers, filled.positions)
        let hurt = 700
        let lost = try wound.befall(filled.file, at: positions[hurt])
        let end = positions[hurt] + Int64(lost)
        let damaged = Set(
            headers.indices.filter {
                positions[$0] < end && positions[$0] + Int64(headers[$0].byteCount) > positions[hurt]
            })
        for start in [0, 0, 350, hurt - 1, hurt, 0] {
            for byteCountMax in [20_000, 1 << 20] {
                var seen: [Int] = []
                var offset = headers[start].baseOffset
                var hint: ReadHint?
                while offset < filled.end {
                    let read = filled.region(from: offset, hint: hint, byteCountMax: byteCountMax)
                    if let range = read.region?.range {
                        seen += headers.indices.filter {
                            range.contains(positions[$0])
                                && positions[$0] + Int64(headers[$0].byteCount) <= range.upperBound
                        }
                    } else {
                        seen += read.batches.compactMap { batch in
                            headers.firstIndex { $0.baseOffset == batch.baseOffset }
                        }
                    }
                    try #require(read.nextOffset > offset)
                    (offset, hint) = (read.nextOffset, read.hint)
                }
                let sound = seen.filter { !damaged.contains($0) }
                let wanted = (start..<headers.count).filter { !damaged.contains($0) }
                let isWhole = sound == wanted
                let odd = zip(sound, wanted).first { $0 != $1 }
                #expect(isWhole, "\(wound), from \(start): \(String(describing: odd))")
                // Only a header that looks well may be in a region.
                let hasDamage = seen.count > sound.count
                #expect(wound == .length || !hasDamage, "\(wound), from \(start)")
            }
        }
    }

    /// What is wrong with a batch.
    enum Wound: String, Sendable, CaseIterable {
        case raised, lowered, zeros, length

        /// Damages a batch at a position.
        /// - Returns: bytes that are damaged.
        func befall(_ path: String, at position: Int64) throws -> Int {
            var bytes = try [UInt8](Data(contentsOf: URL(filePath: path)))
            let place = Int(position)
            var count = 1
            switch self {
            // The base offset's bytes, from the highest one on.
            case .raised: bytes[place + 2] ^= 1
            case .lowered: bytes[place + 6] = 0
            case .zeros:
                count = 4096
                bytes.replaceSubrange(place..<place + count, with: [UInt8](repeating: 0, count: count))
            // The length's last byte but one; it is behind the base offset.
            case .length: bytes[place + 10] &+= 1
            }
            // In place: the log has the file open by its name only, but a region may have it.
            let handle = try FileHandle(forUpdating: URL(filePath: path))
            defer { handle.closeFile() }
            handle.seek(toFileOffset: UInt64(position))
            handle.write(Data(bytes[place..<place + max(count, 61)]))
            return count
        }
    }

    /// What is wrong with an index.
    enum Harm: String, Sendable, CaseIterable {
        case none, isGone, isNoise, isShifted, isCut

        func befall(_ path: String) throws {
            let bytes = try [UInt8](Data(contentsOf: URL(filePath: path)))
            #expect(bytes.count > 8 * 100)
            var random = SeededGenerator(seed: 3)
            switch self {
            case .none: return
            case .isGone: try FileManager.default.removeItem(atPath: path)
            case .isNoise:
                let noise = bytes.map { _ in UInt8.random(in: 0...255, using: &random) }
                try Data(noise).write(to: URL(filePath: path))
            case .isShifted:
                // Each position is that of the entry before.
                var shifted = bytes
                for start in stride(from: 8, to: bytes.count, by: 8) {
                    shifted.replaceSubrange(start + 4..<start + 8, with: bytes[start - 4..<start])
                }
                try Data(shifted).write(to: URL(filePath: path))
            case .isCut: try Data(bytes[..<(bytes.count / 2 + 3)]).write(to: URL(filePath: path))
            }
        }
    }
}
