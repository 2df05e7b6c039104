import Compression
import RecordFormat
import SluiceCore
import SluiceTesting
import Testing

@Suite("Merging record batches")
struct BatchMergerTests {
    @Test("merged batches hold the same records, at the same offsets and times", arguments: Codec.allCases)
    func keepsRecords(_ codec: Codec) throws {
        let batches = try Self.history(seed: 1, count: 200)
        let expected = try batches.flatMap { try $0.stored }
        for byteCountMax in [1, 500, 4096, 1 << 20] {
            let merged = try Self.merge(batches, byteCountMax, codec)
            #expect(try merged.flatMap { try $0.stored } == expected)
            try Self.expectSpans(merged, of: batches)
            for batch in merged {
                let plain = try batch.decompressed(byteCountMax: 1 << 24)
                #expect(plain.byteCount - 61 <= byteCountMax || plain.recordCount == 1)
                #expect(plain.maxTimestamp.rawValue == (try batch.stored.map(\.timestamp).max()))
                #expect(plain.header.lastOffsetDelta == Int(batch.lastOffset.rawValue - batch.baseOffset.rawValue))
            }
            #expect(merged.count <= expected.count)
            if byteCountMax == 1 << 20 { #expect(merged.count == 1) }
        }
    }

    @Test("records that are not kept leave holes, and the span stays; seeded", arguments: 0..<20)
    func filters(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let batches = try Self.history(seed: seed, count: 60, holes: true, special: true)
        let share = 1 + random.below(8)
        let all = try batches.flatMap { try $0.stored }
        let kept = Set(all.map(\.offset).filter { _ in random.once(in: share) })
        var merger = BatchMerger(
            recordByteCountMax: 1 + random.below(3000), codec: Codec.allCases[random.below(5)], level: 1)
        var merged: [RecordBatch] = []
        for batch in batches {
            merged += try merger.append(batch) { record, _ in
                kept.contains(batch.baseOffset.rawValue + Int64(record.offsetDelta))
            }
        }
        merged += merger.finish()
        #expect(try merged.flatMap { try $0.stored } == all.filter { kept.contains($0.offset) }, "seed \(seed)")
        try Self.expectSpans(merged, of: batches)
        // Merging what has been merged changes no record.
        let again = try Self.merge(try merged.map { try $0.decompressed(byteCountMax: 1 << 24) }, 700, .none)
        #expect(try again.flatMap { try $0.stored } == all.filter { kept.contains($0.offset) }, "seed \(seed)")
        try Self.expectSpans(again, of: merged)
    }

    @Test("tombstones, null keys, headers and timestamps that go back stay what they are")
    func oddRecords() throws {
        let golden = RecordBatchTests.build(GoldenBatch.records)
        golden.assign(Offset(rawValue: 10))
        let more = RecordBatchTests.build((0..<9).map(RecordBatchTests.record))
        more.assign(Offset(rawValue: 14))
        let merged = try Self.merge([golden, more], 1 << 20, .none)
        #expect(merged.count == 1)
        #expect(merged[0].baseOffset.rawValue == 10)
        #expect(merged[0].lastOffset.rawValue == 22)
        #expect(merged[0].header.baseTimestamp.rawValue == 1_700_000_000_000)
        #expect(merged[0].maxTimestamp.rawValue == 1_700_000_000_200)
        let records = try merged[0].stored
        #expect(records == (try golden.stored + more.stored))
        #expect(records.contains { $0.value == nil })
        #expect(records.contains { $0.key == nil })
        #expect(records.contains { $0.timestamp < 1_700_000_000_000 })
        #expect(records.contains { $0.headerCount == 2 })
    }

    @Test("timestamps at the ends of the number line do not overflow")
    func extremeTimestamps() throws {
        var batches: [RecordBatch] = []
        for (index, timestamp) in [Int64.max, .min, 0, -1, .max].enumerated() {
            let batch = Self.batch([(timestamp, "v\(index)")])
            batch.assign(Offset(rawValue: Int64(index)))
            batches.append(batch)
        }
        let merged = try Self.merge(batches, 1 << 20, .none)
        #expect(merged.count == 1)
        #expect(try merged.flatMap { try $0.stored }.map(\.timestamp) == [.max, .min, 0, -1, .max])
        #expect(merged[0].maxTimestamp.rawValue == .max)
    }

    @Test("where nothing is kept, a batch without records keeps the span and the time")
    func nothingKept() throws {
        let batches = try Self.history(seed: 4, count: 10)
        var merger = BatchMerger(recordByteCountMax: 100, codec: .zstd)
        for batch in batches {
            let finished = try merger.append(batch) { _, _ in false }
            #expect(finished.isEmpty)
        }
        let merged = merger.finish()
        #expect(merged.count == 1)
        #expect(merged[0].byteCount == 61)
        #expect(merged[0].recordCount == 0)
        #expect(merged[0].baseOffset == batches[0].baseOffset)
        #expect(merged[0].nextOffset == batches[9].nextOffset)
        #expect(merged[0].maxTimestamp == batches.map(\.maxTimestamp).max())
        let nothing = merger.finish()
        #expect(nothing.isEmpty)
    }

    @Test("batches of producers, transactions and control marks stay by themselves, fields and all")
    func standsAlone() throws {
        let transactional = try RecordBatch.of(try #require(JavaBatch.transactional[.none]))
        let control = try RecordBatch.of(JavaBatch.control)
        let before = Self.batch([(1, "a"), (2, "b")])
        let after = Self.batch([(3, "c")])
        after.assign(Offset(rawValue: 4000))
        let merged = try Self.merge([before, transactional, control, after], 1 << 20, .zstd)
        #expect(merged.map(\.baseOffset.rawValue) == [0, 2000, 3000, 4000])
        #expect(merged[2] === control)
        let middle = merged[1]
        #expect(try middle.decompressed(byteCountMax: 1 << 20).copy == transactional.copy)
        #expect(middle.isCompressed)

        // One record of three goes; number, sequence and span stay.
        var merger = BatchMerger(recordByteCountMax: 1 << 20)
        let finished = try merger.append(transactional) { record, _ in record.offsetDelta != 1 }
        let rewritten = try #require(finished.first)
        var header = rewritten.header
        #expect(try rewritten.stored.map(\.offset) == [2000, 2002])
        #expect(try rewritten.stored == (try transactional.stored).filter { $0.offset != 2001 })
        header.byteCount = transactional.byteCount
        header.checksum = transactional.checksum
        header.recordCount = 3
        // The record that is gone had the largest timestamp.
        #expect(header.maxTimestamp.rawValue == 1_767_225_600_000)
        header.maxTimestamp = transactional.maxTimestamp
        #expect(header == transactional.header)
        // Without any record the producer's state is still told.
        let empty = try #require(
            try merger.append(try Self.moved(transactional, to: 5000)) { _, _ in false }.first)
        #expect(empty.recordCount == 0)
        #expect(empty.header.producerID.rawValue == 4711)
        #expect(empty.lastOffset.rawValue == 5002)
        #expect(empty.maxTimestamp == transactional.maxTimestamp)
    }

    @Test("batches whose records' times do not count, and batches of another leader epoch, are not merged")
    func attributesAndEpochs() throws {
        for attribute in [UInt8(1 << 3), 1 << 6] {
            var bytes = Self.batch([(5, "a"), (9, "b")]).copy
            bytes[22] = attribute
            let odd = try RecordBatch.sealed(bytes)
            let next = Self.batch([(1, "c")])
            next.assign(Offset(rawValue: 2))
            let merged = try Self.merge([odd, next], 1 << 20, .none)
            #expect(merged.count == 2)
            #expect(merged[0] === odd)
        }
        var bytes = Self.batch([(5, "a")]).copy
        bytes[15] = 3
        bytes[7] = 1
        let later = try RecordBatch.of(bytes)
        let merged = try Self.merge([Self.batch([(1, "x")]), later], 1 << 20, .none)
        #expect(merged.map(\.header.leaderEpoch) == [0, 3])
    }

    @Test("a span that one header cannot say is two batches")
    func wideSpans() throws {
        var batches: [RecordBatch] = []
        for offset in [0, Int64(Int32.max), Int64(Int32.max) + 1, 5_000_000_000] {
            let batch = Self.batch([(offset, "v")])
            batch.assign(Offset(rawValue: offset))
            batches.append(batch)
        }
        let merged = try Self.merge(batches, 1 << 20, .none)
        #expect(merged.map(\.recordCount) == [2, 1, 1])
        #expect(merged[0].lastOffsetDelta == Int(Int32.max))
        #expect(try merged.flatMap { try $0.stored }.map(\.offset) == batches.map(\.baseOffset.rawValue))
    }

    @Test("a batch with a damaged record is refused whole, and the merger goes on")
    func damagedRecord() throws {
        let good = Self.batch([(1, "a"), (2, "b")])
        var bytes = Self.batch([(3, "c"), (4, "d")]).copy
        bytes[7] = 2
        for (position, value) in [(64, UInt8(0x05)), (61, 0x7F), (bytes.count - 1, 0x55)] {
            var damaged = bytes
            damaged[position] = value
            let bad = try RecordBatch.sealed(damaged)
            var merger = BatchMerger(recordByteCountMax: 1 << 20)
            var merged = try merger.append(good)
            #expect(throws: BatchError.self) { try Self.append(bad, to: &merger) }
            merged += try merger.append(try RecordBatch.of(bytes))
            merged += merger.finish()
            #expect(try merged.flatMap { try $0.stored }.count == 4)
        }
    }

    @Test("offsets that step back, and compressed batches, are the caller's mistake")
    func preconditions() async {
        await #expect(processExitsWith: .failure) {
            var merger = BatchMerger(recordByteCountMax: 100)
            for _ in 0..<2 { _ = try merger.append(BatchMergerTests.batch([(1, "a")])) }
        }
        await #expect(processExitsWith: .failure) {
            var merger = BatchMerger(recordByteCountMax: 100)
            _ = try merger.append(try #require(CompressedBatchTests.readings(20).compressed(.lz4)))
        }
    }

