import LogInterface
import MQTTSession
import MQTTWire
import RecordFormat
import SluiceCore

/// What outlives a connection: recorded as it changes, parked when the connection ends, gone on with by the next.
extension BrokerShard {
    // MARK: Records

    /// Records that a session is there, and for how long.
    func recordHead(_ client: Client, endedAt: Timestamp? = nil) {
        var head = StoredSession(expirySeconds: client.expirySeconds)
        head.owner = client.principal
        head.disconnectedAt = endedAt
        put(.session(head), StateRecord.key(.session, client.clientID), awaited: true)
    }

    /// Records a session that is gone on with, or begun.
    func recordOpening(_ client: Client) {
        var head = StoredSession(expirySeconds: client.expirySeconds)
        head.owner = client.principal
        head.subscriptions = client.resumed?.subscriptions ?? []
        peers.withDirectory { $0.note(head, of: client.clientID) }
        recordHead(client)
        guard client.resumed?.hasSubscriptionsInside == true else { return }
        // The record that had them is no more.
        client.resumed?.hasSubscriptionsInside = false
        recordSubscriptions(client, head.subscriptions)
    }

    /// Records subscriptions that a session has made, or made anew.
    func recordSubscriptions(_ client: Client, _ subscriptions: [StoredSubscription]) {
        for subscription in subscriptions {
            let key = StateRecord.key(client.clientID, filter: subscription.filter)
            put(.subscription(subscription), key, awaited: true)
        }
    }

    /// Notes what a SUBSCRIBE or an UNSUBSCRIBE has changed of a session that stays.
    func recordChange(_ client: Client, added: [StoredSubscription], removed: [[UInt8]]) {
        peers.withDirectory { $0.note(added, without: removed, of: client.clientID) }
        for filter in removed { put(nil, StateRecord.key(client.clientID, filter: filter), awaited: true) }
        recordSubscriptions(client, added)
    }

    /// Records how far a session has come. What was recorded step by step before is in it, and goes.
    func recordProgress(_ client: Client, _ session: StoredSession, awaited: Bool) {
        assert(client.isRecorded, "progress is that of a session on record")
        put(.progress(session), StateRecord.key(.progress, client.clientID), awaited: awaited)
        for id in client.recordedIDs.sorted() {
            put(nil, StateRecord.key(.outbound, client.clientID, id), awaited: false)
        }
        client.recordedIDs = []
        client.isProgressDirty = false
    }

    /// Records a step of a QoS 2 delivery of a session that stays.
    func recordStep(_ client: Client, _ id: PacketID, _ token: UInt64, _ stage: InflightDelivery.Stage?, awaited: Bool)
    {
        assert(id != .none && client.isPersistent, "steps are recorded of sessions that stay")
        let step = DeliveryStep(packetID: id, token: DeliveryToken(rawValue: token), stage: stage)
        client.recordedIDs.insert(id.rawValue)
        put(.delivery(step), StateRecord.key(.outbound, client.clientID, id.rawValue), awaited: awaited)
    }

    /// Records a will, or that there is none any more.
    func recordWill(_ will: StoredWill?, of clientID: [UInt8]) {
        put(will.map { .will($0) }, StateRecord.key(.will, clientID), awaited: true)
    }

    /// Records where a share group stands, or that it is over.
    func recordShareGroup(_ key: [UInt8], _ group: StoredShareGroup?) {
        put(group.map { .group($0) }, StateRecord.key(.group, key), awaited: false)
    }

    /// Takes a session's records away.
    func forget(_ session: StoredSession, _ clientID: [UInt8], recordedIDs: Set<UInt16> = []) {
        put(nil, StateRecord.key(.session, clientID), awaited: true)
        put(nil, StateRecord.key(.progress, clientID), awaited: true)
        for subscription in session.subscriptions {
            put(nil, StateRecord.key(clientID, filter: subscription.filter), awaited: true)
        }
        for id in session.unreleased { put(nil, StateRecord.key(.inbound, clientID, id), awaited: true) }
        for id in recordedIDs.union(session.inflight.map(\.packetID.rawValue)) {
            put(nil, StateRecord.key(.outbound, clientID, id), awaited: true)
        }
    }

    private func put(_ record: StateRecord?, _ key: [UInt8], awaited: Bool) {
        sessions.put(record, key, at: wallClock, awaited: awaited)
    }

    /// Notes that a QoS 2 message of this identifier is stored: in one append with the message, so that "stored" and
    /// "seen" cannot come apart in a crash.
    func recordReceived(_ client: Client, _ id: PacketID) {
        guard let partition = sessions.partition else { return }
        intake.put(
            StateRecord.key(.inbound, client.clientID, id.rawValue), StateRecord.received.encoded(streams),
            to: partition, at: wallClock, awaited: true)
    }

