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
struct StateQueue: ~Copyable {
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
            unsafe bytes.withUnsafeBytes { view in
                unsafe output.append(UnsafeRawBufferPointer(rebasing: view[range]))
            }
        }
    }

    private var builder: RecordBatchBuilder
    private var offsets: RecordBatchBuilder
    private var isAwaited = false
    private var areOffsetsAwaited = false
    private var waiting = Ring<Group>()
    private(set) var current = Group()

    /// A queue whose batches lie in `memory`.
    init(in memory: BatchMemory) {
        builder = RecordBatchBuilder(in: memory)
        offsets = RecordBatchBuilder(in: memory)
    }

    /// Whether the tick has changes or work.
    var isEmpty: Bool { builder.isEmpty && offsets.isEmpty && current.work.isEmpty }

    /// Notes a change; nil takes the key away.
    /// - Parameter awaited: whether a crash must not undo it once its effects are seen.
    mutating func put(_ key: [UInt8], _ value: [UInt8]?, at now: Timestamp, awaited: Bool) {
        Self.append(key, value, at: now, to: &builder)
        if awaited { isAwaited = true }
    }

    /// As `put`, for a change of a consumer group.
    mutating func putOffset(_ key: [UInt8], _ value: [UInt8]?, at now: Timestamp, awaited: Bool) {
        Self.append(key, value, at: now, to: &offsets)
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

    /// The tick's changes as one append.
    mutating func takeAppends(to sessions: PartitionID, offsets offsetsPartition: PartitionID?) -> [Append] {
        var appends: [Append] = []
        if !builder.isEmpty {
            appends.append(
                Append(partition: sessions, batch: builder.finish(), isAwaited: isAwaited, topicHashes: nil))
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
    mutating func commit(_ ticket: AppendTicket) {
        guard !current.work.isEmpty else { return }
        current.ticket = ticket
        waiting.append(current)
        current = Group()
    }

    /// The work that waited for `ticket`, which has settled.
    mutating func pop(_ ticket: AppendTicket) -> Group? {
        guard let first = waiting.first, first.ticket == ticket else { return nil }
        return waiting.popFirst()
    }

    /// What the oldest work waits for.
    var oldest: AppendTicket? { waiting.first?.ticket }
}
