import Compression
import LogInterface
import RecordFormat
import SluiceCore
import SluiceTesting
import Testing

@testable import CommitLog

@Suite("The topic index")
struct TopicIndexTests {
    @Test("a read with a selection finds what reading everything finds of it", arguments: 0..<8)
    func equalsFilteredRead(part: Int) throws {
        for seed in UInt64(part * 4)..<UInt64(part * 4 + 4) {
            let world = try TopicWorld(seed: seed)
            let byteCountsMax = seed.isMultiple(of: 4) ? [1, 1 << 20] : [900]
            var random = SeededGenerator(seed: seed)
            for round in 0..<3 {
                try world.append(5 + random.below(40))
                if random.once(in: 2) { try world.index() }
                if random.once(in: 4) { try world.reopen(random.once(in: 2) ? .kill : .powerCut, seed: seed) }
                try world.expectSame("seed \(seed), round \(round)", byteCountsMax: byteCountsMax)
            }
            try world.index()
            try world.repair("seed \(seed)")
        }
    }

    @Test("a read may begin at any offset")
    func anyOffset() throws {
        let world = try TopicWorld(seed: 5, segmentBytes: 6000, sectionBytes: 900)
        try world.append(120)
        try world.index()
        let all = try world.readAll(nil)
        for filter in [["a/b"], ["fleet/+/t"], []] {
            let selection = TopicWorld.selection(filter)
            for offset in stride(from: 0, to: all.offset.rawValue, by: 3) {
                let found = try world.readAll(selection, from: Offset(rawValue: offset)).found
                let expected = all.found.filter { found in
                    found.offset >= offset && (found.topic.map { $0.isEmpty || selection.contains($0.span) } ?? true)
                }
                #expect(found == expected, "\(filter) from \(offset)")
            }
        }
    }

    @Test(
        "a Kafka client's topic is found in any header, and a record without one is read whatever is selected",
        arguments: [Codec.none, .zstd])
    func foreignTopics(_ codec: Codec) throws {
        let world = try TopicWorld(seed: 2, segmentBytes: 20_000, sectionBytes: 1000)
        let common = (0..<20).map { "fleet/\($0)/t" as String? }
        try world.append(100, topics: common)
        try world.appendFromKafka(
            [[("trace", "1"), ("mqtt.topic", "rare")], [("mqtt.topic", "other")]], codec: codec)
        try world.append(100, topics: common)
        try world.appendFromKafka([[("mqtt.topic", "bad/#")], [("mqtt.topic", "other")]], codec: codec)
        try world.appendFromKafka([[], [("mqtt.topic", "other")]], codec: codec)
        try world.append(100, topics: common)
        try world.index()
        func count(_ topic: String) throws -> Int {
            let found = try world.readAll(TopicWorld.selection([topic]), byteCountMax: 1 << 20).found
            return found.count { $0.topic.map { String(decoding: $0, as: UTF8.self) } == topic }
        }
        #expect(try count("rare") == 1)
        #expect(try count("other") == 3)
        let nobodys = try world.readAll(TopicWorld.selection(["nobody/s"]), byteCountMax: 1 << 20).found
        #expect(nobodys.count { $0.topic == nil } == 2)
    }

    @Test("only batches that can match are read, in sealed segments and in the newest")
    func readsLittle() throws {
        let world = try TopicWorld(seed: 1, segmentBytes: 40_000, sectionBytes: 2000)
        let common = (0..<60).map { "fleet/\($0)/t" as String? }
        try world.append(300, topics: common)
        try world.append(1, topics: ["rare"])
        try world.append(300, topics: common)
        #expect(try world.readAll(TopicWorld.selection(["rare"])).batchCount > 500)
        try world.index()
        #expect(world.indexPaths.count > 2)
        let rare = try world.readAll(TopicWorld.selection(["rare"]), byteCountMax: 1 << 20)
        #expect(!rare.found.isEmpty && rare.found.count <= 4)
        // What no section covers yet is read in sequence: less than a section, of batches of about 250 bytes.
        #expect(rare.batchCount < 12)
        let one = try world.readAll(TopicWorld.selection(["fleet/7/t"]), byteCountMax: 1 << 20)
        let batches = Set(try world.readAll(nil).found.filter { $0.topic == Array("fleet/7/t".utf8) }.map(\.offset))
        #expect(one.batchCount <= batches.count + 12)
        let nothing = try world.readAll(TopicWorld.selection(["fleet/7"]), byteCountMax: 1 << 20)
        #expect(nothing.found.isEmpty)
        #expect(nothing.batchCount < 12)
    }