    /// Notes that the identifier is free again; the acknowledgement of it waits for that.
    func recordReleased(_ client: Client, _ id: PacketID) {
        guard let partition = sessions.partition else { return }
        intake.put(
            StateRecord.key(.inbound, client.clientID, id.rawValue), nil, to: partition, at: wallClock,
            awaited: true)
    }

    // MARK: The way out

    /// What there is to keep of a client's session.
    func stored(_ client: Client) -> StoredSession {
        if let resumed = client.resumed { return resumed }
        var session = storedProgress(client)
        session.subscriptions = client.subscriptions.map { stored($0) }
        return session
    }

    /// How far a client's session has come: of its subscriptions those that say where they are.
    func storedProgress(_ client: Client) -> StoredSession {
        if let resumed = client.resumed { return resumed }
        var session = StoredSession(expirySeconds: client.expirySeconds)
        session.owner = client.principal
        session.subscriptions = client.subscriptions.lazy.filter { $0.since != nil || $0.reader.isReplay }.map {
            stored($0)
        }
        if let reader = client.liveReader {
            if client.subscriptions.contains(where: { $0.reader === reader && $0.options.qos != .atMostOnce }) {
                session.positions = positions(of: reader)
            }
            session.assuredEnds = reader.assuredEnds
        }
        let flows = client.session.storedFlows
        // What a group has handed out and was not confirmed goes to its other members; but what a share group has sent
        // at QoS 2 must stay [MQTT-4.8.2-4].
        session.inflight = flows.inflight.filter { delivery in
            switch (DeliveryToken(rawValue: delivery.token).kind, delivery.stage) {
            case (.share, .awaitingPuback), (.group, .awaitingPuback), (.group, .awaitingPubrec): false
            case (_, _): true
            }
        }
        session.unreleased = Set(flows.unreleased.map(\.rawValue))
        session.feeds = client.sideReaders.compactMap { reader in
            guard case .retained(let feed) = reader.kind, let cursor = reader.cursors.first else { return nil }
            return StoredFeed(filter: feed.subscription.filter, position: cursor.offset, end: feed.end)
        }
        return session
    }

    /// A subscription in the form that is kept.
    func stored(_ subscription: Subscription) -> StoredSubscription {
        let reader = subscription.reader
        let positions: Positions? =
            switch reader.kind {
            case .replay: self.positions(of: reader)
            // Where a group stands is the group's to know.
            case .member: nil
            // Once its reader is where it counts from, that is no more to remember.
            case .live, .quick, .retained, .group:
                reader.isLive && subscription.client?.redelivery == nil ? nil : subscription.since
            }
        return StoredSubscription(
            filter: subscription.filter, options: subscription.options, identifier: subscription.identifier,
            positions: positions, bounds: reader.course?.bounds)
    }

    /// Where a reader goes on: where the scan is, but for the partitions that it is behind in.
    func positions(of reader: Reader) -> Positions {
        scanned.positions(
            except: reader.cursors.map { Positions.Exception(partition: $0.partition, offset: $0.offset) })
    }

    /// Keeps a session whose connection has ended, or lets go of one that ends with it.
    func leave(_ client: Client) {
        assert(client.isClosing && clients[client.number] == nil, "a session is left when its connection is gone")
        guard client.isOpened || client.resumed != nil else { return }
        assert(client.isRecorded || !client.isPersistent, "a session that stays has been on record since it began")
        var session = stored(client)
        if client.isPersistent {
            session.disconnectedAt = wallClock
            recordHead(client, endedAt: wallClock)
            recordProgress(client, session, awaited: true)
            peers.withDirectory { $0.park(session, client.clientID, now: now) }
        } else if client.isRecorded {
            forget(session, client.clientID, recordedIDs: client.recordedIDs)
            peers.withDirectory { $0.note(nil, of: client.clientID) }
        }
        announce(client, isConnected: false)
    }

    /// Ends sessions whose time is over, and publishes wills that are due. The first shard does it for all.
    func expireSessions() {
        guard settings.index == 0 else { return }
        let owner = keeper
        let (expired, due) = peers.withDirectory { directory in
            (directory.takeExpired(now: now, by: owner), directory.takeDueWills(now: now, by: owner))
        }
        counters.sessionsExpired += UInt64(expired.count)
        for (clientID, session) in expired { forget(session, clientID) }
        for (clientID, will) in due { publish(will, of: clientID) }
        for clientID in expired.map(\.clientID) + due.map(\.clientID) { clients.leave(clientID, owner) }
    }

    /// Who has the identifiers of sessions that the shard itself ends. A client that asks for one is let in when their
    /// records are in the log: no client has this number, and so it is at once.
    var keeper: ClientOwner { ClientOwner(shard: settings.index, number: 0) }

