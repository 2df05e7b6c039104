import GroupCoordination
import LogInterface
import RecordFormat
import SluiceCore

/// Changes of sessions and consumer groups on their way to `__sessions` and `__consumer_offsets`, and what waits for
/// them to be durable.
///
/// A tick's changes are one batch, appended by themselves: publishes that are refused for want of space do not take
/// them along, and what belongs into one append with a message is not here.
/// Invariants: work is released in the order in which it was asked for.
/// Isolation: one shard's.
struct SessionBook: ~Copyable {
    /// What is done when a change is durable.
    enum Work {
        /// A client may be told that its session is open.
        case open(Client)
        /// Bytes of the group for a client's socket.
        case output(Client, Range<Int>)
        /// What came before the append may go from the stream.
        case trim(Offset)
        /// A reader waited for what it reads to be durable.
        case move(Reader)
    }

    /// A tick's work.
    final class Group {
        var ticket = AppendTicket.none
        var bytes = ByteBuffer()
        var work: [Work] = []

        /// Copies some of its bytes.
        func append(_ range: Range<Int>, to output: inout ByteBuffer) {
            assert(range.upperBound <= bytes.count, "work has bytes of its own group")
            unsafe bytes.withUnsafeBytes { view in
                unsafe output.append(UnsafeRawBufferPointer(rebasing: view[range]))
            }
        }
    }

    /// Where sessions are on record; nil when they are not.
    let partition: PartitionID?
    /// Where groups' offsets are on record; nil when they are not.
    let offsetsPartition: PartitionID?
    private var streams: StreamTable
    private var builder: RecordBatchBuilder
    private var offsets: RecordBatchBuilder
    private var isAwaited = false
    private var areOffsetsAwaited = false
    private var waiting = Ring<Group>()
    private(set) var current = Group()

    /// A book in a log with these streams, whose batches lie in `memory`.
    init(_ streams: StreamTable, in memory: BatchMemory) {
        self.streams = streams
        partition = streams.stream(named: StateRecord.stream)?.partitions.first
        offsetsPartition = streams.stream(named: GroupRecord.stream)?.partitions.first
        builder = RecordBatchBuilder(in: memory)
        offsets = RecordBatchBuilder(in: memory)
    }

    /// Goes on with the log's streams as they are now.
    mutating func follow(_ streams: StreamTable) { self.streams = streams }

    /// Whether the tick has changes or work.
    var isEmpty: Bool { builder.isEmpty && offsets.isEmpty && current.work.isEmpty }

    /// Notes a change; nil takes the key away.
    /// - Parameter awaited: whether a crash must not undo it once its effects are seen.
    mutating func put(_ record: StateRecord?, _ key: [UInt8], at now: Timestamp, awaited: Bool) {
        guard partition != nil else { return }
        assert(key.count > 2 && key[0] == 0, "records of the first version are read and not written")
        Self.append(key, record?.encoded(streams), at: now, to: &builder)
        if awaited { isAwaited = true }
    }

    /// As `put`, for a change of a consumer group.
    mutating func put(_ record: GroupRecord, at now: Timestamp, awaited: Bool) {
        guard offsetsPartition != nil else { return }
        Self.append(record.key, record.value, at: now, to: &offsets)
        if awaited { areOffsetsAwaited = true }
    }

    private static func append(
        _ key: [UInt8], _ value: [UInt8]?, at now: Timestamp, to builder: inout RecordBatchBuilder
    ) {
        let keyField = RecordFields.key(key)
        let headers = RecordFields.headers([])
        if let value {
            builder.append(at: now, keyField: keyField.span, value: value.span, headersField: headers.span)
        } else {
            builder.appendTombstone(at: now, keyField: keyField.span, headersField: headers.span)
        }
    }

    /// Does `work` when everything noted so far is durable.
    mutating func whenDurable(_ work: Work) {
        current.work.append(work)
        isAwaited = true
        areOffsetsAwaited = true
    }

    /// Gives a client the bytes that `body` writes when everything noted so far is durable.
    mutating func output(_ client: Client, _ body: (inout ByteBuffer) -> Void) {
        let start = current.bytes.count
        body(&current.bytes)
        deferOutput(client, from: start)
    }

    /// As `output`, for bytes that were appended to the group's from `start` on.
    mutating func deferOutput(_ client: Client, from start: Int) {
        let range = start..<current.bytes.count
        client.deferredByteCount += range.count
        whenDurable(.output(client, range))
    }

    /// Appends the tick's changes as one, and closes its work, which waits for that to settle; work without a change
    /// waits for everything that was appended before.
    mutating func submit(to log: any LogEngine, from loop: LoopID) {
        guard !isEmpty else { return }
        let appends = takeAppends()
        commit(appends.isEmpty ? log.fence(from: loop) : log.append(appends, from: loop))
        assert(isEmpty, "changes and the work behind them are closed together")
    }

    private mutating func takeAppends() -> [Append] {
        var appends: [Append] = []
        if let partition, !builder.isEmpty {
            appends.append(
                Append(partition: partition, batch: builder.finish(), isAwaited: isAwaited, topicHashes: nil))
        }
        if let offsetsPartition, !offsets.isEmpty {
            appends.append(
                Append(
                    partition: offsetsPartition, batch: offsets.finish(), isAwaited: areOffsetsAwaited,
                    topicHashes: nil))
        }
        isAwaited = false
        areOffsetsAwaited = false
        return appends
    }

    /// Closes the tick's work: it waits for `ticket` to settle.
    private mutating func commit(_ ticket: AppendTicket) {
        guard !current.work.isEmpty else { return }
        assert(ticket > waiting.last?.ticket ?? .none, "work waits in the order in which it was asked for")
        current.ticket = ticket
        waiting.append(current)
        current = Group()
    }

    /// The work that waited for `ticket`, which has settled.
    mutating func pop(_ ticket: AppendTicket) -> Group? {
        assert(waiting.first.map { ticket <= $0.ticket } ?? true, "no settlement of a ticket is passed over")
        guard let first = waiting.first, first.ticket == ticket else { return nil }
        return waiting.popFirst()
    }

    /// What the oldest work waits for.
    var oldest: AppendTicket? { waiting.first?.ticket }
}
