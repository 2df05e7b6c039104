package import SluiceCore

/// One partition of one share group.
package struct ShareKey: Hashable, Sendable {
    /// The group.
    package var group: String
    /// What it reads.
    package var place: SharePlace

    /// A key from its parts.
    package init(_ group: String, _ place: SharePlace) {
        self.group = group
        self.place = place
    }
}

/// What share groups have in all partitions, and the sessions of their members: the state of `__share_group_state`.
///
/// A change has its effect at once, and gives the record that puts it on record. Records of a partition are appended in
/// the order of their changes: the owner's lock is held while they are.
/// Isolation: a value behind its owner's lock.
package struct ShareTable: Sendable {
    private(set) var groups: [String: [SharePlace: Entry]] = [:]
    /// The sessions of members.
    var sessions: [ShareSessionID: ShareSession] = [:]
    /// Records that could not be understood.
    package private(set) var damagedCount = 0
    /// Bytes that all of it takes, as far as it grows with what clients do.
    package internal(set) var byteCount = 0
    /// Where something is acquired, or was since time passed last.
    private var locked: Set<ShareKey> = []
    /// No lock ends before this moment, in nanoseconds.
    private var earliestDeadline = Int64.max
    private var woken: [Int: Set<ShareKey>] = [:]

    struct Entry: Sendable {
        var partition: SharePartition
        var snapshotEpoch: Int32 = 0
        var createdAt: Timestamp
        var writtenAt: Timestamp
        /// Loops in which somebody waits until there is more.
        var waiting: Set<Int> = []
    }

    /// Nothing.
    package init() {}

    // MARK: Records

    /// Applies a record as it is in the stream.
    package mutating func apply(key: [UInt8], value: [UInt8]?) {
        guard let record = ShareStateRecord(key: key, value: value) else {
            damagedCount += 1
            return
        }
        apply(record)
    }

    private mutating func apply(_ record: ShareStateRecord) {
        drop(ShareKey(record.group, record.place))
        guard let state = record.state else { return }
        let entry = Entry(
            partition: SharePartition(start: state.start, recorded: state.runs), snapshotEpoch: state.snapshotEpoch,
            createdAt: state.createdAt, writtenAt: state.writtenAt)
        byteCount += entry.partition.byteCount
        groups[record.group, default: [:]][record.place] = entry
    }

    private mutating func drop(_ key: ShareKey) {
        guard let entry = groups[key.group]?.removeValue(forKey: key.place) else { return }
        byteCount -= entry.partition.byteCount
        locked.remove(key)
        if groups[key.group]?.isEmpty == true { groups[key.group] = nil }
        wake(key, entry.waiting)
    }

    /// The state of a partition, for its record.
    private mutating func record(_ key: ShareKey, at now: Timestamp) -> ShareStateRecord? {
        let state = access(key) { entry in
            entry.snapshotEpoch = entry.snapshotEpoch == .max ? 0 : entry.snapshotEpoch + 1
            entry.writtenAt = now
            return ShareStateRecord.Recorded(
                snapshotEpoch: entry.snapshotEpoch, createdAt: entry.createdAt, writtenAt: now,
                start: entry.partition.start, runs: entry.partition.recorded,
                doneCount: Int32(clamping: entry.partition.doneCount))
        }
        return state.map { ShareStateRecord(group: key.group, place: key.place, state: $0) }
    }

    /// Calls `body` with an entry where it is; nil when there is none.
    private mutating func access<Result>(_ key: ShareKey, _ body: (inout Entry) -> Result) -> Result? {
        guard let group = groups.index(forKey: key.group),
            let entry = groups.values[group].index(forKey: key.place)
        else { return nil }
        return body(&groups.values[group].values[entry])
    }

    /// Changes a partition, and wakes who waits if there is more now.
    private mutating func change<Result>(_ key: ShareKey, _ body: (inout SharePartition) -> Result) -> Result? {
        var (growth, waiting) = (0, Set<Int>())
        var (deadline, wasLocked) = (Int64.max, false)
        let result = access(key) { entry in
            let (next, hasRoom, byteCount) = (entry.partition.next, entry.partition.hasRoom, entry.partition.byteCount)
            wasLocked = entry.partition.earliestDeadline != .max
            let result = body(&entry.partition)
            growth = entry.partition.byteCount - byteCount
            deadline = entry.partition.earliestDeadline
            if entry.partition.next < next || !hasRoom && entry.partition.hasRoom {
                (waiting, entry.waiting) = (entry.waiting, [])
            }
            return result
        }
        byteCount += growth
        earliestDeadline = min(earliestDeadline, deadline)
        if deadline != .max, !wasLocked { locked.insert(key) }
        wake(key, waiting)
        return result
    }

    private mutating func wake(_ key: ShareKey, _ shards: Set<Int>) {
        for shard in shards { woken[shard, default: []].insert(key) }
    }

    /// The partitions that there is more of, by the loops in which somebody waits for it.
    package mutating func takeWoken() -> [Int: Set<ShareKey>] {
        defer { woken = [:] }
        return woken
    }

    // MARK: Beginning

    /// Whether a group has begun to read a partition.
    package func has(_ key: ShareKey) -> Bool { groups[key.group]?[key.place] != nil }

    /// A group begins to read a partition.
    /// - Returns: the record to append; nil when it has begun before.
    package mutating func begin(_ key: ShareKey, at start: Offset, now: Timestamp) -> ShareStateRecord? {
        guard !has(key) else { return nil }
        groups[key.group, default: [:]][key.place] = Entry(
            partition: SharePartition(start: start), snapshotEpoch: -1, createdAt: now, writtenAt: now)
        return record(key, at: now)
    }

    /// Where a group begins anew in a partition, whatever it has done.
    /// - Returns: the record to append.
    package mutating func reset(_ key: ShareKey, to start: Offset, now: Timestamp) -> ShareStateRecord? {
        guard has(key) else { return begin(key, at: start, now: now) }
        _ = change(key) { $0.reset(to: start) }
        _ = access(key) { $0.waiting = [] }
        return record(key, at: now)
    }

    /// Takes what a group has of some topics off the record; of all when `topics` is nil.
    /// - Returns: the records to append.
    package mutating func remove(_ group: String, topics: Set<UInt128>? = nil) -> [ShareStateRecord] {
        let places = (groups[group] ?? [:]).keys.filter { topics?.contains($0.topicID) ?? true }.sorted()
        for place in places { drop(ShareKey(group, place)) }
        return places.map { ShareStateRecord(group: group, place: $0, state: nil) }
    }

    /// Takes a topic that is gone off the record of all groups.
    /// - Returns: the records to append.
    package mutating func remove(topic: UInt128) -> [ShareStateRecord] {
        groups.keys.sorted().flatMap { remove($0, topics: [topic]) }
    }

    // MARK: Delivering

    /// Where to read what a group is to get next of a partition; whoever finds nothing there is woken when there is
    /// more.
    /// - Parameters:
    ///   - start: where the log begins.
    ///   - end: where it ends.
    ///   - shard: the loop that asks.
    /// - Returns: the offset, and whether anything may be delivered from there; nil when the group has not begun.
    package mutating func next(
        _ key: ShareKey, start: Offset, end: Offset, for shard: Int
    ) -> (offset: Offset, hasRoom: Bool)? {
        let found = change(key) { partition in
            partition.follow(start: start, end: end)
            return (partition.next, partition.next < partition.end || partition.hasRoom)
        }
        guard let found else { return nil }
        _ = access(key) { $0.waiting.insert(shard) }
        return found
    }

    /// Gives a member what it may have; see `SharePartition.acquire`.
    package mutating func acquire(
        _ key: ShareKey, _ batches: [ShareBatch], from offset: Offset, for wish: ShareWish
    ) -> [ShareAcquisition] {
        change(key) { $0.acquire(batches, from: offset, for: wish) } ?? []
    }

    /// A member acknowledges; see `SharePartition.acknowledge`.
    /// - Returns: the record to append, if something has changed that is to be durable.
    /// - Throws: `SharePartition.WrongState` when some of the records are not the member's.
    package mutating func acknowledge(
        _ key: ShareKey, _ words: [ShareAcknowledgement], by member: String, until deadline: Int64, now: Timestamp
    ) throws(SharePartition.WrongState) -> ShareStateRecord? {
        let result = change(key) { partition -> Result<Bool, SharePartition.WrongState> in
            do throws(SharePartition.WrongState) {
                return .success(try partition.acknowledge(words, by: member, until: deadline))
            } catch {
                return .failure(error)
            }
        }
        guard let result else { throw SharePartition.WrongState() }
        return try result.get() ? record(key, at: now) : nil
    }

    /// A member is gone: what it has others may get.
    /// - Returns: the records to append.
    package mutating func release(_ group: String, by member: String, now: Timestamp) -> [ShareStateRecord] {
        locked.filter { $0.group == group }.sorted { $0.place < $1.place }.compactMap { key in
            change(key) { $0.release(by: member) } == true ? record(key, at: now) : nil
        }
    }

    /// Time has passed: what was not acknowledged in time others may get.
    /// - Returns: the records to append.
    /// - Complexity: O(partitions in which something is acquired), and nothing while no lock ends.
    package mutating func elapsed(now: Int64, at time: Timestamp) -> [ShareStateRecord] {
        guard earliestDeadline <= now else { return [] }
        earliestDeadline = .max
        var records: [ShareStateRecord] = []
        for key in locked.sorted(by: { ($0.group, $0.place) < ($1.group, $1.place) }) {
            let isChanged = change(key) { $0.elapsed(now: now) } ?? false
            if isChanged, let record = record(key, at: time) { records.append(record) }
            if groups[key.group]?[key.place]?.partition.earliestDeadline == .max { locked.remove(key) }
        }
        return records
    }

    // MARK: Queries

    /// How far a group has come in a partition.
    package struct Position: Sendable, Equatable {
        /// What it reads.
        package var place: SharePlace
        /// The first offset that it is not done with.
        package var start: Offset
        /// Records behind that it is done with.
        package var doneCount: Int
        /// When that was put on record last.
        package var writtenAt: Timestamp
    }

    /// How far a group has come, by topic and number.
    package func positions(of group: String) -> [Position] {
        (groups[group] ?? [:]).sorted { $0.key < $1.key }.map { place, entry in
            Position(
                place: place, start: entry.partition.start, doneCount: entry.partition.doneCount,
                writtenAt: entry.writtenAt)
        }
    }

    /// Every topic that some group has begun to read, sorted.
    package var topicIDs: [UInt128] {
        groups.values.reduce(into: Set<UInt128>()) { $0.formUnion($1.keys.map(\.topicID)) }.sorted()
    }

    /// Every group that has begun to read something, sorted.
    package var names: [String] { groups.keys.sorted() }
}
