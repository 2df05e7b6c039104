package import RecordFormat
package import SluiceCore

/// A named log and how it is kept.
package struct StreamSettings: Sendable, Equatable {
    /// The name: `[a-zA-Z0-9._-]{1,249}`, as Kafka's topics. Names with `__` in front are the node's own.
    package var name: String
    /// The number of partitions.
    package var partitionCount = 1
    /// What an acknowledgement waits for.
    package var durability = Durability.fsync
    /// What becomes of its old records, as the node starts.
    package var policy = StreamPolicy()
    /// When a segment is full.
    package var shape = SegmentShape()

    /// Settings with the defaults.
    package init(name: String) { self.name = name }

    /// Whether it holds the node's own state: sessions, offsets, checkpoints.
    package var isInternal: Bool { name.hasPrefix("__") }
}

/// A stream as the broker sees it.
package struct StreamDescription: Sendable, Equatable {
    /// How it is kept.
    package var settings: StreamSettings
    /// A random identifier that never changes, as 22 characters of base64url.
    package var id: String
    /// Its partitions, by number.
    package var partitions: [PartitionID]

    /// A stream from its parts.
    package init(settings: StreamSettings, id: String, partitions: [PartitionID]) {
        precondition(settings.partitionCount == partitions.count)
        self.settings = settings
        self.id = id
        self.partitions = partitions
    }
}

/// A finished batch and where it goes.
package struct Append: Sendable {
    /// The partition.
    package var partition: PartitionID
    /// The batch; the append sets its base offset.
    package var batch: RecordBatch
    /// Whether a publisher waits for it (QoS 1 or 2, or broker state); a batch without waits for nobody.
    package var isAwaited: Bool
    /// The distinct hashes of its topics, when a reader asked for them.
    package var topicHashes: [UInt64]?

    /// An append of `batch` to `partition`.
    package init(partition: PartitionID, batch: RecordBatch, isAwaited: Bool, topicHashes: [UInt64]?) {
        self.partition = partition
        self.batch = batch
        self.isAwaited = isAwaited
        self.topicHashes = topicHashes
    }
}

/// What became of an append.
package enum AppendOutcome: Sendable, Equatable {
    /// It is in the log's memory; it is written, and durable, when the engine's progress reaches this LSN.
    case appended(LSN)
    /// Nothing was appended: the disk is full, and space may come back.
    case refusedFull
    /// Nothing was appended, and nothing will be: the log is poisoned by a failed write or fsync.
    case refusedPoisoned
}

/// What became of an append of an idempotent producer.
package enum SequencedOutcome: Sendable, Equatable {
    /// It has this offset; it is written, and durable, when the engine's progress reaches this LSN.
    case appended(Offset, LSN)
    /// It was there already, from this offset on; it is durable when the progress reaches this LSN.
    case duplicate(Offset, LSN)
    /// The number of its first record is not the one that is due.
    case outOfOrder(due: Int32)
    /// Another producer of its number has this later epoch.
    case fenced(Int16)
    /// As `AppendOutcome.refusedFull`.
    case refusedFull
    /// As `AppendOutcome.refusedPoisoned`.
    case refusedPoisoned
}

/// The bounds of a partition.
package struct PartitionBounds: Sendable, Equatable {
    /// The offset of the oldest record kept.
    package var start: Offset
    /// The offset behind the newest durable record: Kafka's high watermark.
    package var durable: Offset
    /// The offset behind the newest record.
    package var appended: Offset
    /// The offset behind the newest record in a segment file.
    package var flushed: Offset
    /// Bytes in segment files.
    package var byteCount: Int64
    /// The number of segments.
    package var segmentCount: Int

    /// Bounds as an engine found them.
    package init(
        start: Offset, durable: Offset, appended: Offset, flushed: Offset, byteCount: Int64, segmentCount: Int
    ) {
        self.start = start
        self.durable = durable
        self.appended = appended
        self.flushed = flushed
        self.byteCount = byteCount
        self.segmentCount = segmentCount
    }
}

/// How far a scan of the tail may see.
package enum TailLevel: Sendable {
    /// Everything appended: deliveries at QoS 0.
    case appended
    /// What its stream's durability promises: deliveries at QoS 1 and 2.
    case durable
}

/// The number that an event loop got when it registered.
package struct ReaderID: Sendable, Hashable {
    /// The index of the loop.
    package var index: Int
    /// Wraps an index.
    package init(index: Int) { self.index = index }
}

