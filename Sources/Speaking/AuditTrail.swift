/// Something that somebody has done, for the record.
///
/// What is secret is not in it: no password, no token, no payload.
package struct AuditEvent: Sendable, Equatable {
    /// What has happened.
    package enum Kind: String, Sendable {
        /// A client was let in.
        case connected
        /// A client was not let in.
        case refused
        /// A client that was let in is gone.
        case disconnected
        /// Somebody has asked for a change.
        case changed
        /// An address is kept out.
        case banned
    }

    /// What has happened.
    package var kind: Kind
    /// The listener.
    package var listener: String?
    /// Where it came from, as `host:port`.
    package var address: String?
    /// What the client calls itself.
    package var client: String?
    /// Who it is.
    package var user: String?
    /// How that was proved: `password`, `token`, `certificate`, `key`, the name of an exchange, or `none`.
    package var method: String?
    /// Why, or what became of it.
    package var reason: String?
    /// What was asked for.
    package var request: String?
    /// Of what.
    package var subject: String?

    /// An event about a peer.
    package init(_ kind: Kind, _ peer: PeerIdentity? = nil) {
        self.kind = kind
        listener = peer?.listener.name
        address = peer?.address
    }

    /// What is known of it, by names that stay.
    package var fields: [(name: String, value: String)] {
        [
            ("listener", listener), ("address", address), ("client", client), ("user", user), ("method", method),
            ("request", request), ("subject", subject), ("reason", reason),
        ].compactMap { name, value in value.map { (name, $0) } }
    }
}

/// Keeps the record of what was done.
///
/// Isolation: any thread, never waits.
package protocol AuditTrail: AnyObject, Sendable {
    /// Notes an event.
    func note(_ event: AuditEvent)
}
