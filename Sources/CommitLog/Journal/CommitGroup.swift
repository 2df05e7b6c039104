package import LogInterface
package import RecordFormat
package import SluiceCore

/// A batch in the tail of the log, as journal, flusher and readers share it.
package struct LogEntry: Sendable {
    /// The batch; its offsets are final.
    package let batch: RecordBatch
    /// The partition it belongs to.
    package let partition: PartitionID
    /// Its number among all batches of this run of the node, dense from 0: what readers' scan positions count.
    package let sequence: UInt64
    /// The commit group that covers it.
    package let lsn: LSN
    /// The distinct XXH3 hashes of the topics in the batch, or nil when nobody asked or there are too many to list.
    package let topicHashes: [UInt64]?
    /// Whether its bytes go to the journal; otherwise only a reservation of its offsets does.
    package let isJournaled: Bool
    /// When readers of durable records may see it.
    package let visibility: Durability

    /// What an entry takes beside its batch's bytes: the batch's object (about 140 bytes with malloc's own), a place in
    /// the tail and in its partition's, in rings that may be half empty (up to 240), and the array of hashes. A fleet
    /// of single readings has more of this than of readings.
    private static let overheadByteCount = 384

    /// Bytes of memory that the entry holds.
    var memoryByteCount: Int {
        batch.memoryByteCount + Self.overheadByteCount + (topicHashes?.count ?? 0) * MemoryLayout<UInt64>.stride
    }
}

/// The batches that one journal write makes durable together.
///
/// The log's state gathers one. Whoever takes it owns it while it is in flight, and gives it back when it is written:
/// there is one of it, so that nothing is added to what is being written, and nothing is settled twice or unwritten.
package struct CommitGroup: ~Copyable {
    /// The number of the group.
    package let lsn: LSN
    /// The batches, in the order of their appends.
    package private(set) var entries: [LogEntry] = []
    /// Ends of partitions that must not be given twice, noted where a journal file begins.
    package private(set) var reservations: [(partition: PartitionID, end: Offset)] = []
    /// Bytes that the journal will write for the batches.
    package private(set) var byteCount = 0
    /// Records that a publisher waits for.
    package private(set) var awaitedCount = 0
    /// Whether an acknowledgement or a reader waits for the device.
    package private(set) var wantsSync = false
    /// Whether one who waits does not like to.
    package private(set) var isHasty = false
    /// Whether an acknowledgement waits for the write.
    package private(set) var wantsWrite = false

    /// An empty group.
    package init(lsn: LSN) { self.lsn = lsn }

    /// Whether nothing was appended.
    package var isEmpty: Bool { entries.isEmpty }

    /// Notes where a partition's offsets go on.
    package mutating func reserve(_ partition: PartitionID, end: Offset) {
        reservations.append((partition, end))
        byteCount += JournalFrame.entryByteCount
    }

    /// Adds a batch.
    mutating func append(_ entry: LogEntry) {
        precondition(entry.lsn == lsn)
        entries.append(entry)
        byteCount += JournalFrame.entryByteCount + (entry.isJournaled ? entry.batch.byteCount : 0)
    }

    /// Notes that somebody waits for `count` records.
    mutating func request(_ durability: Durability, count: Int, isPatient: Bool) {
        awaitedCount += count
        if !isPatient { isHasty = true }
        switch durability {
        case .fsync: wantsSync = true
        case .interval: wantsWrite = true
        case .memory: break
        }
    }
}

/// A group that has been given back: it only keeps its batches, until whoever had it lets go of them where no lock is
/// held.
package struct SettledGroup: ~Copyable {
    private let group: CommitGroup

    init(_ group: consuming CommitGroup) { self.group = group }

    /// Lets go of the batches.
    package consuming func release() {}
}
