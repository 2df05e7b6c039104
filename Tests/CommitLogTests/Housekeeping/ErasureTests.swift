import CommitLog
import Compression
import LogInterface
import RecordFormat
import SluiceCore
import SluiceTesting
import Testing

@Suite("Erasure")
struct ErasureTests {
    private static let marker = "the-secret-of-the-gone"
    private static let partition = PartitionID(rawValue: 0)

    private static func world(_ change: (inout StreamPolicy) -> Void = { _ in }) throws -> HousekeepingWorld {
        try HousekeepingWorld(segmentBytes: 2000) { policy, _ in change(&policy) }
    }

    /// Records of `gone` and `kept`, with the marker in those of `gone`: in compressed segments, in plain ones, in the
    /// newest one, of transactions.
    private static func fill(_ world: HousekeepingWorld) throws {
        func round(_ number: Int, transaction: Int64? = nil) throws {
            try world.put(
                [("gone", "\(marker) \(number)"), ("kept", "value \(number)"), ("gone", "\(marker) again")],
                in: transaction)
        }
        for number in 0..<40 { try round(number) }
        _ = try world.seal()
        for number in 40..<70 { try round(number) }
        try round(70, transaction: 5)
        try world.put([("gone", marker)], in: 6)
        try world.end(5, commits: true)
        try world.end(6, commits: false)
        try round(71)
    }

    private static func order(_ world: HousekeepingWorld, isDryRun: Bool = false) -> ErasureOrder {
        let end = world.log.withState { $0.partitions[0].appended }
        return ErasureOrder([target(before: end)], isDryRun: isDryRun)
    }

    private static func target(before end: Offset, noting note: ErasureOrder.Note = .nothing) -> ErasureOrder.Target {
        ErasureOrder.Target(partition, before: end, noting: note) { key, _ in
            key.count == 4 && key[0] == UInt8(ascii: "g")
        }
    }

    /// Files that hold the marker, compressed batches looked into.
    private static func filesWithMarker(_ disk: SimDisk) throws -> [String] {
        let needle = Array(marker.utf8)
        return try disk.paths.filter { path in
            guard let bytes = disk.content(path) else { return false }
            if bytes.contains(needle) { return true }
            guard path.hasSuffix(".log") else { return false }
            var position = 0
            var decompressor = Decompressor()
            while position < bytes.count {
                let rest = Array(bytes[position...])
                guard let header = try RecordBatch.verify(rest.span) else { break }
                let stored = Array(rest[..<header.byteCount])
                let batch = try RecordBatch(copying: stored.span, header)
                    .decompressed(byteCountMax: 1 << 20, with: &decompressor)
                if batch.bytes.withUnsafeBytes({ Array($0) }).contains(needle) { return true }
                position += header.byteCount
            }
            return false
        }
    }

    private static func kept(_ world: HousekeepingWorld) throws -> [String] {
        try world.text().filter { $0.contains(":kept=") }
    }

    @Test("a key's records leave every file, and the others keep their offsets, also in another life")
    func erases() throws {
        let world = try Self.world()
        try Self.fill(world)
        let before = try Self.kept(world)
        #expect(before.count == 72)
        #expect(try Self.filesWithMarker(world.disk).contains { $0.hasPrefix("journal/") })
        let end = world.log.withState { $0.partitions[0].appended }
        let report = try world.log.erase(Self.order(world))
        #expect(report.tallies[Self.partition]?.recordCount == 145)
        #expect(report.damagedCount == 0)
        #expect(try Self.filesWithMarker(world.disk).isEmpty)
        for crash in [nil, SimDisk.Crash.kill, .powerCut] as [SimDisk.Crash?] {
            if let crash { try world.reopen(crash) }
            #expect(try Self.kept(world) == before)
            #expect(try !world.text().contains { $0.contains(":gone=") })
            #expect(world.log.withState { $0.partitions[0].appended } == end)
            #expect(world.log.findings.isEmpty)
            #expect(try Self.filesWithMarker(world.disk).isEmpty)
        }
        #expect(try world.log.erase(Self.order(world)).tallies[Self.partition]?.recordCount == 0)
    }

    @Test("what a dry run counts stays where it is, to the byte")
    func dryRun() throws {
        let world = try Self.world()
        try Self.fill(world)
        let before = try world.text()
        let files = world.disk.paths.map { world.disk.content($0) }
        let report = try world.log.erase(Self.order(world, isDryRun: true))
        #expect(report.tallies[Self.partition]?.recordCount == 145)
        #expect(report.tallies[Self.partition]?.byteCount ?? 0 > 145 * 20)
        #expect(report.examinedBytes == report.totalBytes)
        #expect(world.disk.paths.map { world.disk.content($0) } == files)
        #expect(try world.text() == before)
    }

