import MQTTSession

/// What there is to remember of a client while nobody knows yet who it is, and of its authentication method for as long
/// as it is connected. Most clients are known at once and have none.
///
/// Isolation: its client's shard.
final class ClientAuthentication {
    /// The authentication method of the connection; nil without one.
    var method: [UInt8]?
    /// The exchange that is going on.
    var exchange: (any AuthenticationExchange)?
    /// The request that waits for the exchange, or for the answer to a ticket.
    var request: ConnectRequest?
    /// Whether a ticket is out.
    var awaitsAnswer = false
}
