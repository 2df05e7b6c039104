import CommitLog
import CommitLogPosix
import Compression
import Foundation
import LogInterface
import RecordFormat
import SluiceCore
import SluiceTesting
import Testing

@Suite("Erasures of the running engine")
struct ErasureRuntimeTests {
    private static let partition = PartitionID(rawValue: 0)

    /// An engine whose journal goes from file to file soon, and whose segments stay uncompressed.
    private static func open(_ path: String) throws -> LogRuntime {
        var settings = LogRuntimeSettings()
        settings.journalFileBytes = 16 << 10
        settings.limits.tailBytesMax = 64 << 10
        var stream = StreamSettings(name: "mqtt")
        stream.policy.sealing = .none
        stream.policy.granuleBytesMax = 32 << 10
        return try LogRuntime(
            storage: PosixStorage(root: path), streams: [stream], settings: settings, report: { _, _ in })
    }

    private static func append(_ loop: TestLoop, _ log: LogRuntime, _ key: String, _ value: String) {
        var builder = RecordBatchBuilder()
        let (field, headers, bytes) = (
            RecordFields.key(Array(key.utf8)), RecordFields.headers([]), Array(value.utf8)
        )
        builder.append(
            at: Timestamp(rawValue: 1), keyField: field.span, value: bytes.span, headersField: headers.span)
        let append = Append(partition: partition, batch: builder.finish(), isAwaited: true, topicHashes: nil)
        #expect(loop.settle(log.append([append], from: loop.id)) == .stored)
    }

    private static func order(_ log: LogRuntime) -> ErasureOrder {
        let target = ErasureOrder.Target(partition, before: log.endOffsets()[0]) { key, _ in key.count == 4 }
        return ErasureOrder([target], isDryRun: false)
    }

    @Test("while others append, each erasure ends, takes what was there, and nothing of the others is lost")
    func beside() throws {
        let directory = try TemporaryDirectory()
        try Self.eraseBesideAppends(directory)
        let again = try Self.open(directory.path)
        defer { again.stop() }
        #expect(again.findings.isEmpty)
        #expect(try LogRuntimeTests.values(again) == Array(0..<3000))
    }

    private static func eraseBesideAppends(_ directory: TemporaryDirectory) throws {
        let log = try open(directory.path)
        let loop = TestLoop(log)
        let appender = WorkerThread(name: "appender") {
            let loop = TestLoop(log)
            for number in 0..<3000 { append(loop, log, "kept!", String(number)) }
        }
        for round in 0..<8 {
            for _ in 0..<20 { append(loop, log, "gone", "-77 the secret of round \(round)") }
            let report = loop.erase(order(log))
            #expect(report.fault == nil && report.tallies[partition]?.recordCount == 20)
            let secret = Data("the secret of round \(round)".utf8)
            let files = FileManager.default.enumerator(atPath: directory.path)?.compactMap { $0 as? String } ?? []
            for name in files where name.hasSuffix(".wal") || name.hasSuffix(".log") {
                // One that goes away meanwhile has nothing any more.
                guard let data = FileManager.default.contents(atPath: directory.path + "/" + name) else { continue }
                #expect(data.range(of: secret) == nil, "\(name), round \(round)")
            }
        }
        appender.join()
        #expect(try LogRuntimeTests.values(log) == Array(0..<3000))
        log.stop()
    }

    @Test("whoever gave an order as the engine stops hears what became of it")
    func stops() throws {
        let directory = try TemporaryDirectory()
        let log = try Self.open(directory.path)
        let loop = TestLoop(log)
        for number in 0..<200 { Self.append(loop, log, "gone", "\(number)") }
        for number in UInt64(1)...3 { log.erase(Self.order(log), number: number, for: loop.id) }
        log.stop()
        log.erase(Self.order(log), number: 4, for: loop.id)
        let reports = log.takeErasures(loop.id)
        #expect(reports.map(\.number) == [1, 2, 3, 4])
        #expect(reports.allSatisfy { $0.report.isDone })
        #expect(reports.last?.report.fault == "the log stops")
    }
}
