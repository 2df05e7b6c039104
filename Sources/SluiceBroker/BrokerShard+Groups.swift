import GroupCoordination
import LogInterface
import MQTTWire
import SluiceCore

/// Consumer groups: the coordinators that live on this shard.
extension BrokerShard {
    /// Makes the coordinator of a group, in place of one that is forgotten.
    func makeGroup(_ name: String) {
        let metadata = peers.withOffsets { $0[name] }
        coordinators[name] = ConsumerGroup(
            name: name, homes: metadata?.homes ?? [:], generation: metadata?.metadata?.generation ?? 0)
    }

    /// Records a change of a group, and gives it its effect.
    func commit(_ record: GroupRecord, awaited: Bool = true) {
        guard sessions.offsetsPartition != nil else { return }
        append(record, awaited: awaited)
        peers.withOffsets { $0.apply(record) }
    }

    /// Records a change of a group that has its effect already.
    func append(_ record: GroupRecord, awaited: Bool = true) {
        sessions.put(record, at: wallClock, awaited: awaited)
    }

    // MARK: Members

    func groupJoined(_ join: GroupJoin) {
        // A member is counted before it sends its message, and a group that counts members is not forgotten.
        guard let group = coordinators[join.key.group] else {
            preconditionFailure("Cannot join a group while its coordinator is elsewhere")
        }
        assert(join.membership.owner.shard < peers.shardCount)
        followStreams()
        guard let stream = streams.readable(named: join.key.stream) else {
            // It was deleted while the member was on its way, who gets no partition of it.
            return report(
                .groupStreamGone,
                "group '\(group.name, as: .group)': the stream '\(join.key.stream, as: .stream)' was deleted")
        }
        if let seat = group.seats[join.member]?[join.key.stream] {
            groupLeft(join.key.group, join.member, [join.key: seat.membership], [])
        }
        group.seat(join, stream)
        perform(
            group.state.subscribe(
                join.member, clientID: join.member, to: join.key.stream, partitionCount: stream.partitions.count),
            group)
        // Also of a member that waits: it is one.
        record(group)
    }

    func groupLeft(
        _ name: String, _ member: String, _ memberships: [GroupKey: MembershipID], _ handovers: [GroupHandover]
    ) {
        guard let group = coordinators[name] else { return }
        let streams = group.unseat(member, memberships)
        guard !streams.isEmpty else { return }
        for handover in handovers {
            assert(streams.contains(handover.partition.stream))
            group.received(handover)
        }
        perform(group.state.unsubscribe(member, from: streams), group)
        // What nobody reads any more goes where it was to go.
        for partition in group.resets.keys where group.state.owner(of: partition) == nil {
            applyReset(group, partition)
        }
        assert(group.seats.count == group.state.memberCount)
        record(group)
    }

    func groupReleased(_ name: String, _ member: String, _ handover: GroupHandover) {
        // The group may have been forgotten and founded anew since: what comes late is of the former one.
        guard let group = coordinators[name], group.seats[member]?[handover.partition.stream] != nil else { return }
        group.received(handover)
        applyReset(group, handover.partition)
        perform(group.state.released(handover.partition, by: member), group)
        record(group)
    }

    private func perform(_ actions: [GroupState.Action], _ group: ConsumerGroup) {
        for action in actions {
            switch action {
            case .assign(let partition, let member, let generation):
                assert(group.state.owner(of: partition) == member, "a partition has the owner that it is given to")
                assign(partition, member, generation, group)
            case .revoke(let partition, let member):
                assert(group.state.owner(of: partition) == member, "who is to let go still has the partition")
                let membership = membership(of: member, partition, group)
                tell(membership.owner.shard, .groupRevoked(membership, partition))
            }
        }
    }

    private func membership(
        of member: String, _ partition: StreamPartition, _ group: ConsumerGroup
    ) -> MembershipID {
        guard let seat = group.seats[member]?[partition.stream] else {
            preconditionFailure("Cannot have a partition of a stream while not reading it")
        }
        return seat.membership
    }

