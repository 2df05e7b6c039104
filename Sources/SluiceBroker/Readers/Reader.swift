import LogInterface
import MQTTWire
import RecordFormat
import SluiceCore

/// A way through the log: live in most partitions, behind in some.
///
/// A reader is live in a partition when it has no cursor there: then the shard's scan of the tail delivers to it. When
/// its sink takes no more, the scan leaves a cursor at the record in question, and the reader goes on from there by
/// itself, from memory or from the segments, until it has caught up with the scan. A replay starts with cursors in
/// history. That is the whole difference.
///
/// More than twenty stored properties: what a reader is, where it is, and what it may read meet in it, for each record.
/// Isolation: one shard's.
final class Reader {
    /// Where its records go.
    let sink: any DeliverySink
    /// The sink, when it is a client.
    let client: Client?
    let kind: Kind
    /// The one subscription that it serves, where it serves one: a replay's, a member's, a group's, a tail's.
    private(set) weak var only: Subscription?
    private(set) var cursors: [Cursor] = []
    private var lagging: Set<PartitionID> = []
    /// Bytes of what was read and not delivered yet, and of what is on its way.
    private(set) var heldByteCount = 0
    /// What of it was accounted, for a reader that belongs to no client.
    var accountedByteCount = 0
    /// Whether it waits for memory.
    var isStarved = false
    /// The reader of its QoS 0 messages that a full socket has not taken; made when one first happens.
    private(set) lazy var quick = Reader(sink, client, kind: .quick(of: Owner(reader: self)))
    private(set) var hasQuick = false
    /// Up to where a session's QoS 2 messages were sent before a crash, where that is more than its position says.
    var assuredEnds: [PartitionID: Offset] = [:]
    private var excluded: Set<PartitionID> = []
    /// Partitions from this index on are not for it, either: there were none when it began.
    private var excludedFrom = Int.max
    /// The partitions that a group's member has; nil for every other kind.
    private var assigned: Set<PartitionID>?
    /// What its cursors ask the log for, made when it is first needed; its number tells answers to an older one.
    private var selection: TopicSelection??
    private(set) var selectionNumber = 0
    /// The stream that it reads as a whole, by its name; nil when topics choose what it reads.
    var wholeStream: String?
    /// Whether its client may read that stream whatever topics are in it.
    var readsWholeStream = false
    /// The end and the pace of a replay that has one.
    var course: ReplayCourse?
    /// Whether it is on the shard's list of readers to be moved on.
    var isQueued = false
    var isClosed = false

    /// What a reader is for.
    enum Kind {
        /// The ordinary subscriptions of a client.
        case live
        /// What of them gets messages as soon as they are appended (QoS 0), while the client's socket is full: it goes
        /// on in memory, and what has left that is dropped and counted.
        case quick(of: Owner)
        /// One subscription to history; deliveries carry `ts`, `key` and `offset`.
        case replay
        /// The retained messages of one new subscription.
        case retained(RetainedFeed)
        /// A client's partitions in a consumer group; deliveries carry `ts`, `key` and `offset`.
        case member(GroupMembership)
        /// A share group, whose members may be anywhere.
        case group(ShareGroup)
    }

    /// The reader that another one belongs to, and which holds it.
    struct Owner {
        unowned let reader: Reader
    }

    /// A position in a partition that the reader is behind in.
    struct Cursor {
        /// What was read there and is on its way.
        var place: PartitionCursor
        /// The record that it wants next.
        var offset: Offset
        /// The selection that the log was asked with.
        var selectionNumber = 0
        /// Whether its offset is still being looked up.
        var isLookup = false
        /// The time that a replay starts at: the look-up is as exact as the index, and the tail has none.
        var notBefore: Timestamp?
        /// The partition.
        var partition: PartitionID { place.partition }

        init(partition: PartitionID, offset: Offset) {
            place = PartitionCursor(partition)
            self.offset = offset
        }

        /// Takes batches that were read.
        mutating func received(_ read: PartitionRead) {
            assert(!isLookup, "who does not know yet where it begins has not read")
            place.received(read)
            // A read that found nothing moved past a hole, past what retention removed, or past what nobody asked for.
            if place.isEmpty { offset = max(offset, place.readEnd) }
        }

        /// The first batch is done.
        mutating func finishBatch() { offset = max(offset, place.finishBatch()) }
    }

    /// A client's reader.
    convenience init(client: Client, kind: Kind) { self.init(client, client, kind: kind) }

    /// A reader of somebody else.
    convenience init(sink: any DeliverySink, kind: Kind) { self.init(sink, nil, kind: kind) }

    private init(_ sink: any DeliverySink, _ client: Client?, kind: Kind) {
        self.sink = sink
        self.client = client
        self.kind = kind
        if case .member = kind { assigned = [] }
    }

    /// Notes a subscription that it is made for.
    func serves(_ subscription: Subscription) {
        switch kind {
        case .replay, .member, .group:
            assert(only == nil, "such a reader serves one subscription")
            only = subscription
        case .live, .quick, .retained: break
        }
    }

