import GroupCoordination
import KafkaWire
import LogInterface
import RecordFormat
import SluiceCore

/// What share groups have: its changes, their records, and who is woken by them.
extension KafkaShard {
    /// Bytes of records in one batch, about: one of a partition with many runs has 200 KB.
    private static let recordBytesMax = 256 << 10

    /// Changes what share groups have, and appends the records of it in the order of the changes.
    /// - Parameters:
    ///   - stored: hears whether all is durable, at once when there is nothing to append.
    ///   - body: changes the table, and adds the records.
    func changeShares<Result>(
        stored: @escaping (Bool) -> Void = { _ in },
        _ body: (inout ShareTable, inout [ShareStateRecord]) -> Result
    ) -> Result {
        let partition = internalPartition(ShareStateRecord.stream)
        let change = peers.withShares { table in
            let before = table.byteCount
            var records: [ShareStateRecord] = []
            let result = body(&table, &records)
            // Within the lock, so that the last record of a partition is that of its last change.
            let tickets = partition.map { append(records, to: $0) } ?? []
            return (
                result: result, tickets: tickets, isLost: partition == nil && !records.isEmpty,
                woken: table.takeWoken(), growth: table.byteCount - before
            )
        }
        account(change.growth)
        // Before anybody is woken, who may append in turn: appends are waited for in their order.
        settle(change.tickets, isStored: !change.isLost, stored)
        wake(change.woken)
        return change.result
    }

    private func append(_ records: [ShareStateRecord], to partition: PartitionID) -> [AppendTicket] {
        var tickets: [AppendTicket] = []
        var pairs: [(key: [UInt8], value: [UInt8]?)] = []
        var byteCount = 0
        func send() {
            let append = Append(partition: partition, batch: batch(of: pairs), isAwaited: true, topicHashes: nil)
            tickets.append(log.append([append], from: loop))
            (pairs, byteCount) = ([], 0)
        }
        for record in ShareStateRecord.latest(of: records) {
            pairs.append((record.key, record.value))
            byteCount += pairs.last.map { $0.key.count + ($0.value?.count ?? 0) } ?? 0
            if byteCount >= Self.recordBytesMax { send() }
        }
        if !pairs.isEmpty { send() }
        return tickets
    }

    private func settle(_ tickets: [AppendTicket], isStored: Bool, _ body: @escaping (Bool) -> Void) {
        guard !tickets.isEmpty else { return body(isStored) }
        var isStored = isStored
        for (index, ticket) in tickets.enumerated() {
            appends.add(
                ticket,
                .then { outcome in
                    if outcome != .stored { isStored = false }
                    if index == tickets.count - 1 { body(isStored) }
                })
        }
    }

    // MARK: Beginning

    /// A partition that a group reads.
    struct SharedPartition {
        var key: ShareKey
        var partition: PartitionID
    }

    /// The partition of a topic; nil when there is none.
    func shared(_ group: String, _ topic: Topic, _ number: Int32) -> SharedPartition? {
        topic.partition(number).map {
            SharedPartition(
                key: ShareKey(group, SharePlace(topicID: topic.id.rawValue, number: number)), partition: $0)
        }
    }

    /// Has a group begin in partitions where it has not been, and puts on record where.
    /// - Parameter body: hears whether that is durable.
    func begin(
        _ wanted: [SharedPartition], of group: String, _ body: @escaping (Bool) -> Void
    ) {
        let missing = peers.withShares { table in wanted.filter { !table.has($0.key) } }
        guard !missing.isEmpty else { return body(true) }
        switch peers.withOffsets({ $0.settings[group].offsetReset }) {
        case .earliest: begin(missing.map { ($0.key, log.bounds($0.partition).start) }, body)
        case .latest: begin(missing.map { ($0.key, log.bounds($0.partition).highWatermark) }, body)
        case .byDuration(let milliseconds):
            let time = Timestamp(rawValue: wallClock.rawValue - milliseconds)
            var found: [(key: ShareKey, start: Offset)] = []
            for one in missing {
                first(since: time, in: one.partition) { [unowned self] offset in
                    found.append((one.key, offset ?? log.bounds(one.partition).highWatermark))
                    if found.count == missing.count { begin(found, body) }
                }
            }
        }
    }

    private func begin(_ starts: [(key: ShareKey, start: Offset)], _ body: @escaping (Bool) -> Void) {
        changeShares(stored: body) { table, records in
            for (key, start) in starts {
                if let record = table.begin(key, at: start, now: wallClock) { records.append(record) }
            }
        }
    }

    // MARK: Time

    /// Twice a second: records whose time is over are others', and silent members are lost. What these have stays
    /// theirs as long as their sessions and their locks do.
    func elapsedShares() {
        let known = topics
        peers.withOffsets { $0.shares.elapsed(now: now) { known[$0]?.partitions.count } }
        changeShares { table, records in records += table.elapsed(now: now, at: wallClock) }
    }

    /// Takes topics that are gone off the record of all groups.
    func forgetShares(ofOtherTopicsThan known: TopicTable) {
        changeShares { table, records in
            let gone = table.topicIDs.filter { known[KafkaUUID(rawValue: $0)] == nil }
            guard !gone.isEmpty else { return }
            // What another loop has begun since is of a topic that is there now.
            let now = TopicTable(log.streams)
            for id in gone where now[KafkaUUID(rawValue: id)] == nil { records += table.remove(topic: id) }
        }
    }

    // MARK: Waking

    /// There is more of some partitions than before for their groups.
    func sharesGrew(_ keys: Set<ShareKey>) {
        for key in keys {
            guard let partition = topics[KafkaUUID(rawValue: key.place.topicID)]?.partition(key.place.number) else {
                continue
            }
            wakeShares(of: partition, group: key.group)
        }
    }

    /// Looks again for members that wait for a partition's records, in the order in which they came: those of a group
    /// until one of them has found nothing, which then is what others would find.
    func wakeShares(of partition: PartitionID, group: String? = nil) {
        var exhausted: Set<String> = []
        for fetch in waiting.shares.waiting(for: partition) where group.map({ $0 == fetch.id.group }) ?? true {
            guard !exhausted.contains(fetch.id.group), fetch.parkedNumber != 0 else { continue }
            look(fetch)
            if fetch.parkedNumber != 0 { exhausted.insert(fetch.id.group) }
        }
    }

    private func wake(_ woken: [Int: Set<ShareKey>]) {
        for (shard, keys) in woken {
            if shard == settings.index { sharesGrew(keys) } else { peers.post(.sharesGrew(keys), to: shard) }
        }
    }
}
