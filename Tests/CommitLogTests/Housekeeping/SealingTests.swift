import CommitLog
import Compression
import Foundation
import LogInterface
import RecordFormat
import SluiceCore
import SluiceTesting
import Testing

@Suite("Sealing")
struct SealingTests {
    private static func world(_ change: (inout StreamPolicy) -> Void = { _ in }) throws -> HousekeepingWorld {
        try HousekeepingWorld(segmentBytes: 4000) { policy, _ in change(&policy) }
    }

    private static func fill(_ world: HousekeepingWorld, _ count: Int = 120) throws {
        for number in 0..<count { try world.put([("dev-\(number % 7)", "{\"temperature\":\(20 + number % 5)}")]) }
        try world.roll()
    }

    @Test("sealed segments shrink; offsets, timestamps, keys and values stay, in every life", arguments: Codec.allCases)
    func shrinks(codec: Codec) throws {
        let world = try Self.world { $0.sealing = codec }
        try Self.fill(world)
        let (records, before) = (try world.records(), world.segments)
        let count = try world.seal()
        let after = world.segments
        #expect(try world.records() == records)
        #expect(count == (codec == .none ? 0 : before.count - 1))
        #expect(after.map(\.baseOffset) == before.map(\.baseOffset))
        #expect(after.map(\.nextOffset) == before.map(\.nextOffset))
        #expect(after.map(\.maxTimestamp) == before.map(\.maxTimestamp))
        if codec != .none { #expect(after[0].byteCount * 100 <= before[0].byteCount * 80) }
        #expect(try world.seal() == 0)
        for crash in [SimDisk.Crash.powerCut, .kill] {
            try world.reopen(crash)
            #expect(world.log.findings.isEmpty)
            #expect(try world.records() == records)
            #expect(world.segments.map(\.byteCount) == after.map(\.byteCount))
            #expect(try world.seal() == 0)
        }
    }

    @Test("what does not become smaller by a fifth stays as it is, and is not tried again")
    func incompressible() throws {
        let world = try Self.world()
        var random = SeededGenerator(seed: 9)
        for _ in 0..<20 {
            // Printable, so that it is text, and 6.5 of 8 bits of each byte are random.
            let value = String(decoding: (0..<600).map { _ in UInt8(33 + random.below(94)) }, as: UTF8.self)
            try world.put([("k", value)])
        }
        try world.roll()
        let before = world.segments
        #expect(try world.seal() == 0)
        #expect(world.segments == before)
        world.disk.startTrace()
        #expect(try world.seal() == 0)
        #expect(world.disk.trace.isEmpty)
    }

    @Test("a reader in the middle of a segment goes on in the sealed one without a gap or a repeat")
    func readersGoOn() throws {
        let world = try Self.world()
        try Self.fill(world)
        let (id, files) = (PartitionID(rawValue: 0), world.log.files(0))
        for start in stride(from: Int64(0), to: 40, by: 3) {
            var read = try files.read(
                id, from: Offset(rawValue: start), hint: nil, byteCountMax: 200, access: world.log)
            var offsets = try read.batches.flatMap(StoredRecord.all).map(\.offset).filter { $0 >= start }
            _ = try world.seal()
            while read.nextOffset.rawValue < 120 {
                let from = read.nextOffset
                read = try files.read(id, from: from, hint: read.hint, byteCountMax: 300, access: world.log)
                offsets += try read.batches.flatMap(StoredRecord.all).map(\.offset).filter { $0 >= from.rawValue }
            }
            #expect(offsets == Array(start..<120))
        }
    }

    @Test("a time is found in sealed segments too")
    func times() throws {
        let world = try Self.world()
        try Self.fill(world)
        _ = try world.seal()
        for number in [0, 1, 50, 77, 119] as [Int64] {
            let found = try world.log.files(0).offset(
                PartitionID(rawValue: 0), at: Timestamp(rawValue: 1001 + number), access: world.log)
            // A batch has many records now: the reader is led to the one that holds the time, or to one before it.
            #expect(found.rawValue <= number)
            #expect(found.rawValue > number - 40)
        }
    }

    @Test("nothing is sealed before its time")
    func delay() throws {
        let world = try HousekeepingWorld(segmentBytes: 4000) { _, limits in limits.sealingDelayMilliseconds = 1000 }
        try Self.fill(world)
        #expect(try world.seal() == 0)
        let later = Timestamp(rawValue: world.clock + 1000)
        #expect(try world.log.housekeeper.seal(now: later, shouldStop: { false }) == world.segments.count - 1)
    }

    @Test("a segment with damage stays as it is")
    func damaged() throws {
        let world = try Self.world()
        try Self.fill(world)
        let path = "streams/state-0/00000000000000000000.log"
        #expect(world.disk.tamper(path) { $0[700] ^= 1 })
        let damaged = try #require(world.disk.content(path))
        let count = world.segments.count
        #expect(try world.seal() == count - 2)
        #expect(world.disk.content(path) == damaged)
        #expect(try world.seal() == 0)
    }

    @Test(
        "batches are compressed on their way to the segment when the stream asks for it", arguments: [Codec.lz4, .zstd])
    func ingest(codec: Codec) throws {
        let world = try Self.world { policy in
            policy.compression = codec
            policy.sealing = .none
        }
        let value = String(repeating: "temperature 21.5 ", count: 20)
        for number in 0..<30 { try world.put([("k\(number)", value), ("l\(number)", value)]) }
        #expect(try world.records().count == 60)
        #expect(try world.text().first == "0:k0=\(value)")
        let bytes = try #require(world.disk.content("streams/state-0/00000000000000000000.log"))
        let header = try #require(try RecordBatch.verify(bytes.span))
        #expect(try header.codec == codec)
        #expect(bytes.count < 60 * value.utf8.count / 2)
        // What the power takes from the segment comes back from the journal.
        try world.reopen(.powerCut)
        #expect(try world.records().count == 60)
    }
}
