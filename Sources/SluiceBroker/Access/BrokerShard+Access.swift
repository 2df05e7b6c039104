import AccessControl
import LogInterface
import MQTTSession
import MQTTWire
import SluiceCore
import Speaking
import TopicRouting

/// Who may do what: what clients get when they connect, and when rights change.
extension BrokerShard {
    /// Gives a client its rights, once its principal and its identifier are known.
    func grantAccess(_ client: Client) {
        let rights = settings.access?.rights(
            of: client.principal, clientID: client.clientID, grant: client.grant, on: client.peer.listener)
        client.access = rights.flatMap { $0.areUnrestricted ? nil : ClientAccess($0) }
        bind(client)
    }

    /// A client's credentials end some time.
    func noteEnd(of client: Client) {
        guard let end = client.grant?.end else { return }
        if grantEnds.count > 2 * clients.count + 64 { grantEnds.keep { clients[$0] != nil } }
        grantEnds.add(client.number, end: end)
    }

    /// Ends the connections whose credentials have ended.
    func endGrants() {
        for number in grantEnds.takeEnded(at: wallClock.rawValue) {
            guard let client = clients[number], let end = client.grant?.end, end <= wallClock.rawValue,
                !client.isClosing
            else { continue }
            let cause = "its token has ended"
            reportClosed(client, cause)
            terminate(client, .notAuthorized, cause)
        }
    }

    /// Gives a client the rights that are in force.
    /// - Returns: why it may not be connected; nil when it may.
    func renewAccess(_ client: Client) -> String? {
        guard let access = settings.access else { return nil }
        if let cause = access.dismissal(of: client.principal, grant: client.grant, on: client.peer.listener) {
            return cause
        }
        grantAccess(client)
        return nil
    }

    /// Rights have changed: who lost one loses what comes of it at once, and who may not be connected any more is not.
    func accessChanged() {
        for client in clients.all where client.session.isOpen && !client.isClosing {
            if let cause = renewAccess(client) {
                reportClosed(client, cause)
                terminate(client, .notAuthorized, cause)
                continue
            }
            for subscription in client.subscriptions { renew(subscription, of: client) }
        }
    }

    /// A subscription of a client whose rights may be others now.
    private func renew(_ subscription: Subscription, of client: Client) {
        if let stream = subscription.reader.wholeStream {
            subscription.reader.readsWholeStream = mayReadWhole(stream, client)
            // What a group hands to a member that may not have it would be lost to the others.
            guard !subscription.reader.readsWholeStream, case .member = subscription.reader.kind else { return }
            report(.streamAccessLost, "\(who: client): may not read the stream '\(stream, as: .stream)' any more")
            drop(subscription)
            client.subscriptions.removeAll { $0 === subscription }
            if client.isRecorded { recordChange(client, added: [], removed: [subscription.filter]) }
        } else if Self.isShared(subscription.filter) {
            let key = Array(subscription.filter.dropFirst("$share/".utf8.count))
            let owner = ClientOwner(shard: settings.index, number: client.number)
            let group = Array(key.prefix { $0 != UInt8(ascii: "/") })
            if let verdict = client.access?.rights.mayShare(group.span), !verdict.isAllowed {
                let name = String(decoding: subscription.filter, as: UTF8.self)
                reportDenial(client, "share \(name)", verdict, key: subscription.filter)
                drop(subscription)
                client.subscriptions.removeAll { $0 === subscription }
                leaveShare(client, key: key)
                if client.isRecorded { recordChange(client, added: [], removed: [subscription.filter]) }
                return
            }
            guard let membership = client.shares.first(where: { $0.key == key }) else { return }
            tell(membership.groupShard, .shareAccess(key: key, owner, client.access?.rights))
        }
    }

    // MARK: Reading

    /// Whether a client may have a message of a topic.
    /// - Complexity: nothing where everything is allowed, else O(levels) and no allocation.
    @inline(__always)
    func mayRead(_ topic: Span<UInt8>, _ client: Client, _ reader: Reader) -> Bool {
        guard let access = client.access else { return true }
        return reader.readsWholeStream || access.rights.mayRead(topic).isAllowed
    }

