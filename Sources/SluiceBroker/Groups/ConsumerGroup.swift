import GroupCoordination
import LogInterface
import SluiceCore

/// A consumer group and one of the streams that it reads: what `$share/<group>/$stream/<stream>` names.
package struct GroupKey: Hashable, Sendable {
    var group: String
    var stream: String
}

/// The coordinator of one consumer group: who is a member, and who has which partition of the streams that they read.
///
/// It lives on the shard of whoever joined first; members are reached by messages. Where the group stands is no part of
/// it: that is what has been committed, in `__consumer_offsets`.
/// Isolation: its shard's.
final class ConsumerGroup {
    let name: String
    var state: GroupState
    /// The streams that members read, or have read.
    private(set) var streams: [String: StreamDescription] = [:]
    /// Who reads which of them, by member.
    private(set) var seats: [String: [String: Seat]] = [:]
    /// Records above a partition's committed offset that its last owner had acknowledged.
    var acknowledged: [StreamPartition: Set<Offset>] = [:]
    /// The records of each partition that some member was sent end before this offset.
    var sentEnds: [StreamPartition: Offset] = [:]
    /// Where partitions go on that are being moved by hand.
    var resets: [StreamPartition: Offset] = [:]

    /// A member's place in one of the streams.
    struct Seat {
        var membership: MembershipID
        /// Where the member comes from.
        var host: String
    }

    init(name: String, homes: [StreamPartition: String], generation: Int32) {
        self.name = name
        state = GroupState(homes: homes, generation: generation)
    }

    /// A member begins to read a stream.
    func seat(_ join: GroupJoin, _ stream: StreamDescription) {
        assert(join.key.group == name, "a member takes its seat in the group that it joins")
        assert(stream.settings.name == join.key.stream)
        assert(seats[join.member]?[join.key.stream] == nil, "a member has one seat in a stream: the former was left")
        streams[join.key.stream] = stream
        seats[join.member, default: [:]][join.key.stream] = Seat(membership: join.membership, host: join.host)
    }

    /// Ends memberships of a member, unless it has others of the same streams by now.
    /// - Returns: the streams that it reads no longer.
    func unseat(_ member: String, _ memberships: [GroupKey: MembershipID]) -> [String] {
        assert(memberships.keys.allSatisfy { $0.group == name }, "memberships of another group end elsewhere")
        let streams = memberships.filter { seats[member]?[$0.key.stream]?.membership == $0.value }.keys.map(\.stream)
        for stream in streams { seats[member]?[stream] = nil }
        if seats[member]?.isEmpty == true { seats[member] = nil }
        return streams.sorted()
    }

    /// A member has let go of a partition.
    func received(_ handover: GroupHandover) {
        assert(streams[handover.partition.stream] != nil, "a partition is let go of in a stream that somebody has read")
        acknowledged[handover.partition] = handover.acknowledged
        sentEnds[handover.partition] = handover.sentEnd
    }

    /// What its members have, for the record.
    func metadata(at now: Timestamp) -> GroupMetadata {
        let members = state.assignment.map { member in
            GroupMetadata.Member(
                memberID: member.member, clientID: member.clientID,
                host: seats[member.member]?.values.first?.host ?? "", partitions: member.partitions)
        }
        return GroupMetadata(generation: state.generation, assignor: "sticky", changedAt: now, members: members)
    }
}

/// One membership of a client in one stream of a group. One that has ended and its successor are two, so that what was
/// on the way to the first does not reach the second.
package struct MembershipID: Equatable, Sendable {
    /// The member's connection.
    var owner: ClientOwner
    /// Its number among those of its shard.
    var number: UInt64
}

/// What a member tells its coordinator when it begins to read a stream.
package struct GroupJoin: Sendable {
    var key: GroupKey
    var membership: MembershipID
    /// The member's name in the group.
    var member: String
    /// Where it comes from.
    var host: String
}

/// What a member says of a partition that it lets go of.
package struct GroupHandover: Sendable {
    var partition: StreamPartition
    /// Records above what it has committed that it has acknowledged.
    var acknowledged: Set<Offset>
    /// The records that it, or an owner before it, was sent end before this offset.
    var sentEnd: Offset
}

/// What a member gets with a partition.
package struct GroupAssignment: Sendable {
    var membership: MembershipID
    var partition: StreamPartition
    var generation: Int32
    /// The first record that the group has not done with.
    var offset: Offset
    /// Records behind it that it has done with all the same.
    var acknowledged: Set<Offset>
    /// The records that owners before it were sent end before this offset.
    var sentEnd: Offset
}

