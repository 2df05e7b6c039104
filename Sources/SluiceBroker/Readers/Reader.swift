import LogInterface
import MQTTWire
import RecordFormat
import SluiceCore

/// A subscription of a client.
final class Subscription: Identifiable {
    let client: Client
    /// The filter as the client wrote it.
    let filter: [UInt8]
    /// The filter that topics are matched with: the same, or the inner one of a replay; empty matches every topic.
    let matched: [UInt8]
    let options: SubscriptionOptions
    let identifier: UInt32?
    let reader: Reader
    /// From where it counts in each partition, when its reader would begin before: it is behind, or messages of QoS 0
    /// that were published before are not on the device yet. Nil: from where the reader is.
    var since: Positions?
    /// Whether it gets at QoS 0 what is durable all the same, since it was one of a higher QoS before.
    var staysDurable = false
    /// What of the log it is served from.
    var level: TailLevel {
        options.qos == .atMostOnce && reader.isLiveKind && !staysDurable ? .appended : .durable
    }

    init(
        client: Client, filter: [UInt8], matched: [UInt8], options: SubscriptionOptions, identifier: UInt32?,
        reader: Reader
    ) {
        self.client = client
        self.filter = filter
        self.matched = matched
        self.options = options
        self.identifier = identifier
        self.reader = reader
    }

    /// One for each reader: a replay beside an ordinary subscription of the same filter is its own.
    var id: ObjectIdentifier { ObjectIdentifier(reader) }
}

/// A client's way through the log: live in most partitions, behind in some.
///
/// A reader is live in a partition when it has no cursor there: then the shard's scan of the tail delivers to it. When
/// its client takes no more, the scan leaves a cursor at the record in question, and the reader goes on from there by
/// itself, from memory or from the segments, until it has caught up with the scan. A replay starts with cursors in
/// history. That is the whole difference.
/// Isolation: one shard's.
final class Reader {
    let client: Client
    let kind: Kind
    private(set) var cursors: [Cursor] = []
    private var lagging: Set<PartitionID> = []
    /// Bytes of what was read and not delivered yet, and of what is on its way.
    private(set) var heldByteCount = 0
    /// What of it was accounted, for a reader that belongs to no client.
    var accountedByteCount = 0
    /// Whether it waits for memory.
    var isStarved = false
    /// The reader of its QoS 0 messages that a full socket has not taken; made when one first happens.
    private(set) lazy var quick = Reader(client: client, kind: .quick(of: Owner(reader: self)))
    private(set) var hasQuick = false
    /// Up to where a session's QoS 2 messages were sent before a crash, where that is more than its position says.
    var assuredEnds: [PartitionID: Offset] = [:]
    private var excluded: Set<PartitionID> = []
    /// The partitions that a group's member has; nil for every other kind.
    private var assigned: Set<PartitionID>?
    /// What its cursors ask the log for, made when it is first needed; its number tells answers to an older one.
    private var selection: TopicSelection??
    private(set) var selectionNumber = 0
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
        var partition: PartitionID
        /// The record that it wants next.
        var offset: Offset
        /// Everything before this was read or ruled out; its position when the batches are used up.
        var readEnd = Offset.zero
        var hint: ReadHint?
        /// The selection that the log was asked with.
        var selectionNumber = 0
        /// Batches that were read and not delivered whole yet, and the place in the first of them.
        var batches: ArraySlice<RecordBatch> = []
        var records: RecordReader?
        /// Bytes of the batches, or asked for.
        var heldByteCount = 0
        /// The answer that it waits for, if it does.
        var ticket: UInt64?
        /// Whether its offset is still being looked up.
        var isLookup = false
        /// The time that a replay starts at: the look-up is as exact as the index, and the tail has none.
        var notBefore: Timestamp?

        init(partition: PartitionID, offset: Offset) {
            self.partition = partition
            self.offset = offset
        }
    }

    init(client: Client, kind: Kind) {
        self.client = client
        self.kind = kind
        if case .member = kind { assigned = [] }
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
    var level: TailLevel {
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
        heldByteCount += cursor.heldByteCount
    }

    /// Keeps the reader out of a partition altogether.
    func exclude(_ partition: PartitionID) { excluded.insert(partition) }

    /// Whether the reader stays out of `partition`.
    @inline(__always)
    func excludes(_ partition: PartitionID) -> Bool {
        if let assigned { return !assigned.contains(partition) }
        return !excluded.isEmpty && excluded.contains(partition)
    }

    /// Gives a group's member a partition.
    func assign(_ partition: PartitionID, from offset: Offset) {
        assigned?.insert(partition)
        if !lags(partition) { addCursor(Cursor(partition: partition, offset: offset)) }
    }

    /// Takes a partition away.
    func unassign(_ partition: PartitionID) {
        assigned?.remove(partition)
        if let index = cursors.firstIndex(where: { $0.partition == partition }) { removeCursor(at: index) }
    }

    /// What its cursors ask the log for; nil is everything.
    func selection(of subscriptions: [Subscription]) -> TopicSelection? {
        if let selection { return selection }
        let filters = subscriptions.filter { $0.reader === self && $0.level == .durable }
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
            cursors[index].hint = nil
        }
    }

    /// Drops what was read and not delivered yet; it is read again from the cursors' offsets.
    func forgetRead() { for index in cursors.indices where !cursors[index].batches.isEmpty { forgetRead(at: index) } }

    private func forgetRead(at index: Int) {
        heldByteCount -= cursors[index].heldByteCount
        cursors[index].batches = []
        cursors[index].records = nil
        cursors[index].heldByteCount = 0
    }

    func removeCursor(at index: Int) {
        let cursor = cursors.remove(at: index)
        lagging.remove(cursor.partition)
        heldByteCount -= cursor.heldByteCount
    }

    func update(at index: Int, _ body: (inout Cursor) -> Void) {
        let before = cursors[index].heldByteCount
        body(&cursors[index])
        heldByteCount += cursors[index].heldByteCount - before
    }

    func index(ticket: UInt64) -> Int? { cursors.firstIndex { $0.ticket == ticket } }
}

