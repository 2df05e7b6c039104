import CommitLog
import CommitLogPosix
import Foundation
import LogInterface
import RecordFormat
import SluiceCore
import SluiceTesting
import Testing

@Suite("The engine's threads on a disk that fails")
struct RuntimeFaultTests {
    /// A call that fails for good, and how often it may succeed before.
    struct Failure: Sendable, CustomTestStringConvertible {
        var operation: StorageError.Operation
        var path: String
        var code: Int32 = 5
        var testDescription: String { "\(operation) \(path): \(code)" }
    }

    private static let final = [
        Failure(operation: .write, path: "journal/"), Failure(operation: .synchronize, path: "journal/"),
        Failure(operation: .synchronize, path: ".log"), Failure(operation: .synchronize, path: ".log", code: 28),
        Failure(operation: .synchronize, path: ".index"), Failure(operation: .write, path: ".log"),
        Failure(operation: .synchronizeDirectory, path: "streams/mqtt-0"),
        Failure(operation: .synchronizeDirectory, path: "streams/mqtt-0", code: 28),
        Failure(operation: .synchronizeDirectory, path: "journal"),
    ]

    private static let passing = [
        Failure(operation: .write, path: ".log", code: 28), Failure(operation: .write, path: ".log", code: 122),
        Failure(operation: .write, path: ".index", code: 28), Failure(operation: .open, path: ".log", code: 28),
        Failure(operation: .open, path: ".index", code: 122), Failure(operation: .open, path: ".log", code: 24),
        Failure(operation: .open, path: ".timeindex", code: 23), Failure(operation: .open, path: ".log", code: 12),
        Failure(operation: .preallocate, path: "journal/", code: 28),
        Failure(operation: .preallocate, path: "journal/", code: 122),
        Failure(operation: .rename, path: "journal/"), Failure(operation: .open, path: ".log"),
        Failure(operation: .open, path: ".timeindex"), Failure(operation: .rename, path: "journal/", code: 30),
    ]

    private static func open(_ disk: SimDisk) throws -> LogRuntime {
        var stream = StreamSettings(name: "mqtt")
        stream.policy.granuleBytesMax = 4 << 10
        var settings = FaultWorld.runtimeSettings
        settings.housekeepingNanoseconds = 5_000_000
        // Every commit may be flushed at once, so that each thread meets its calls soon.
        settings.limits.unflushedBytesMax = 32 << 10
        settings.limits.pendingBytesMax = 16 << 10
        return try LogRuntime(storage: disk, streams: [stream], settings: settings, report: { _, _ in })
    }

    /// What became of an append.
    private enum Fate { case acknowledged, taken, refused }

    /// Appends `number` and waits for the acknowledgement, or for trouble.
    private static func append(_ log: LogRuntime, _ number: Int, _ loop: TestLoop) -> Fate {
        var builder = RecordBatchBuilder()
        let (key, headers) = (RecordFields.nullKey, RecordFields.headers([]))
        let value = Array("\(number)".utf8)
        builder.append(
            at: Timestamp(rawValue: 1000), keyField: key.span, value: value.span, headersField: headers.span)
        let append = Append(
            partition: PartitionID(rawValue: 0), batch: builder.finish(), isAwaited: true, topicHashes: nil)
        let end = log.bounds(append.partition).end
        let ticket = log.append([append], from: loop.id)
        // The settlement of a refusal waits for those before it, which may be stuck.
        guard log.bounds(append.partition).end > end else { return .refused }
        while loop.outcome(of: ticket) == nil {
            if log.trouble != nil { return .taken }
            loop.woken.wait()
        }
        #expect(loop.outcome(of: ticket) == .stored)
        return .acknowledged
    }

