import CommitLog
import Foundation
import LogInterface
import SluiceCore
import SluiceTesting
import Testing

@Suite("Compaction")
struct CompactionTests {
    private static func world(
        segmentBytes: Int64 = 2000, keyMapBytes: Int = 1 << 16, _ change: (inout StreamPolicy) -> Void = { _ in }
    ) throws -> HousekeepingWorld {
        try HousekeepingWorld(segmentBytes: segmentBytes) { policy, limits in
            policy.cleanup = .compact
            policy.tombstoneMilliseconds = 100
            limits.keyMapBytesMax = keyMapBytes
            change(&policy)
        }
    }

    @Test("the last record of each key stays, at its offset, and the newest segment is left alone")
    func lastStays() throws {
        let world = try Self.world { $0.dirtyPercentMin = 20 }
        try world.put([("a", "1"), ("b", "1"), ("a", "2")])
        try world.put([("c", "1"), ("b", "2")])
        try world.roll()
        try world.put([("c", "2")])
        #expect(try world.compact())
        #expect(try world.text() == ["2:a=2", "3:c=1", "4:b=2", "5:c=2"])
        #expect(try !world.compact())
        try world.reopen(.powerCut)
        #expect(try world.text() == ["2:a=2", "3:c=1", "4:b=2", "5:c=2"])
        #expect(world.log.findings.isEmpty)
        try world.roll()
        #expect(try world.compact())
        #expect(try world.text() == ["2:a=2", "4:b=2", "5:c=2"])
        #expect(world.log.withState { $0.partitions[0].start } == .zero)
    }

    @Test("a tombstone takes along what it deletes, stays for its time from the first pass on, and goes")
    func tombstones() throws {
        let world = try Self.world { $0.dirtyPercentMin = 1 }
        try world.put([("a", "1"), ("b", "1")])
        try world.put([("a", nil)])
        try world.roll()
        #expect(try world.compact(at: 5000))
        #expect(try world.text() == ["1:b=1", "2:a=x"])
        try world.put([("c", "1")])
        try world.roll()
        #expect(try world.compact(at: 5100))
        #expect(try world.text() == ["1:b=1", "2:a=x", "3:c=1"])
        // Of two passes that saw it, the first one counts, also in another life.
        try world.reopen(.kill)
        try world.put([("d", "1")])
        try world.roll()
        #expect(try world.compact(at: 5101))
        #expect(try world.text() == ["1:b=1", "3:c=1", "4:d=1"])
    }

    @Test("a lost or damaged record of what was done costs work and time, and no record of the stream")
    func lostRecord() throws {
        for damage in [{ _ in }, { $0 = [] }, { $0[$0.count / 2] ^= 1 }] as [(inout [UInt8]) -> Void] {
            let world = try Self.world { $0.dirtyPercentMin = 1 }
            try world.put([("a", "1"), ("a", "2")])
            try world.put([("b", nil)])
            try world.roll()
            #expect(try world.compact(at: 5000))
            #expect(world.disk.tamper("streams/state-0/housekeeping", damage))
            try world.reopen(.kill)
            try world.put([("c", "1")])
            try world.roll()
            #expect(try world.compact(at: 5050))
            #expect(try world.text() == ["1:a=2", "2:b=x", "3:c=1"])
        }
    }

    @Test("more keys than the table holds: each pass handles as much as fits, until all is done")
    func manyKeys() throws {
        // Sixteen slots, twelve of them used.
        let world = try Self.world(keyMapBytes: 16 * 24) { $0.dirtyPercentMin = 1 }
        var expected: [String: String] = [:]
        for round in 0..<4 {
            for number in 0..<50 {
                let (key, value) = ("k\(number)", "\(round)/\(number)")
                try world.put([(key, value)])
                expected[key] = value
            }
        }
        try world.roll()
        var passes = 0
        while try world.compact() { passes += 1 }
        #expect(passes > 10)
        let left = try world.records()
        let latest = Dictionary(
            left.map { record in
                (String(decoding: record.key ?? [], as: UTF8.self), String(decoding: record.value ?? [], as: UTF8.self))
            }
        ) { $1 }
        #expect(latest == expected)
        // Every key's last record is beyond the first 150.
        #expect(left.filter { $0.offset >= 150 }.count == 50)
        #expect(left.allSatisfy { record in record.offset >= 150 || record.offset >= 138 })
    }

