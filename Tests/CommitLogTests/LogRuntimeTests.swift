import CommitLog
import CommitLogPosix
import Foundation
import LogInterface
import RecordFormat
import SluiceCore
import SluiceTesting
import Synchronization
import Testing

@Suite("The embedded engine on a real disk")
struct LogRuntimeTests {
    /// Time between housekeeping passes of a log whose files are to stay as they are.
    static let hourNanoseconds: Int64 = 3_600_000_000_000

    @Test("what was acknowledged is read back after a clean stop, and offsets go on")
    func reopens() throws {
        let directory = try TemporaryDirectory()
        do {
            let log = try Self.open(directory.path)
            for number in 0..<100 { try Self.appendAndWait(log, [number]) }
            #expect(log.bounds(PartitionID(rawValue: 0)).highWatermark.rawValue == 100)
            log.stop()
        }
        let log = try Self.open(directory.path)
        defer { log.stop() }
        #expect(log.findings.isEmpty)
        #expect(log.bounds(PartitionID(rawValue: 0)).start.rawValue == 0)
        #expect(log.bounds(PartitionID(rawValue: 0)).end.rawValue == 100)
        #expect(try Self.values(log) == Array(0..<100))
    }

    @Test("journal files are recycled while appends go on, and every record is there")
    func recyclesJournal() throws {
        let directory = try TemporaryDirectory()
        var settings = LogRuntimeSettings()
        settings.journalFileBytes = 64 << 10
        settings.limits.tailBytesMax = 16 << 10
        let log = try Self.open(directory.path, settings)
        for number in 0..<2000 { try Self.appendAndWait(log, [number]) }
        #expect(try Self.values(log) == Array(0..<2000))
        let journal = try FileManager.default.contentsOfDirectory(atPath: directory.path + "/journal")
        #expect(journal.count <= 6)
        log.stop()
    }

    static func open(_ path: String, _ settings: LogRuntimeSettings = LogRuntimeSettings()) throws -> LogRuntime {
        try LogRuntime(
            storage: PosixStorage(root: path), streams: [StreamSettings(name: "mqtt")], settings: settings,
            report: { _, _ in })
    }

    /// Appends a batch and waits for the device.
    /// - Parameter waitsForRoom: a log that is full is asked again. Where space has just returned, a thread that found
    ///   none before may be about to say so.
    static func appendAndWait(
        _ log: LogRuntime, _ numbers: [Int], partition: UInt32 = 0, waitsForRoom: Bool = false
    ) throws {
        let loop = TestLoop(log)
        var builder = RecordBatchBuilder()
        let (key, headers) = (RecordFields.nullKey, RecordFields.headers([]))
        for number in numbers {
            let value = Array(String(number).utf8)
            builder.append(
                at: Timestamp(rawValue: 1000), keyField: key.span, value: value.span, headersField: headers.span)
        }
        let append = Append(
            partition: PartitionID(rawValue: partition), batch: builder.finish(), isAwaited: true, topicHashes: nil)
        var outcome = loop.settle(log.append([append], from: loop.id))
        while waitsForRoom, outcome == .refused(.full) {
            sched_yield()
            outcome = loop.settle(log.append([append], from: loop.id))
        }
        #expect(outcome == .stored)
    }

    static func values(_ log: LogRuntime) throws -> [Int] {
        let woken = Woken()
        let loop = log.register(wake: { woken.signal() })
        var offset = Offset.zero
        let end = log.bounds(PartitionID(rawValue: 0)).highWatermark
        var values: [Int] = []
        var hint: ReadHint?
        while offset < end {
            var read = log.readTail(
                PartitionID(rawValue: 0), from: offset, visibility: .durable, loop: loop, byteCountMax: 10_000)
            if read == nil {
                var request = ReadRequest(PartitionID(rawValue: 0), from: offset, byteCountMax: 10_000, number: 7)
                request.hint = hint
                log.fetch(request, for: loop)
                // Loops are woken for other reasons, too.
                while read == nil {
                    woken.wait()
                    read = log.takeFetched(loop).first?.read
                }
            }
            guard let read, !read.batches.isEmpty else { break }
            hint = read.hint
            for batch in read.batches {
                var records = RecordReader(batch)
                let view = batch.bytes
                while let record = try records.next(view) {
                    var bytes: [UInt8] = []
                    for index in record.value?.indices ?? 0..<0 { bytes.append(view[index]) }
                    values.append(Int(String(decoding: bytes, as: UTF8.self)) ?? -1)
                }
            }
            offset = read.nextOffset
        }
        return values
    }
}

/// A directory that is removed with its last reference.
final class TemporaryDirectory {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "sluice-test-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
