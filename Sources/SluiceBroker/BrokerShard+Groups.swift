import GroupCoordination
import LogInterface
import MQTTWire
import SluiceCore

/// Consumer groups: the coordinators that live on this shard.
extension BrokerShard {
    /// Makes the coordinator of a group, if it is not there. A group that is new begins at `start` everywhere.
    func makeGroup(_ key: GroupKey, _ stream: StreamDescription, start: [Offset]) {
        guard consumerGroups[key] == nil else { return }
        let metadata = peers.withOffsets { $0[key.group]?.metadata }
        let group = ConsumerGroup(key: key, stream: stream, metadata: metadata)
        consumerGroups[key] = group
        // From here on nothing is skipped that comes before the first commit.
        for (number, offset) in start.enumerated() {
            let partition = group.partition(number)
            guard peers.withOffsets({ $0.committed(key.group, partition) }) == nil else { continue }
            commit(.offset(group: key.group, partition, CommittedOffset(offset: offset, committedAt: wallClock)))
        }
    }

    /// Records a change of a group, and gives it its effect.
    func commit(_ record: GroupRecord, awaited: Bool = true) {
        guard offsetsPartition != nil else { return }
        state.putOffset(record.key, record.value, at: wallClock, awaited: awaited)
        peers.withOffsets { $0.apply(record) }
    }

    // MARK: Members

    func joined(_ key: GroupKey, _ member: String, _ owner: ClientOwner, host: String) {
        if consumerGroups[key] == nil, let stream = log.streams.first(where: { $0.settings.name == key.stream }) {
            // It was forgotten while the member was on its way.
            peers.withDirectory { $0.claimCoordinator(key, by: settings.index) }
            makeGroup(key, stream, start: stream.partitions.map { log.bounds($0).end })
        }
        guard let group = consumerGroups[key] else { return }
        group.owners[member] = owner
        group.hosts[member] = host
        perform(group.state.join(member, clientID: member), group)
    }

    func left(_ key: GroupKey, _ member: String, _ owner: ClientOwner, _ handovers: [GroupHandover]) {
        // The client may be back already, elsewhere: then this is old news of its former connection.
        guard let group = consumerGroups[key], group.owners[member] == owner else { return }
        for handover in handovers { group.take(handover) }
        group.owners[member] = nil
        group.hosts[member] = nil
        perform(group.state.lost(member), group)
        if group.state.isEmpty {
            applyResets(group)
            record(group)
        }
    }

    func released(_ key: GroupKey, _ member: String, _ handover: GroupHandover) {
        guard let group = consumerGroups[key] else { return }
        group.take(handover)
        if group.resets[handover.partition] != nil { applyReset(group, handover.partition) }
        perform(group.state.released(handover.partition, by: member), group)
    }

    private func perform(_ actions: [GroupState.Action], _ group: ConsumerGroup) {
        guard !actions.isEmpty else { return }
        for action in actions {
            switch action {
            case .assign(let partition, let member, let generation): assign(partition, member, generation, group)
            case .revoke(let partition, let member):
                guard let owner = group.owners[member] else { continue }
                tell(owner.shard, .groupRevoked(group.key, clientNumber: owner.number, partition: partition))
            }
        }
        record(group)
    }

    private func assign(_ number: Int, _ member: String, _ generation: Int32, _ group: ConsumerGroup) {
        guard let owner = group.owners[member] else { return }
        if group.resets[number] != nil { applyReset(group, number) }
        let bounds = log.bounds(group.stream.partitions[number])
        let committed = peers.withOffsets { $0.committed(group.key.group, group.partition(number)) }
        // Retention may have gone past what was committed, and nothing can be committed that is not there.
        let offset = min(max(committed?.offset ?? bounds.start, bounds.start), bounds.end)
        let assignment = GroupAssignment(
            key: group.key, clientNumber: owner.number, partition: number, generation: generation, offset: offset,
            acknowledged: group.acknowledged.removeValue(forKey: number) ?? [],
            sentEnd: group.sentEnds[number] ?? .zero)
        tell(owner.shard, .groupAssigned(assignment))
    }

    /// Puts members and assignment on record, as Kafka does.
    private func record(_ group: ConsumerGroup) {
        let members = group.state.assignment.map { member in
            GroupMetadata.Member(
                memberID: member.member, clientID: member.clientID, host: group.hosts[member.member] ?? "",
                partitions: member.partitions.map { group.partition($0) })
        }
        let metadata = GroupMetadata(
            generation: group.state.generation, assignor: "sticky", changedAt: wallClock, members: members)
        commit(.metadata(group: group.key.group, metadata), awaited: false)
    }

    // MARK: Moving by hand

    /// Moves a group's positions. Members let go of everything first, so that nobody commits over it.
    func reset(_ key: GroupKey, to offsets: [Int: Offset]) {
        let shard = peers.withDirectory { $0.coordinator(of: key) }
        if let shard, shard != settings.index { return peers.post(.groupReset(key, offsets), to: shard) }
        guard let group = consumerGroups[key], !group.state.isEmpty else {
            for (number, offset) in offsets {
                let partition = StreamPartition(stream: key.stream, number: Int32(number))
                commit(.offset(group: key.group, partition, CommittedOffset(offset: offset, committedAt: wallClock)))
            }
            consumerGroups[key]?.acknowledged = [:]
            consumerGroups[key]?.sentEnds = [:]
            return
        }
        group.resets.merge(offsets) { $1 }
        perform(group.state.revokeAll(), group)
    }

    private func applyResets(_ group: ConsumerGroup) {
        for number in group.resets.keys.sorted() { applyReset(group, number) }
    }

    private func applyReset(_ group: ConsumerGroup, _ number: Int) {
        guard let offset = group.resets.removeValue(forKey: number) else { return }
        group.acknowledged[number] = nil
        group.sentEnds[number] = nil
        commit(
            .offset(
                group: group.key.group, group.partition(number),
                CommittedOffset(offset: offset, committedAt: wallClock)))
    }

    /// Forgets groups that nobody has used for long. The first shard does it for all.
    func expireGroups() {
        guard settings.index == 0, offsetsPartition != nil else { return }
        let oldest = Timestamp(rawValue: wallClock.rawValue - Int64(settings.limits.shareGroupSecondsMax) * 1000)
        for name in peers.withOffsets({ $0.idle(before: oldest) }) { forgetGroup(name, awaited: false) }
    }

    /// Takes a group without members off the record, and its coordinators with it: whoever founds it again begins anew.
    func forgetGroup(_ name: String, awaited: Bool) {
        for record in peers.withOffsets({ $0.removal(of: name) }) { commit(record, awaited: awaited) }
        for shard in 0..<peers.shardCount { tell(shard, .groupForgotten(name)) }
    }

    /// A group was taken off the record.
    func forgotten(_ name: String) {
        for (key, group) in consumerGroups where key.group == name && group.state.isEmpty {
            consumerGroups[key] = nil
            peers.withDirectory { $0.releaseCoordinator(of: key) }
        }
    }
}
