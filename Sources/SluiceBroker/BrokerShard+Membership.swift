import GroupCoordination
import LogInterface
import MQTTSession
import MQTTWire
import SluiceCore

/// Consumer groups: the clients of this shard that are members of any.
extension BrokerShard {
    /// How long a member may take to acknowledge what it has of a partition that another is to get.
    private static let drainNanoseconds: Int64 = 5_000_000_000

    /// Subscribes a client to `$share/<group>/$stream/<stream>[/<filter>]`.
    func joinGroup(_ client: Client, _ name: String, _ request: SubscriptionRequest, _ inner: [UInt8]) -> Outcome {
        guard offsetsPartition != nil else {
            return Outcome(code: .sharedSubscriptionsNotSupported, reason: "this log keeps no offsets of groups")
        }
        let replay: ReplayRequest
        var options = request.replay
        options.offset = options.offset ?? "latest"
        guard options.until == nil, options.speed == nil else {
            return Outcome(
                code: .implementationSpecificError, reason: "a group has no stream-until and no stream-speed")
        }
        switch ReplayRequest.parse(inner, options, now: wallClock) {
        case .replay(let parsed): replay = parsed
        case .refused(let reason): return Outcome(code: .implementationSpecificError, reason: reason)
        case .ordinary: return Outcome(code: .topicFilterInvalid, reason: "a consumer group reads a $stream")
        }
        guard let stream = log.streams.first(where: { $0.settings.name == replay.stream && !$0.settings.isInternal }),
            let streamName = replay.stream
        else { return Outcome(code: .topicFilterInvalid, reason: "there is no stream '\(replay.stream ?? "")'") }
        if let fault = fault(of: replay.position, in: stream) {
            return Outcome(code: .topicFilterInvalid, reason: fault)
        }
        guard let start = startOffsets(stream, replay.position) else {
            return Outcome(
                code: .topicFilterInvalid,
                reason: "a group begins at earliest, latest or an offset; 'sluice groups reset' moves it to a time")
        }
        let key = GroupKey(group: name, stream: streamName)
        let claim = peers.withDirectory { $0.claimCoordinator(key, filter: replay.filter, by: settings.index) }
        guard claim.filter == replay.filter else {
            let filter = claim.filter.isEmpty ? "no filter" : "'\(String(decoding: claim.filter, as: UTF8.self))'"
            return Outcome(code: .topicFilterInvalid, reason: "the group '\(name)' reads this stream with \(filter)")
        }
        if claim.shard == settings.index { makeGroup(key, stream, start: start) }
        if let index = client.subscriptions.firstIndex(where: { $0.filter == request.filter }) {
            let former = client.subscriptions[index]
            // Whoever subscribes once more, as clients do when they come back, stays a member with what it has.
            if former.options == request.options, former.identifier == request.identifier {
                return Outcome(code: ReasonCode(rawValue: request.options.qos.rawValue))
            }
            client.subscriptions.remove(at: index)
            drop(former)
        }
        let membership = GroupMembership(
            key: key, filter: request.filter, stream: stream, coordinator: claim.shard, client: client)
        let reader = Reader(client: client, kind: .member(membership))
        client.memberships.append(membership)
        _ = add(
            Subscription(
                client: client, filter: request.filter, matched: replay.filter, options: request.options,
                identifier: request.identifier, reader: reader))
        let owner = ClientOwner(shard: settings.index, number: client.number)
        tell(claim.shard, .groupJoined(key, member: membership.memberID, owner, host: client.address))
        return Outcome(code: ReasonCode(rawValue: request.options.qos.rawValue), needsRecord: claim.isNew)
    }

    /// Where a group begins that has committed nothing; nil for a time, which takes a look-up.
    private func startOffsets(_ stream: StreamDescription, _ position: ReplayPosition) -> [Offset]? {
        let bounds = stream.partitions.map { log.bounds($0) }
        switch position {
        case .earliest: return bounds.map(\.start)
        case .latest, .committed: return bounds.map(\.end)
        case .offset(let wanted, let offset):
            return bounds.enumerated().map { $0 == wanted ? min(max(offset, $1.start), $1.end) : $1.end }
        case .time: return nil
        }
    }

    // MARK: What the coordinator says

    func take(_ assignment: GroupAssignment) {
        guard let client = clients[assignment.clientNumber],
            let membership = client.memberships.first(where: { $0.key == assignment.key }),
            let reader = reader(of: membership)
        else { return }
        membership.assigned(assignment)
        let partition = membership.stream.partitions[assignment.partition]
        reader.assign(partition, from: assignment.offset)
        queue(reader)
    }