    /// Whether it is a subscription to history.
    var isReplay: Bool {
        switch kind {
        case .replay, .member: true
        case .live, .quick, .retained, .group: false
        }
    }

    /// Whether it gets QoS 0 subscriptions from what is appended.
    var isLiveKind: Bool {
        switch kind {
        case .live: true
        case .quick, .replay, .member, .retained, .group: false
        }
    }

    /// How far it sees.
    var visibility: Visibility {
        switch kind {
        case .quick: .appended
        case .live, .replay, .member, .retained, .group: .durable
        }
    }

    /// The reader that the subscriptions name.
    var subscriber: Reader {
        switch kind {
        case .quick(let owner): owner.reader
        case .live, .replay, .member, .retained, .group: self
        }
    }

    /// Leaves a QoS 0 message, and what comes behind it in its partition, to be sent later.
    func postpone(_ partition: PartitionID, _ offset: Offset) {
        assert(isLiveKind, "only what is delivered as soon as it is appended is put off")
        hasQuick = true
        quick.addCursor(Cursor(partition: partition, offset: offset))
    }

    /// Whether every partition is live.
    @inline(__always)
    var isLive: Bool { cursors.isEmpty }

    /// Whether the scan must leave `partition` to the reader itself.
    func lags(_ partition: PartitionID) -> Bool { lagging.contains(partition) }

    func addCursor(_ cursor: Cursor) {
        let isNew = lagging.insert(cursor.partition).inserted
        precondition(isNew)
        cursors.append(cursor)
        assert(cursors.count == lagging.count, "it lags where it has a cursor")
        heldByteCount += cursor.place.heldByteCount
    }

    /// Keeps the reader out of a partition altogether.
    func exclude(_ partition: PartitionID) { excluded.insert(partition) }

    /// Keeps the reader out of partitions that are made from here on.
    func excludeNew(from index: Int) {
        assert(excludedFrom == .max, "where a reader stays out is said when it begins")
        excludedFrom = index
    }

    /// Whether the reader stays out of `partition`.
    @inline(__always)
    func excludes(_ partition: PartitionID) -> Bool {
        if let assigned { return !assigned.contains(partition) }
        return partition.index >= excludedFrom || !excluded.isEmpty && excluded.contains(partition)
    }

    /// Gives a group's member a partition.
    func assign(_ partition: PartitionID, from offset: Offset) {
        assert(assigned?.contains(partition) == false, "a member is given partitions that it does not have")
        assert(!lags(partition), "what a member does not have it does not read")
        assigned?.insert(partition)
        if !lags(partition) { addCursor(Cursor(partition: partition, offset: offset)) }
    }

    /// Takes a partition away.
    func unassign(_ partition: PartitionID) {
        assert(assigned?.contains(partition) == true, "a member loses partitions that it has")
        assigned?.remove(partition)
        if let index = cursors.firstIndex(where: { $0.partition == partition }) { removeCursor(at: index) }
    }

    /// What its cursors ask the log for; nil is everything.
    func selection(of subscriptions: [Subscription]) -> TopicSelection? {
        if let selection { return selection }
        let filters = subscriptions.filter { $0.reader === self && $0.visibility == .durable }
        let made = TopicSelection(filters: filters.map(\.matched))
        selection = made
        return made
    }

    /// Its subscriptions changed. What was read for the old ones, or is on its way, may lack what the new ones want.
    func subscriptionsChanged() {
        selection = nil
        selectionNumber += 1
        for index in cursors.indices {
            forgetRead(at: index)
            cursors[index].place.forgetHint()
        }
    }

    /// Drops what was read and not delivered yet; it is read again from the cursors' offsets.
    func forgetRead() { for index in cursors.indices where !cursors[index].place.isEmpty { forgetRead(at: index) } }

    private func forgetRead(at index: Int) {
        heldByteCount -= cursors[index].place.heldByteCount
        assert(heldByteCount >= 0, "a reader holds what its cursors hold")
        cursors[index].place.forget()
    }

    func removeCursor(at index: Int) {
        let cursor = cursors.remove(at: index)
        lagging.remove(cursor.partition)
        heldByteCount -= cursor.place.heldByteCount
        assert(cursors.count == lagging.count, "it lags where it has a cursor")
        assert(heldByteCount >= 0 && (!cursors.isEmpty || heldByteCount == 0), "what is held is held by cursors")
    }

    func update(at index: Int, _ body: (inout Cursor) -> Void) {
        let (before, partition, offset) = (
            cursors[index].place.heldByteCount, cursors[index].partition, cursors[index].offset
        )
        body(&cursors[index])
        assert(cursors[index].partition == partition, "a cursor stays in its partition")
        assert(cursors[index].offset >= offset, "a cursor does not go back")
        heldByteCount += cursors[index].place.heldByteCount - before
    }

    func index(awaiting number: UInt64) -> Int? { cursors.firstIndex { $0.place.awaited == number } }
}
