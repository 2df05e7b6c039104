import CommitLog
import CommitLogPosix
import Foundation
import LogInterface
import RecordFormat
import SluiceCore
import SluiceTesting
import Synchronization
import Testing

/// A disk on which reads of some files wait until they are let go.
///
/// Isolation: any thread.
// Sendable: the storage behind it is, and the rest is behind the lock.
private final class GatedStorage: Storage, @unchecked Sendable {
    private let base: PosixStorage
    private let condition = NSCondition()
    private var gated: Set<Int> = []
    private var isGateOpen = true
    private(set) var waitingCount = 0
    private let gate: String

    init(_ base: PosixStorage, gate: String) {
        self.base = base
        self.gate = gate
    }

    func setGate(open isOpen: Bool) {
        condition.withLock {
            isGateOpen = isOpen
            condition.broadcast()
        }
    }

    /// Waits until a read waits.
    func waitForReader() {
        condition.withLock { while waitingCount == 0 { condition.wait() } }
    }

    func open(_ path: String, creating: Bool) throws(StorageError) -> FileID {
        let file = try base.open(path, creating: creating)
        if path.contains(gate) { condition.withLock { _ = gated.insert(Int(file.rawValue)) } }
        return file
    }

    func removeDirectory(_ path: String) throws(StorageError) { try base.removeDirectory(path) }

    func close(_ file: FileID) {
        condition.withLock { _ = gated.remove(Int(file.rawValue)) }
        base.close(file)
    }

    func read(_ file: FileID, into memory: UnsafeMutableRawBufferPointer, at position: Int64) throws(StorageError)
        -> Int
    {
        condition.withLock {
            guard gated.contains(Int(file.rawValue)), !isGateOpen else { return }
            waitingCount += 1
            condition.broadcast()
            while !isGateOpen { condition.wait() }
            waitingCount -= 1
        }
        return try base.read(file, into: memory, at: position)
    }

    func byteCount(_ file: FileID) throws(StorageError) -> Int64 { try base.byteCount(file) }

    func usedByteCount(_ directory: String) throws(StorageError) -> Int64 { try base.usedByteCount(directory) }

    func write(_ file: FileID, _ pieces: [UnsafeRawBufferPointer], at position: Int64) throws(StorageError) {
        try base.write(file, pieces, at: position)
    }

    func synchronize(_ file: FileID) throws(StorageError) { try base.synchronize(file) }
    func refresh(_ file: FileID) throws(StorageError) { try base.refresh(file) }
    func synchronizeDirectory(_ path: String) throws(StorageError) { try base.synchronizeDirectory(path) }

    func truncate(_ file: FileID, to byteCount: Int64) throws(StorageError) {
        try base.truncate(file, to: byteCount)
    }

    func preallocate(_ file: FileID, byteCount: Int64) throws(StorageError) {
        try base.preallocate(file, byteCount: byteCount)
    }

    func list(_ path: String) throws(StorageError) -> [String] { try base.list(path) }
    func makeDirectory(_ path: String) throws(StorageError) { try base.makeDirectory(path) }
    func rename(_ path: String, to newPath: String) throws(StorageError) { try base.rename(path, to: newPath) }
    func remove(_ path: String) throws(StorageError) { try base.remove(path) }
}

@Suite("History on a disk that takes its time")
struct SlowReadTests {
    private static func fetch(_ log: LogRuntime, _ partition: UInt32, number: UInt64, _ loop: LoopID) {
        log.fetch(
            ReadRequest(PartitionID(rawValue: partition), from: .zero, byteCountMax: 10_000, number: number),
            for: loop)
    }

    private static func takeFetched(
        _ log: LogRuntime, _ reader: LoopID, _ woken: Woken
    ) -> [(number: UInt64, read: PartitionRead)] {
        var fetched = log.takeFetched(reader)
        while fetched.isEmpty, woken.wait(within: 120) { fetched = log.takeFetched(reader) }
        return fetched
    }

    @Test("a read that waits for the disk holds up nobody who reads something else")
    func coldReads() throws {
        let directory = try TemporaryDirectory()
        let disk = GatedStorage(try PosixStorage(root: directory.path), gate: "streams/cold-0/")
        var settings = LogRuntimeSettings()
        settings.limits.tailBytesMax = 4 << 10
        let streams = [StreamSettings(name: "cold"), StreamSettings(name: "warm")]
        let log = try LogRuntime(storage: disk, streams: streams, settings: settings, report: { _, _ in })
        for partition in 0..<UInt32(2) {
            for number in 0..<300 { try LogRuntimeTests.appendAndWait(log, [number], partition: partition) }
        }
        let woken = Woken()
        let reader = log.register(wake: { woken.signal() })
        while (0..<UInt32(2)).contains(where: { id in log.withState({ $0.partitions[Int(id)].flushed }) == .zero }) {
            try LogRuntimeTests.appendAndWait(log, [300], partition: 0)
            try LogRuntimeTests.appendAndWait(log, [300], partition: 1)
        }
        disk.setGate(open: false)
        Self.fetch(log, 0, number: 1, reader)
        disk.waitForReader()
        Self.fetch(log, 1, number: 2, reader)
        let warm = Self.takeFetched(log, reader, woken)
        disk.setGate(open: true)
        #expect(warm.map(\.number) == [2])
        #expect(warm.first?.read.batches.isEmpty == false)
        let cold = Self.takeFetched(log, reader, woken)
        #expect(cold.map(\.number) == [1])
        #expect(cold.first?.read.batches.isEmpty == false)
        log.stop()
    }
}
