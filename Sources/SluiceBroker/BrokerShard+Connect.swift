import AccessControl
import LogInterface
import MQTTSession
import MQTTWire
import RecordFormat
import SluiceCore
import Speaking
import TopicRouting

/// CONNECT: claims on client identifiers, across shards, and the session that a connection goes on with.
extension BrokerShard {
    /// Decides on a request to connect.
    func connect(_ client: Client, _ asked: ConnectRequest) {
        var request = asked
        counters.connectsReceived += 1
        client.version = request.version
        client.isBridge = request.isBridge
        client.clientID = request.clientID.isEmpty ? assignedClientID(client) : request.clientID
        if let refusal = client.refusal { return refuse(client, Self.reason(refusal), refusal.words) }
        client.expirySeconds = client.bounds.offer.sessionExpirySeconds(asked: request.sessionExpirySeconds)
        if let (reason, cause) = refusal(of: request, client.bounds.offer) { return refuse(client, reason, cause) }
        grantAccess(client)
        if let verdict = denial(ofWill: request, client) {
            // Mosquitto lets an older client in, and never sends its will.
            guard client.version != .v5 else {
                return refuse(client, .notAuthorized, "it may not publish to the topic of its will")
            }
            reportDenial(client, "publish its will", verdict, key: [])
            request.will = nil
        }
        let assigned = request.clientID.isEmpty ? client.clientID : []
        if !request.properties.isEmpty { greet(client, request) }
        let greetingSize = client.session.openedSize(
            client.bounds.offer, assignedClientID: assigned.span, authentication: client.greetingProperties)
        guard greetingSize <= Int(request.maximumPacketSize) else {
            return refuse(client, .packetTooLarge, "its maximum packet size is below the CONNACK's \(greetingSize)")
        }
        assert(!client.hasClaim && !client.isOpened, "a connection claims an identifier once")
        client.pendingRequest = request
        let owner = ClientOwner(shard: settings.index, number: client.number)
        client.hasClaim = true
        let claim = peers.withDirectory { $0.claim(client.clientID, by: owner, as: client.principal) }
        let former: ClientOwner?
        switch claim {
        case .granted(let previous): former = previous
        case .isOf(let other):
            client.hasClaim = false
            client.pendingRequest = nil
            return refuse(client, .notAuthorized, "its identifier, and the session behind it, is \(other)'s")
        }
        guard enter(client, isSuccessor: former != nil) else {
            let owner = ClientOwner(shard: settings.index, number: client.number)
            client.hasClaim = false
            client.pendingRequest = nil
            peers.withDirectory { $0.release(client.clientID, by: owner) }
            return refuse(client, .quotaExceeded, tooMany(client))
        }
        guard let previous = former else { return open(client) }
        client.awaitsIdentifier = true
        // The former holder goes first: what it still has to store comes before what its session is asked for.
        if previous.shard == settings.index {
            received(.takeOver(clientNumber: previous.number, by: owner))
        } else {
            peers.post(.takeOver(clientNumber: previous.number, by: owner), to: previous.shard)
        }
    }

    /// Why a request is turned away: a will is a publish, and some topics are the broker's.
    private func refusal(
        of request: ConnectRequest, _ offer: SessionOffer
    ) -> (reason: ReasonCode, cause: String)? {
        guard let will = request.will else { return nil }
        if ReservedTopic.contains(will.topic.span), !Self.isBridgeState(will.topic.span) {
            return (.notAuthorized, "its will may not go to a topic of the broker")
        }
        if will.qos > offer.maximumQoS {
            return (.qosNotSupported, "its will is above QoS \(offer.maximumQoS.rawValue) [MQTT-3.2.2-12]")
        }
        if will.retain, !offer.isRetainAvailable {
            return (.retainNotSupported, "its will cannot be retained [MQTT-3.2.2-13]")
        }
        return nil
    }

    /// Why the will of a request may not be published; nil when it may, or there is none.
    private func denial(ofWill request: ConnectRequest, _ client: Client) -> Verdict? {
        guard let will = request.will, let access = client.access else { return nil }
        let verdict = access.rights.mayPublish(will.topic.span)
        return verdict.isAllowed ? nil : verdict
    }

    private static let takeoverCause = "another connection took the session over [MQTT-3.1.4-3]"

    /// Gives an identifier up to its new holder.
    func takeOver(_ client: Client, by owner: ClientOwner) {
        assert(owner != ClientOwner(shard: settings.index, number: client.number), "nobody takes over from itself")
        assert(client.successor == nil, "whoever comes later asks the one that came before")
        // A client that is not open yet waits for the identifier itself, and passes it on when it comes; one that is
        // gone does when its appends have settled.
        client.successor = owner
        guard client.session.isOpen, !client.isClosing else { return }
        terminate(client, .sessionTakenOver, Self.takeoverCause)
    }

    /// Tells the holder of an identifier that it is free.
    func letIn(_ owner: ClientOwner) {
        // What the former connection published is in the log before the new one is asked about it.
        submit()
        if owner.shard == settings.index {
            received(.released(clientNumber: owner.number))
        } else {
            peers.post(.released(clientNumber: owner.number), to: owner.shard)
        }
    }

