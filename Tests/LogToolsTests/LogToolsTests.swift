import CommitLog
import CommitLogPosix
import Compression
import Foundation
import LogInterface
import LogTools
import RecordFormat
import SluiceBroker
import SluiceCore
import SluiceTesting
import Testing

@Suite("The tools of the log, without the command line")
struct LogToolsTests {
    /// A data directory of its own with sixty batches of two records in small segments.
    private final class World {
        let root: String

        init() throws {
            root = NSTemporaryDirectory() + "sluice-tools-\(UUID().uuidString)"
            try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
            let log = try open()
            let loop = TestLoop(log)
            for number in 0..<60 {
                let append = Append(
                    partition: log.streams[0].partitions[0], batch: Self.batch(number), isAwaited: true,
                    topicHashes: nil)
                #expect(loop.settle(log.append([append], from: loop.id)) == .stored)
            }
            log.stop()
        }

        deinit {
            do { try FileManager.default.removeItem(atPath: root) } catch { Issue.record("\(error)") }
        }

        /// The log of a directory, of `data` unless another is named.
        func open(_ directory: String? = nil) throws -> LogRuntime {
            var stream = StreamSettings(name: "mqtt")
            stream.policy.granuleBytesMax = 2000
            stream.policy.sealing = .none
            return try LogRuntime(
                storage: PosixStorage(root: directory ?? data), streams: [stream], settings: LogRuntimeSettings(),
                report: { _, _ in })
        }

        var data: String { root + "/data" }
        var backup: String { root + "/backup" }

        static func batch(_ number: Int) -> RecordBatch {
            var builder = RecordBatchBuilder()
            let key = RecordFields.key([UInt8(number)])
            let headers = RecordFields.headers([RecordHeader(name: TopicHeader.name, value: Array("t/\(number)".utf8))])
            for part in 0..<2 {
                let value = Array("\(number * 2 + part)".utf8) + [UInt8](repeating: 0x2E, count: 100)
                builder.append(
                    at: Timestamp(rawValue: Int64(number)), keyField: key.span, value: value.span,
                    headersField: headers.span)
            }
            return builder.finish()
        }

        /// The newest segment file but one.
        func segment() throws -> String {
            let names = try FileManager.default.contentsOfDirectory(atPath: data + "/streams/mqtt-0")
            let segments = names.filter { $0.hasSuffix(".log") }.sorted()
            return data + "/streams/mqtt-0/" + (try #require(segments.dropLast().last))
        }

        /// Changes one byte of a payload in the middle of a segment.
        func damage() throws {
            let path = try segment()
            var bytes = try Data(contentsOf: URL(filePath: path))
            let index = try #require(bytes[..<(bytes.count / 2)].lastIndex(of: 0x2E))
            bytes[index] ^= 0x40
            try bytes.write(to: URL(filePath: path))
        }
    }

    private final class Lines: LineOutput {
        var lines: [String] = []
        func line(_ text: String) { lines.append(text) }
        func flush() {}
    }

    private final class Counted: WorkProgress {
        var done: Int64 = 0
        func advance(by count: Int64) { done += count }
        func clear() {}
    }

    @Test("a whole directory verifies, with its records counted; one changed byte is damage, by file")
    func verifies() throws {
        let world = try World()
        var verifier = LogVerifier(try InspectedPlace(world.data))
        try verifier.verify()
        #expect(!verifier.isDamaged, "\(verifier.findings)")
        #expect(verifier.tallies.map(\.tally.recordCount) == [120])
        #expect(verifier.tallies.map(\.tally.next) == [120])
        try world.damage()
        var second = LogVerifier(try InspectedPlace(world.data + "/streams/mqtt-0"))
        try second.verify()
        #expect(second.isDamaged)
        let name = try #require(try world.segment().split(separator: "/").last)
        #expect(second.findings.contains { $0.severity == .damage && $0.path.hasSuffix(name) })
    }

    @Test("statistics count what is whole")
    func counts() throws {
        let world = try World()
        var statistics = LogStatistics(try InspectedPlace(world.data), isDeep: true)
        try statistics.count()
        let counts = try #require(statistics.partitions.first?.counts)
        #expect((counts.batchCount, counts.recordCount, counts.start, counts.next) == (60, 120, 0, 120))
        #expect(counts.segmentCount > 3)
        #expect(counts.plainByteCount == counts.byteCount)
        #expect(counts.oldest == 0 && counts.newest == 59)
        #expect(statistics.findings.isEmpty)
    }

    @Test("an export has what is selected, a record a line, and says when that is nothing")
    func exports() throws {
        let world = try World()
        func export(_ selection: LogExporter.Selection) throws -> (lines: [String], remarks: [String]) {
            let lines = Lines()
            let exporter = LogExporter(try InspectedPlace(world.data), selection, to: lines)
            try exporter.run()
            #expect(exporter.findings.isEmpty)
            return (lines.lines, exporter.remarks)
        }
        let all = LogExporter.Selection(stream: nil, filter: [0x23], from: .earliest, until: nil, limit: nil)
        #expect(try export(all).lines.count == 120)
        let one = LogExporter.Selection(
            stream: "mqtt", filter: Array("t/7".utf8), from: .earliest, until: nil, limit: nil)
        #expect(try export(one).lines.count == 2)
        #expect(try export(one).lines.allSatisfy { $0.contains("\"t/7\"") })
        let few = LogExporter.Selection(stream: nil, filter: [0x23], from: .earliest, until: nil, limit: 5)
        #expect(try export(few).lines.count == 5)
        let none = LogExporter.Selection(
            stream: "mqtt", filter: [0x23], from: .offset(partition: 0, Offset(rawValue: 120)), until: nil, limit: nil)
        #expect(try export(none).remarks.count == 1)
        let strange = LogExporter.Selection(stream: "mqt", filter: [0x23], from: .earliest, until: nil, limit: nil)
        let error = #expect(throws: ToolFault.self) { try export(strange) }
        #expect(error?.description.contains("did you mean 'mqtt'?") == true)
    }