    private func assign(
        _ partition: StreamPartition, _ member: String, _ generation: Int32, _ group: ConsumerGroup
    ) {
        guard let stream = group.streams[partition.stream] else {
            preconditionFailure("Cannot assign a partition of a stream that nobody reads")
        }
        assert(
            stream.partitions.indices.contains(Int(partition.number)),
            "the state has no more partitions than the stream")
        let membership = membership(of: member, partition, group)
        applyReset(group, partition)
        let bounds = log.bounds(stream.partitions[Int(partition.number)])
        let committed = peers.withOffsets { $0.committed(group.name, partition) }
        // Retention may have gone past what was committed, and nothing can be committed that is not there.
        let offset = min(max(committed?.offset ?? bounds.start, bounds.start), bounds.end)
        let assignment = GroupAssignment(
            membership: membership, partition: partition, generation: generation, offset: offset,
            acknowledged: group.acknowledged.removeValue(forKey: partition) ?? [],
            sentEnd: group.sentEnds[partition] ?? .zero)
        tell(membership.owner.shard, .groupAssigned(assignment))
    }

    /// Puts members and assignment of all streams on record, as Kafka does.
    private func record(_ group: ConsumerGroup) {
        let metadata = group.metadata(at: wallClock)
        // It may have been forgotten by another shard since its last member left.
        guard peers.withOffsets({ $0.note(metadata, of: group.name, by: settings.index) }) else { return }
        append(.metadata(group: group.name, metadata), awaited: false)
    }

    // MARK: Moving by hand

    /// Moves a group's positions in some partitions. Members let go of these first, so that nobody commits over it.
    func resetGroup(_ name: String, to offsets: [StreamPartition: Offset]) {
        let shard = peers.withOffsets { $0.registry.coordinator(of: name) }
        if let shard, shard != settings.index { return peers.post(.groupReset(name, offsets), to: shard) }
        guard let group = coordinators[name] else {
            for (partition, offset) in offsets { reset(name, partition, to: offset) }
            return
        }
        group.resets.merge(offsets) { $1 }
        let partitions = offsets.keys.sorted()
        for partition in partitions where group.state.owner(of: partition) == nil { applyReset(group, partition) }
        perform(group.state.revoke(partitions), group)
        record(group)
    }

    private func reset(_ name: String, _ partition: StreamPartition, to offset: Offset) {
        commit(.offset(group: name, partition, CommittedOffset(offset: offset, committedAt: wallClock)))
    }

    /// Moves a partition that nobody has, when it is to be moved.
    private func applyReset(_ group: ConsumerGroup, _ partition: StreamPartition) {
        guard let offset = group.resets.removeValue(forKey: partition) else { return }
        group.acknowledged[partition] = nil
        group.sentEnds[partition] = nil
        reset(group.name, partition, to: offset)
    }

    /// Forgets groups that nobody has used for long. The first shard does it for all.
    func expireGroups() {
        guard settings.index == 0, sessions.offsetsPartition != nil else { return }
        let oldest = Timestamp(rawValue: wallClock.rawValue - Int64(settings.limits.shareGroupSecondsMax) * 1000)
        for name in peers.withOffsets({ $0.idle(before: oldest) }) { _ = forgetGroup(name, awaited: false) }
    }

    /// Takes a group without members off the record, with what it has committed in all streams, and its coordinator
    /// with it: whoever founds it again begins anew.
    func forgetGroup(_ name: String, awaited: Bool) -> OffsetTable.Removal {
        let removal = peers.withOffsets { $0.remove(name) }
        guard case .removed(let records) = removal else { return removal }
        for record in records { append(record, awaited: awaited) }
        for shard in 0..<peers.shardCount { tell(shard, .groupForgotten(name)) }
        return removal
    }

    /// A group was taken off the record; it may have been founded again, here or elsewhere.
    func groupForgotten(_ name: String) {
        guard peers.withOffsets({ $0.registry.coordinator(of: name) }) != settings.index else { return }
        coordinators[name] = nil
    }
}