    /// The former holder of an identifier has let go of it.
    func identifierReleased(_ number: UInt64) {
        if let client = clients[number] {
            assert(client.hasClaim && client.awaitsIdentifier, "an identifier is let go of once, to who waits for it")
            client.awaitsIdentifier = false
            open(client)
        } else if let waiter = clients.takeLostWaiter(number) {
            giveUpIdentifier(waiter)
        }
    }

    /// A connection is gone: its identifier is the next one's, if somebody waits for it, and else nobody's when what
    /// was said of it is in the log. A session that stays goes no sooner than is known which QoS 2 messages it has
    /// received: one that is refused later would be a repetition to whoever goes on with it.
    func giveUpIdentifier(_ client: Client) {
        assert(
            client.isClosing && clients[client.number] == nil, "an identifier is its connection's as long as that is")
        if client.isPersistent, client.unsettledReceiptCount > 0 { return clients.keep(unsettled: client) }
        client.hasClaim = false
        let owner = ClientOwner(shard: settings.index, number: client.number)
        if let successor = client.successor { letIn(successor) } else { clients.leave(client.clientID, owner) }
    }

    /// Lets go of the identifiers of clients that are gone: what there is to say of them is in the log, and whoever
    /// comes next says something newer.
    func releaseIdentifiers() {
        guard clients.hasLeft else { return }
        let left = clients.takeLeft()
        peers.withDirectory { directory in
            for (clientID, owner) in left { directory.release(clientID, by: owner) }
        }
    }

    /// Takes over what is stored of a session whose identifier the client holds, and records what must be durable
    /// before the client hears that it is open.
    func open(_ client: Client) {
        guard let request = client.pendingRequest else { return }
        assert(client.hasClaim && !client.awaitsIdentifier, "a session is taken by who holds its identifier")
        assert(client.resumed == nil && client.subscriptions.isEmpty)
        if passOn(client) { return }
        let taken = peers.withDirectory { directory in
            (session: directory.take(client.clientID, now: now), will: directory.takeWill(of: client.clientID))
        }
        client.resumed = taken.session?.session
        client.isRecorded = client.resumed != nil
        let endsFormer = request.cleanStart || taken.session?.isExpired == true
        // The will of a connection that was lost just now is not published when its session goes on.
        if let will = taken.will {
            if endsFormer || client.resumed == nil {
                publish(will, of: client.clientID)
            } else {
                recordWill(nil, of: client.clientID)
            }
        }
        if endsFormer, let former = client.resumed {
            forget(former, client.clientID)
            client.resumed = nil
            client.isRecorded = false
        }
        if let will = request.will {
            client.will = StoredWill(
                message: will, principal: client.principal, listener: client.peer.listener.name,
                delaySeconds: request.willDelaySeconds)
            recordWill(client.will, of: client.clientID)
        }
        if client.isPersistent || client.isRecorded {
            client.isRecorded = true
            recordOpening(client)
        }
        if client.isRecorded || client.will != nil {
            sessions.whenDurable(.open(client))
        } else {
            finishOpening(client)
        }
    }

    /// Lets a client in whose identifier nobody else has asked for meanwhile.
    func finishOpening(_ client: Client) {
        guard !client.isClosing, let request = client.pendingRequest else { return }
        if passOn(client) { return }
        // Users and rights may be others than when it asked.
        if let cause = renewAccess(client) {
            client.pendingRequest = nil
            reportClosed(client, cause)
            return terminate(client, .notAuthorized, cause)
        }
        assert(client.hasClaim && !client.awaitsIdentifier, "a session is opened by who holds its identifier")
        client.pendingRequest = nil
        client.isOpened = true
        traceOpening(client, request)
        let stored = client.resumed
        client.resumed = nil
        let assigned = request.clientID.isEmpty ? client.clientID : []
        client.session.opened(
            client.bounds.offer, resuming: stored?.flows, assignedClientID: assigned.span,
            authentication: client.greetingProperties, now: now, into: &client.output)
        markAnswered(client)
        if let stored { resume(client, stored) }
        announce(client, isConnected: true)
        auditConnected(client)
        continueReading(client)
    }

    /// Passes an identifier on that another connection wants.
    /// - Returns: whether there is one.
    private func passOn(_ client: Client) -> Bool {
        guard let successor = client.successor else { return false }
        assert(client.hasClaim && !client.isOpened, "who has a session is closed, and passes nothing on")
        client.successor = nil
        client.hasClaim = false
        terminate(client, .sessionTakenOver, Self.takeoverCause)
        letIn(successor)
        return true
    }

    /// `sluice-` and a number that this node gives once: the wall's milliseconds, the shard and the connection.
    private func assignedClientID(_ client: Client) -> [UInt8] {
        Array("sluice-\(String(wallClock.rawValue, radix: 36))-\(settings.index)-\(client.number)".utf8)
    }
}