/// What a read of one partition found.
package struct PartitionRead: Sendable {
    /// Whole batches; the first may start before the offset asked for, holes between them are possible.
    package var batches: [RecordBatch] = []
    /// Where to ask next: behind the batches, and behind whatever else was ruled out.
    package var nextOffset: Offset
    /// Whether the reader has seen all that the tail scan of its loop has, so that the scan can take over.
    package var isCaughtUp = false
    /// An engine's own position for `nextOffset`.
    package var hint: ReadHint?
    /// Bytes that were damaged and passed over.
    package var damagedByteCount: Int64 = 0
    /// Offsets that were asked for and that retention has taken.
    package var removedCount: Int64 = 0
    /// Whether it could not be read now; the answer to the same question may be another one later.
    package var isFailed = false
    /// The base offset of a segment whose topic index should be looked at: it is missing, damaged or wrong.
    package var suspectSegment: Offset?

    /// A read that found nothing yet.
    package init(nextOffset: Offset) { self.nextOffset = nextOffset }
}

/// The log as the broker sees it. Nothing above it knows of segments, journals or files.
///
/// Isolation: every call may come from any event loop; none waits for the disk. What has to wait is answered on the
/// loop that asked, through the wake function that it registered.
package protocol LogEngine: AnyObject, Sendable {
    /// Every stream. Fixed while the node runs.
    var streams: [StreamDescription] { get }

    /// Registers an event loop; `wake` is called, from any thread, when there is something for it.
    func register(wake: @escaping @Sendable () -> Void) -> ReaderID

    /// Appends a tick's batches as one: all of them survive a crash, or none does. Loops with an interest are woken,
    /// but for the one that appends.
    func append(_ appends: [Append], from reader: ReaderID) -> AppendOutcome

    /// An LSN that is durable no sooner than everything that was appended before this call, by any loop.
    func barrier() -> LSN

    /// Up to which LSN acknowledgements may leave that wait for the write, and for the device.
    var progress: (written: LSN, durable: LSN) { get }

    /// Asks to be woken when the progress reaches `lsn`: `written`, or durable. One request a loop and kind, the last
    /// one counts.
    func awaitProgress(_ lsn: LSN, written: Bool, for reader: ReaderID)

    /// For how many nanoseconds a loop that waits for a commit, and has little else to do, may as well leave its
    /// sockets alone: what it read now would wait for the next commit anyway. 0 while no commit is on its way.
    var patience: Int64 { get }

    /// Whether publishers' sockets should be left unread for now; the loops are woken when that ends.
    var isUnderPressure: Bool { get }

    /// Says which scans a loop needs. A level that was not needed starts at the log's end.
    func setInterest(_ reader: ReaderID, appended: Bool, durable: Bool)

    /// Where a loop's scan of `durable` goes on in each partition, by number: everything before was passed.
    func scanOffsets(_ reader: ReaderID) -> [Offset]

    /// The offset behind the newest record of each partition, by number, visible or not.
    func appendedOffsets() -> [Offset]

    /// Whether some loop has an interest, so that batches should come with their topics' hashes.
    var isScanned: Bool { get }

    /// Moves a loop's scan to the newest visible batch and hands over what it passed, oldest first, at most `countMax`
    /// batches.
    func scan(_ reader: ReaderID, _ level: TailLevel, countMax: Int, into entries: inout [TailEntry])

    /// Reads a partition from `offset`, up to what the loop's scan of `level` has passed.
    /// - Returns: nil when the records are not in memory; then `fetch` gets them.
    func readTail(
        _ partition: PartitionID, from offset: Offset, level: TailLevel, reader: ReaderID, byteCountMax: Int
    ) -> PartitionRead?

    /// Reads older records in the background; the answer comes from `takeFetched` after a wake. An engine may leave out
    /// batches without a record of `selection`, and need not; nil selects everything. A hint goes with its selection.
    func fetch(
        _ partition: PartitionID, from offset: Offset, hint: ReadHint?, selection: TopicSelection?, byteCountMax: Int,
        ticket: UInt64, reader: ReaderID)

    /// Looks up the first offset whose timestamp is `time` or later, in the background; answered like a fetch, without
    /// batches.
    func fetchOffset(_ partition: PartitionID, at time: Timestamp, ticket: UInt64, reader: ReaderID)

    /// The answers that have come since the last call, by ticket.
    func takeFetched(_ reader: ReaderID) -> [(ticket: UInt64, read: PartitionRead)]

    /// How a stream is kept now.
    func policy(ofStream index: Int) -> StreamPolicy

    /// Changes how a stream is kept, from the next look on.
    func setPolicy(_ policy: StreamPolicy, ofStream index: Int)

    /// Gives up records before `offset`; whole segments of them are removed in the background.
    func trim(_ partition: PartitionID, before offset: Offset)

    /// Asks retention to keep what is at `offset` and behind it in a partition, until the same reader says otherwise;
    /// nil for nothing.
    /// - Returns: whether retention would have removed something since the last call.
    func hold(_ partition: PartitionID, from offset: Offset?, for reader: ReaderID) -> Bool

    /// Why the log refuses appends, if it does: poisoned for good, or full for now.
    var trouble: StorageError? { get }

    /// The bounds of a partition.
    func bounds(_ partition: PartitionID) -> PartitionBounds
}