/// A client's membership in a consumer group, as a reader of one stream: its partitions, and how far it has come in
/// each.
///
/// Isolation: its client's shard.
final class GroupMembership {
    let key: GroupKey
    let id: MembershipID
    /// The filter as the client wrote it.
    let filter: [UInt8]
    /// The stream, with all partitions that the member has had.
    var stream: StreamDescription
    /// The shard of the group's coordinator.
    let coordinator: Int
    unowned let client: Client
    private(set) var partitions: [Int: Progress] = [:]
    /// Whether it is on the shard's list of those with something to commit.
    var isDirty = false

    /// How far the member has come in one of its partitions.
    ///
    /// Invariants: `pending` is in the order of the log; nothing in it is below `committed`.
    struct Progress {
        var generation: Int32
        /// Everything before was acknowledged, and is on record when `isDirty` is not set.
        var committed: Offset
        /// What was sent, in order; the first of it is not acknowledged.
        var pending = Ring<Offset>()
        /// What of it, and of what the last owner had, is acknowledged out of turn.
        var acknowledged: Set<Offset>
        /// What lies before was sent to an owner before this one: once more, it carries DUP.
        var repeatEnd: Offset
        /// The records that it, or an owner before it, was sent end before this offset.
        var sentEnd: Offset
        var isDirty = false
        /// When it lets go of the partition in any case, once it was told to; nanoseconds.
        var leavesBy: Int64?

        /// Everything in front that is acknowledged is done with.
        mutating func advance() {
            while let first = pending.first, acknowledged.remove(first) != nil {
                assert(first >= committed, "what is committed is not pending any more")
                _ = pending.popFirst()
                committed = first.advanced(by: 1)
                isDirty = true
            }
        }
    }

    init(
        key: GroupKey, id: MembershipID, filter: [UInt8], stream: StreamDescription, coordinator: Int, client: Client
    ) {
        assert(stream.settings.name == key.stream)
        assert(id.owner.number == client.number, "a membership is that of its client's connection")
        self.key = key
        self.id = id
        self.filter = filter
        self.stream = stream
        self.coordinator = coordinator
        self.client = client
    }

    /// The member's name in the group.
    var memberID: String { String(decoding: client.clientID, as: UTF8.self) }

    /// A partition by its number in the node.
    func number(of partition: PartitionID) -> Int? { stream.partitions.firstIndex(of: partition) }

    func assigned(_ assignment: GroupAssignment) {
        let number = Int(assignment.partition.number)
        precondition(assignment.partition.stream == key.stream)
        precondition(partitions[number] == nil)
        assert(assignment.membership == id, "what was on the way to a former membership does not reach its successor")
        assert(stream.partitions.indices.contains(number), "the stream is known with all partitions that a member has")
        partitions[number] = Progress(
            generation: assignment.generation, committed: assignment.offset, acknowledged: assignment.acknowledged,
            repeatEnd: assignment.sentEnd, sentEnd: assignment.sentEnd)
    }

    func update(_ number: Int, _ body: (inout Progress) -> Void) {
        guard var progress = partitions[number] else { return }
        body(&progress)
        partitions[number] = progress
    }

    /// Lets go of a partition.
    /// - Returns: what its next owner is to know; nil when it is not there.
    func remove(_ number: Int) -> GroupHandover? {
        partitions.removeValue(forKey: number).map { progress in
            GroupHandover(
                partition: partition(number), acknowledged: progress.acknowledged, sentEnd: progress.sentEnd)
        }
    }

    /// A partition by its number in the stream.
    func partition(_ number: Int) -> StreamPartition { StreamPartition(stream: key.stream, number: Int32(number)) }

    // MARK: Records

    /// What a record is to the group that comes up for a member.
    enum Standing { case new, repeated, done }

    /// Whether the group has done with a record, or has sent it to another member before.
    func standing(_ partition: PartitionID, _ offset: Offset) -> Standing {
        guard let number = number(of: partition), let progress = partitions[number] else { return .done }
        if offset < progress.committed || progress.acknowledged.contains(offset) { return .done }
        return offset < progress.repeatEnd ? .repeated : .new
    }

    /// A record was sent.
    func sent(_ partition: PartitionID, _ offset: Offset) {
        guard let number = number(of: partition) else { return }
        update(number) { progress in
            assert(progress.pending.last.map { $0 < offset } ?? true, "a partition's records are sent in their order")
            assert(offset >= progress.committed, "what the group is done with is not sent")
            progress.pending.append(offset)
            progress.sentEnd = max(progress.sentEnd, offset.advanced(by: 1))
        }
    }

    /// A record was acknowledged; one of a partition that has another owner by now does not count.
    func acknowledged(_ partition: PartitionID, _ offset: Offset) {
        guard let number = number(of: partition) else { return }
        update(number) { progress in
            guard offset >= progress.committed else { return }
            progress.acknowledged.insert(offset)
            progress.advance()
        }
    }
}
