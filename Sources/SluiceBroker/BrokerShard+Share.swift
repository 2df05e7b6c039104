import AccessControl
import LogInterface
import MQTTSession
import MQTTWire
import RecordFormat
import SluiceCore
import TopicRouting

/// Shared subscriptions: the groups that live on this shard, and its clients that are members of any.
extension BrokerShard {
    /// Records that a member has at a time, unless its Receive Maximum is smaller: enough to keep a connection busy,
    /// few enough that a member which stops keeps little from the others.
    private static let shareWindowMax = 100

    // MARK: Joining

    /// Subscribes a client to `$share/<group>/<filter>`.
    /// - Returns: whether its SUBACK must wait, since the group was made just now.
    func joinShare(_ client: Client, key: [UInt8], _ request: SubscriptionRequest) -> Bool {
        let owner = ClientOwner(shard: settings.index, number: client.number)
        let claim = peers.withDirectory { $0.claimGroup(key, by: settings.index) }
        if claim.shard == settings.index, shareGroups[key] == nil { makeShareGroup(key, claim.stored) }
        assert(claim.shard == settings.index || claim.stored == nil && !claim.isNew, "who gets a group makes it")
        assert(claim.shard != settings.index || shareGroups[key] != nil, "a group is where the directory says")
        let member = ShareMember(
            owner: owner, options: request.options, identifier: request.identifier,
            window: min(client.session.deliveryWindow, Self.shareWindowMax), rights: client.access?.rights)
        if !client.shares.contains(where: { $0.key == key }) {
            client.shares.append(ShareMembership(key: key, groupShard: claim.shard))
        }
        tell(claim.shard, .shareJoined(key: key, member))
        return claim.isNew
    }

    /// Ends a client's subscription to a group; what it has in flight it may still acknowledge.
    func leaveShare(_ client: Client, key: [UInt8]) {
        guard let index = client.shares.firstIndex(where: { $0.key == key }) else { return }
        let membership = client.shares.remove(at: index)
        let owner = ClientOwner(shard: settings.index, number: client.number)
        tell(membership.groupShard, .shareLeft(key: key, owner, isUnsubscribed: true))
    }

    /// A client is gone: its groups get back what it has.
    func leaveShares(_ client: Client) {
        let owner = ClientOwner(shard: settings.index, number: client.number)
        var memberships = client.shares
        for membership in client.sharedInFlight.values.joined()
        where !memberships.contains(where: { $0.key == membership.key }) {
            memberships.append(membership)
        }
        client.shares = []
        client.sharedInFlight = [:]
        for membership in memberships {
            tell(membership.groupShard, .shareLeft(key: membership.key, owner, isUnsubscribed: false))
        }
    }

    func tell(_ shard: Int, _ message: ShardMessage) {
        if shard == settings.index { received(message) } else { peers.post(message, to: shard) }
    }

    /// Makes a group, or brings it back: it stands where it was left, a new one behind everything.
    private func makeShareGroup(_ key: [UInt8], _ stored: StoredShareGroup?) {
        guard let slash = key.firstIndex(of: UInt8(ascii: "/")) else { return }
        let filter = Array(key[(slash + 1)...])
        let group = ShareGroup(key: key, filter: filter)
        let reader = Reader(sink: group, kind: .group(group))
        let subscription = Subscription(
            client: nil, filter: key, matched: filter, options: SubscriptionOptions(qos: .exactlyOnce),
            identifier: nil, reader: reader)
        group.attach(subscription)
        shareGroups[key] = group
        insert(subscription)
        if stored == nil { subscription.since = startOfNews(reader) }
        if let stored {
            for partition in scanned.partitions where !streams.isInternal(partition) {
                let offset = stored.positions.offset(in: partition)
                if offset < scanned.offset(in: partition) {
                    reader.addCursor(Reader.Cursor(partition: partition, offset: offset))
                }
            }
            // Nearly all of it was in a member's hands, and nothing says which was not.
            for token in stored.pending { group.takeBack(token, isRepeat: true) }
        }
        record(group)
    }

    /// Records where a group stands.
    private func record(_ group: ShareGroup) {
        guard let reader = group.subscription?.reader else { return }
        group.isDirty = false
        recordShareGroup(group.key, StoredShareGroup(positions: positions(of: reader), pending: group.unacknowledged))
    }

