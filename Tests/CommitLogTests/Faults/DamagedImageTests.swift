import CommitLog
import Compression
import Foundation
import LogInterface
import RecordFormat
import SluiceCore
import SluiceTesting
import Testing

/// Images of data directories with every kind of file in them, damaged in every way; a seed each.
@Suite("The log on damaged images")
struct DamagedImageTests {
    /// `SLUICE_DAMAGED_IMAGES` asks for more than the normal 1,000.
    private static let parts: [Range<UInt64>] = {
        let environment = ProcessInfo.processInfo.environment
        if let seed = environment["SLUICE_SEED"].flatMap({ UInt64($0) }) { return [seed..<seed + 1] }
        let count = environment["SLUICE_DAMAGED_IMAGES"].flatMap { UInt64($0) } ?? 1000
        return stride(from: 0, to: count, by: Int(max(1, (count + 3) / 4))).map {
            $0..<min(count, $0 + (count + 3) / 4)
        }
    }()

    @Test(
        "it opens, serves nothing corrupt, keeps what is before the damage, says what is missing, and goes on",
        arguments: parts)
    func images(_ seeds: Range<UInt64>) throws {
        let originals = try (UInt64(0)..<4).map { try DamagedImage.Original(seed: $0, isClean: $0 % 2 == 0) }
        var failures = 0
        for seed in seeds where failures < 3 {
            do {
                var image = DamagedImage(originals[Int(seed % 4)], seed: seed)
                try image.run()
            } catch {
                failures += 1
                Issue.record("\(error); repeat with: \(SimulationSeeds.command(seed, "DamagedImageTests"))")
            }
        }
    }

    @Test("every kind of file is in the images, and every kind of damage does something")
    func coverage() throws {
        var paths: [String] = []
        for seed in UInt64(0)..<4 { paths += try DamagedImage.Original(seed: seed, isClean: seed % 2 == 0).disk.paths }
        for suffix in [
            ".log", ".index", ".timeindex", ".topics", ".snapshot", ".wal", "housekeeping", "partition.metadata",
            "meta/catalogue", "meta/clean-shutdown",
        ] {
            #expect(paths.contains { $0.hasSuffix(suffix) }, "\(suffix)")
        }
    }
}

/// One damaged image.
struct DamagedImage {
    struct Broken: Error, CustomStringConvertible { let description: String }

    enum Damage: CaseIterable {
        case flip, zeros, stale, truncate, duplicate, garbage, missing, length, swap, empty, extend
    }

    /// An undamaged image and what is in it.
    final class Original {
        let disk: SimDisk
        let settings: SimLog.Settings
        /// Everything that was ever sent, by partition.
        let sent: [Set<StoredRecord>]
        /// What an opening of the image serves.
        let served: [[StoredRecord]]
        /// Offsets from here on may be in the journal alone, by partition.
        let flushed: [Offset]

        init(seed: UInt64, isClean: Bool) throws {
            let disk = SimDisk()
            let settings = FormatFixture.settings
            let log = try SimLog(disk, settings)
            let indexer = TopicIndexer(
                storage: disk, access: log,
                partitions: [0, 1].map { (PartitionID(rawValue: $0), SegmentPaths(stream: "device", number: Int($0))) },
                sectionBytes: 1000)
            var sent = [Set<StoredRecord>](repeating: [], count: 4)
            for number in 0..<70 + Int(seed) * 3 {
                let appends = FormatFixture.appends(number)
                // Every third of a producer with a number.
                let first = appends[0]
                let numbered = first.batch.with(
                    producer: ProducerID(rawValue: 5), epoch: 0, baseSequence: Int32(number))
                let all =
                    [
                        Append(
                            partition: first.partition, batch: seed % 2 == 0 ? numbered : first.batch, isAwaited: true,
                            topicHashes: nil)
                    ] + appends.dropFirst()
                guard case .appended = log.append(all) else { throw Broken(description: "refused") }
                for append in all { sent[append.partition.index].formUnion(try StoredRecord.all(append.batch)) }
                try log.write()
                try log.synchronize()
                if number % 8 == 7 {
                    try log.flush()
                    try log.prepare()
                }
                if number == 50 {
                    _ = try log.housekeeper.compact(now: Timestamp(rawValue: .max >> 1), shouldStop: { false })
                    _ = try log.housekeeper.seal(now: Timestamp(rawValue: .max >> 1), shouldStop: { false })
                }
            }
            while try indexer.step() {}
            flushed = log.withState { state in state.partitions.map(\.flushed) }
            if isClean { try log.stopCleanly() }
            self.disk = disk.copy()
            self.settings = settings
            self.sent = sent
            let opened = try SimLog(disk.copy(), settings)
            served = try (0..<4).map { try opened.readAll($0).flatMap(StoredRecord.all) }
        }
    }

