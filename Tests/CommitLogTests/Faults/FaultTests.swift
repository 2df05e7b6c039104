import CommitLogPosix
import Compression
import Foundation
import LogInterface
import RecordFormat
import SluiceCore
import SluiceTesting
import Testing

@testable import CommitLog

@Suite("The log on a disk that fails")
struct FaultTests {
    @Test("a failed sync poisons: nothing is acknowledged, nothing is taken, and a restart has what was acknowledged")
    func failedSync() throws {
        let world = FaultWorld()
        var log = try world.open()
        let first = try world.commit(log)
        world.disk.plan(SimDisk.Fault(.synchronize, path: "journal/", count: 1))
        let lsn = world.append(log)
        try log.write()
        #expect(throws: StorageError.self) { try log.synchronize() }
        // The sync would succeed now, without the bytes that the kernel has dropped.
        #expect(log.withState { $0.durable } == first)
        #expect(lsn == first.next)
        #expect(log.append([world.makeAppend()]) == .refusedPoisoned)
        world.disk.crash(.powerCut, seed: 1)
        log = try world.open()
        #expect(try log.readAll(0).count == 1)
    }

    @Test("the runtime acknowledges nothing after a failed sync", arguments: [Int32(5), 28])
    func failedSyncInRuntime(code: Int32) throws {
        let disk = SimDisk()
        let log = try LogRuntime(
            storage: disk, streams: [StreamSettings(name: "mqtt")], settings: FaultWorld.runtimeSettings,
            report: { _, _ in })
        try LogRuntimeTests.appendAndWait(log, [1])
        let durable = log.progress.durable
        disk.plan(SimDisk.Fault(.synchronize, path: JournalFiles.path(1), code: code))
        let loop = TestLoop(log)
        let (ticket, outcome) = loop.append([FaultWorld().makeAppend()])
        #expect(outcome == nil)
        while log.trouble == nil { loop.woken.wait() }
        disk.forgetFaults()
        let late = loop.append([FaultWorld().makeAppend()]).ticket
        log.stop()
        // Nobody knows what became of the first, and what is behind it waits with it.
        #expect(loop.outcome(of: ticket) == nil)
        #expect(loop.outcome(of: late) == nil)
        #expect(TestLoop(log).append([FaultWorld().makeAppend()]).outcome == .refused(.failed))
        #expect(log.progress.durable == durable)
        #expect(disk.content(LogOpening.cleanMark) == nil)
    }

    @Test("the acknowledgement of a group comes after its sync")
    func syncBeforeAcknowledgement() throws {
        let disk = SimDisk()
        let log = try LogRuntime(
            storage: disk, streams: [StreamSettings(name: "mqtt")], settings: FaultWorld.runtimeSettings,
            report: { _, _ in })
        defer { log.stop() }
        for number in 0..<20 {
            disk.startTrace()
            try LogRuntimeTests.appendAndWait(log, [number])
            let journal = disk.trace.filter { $0.path.hasPrefix("journal/") && $0.operation != .preallocate }
            let write = try #require(journal.firstIndex { $0.operation == .write })
            #expect(journal[write...].contains { $0.operation == .synchronize })
        }
    }

    @Test("a checkpoint after a failed segment sync keeps the journal, also when the next sync would succeed")
    func failedSegmentSync() throws {
        let world = FaultWorld()
        var log = try world.open()
        for _ in 0..<12 { _ = try world.commit(log) }
        world.disk.plan(SimDisk.Fault(.synchronize, path: ".log", count: 1))
        #expect(throws: StorageError.self) { try log.prepare() }
        #expect(throws: StorageError.self) { try log.prepare() }
        #expect(throws: StorageError.self) { try log.maintenance.markClean() }
        world.disk.crash(.powerCut, seed: 3)
        log = try world.open()
        #expect(try log.readAll(0).count == 12)
    }

    @Test("a failed directory sync while segments roll is final, too")
    func failedDirectorySync() throws {
        let world = FaultWorld()
        var log = try world.open()
        for _ in 0..<12 { _ = try world.commit(log) }
        world.disk.plan(SimDisk.Fault(.synchronizeDirectory, path: "streams/device-0", count: 1))
        let error = #expect(throws: StorageError.self) { try log.flush() }
        #expect(error?.isFull == false)
        world.disk.crash(.powerCut, seed: 5)
        log = try world.open()
        #expect(try log.readAll(0).count == 12)
    }

    @Test("a failed roll leaves the old segment in use, and the flush goes on when it works again")
    func failedRoll() throws {
        let world = FaultWorld()
        let log = try world.open()
        for _ in 0..<12 { _ = try world.commit(log) }
        world.disk.plan(SimDisk.Fault(.open, path: ".timeindex", count: 2, code: 28))
        for _ in 0..<2 {
            let error = #expect(throws: StorageError.self) { try log.flush() }
            #expect(error?.isFull == true)
            let flushed = log.withState { $0.partitions[0].flushed }
            #expect(try log.readAll(0).last?.nextOffset == flushed)
        }
        try log.flush()
        #expect(try log.readAll(0).count == 12)
        #expect(log.withState { $0.partitions[0].segments.count } > 2)
    }

