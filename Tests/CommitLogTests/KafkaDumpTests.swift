import CommitLog
import CommitLogPosix
import Foundation
import LogInterface
import RecordFormat
import SluiceCore
import Testing

@Suite("Kafka's own tool on our files", .serialized)
struct KafkaDumpTests {
    @Test(
        "kafka-dump-log finds every batch valid and every index right",
        .enabled(if: Kafka.isPresent, "needs ../shared/kafka or SLUICE_KAFKA_HOME, and java"))
    func dumps() throws {
        let directory = try TemporaryDirectory()
        let names = try Self.write(to: directory.path)
        #expect(names.filter { $0.hasSuffix(".log") }.count > 3)
        let files = names.map { "\(directory.path)/streams/mqtt-0/\($0)" }.joined(separator: ",")

        let deep = try Kafka.run(["dump-log", "--files", files, "--deep-iteration"])
        #expect(deep.status == 0)
        #expect(deep.errors == "")
        let batches = deep.output.split(separator: "\n").filter { $0.hasPrefix("baseOffset:") }
        #expect(batches.count == 60)
        #expect(batches.allSatisfy { $0.contains("isvalid: true") })
        for complaint in ["Mismatches", "timestamp mismatch", "out of order", "Found invalid", "trailing"] {
            #expect(!deep.output.contains(complaint))
        }

        let indexes = names.filter { $0.hasSuffix("index") }.map { "\(directory.path)/streams/mqtt-0/\($0)" }
        let sanity = try Kafka.run(
            ["dump-log", "--files", indexes.joined(separator: ","), "--index-sanity-check"])
        #expect(sanity.status == 0)
        #expect(sanity.errors == "")
        #expect(sanity.output.components(separatedBy: "passed sanity check").count == indexes.count + 1)
    }

    /// Sixty batches in small segments, written by the runtime.
    /// - Returns: the names of the partition's segment files.
    private static func write(to path: String) throws -> [String] {
        var stream = StreamSettings(name: "mqtt")
        stream.policy.granuleBytesMax = 8000
        var settings = LogRuntimeSettings()
        settings.limits.indexIntervalBytes = 512
        // Its records are old: a slow disk's segments would be sealed, which makes one batch of several.
        settings.housekeepingNanoseconds = LogRuntimeTests.hourNanoseconds
        let log = try LogRuntime(
            storage: PosixStorage(root: path), streams: [stream], settings: settings, report: { _, _ in })
        for number in 0..<60 { try LogRuntimeTests.appendAndWait(log, Array(number * 50..<number * 50 + 50 + number)) }
        log.stop()
        return try FileManager.default.contentsOfDirectory(atPath: path + "/streams/mqtt-0")
            .filter { $0 != "partition.metadata" }.sorted()
    }
}

/// The Kafka beside the repository, for tests that compare with it.
enum Kafka {
    private static let home: String = {
        if let home = ProcessInfo.processInfo.environment["SLUICE_KAFKA_HOME"] { return home }
        // Tests/CommitLogTests/<this file>: three up is the package, its neighbour is `shared`.
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return package.deletingLastPathComponent().appendingPathComponent("shared/kafka").path
    }()

    static var isPresent: Bool {
        let path = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        return FileManager.default.isExecutableFile(atPath: home + "/bin/kafka")
            && path.contains { FileManager.default.isExecutableFile(atPath: "\($0)/java") }
    }

    static func run(_ arguments: [String]) throws -> (status: Int32, output: String, errors: String) {
        let directory = try TemporaryDirectory()
        let (output, errors) = (directory.path + "/out", directory.path + "/err")
        for path in [output, errors] { try Data().write(to: URL(fileURLWithPath: path)) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: home + "/bin/kafka")
        process.arguments = arguments
        process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: output))
        process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: errors))
        try process.run()
        process.waitUntilExit()
        // Kafka 4.3 says so of the first batch of each segment that does not begin at 0, and means nothing by it.
        let complaints = try String(contentsOfFile: errors, encoding: .utf8)
            .replacing(/Non-consecutive offsets in \S+\n\s*-1 is followed by \d+\n/, with: "")
        return (process.terminationStatus, try String(contentsOfFile: output, encoding: .utf8), complaints)
    }
}