    /// Ends a session for good: its connection, if it has one, and what is stored.
    func endSession(_ clientID: [UInt8]) {
        if let client = clients.all.first(where: { $0.clientID == clientID && $0.hasClaim }) {
            client.expirySeconds = 0
            terminate(client, .administrativeAction, "an operator ended the session")
        } else if let taken = takeParked(clientID) {
            forget(taken.session, clientID)
            if let will = taken.will { publish(will, of: clientID) }
            clients.leave(clientID, keeper)
        }
    }

    /// Takes a session that waits for its client, which has not come.
    private func takeParked(_ clientID: [UInt8]) -> (session: StoredSession, will: StoredWill?)? {
        let owner = keeper
        return peers.withDirectory { directory in
            guard directory.isParked(clientID), directory.claimFree(clientID, by: owner),
                let taken = directory.take(clientID, now: now)
            else { return nil }
            return (taken.session, directory.takeWill(of: clientID))
        }
    }

    /// Records the progress of every session that has made some.
    func recordProgress() {
        for client in clients.all where client.isProgressDirty && client.isPersistent && client.session.isOpen {
            recordProgress(client, storedProgress(client), awaited: false)
        }
    }

    /// Writes the stream anew when it has records of its first version, which compaction would not keep. The first
    /// shard does it, before any client is there.
    package func rewriteSessions() {
        guard settings.index == 0, let partition = sessions.partition else { return }
        let parked = peers.withDirectory { directory in
            defer { directory.mustRewrite = false }
            return directory.mustRewrite ? directory.parkedSessions : nil
        }
        guard let parked else { return }
        assert(clients.count == 0 && sessions.isEmpty, "the stream is written anew before there is anything new to say")
        let end = log.bounds(partition).end
        for (clientID, session) in parked {
            put(.session(session), StateRecord.key(.session, clientID), awaited: true)
            for subscription in session.subscriptions {
                put(.subscription(subscription), StateRecord.key(clientID, filter: subscription.filter), awaited: true)
            }
            put(.progress(session), StateRecord.key(.progress, clientID), awaited: true)
            for id in session.unreleased { put(.received, StateRecord.key(.inbound, clientID, id), awaited: true) }
        }
        sessions.whenDurable(.trim(end))
    }

    // MARK: The way back

    /// Goes on with a stored session on a new connection.
    func resume(_ client: Client, _ session: StoredSession) {
        assert(
            client.subscriptions.isEmpty && client.liveReader == nil, "what a session was comes before what it asks for"
        )
        assert(client.redelivery == nil)
        beginNews()
        for stored in session.subscriptions { restore(client, stored) }
        if let reader = client.liveReader, let positions = session.positions {
            reader.assuredEnds = session.assuredEnds
            for partition in scanned.partitions where !streams.isInternal(partition) {
                let offset = positions.offset(in: partition)
                if offset < scanned.offset(in: partition) {
                    reader.addCursor(Reader.Cursor(partition: partition, offset: offset))
                }
            }
            queue(reader)
        }
        for feed in session.feeds { resume(client, feed) }
        guard !session.inflight.isEmpty else { return }
        client.redelivery = Redelivery(session.inflight[...])
        redeliver(client)
    }

    /// Subscribes as the session was before.
    private func restore(_ client: Client, _ stored: StoredSubscription) {
        let request = SubscriptionRequest(
            filter: stored.filter, options: stored.options, identifier: stored.identifier)
        let isReplay = ReplayRequest.parse(stored.filter, ReplayRequest.Options(), now: wallClock).isReplay
        let outcome =
            isReplay ? restoreReplay(client, request, stored.positions, stored.bounds) : subscribe(client, request)
        if outcome.code.isFailure {
            let reason = outcome.reason ?? "reason \(outcome.code.rawValue)"
            report(
                .subscriptionLost, "\(client.name, as: .client): a stored subscription is gone, \(reason, as: .reason)")
            note(client, "to keep \(String(decoding: stored.filter, as: UTF8.self))", refused: reason)
            recordChange(client, added: [], removed: [stored.filter])
        } else if !isReplay {
            assert(client.subscriptions.last?.filter == stored.filter, "what was added last is last")
            // It counts from where it did, not from now.
            client.subscriptions.last?.since = stored.positions
        }
    }
}

/// The deliveries of an earlier connection, in send order.
///
/// They are made again before anything new, since a client must get them in their order [MQTT-4.6.0-1].
final class Redelivery {
    var entries: ArraySlice<InflightDelivery>
    /// Identifiers that were sent on this connection and count against the client's Receive Maximum.
    var outstanding: Set<UInt16> = []
    var lookup = RecordLookup()

    init(_ entries: ArraySlice<InflightDelivery>) {
        assert(!entries.isEmpty, "without a delivery there is nothing to make again")
        self.entries = entries
    }

    /// Some delivery is over: the window has room for what is not in flight any more.
    func finished(_ inflight: [InflightDelivery]) {
        outstanding.formIntersection(inflight.map(\.packetID.rawValue))
    }
}