    @Test("without space for segments the log refuses, keeps what it has, and goes on when space returns")
    func fullDisk() throws {
        let world = FaultWorld()
        var log = try world.open()
        for _ in 0..<12 { _ = try world.commit(log) }
        world.disk.setSpace(0)
        let error = try #require(#expect(throws: StorageError.self) { try log.flush() })
        #expect(error.isFull)
        _ = log.withState { $0.setFull(.device, error) }
        #expect(log.append([world.makeAppend()]) == .refusedFull)
        world.disk.setSpace(nil)
        _ = log.withState { $0.setFull(.device, nil) }
        _ = try world.commit(log)
        try log.flush()
        #expect(try log.readAll(0).count == 13)
        log = try world.reopen(.powerCut)
        #expect(try log.readAll(0).count == 13)
    }

    @Test("the runtime refuses while the disk is full and takes appends again when space returns")
    func fullRuntime() throws {
        let disk = SimDisk()
        let changed = Woken()
        let log = try LogRuntime(
            storage: disk, streams: [StreamSettings(name: "mqtt")], settings: FaultWorld.runtimeSettings,
            report: { _, _ in changed.signal() })
        let loop = TestLoop(log)
        disk.setSpace(0)
        var isRefused = false
        for _ in 0..<200_000 where !isRefused {
            isRefused = loop.isRefused(FaultWorld().makeAppend())
            if log.trouble == nil, log.isUnderPressure { changed.wait() }
        }
        if !isRefused { changed.wait() }
        #expect(TestLoop(log).append([FaultWorld().makeAppend()]).outcome == .refused(.full))
        disk.setSpace(nil)
        changed.wait()
        while log.trouble != nil { changed.wait() }
        try LogRuntimeTests.appendAndWait(log, [1], waitsForRoom: true)
        log.stop()
        #expect(disk.content(LogOpening.cleanMark) != nil)
    }

    @Test("sessions and offsets are stored while publishes are refused, out of the reserve; a full disk still opens")
    func reserve() throws {
        let disk = SimDisk()
        var settings = FaultWorld.runtimeSettings
        settings.reserveBytes = 256 << 10
        func open() throws -> LogRuntime {
            try LogRuntime(
                storage: disk, streams: ["mqtt", "__sessions"].map { StreamSettings(name: $0) }, settings: settings,
                report: { _, _ in })
        }
        var log = try open()
        while disk.content(SpaceReserve.path)?.count != settings.reserveBytes { sched_yield() }
        let loop = TestLoop(log)
        disk.fill()
        // One is enough to find the disk full; what else came in meanwhile would use the reserve up.
        _ = loop.append([FaultWorld().makeAppend()])
        while log.trouble == nil { sched_yield() }
        while disk.content(SpaceReserve.path) != nil { sched_yield() }
        let (user, session) = (FaultWorld().makeAppend(), FaultWorld().makeAppend(partition: 1))
        #expect(TestLoop(log).append([user, session]).outcome == .refused(.full))
        for number in 0..<50 { try LogRuntimeTests.appendAndWait(log, [number], partition: 1) }
        #expect(TestLoop(log).append([FaultWorld().makeAppend()]).outcome == .refused(.full))
        log.stop()
        // Nothing but the reserve's space was left, and the session records have taken a part of it.
        log = try open()
        #expect(log.bounds(PartitionID(rawValue: 1)).highWatermark.rawValue == 50)
        disk.setSpace(nil)
        while disk.content(SpaceReserve.path)?.count != settings.reserveBytes || log.trouble != nil { sched_yield() }
        try LogRuntimeTests.appendAndWait(log, [1], waitsForRoom: true)
        log.stop()
    }

    @Test("at its quota the directory takes no publishes, and takes them again when retention makes room")
    func quota() throws {
        let disk = SimDisk()
        var settings = FaultWorld.runtimeSettings
        settings.housekeepingNanoseconds = 5_000_000
        settings.policy.quotaBytes = 400 << 10
        var stream = StreamSettings(name: "mqtt")
        // Sealing would make what retention is to remove small.
        stream.policy.sealing = .none
        stream.policy.granuleBytesMax = 16 << 10
        let log = try LogRuntime(storage: disk, streams: [stream], settings: settings, report: { _, _ in })
        // A journal file that is recycled gives back what it took: the first refusal need not be the last.
        let loop = TestLoop(log)
        while !loop.isRefused(FaultWorld().makeAppend()) || log.trouble?.description.contains("quota") != true {
            sched_yield()
        }
        // What is not in a segment yet counts, and so do the journal's files.
        #expect(log.figures(PartitionID(rawValue: 0)).byteCount <= 400 << 10)
        var policy = log.streams[0].settings.policy
        policy.retentionBytesMax = 64 << 10
        log.setPolicy(policy, of: "mqtt")
        while log.bounds(PartitionID(rawValue: 0)).start == .zero || log.trouble != nil { sched_yield() }
        // Not all of the room may be there yet: journal files come and go meanwhile.
        try LogRuntimeTests.appendAndWait(log, [1], waitsForRoom: true)
        log.stop()
    }