    @Test("the newest segment's index grows by sections, and the last comes when it is sealed")
    func grows() throws {
        let world = try TopicWorld(seed: 2, segmentBytes: 8000, sectionBytes: 1000)
        var counts: [Int] = []
        while world.disk.paths.count(where: { $0.hasSuffix(".log") }) < 3 {
            try world.append(3)
            try world.index()
            let paths = world.indexPaths
            counts.append(paths.first.flatMap(world.disk.content)?.count ?? 0)
            try world.expectSame("\(counts.count) rounds", [["a/b"], ["fleet/+/t"]])
        }
        #expect(Set(counts).count > 5)
        #expect(counts == counts.sorted())
        let bases = world.log.withState { $0.partitions[0].segments }
        for segment in bases.dropLast() {
            let file = try #require(TopicIndexFile(world.disk, TopicWorld.paths.topics(segment.baseOffset)))
            #expect(Self.sections(file).last?.section.endPosition == segment.byteCount)
            file.close()
        }
    }

    @Test("half a section is enough for the newest segment when nothing more comes")
    func rests() throws {
        let world = try TopicWorld(seed: 2, segmentBytes: 1 << 20, sectionBytes: 4000)
        while world.log.withState({ $0.partitions[0].segments[0].byteCount }) < 2500 { try world.append(1) }
        for _ in 0..<TopicIndexer.quietCountMin {
            try world.index()
            #expect(world.indexPaths.isEmpty)
        }
        try world.append(1)
        for _ in 0..<TopicIndexer.quietCountMin {
            try world.index()
            #expect(world.indexPaths.isEmpty)
        }
        try world.index()
        #expect(world.indexPaths.count == 1)
        try world.append(1)
        for _ in 0..<2 * TopicIndexer.quietCountMin { try world.index() }
        let file = try #require(TopicIndexFile(world.disk, TopicWorld.paths.topics(.zero)))
        #expect(Self.sections(file).count == 1)
        file.close()
    }

    @Test(
        "a reader keeps its place while the log grows, is indexed, compressed and loses its oldest segments",
        arguments: 0..<10)
    func readsMeanwhile(seed: UInt64) throws {
        let world = try TopicWorld(seed: seed, segmentBytes: 3000, sectionBytes: 700, retentionBytes: 9000)
        var random = SeededGenerator(seed: seed)
        var cursors = TopicWorld.filters.map { TopicWorld.Cursor(selection: TopicWorld.selection($0)) }
        var everything: [Int64: TopicWorld.Found] = [:]
        var starts: [Int64] = []
        var sealed = 0
        for _ in 0..<40 {
            try world.append(1 + random.below(8))
            let start = world.log.withState { $0.partitions[0].start }
            for found in try world.readAll(nil, from: start).found { everything[found.offset] = found }
            if random.once(in: 2) { try world.index() }
            if random.once(in: 3) {
                _ = try world.log.housekeeper.retain(wall: Timestamp(rawValue: 5000), monotonic: 5000)
            }
            if random.once(in: 3) { sealed += try world.seal() }
            starts.append(world.log.withState { $0.partitions[0].start.rawValue })
            for index in cursors.indices where !random.once(in: 3) {
                _ = try world.read(&cursors[index], byteCountMax: 1 + random.below(3000))
            }
        }
        for index in cursors.indices {
            while try world.read(&cursors[index], byteCountMax: 2000) {}
            let selection = try #require(cursors[index].selection)
            let offsets = cursors[index].found.map(\.offset)
            #expect(offsets == offsets.sorted() && Set(offsets).count == offsets.count)
            let end = try #require(starts.last)
            let kept = everything.values.filter { found in
                found.offset >= end && (found.topic.map { $0.isEmpty || selection.contains($0.span) } ?? true)
            }
            #expect(Set(kept.map(\.offset)).isSubset(of: offsets), "\(TopicWorld.filters[index])")
            #expect(cursors[index].found.allSatisfy { everything[$0.offset] == $0 })
        }
        #expect(starts.last != 0)
        #expect(sealed > 0)
        let bases = world.log.withState { Set($0.partitions[0].segments.map(\.baseOffset)) }
        let indexed = world.indexPaths.compactMap { SegmentPaths.baseOffset(String($0.suffix(27)), suffix: ".topics") }
        #expect(!indexed.isEmpty && Set(indexed).isSubset(of: bases))
    }

