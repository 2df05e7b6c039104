import GroupCoordination
import LogInterface
import MQTTSession
import MQTTWire
import SluiceCore

/// Consumer groups: the clients of this shard that are members of any.
extension BrokerShard {
    /// How long a member may take to acknowledge what it has of a partition that another is to get.
    private static let drainNanoseconds: Int64 = 5_000_000_000

    /// What a client wants to read as a member of a group.
    private struct GroupReading {
        var stream: StreamDescription
        /// What selects its records.
        var filter: [UInt8]
        /// Where a group begins that has committed nothing.
        var start: [Offset]
    }

    private enum GroupRequest {
        case reads(GroupReading)
        case refused(Outcome)
    }

    /// Subscribes a client to `$share/<group>/$stream/<stream>[/<filter>]`.
    func joinGroup(_ client: Client, _ name: String, _ request: SubscriptionRequest, _ inner: [UInt8]) -> Outcome {
        let reading: GroupReading
        switch groupRequest(request, inner) {
        case .refused(let outcome): return outcome
        case .reads(let wanted): reading = wanted
        }
        let key = GroupKey(group: name, stream: reading.stream.settings.name)
        if let refusal = refusal(ofGroup: name, stream: key.stream, request.filter, client) { return refusal }
        let former = client.subscriptions.first { $0.filter == request.filter }
        // Whoever subscribes once more, as clients do when they come back, stays a member with what it has.
        if let former, former.options == request.options, former.identifier == request.identifier {
            return Outcome(code: ReasonCode(rawValue: request.options.qos.rawValue))
        }
        if let other = client.memberships.first(where: { $0.key == key && $0.filter != request.filter }) {
            let filter = String(decoding: other.filter, as: UTF8.self)
            return Outcome(code: .topicFilterInvalid, reason: "this client reads that stream as '\(filter)' already")
        }
        let (claim, records) = peers.withOffsets {
            $0.join(
                name, stream: key.stream, filter: reading.filter, start: reading.start, at: wallClock,
                by: settings.index)
        }
        for record in records { append(record) }
        switch claim {
        case .refusedKind:
            return Outcome(
                code: .implementationSpecificError, reason: "the group '\(name)' has Kafka clients as its members")
        case .refused(let known):
            let filter = known.isEmpty ? "no filter" : "'\(String(decoding: known, as: UTF8.self))'"
            return Outcome(code: .topicFilterInvalid, reason: "the group '\(name)' reads this stream with \(filter)")
        case .granted(let shard, let isNewGroup, let isNewStream):
            assert(!isNewGroup || shard == settings.index, "who founds a group coordinates it")
            assert(!isNewGroup || isNewStream, "a group that nobody knew reads no stream yet")
            if isNewGroup { makeGroup(name) }
            if let former {
                client.subscriptions.removeAll { $0 === former }
                drop(former)
            }
            makeMember(client, key, reading, request, coordinator: shard)
            return Outcome(code: ReasonCode(rawValue: request.options.qos.rawValue), needsRecord: isNewStream)
        }
    }

    private func groupRequest(_ request: SubscriptionRequest, _ inner: [UInt8]) -> GroupRequest {
        func refused(_ reason: String, _ code: ReasonCode = .topicFilterInvalid) -> GroupRequest {
            .refused(Outcome(code: code, reason: reason))
        }
        guard sessions.offsetsPartition != nil else {
            return refused("this log keeps no offsets of groups", .sharedSubscriptionsNotSupported)
        }
        let replay: ReplayRequest
        var options = request.replay
        options.offset = options.offset ?? "latest"
        guard options.until == nil, options.speed == nil else {
            return refused("a group has no stream-until and no stream-speed", .implementationSpecificError)
        }
        switch ReplayRequest.parse(inner, options, now: wallClock) {
        case .replay(let parsed): replay = parsed
        case .refused(let reason): return refused(reason, .implementationSpecificError)
        case .ordinary: return refused("a consumer group reads a $stream")
        }
        guard let stream = streams.readable(named: replay.stream ?? "") else {
            return refused("there is no stream '\(replay.stream ?? "")'")
        }
        if let fault = fault(of: replay.position, in: stream) { return refused(fault) }
        guard let start = startOffsets(stream, replay.position) else {
            return refused("a group begins at earliest, latest or an offset; 'sluice groups reset' moves it to a time")
        }
        return .reads(GroupReading(stream: stream, filter: replay.filter, start: start))
    }

