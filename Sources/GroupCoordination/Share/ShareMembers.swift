import SluiceCore

/// What a member of a share group says in a heartbeat: that it joins, is there, or leaves.
package struct ShareHeartbeat: Sendable {
    /// What the member calls itself.
    package var memberID: String
    /// 0 to join, -1 to leave, else the epoch that it was told last.
    package var epoch: Int32
    /// What the client calls itself.
    package var clientID: String
    /// Where it comes from.
    package var host: String
    /// The rack that it is in, if it has said so.
    package var rack: String?
    /// The topics that it reads; nil for those that it has said before.
    package var topics: [String]?

    /// A heartbeat from its parts.
    package init(
        memberID: String, epoch: Int32, clientID: String, host: String, rack: String? = nil, topics: [String]? = nil
    ) {
        self.memberID = memberID
        self.epoch = epoch
        self.clientID = clientID
        self.host = host
        self.rack = rack
        self.topics = topics
    }
}

/// The members of one share group, and which partitions each of them reads: a state machine that knows no socket, clock
/// or log.
///
/// A partition may be read by several members, and nobody has to let go of one before another gets it: what keeps
/// records apart is `SharePartition`. Of a topic's readers each gets partitions in turn, in the order in which they
/// came, until every partition has a reader and every reader a partition.
/// Isolation: its coordinator's.
/// Source: KIP-932.
package struct ShareMembers: Sendable {
    /// Topics that a member reads at most.
    package static let topicCountMax = 10_000
    /// How long members may be silent, in nanoseconds, unless the group's settings say otherwise.
    static let sessionTimeout: Int64 = 45_000_000_000
    /// Members of a group: Kafka's `group.share.max.size` may not be more.
    static let countMax = 1000

    private struct Member: Sendable {
        var clientID: String
        var host: String
        var rack: String?
        var topics: Set<String> = []
        /// Who came before has a smaller one.
        var number: UInt64
        var epoch: Int32 = 0
        var previousEpoch: Int32 = 0
        var deadline: Int64
        /// What it was told that it reads; nil when it is to be told anew.
        var told: [StreamPartition]?
    }

    private var members: [String: Member] = [:]
    private var lastNumber: UInt64 = 0
    private(set) var epoch: Int32 = 0
    /// What each member reads.
    private var assignment: [String: [StreamPartition]] = [:]
    /// How many partitions each topic had when that was decided.
    private var counts: [String: Int] = [:]

    var isEmpty: Bool { members.isEmpty }

    // MARK: Heartbeats

    /// A member joins, is heard of, or leaves.
    /// - Parameter partitionCount: how many partitions a topic has; nil when there is none.
    mutating func heartbeat(
        _ beat: ShareHeartbeat, now: Int64, timeout: Int64, partitionCount: (String) -> Int?
    ) throws(GroupFault) -> ConsumerAssignment {
        if beat.epoch < 0 {
            guard members[beat.memberID] != nil else { throw .unknownMember }
            remove([beat.memberID], partitionCount: partitionCount)
            return ConsumerAssignment(epoch: -1, partitions: nil)
        }
        var member = try admitted(beat, now: now)
        member.deadline = now + timeout
        if let rack = beat.rack { member.rack = rack }
        let isNew = members[beat.memberID] == nil
        let topics = beat.topics.map(Set.init) ?? member.topics
        let isChanged = isNew || topics != member.topics
        member.topics = topics
        members[beat.memberID] = member
        if isChanged { assign(partitionCount) }
        return answer(beat.memberID, isFull: beat.epoch == 0 || beat.topics != nil)
    }

    private mutating func admitted(_ beat: ShareHeartbeat, now: Int64) throws(GroupFault) -> Member {
        guard var member = members[beat.memberID] else {
            guard beat.epoch == 0 else { throw .unknownMember }
            guard members.count < Self.countMax else { throw .full }
            lastNumber += 1
            return Member(clientID: beat.clientID, host: beat.host, number: lastNumber, deadline: now)
        }
        // An answer may have been lost; what is older, or has never been, is somebody else's.
        let isKnown = beat.epoch == 0 || beat.epoch == member.epoch || beat.epoch == member.previousEpoch
        guard isKnown else { throw .fencedMemberEpoch }
        if beat.epoch != member.epoch { member.told = nil }
        return member
    }

    private mutating func answer(_ name: String, isFull: Bool) -> ConsumerAssignment {
        guard var member = members[name] else { preconditionFailure("Cannot answer who is no member") }
        if member.epoch != epoch { (member.previousEpoch, member.epoch) = (member.epoch, epoch) }
        let partitions = assignment[name] ?? []
        let isNews = isFull || member.told != partitions
        member.told = partitions
        members[name] = member
        return ConsumerAssignment(epoch: epoch, partitions: isNews ? partitions : nil)
    }

    private mutating func remove(_ names: [String], partitionCount: (String) -> Int?) {
        for name in names { members[name] = nil }
        if !names.isEmpty { assign(partitionCount) }
    }

    // MARK: Assignment

    /// Decides anew who reads what.
    private mutating func assign(_ partitionCount: (String) -> Int?) {
        epoch += 1
        assignment = [:]
        counts = [:]
        var readers: [String: [String]] = [:]
        for (name, member) in members.sorted(by: { $0.value.number < $1.value.number }) {
            for topic in member.topics { readers[topic, default: []].append(name) }
        }
        for (topic, names) in readers.sorted(by: { $0.key < $1.key }) {
            guard let count = partitionCount(topic), count > 0 else { continue }
            counts[topic] = count
            for index in 0..<max(count, names.count) {
                let partition = StreamPartition(stream: topic, number: Int32(index % count))
                assignment[names[index % names.count], default: []].append(partition)
            }
        }
        for name in assignment.keys { assignment[name]?.sort() }
    }

    /// Topics were made, have grown, or are gone.
    mutating func follow(_ partitionCount: (String) -> Int?) {
        let topics = members.values.reduce(into: Set<String>()) { $0.formUnion($1.topics) }
        if topics.contains(where: { partitionCount($0) ?? 0 != counts[$0] ?? 0 }) { assign(partitionCount) }
    }

    /// Members that were silent for too long are lost.
    mutating func elapsed(now: Int64, partitionCount: (String) -> Int?) {
        remove(members.filter { $0.value.deadline <= now }.keys.sorted(), partitionCount: partitionCount)
    }

    // MARK: Queries

    /// The group as an operator sees it.
    var description: ShareDescription {
        ShareDescription(
            state: members.isEmpty ? "Empty" : "Stable", epoch: epoch,
            members: members.sorted { $0.key < $1.key }.map { name, member in
                ShareDescription.Member(
                    memberID: name, rack: member.rack, epoch: member.epoch, clientID: member.clientID,
                    host: member.host, topics: member.topics.sorted(), partitions: assignment[name] ?? [])
            })
    }
}

