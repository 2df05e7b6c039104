import Bridging
import LogInterface
import RecordFormat
import SluiceCore

/// One partition that a bridge reads.
struct BridgeSource {
    /// What was read and not handed over, and what is on its way.
    var cursor: PartitionCursor
    let stream: String
    let number: Int
    var progress: PartitionProgress
    /// What was read ahead, in the background, while batches were left.
    var ahead: PartitionRead?
    /// Whether the last read came from files: the next one is asked for before it is needed.
    var isBehind = false
    /// The time whose place is looked up: it goes on from there.
    var sought: Timestamp?
    /// Where a lazy bridge that waits has looked; nil when it has not seen a message of its own.
    var looked: Offset?
    /// The time of the record at the position when it was last looked at, and that position.
    var timestamp: Timestamp?
    var timedAt: Offset?
    /// The answer that tells that time, while it is read from files.
    var timing: UInt64?

    init(partition: PartitionID, stream: String, number: Int, progress: PartitionProgress) {
        cursor = PartitionCursor(partition)
        self.stream = stream
        self.number = number
        self.progress = progress
    }

    /// The partition.
    var partition: PartitionID { cursor.partition }

    /// When the record at the position was stored; nil when that is not known yet.
    var oldestStoredAt: Timestamp? {
        progress.oldestStoredAt ?? (timedAt == progress.position ? timestamp : nil)
    }

    /// Where to read on.
    var next: Offset { looked ?? progress.read }

    /// Forgets what was read.
    mutating func reset() {
        cursor = PartitionCursor(partition)
        ahead = nil
        isBehind = false
        sought = nil
        looked = nil
    }

    /// Takes batches that were read.
    /// - Returns: how many offsets retention took before.
    mutating func received(_ read: PartitionRead) -> Int64 {
        cursor.received(read)
        // A lazy bridge that looks ahead counts when it reads in earnest.
        if looked == nil, read.removedCount > 0 {
            let end = cursor.batches.first?.baseOffset ?? cursor.readEnd
            let count = min(read.removedCount, end.rawValue - progress.read.rawValue)
            if count > 0 { progress.settled(progress.read, count: count, as: .dropped) }
        }
        if cursor.isEmpty { pass(cursor.readEnd) }
        return read.removedCount
    }

    /// Everything before `offset` was looked at.
    mutating func pass(_ offset: Offset) {
        if let place = looked {
            assert(place >= progress.position, "who looks ahead looks at what is not done")
            if offset > place { looked = offset }
        } else {
            progress.passed(offset)
        }
    }

    /// The first batch is done.
    mutating func finishBatch() {
        guard !cursor.isEmpty else { return }
        pass(cursor.finishBatch())
    }
}