    private func makeMember(
        _ client: Client, _ key: GroupKey, _ reading: GroupReading, _ request: SubscriptionRequest, coordinator: Int
    ) {
        assert(client.memberships.allSatisfy { $0.key != key }, "a client reads a stream in a group once")
        let id = MembershipID(
            owner: ClientOwner(shard: settings.index, number: client.number), number: members.takeNumber())
        let membership = GroupMembership(
            key: key, id: id, filter: request.filter, stream: reading.stream, coordinator: coordinator,
            client: client)
        client.memberships.append(membership)
        let reader = Reader(client: client, kind: .member(membership))
        reader.wholeStream = key.stream
        reader.readsWholeStream = true
        _ = add(
            Subscription(
                client: client, filter: request.filter, matched: Presence.matched(reading.filter, in: key.stream),
                options: request.options, identifier: request.identifier, reader: reader))
        tell(
            coordinator,
            .groupJoined(
                GroupJoin(key: key, membership: id, member: membership.memberID, host: client.address)))
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

    func groupAssigned(_ assignment: GroupAssignment) {
        guard let membership = membership(assignment.membership), let reader = reader(of: membership) else { return }
        let number = Int(assignment.partition.number)
        if number >= membership.stream.partitions.count {
            // The stream has grown since the member joined.
            followStreams()
            guard let grown = streams.readable(named: membership.key.stream), number < grown.partitions.count else {
                return report(
                    .groupPartitionMissing,
                    "group '\(membership.key.group, as: .group)': no partition \(number, as: .partition) of its stream")
            }
            membership.stream = grown
        }
        membership.assigned(assignment)
        let partition = membership.stream.partitions[number]
        reader.assign(partition, from: assignment.offset)
        queue(reader)
    }

    func groupRevoked(_ id: MembershipID, _ partition: StreamPartition) {
        guard let membership = membership(id) else { return }
        let number = Int(partition.number)
        assert(membership.partitions[number] != nil)
        assert(membership.partitions[number]?.leavesBy == nil, "a partition is taken away once")
        reader(of: membership)?.unassign(membership.stream.partitions[number])
        // What it has is drained, so that nobody else gets it again.
        membership.update(number) { $0.leavesBy = now + Self.drainNanoseconds }
        markDirty(membership)
    }

    /// A membership of a client of this shard; nil when it has ended.
    private func membership(_ id: MembershipID) -> GroupMembership? {
        clients[id.owner.number]?.memberships.first { $0.id == id }
    }

    private func reader(of membership: GroupMembership) -> Reader? {
        membership.client.subscriptions.first { $0.filter == membership.filter }?.reader
    }

    // MARK: Progress

    /// Puts a membership on the list of those with something to commit.
    func markDirty(_ membership: GroupMembership) { members.markDirty(membership) }

    /// A client is done with a delivery of a group.
    func finishMember(_ client: Client, _ token: DeliveryToken) {
        assert(token.kind == .group)
        guard var memberships = client.groupInFlight[token.rawValue] else { return }
        assert(!memberships.isEmpty, "an entry goes with the last delivery of its record")
        let membership = memberships.removeFirst()
        assert(membership.client === client, "a delivery is done with by the member that got it")
        client.groupInFlight[token.rawValue] = memberships.isEmpty ? nil : memberships
        membership.acknowledged(token.partition, token.offset)
        markDirty(membership)
    }

    /// Commits what members have acknowledged in this tick, and lets go of partitions that are drained.
    func commitMemberships() {
        for membership in members.takeDirty() {
            for number in membership.partitions.keys.sorted() {
                commit(membership, number)
                guard let progress = membership.partitions[number], progress.leavesBy != nil else { continue }
                if progress.pending.isEmpty { release(membership, number) }
            }
        }
    }

    /// Commits where members stand that have nothing in flight, and takes partitions from those that do not drain.
    func elapsedMemberships() {
        for client in clients.all {
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
        commit(
            .offset(
                group: membership.key.group, membership.partition(number),
                CommittedOffset(offset: progress.committed, committedAt: wallClock)))
    }

    private func release(_ membership: GroupMembership, _ number: Int) {
        assert(membership.partitions[number]?.leavesBy != nil, "a member keeps what nobody has asked back")
        commit(membership, number)
        guard let handover = membership.remove(number) else { return }
        tell(
            membership.coordinator,
            .groupReleased(membership.key.group, member: membership.memberID, handover))
    }

    // MARK: Leaving

    /// A client is gone: its partitions go to others, from what it has committed.
    func leaveAllGroups(_ client: Client) {
        // What it has confirmed to have at QoS 2 is done with, though the flow has not ended.
        for delivery in client.session.storedFlows.inflight where delivery.stage == .awaitingPubcomp {
            let token = DeliveryToken(rawValue: delivery.token)
            if token.kind == .group { finishMember(client, token) }
        }
        // Of all streams of a group at once, so that it is not balanced over what is about to go as well.
        for (_, memberships) in Dictionary(grouping: client.memberships, by: \.key.group) { leave(memberships) }
        client.groupInFlight = [:]
        assert(client.memberships.isEmpty)
    }

    /// Ends a membership, unless that has happened already.
    func leave(_ membership: GroupMembership) {
        guard membership.client.memberships.contains(where: { $0 === membership }) else { return }
        leave([membership])
    }

    /// Ends memberships of one client in one group.
    private func leave(_ memberships: [GroupMembership]) {
        guard let first = memberships.first else { return }
        assert(memberships.allSatisfy { $0.client === first.client && $0.key.group == first.key.group })
        assert(memberships.allSatisfy { $0.coordinator == first.coordinator }, "a group has one coordinator")
        var handovers: [GroupHandover] = []
        for membership in memberships {
            first.client.memberships.removeAll { $0 === membership }
            for number in membership.partitions.keys.sorted() {
                commit(membership, number)
                if let handover = membership.remove(number) { handovers.append(handover) }
            }
        }
        let ended = Dictionary(uniqueKeysWithValues: memberships.map { ($0.key, $0.id) })
        tell(
            first.coordinator,
            .groupLeft(first.key.group, member: first.memberID, ended, handovers))
        // Last: who is not counted any more has committed and told everything.
        peers.withOffsets { offsets in
            for membership in memberships {
                offsets.registry.leave(membership.key.group, stream: membership.key.stream)
            }
        }
    }
}