    @Test("what is left of many segments becomes few, and a reader in the middle goes on at the next offset")
    func merges() throws {
        let world = try Self.world(segmentBytes: 1000)
        for number in 0..<60 { try world.put([("k\(number % 3)", String(repeating: "v", count: 100))]) }
        try world.roll()
        let before = world.segments.count
        #expect(before > 8)
        let files = world.log.files(0)
        let id = PartitionID(rawValue: 0)
        let first = try files.read(id, from: Offset(rawValue: 20), hint: nil, byteCountMax: 300, access: world.log)
        #expect(first.hint != nil)
        #expect(try world.compact())
        #expect(world.segments.count == 2)
        #expect(world.disk.paths.filter { $0.hasPrefix("streams/state-0/") && $0.hasSuffix(".log") }.count == 2)
        #expect(!world.disk.paths.contains { $0.hasSuffix(".cleaned") || $0.hasSuffix(".swap") })
        let next = try files.read(
            id, from: first.nextOffset, hint: first.hint, byteCountMax: 3000, access: world.log)
        let offsets = try next.batches.flatMap(StoredRecord.all).map(\.offset)
        #expect(offsets == [57, 58, 59])
    }

    @Test("records without a key stay")
    func withoutKeys() throws {
        let world = FaultWorld([try Self.world().settings.streams[0]])
        let log = try world.open()
        for _ in 0..<12 { _ = try world.commit(log) }
        try log.flush()
        try log.maintenance.roll { _ in Timestamp(rawValue: Int64.max) }
        _ = try log.housekeeper.compact(now: Timestamp(rawValue: 9000), shouldStop: { false })
        #expect(try log.readAll(0).flatMap(StoredRecord.all).count == 24)
    }

    @Test("a damaged segment stays as it is, and the others are compacted")
    func damaged() throws {
        let world = try Self.world(segmentBytes: 400) { $0.dirtyPercentMin = 1 }
        for number in 0..<12 { try world.put([("k", "\(number)" + String(repeating: "v", count: 100))]) }
        try world.roll()
        let path = "streams/state-0/\(String(format: "%020d", world.segments[1].baseOffset.rawValue)).log"
        let bytes = try #require(world.disk.content(path))
        #expect(world.disk.tamper(path) { $0[100] ^= 1 })
        #expect(try world.compact())
        #expect(world.disk.content(path)?.count == bytes.count)
        #expect(try world.records().last?.offset == 11)
        #expect(try world.records().count < 5)
    }

    @Test(
        "a tombstone stays as long as a segment before it is damaged, or could not be replaced",
        arguments: [true, false])
    func tombstonesBehindTrouble(isDamaged: Bool) throws {
        let world = try Self.world { $0.dirtyPercentMin = 1 }
        try world.put([("a", "1")])
        try world.put([("b", "1")])
        try world.roll()
        try world.put([("a", nil)])
        try world.roll()
        let path = "streams/state-0/\(String(repeating: "0", count: 20)).log"
        let second = try #require(world.disk.content(path)).count - 1
        if isDamaged {
            world.disk.tamper(path) { $0[second] ^= 1 }
        } else {
            world.disk.plan(SimDisk.Fault(.rename, path: path, count: 1))
            #expect(throws: HousekeepingError.self) { try world.compact(at: 5000) }
        }
        for (round, now) in [Int64(6000), 7000, 8000].enumerated() {
            _ = try world.compact(at: now)
            // The old value may be there or gone; with it the tombstone that deletes it.
            let text = try world.text()
            #expect(text.contains("2:a=x") || !text.contains("0:a=1"), "\(text)")
            #expect(isDamaged ? text.contains("0:a=1") : !text.contains("0:a=1"), "\(text)")
            try world.put([("c\(round)", "1")])
            try world.roll()
        }
    }

    @Test("without space nothing changes, and the pass succeeds when there is some again")
    func fullDisk() throws {
        let world = try Self.world()
        for number in 0..<40 { try world.put([("k\(number % 4)", String(repeating: "v", count: 50))]) }
        try world.roll()
        let before = try world.text()
        world.disk.fill()
        #expect(throws: HousekeepingError.self) { try world.compact() }
        #expect(try world.text() == before)
        #expect(!world.disk.paths.contains { $0.hasSuffix(".cleaned") })
        world.disk.setSpace(nil)
        #expect(try world.compact())
        #expect(try world.records().map(\.offset) == [36, 37, 38, 39])
    }

    @Test("a failed directory sync while segments are replaced puts the log in doubt, and the next opening right")
    func inDoubt() throws {
        let world = try Self.world()
        for number in 0..<40 { try world.put([("k\(number % 4)", String(repeating: "v", count: 50))]) }
        try world.roll()
        world.disk.plan(SimDisk.Fault(.synchronizeDirectory, path: "streams/state-0", count: 1))
        let error = #expect(throws: HousekeepingError.self) { try world.compact() }
        guard case .inDoubt = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        for crash in [SimDisk.Crash.powerCut, .kill] {
            try world.reopen(crash)
            let offsets = try world.records().map(\.offset)
            #expect(offsets == [36, 37, 38, 39] || offsets == Array(0..<40))
            #expect(!world.log.findings.contains { $0.severity == .damage })
        }
    }
}