    func revoked(_ key: GroupKey, _ clientNumber: UInt64, _ number: Int) {
        guard let client = clients[clientNumber],
            let membership = client.memberships.first(where: { $0.key == key })
        else { return }
        reader(of: membership)?.unassign(membership.stream.partitions[number])
        // What it has is drained, so that nobody else gets it again.
        membership.update(number) { $0.leavesBy = now + Self.drainNanoseconds }
        markDirty(membership)
    }

    private func reader(of membership: GroupMembership) -> Reader? {
        membership.client.subscriptions.first { $0.filter == membership.filter }?.reader
    }

    // MARK: Progress

    /// Puts a membership on the list of those with something to commit.
    func markDirty(_ membership: GroupMembership) {
        guard !membership.isDirty else { return }
        membership.isDirty = true
        dirtyMemberships.append(membership)
    }

    /// A client is done with a delivery of a group.
    func finishMember(_ client: Client, _ token: DeliveryToken) {
        guard var memberships = client.groupInFlight[token.rawValue] else { return }
        let membership = memberships.removeFirst()
        client.groupInFlight[token.rawValue] = memberships.isEmpty ? nil : memberships
        membership.acknowledged(token.partition, token.offset)
        markDirty(membership)
    }

    /// Commits what members have acknowledged in this tick, and lets go of partitions that are drained.
    func commitMemberships() {
        guard !dirtyMemberships.isEmpty else { return }
        var dirty: [GroupMembership] = []
        swap(&dirty, &dirtyMemberships)
        for membership in dirty {
            membership.isDirty = false
            for number in membership.partitions.keys.sorted() {
                commit(membership, number)
                guard let progress = membership.partitions[number], progress.leavesBy != nil else { continue }
                if progress.pending.isEmpty { release(membership, number) }
            }
        }
    }

    /// Commits where members stand that have nothing in flight, and takes partitions from those that do not drain.
    func elapsedMemberships() {
        for client in clients.values {
            for membership in client.memberships {
                for number in membership.partitions.keys.sorted() {
                    standForward(membership, number)
                    if let end = membership.partitions[number]?.leavesBy, end <= now { release(membership, number) }
                }
            }
        }
    }

    /// A member that has nothing in flight has done with everything that its reader has passed.
    private func standForward(_ membership: GroupMembership, _ number: Int) {
        guard let reader = reader(of: membership) else { return }
        let partition = membership.stream.partitions[number]
        let position = reader.cursors.first { $0.partition == partition }?.offset ?? scanned.offset(in: partition)
        membership.update(number) { progress in
            guard progress.pending.isEmpty, progress.leavesBy == nil, position > progress.committed else { return }
            progress.committed = position
            progress.acknowledged = []
            progress.isDirty = true
        }
        commit(membership, number)
    }

    private func commit(_ membership: GroupMembership, _ number: Int) {
        guard let progress = membership.partitions[number], progress.isDirty else { return }
        membership.update(number) { $0.isDirty = false }
        let partition = StreamPartition(stream: membership.key.stream, number: Int32(number))
        commit(
            .offset(
                group: membership.key.group, partition,
                CommittedOffset(offset: progress.committed, committedAt: wallClock)))
    }

    private func release(_ membership: GroupMembership, _ number: Int) {
        commit(membership, number)
        guard let progress = membership.remove(number) else { return }
        let handover = GroupHandover(
            partition: number, acknowledged: progress.acknowledged, sentEnd: progress.sentEnd)
        tell(membership.coordinator, .groupReleased(membership.key, member: membership.memberID, handover))
    }

    // MARK: Leaving

    /// A client is gone: its partitions go to others, from what it has committed.
    func leaveAllGroups(_ client: Client) {
        // What it has confirmed to have at QoS 2 is done with, though the flow has not ended.
        for delivery in client.session.storedFlows.inflight where delivery.stage == .awaitingPubcomp {
            let token = DeliveryToken(rawValue: delivery.token)
            if token.kind == .group { finishMember(client, token) }
        }
        for membership in client.memberships { leave(membership) }
        client.groupInFlight = [:]
    }

    /// Ends a membership, unless that has happened already.
    func leave(_ membership: GroupMembership) {
        guard let index = membership.client.memberships.firstIndex(where: { $0 === membership }) else { return }
        membership.client.memberships.remove(at: index)
        var handovers: [GroupHandover] = []
        for number in membership.partitions.keys.sorted() {
            commit(membership, number)
            if let progress = membership.remove(number) {
                handovers.append(
                    GroupHandover(
                        partition: number, acknowledged: progress.acknowledged, sentEnd: progress.sentEnd))
            }
        }
        let owner = ClientOwner(shard: settings.index, number: membership.client.number)
        tell(
            membership.coordinator,
            .groupLeft(membership.key, member: membership.memberID, owner, handovers))
    }
}