    private let original: Original
    private let disk: SimDisk
    private var random: SeededGenerator
    private var text: [String] = []
    /// By partition, ranges of offsets whose records may be missing.
    private var excused = [[Range<Int64>]](repeating: [], count: 4)
    private var damagesCatalogue = false
    private var damagesMetadata = false

    init(_ original: Original, seed: UInt64) {
        self.original = original
        disk = original.disk.copy()
        random = SeededGenerator(seed: seed)
    }

    /// Damages the image, opens it and looks at everything.
    mutating func run() throws {
        for _ in 0..<1 + random.below(3) { try damage() }
        do throws(StorageError) {
            let log = try SimLog(disk, original.settings)
            try check(log)
        } catch {
            // The one thing that cannot be made up for.
            guard error.operation == .format, damagesCatalogue, damagesMetadata else {
                throw Broken(description: "\(text): \(error)")
            }
        }
    }

    private func check(_ log: SimLog) throws(StorageError) {
        do {
            try checkAll(log)
        } catch let error as StorageError {
            throw error
        } catch {
            throw StorageError(.read, "", code: 0, reason: "\(text): \(error)")
        }
    }

    // MARK: Damage

    private static let partitions = ["device-0", "device-1", "state-0", "metric-0"]

    private mutating func damage() throws {
        let paths = disk.paths.filter { $0 != "meta/format" && $0 != "lock" }
        let path = paths[random.below(paths.count)]
        let damage = Damage.allCases[random.below(Damage.allCases.count)]
        guard let bytes = disk.content(path) else { return }
        var position = bytes.isEmpty ? 0 : random.below(bytes.count)
        if damage == .swap {
            // Names of one partition, or of the journal: the same bytes in another partition are right bytes there.
            let directory = path.prefix(upTo: path.lastIndex(of: "/") ?? path.startIndex)
            let others = paths.filter { $0 != path && $0.hasPrefix("\(directory)/") }
            guard let other = others.isEmpty ? nil : others[random.below(others.count)],
                let otherBytes = disk.content(other)
            else { return }
            disk.tamper(path) { $0 = otherBytes }
            disk.tamper(other) { $0 = bytes }
            note(path, 0, .swap)
            note(other, 0, .swap)
            return
        }
        if damage == .missing {
            try disk.remove(path)
        } else {
            var random = random
            disk.tamper(path) { position = Self.apply(damage, to: &$0, at: position, &random) }
            self.random = random
        }
        note(path, damage == .missing || damage == .empty ? 0 : position, damage)
    }

    /// - Returns: where the damage begins.
    private static func apply(
        _ damage: Damage, to content: inout [UInt8], at position: Int, _ random: inout SeededGenerator
    ) -> Int {
        guard !content.isEmpty else { return 0 }
        let sector = position / 512 * 512
        let end = min(content.count, sector + 512)
        switch damage {
        case .flip:
            content[position] ^= UInt8(1 << random.below(8))
            return position
        case .zeros: for index in sector..<end { content[index] = 0 }
        case .stale:
            // Devices lose whole sectors.
            let source = random.below(content.count) / 512 * 512
            for index in sector..<end { content[index] = content[(source + index - sector) % content.count] }
        case .truncate:
            content.removeSubrange(position...)
            return position
        case .duplicate:
            let end = content.count
            content += content.suffix(1 + position)
            return end
        case .garbage:
            let end = content.count
            for _ in 0..<700 { content.append(UInt8(truncatingIfNeeded: random.next())) }
            return end
        case .length:
            // Where lengths and counts stand: a batch's length, a frame's bytes and entries, an index's entries.
            for index in position..<min(content.count, position + 4) {
                content[index] = random.once(in: 2) ? 0xFF : 0x7F
            }
            return position
        case .empty: content.removeAll()
        case .extend:
            let end = content.count
            content += [UInt8](repeating: 0, count: 4096)
            return end
        case .missing, .swap: break
        }
        return sector
    }

    /// Notes what may be missing for the damage of a file from `position` on.
    private mutating func note(_ path: String, _ position: Int, _ damage: Damage) {
        text.append("\(damage) of \(path) at \(position)")
        if path == "meta/catalogue" { damagesCatalogue = true }
        if path.hasSuffix("partition.metadata") { damagesMetadata = true }
        if path.hasSuffix(".wal") {
            for index in excused.indices { excused[index].append(original.flushed[index].rawValue..<Int64.max) }
        }
        let parts = path.split(separator: "/")
        guard parts.count == 3, let index = Self.partitions.firstIndex(of: String(parts[1])) else { return }
        // A swap gives a .log the bytes of another file; either name tells which segments are concerned.
        guard let base = SegmentPaths.baseOffset(String(parts[2]), suffix: ".log") else { return }
        let first = offset(in: path, at: position) ?? base.rawValue
        let next = original.disk.paths.compactMap { other -> Int64? in
            let words = other.split(separator: "/")
            guard words.count == 3, words[1] == parts[1] else { return nil }
            return SegmentPaths.baseOffset(String(words[2]), suffix: ".log")?.rawValue
        }.filter { $0 > base.rawValue }.min()
        excused[index].append(first..<(next ?? .max))
    }

