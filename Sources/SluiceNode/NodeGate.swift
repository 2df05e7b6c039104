package import AccessControl
package import SluiceCore
package import Speaking
import Synchronization

/// The one gate of a node's loops.
///
/// Isolation: any thread; what changes is behind mutexes that are held for a look at a table.
package final class NodeGate: ConnectionGate {
    private struct State {
        var book = AddressBook()
        var limits: LimitBook
        var audit: (any AuditTrail)?
        /// Connections that are let in to be refused.
        var toldCount = 0
        /// How many of them there are in a time: a flood is not told one by one.
        var told = TokenBucket(Rate(64))
    }

    private let state: Mutex<State>
    /// What `hasBans` says, for who does not want to take the lock.
    private let hasBansNow = Atomic<Bool>(false)
    private let identities = Mutex<[Principal: Int]>([:])
    private let report: @Sendable (LogEvent, LogWords) -> Void

    /// A gate that counts by these limits.
    /// - Parameter report: gets what an operator should know of bans.
    package init(
        _ limits: LimitBook, bans: BanSettings?, report: @escaping @Sendable (LogEvent, LogWords) -> Void
    ) {
        state = Mutex(State(limits: limits))
        self.report = report
        state.withLock { $0.book.settings = bans }
    }

    /// Keeps the record of bans; nil for none.
    package var audit: (any AuditTrail)? {
        get { state.withLock { $0.audit } }
        set { state.withLock { $0.audit = newValue } }
    }

    /// Puts other limits in force; who is connected stays.
    package func replace(by limits: LimitBook, bans: BanSettings?) {
        state.withLock { state in
            state.limits = limits
            state.book.settings = bans
        }
    }

    // MARK: The gate

    /// See `ConnectionGate`.
    package func admit(_ peer: PeerIdentity, now: Int64) -> ConnectionAdmission {
        let (host, listener) = (peer.host, peer.listener.name)
        return state.withLock { state in
            let limits = state.limits.of(listener)
            guard let refusal = state.book.admit(host, to: listener, limits, now: now) else { return .admitted }
            hasBansNow.store(state.book.hasBans, ordering: .relaxed)
            guard refusal.kind != .banned, state.toldCount < Limits.surplusConnectionsMax, state.told.take(at: now)
            else {
                return .closed(refusal)
            }
            state.toldCount += 1
            return .told(refusal)
        }
    }

    /// See `ConnectionGate`.
    package var hasBans: Bool { hasBansNow.load(ordering: .relaxed) }

    /// See `ConnectionGate`.
    package func ban(of address: IPAddress, now: Int64) -> ConnectionRefusal? {
        state.withLock { $0.book.refusal(of: address, now: now) }
    }

    /// See `ConnectionGate`.
    package func left(_ peer: PeerIdentity, wasTold: Bool) {
        let host = peer.host
        state.withLock { state in
            if wasTold { state.toldCount -= 1 } else { state.book.left(host, peer.listener.name) }
        }
    }

    /// See `ConnectionGate`.
    package func failed(_ peer: PeerIdentity, now: Int64) {
        guard let host = peer.host, let cause = state.withLock({ $0.book.failed(host, now: now) }) else { return }
        hasBansNow.store(true, ordering: .relaxed)
        let network = IPNetwork(site: host.site)
        report(.addressBanned, "\(network, as: .address) is banned: \(cause, as: .reason)")
        var event = AuditEvent(.banned, peer)
        event.subject = network.description
        event.reason = cause
        audit?.note(event)
    }

    /// See `ConnectionGate`.
    package func enter(_ principal: Principal, atMost most: Int?) -> Bool {
        guard principal.isSomebody else { return true }
        return identities.withLock { counts in
            let count = counts[principal, default: 0]
            if let most, count >= most { return false }
            counts[principal] = count + 1
            return true
        }
    }

    /// See `ConnectionGate`.
    package func leave(_ principal: Principal) {
        guard principal.isSomebody else { return }
        identities.withLock { counts in
            let count = counts[principal, default: 1]
            counts[principal] = count > 1 ? count - 1 : nil
        }
    }

    // MARK: Bans

    /// See `ConnectionGate`.
    package func bans(now: Int64) -> [AddressBan] { state.withLock { $0.book.bans(now: now) } }

    /// See `ConnectionGate`.
    package func ban(_ network: IPNetwork, for nanoseconds: Int64?, now: Int64) -> Bool {
        hasBansNow.store(true, ordering: .relaxed)
        return state.withLock { $0.book.ban(network, for: nanoseconds, now: now) }
    }

    /// See `ConnectionGate`.
    package func unban(_ network: IPNetwork) -> Bool { state.withLock { $0.book.unban(network) } }
}

extension Principal {
    /// Whether it is a user or the owner of a certificate.
    fileprivate var isSomebody: Bool {
        switch self {
        case .user, .certificate: true
        case .anonymous, .bridge, .node: false
        }
    }
}
