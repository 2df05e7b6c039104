import CommitLog
import CommitLogPosix
import Compression
import Foundation
import LogInterface
import RecordFormat
import SluiceCore
import SluiceTesting
import Testing

/// A data directory of every format version there was, as it was left behind: `Vectors/format-N`, with `records.txt`,
/// which says what is in it.
///
/// `SLUICE_WRITE_FORMAT_FIXTURE=1 swift test --filter FormatVersionTests` writes the newest one anew into the source
/// tree; older ones are never touched.
@Suite("Data directories of every format version")
struct FormatVersionTests {
    private static let newest = 2
    private static let files = [
        "catalogue", "format", ".log", ".index", ".timeindex", ".topics", ".wal", "housekeeping",
    ]

    private func place(_ version: Int) throws -> URL {
        try #require(Bundle.module.resourceURL).appending(path: "Vectors/format-\(version)")
    }

    /// The files of a fixture, by path.
    private func load(_ version: Int) throws -> [String: [UInt8]] {
        let root = try place(version).appending(path: "data")
        var files: [String: [UInt8]] = [:]
        for path in try FileManager.default.subpathsOfDirectory(atPath: root.path) {
            var isDirectory: ObjCBool = false
            let full = root.appending(path: path)
            guard FileManager.default.fileExists(atPath: full.path, isDirectory: &isDirectory) else { continue }
            if !isDirectory.boolValue { files[path] = Array(try Data(contentsOf: full)) }
        }
        return files
    }

    private func disk(_ files: [String: [UInt8]]) throws -> SimDisk {
        let disk = SimDisk()
        for (path, bytes) in files.sorted(by: { $0.key < $1.key }) {
            let parts = path.split(separator: "/")
            for count in 1..<parts.count { try disk.makeDirectory(parts.prefix(count).joined(separator: "/")) }
            let file = try disk.open(path, creating: true)
            defer { disk.close(file) }
            try disk.write(file, bytes: bytes.span, at: 0)
        }
        return disk
    }