    @Test("records behind the end of the order stay")
    func end() throws {
        let world = try Self.world()
        try world.put([("gone", "old"), ("kept", "1")])
        let order = Self.order(world)
        try world.put([("gone", "new"), ("kept", "2")])
        #expect(try world.log.erase(order).tallies[Self.partition]?.recordCount == 1)
        #expect(try world.text() == ["1:kept=1", "2:gone=new", "3:kept=2"])
    }

    @Test("a report names the keys that were asked for, with the newest that has no value")
    func names() throws {
        let world = try Self.world { $0.cleanup = .compact }
        try world.put([("gone", "1"), ("kept", "1"), ("gone", nil), ("goal", "2")])
        let end = world.log.withState { $0.partitions[0].appended }
        let order = ErasureOrder([Self.target(before: end, noting: .keys)], isDryRun: true)
        let due: [[UInt8]: Offset?] = [Array("gone".utf8): Offset(rawValue: 2), Array("goal".utf8): nil]
        #expect(try world.log.erase(order).names == due)
    }

    @Test("a reader in the middle of a segment goes on behind it without a record of others left out")
    func readersGoOn() throws {
        let world = try Self.world()
        try Self.fill(world)
        let due = try world.records().filter { $0.key.map { $0 == Array("kept".utf8) } ?? false }.map(\.offset)
        let files = world.log.files(0)
        let first = try files.read(
            Self.partition, from: Offset(rawValue: 10), hint: nil, byteCountMax: 200, access: world.log)
        _ = try world.log.erase(Self.order(world))
        var (read, offsets) = (first, [Int64]())
        let end = world.log.withState { $0.partitions[0].flushed }
        while read.nextOffset < end {
            let from = read.nextOffset
            read = try files.read(Self.partition, from: from, hint: read.hint, byteCountMax: 300, access: world.log)
            #expect(read.damagedByteCount == 0)
            let records = try read.batches.flatMap(StoredRecord.all)
            offsets += records.filter { $0.offset >= from.rawValue && $0.key == Array("kept".utf8) }.map(\.offset)
        }
        #expect(offsets == due.filter { $0 >= first.nextOffset.rawValue })
    }

    @Test("a segment with damage stays, is counted, and so do deletions behind it")
    func damaged() throws {
        let world = try Self.world { $0.cleanup = .compact }
        try world.put([("gone", "1"), ("kept", "1")])
        try world.put([("gone", "2")])
        try world.roll()
        try world.put([("gone", nil), ("gone", "3")])
        let path = "streams/state-0/\(String(repeating: "0", count: 20)).log"
        #expect(world.disk.tamper(path) { $0[$0.count - 1] ^= 1 })
        let damaged = world.disk.content(path)
        #expect(try world.log.erase(Self.order(world)).damagedCount == 1)
        #expect(world.disk.content(path) == damaged)
        #expect(try world.text() == ["0:gone=1", "1:kept=1", "3:gone=x"])
    }

    @Test("without space it fails, and succeeds when there is some again")
    func fullDisk() throws {
        let world = try Self.world()
        try Self.fill(world)
        let before = try world.text()
        try world.roll()
        world.disk.fill()
        #expect(throws: HousekeepingError.self) { try world.log.erase(Self.order(world)) }
        #expect(try world.text() == before)
        world.disk.setSpace(nil)
        _ = try world.log.erase(Self.order(world))
        #expect(try Self.filesWithMarker(world.disk).isEmpty)
    }

    @Test(
        "stopped at any call and done again, it leaves nothing, and takes nothing of others",
        arguments: [SimDisk.Crash.kill, .powerCut])
    func exhaustive(_ crash: SimDisk.Crash) throws {
        let full = try Self.world()
        try Self.fill(full)
        let due = try Self.kept(full)
        var count = 0
        var hasStopped = true
        while hasStopped {
            count += 1
            let world = try Self.world()
            try Self.fill(world)
            world.disk.stop(after: count)
            do { _ = try world.log.erase(Self.order(world)) } catch {
                #expect(world.disk.isStopped, "\(error)")
            }
            hasStopped = world.disk.isStopped
            try world.reopen(crash)
            try #require(try Self.kept(world) == due, "stopped at call \(count)")
            try #require(!world.log.findings.contains { $0.severity == .damage }, "stopped at call \(count)")
            _ = try world.log.erase(Self.order(world))
            try #require(try Self.filesWithMarker(world.disk).isEmpty, "stopped at call \(count)")
            try #require(try Self.kept(world) == due, "stopped at call \(count)")
        }
        #expect(count > 60)
    }
}

extension [UInt8] {
    /// Whether `other` is a part of it.
    fileprivate func contains(_ other: [UInt8]) -> Bool {
        guard other.count <= count else { return false }
        return indices.dropLast(other.count - 1).contains { start in
            self[start] == other[0] && self[start..<start + other.count].elementsEqual(other)
        }
    }
}
