package import LogInterface
package import RecordFormat
package import SluiceCore

/// Reads partitions for one loop: from memory while the records are there, else as history, in the background.
///
/// Isolation: its loop's.
package struct LogReader {
    private let log: any LogEngine
    private let loop: LoopID
    private var lastNumber: UInt64 = 0

    /// What a read gives.
    package enum Answer {
        /// It was in memory.
        case found(PartitionRead)
        /// It comes, known by this number.
        case coming(UInt64)
    }

    /// A reader for `loop`.
    package init(_ log: any LogEngine, _ loop: LoopID) {
        self.log = log
        self.loop = loop
    }

    /// Reads from `offset` on.
    package mutating func read(
        _ partition: PartitionID, from offset: Offset, visibility: Visibility, hint: ReadHint? = nil,
        selection: TopicSelection? = nil, byteCountMax: Int
    ) -> Answer {
        let tail = log.readTail(partition, from: offset, visibility: visibility, loop: loop, byteCountMax: byteCountMax)
        if let tail { return .found(tail) }
        return .coming(
            fetch(partition, from: offset, hint: hint, selection: selection, byteCountMax: byteCountMax))
    }

    /// Reads history from `offset` on.
    /// - Returns: what the answer is known by.
    package mutating func fetch(
        _ partition: PartitionID, from offset: Offset, hint: ReadHint? = nil, selection: TopicSelection? = nil,
        byteCountMax: Int
    ) -> UInt64 {
        assert(offset >= .zero && byteCountMax > 0)
        lastNumber += 1
        var request = ReadRequest(partition, from: offset, byteCountMax: byteCountMax, number: lastNumber)
        request.hint = hint
        request.selection = selection
        log.fetch(request, for: loop)
        return lastNumber
    }

    /// Looks up the first record of a time or later.
    /// - Returns: what the answer is known by.
    package mutating func find(_ partition: PartitionID, at time: Timestamp) -> UInt64 {
        lastNumber += 1
        log.fetchOffset(partition, at: time, number: lastNumber, for: loop)
        return lastNumber
    }

    /// The answers that have come.
    package func takeFetched() -> [(number: UInt64, read: PartitionRead)] { log.takeFetched(loop) }
}

/// What was read of a partition and is not used up, and what of it is on its way.
///
/// Invariants: it waits for one answer at most.
package struct PartitionCursor {
    /// The partition.
    package let partition: PartitionID
    /// Batches that were read and are not used up, and the place in the first of them.
    package private(set) var batches: ArraySlice<RecordBatch> = []
    /// The place in the first batch.
    package var records: RecordReader?
    /// Everything before this was read or ruled out; where to go on when the batches are used up.
    package private(set) var readEnd = Offset.zero
    private var hint: ReadHint?
    /// The answer that it waits for.
    package private(set) var awaited: UInt64?
    /// Bytes of the batches, or asked for.
    package private(set) var heldByteCount = 0

    /// A cursor with nothing in hand.
    package init(_ partition: PartitionID) { self.partition = partition }

    /// Whether there is nothing in hand.
    package var isEmpty: Bool { batches.isEmpty }

    /// Reads on from `offset`.
    /// - Returns: what was in memory; nil when it comes.
    package mutating func load(
        from offset: Offset, visibility: Visibility, selection: TopicSelection?, byteCountMax: Int,
        by reads: inout LogReader
    ) -> PartitionRead? {
        assert(awaited == nil && batches.isEmpty, "a cursor reads one thing at a time")
        let answer = reads.read(
            partition, from: offset, visibility: visibility, hint: hint, selection: selection,
            byteCountMax: byteCountMax)
        switch answer {
        case .found(let read): return read
        case .coming(let number):
            awaited = number
            heldByteCount = byteCountMax
            return nil
        }
    }

    /// Reads history from `offset` on, while there may still be batches in hand.
    /// - Returns: what the answer is known by; whoever gets it keeps it until the batches are used up.
    package mutating func fetch(
        from offset: Offset, selection: TopicSelection?, byteCountMax: Int, by reads: inout LogReader
    ) -> UInt64 {
        assert(awaited == nil)
        let number = reads.fetch(
            partition, from: offset, hint: hint, selection: selection, byteCountMax: byteCountMax)
        awaited = number
        return number
    }

    /// Waits for an answer that was asked for.
    mutating func await(_ number: UInt64) {
        assert(awaited == nil)
        awaited = number
    }

    /// The answer has come, or is of no use.
    package mutating func answered() {
        assert(awaited != nil, "nothing is answered that was not asked for")
        awaited = nil
        heldByteCount = 0
    }

    /// Takes batches that were read.
    package mutating func received(_ read: PartitionRead) {
        assert(awaited == nil, "an answer is not awaited any more when it is taken")
        assert(batches.isEmpty, "what is in hand is used up before there is more")
        batches = read.batches[...]
        records = nil
        heldByteCount = batches.reduce(0) { $0 + $1.byteCount }
        hint = read.hint
        readEnd = read.nextOffset
    }

    /// The first batch is used up.
    /// - Returns: where to go on.
    package mutating func finishBatch() -> Offset {
        guard let batch = batches.popFirst() else { return readEnd }
        records = nil
        heldByteCount = max(0, heldByteCount - batch.byteCount)
        return batches.isEmpty ? max(batch.nextOffset, readEnd) : batch.nextOffset
    }

    /// The first batch was decompressed; nothing of it is used up.
    mutating func replaceFirst(by plain: RecordBatch) {
        guard let stored = batches.first, !plain.isCompressed else { preconditionFailure("Cannot replace nothing") }
        assert(stored.baseOffset == plain.baseOffset && records == nil)
        batches[batches.startIndex] = plain
        heldByteCount += plain.byteCount - stored.byteCount
    }

    /// Drops what was read and is not used up.
    package mutating func forget() {
        batches = []
        records = nil
        heldByteCount = 0
    }

    /// Searches anew when it next reads.
    package mutating func forgetHint() { hint = nil }
}