    /// Records the groups that have moved, and ends those that nobody has wanted for long.
    func recordShareGroups() {
        for group in shareGroups.all {
            // A live group moves with every record of its streams; while it does, so does its record.
            if group.isDirty || group.recordedScan != scanned.passedCount {
                group.recordedScan = scanned.passedCount
                record(group)
            }
            if let since = group.emptySince, now - since > Int64(settings.limits.shareGroupSecondsMax) * 1_000_000_000 {
                end(group)
            }
        }
    }

    private func end(_ group: ShareGroup) {
        guard let subscription = group.subscription else { return }
        assert(group.members.isEmpty, "a group ends when nobody wants it")
        assert(shareGroups[group.key] === group)
        // Its record goes before its name is free: whoever makes the group anew writes behind that.
        recordShareGroup(group.key, nil)
        submit()
        guard peers.withDirectory({ $0.releaseGroup(group.key) }) else {
            group.emptySince = now
            return record(group)
        }
        subscription.reader.isClosed = true
        remove(subscription)
        group.detach()
        release(alone: subscription.reader)
        shareGroups[group.key] = nil
    }

    // MARK: The group's side

    func shareJoined(_ key: [UInt8], _ member: ShareMember) {
        peers.withDirectory { $0.groupJoined(key) }
        guard let group = shareGroups[key] else { return assertionFailure("a group stays for who has claimed it") }
        group.join(member)
        dispatch(group)
    }

    func shareLeft(_ key: [UInt8], _ owner: ClientOwner, isUnsubscribed: Bool) {
        guard let group = shareGroups[key] else { return }
        let wasMember = group.leave(owner)
        if !isUnsubscribed { group.takeBackAll(from: owner) }
        if group.members.isEmpty {
            // Whoever unsubscribes last ends the group; one whose members were lost waits for others.
            if isUnsubscribed, wasMember, group.unacknowledged.isEmpty { return end(group) }
            group.emptySince = now
        }
        dispatch(group)
    }

    func shareFinished(_ key: [UInt8], _ token: DeliveryToken, by owner: ClientOwner) {
        guard let group = shareGroups[key], group.done(token, by: owner) != nil else { return }
        dispatch(group)
    }

    func shareRefused(_ key: [UInt8], _ token: DeliveryToken, by owner: ClientOwner) {
        guard let group = shareGroups[key], let share = group.done(token, by: owner) else { return }
        group.update(owner) { $0.isBlocked = true }
        group.takeBack(token, isRepeat: share.isRepeat)
        dispatch(group)
    }

    func shareAccess(_ key: [UInt8], _ owner: ClientOwner, _ rights: AccessRights?) {
        guard let group = shareGroups[key] else { return }
        group.update(owner) { $0.rights = rights }
        dispatch(group)
    }

    func shareReady(_ key: [UInt8], _ owner: ClientOwner) {
        guard let group = shareGroups[key] else { return }
        group.update(owner) { $0.isBlocked = false }
        dispatch(group)
    }

    /// Hands on what came back, then lets the group's reader go on.
    func dispatch(_ group: ShareGroup) {
        guard !isDraining else { return }
        while let (token, isRepeat) = group.returned.first {
            guard group.hasRoom else { return }
            switch look(up: token, &group.lookup, for: .group(group)) {
            case .waits: return
            case .gone: group.removeFirstReturned()
            case .found(let batch):
                group.removeFirstReturned()
                let isSettled = withRecord(token, in: batch) { delivery, _ in
                    handOver(delivery, to: group, isRepeat: isRepeat)
                }
                // Who has room may not read it, and who may has none: it waits for that.
                if isSettled == false { return }
            }
        }
        if let reader = group.subscription?.reader, !reader.isLive { queue(reader) }
    }

    /// Hands a record from the group's reader to a member; what came back goes first.
    func hand(_ delivery: Delivery, to group: ShareGroup) -> SendOutcome {
        guard !isDraining, group.returned.isEmpty, group.hasRoom else { return .full }
        handOver(delivery, to: group, isRepeat: false)
        return .done
    }