/// The subscribers that a topic's messages go to, on one shard.
final class MatchList {
    /// One subscriber: overlapping filters of a reader are merged, at the highest QoS [MQTT-3.3.4-2].
    struct Target {
        var reader: Reader
        var qos: QoS
        var retainAsPublished: Bool
        var noLocal: Bool
        var identifiers: [UInt32] = []
        /// From where each of its subscriptions counts that get what is durable; none when one of them counts from
        /// wherever its reader is.
        private var since: [Positions] = []
        private var hasDurable = false
        private var hasAppended = false

        /// Subscribers at QoS 0 get what is appended; others, replays and groups, what is durable.
        var level: TailLevel { hasDurable ? .durable : .appended }

        init(_ subscription: Subscription) {
            reader = subscription.reader
            qos = subscription.options.qos
            retainAsPublished = subscription.options.retainAsPublished
            noLocal = subscription.options.noLocal
            take(subscription)
        }

        /// A subscriber of a single message that is not found by its topic.
        init(reader: Reader, qos: QoS, retainAsPublished: Bool, identifier: UInt32?) {
            self.reader = reader
            self.qos = qos
            self.retainAsPublished = retainAsPublished
            noLocal = false
            identifiers = identifier.map { [$0] } ?? []
            hasDurable = true
        }

        /// Takes another subscription of the same reader.
        mutating func merge(_ subscription: Subscription) {
            let options = subscription.options
            if options.qos.rawValue > qos.rawValue { qos = options.qos }
            retainAsPublished = retainAsPublished || options.retainAsPublished
            noLocal = noLocal && options.noLocal
            take(subscription)
        }

        private mutating func take(_ subscription: Subscription) {
            if let identifier = subscription.identifier { identifiers.append(identifier) }
            switch subscription.level {
            case .appended: hasAppended = true
            case .durable:
                let isUnbounded = hasDurable && since.isEmpty
                hasDurable = true
                if let start = subscription.since { if !isUnbounded { since.append(start) } } else { since = [] }
            }
        }

        /// Whether one of its subscriptions to what is durable counts from before `offset`.
        @inline(__always)
        func counts(_ offset: Offset, in partition: PartitionID) -> Bool {
            since.isEmpty || since.contains { offset >= $0.offset(in: partition) }
        }

        /// What it is for a record that comes at `level`; nil when that has it at the other.
        ///
        /// A subscription at a higher QoS than an older one of the same topics counts from when it was made: what was
        /// appended before is the older one's, at QoS 0.
        func seen(at level: TailLevel, _ offset: Offset, in partition: PartitionID) -> Target? {
            let isDurable = hasDurable && counts(offset, in: partition)
            switch level {
            case .durable: return isDurable ? self : nil
            case .appended:
                guard !isDurable, hasAppended else { return nil }
                var target = self
                target.qos = .atMostOnce
                return target
            }
        }
    }

    private(set) var targets: [Target] = []
    /// Where each reader is in `targets`, once there are too many to look at one by one.
    private var indexes: [ObjectIdentifier: Int] = [:]
    private var appendedCount = 0
    private var hasAppended: Bool { appendedCount > 0 }
    private var hasDurable: Bool { appendedCount < targets.count }

    /// Subscribers from which on they are found by a table.
    private static let indexedMin = 16

    /// Adds a subscription that matches.
    /// - Complexity: amortised O(1): a topic may have every client as its subscriber.
    func add(_ subscription: Subscription) {
        if let index = index(of: subscription.reader) {
            let before = targets[index].level
            targets[index].merge(subscription)
            note(targets[index].level, before: before)
        } else {
            targets.append(Target(subscription))
            note(targets[targets.count - 1].level, before: .durable)
            if targets.count == Self.indexedMin {
                for (index, target) in targets.enumerated() { indexes[ObjectIdentifier(target.reader)] = index }
            } else if targets.count > Self.indexedMin {
                indexes[ObjectIdentifier(subscription.reader)] = targets.count - 1
            }
        }
    }

    private func index(of reader: Reader) -> Int? {
        targets.count < Self.indexedMin
            ? targets.firstIndex { $0.reader === reader } : indexes[ObjectIdentifier(reader)]
    }

    private func note(_ level: TailLevel, before: TailLevel) {
        appendedCount += (level == .appended ? 1 : 0) - (before == .appended ? 1 : 0)
        assert(appendedCount >= 0 && appendedCount <= targets.count)
    }

    /// The subscriber that `reader` stands for here.
    /// - Complexity: O(1) among many.
    func target(of reader: Reader) -> Target? { index(of: reader).map { targets[$0] } }

    func has(_ level: TailLevel) -> Bool {
        switch level {
        case .appended: hasAppended
        case .durable: hasDurable
        }
    }
}