    @Test("segments that were sealed without an index get one; orphans go")
    func makesUp() throws {
        let world = try TopicWorld(seed: 3, segmentBytes: 3000, sectionBytes: 1000)
        try world.append(80)
        let file = try world.disk.open(TopicWorld.paths.directory + "/00000000000000999999.topics", creating: true)
        world.disk.close(file)
        try world.reopen(.kill)
        #expect(world.indexPaths.isEmpty)
        try world.index()
        let sealed = world.log.withState { $0.partitions[0].segments.count - 1 }
        #expect(sealed > 3)
        #expect(world.indexPaths.count >= sealed)
        #expect(try world.expectSame("made up").isEmpty)
    }

    @Test("what cannot be decoded and what has no topic is given to every reader")
    func unlabelled() throws {
        let world = try TopicWorld(seed: 4, segmentBytes: 4000, sectionBytes: 1000)
        try world.append(30, topics: ["a"])
        try world.append(1, topics: [nil])
        try world.append(30, topics: ["a"])
        try world.append(1, topics: [""])
        try world.append(60, topics: ["a"])
        try world.index()
        let found = try world.readAll(TopicWorld.selection(["none"])).found
        #expect(found.contains { $0.topic == nil })
        #expect(found.contains { $0.topic == [] })
    }

    @Test("an index is the same whether its batches were still in memory or not")
    func fromMemory() throws {
        let worlds = try [0, 1 << 20].map { tailBytes in
            try TopicWorld(seed: 8, segmentBytes: 3000, sectionBytes: 1000, tailBytes: tailBytes)
        }
        for _ in 0..<30 {
            for world in worlds {
                try world.append(3)
                try world.index()
            }
        }
        #expect(worlds[0].indexPaths == worlds[1].indexPaths)
        #expect(worlds[0].indexPaths.count > 3)
        for path in worlds[0].indexPaths {
            #expect(worlds[0].disk.content(path) == worlds[1].disk.content(path))
        }
    }

    @Test("batches in memory that are not those of the file are not believed")
    func notTheFile() throws {
        let world = try TopicWorld(seed: 8, segmentBytes: 3000, sectionBytes: 1000, tailBytes: 1 << 20)
        let other = try TopicWorld(seed: 9, segmentBytes: 3000, sectionBytes: 1000, tailBytes: 1 << 20)
        try world.append(20)
        try other.append(20)
        let path = TopicWorld.paths.log(.zero)
        let bytes = try #require(other.disk.content(path))
        world.disk.tamper(path) { $0 = bytes }
        try world.index()
        try world.expectSame("another log")
    }

    @Test("a full disk leaves an index for later, and another failure leaves it alone; the log is none the wiser")
    func writeFailures() throws {
        for code in [28, 5] as [Int32] {
            let world = try TopicWorld(seed: 6, segmentBytes: 3000, sectionBytes: 1000)
            try world.append(60)
            world.disk.plan(SimDisk.Fault(.write, path: "0000.topics", after: 1, count: 1, code: code))
            var failures = 0
            var isMore = true
            while isMore {
                do { isMore = try world.indexer.step() } catch { failures += 1 }
            }
            #expect(failures == 1)
            try world.expectSame("after error \(code)")
            let complete = try world.readAll(TopicWorld.selection(["none"])).suspects.isEmpty
            #expect(complete == (code == 28))
            try world.append(10)
            #expect(world.log.withState { $0.poison } == nil)
        }
    }

    static func sections(_ file: TopicIndexFile) -> [TopicIndexFile.Found] {
        var found: [TopicIndexFile.Found] = []
        while let next = file.section(at: found.last?.end ?? 0) { found.append(next) }
        return found
    }
}
