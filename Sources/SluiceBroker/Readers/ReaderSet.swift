import LogInterface
import RecordFormat
import SluiceCore

/// The readers of one shard that have something to do: those to be moved on, those that wait for history, memory or
/// time, and who else waits for records.
///
/// Invariants: a reader is queued once at most; an answer of the log has one taker.
/// Isolation: one shard's.
struct ReaderSet: ~Copyable {
    private(set) var queued: [Reader] = []
    private var fetchers: [UInt64: Reader] = [:]
    /// Who waits for single records, or for the offset of a time.
    private var waiters: [UInt64: BrokerShard.RecordWaiter] = [:]
    /// Those that wait for memory.
    private(set) var starved: [Reader] = []
    /// Those whose history could not be read: they ask again in a while.
    private var stalled: [Reader] = []
    /// Offsets of a time that could not be read, with the partition's number: they are asked for again in a while.
    private var stalledLookups: [(lookup: BrokerShard.OffsetLookup, number: Int)] = []
    /// The replays that have an end or a pace.
    private var charted: [Reader] = []
    private var reads: LogReader

    init(_ log: any LogEngine, _ loop: LoopID) { reads = LogReader(log, loop) }

    // MARK: Moving on

    /// Whether some reader is to be moved on.
    var hasQueued: Bool { !queued.isEmpty }

    /// Puts a reader on the list of those to be moved on this tick.
    mutating func queue(_ reader: Reader) {
        guard !reader.isQueued else { return }
        reader.isQueued = true
        queued.append(reader)
    }

    /// Takes the list: what is queued from here on is for the next tick.
    mutating func takeQueued() -> [Reader] {
        var taken: [Reader] = []
        swap(&taken, &queued)
        for reader in taken {
            assert(reader.isQueued, "who is on the list knows it, and so is there once")
            reader.isQueued = false
        }
        return taken
    }

    // MARK: Reading

    /// Reads on at one of a reader's cursors.
    /// - Returns: nil when it comes later, through `takeFetched`.
    mutating func load(
        _ reader: Reader, at index: Int, from offset: Offset, visibility: Visibility, selection: TopicSelection?,
        byteCountMax: Int
    ) -> PartitionRead? {
        var read: PartitionRead?
        reader.update(at: index) { cursor in
            read = cursor.place.load(
                from: offset, visibility: visibility, selection: selection, byteCountMax: byteCountMax, by: &reads)
        }
        let awaited = reader.cursors[index].place.awaited
        assert((awaited == nil) == (read != nil), "what was asked for is here or comes")
        if let awaited { expect(awaited, for: reader) }
        return read
    }

    /// Notes whose an answer is.
    private mutating func expect(_ number: UInt64, for reader: Reader) {
        assert(fetchers[number] == nil && waiters[number] == nil, "an answer has one taker")
        assert(!reader.isClosed, "who is over asks for nothing")
        fetchers[number] = reader
    }

    /// A cursor of a reader that begins at the first record of a time or later.
    mutating func cursor(of reader: Reader, in partition: PartitionID, at time: Timestamp) -> Reader.Cursor {
        let number = reads.find(partition, at: time)
        expect(number, for: reader)
        var cursor = Reader.Cursor(partition: partition, offset: .zero)
        cursor.place.await(number)
        cursor.isLookup = true
        cursor.notBefore = time
        return cursor
    }

    /// Looks up once more where a reader begins: the last answer was none.
    mutating func findAgain(_ reader: Reader, at index: Int) {
        guard let time = reader.cursors[index].notBefore else {
            preconditionFailure("Cannot look up a time that nobody asked for")
        }
        assert(reader.cursors[index].isLookup, "who knows where it begins does not look that up")
        let number = reads.find(reader.cursors[index].partition, at: time)
        expect(number, for: reader)
        reader.update(at: index) { $0.place.await(number) }
    }

