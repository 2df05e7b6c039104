import RecordFormat
import SluiceCore
import SluiceTesting
import Testing

@testable import CommitLog

@Suite("A topic index that is damaged, torn or of another log")
struct TopicDamageTests {
    private static let few = [["a/b", "zz"], ["fleet/+/t"], []]

    /// Several segments with several sections each, all indexed.
    private static func build(seed: UInt64 = 1) throws -> TopicWorld {
        let world = try TopicWorld(seed: seed, segmentBytes: 3000, sectionBytes: 1200)
        try world.append(45)
        try world.index()
        #expect(world.indexPaths.count >= 3)
        return world
    }

    @Test("a flipped bit in any byte costs time and no record")
    func flips() throws {
        let world = try Self.build()
        var random = SeededGenerator(seed: 2)
        for path in world.indexPaths.prefix(1) {
            let byteCount = try #require(world.disk.content(path)).count
            for position in 0..<byteCount {
                let bit = UInt8(1 << random.below(8))
                world.disk.tamper(path) { $0[position] ^= bit }
                try world.expectSame("\(path) at \(position)", Self.few)
                world.disk.tamper(path) { $0[position] ^= bit }
            }
        }
    }

    @Test("a file cut off anywhere, zeroed, or missing costs time and no record")
    func truncations() throws {
        let world = try Self.build()
        let path = try #require(world.indexPaths.first)
        let pristine = try #require(world.disk.content(path))
        for count in stride(from: 0, to: pristine.count, by: 5) {
            world.disk.tamper(path) { $0.removeSubrange(count...) }
            try world.expectSame("cut at \(count)", Self.few)
            world.disk.tamper(path) { $0 = pristine }
        }
        for start in stride(from: 0, to: pristine.count, by: 64) {
            for byteCount in [64, 512] {
                world.disk.tamper(path) { content in
                    for index in start..<min(start + byteCount, content.count) { content[index] = 0 }
                }
                try world.expectSame("\(byteCount) zeros at \(start)", Self.few)
                world.disk.tamper(path) { $0 = pristine }
            }
        }
        try world.disk.remove(path)
        let suspects = try world.expectSame("missing")
        #expect(suspects == [.zero])
    }

    @Test("a piece of the same section in another place is not believed")
    func misplaced() throws {
        let topics = (0..<200).map { "fleet/\($0)/t" as String? }
        let world = try TopicWorld(seed: 1, segmentBytes: 40_000, sectionBytes: 20_000)
        try world.append(120, topics: topics)
        try world.index()
        let path = try #require(world.indexPaths.first)
        let pristine = try #require(world.disk.content(path))
        let first = TopicSection(pristine.span)
        let section = try #require(first)
        #expect(section.filterLineCount > 2 && section.groupCount > 1)
        let selections = (0..<12).map { ["fleet/\($0 * 16)/t"] }
        let lines = (0..<3).map { line in
            section.filterStart + line * 64..<section.filterStart + (line + 1) * 64
        }
        let groups = (0..<min(3, section.groupCount - 1)).map(section.place(ofGroup:))
        for places in [lines, groups] {
            for target in places {
                for source in places where source != target {
                    world.disk.tamper(path) { $0.replaceSubrange(target, with: pristine[source]) }
                    try world.expectSame("\(source) copied to \(target)", selections, byteCountsMax: [1 << 20])
                    world.disk.tamper(path) { $0 = pristine }
                }
            }
        }
    }

    @Test("damage is found by a reader, reported once, and repaired to the same bytes")
    func repairs() throws {
        let world = try Self.build()
        let path = try #require(world.indexPaths.first)
        let pristine = try #require(world.disk.content(path))
        var repaired = 0
        for position in stride(from: 0, to: pristine.count, by: 9) {
            world.disk.tamper(path) { $0[position] ^= 0x20 }
            for segment in try world.expectSame("flip at \(position)") {
                world.indexer.examine(TopicWorld.partition, segment: segment)
            }
            try world.index()
            let findings = world.indexer.takeFindings()
            if world.disk.content(path) == pristine {
                repaired += 1
                #expect(findings.map(\.path) == [path], "flip at \(position)")
            } else {
                // A line of the filter that no selection asks for, or padding.
                world.disk.tamper(path) { $0[position] ^= 0x20 }
                #expect(findings.isEmpty)
            }
        }
        #expect(repaired > pristine.count / 9 / 2)
    }

    @Test("an index of an older version of the log is recognised, ignored, and built again")
    func olderVersion() throws {
        let world = try Self.build(seed: 1)
        for seed in UInt64(2)..<8 {
            let other = try Self.build(seed: seed)
            for path in world.indexPaths where other.indexPaths.contains(path) {
                let old = try #require(other.disk.content(path))
                world.disk.tamper(path) { $0 = old }
            }
            #expect(try !world.expectSame("index of \(seed)").isEmpty)
            try world.repair("index of \(seed)")
        }
    }

    @Test("damage to the log is met as without an index")
    func damagedLog() throws {
        let world = try Self.build()
        let paths = world.disk.paths.filter { $0.hasSuffix(".log") }
        for path in paths.prefix(1) {
            let byteCount = try #require(world.disk.content(path)).count
            for position in stride(from: 0, to: byteCount, by: 5) {
                world.disk.tamper(path) { $0[position] ^= 0x04 }
                try world.expectSame("\(path) at \(position)", [["a/b"], ["fleet/+/t"], []])
                world.disk.tamper(path) { $0[position] ^= 0x04 }
            }
        }
    }

    @Test("a log that is damaged before it is indexed keeps its damage out of the sections")
    func damagedBefore() throws {
        for seed in UInt64(0)..<20 {
            let world = try TopicWorld(seed: seed, segmentBytes: 3000, sectionBytes: 900)
            try world.append(60)
            var random = SeededGenerator(seed: seed)
            for path in world.disk.paths where path.hasSuffix(".log") {
                world.disk.tamper(path) { content in
                    guard !content.isEmpty else { return }
                    for _ in 0..<1 + random.below(3) { content[random.below(content.count)] ^= 0x11 }
                }
            }
            try world.index()
            try world.expectSame("seed \(seed)")
            #expect(!world.indexPaths.isEmpty)
        }
    }

    @Test(
        "a stop at any call while sections are appended loses no record, and the index is completed",
        arguments: [SimDisk.Crash.kill, .powerCut])
    func stops(_ crash: SimDisk.Crash) throws {
        var count = 0
        var hasStopped = true
        while hasStopped {
            count += 1
            let world = try TopicWorld(seed: 9, segmentBytes: 3000, sectionBytes: 700)
            try world.append(12)
            world.disk.stop(after: count)
            do {
                for _ in 0..<3 {
                    try world.index()
                    try world.append(8)
                }
                try world.index()
                hasStopped = false
            } catch {
                #expect(world.disk.isStopped)
            }
            try world.reopen(crash, seed: UInt64(count))
            try world.expectSame("\(crash) at call \(count)", Self.few)
            try world.append(5)
            try world.index()
            try world.repair("\(crash) at call \(count), index completed", Self.few)
        }
        #expect(count > 60)
    }
}
