import CommitLog
import LogInterface
import SluiceCore
import SluiceTesting
import Testing

@Suite("Calls about names that fail: nothing is in doubt, and they are made again")
struct NameFaultTests {
    @Test("a journal file keeps its name when its rename fails, and gets a new one that was not tried before")
    func recycling() throws {
        let disk = SimDisk()
        var files = try Self.files(disk)
        let first = try files.make()
        disk.plan(SimDisk.Fault(.rename, path: "journal/", count: 1))
        let failure = #expect(throws: StorageError.self) { try files.recycle(first) }
        #expect(failure?.isPassing == true)
        #expect(disk.content(JournalFiles.path(1)) != nil)
        let recycled = try #require(try files.recycle(first))
        #expect(recycled.number == 3)
        #expect(disk.content(JournalFiles.path(1)) == nil && disk.content(JournalFiles.path(3)) != nil)
    }

    @Test("a rename that was done and reported as failed costs a file, and leaves none behind")
    func doneAllTheSame() throws {
        let disk = SimDisk()
        var files = try Self.files(disk)
        let first = try files.make()
        disk.plan(SimDisk.Fault(.rename, path: "journal/", count: 1))
        #expect(throws: StorageError.self) { try files.recycle(first) }
        try disk.rename(JournalFiles.path(1), to: JournalFiles.path(2))
        #expect(try files.recycle(first) == nil)
        #expect(disk.paths.filter { $0.hasPrefix("journal/") }.isEmpty)
        let next = try files.make()
        #expect(next.number > 2)
    }

    @Test("a file that cannot be finished is in doubt when it was a sync, also when its removal fails behind that")
    func unfinished() throws {
        for (operation, isPassing) in [(StorageError.Operation.synchronize, false), (.open, true)] {
            let disk = SimDisk()
            var files = try Self.files(disk)
            disk.plan(SimDisk.Fault(operation, path: "journal/", count: 1))
            disk.plan(SimDisk.Fault(.remove, path: "journal/", count: 1))
            let failure = #expect(throws: StorageError.self) { try files.make() }
            #expect(failure?.operation == operation && failure?.isPassing == isPassing)
        }
    }

    @Test(
        "a checkpoint ends at the first file that keeps its name, and the next one goes on there; nothing is lost",
        arguments: [SimDisk.Crash.kill, .powerCut])
    func checkpoint(_ crash: SimDisk.Crash) throws {
        let world = FaultWorld()
        var log = try world.open()
        for _ in 0..<12 { _ = try world.commit(log) }
        world.disk.plan(SimDisk.Fault(.rename, path: "journal/", count: 1))
        let failure = #expect(throws: StorageError.self) {
            for _ in 0..<30 { _ = try world.commit(log); try log.prepare() }
        }
        #expect(failure?.operation == .rename)
        try log.prepare()
        for _ in 0..<12 { _ = try world.commit(log) }
        let count = world.sent.count
        log = try world.reopen(crash)
        #expect(!log.findings.contains { $0.severity == .damage }, "\(log.findings)")
        #expect(try log.readAll(0).count == count)
    }

    @Test("steps of a replacement that are about names are tried again while readers wait", arguments: [1, 40])
    func replacement(failureCount: Int) throws {
        for (operation, path) in [
            (StorageError.Operation.rename, ".log.swap"), (.rename, ".index.cleaned"), (.remove, ".topics"),
        ] {
            let world = try Self.world()
            world.disk.plan(SimDisk.Fault(operation, path: path, count: failureCount))
            #expect(try world.compact())
            #expect(try world.records().map(\.offset) == [36, 37, 38, 39], "\(operation) \(path)")
            try world.reopen(.powerCut)
            #expect(try world.records().map(\.offset) == [36, 37, 38, 39], "\(operation) \(path)")
        }
    }

    @Test("a step that fails for good puts the log in doubt, and the next opening puts it right")
    func hopeless() throws {
        let world = try Self.world()
        world.disk.plan(SimDisk.Fault(.rename, path: ".log.swap"))
        let error = #expect(throws: HousekeepingError.self) { try world.compact() }
        guard case .inDoubt = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        try world.reopen(.powerCut)
        #expect(try world.records().map(\.offset) == [36, 37, 38, 39])
    }

    @Test("a segment that cannot be removed is removed by a later pass, before newer ones of its partition")
    func retention() throws {
        let world = try HousekeepingWorld { policy, _ in policy.retentionMilliseconds = 1 }
        for number in 0..<3 {
            try world.put([("k", "\(number)")])
            try world.roll()
        }
        let names = world.segments.dropLast().map { SegmentPaths(stream: "state", number: 0).log($0.baseOffset) }
        func retain() throws {
            _ = try world.log.housekeeper.retain(wall: Timestamp(rawValue: 1_000_000), monotonic: 0)
        }
        world.disk.plan(SimDisk.Fault(.remove, path: names[0]))
        #expect(throws: HousekeepingError.self) { try retain() }
        #expect(throws: HousekeepingError.self) { try retain() }
        #expect(names.allSatisfy { world.disk.content($0) != nil }, "the oldest goes first")
        world.disk.forgetFaults()
        for _ in names { try retain() }
        #expect(names.allSatisfy { world.disk.content($0) == nil })
    }

    private static func files(_ disk: SimDisk) throws -> JournalFiles {
        try disk.makeDirectory(JournalFiles.directory)
        return JournalFiles(storage: disk, fileByteCount: 4096, nextNumber: 1)
    }

    private static func world() throws -> HousekeepingWorld {
        let world = try HousekeepingWorld { policy, _ in policy.cleanup = .compact }
        for number in 0..<40 { try world.put([("k\(number % 4)", String(repeating: "v", count: 50))]) }
        try world.roll()
        return world
    }
}
