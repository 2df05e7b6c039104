import AccessControl
import Bridging
import MQTTSession
import MQTTWire
import SluiceCore
package import Speaking
import TopicRouting

/// Limits of listeners and of identities: what a client has, and when they change.
extension BrokerShard {
    /// Gives a client the bounds of its listener and of who it is.
    func bind(_ client: Client) {
        let listener = client.peer.listener.name
        let identity = settings.access?.limits(of: client.principal, grant: client.grant)
        let bounds = identity.map { boundsTable.bounds(of: listener, $0) } ?? boundsTable.bounds(of: listener)
        client.bounds = bounds
        client.decoder.follow(bounds.limits)
        intake.allow(messageBytesMax: bounds.limits.packetBytesMax)
        client.pace = PublishPace(bounds.limits, after: client.pace)
    }

    /// Puts other limits in force. Connections stay: what was offered to them holds until they connect again, the rest
    /// from now on.
    func follow(_ book: LimitBook) {
        settings.limits = book.general
        boundsTable.follow(book)
        boundsTable.isRetainAvailable = retainedPartition != nil
        intake.follow(book.general)
        memory.follow(book.general)
        for client in clients.all { bind(client) }
    }

    /// Counts a connection as its principal's.
    /// - Parameter isSuccessor: whether it takes a connection of the same identifier over, which goes.
    /// - Returns: whether there may be one more.
    func enter(_ client: Client, isSuccessor: Bool) -> Bool {
        guard let gate = settings.gate, client.entered == nil else { return true }
        let most = isSuccessor ? nil : client.bounds.identity?.connectionsMax
        guard gate.enter(client.principal, atMost: most) else { return false }
        client.entered = client.principal
        return true
    }

    /// A connection is gone, or was never let in.
    func leave(countOf client: Client) {
        if let principal = client.entered { settings.gate?.leave(principal) }
        client.entered = nil
    }

    /// What a client is told that may not have one more connection.
    func tooMany(_ client: Client) -> String {
        let most = client.bounds.identity?.connectionsMax ?? 0
        return "'limits: connections' of \(client.principal) is \(most), and as many are open"
    }

    /// The reason of a connection that is not let in.
    static func reason(_ refusal: ConnectionRefusal) -> ReasonCode {
        switch refusal.kind {
        case .tooMany: .quotaExceeded
        case .tooFast: .connectionRateExceeded
        case .banned: .banned
        }
    }

    /// A connection was closed before it spoke.
    package func refused(_ peer: PeerIdentity, because reason: String) {
        auditRefused(peer, reason)
        let (index, now) = (settings.index, wallClock)
        peers.withRefusals { all in
            while all.count <= index { all.append(RefusalList()) }
            all[index].note("(no id)", at: peer.address, "to connect", because: reason, count: 1, now: now)
        }
    }

    // MARK: Memory of one connection

    /// Looks whether a client holds more than one may.
    func weigh(_ client: Client) {
        guard let most = client.bounds.limits.connectionBytesMax, client.heldByteCount > most,
            !bound.overweight.contains(where: { $0 === client })
        else { return }
        bound.overweight.append(client)
    }

    /// Ends the connections that hold more than one may.
    func endOverweight() {
        guard !bound.overweight.isEmpty else { return }
        var overweight: [Client] = []
        swap(&overweight, &bound.overweight)
        for client in overweight where !client.isClosing {
            let most = client.bounds.limits.connectionBytesMax ?? .max
            guard client.heldByteCount > most else { continue }
            let cause = "'limits: client_memory' is \(most) bytes, and it holds \(client.heldByteCount)"
            reportClosed(client, cause)
            client.output.reset(keeping: 0)
            terminate(client, .quotaExceeded, cause)
        }
    }

    // MARK: Retained messages

    /// Whether a message may be retained.
    func retention(_ topic: Span<UInt8>, _ payload: Span<UInt8>, _ client: Client) -> Retention {
        guard !payload.isEmpty else { return .free }
        let limits = settings.limits
        let identity = client.bounds.identity
        let isBounded =
            limits.retainedMax != nil || limits.retainedBytesMax != nil || identity?.retainedMax != nil
            || identity?.retainedBytesMax != nil
        guard isBounded else { return .free }
        let owner = client.principal.ownerName
        let byteCount = topic.count + payload.count
        let name = Array(copying: topic)
        let pending = intake.pendingRetained
        let (all, own) = peers.withRetained { ($0.all, $0.use(of: owner)) }
        let stored = peers.withRetained { $0.message(of: topic, for: owner) }
        var added = RetainedUse(count: 0, byteCount: byteCount)
        if let before = pending.byteCount(of: name) {
            added.byteCount -= before
        } else if let stored {
            added.byteCount -= stored.byteCount
        } else {
            added.count = 1
        }
        let isOthers = stored?.isOwn == false
        let (pendingAll, pendingOwn) = (pending.all, pending.use(of: owner))
        let found: [(name: String, most: Int?, sum: Int, added: Int)] = [
            ("retained", limits.retainedMax, all.count + pendingAll.count, added.count),
            ("retained_size", limits.retainedBytesMax, all.byteCount + pendingAll.byteCount, added.byteCount),
            ("retained", identity?.retainedMax, own.count + pendingOwn.count, isOthers ? 1 : added.count),
            (
                "retained_size", identity?.retainedBytesMax, own.byteCount + pendingOwn.byteCount,
                isOthers ? byteCount : added.byteCount
            ),
        ]
        // What makes it less is taken also where the limit is less still.
        if let over = found.first(where: { $0.added > 0 && $0.sum + $0.added > $0.most ?? .max }) {
            return .refused("'limits: \(over.name)' is \(over.most ?? 0), and it would be \(over.sum + over.added)")
        }
        return .counted(name, byteCount: byteCount, adding: added)
    }
}

/// What limits say of a message that is to be retained.
enum Retention {
    /// Nothing.
    case free
    /// It may be, and counts from now on.
    case counted([UInt8], byteCount: Int, adding: RetainedUse)
    /// It may not, for this reason.
    case refused(String)
}

extension Principal {
    /// What retained messages are counted by; empty for nobody.
    var ownerName: [UInt8] {
        switch self {
        case .user(let name), .certificate(let name): Array(name.utf8)
        case .anonymous, .bridge, .node: []
        }
    }
}