/// A share group as an operator sees it.
package struct ShareDescription: Equatable, Sendable {
    /// Kafka's name of its state.
    package var state: String
    /// Counts its changes.
    package var epoch: Int32
    /// Its members, by the order of their identifiers.
    package var members: [Member]

    /// A group that nobody is in.
    package static let empty = ShareDescription(state: "Empty", epoch: 0, members: [])

    /// A member as an operator sees it.
    package struct Member: Equatable, Sendable {
        /// What the member calls itself.
        package var memberID: String
        /// The rack that it is in.
        package var rack: String?
        /// The epoch that it was told last.
        package var epoch: Int32
        /// What the client calls itself.
        package var clientID: String
        /// Where it comes from.
        package var host: String
        /// The topics that it reads.
        package var topics: [String]
        /// The partitions that it reads.
        package var partitions: [StreamPartition]
    }
}

/// The members of share groups, by the groups' names.
///
/// Members are not on record: after a restart they are told that they are unknown, and join anew.
/// Isolation: a value behind its owner's lock, in the table of what groups have committed, so that nobody of another
/// kind joins meanwhile.
package struct ShareProtocolGroups: Sendable {
    private var groups: [String: ShareMembers] = [:]

    /// No groups.
    package init() {}

    mutating func heartbeat(
        _ name: String, _ beat: ShareHeartbeat, now: Int64, timeout: Int64, partitionCount: (String) -> Int?
    ) throws(GroupFault) -> ConsumerAssignment {
        // Out of the dictionary while it changes, so that it is not copied.
        var group = groups.removeValue(forKey: name) ?? ShareMembers()
        defer { if !group.isEmpty { groups[name] = group } }
        return try group.heartbeat(beat, now: now, timeout: timeout, partitionCount: partitionCount)
    }

    /// Members that were silent for too long are lost.
    /// - Complexity: O(members of all groups).
    package mutating func elapsed(now: Int64, partitionCount: (String) -> Int?) {
        for name in groups.keys.sorted() {
            groups[name]?.elapsed(now: now, partitionCount: partitionCount)
            if groups[name]?.isEmpty == true { groups[name] = nil }
        }
    }

    /// Topics were made, have grown, or are gone.
    package mutating func follow(_ partitionCount: (String) -> Int?) {
        for name in groups.keys.sorted() { groups[name]?.follow(partitionCount) }
    }

    /// Whether anybody is a member.
    package func isActive(_ name: String) -> Bool { groups[name] != nil }

    /// Every group's name, sorted.
    package var names: [String] { groups.keys.sorted() }

    /// The group as an operator sees it.
    package func description(of name: String) -> ShareDescription? { groups[name]?.description }
}

extension OffsetTable {
    /// A member of a share group joins, is heard of, or leaves.
    /// - Throws: `GroupFault.otherKind` also when clients of another kind are in the group.
    package mutating func heartbeat(
        _ name: String, _ beat: ShareHeartbeat, now: Int64, partitionCount: (String) -> Int?
    ) throws(GroupFault) -> ConsumerAssignment {
        if registry.isActive(name) || classic.isActive(name) || consumers.isActive(name) { throw .otherKind }
        registry.forget(name)
        return try shares.heartbeat(
            name, beat, now: now, timeout: settings[name].shareSessionTimeout, partitionCount: partitionCount)
    }
}