    /// Whether a client may read a stream as a whole, whatever topics are in it.
    func mayReadWhole(_ stream: String, _ client: Client) -> Bool {
        guard let access = client.access else { return true }
        let name = Array(stream.utf8)
        return access.rights.mayReadStream(name.span).isAllowed
    }

    // MARK: Subscribing

    /// Why a client may not subscribe to a filter; nil when it may.
    ///
    /// Mosquitto grants every subscription and delivers what may be read. A client of MQTT 5 hears at once of one that
    /// could bring nothing; an older one, which would take it for a fault of the broker, subscribes in vain as there.
    func refusal(of filter: [UInt8], _ client: Client) -> Outcome? {
        guard let access = client.access else { return nil }
        var inner = filter[...]
        if TopicSyntax.isShared(filter.span) {
            let key = filter.dropFirst("$share/".utf8.count)
            let group = Array(key.prefix { $0 != UInt8(ascii: "/") })
            let verdict = access.rights.mayShare(group.span)
            guard verdict.isAllowed else { return refused(filter, verdict, client) }
            inner = key.dropFirst(group.count + 1)
        }
        switch ReplayRequest.parse(Array(inner), ReplayRequest.Options(), now: wallClock) {
        case .ordinary, .refused: break
        case .replay(let replay):
            // A whole stream is read record by record, but by a group: what it hands out is read by one.
            guard replay.stream == nil else { return nil }
            inner = replay.filter[...]
        }
        guard !inner.isEmpty else { return nil }
        let wanted = Array(inner)
        let verdict = access.rights.maySubscribe(wanted.span)
        guard !verdict.isAllowed else { return nil }
        let refusal = refused(filter, verdict, client)
        return client.version == .v5 ? refusal : nil
    }

    /// Why a client may not read a stream in a consumer group; nil when it may.
    func refusal(ofGroup name: String, stream: String, _ filter: [UInt8], _ client: Client) -> Outcome? {
        guard let access = client.access else { return nil }
        let bytes = Array(stream.utf8)
        let verdict = access.rights.mayReadStream(bytes.span)
        return verdict.isAllowed ? nil : refused(filter, verdict, client)
    }

    private func refused(_ filter: [UInt8], _ verdict: Verdict, _ client: Client) -> Outcome {
        let name = String(decoding: filter, as: UTF8.self)
        reportDenial(client, "subscribe to \(name)", verdict, key: filter)
        return Outcome(code: .notAuthorized, reason: "not authorized to read \(name)")
    }

    // MARK: Reports

    /// Says which rule decided against a client: once for each thing that it asks for, in the log; counted each time.
    /// - Parameter key: what the thing is known by.
    func reportDenial(_ client: Client, _ asked: String, _ verdict: Verdict, key: [UInt8]) {
        counters.accessDenied += 1
        guard let access = client.access, access.reports(key) else { return }
        report(
            .accessDenied,
            "\(who: client): \(client.principal, as: .user) may not \(asked, as: .asked): "
                + "\(access.rights.description(of: verdict.rule), as: .reason)")
    }
}

/// When the credentials of clients end, of those that have an end.
///
/// Complexity: O(1) while none has ended, O(n) when one has.
/// Isolation: one shard's.
struct GrantEnds {
    private var entries: [(end: Int64, clientNumber: UInt64)] = []
    /// The earliest, in milliseconds since 1970.
    private var next = Int64.max

    var count: Int { entries.count }

    /// Forgets those of clients that are gone: tokens may last for days, and connections for seconds.
    mutating func keep(_ isThere: (UInt64) -> Bool) {
        entries.removeAll { !isThere($0.clientNumber) }
    }

    mutating func add(_ clientNumber: UInt64, end: Int64) {
        entries.append((end, clientNumber))
        next = min(next, end)
    }

    /// Takes out the clients whose time is over.
    mutating func takeEnded(at now: Int64) -> [UInt64] {
        guard now >= next else { return [] }
        let ended = entries.filter { $0.end <= now }.map(\.clientNumber)
        entries.removeAll { $0.end <= now }
        next = entries.map(\.end).min() ?? .max
        return ended
    }
}