    /// - Returns: false when it came back, to be handed over later.
    @discardableResult
    private func handOver(_ delivery: Delivery, to group: ShareGroup, isRepeat: Bool) -> Bool {
        assert(!streams.isInternal(delivery.partition), "the node's own streams are handed to nobody")
        let token = DeliveryToken(delivery.partition, delivery.offset)
        let topic = delivery.batch.bytes.extracting(delivery.message.deliveredTopic(delivery.batch.bytes).indices)
        let member: ShareMember
        switch group.pickMember(for: topic) {
        case .picked(let picked): member = picked
        case .allHaveEnough:
            group.takeBack(token, isRepeat: isRepeat)
            return false
        case .nobodyMayRead:
            counters.deliveriesSkipped += 1
            return true
        }
        let qos = min(delivery.message.qos, member.options.qos)
        group.handed(token, ShareGroup.PendingShare(member: member.owner, qos: qos, isRepeat: isRepeat))
        let handout = ShareHandout(
            key: group.key, groupShard: settings.index, clientNumber: member.owner.number, options: member.options,
            identifier: member.identifier, batch: delivery.batch, offset: delivery.offset,
            partition: delivery.partition, isRepeat: isRepeat)
        tell(member.owner.shard, .shareHanded(handout))
        return true
    }

    // MARK: The member's side

    /// A group has a record for a client of this shard.
    func shareHanded(_ handout: ShareHandout) {
        let token = DeliveryToken(handout.partition, handout.offset)
        let owner = ClientOwner(shard: settings.index, number: handout.clientNumber)
        guard let client = clients[handout.clientNumber], !client.isClosing else {
            return tell(handout.groupShard, .shareRefused(key: handout.key, token, owner))
        }
        assert(handout.batch.isPlausible(for: handout.offset), "a record is handed over with the batch that has it")
        let outcome = withRecord(token, in: handout.batch) { delivery, bytes in
            sendShared(delivery, handout, client, bytes)
        }
        switch outcome {
        case .sent?: break
        case .finished?, nil: tell(handout.groupShard, .shareFinished(key: handout.key, token, owner))
        case .refused?:
            for index in client.shares.indices where client.shares[index].key == handout.key {
                client.shares[index].isBlocked = true
            }
            client.hasBlockedReader = true
            tell(handout.groupShard, .shareRefused(key: handout.key, token, owner))
        }
    }

    private enum ShareOutcome { case sent, finished, refused }

    private func sendShared(
        _ delivery: Delivery, _ handout: ShareHandout, _ client: Client, _ bytes: Span<UInt8>
    ) -> ShareOutcome {
        guard !isDraining, client.redelivery == nil,
            client.output.count + client.deferredByteCount < memory.outputBytesAllowed
        else { return .refused }
        let target = MatchList.Target(
            reader: client.shareReader ?? Reader(client: client, kind: .live), qos: handout.options.qos,
            retainAsPublished: handout.options.retainAsPublished, identifier: handout.identifier)
        let topic = bytes.extracting(delivery.message.deliveredTopic(bytes).indices)
        guard mayRead(topic, client, target.reader), isWanted(delivery, target, client, bytes) else {
            counters.deliveriesSkipped += 1
            return .finished
        }
        var flags = PublishFlags(
            qos: min(delivery.message.qos, target.qos),
            retain: target.retainAsPublished && delivery.message.isRetained)
        guard flags.qos != .atMostOnce else {
            encode(delivery, target, bytes, client, flags)
            return .finished
        }
        let token = DeliveryToken(delivery.partition, delivery.offset, kind: .share)
        guard let id = client.session.send(qos: flags.qos, token: token.rawValue) else { return .refused }
        flags.packetID = id
        flags.duplicate = handout.isRepeat
        if client.isPersistent { note(token, delivery, isLive: false, client, flags) }
        client.sharedInFlight[token.rawValue, default: []].append(
            ShareMembership(key: handout.key, groupShard: handout.groupShard))
        encode(delivery, target, bytes, client, flags)
        return .sent
    }

    /// A client is done with a delivery: if a group handed it out, it hears of it.
    func finishShared(_ client: Client, _ rawToken: UInt64) {
        let token = DeliveryToken(rawValue: rawToken)
        assert(token.kind == .share)
        guard var memberships = client.sharedInFlight[rawToken] else { return }
        assert(!memberships.isEmpty, "an entry goes with the last delivery of its record")
        let membership = memberships.removeFirst()
        client.sharedInFlight[rawToken] = memberships.isEmpty ? nil : memberships
        let owner = ClientOwner(shard: settings.index, number: client.number)
        tell(
            membership.groupShard,
            .shareFinished(key: membership.key, DeliveryToken(token.partition, token.offset), owner))
    }

    /// A client takes more than before: groups that it had refused hear of it.
    func unblockShares(_ client: Client) {
        let owner = ClientOwner(shard: settings.index, number: client.number)
        for index in client.shares.indices where client.shares[index].isBlocked {
            client.shares[index].isBlocked = false
            tell(client.shares[index].groupShard, .shareReady(key: client.shares[index].key, owner))
        }
    }
}
