import CommitLog
import LogInterface
import SluiceCore
import SluiceTesting
import Synchronization
import Testing

@testable import CommitLogPosix

@Suite("Each of the engine's threads by itself")
struct ThreadTests {
    private let partition = PartitionID(rawValue: 0)

    @Test("the journal thread makes groups durable without any other thread, and ends with what is left")
    func journal() throws {
        let parts = try LogParts(journalFileBytes: 64 << 10)
        let journal = JournalThread(parts.shared, parts.shelf, parts.flusher, writer: parts.takeWriter())
        parts.append()
        journal.start()
        parts.wait { parts.shared.state.partitions[0].highWatermark == Offset(rawValue: 1) }
        #expect(!parts.locked { parts.shelf.isWriterDone })
        parts.append()
        parts.stop { journal.signal() }
        journal.join()
        #expect(parts.locked { parts.shared.state.partitions[0].highWatermark } == Offset(rawValue: 2))
        #expect(parts.locked { parts.shelf.isWriterDone })
        #expect(LSN(rawValue: parts.shared.durableLSN.load(ordering: .acquiring)) == parts.shared.state.durable)
    }

    @Test("the journal thread goes on in the file that is on the shelf, and leaves the full one there")
    func takesSpare() throws {
        let parts = try LogParts()
        let journal = JournalThread(parts.shared, parts.shelf, parts.flusher, writer: parts.takeWriter())
        let spare = try parts.maintenance.makeJournalFile()
        parts.locked { parts.shelf.offer([spare]) }
        parts.append(byteCount: 3500)
        journal.start()
        parts.wait { parts.shared.state.partitions[0].highWatermark == Offset(rawValue: 1) }
        #expect(!parts.locked { parts.shelf.hasSpare })
        // It may go only when a later group than its own is durable, which this one is.
        let full = parts.locked { parts.shelf.full(behind: parts.shared.state.durable) }
        #expect(full.map(\.number) == [1])
        parts.stop { journal.signal() }
        journal.join()
    }

    @Test("without a file to go on in, and nobody who makes one, the log is poisoned")
    func hasNoSpare() throws {
        let parts = try LogParts()
        let journal = JournalThread(parts.shared, parts.shelf, parts.flusher, writer: parts.takeWriter())
        parts.locked { parts.shelf.makerIsDone() }
        parts.append(byteCount: 3500)
        journal.start()
        journal.join()
        #expect(parts.shared.trouble?.reason == "no file to go on in")
        #expect(parts.locked { parts.shared.state.partitions[0].highWatermark } == .zero)
    }

    @Test("the flusher brings durable batches to their segment, keeps a journal file at hand, and marks a clean end")
    func flushes() throws {
        let parts = try LogParts()
        var writer = parts.takeWriter()
        parts.append()
        try parts.commit(&writer)
        parts.flusher.start()
        parts.wait { parts.shared.state.partitions[0].flushed == Offset(rawValue: 1) && parts.shelf.hasSpare }
        // Not while the journal may still write.
        parts.stop { parts.flusher.signal() }
        parts.append()
        try parts.commit(&writer)
        #expect(!parts.locked { parts.shelf.isMakerDone })
        parts.locked {
            parts.shelf.writerIsDone()
            parts.flusher.signal()
        }
        parts.flusher.join()
        #expect(parts.locked { parts.shelf.isMakerDone })
        #expect(parts.locked { parts.shared.state.partitions[0].flushed } == Offset(rawValue: 2))
        #expect(parts.disk.content(LogOpening.cleanMark) != nil)
    }

    @Test("readers answer the loop that asked, with batches or with the offset of a time")
    func reads() throws {
        let disk = SimDisk()
        do {
            let parts = try LogParts(disk)
            var writer = parts.takeWriter()
            parts.append()
            try parts.commit(&writer)
        }
        // Recovery brings the journal's batches to their segment.
        let parts = try LogParts(disk)
        let pool = ReaderPool(parts.shared, parts.indexer, threadCount: 1)
        pool.start()
        for number in [7, 8] as [UInt64] {
            let request = ReadRequest(partition, from: .zero, byteCountMax: 1 << 20, number: number)
            let time = number == 8 ? Timestamp(rawValue: 2000) : nil
            parts.locked { pool.fetch(ReaderPool.Fetch(request: request, time: time, loop: parts.loop)) }
            parts.woken.wait()
            let answers = parts.locked { pool.takeAnswers(parts.loop) }
            #expect(answers.map(\.number) == [number])
            #expect(answers[0].read.nextOffset == Offset(rawValue: 1))
            #expect(answers[0].read.batches.count == (number == 7 ? 1 : 0))
        }
        #expect(parts.locked { pool.takeAnswers(parts.loop).isEmpty && pool.takeAnswers(LoopID(index: 3)).isEmpty })
        parts.stop { pool.signal() }
        pool.join()
    }

    @Test("housekeeping refuses publishes at the quota and takes them again when it is raised")
    func keepsQuota() throws {
        let parts = try LogParts()
        let journal = JournalThread(parts.shared, parts.shelf, parts.flusher, writer: parts.takeWriter())
        let housekeeping = HousekeepingThread(
            parts.shared, parts.shelf, parts.flusher, journal, parts.catalogue)
        func setQuota(_ byteCount: Int64) {
            parts.locked {
                parts.shared.state.policy.quotaBytes = byteCount
                housekeeping.measureQuotaRoom()
                housekeeping.signal()
            }
        }
        setQuota(1)
        housekeeping.start()
        parts.wait { parts.shared.state.full != nil }
        setQuota(1 << 40)
        parts.wait { parts.shared.state.full == nil }
        parts.stop { housekeeping.signal() }
        housekeeping.join()
    }

    // MARK: A group in flight

    private static func state() -> LogState {
        let partition = PartitionState(
            id: PartitionID(rawValue: 0), streamIndex: 0, durability: .fsync,
            segments: [SegmentInfo(baseOffset: .zero)], end: .zero)
        return LogState(partitions: [partition], nextLSN: LSN(rawValue: 1), limits: LogLimits())
    }

    @Test("one group is in flight at a time")
    func takesTwice() async {
        await #expect(processExitsWith: .failure) {
            var state = Self.state()
            let first = state.takeGroup()
            let second = state.takeGroup()
            state.completed(write: first).release()
            state.completed(write: second).release()
        }
    }

    @Test("only the group that is in flight can be settled")
    func settlesAnother() async {
        await #expect(processExitsWith: .failure) {
            var state = Self.state()
            _ = state.takeGroup()
            state.completed(write: CommitGroup(lsn: LSN(rawValue: 2))).release()
        }
    }

    @Test("a group that is given back settles everything up to it")
    func settles() {
        var state = Self.state()
        for number in 1...3 as ClosedRange<UInt64> {
            let group = state.takeGroup()
            #expect(group.lsn == LSN(rawValue: number))
            state.completed(write: group).release()
            #expect(state.written == LSN(rawValue: number))
        }
        state.completed(synchronize: state.written)
        #expect(state.durable == LSN(rawValue: 3))
    }
}
