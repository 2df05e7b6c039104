import CommitLog
import LogInterface
import SluiceCore
import SluiceTesting
import Testing

@Suite("Streams that are made and deleted while the log runs")
struct StreamAdministratorTests {
    private let disk = SimDisk()
    private let log: SimLog

    init() throws {
        log = try SimLog(disk, SimLog.Settings(streams: [StreamSettings(name: "kept")]))
    }

    private func index(_ operation: StorageError.Operation, _ path: String, last: Bool = false) throws -> Int {
        let isIt = { (event: SimDisk.Event) in event.operation == operation && event.path.hasPrefix(path) }
        return try #require(last ? disk.trace.lastIndex(where: isIt) : disk.trace.firstIndex(where: isIt))
    }

    private func isAt(_ operation: StorageError.Operation, _ path: String) -> (SimDisk.Event) -> Bool {
        { $0.operation == operation && $0.path == path }
    }

    @Test("the device has the catalogue before a directory is made, and the directory before the log knows of it")
    func creates() throws {
        disk.startTrace()
        _ = try log.administer(.create(StreamSettings(name: "made"))).get()
        let order = [
            try index(.synchronize, "meta/catalogue.new"), try index(.rename, "meta/catalogue.new"),
            try index(.synchronizeDirectory, "meta", last: true), try index(.makeDirectory, "streams/made-0"),
            try index(.synchronize, "streams/made-0/partition.metadata.new"),
            try index(.synchronizeDirectory, "streams/made-0"), try index(.synchronizeDirectory, "streams", last: true),
        ]
        #expect(order == order.sorted(), "\(disk.trace)")
        // Segment files are made behind all that, and their names synchronised last.
        #expect(disk.trace.last.map(isAt(.synchronizeDirectory, "streams/made-0")) == true)
    }

    @Test("the device has the catalogue without a stream before anything of it is removed, its metadata last")
    func deletes() throws {
        _ = try log.administer(.create(StreamSettings(name: "made"))).get()
        disk.startTrace()
        _ = try log.administer(.delete("made")).get()
        #expect(!disk.trace.contains { $0.operation == .remove })
        try log.administrator.removeFiles()
        #expect(!disk.trace.contains { $0.operation == .remove }, "the flusher has not let go of it")
        try log.flush()
        try log.administrator.removeFiles()
        let order = [
            try index(.synchronizeDirectory, "meta", last: true), try index(.remove, "streams/made-0/0"),
            try index(.synchronizeDirectory, "streams/made-0"),
            try index(.remove, "streams/made-0/partition.metadata"),
            try #require(disk.trace.lastIndex(where: isAt(.remove, "streams/made-0"))),
            try #require(disk.trace.lastIndex(where: isAt(.synchronizeDirectory, "streams"))),
        ]
        #expect(order == order.sorted(), "\(disk.trace)")
        #expect(try disk.list("streams") == ["kept-0"])
    }

    @Test("without space a stream is refused, nothing of it stays, and with space again it is made")
    func wantsSpace() throws {
        disk.fill()
        guard case .failure(.storage(let reason)) = try log.administer(.create(StreamSettings(name: "made"))) else {
            Issue.record("made without space")
            return
        }
        #expect(reason.contains("no space"))
        #expect(log.streams.map(\.settings.name) == ["kept"])
        disk.setSpace(nil)
        try log.administrator.removeFiles()
        #expect(try disk.list("streams") == ["kept-0"])
        #expect(try log.administer(.create(StreamSettings(name: "made"))).get().partitions.count == 1)
    }

    @Test("names that may not be on the device are the end of the log")
    func inDoubt() throws {
        disk.plan(SimDisk.Fault(.synchronizeDirectory, path: "meta"))
        let error = #expect(throws: StorageError.self) {
            _ = try log.administer(.create(StreamSettings(name: "made")))
        }
        #expect(error?.operation == .synchronizeDirectory)
    }
}