    @Test("open, and every record is read back", arguments: 1...newest)
    func opens(version: Int) throws {
        let files = try load(version)
        for name in Self.files { #expect(files.keys.contains { $0.hasSuffix(name) }, "\(name)") }
        let log = try SimLog(try disk(files), FormatFixture.settings)
        #expect(!log.findings.contains { $0.severity == .damage }, "\(log.findings)")
        let expected = try String(contentsOf: place(version).appending(path: "records.txt"), encoding: .utf8)
        #expect(try FormatFixture.text(log) == expected)
        #expect(expected.split(separator: "\n").count > 100)
    }

    @Test("keep streams that a running node has made as it made them, and numbers of deleted ones retired")
    func keepsStreams() throws {
        let files = try load(2)
        let disk = try disk(files)
        let log = try SimLog(disk, FormatFixture.settings)
        let made = try #require(log.streams.first { $0.settings.name == "made" })
        #expect(made.settings.policy.retentionMilliseconds == 86_400_000)
        #expect(made.settings.policy.granuleBytesMax == 3000)
        #expect(made.partitions.map(\.rawValue) == [6])
        #expect(!log.streams.contains { $0.settings.name == "passing" })
        #expect(files.keys.contains { $0.hasPrefix("streams/passing-0/") })
        #expect(try !disk.list("streams").contains { $0.hasPrefix("passing") })
        var stream = StreamSettings(name: "passing")
        stream.partitionCount = 2
        let again = try log.administer(.create(stream)).get()
        #expect(again.partitions.map(\.rawValue) == [7, 8])
    }

    @Test("open on the real disk, and are the same after another stop", arguments: 1...newest)
    func opensForReal(version: Int) throws {
        let directory = try TemporaryDirectory()
        let data = directory.path + "/data"
        try FileManager.default.copyItem(at: place(version).appending(path: "data"), to: URL(filePath: data))
        var settings = FaultWorld.runtimeSettings
        // Its records are old: what is to be compacted would go.
        settings.housekeepingNanoseconds = LogRuntimeTests.hourNanoseconds
        for _ in 0..<2 {
            let log = try LogRuntime(
                storage: PosixStorage(root: data), streams: FormatFixture.settings.streams, settings: settings,
                report: { _, _ in })
            var count = 0
            for stream in log.streams {
                for partition in stream.partitions {
                    try log.forEachBatch(of: partition) { count += $0.recordCount }
                }
            }
            log.stop()
            let expected = try String(contentsOf: place(version).appending(path: "records.txt"), encoding: .utf8)
            #expect(count == expected.split(separator: "\n").count)
        }
    }

    @Test("topic indexes of the version are still used", arguments: 1...newest)
    func usesTopicIndexes(version: Int) throws {
        let loaded = try load(version)
        // The newest segment's index is not whole yet.
        let newest = try #require(
            loaded.keys.compactMap { path in
                path.hasPrefix("streams/device-0/")
                    ? SegmentPaths.baseOffset(String(path.split(separator: "/")[2]), suffix: ".log") : nil
            }.max())
        let log = try SimLog(try disk(loaded), FormatFixture.settings)
        let id = PartitionID(rawValue: 0)
        let files = PartitionFiles(storage: log.disk, paths: SegmentPaths(stream: "device", number: 0))
        let selection = TopicSelection(topics: [Array("fleet/3/t".utf8)])
        var (offset, found, batchCount) = (Offset.zero, 0, 0)
        let end = log.withState { $0.partitions[0].flushed }
        while offset < end {
            let read = try files.read(
                id, from: offset, hint: nil, selection: selection, byteCountMax: 1 << 20, access: log,
                noteSuspect: { #expect($0 >= newest, "a whole index is not believed") })
            batchCount += read.batches.count
            found += try read.batches.flatMap(StoredRecord.all).count { $0.key == Array("3".utf8) }
            guard read.nextOffset > offset else { break }
            offset = read.nextOffset
        }
        let all = try log.readAll(0)
        #expect(found == (try all.flatMap(StoredRecord.all).count { $0.key == Array("3".utf8) }))
        #expect(found > 0)
        #expect(batchCount < all.count)
    }

    @Test("a newer version is refused by name, and left as it is")
    func refusesNewer() throws {
        var files = try load(Self.newest)
        files["meta/format"] = Array("sluice-format \(Self.newest + 1)\n".utf8)
        let disk = try disk(files)
        let error = #expect(throws: StorageError.self) { try SimLog(disk, FormatFixture.settings) }
        #expect(error?.operation == .format)
        #expect(error?.path == "meta/format")
        #expect(error?.reason.contains("sluice-format \(Self.newest + 1)") == true)
        #expect(error?.reason.contains("sluice-format \(Self.newest)") == true)
        for (path, bytes) in files { #expect(disk.content(path) == bytes, "\(path)") }
    }

    @Test(
        "the newest fixture is written",
        .enabled(if: ProcessInfo.processInfo.environment["SLUICE_WRITE_FORMAT_FIXTURE"] != nil))
    func writes() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "Vectors/format-\(Self.newest)")
        let (disk, records) = try FormatFixture.make()
        for path in disk.paths {
            let file = root.appending(path: "data/\(path)")
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(try #require(disk.content(path))).write(to: file)
        }
        try Data(records.utf8).write(to: root.appending(path: "records.txt"))
    }
}

/// What the fixture of a format version holds: sealed, compacted, compressed and plain segments, the newest of each
/// partition partly in the journal only, as after a kill.
enum FormatFixture {
    static var settings: SimLog.Settings {
        var streams: [StreamSettings] = []
        for (name, durability) in [("device", Durability.fsync), ("state", .fsync), ("metric", .interval)] {
            var stream = StreamSettings(name: name)
            stream.durability = durability
            stream.partitionCount = name == "device" ? 2 : 1
            stream.policy.granuleBytesMax = 3000
            if name == "state" {
                stream.policy.cleanup = .compact
                stream.policy.dirtyPercentMin = 1
            }
            if name == "metric" {
                stream.policy.compression = .lz4
                stream.policy.sealing = .none
            }
            streams.append(stream)
        }
        var settings = SimLog.Settings(streams: streams)
        settings.journalFileBytes = 8192
        settings.limits.tailBytesMax = 1024
        settings.limits.indexIntervalBytes = 256
        settings.housekeeping.batchBytes = 1024
        settings.housekeeping.sealingDelayMilliseconds = 0
        return settings
    }

    /// A batch for each partition.
    static func appends(_ number: Int, _ partitions: [Int] = [0, 1, 2, 3]) -> [Append] {
        var appends: [Append] = []
        for partition in partitions {
            var builder = RecordBatchBuilder()
            let key = RecordFields.key(Array("\(number % 7)".utf8))
            let headers = RecordFields.headers([
                RecordHeader(name: TopicHeader.name, value: Array("fleet/\(number % 7)/t".utf8))
            ])
            let time = Timestamp(rawValue: 1_767_225_600_000 + Int64(number))
            if partition == 2, number % 11 == 0 {
                builder.appendTombstone(at: time, keyField: key.span, headersField: headers.span)
            } else {
                // Long enough on the stream that compresses each batch by itself.
                let text = Array(repeating: "all the same", count: partition == 3 ? 12 : 1).joined(separator: " ")
                let value = Array("{\"number\": \(number), \"partition\": \(partition), \"text\": \"\(text)\"}".utf8)
                builder.append(at: time, keyField: key.span, value: value.span, headersField: headers.span)
            }
            appends.append(
                Append(
                    partition: PartitionID(rawValue: UInt32(partition)), batch: builder.finish(), isAwaited: true,
                    topicHashes: nil))
        }
        return appends
    }

    private static func append(_ log: SimLog, _ number: Int) throws {
        let partitions = log.streams.flatMap(\.partitions).map(\.index)
        guard case .appended = log.append(appends(number, partitions)) else { throw LogModel.Violation("refused") }
        try log.write()
        try log.synchronize()
    }

    /// Makes the directory, and the text of its records.
    static func make() throws -> (SimDisk, String) {
        let disk = SimDisk()
        let log = try SimLog(disk, settings)
        let indexer = TopicIndexer(
            storage: disk, access: log,
            partitions: [0, 1].map { (PartitionID(rawValue: $0), SegmentPaths(stream: "device", number: Int($0))) },
            sectionBytes: 1000)
        // Made while the log runs: one that stays, and one that is deleted and leaves a number that nobody gets.
        for (name, count) in [("passing", 2), ("made", 1)] {
            var stream = StreamSettings(name: name)
            stream.partitionCount = count
            stream.policy.granuleBytesMax = 3000
            stream.policy.retentionMilliseconds = 86_400_000
            guard case .success = try log.administer(.create(stream)) else { throw LogModel.Violation("refused") }
        }
        for number in 0..<80 {
            try append(log, number)
            if number == 40 { _ = try log.administer(.delete("passing")) }
            if number % 8 == 7 {
                try log.flush()
                try log.prepare()
            }
            if number == 64 {
                _ = try log.housekeeper.compact(now: Timestamp(rawValue: .max >> 1), shouldStop: { false })
                _ = try log.housekeeper.seal(now: Timestamp(rawValue: .max >> 1), shouldStop: { false })
            }
        }
        while try indexer.step() {}
        for number in 80..<85 { try append(log, number) }
        let copy = try SimLog(disk.copy(), settings)
        return (disk, try text(copy))
    }

    /// Every record that is served, a line each.
    static func text(_ log: SimLog) throws -> String {
        var text = ""
        for partition in log.streams.flatMap(\.partitions).map(\.index).sorted() {
            for record in try log.readAll(partition).flatMap(StoredRecord.all) {
                let fields = [record.key, record.value].map { $0.map { String(decoding: $0, as: UTF8.self) } ?? "null" }
                text += "\(partition) \(record.offset) \(record.timestamp) \(fields[0]) \(fields[1])\n"
            }
        }
        return text
    }
}