    // MARK: Batches

    static func append(_ batch: RecordBatch, to merger: inout BatchMerger) throws { _ = try merger.append(batch) }

    static func merge(_ batches: [RecordBatch], _ byteCountMax: Int, _ codec: Codec) throws -> [RecordBatch] {
        var merger = BatchMerger(recordByteCountMax: byteCountMax, codec: codec)
        var merged: [RecordBatch] = []
        for batch in batches { merged += try merger.append(batch) }
        return merged + merger.finish()
    }

    /// Every batch verifies, and none leaves a hole that was not there.
    static func expectSpans(_ merged: [RecordBatch], of batches: [RecordBatch]) throws {
        #expect(merged.first?.baseOffset == batches.first?.baseOffset)
        #expect(merged.last?.nextOffset == batches.last?.nextOffset)
        let starts = Set(batches.map(\.baseOffset))
        let ends = Set(batches.map(\.nextOffset))
        for (batch, next) in zip(merged, merged.dropFirst()) {
            let isJoined = batch.nextOffset == next.baseOffset
            #expect(isJoined || (ends.contains(batch.nextOffset) && starts.contains(next.baseOffset)))
            #expect(batch.nextOffset <= next.baseOffset)
        }
        for batch in merged { #expect(try RecordBatch.verify(batch.bytes) == batch.header) }
    }

    static func batch(_ records: [(Int64, String)]) -> RecordBatch {
        RecordBatchTests.build(records.map { GoldenBatch.Record(timestamp: $0.0, key: "k", value: $0.1) })
    }

    static func moved(_ batch: RecordBatch, to offset: Int64) throws -> RecordBatch {
        let copy = try RecordBatch.of(batch.copy)
        copy.assign(Offset(rawValue: offset))
        return copy
    }

    /// Batches of one to twenty records, some with tombstones, null keys, times that go back.
    static func history(
        seed: UInt64, count: Int, holes: Bool = false, special: Bool = false
    ) throws -> [RecordBatch] {
        var random = SeededGenerator(seed: seed)
        var batches: [RecordBatch] = []
        var offset: Int64 = 100
        for number in 0..<count {
            if holes, random.once(in: 5) { offset += Int64(random.below(1000)) }
            let records = (0..<1 + random.below(20)).map { _ in
                GoldenBatch.Record(
                    timestamp: 1_767_225_600_000 + Int64(random.below(1_000_000)) - 500_000,
                    key: random.once(in: 4) ? nil : "dev-\(random.below(9))",
                    value: random.once(in: 6) ? nil : String(repeating: "value", count: random.below(30)),
                    headers: (0..<random.below(3)).map { "name\($0)=sensors/\(number)" })
            }
            var batch = RecordBatchTests.build(records)
            if special, random.once(in: 6) {
                var bytes = batch.copy
                for index in 43..<51 { bytes[index] = 0 }
                bytes[50] = 9
                batch = try RecordBatch.sealed(bytes)
            }
            batch.assign(Offset(rawValue: offset))
            offset = batch.nextOffset.rawValue
            batches.append(batch)
        }
        return batches
    }
}