    /// Reads for somebody who is no reader.
    /// - Returns: nil when it comes later; then the number that it is known by is given to `body`.
    mutating func read(
        _ partition: PartitionID, from offset: Offset, visibility: Visibility, hint: ReadHint? = nil, byteCountMax: Int,
        for waiter: BrokerShard.RecordWaiter, _ body: (UInt64) -> Void = { _ in }
    ) -> PartitionRead? {
        switch reads.read(partition, from: offset, visibility: visibility, hint: hint, byteCountMax: byteCountMax) {
        case .found(let read): return read
        case .coming(let number):
            assert(waiters[number] == nil && fetchers[number] == nil, "an answer has one taker")
            waiters[number] = waiter
            body(number)
            return nil
        }
    }

    /// Looks up the first record of a time or later for somebody who is no reader.
    mutating func find(_ partition: PartitionID, at time: Timestamp, for waiter: BrokerShard.RecordWaiter) {
        waiters[reads.find(partition, at: time)] = waiter
    }

    /// An answer, and whose it is.
    enum Fetched {
        case cursor(Reader, at: Int, PartitionRead)
        case record(BrokerShard.RecordWaiter, PartitionRead)
    }

    /// The answers that have come to those who still wait for them.
    mutating func takeFetched() -> [Fetched] {
        guard !fetchers.isEmpty || !waiters.isEmpty else { return [] }
        var fetched: [Fetched] = []
        for (number, read) in reads.takeFetched() {
            if let waiter = waiters.removeValue(forKey: number) {
                fetched.append(.record(waiter, read))
            } else if let reader = fetchers.removeValue(forKey: number) {
                // A cursor that is gone meanwhile wants its answer no more.
                if let index = reader.index(awaiting: number) { fetched.append(.cursor(reader, at: index, read)) }
            } else {
                assertionFailure("the log has answered what nobody asked, or twice")
            }
        }
        return fetched
    }

    // MARK: Waiting

    /// Lets a reader whose history could not be read ask again when half a second has passed.
    mutating func stall(_ reader: Reader) { stalled.append(reader) }

    /// Half a second has passed.
    mutating func retryStalled() {
        var taken: [Reader] = []
        swap(&taken, &stalled)
        for reader in taken { queue(reader) }
    }

    /// Lets a look-up that could not read ask again when half a second has passed.
    mutating func stall(_ lookup: BrokerShard.OffsetLookup, _ number: Int) { stalledLookups.append((lookup, number)) }

    /// Takes the look-ups that could not read.
    mutating func takeStalledLookups() -> [(lookup: BrokerShard.OffsetLookup, number: Int)] {
        var taken: [(lookup: BrokerShard.OffsetLookup, number: Int)] = []
        swap(&taken, &stalledLookups)
        return taken
    }

    /// Lets a reader wait until others have let go of memory.
    mutating func starve(_ reader: Reader) {
        guard !reader.isStarved else { return }
        assert(!reader.isClosed, "who is over waits for nothing")
        reader.isStarved = true
        starved.append(reader)
    }

    /// Lets everybody who had to wait for memory try again.
    mutating func wakeStarved() {
        var taken: [Reader] = []
        swap(&taken, &starved)
        for reader in taken {
            assert(reader.isStarved, "who is on the list knows it, and so is there once")
            reader.isStarved = false
            if !reader.isClosed { queue(reader) }
        }
    }

    // MARK: Replays that have an end or a pace

    /// Notes one.
    mutating func chart(_ reader: Reader) {
        assert(reader.course != nil)
        assert(!charted.contains { $0 === reader }, "a replay has one course")
        charted.append(reader)
    }

    /// Those that there are.
    var courses: [Reader] { charted }

    /// Forgets one that ends with its subscription.
    mutating func unchart(_ reader: Reader) { charted.removeAll { $0 === reader } }

    /// Forgets those that are over.
    mutating func dropFinished() { charted.removeAll { $0.course == nil || $0.isClosed } }

    /// Whether some replay waits for the time of its next record.
    var isPacing: Bool { charted.contains { $0.course?.isPaced == true && !$0.isLive } }

    /// Time has passed for the replays that keep a pace.
    mutating func queuePaced() {
        for reader in charted where reader.course?.isPaced == true && !reader.isLive { queue(reader) }
    }
}
