import MQTTSession
import SluiceCore

/// What one client may grow, and what it is offered: by its listener, and by who it is.
///
/// Invariants: never changes; the clients of a listener share one unless their identities have limits of their own.
final class ClientBounds {
    let limits: Limits
    /// What a CONNACK says.
    let offer: SessionOffer
    /// What is bounded for the identity as a whole.
    let identity: IdentityLimits?

    init(_ limits: Limits, offer: SessionOffer, identity: IdentityLimits? = nil) {
        self.limits = limits
        self.offer = offer
        self.identity = identity
    }
}

/// The bounds of clients that are nobody in particular, by their listeners.
///
/// Isolation: one shard's.
struct BoundsTable {
    private(set) var book: LimitBook
    /// What every client is offered beside its limits.
    var isRetainAvailable = false { didSet { known = [:] } }
    private var known: [String: ClientBounds] = [:]

    init(_ book: LimitBook) { self.book = book }

    /// Other limits hold from now on.
    mutating func follow(_ book: LimitBook) {
        self.book = book
        known = [:]
    }

    /// The bounds of a listener's clients.
    mutating func bounds(of listener: String) -> ClientBounds {
        if let bounds = known[listener] { return bounds }
        let limits = book.of(listener)
        let bounds = ClientBounds(limits, offer: offer(limits))
        known[listener] = bounds
        return bounds
    }

    /// The bounds of a listener's client with limits of its own.
    mutating func bounds(of listener: String, _ identity: IdentityLimits) -> ClientBounds {
        let limits = book.of(listener).under(identity)
        return ClientBounds(limits, offer: offer(limits), identity: identity)
    }

    private func offer(_ limits: Limits) -> SessionOffer {
        var offer = SessionOffer(limits: limits)
        offer.areSubscriptionIdentifiersAvailable = true
        offer.areSharedSubscriptionsAvailable = true
        offer.isRetainAvailable = isRetainAvailable && limits.retainsMessages
        return offer
    }
}
