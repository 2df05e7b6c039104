package import SluiceCore

/// What groups have committed, and what is on record of them: the state of `__consumer_offsets`.
///
/// Changed only by records: a handler makes a record, the record is appended, and `apply` gives it its effect; loading
/// applies the same records in the same order.
/// Isolation: a value behind its owner's lock.
package struct OffsetTable: Sendable {
    private(set) var groups: [String: Group] = [:]
    /// Who is there of what is on record.
    package var registry = GroupRegistry()
    /// The groups of Kafka's classic protocol.
    package internal(set) var classic = ClassicGroups()
    /// The groups of Kafka's consumer protocol.
    package var consumers = ConsumerProtocolGroups()
    /// The members of share groups.
    package var shares = ShareProtocolGroups()
    /// What is set for groups.
    package var settings = GroupSettingsTable()
    /// When the process began; members on record count as there until then.
    private var startedAt = Timestamp(rawValue: 0)
    /// Records that could not be understood.
    package private(set) var damagedCount = 0

    /// A group on record.
    package struct Group: Sendable, Equatable {
        /// How far it has come.
        package fileprivate(set) var offsets: [StreamPartition: CommittedOffset] = [:]
        /// Its members and generation, as last recorded.
        package fileprivate(set) var metadata: GroupMetadata?

        /// Who had which partition last, by client identifier.
        package var homes: [StreamPartition: String] {
            var homes: [StreamPartition: String] = [:]
            for member in metadata?.members ?? [] {
                for partition in member.partitions { homes[partition] = member.clientID }
            }
            return homes
        }
    }

    /// A table without groups.
    package init() {}

    /// Applies a record as it is in the stream.
    package mutating func apply(key: [UInt8], value: [UInt8]?) {
        guard let record = GroupRecord(key: key, value: value) else {
            damagedCount += 1
            return
        }
        apply(record)
    }

    /// Gives a record its effect.
    package mutating func apply(_ record: GroupRecord) {
        switch record {
        case .offset(let group, let partition, let committed):
            groups[group, default: Group()].offsets[partition] = committed
            prune(group)
        case .metadata(let group, let metadata):
            groups[group, default: Group()].metadata = metadata
            prune(group)
        }
    }

    private mutating func prune(_ name: String) {
        if let group = groups[name], group.offsets.isEmpty, group.metadata == nil { groups[name] = nil }
    }

    /// Everything is replayed, and nobody is connected yet.
    package mutating func started(at now: Timestamp) { startedAt = now }

    // MARK: Members

    /// Counts a member that reads a stream. In partitions where the group has committed nothing it is committed to
    /// begin at `start`, so that nothing is skipped that comes before its first commit.
    /// - Parameter start: an offset for each of the stream's partitions.
    /// - Returns: what came of it, and the records to append; they have their effect already.
    /// - Complexity: O(partitions).
    package mutating func join(
        _ name: String, stream: String, filter: [UInt8], start: [Offset], at now: Timestamp, by shard: Int
    ) -> (claim: GroupRegistry.Claim, records: [GroupRecord]) {
        if hasKafkaMembers(name) { return (.refusedKind, []) }
        let claim = registry.claim(name, stream: stream, filter: filter, by: shard)
        guard case .granted(_, _, isNewStream: true) = claim else { return (claim, []) }
        var records: [GroupRecord] = []
        for (number, offset) in start.enumerated() {
            let partition = StreamPartition(stream: stream, number: Int32(number))
            guard committed(name, partition) == nil else { continue }
            records.append(.offset(group: name, partition, CommittedOffset(offset: offset, committedAt: now)))
        }
        for record in records { apply(record) }
        return (claim, records)
    }

    /// Records a group as its coordinator sees it, unless it has been forgotten.
    /// - Returns: whether it is to be appended.
    package mutating func note(_ metadata: GroupMetadata, of name: String, by shard: Int) -> Bool {
        guard registry.coordinator(of: name) == shard else { return false }
        apply(.metadata(group: name, metadata))
        return true
    }

    /// What comes of taking a group off the record.
    package enum Removal: Equatable, Sendable {
        /// There is no such group.
        case unknown
        /// Somebody is a member.
        case active
        /// It is gone; these records are to be appended.
        case removed([GroupRecord])
    }

    /// Takes a group off the record, with the offsets of all streams, unless somebody is a member.
    package mutating func remove(_ name: String) -> Removal {
        guard !isActive(name) else { return .active }
        guard let group = groups[name] else {
            classic.forget(name)
            return .unknown
        }
        var records = group.offsets.keys.sorted().map { GroupRecord.offset(group: name, $0, nil) }
        if group.metadata != nil { records.append(.metadata(group: name, nil)) }
        for record in records { apply(record) }
        assert(groups[name] == nil)
        registry.forget(name)
        classic.forget(name)
        return .removed(records)
    }

    /// Takes a stream that was deleted off the record of all groups.
    /// - Returns: the records to append; they have their effect already.
    package mutating func remove(stream: String) -> [GroupRecord] {
        var records: [GroupRecord] = []
        for (name, group) in groups.sorted(by: { $0.key < $1.key }) {
            for partition in group.offsets.keys.sorted() where partition.stream == stream {
                records.append(.offset(group: name, partition, nil))
            }
        }
        for record in records { apply(record) }
        return records
    }

    /// Takes a group's offsets of some partitions off the record.
    /// - Returns: the records to append; they have their effect already.
    package mutating func remove(_ name: String, _ partitions: [StreamPartition]) -> [GroupRecord] {
        let records = partitions.filter { committed(name, $0) != nil }.map {
            GroupRecord.offset(group: name, $0, nil)
        }
        for record in records { apply(record) }
        return records
    }

    // MARK: Queries

    /// Whether anybody is in a group, whatever it speaks.
    package func isActive(_ name: String) -> Bool {
        registry.isActive(name) || hasKafkaMembers(name)
    }

    /// Whether Kafka's clients are members of a group, whatever protocol they use.
    package func hasKafkaMembers(_ name: String) -> Bool {
        classic.isActive(name) || consumers.isActive(name) || shares.isActive(name)
    }

    /// How far `group` has come in `partition`; nil when it has committed nothing.
    package func committed(_ group: String, _ partition: StreamPartition) -> CommittedOffset? {
        groups[group]?.offsets[partition]
    }

    /// The partitions in which a group has committed something.
    package func partitions(of group: String) -> [StreamPartition] {
        groups[group].map { Array($0.offsets.keys) } ?? []
    }

    /// A group by its name.
    package subscript(name: String) -> Group? { groups[name] }

    /// Every group's name, sorted.
    package var names: [String] { groups.keys.sorted() }

    /// The members of a group that are there.
    package func members(of name: String) -> [GroupMetadata.Member] {
        if let group = consumers.description(of: name) {
            return group.members.map {
                GroupMetadata.Member(
                    memberID: $0.memberID, clientID: $0.clientID, host: $0.host, partitions: $0.target)
            }
        }
        if let group = shares.description(of: name) {
            return group.members.map {
                GroupMetadata.Member(
                    memberID: $0.memberID, clientID: $0.clientID, host: $0.host, partitions: $0.partitions)
            }
        }
        return isActive(name) ? groups[name]?.metadata?.members ?? [] : []
    }

    /// Groups without members that were last heard of before `time`: their offsets may go.
    package func idle(before time: Timestamp) -> [String] {
        groups.filter { !isActive($0.key) && lastActive($0.value) < time }.keys.sorted()
    }

    private func lastActive(_ group: Group) -> Timestamp {
        let committed = group.offsets.values.map(\.committedAt).max() ?? Timestamp(rawValue: 0)
        let changed = group.metadata?.changedAt ?? Timestamp(rawValue: 0)
        // Whoever is on record as a member when the process begins was one until the last one ended.
        let wasThere = group.metadata?.members.isEmpty == false
        return max(committed, changed, wasThere ? startedAt : changed)
    }
}