    @Test(
        "EIO of a write or a sync poisons: nothing is acknowledged any more, readers are served, nothing is lost",
        arguments: final)
    func poisons(_ failure: Failure) throws {
        let disk = SimDisk()
        var log = try Self.open(disk)
        let loop = TestLoop(log)
        var acknowledged: [Int] = []
        for number in 0..<40 where Self.append(log, number, loop) == .acknowledged {
            acknowledged.append(number)
        }
        #expect(acknowledged.count == 40)
        disk.plan(SimDisk.Fault(failure.operation, path: failure.path, code: failure.code))
        var number = 40
        while log.withState({ $0.poison }) == nil {
            if Self.append(log, number, loop) == .acknowledged { acknowledged.append(number) }
            number += 1
        }
        // What fails once would succeed now, without what was lost.
        disk.forgetFaults()
        for _ in 0..<20 { #expect(Self.append(log, number, loop) == .refused) }
        #expect(log.withState { $0.poison?.operation } == failure.operation)
        let durable = log.bounds(PartitionID(rawValue: 0)).highWatermark
        #expect(try LogRuntimeTests.values(log).starts(with: acknowledged))
        log.stop()
        #expect(log.bounds(PartitionID(rawValue: 0)).highWatermark == durable)
        #expect(disk.content(LogOpening.cleanMark) == nil)
        disk.crash(.powerCut, seed: 7)
        log = try Self.open(disk)
        #expect(!log.findings.contains { $0.severity == .damage }, "\(log.findings)")
        #expect(try LogRuntimeTests.values(log).starts(with: acknowledged))
        try LogRuntimeTests.appendAndWait(log, [number])
        log.stop()
    }

    @Test(
        "no space, no quota, no descriptor, EIO of a name: refuses, serves readers, and resumes by itself",
        arguments: passing)
    func resumes(_ failure: Failure) throws {
        let disk = SimDisk()
        var log = try Self.open(disk)
        let loop = TestLoop(log)
        var acknowledgedCount = 0
        var taken: [Int] = []
        for round in 0..<3 {
            disk.plan(SimDisk.Fault(failure.operation, path: failure.path, code: failure.code))
            var number = round * 1_000_000
            while log.trouble == nil {
                let fate = Self.append(log, number, loop)
                if fate != .refused { taken.append(number) }
                if fate == .acknowledged { acknowledgedCount = taken.count }
                number += 1
            }
            #expect(log.withState { $0.poison } == nil)
            #expect(Self.append(log, number, loop) == .refused)
            let served = try LogRuntimeTests.values(log)
            #expect(served.count >= acknowledgedCount && taken.starts(with: served))
            disk.forgetFaults()
            while log.trouble != nil { sched_yield() }
            #expect(Self.append(log, number + 1, loop) == .acknowledged)
            taken.append(number + 1)
        }
        // What was taken and not acknowledged while there was no space is there, too.
        #expect(try LogRuntimeTests.values(log) == taken)
        log.stop()
        #expect(disk.content(LogOpening.cleanMark) != nil)
        log = try Self.open(disk)
        #expect(log.findings.isEmpty)
        #expect(try LogRuntimeTests.values(log) == taken)
        log.stop()
    }

    @Test("while old segments cannot be rolled publishes are refused, and the first that is taken comes after the roll")
    func failedRollByAge() throws {
        let disk = SimDisk()
        var settings = FaultWorld.runtimeSettings
        // More than the time between two tries, so that not each of them is one to roll.
        settings.housekeepingNanoseconds = 250_000_000
        let (refused, taken) = (Woken(), Woken())
        let log = try LogRuntime(
            storage: disk, streams: [StreamSettings(name: "mqtt")], settings: settings,
            report: { event, words in
                if event == .publishesRefused { refused.signal() }
                if event == .publishesResumed, words.text.hasPrefix("files can be opened again") { taken.signal() }
            })
        disk.plan(SimDisk.Fault(.open, path: ".log", count: 3, code: 24))
        try LogRuntimeTests.appendAndWait(log, [1])
        refused.wait()
        taken.wait()
        #expect(log.figures(PartitionID(rawValue: 0)).hasRemovable)
        log.stop()
    }

    @Test("a write that gets halfway is done again from its start, and no reader sees the half")
    func shortWrites() throws {
        for room in stride(from: 1, through: 1200, by: 37) {
            let world = FaultWorld()
            var log = try world.open()
            for _ in 0..<3 { _ = try world.commit(log) }
            try log.flush()
            let before = try log.readAll(0).count
            for _ in 0..<4 { _ = try world.commit(log) }
            world.disk.fill(leaving: room)
            #expect(throws: StorageError.self) { while true { try log.flush(); try log.prepare() } }
            let half = try log.readAll(0)
            #expect(half.count >= before && half.count <= 7)
            #expect(half.elementsEqual(world.sent.prefix(half.count)) { $0.checksum == $1.checksum })
            world.disk.setSpace(nil)
            try log.flush()
            #expect(try log.readAll(0).map(\.checksum) == world.sent.map(\.checksum))
            log = try world.reopen(room % 2 == 0 ? .kill : .powerCut)
            #expect(try log.readAll(0).map(\.checksum) == world.sent.map(\.checksum))
        }
    }
}