    @Test("a dump names what it shows, and damage where it is")
    func dumps() throws {
        let world = try World()
        func dump() throws -> (isWhole: Bool, lines: [String]) {
            let lines = Lines()
            let place = try InspectedPlace(world.segment())
            let isWhole = try LogDumper(place: place, isDeep: true, isJSON: false, to: lines).dump()
            return (isWhole, lines.lines)
        }
        #expect(try dump().isWhole)
        #expect(try dump().lines.contains { $0.contains("key") })
        try world.damage()
        #expect(try !dump().isWhole)
        #expect(try dump().lines.contains { $0.contains("DAMAGE at") })
    }

    @Test("a backup is restored as it was, file by file; a changed one is refused by name")
    func backsUp() throws {
        let world = try World()
        var backup = try Backup(
            InspectedPlace(world.data), to: BackupTarget(world.backup, apartFrom: world.data), now: 7)
        try backup.run()
        #expect(backup.findings.isEmpty)
        let restored = world.root + "/restored"
        try Restore(InspectedPlace(world.backup)).run(into: BackupTarget(restored, apartFrom: world.backup))
        var verifier = LogVerifier(try InspectedPlace(restored))
        try verifier.verify()
        #expect(!verifier.isDamaged)
        #expect(verifier.tallies.map(\.tally.recordCount) == [120])
        let file = try #require(backup.manifest.files.first { $0.path.hasSuffix(".log") })
        let path = world.backup + "/" + file.path
        var bytes = try Data(contentsOf: URL(filePath: path))
        bytes[10] ^= 1
        try bytes.write(to: URL(filePath: path))
        let error = #expect(throws: ToolFault.self) {
            try Restore(InspectedPlace(world.backup)).run(
                into: BackupTarget(world.root + "/again", apartFrom: world.backup))
        }
        #expect(error?.description.contains(file.path) == true)
        #expect(throws: ToolFault.self) { try BackupTarget(restored, apartFrom: world.backup) }
        #expect(throws: ToolFault.self) { try BackupTarget(world.data + "/inside", apartFrom: world.data) }
    }

    @Test("a stream that was made at run time comes back from a backup with its settings, and begins where it did")
    func backsUpMade() throws {
        let world = try World()
        var made = StreamSettings(name: "made")
        made.partitionCount = 2
        made.policy.cleanup = .compact
        made.extra = ["min.insync.replicas": "1", "note": "a b=c%"]
        let log = try world.open()
        let loop = TestLoop(log)
        let stream = try loop.administer(.create(made)).get()
        for number in 0..<20 {
            let append = Append(
                partition: stream.partitions[1], batch: World.batch(number), isAwaited: true, topicHashes: nil)
            #expect(loop.settle(log.append([append], from: loop.id)) == .stored)
        }
        var alteration = StreamAlteration()
        alteration.startOffsets = [1: Offset(rawValue: 30)]
        made = try loop.administer(.alter("made", alteration)).get().settings
        #expect(made.startOffsets == [1: Offset(rawValue: 30)])
        log.stop()

        var backup = try Backup(
            InspectedPlace(world.data), to: BackupTarget(world.backup, apartFrom: world.data), now: 7)
        try backup.run()
        #expect(backup.findings.isEmpty, "\(backup.findings)")
        let restored = world.root + "/restored"
        try Restore(InspectedPlace(world.backup)).run(into: BackupTarget(restored, apartFrom: world.backup))
        let again = try world.open(restored)
        defer { again.stop() }
        let back = try #require(again.streams.first { $0.settings.name == "made" })
        #expect(back.settings == made && back.id == stream.id)
        #expect(again.bounds(back.partitions[1]).start == Offset(rawValue: 30))
        #expect(again.bounds(back.partitions[1]).end == Offset(rawValue: 40))
        let reader = TestLoop(again)
        let read = reader.fetch(back.partitions[1], from: Offset(rawValue: 30), byteCountMax: 1 << 20)
        #expect(read.batches.map(\.recordCount).reduce(0, +) == 10)
        // It takes records as before.
        let append = Append(partition: back.partitions[0], batch: World.batch(7), isAwaited: true, topicHashes: nil)
        #expect(reader.settle(again.append([append], from: reader.id)) == .stored)
    }

    @Test("progress comes to its end, and a place that is none is refused by name")
    func progress() throws {
        let world = try World()
        let counted = Counted()
        var total: Int64 = 0
        var verifier = LogVerifier(try InspectedPlace(world.data)) { title, bytes in
            #expect(title == "verifying")
            total = bytes
            return counted
        }
        try verifier.verify()
        #expect(total > 0 && counted.done == total)
        let error = #expect(throws: ToolFault.self) { try InspectedPlace(world.root + "/nothing") }
        #expect(error?.description.contains("nothing") == true)
    }
}
