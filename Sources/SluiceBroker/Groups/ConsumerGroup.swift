import GroupCoordination
import LogInterface
import SluiceCore

/// A consumer group and the stream that it reads: what `$share/<group>/$stream/<stream>` names.
package struct GroupKey: Hashable, Sendable {
    var group: String
    var stream: String
}

/// The coordinator of one consumer group: who is a member, and who has which partition.
///
/// It lives on the shard of whoever joined first; members are reached by messages. Where the group stands is no part of
/// it: that is what has been committed, in `__consumer_offsets`.
/// Isolation: its shard's.
final class ConsumerGroup {
    let key: GroupKey
    let stream: StreamDescription
    var state: GroupState
    /// The members' connections, by client identifier.
    var owners: [String: ClientOwner] = [:]
    /// Where the members come from.
    var hosts: [String: String] = [:]
    /// Records above a partition's committed offset that its last owner had acknowledged.
    var acknowledged: [Int: Set<Offset>] = [:]
    /// The records of each partition that some member was sent end before this offset.
    var sentEnds: [Int: Offset] = [:]
    /// Where partitions go on that are being moved by hand.
    var resets: [Int: Offset] = [:]

    init(key: GroupKey, stream: StreamDescription, metadata: GroupMetadata?) {
        self.key = key
        self.stream = stream
        var homes = [String?](repeating: nil, count: stream.partitions.count)
        for member in metadata?.members ?? [] {
            for partition in member.partitions where partition.stream == key.stream {
                if homes.indices.contains(Int(partition.number)) { homes[Int(partition.number)] = member.clientID }
            }
        }
        state = GroupState(
            partitionCount: stream.partitions.count, homes: homes, generation: metadata?.generation ?? 0)
    }

    /// A member has let go of a partition.
    func take(_ handover: GroupHandover) {
        acknowledged[handover.partition] = handover.acknowledged
        sentEnds[handover.partition] = handover.sentEnd
    }

    /// A partition by its number in the stream.
    func partition(_ number: Int) -> StreamPartition { StreamPartition(stream: key.stream, number: Int32(number)) }
}

/// What a member says of a partition that it lets go of.
package struct GroupHandover: Sendable {
    /// The partition's number in the stream.
    var partition: Int
    /// Records above what it has committed that it has acknowledged.
    var acknowledged: Set<Offset>
    /// The records that it, or an owner before it, was sent end before this offset.
    var sentEnd: Offset
}

/// What a member gets with a partition.
package struct GroupAssignment: Sendable {
    var key: GroupKey
    /// The member's connection.
    var clientNumber: UInt64
    /// The partition's number in the stream.
    var partition: Int
    var generation: Int32
    /// The first record that the group has not done with.
    var offset: Offset
    /// Records behind it that it has done with all the same.
    var acknowledged: Set<Offset>
    /// The records that owners before it were sent end before this offset.
    var sentEnd: Offset
}

/// A client's membership in a consumer group: its partitions, and how far it has come in each.
///
/// Isolation: its client's shard.
final class GroupMembership {
    let key: GroupKey
    /// The filter as the client wrote it.
    let filter: [UInt8]
    let stream: StreamDescription
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
                _ = pending.popFirst()
                committed = first.advanced(by: 1)
                isDirty = true
            }
        }
    }

    init(key: GroupKey, filter: [UInt8], stream: StreamDescription, coordinator: Int, client: Client) {
        self.key = key
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
        partitions[assignment.partition] = Progress(
            generation: assignment.generation, committed: assignment.offset, acknowledged: assignment.acknowledged,
            repeatEnd: assignment.sentEnd, sentEnd: assignment.sentEnd)
    }

    func update(_ number: Int, _ body: (inout Progress) -> Void) {
        guard var progress = partitions[number] else { return }
        body(&progress)
        partitions[number] = progress
    }

    func remove(_ number: Int) -> Progress? { partitions.removeValue(forKey: number) }

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
