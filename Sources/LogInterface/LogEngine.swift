package import SluiceCore

/// The log as the broker sees it: streams of partitions that batches are appended to and read from.
///
/// Nothing above it knows how an engine keeps its records. Appends are answered with tickets, and what became of them
/// comes later, as settlements; so an engine may be this machine's disk or a cluster that is reached over a network.
///
/// Isolation: every call may come from any registered loop, with that loop's identifier; none waits. What has to wait
/// is answered on the loop that asked, through the wake function that it registered.
package protocol LogEngine: AnyObject, Sendable {
    // MARK: Streams

    /// Every stream, as it is now: those that were made since are last.
    var streams: [StreamDescription] { get }

    /// How often the streams have changed: it moves whenever `streams` does, and all loops are woken then. Cheap enough
    /// for every tick; counted anew each time an engine is opened.
    var catalogueGeneration: UInt64 { get }

    /// Makes, changes or deletes a stream in the background; the answer comes from `takeAdministered` after a wake.
    ///
    /// Requests are done one after the other, in their order. What was deleted takes no appends and is read by nobody
    /// from before the answer on; its records are removed in the background. A partition's number is never given again.
    func administer(_ request: StreamRequest, number: UInt64, for loop: LoopID)

    /// The answers that have come since the last call, by the numbers of what was asked: the stream as it is now, or
    /// was when it was deleted, or why nothing has changed.
    func takeAdministered(_ loop: LoopID) -> [(number: UInt64, result: Result<StreamDescription, StreamFault>)]

    /// Whether the batches of one append settle together: all of them survive a crash, or none does. Where it is not
    /// so, a QoS 2 message and the note that it was received may part, and its sender's repetition is stored twice.
    var appendsAtomically: Bool { get }

    // MARK: Loops

    /// Registers a loop; `wake` is called, from any thread, when there is something for it.
    func register(wake: @escaping @Sendable () -> Void) -> LoopID

    // MARK: Appends

    /// Appends batches. Loops with an interest are woken, but for the one that appends.
    /// - Returns: the ticket of its settlement.
    func append(_ appends: [Append], from loop: LoopID) -> AppendTicket

    /// Appends one batch of an idempotent producer, unless it is there already or its sequence does not follow on;
    /// source: KIP-98.
    /// - Parameter companions: batches of no producer that are appended with it, and not without it.
    /// - Returns: the ticket of its settlement, which has the batch's base offset.
    func append(sequenced append: Append, with companions: [Append], from loop: LoopID) -> AppendTicket

    /// Asks for a settlement that comes when everything that any loop has appended before is on the device, or safe
    /// by whatever the engine has in its place, whatever its streams' durability.
    func fence(from loop: LoopID) -> AppendTicket

    /// Hands over the loop's settlements since the last call, in the order of their tickets; the loop is woken when
    /// more have come.
    func takeSettlements(of loop: LoopID, into settlements: inout [Settlement])

    /// For how many nanoseconds a loop that waits for a settlement, and has little else to do, may as well leave its
    /// sockets alone: what it read now would wait for the next one anyway. 0 while none is on its way.
    var patience: Int64 { get }

    /// Whether publishers' sockets should be left unread for now; the loops are woken when that ends.
    var isUnderPressure: Bool { get }

    /// Why the log refuses appends, if it does.
    var trouble: LogTrouble? { get }

    // MARK: The newest records

    /// Says which scans a loop needs. One that was not needed starts at the log's end.
    func setInterest(_ loop: LoopID, appended: Bool, durable: Bool)

    /// Where a loop's scan of `durable` goes on in each partition, by its identifier's index: everything before was
    /// passed.
    func scanOffsets(_ loop: LoopID) -> [Offset]

    /// The offset behind the newest record of each partition, by its identifier's index, visible or not.
    func endOffsets() -> [Offset]

    /// Whether some loop has an interest, so that batches should come with their topics' hashes.
    var isScanned: Bool { get }

    /// Moves a loop's scan to the newest visible batch and hands over what it passed, oldest first, at most `countMax`
    /// batches.
    func scan(_ loop: LoopID, _ visibility: Visibility, countMax: Int, into entries: inout [TailEntry])

    /// Reads a partition from `offset`, up to what the loop's scan of `visibility` has passed.
    /// - Returns: nil when the records are not in memory; then `fetch` gets them.
    func readTail(
        _ partition: PartitionID, from offset: Offset, visibility: Visibility, loop: LoopID, byteCountMax: Int
    ) -> PartitionRead?

    // MARK: History

    /// Reads older records in the background; the answer comes from `takeFetched` after a wake.
    func fetch(_ request: ReadRequest, for loop: LoopID)

    /// Looks up the first offset whose timestamp is `time` or later, in the background; answered like a fetch, without
    /// batches. It may be an offset a little before that: an index knows batches, and none that are in memory only. Who
    /// needs the very record looks at the records from there on.
    func fetchOffset(_ partition: PartitionID, at time: Timestamp, number: UInt64, for loop: LoopID)

    /// The answers that have come since the last call, by the numbers of what was asked.
    func takeFetched(_ loop: LoopID) -> [(number: UInt64, read: PartitionRead)]

    /// The bounds of a partition.
    func bounds(_ partition: PartitionID) -> PartitionBounds

    /// The largest timestamp of a partition's durable records; nil when it has none.
    /// - Complexity: O(granules, and batches in memory).
    func newestTime(_ partition: PartitionID) -> Timestamp?

    /// The idempotent producers that a partition remembers.
    func producers(_ partition: PartitionID) -> [ProducerFigures]

    /// What a partition takes, for people to look at.
    func figures(_ partition: PartitionID) -> PartitionFigures

    // MARK: Retention

    /// Changes how a stream's old records are kept, from the next look on, until the engine is opened anew.
    func setPolicy(_ policy: StreamPolicy, of stream: String)

    /// Gives up records before `offset`; they are removed in the background, some of them perhaps much later.
    func trim(_ partition: PartitionID, before offset: Offset)

    /// Asks retention to keep what is at `offset` and behind it in a partition, until the same loop says otherwise;
    /// nil for nothing.
    /// - Returns: whether retention would have removed something since the last call.
    func hold(_ partition: PartitionID, from offset: Offset?, for loop: LoopID) -> Bool

    // MARK: Erasure

    /// Takes records away for good, in the background: from what readers are given, and from every file that the engine
    /// keeps. Offsets of other records stay. Orders are done one after the other; reports come from `takeErasures`
    /// after a wake. An order that did not come to its end may be given again.
    func erase(_ order: ErasureOrder, number: UInt64, for loop: LoopID)

    /// The newest report of each erasure that has moved since the last call, by the numbers of the orders.
    func takeErasures(_ loop: LoopID) -> [(number: UInt64, report: ErasureReport)]
}

extension LogEngine {
    /// Appends one batch of an idempotent producer by itself.
    package func append(sequenced append: Append, from loop: LoopID) -> AppendTicket {
        self.append(sequenced: append, with: [], from: loop)
    }
}

/// The number that a loop got when it registered: an event loop, or a bridge's.
package struct LoopID: Sendable, Hashable {
    /// The index of the loop.
    package var index: Int
    /// Wraps an index.
    package init(index: Int) { self.index = index }
}

/// Why a log refuses appends.
package struct LogTrouble: Sendable, Equatable, CustomStringConvertible {
    /// Whether it may end by itself, as when space returns.
    package var isPassing: Bool
    /// What an operator should know.
    package var description: String

    /// Trouble from its parts.
    package init(isPassing: Bool, description: String) {
        self.isPassing = isPassing
        self.description = description
    }
}