    @Test("a directory in use by another process, of another format or without a place is refused by name")
    func refusedDirectories() throws {
        let directory = try TemporaryDirectory()
        let first = try LogRuntimeTests.open(directory.path)
        let second = #expect(throws: StorageError.self) { try PosixStorage(root: directory.path) }
        #expect(second?.operation == .lock)
        #expect(second?.path == directory.path)
        first.stop()
        withExtendedLifetime(first) {}
        let file = directory.path + "/file"
        try Data("x".utf8).write(to: URL(fileURLWithPath: file))
        let third = #expect(throws: StorageError.self) { try PosixStorage(root: file) }
        #expect(third?.path.contains(file) == true)

        let world = FaultWorld()
        _ = try world.open()
        world.disk.tamper("meta/format") { $0 = Array("sluice-format 3\n".utf8) }
        let fourth = #expect(throws: StorageError.self) { try world.reopen(.kill) }
        #expect(fourth?.operation == .format)
        #expect(fourth?.reason.contains("sluice-format 3") == true)
    }

    @Test("numbers of deleted partitions count against what a directory can have, before anything is made")
    func partitionNumbers() throws {
        let world = FaultWorld()
        _ = try world.open()
        world.disk.tamper("meta/catalogue") { bytes in
            guard var catalogue = Catalogue(bytes) else { return }
            catalogue.retire((1..<Limits.partitionsMax).map { PartitionID(rawValue: UInt32($0)) })
            bytes = catalogue.encoded
        }
        let stored = world.disk.content("meta/catalogue")
        var grown = StreamSettings(name: "device")
        grown.partitionCount = 2
        world.disk.crash(.kill, seed: 11)
        let refusal = #expect(throws: StorageError.self) {
            try SimLog(world.disk, SimLog.Settings(streams: [grown]))
        }
        #expect(refusal?.path == "meta/catalogue")
        #expect(refusal?.reason.contains("16385 partitions") == true)
        #expect(stored != nil && world.disk.content("meta/catalogue") == stored)
        _ = try world.reopen(.kill)
    }
}

/// One partition with small files.
final class FaultWorld {
    let disk = SimDisk()
    private var settings: SimLog.Settings
    private var serial: UInt8 = 0
    private(set) var sent: [RecordBatch] = []

    convenience init(_ stream: StreamSettings = StreamSettings(name: "device")) {
        var stream = stream
        stream.policy.granuleBytesMax = 1500
        self.init([stream])
    }

    init(_ streams: [StreamSettings]) {
        settings = SimLog.Settings(streams: streams)
        settings.journalFileBytes = 4096
        settings.limits.tailBytesMax = 2048
        settings.limits.indexIntervalBytes = 256
    }

    static var runtimeSettings: LogRuntimeSettings {
        var settings = LogRuntimeSettings()
        settings.journalFileBytes = 16 << 10
        settings.limits.tailBytesMax = 16 << 10
        settings.reserveBytes = 64 << 10
        return settings
    }

    func open() throws -> SimLog { try SimLog(disk, settings) }

    func reopen(_ crash: SimDisk.Crash) throws -> SimLog {
        disk.crash(crash, seed: 11)
        return try open()
    }

    func makeAppend(partition: Int = 0) -> Append {
        var builder = RecordBatchBuilder()
        let (key, headers) = (RecordFields.nullKey, RecordFields.headers([]))
        serial &+= 1
        let value = [UInt8](repeating: serial, count: 150)
        for _ in 0..<2 {
            builder.append(
                at: Timestamp(rawValue: 1000 + Int64(serial)), keyField: key.span, value: value.span,
                headersField: headers.span)
        }
        return Append(
            partition: PartitionID(rawValue: UInt32(partition)), batch: builder.finish(), isAwaited: true,
            topicHashes: nil)
    }

    @discardableResult
    func append(_ log: SimLog, partition: Int = 0) -> LSN? {
        let append = makeAppend(partition: partition)
        guard case .appended(let lsn) = log.append([append]) else { return nil }
        sent.append(append.batch)
        return lsn
    }

    /// Appends a batch and waits for the device.
    func commit(_ log: SimLog, partition: Int = 0) throws -> LSN {
        let lsn = try #require(append(log, partition: partition))
        try log.write()
        try log.synchronize()
        return lsn
    }
}