    /// The offset of the batch that `position` lies in, in the undamaged file.
    private func offset(in path: String, at position: Int) -> Int64? {
        guard let bytes = original.disk.content(path) else { return nil }
        var index = 0
        var found: Int64?
        while index <= position, index < bytes.count {
            guard let header = try? BatchHeader(bytes.span.extracting(index..<bytes.count)) else { return nil }
            found = index + header.byteCount > position ? header.baseOffset.rawValue : header.nextOffset.rawValue
            index += header.byteCount
        }
        return found
    }

    // MARK: Checks

    private func checkAll(_ log: SimLog) throws {
        var before: [[StoredRecord]] = []
        for index in 0..<4 {
            let (records, damagedByteCount) = try read(log, index)
            try check(records, index)
            let found = Set(records)
            let missing = original.served[index].filter { !found.contains($0) }
            for record in missing where !excused[index].contains(where: { $0.contains(record.offset) }) {
                throw Broken(description: "partition \(index) lacks \(record.offset), which was not damaged")
            }
            let directory = "streams/\(Self.partitions[index])"
            let isSaid =
                damagedByteCount > 0
                || log.findings.contains { $0.severity == .damage || $0.path.hasPrefix(directory) }
            if let first = missing.first, !isSaid, !isTail(missing, index), !isSilent(missing, index) {
                throw Broken(description: "partition \(index) lacks \(first.offset), and nobody says so")
            }
            before.append(records)
        }
        try goesOn(log, before)
    }

    /// Whether nothing that is left tells: the oldest segment's file is gone, as retention removes it, or a file is
    /// empty and the index that knew better is damaged as well.
    private func isSilent(_ missing: [StoredRecord], _ index: Int) -> Bool {
        let directory = "streams/\(Self.partitions[index])/"
        guard let oldest = original.disk.paths.first(where: { $0.hasPrefix(directory) && $0.hasSuffix(".log") }) else {
            return false
        }
        let isOldest = missing.elementsEqual(original.served[index].prefix(missing.count))
        if isOldest, disk.content(oldest) == nil { return true }
        return text.contains { $0.contains("of \(directory)") && $0.contains("index at ") }
    }

    /// Whether what is missing is an end that a crash could have torn: of the journal, or of a segment in an image that
    /// was not stopped in order.
    private func isTail(_ missing: [StoredRecord], _ index: Int) -> Bool {
        guard original.disk.content(LogOpening.cleanMark) == nil || disk.content(LogOpening.cleanMark) == nil else {
            return false
        }
        return missing.elementsEqual(original.served[index].suffix(missing.count))
    }

    private func check(_ records: [StoredRecord], _ index: Int) throws {
        var last: Int64 = -1
        for record in records {
            guard record.offset > last else {
                throw Broken(description: "partition \(index) steps back to \(record.offset)")
            }
            last = record.offset
            guard original.sent[index].contains(record) else {
                throw Broken(description: "partition \(index) serves at \(record.offset) what was never there")
            }
        }
    }

    private func read(_ log: SimLog, _ index: Int) throws -> (records: [StoredRecord], damagedByteCount: Int64) {
        var offset = log.withState { $0.partitions[index].start }
        let end = log.withState { $0.partitions[index].flushed }
        var hint: ReadHint?
        var found: (records: [StoredRecord], damagedByteCount: Int64) = ([], 0)
        while offset < end {
            let read = try log.files(index).read(
                PartitionID(rawValue: UInt32(index)), from: offset, hint: hint, byteCountMax: 700, access: log)
            found.records += try read.batches.flatMap(StoredRecord.all)
            found.damagedByteCount += read.damagedByteCount
            hint = read.hint
            guard read.nextOffset > offset else { break }
            offset = read.nextOffset
        }
        return found
    }

    /// What is appended now comes behind everything, and both are there after another stop.
    private func goesOn(_ log: SimLog, _ before: [[StoredRecord]]) throws {
        let ends = log.withState { state in state.partitions.map(\.appended) }
        let appends = FormatFixture.appends(1000)
        guard case .appended = log.append(appends) else { throw Broken(description: "refuses") }
        try log.write()
        try log.synchronize()
        try log.flush()
        disk.crash(.powerCut, seed: 5)
        let again = try SimLog(disk, original.settings)
        for append in appends {
            let index = append.partition.index
            let records = try read(again, index).records
            guard records.starts(with: before[index]), records.count == before[index].count + 1,
                records.last?.offset == ends[index].rawValue
            else {
                let found = "\(before[index].map(\.offset)) then \(records.map(\.offset)), \(again.findings)"
                throw Broken(description: "partition \(index) does not go on at \(ends[index].rawValue): \(found)")
            }
        }
    }
}
