package import Speaking

/// The hook for MQTT 5's authentication exchanges: decides which methods there are.
///
/// Isolation: any shard's thread.
/// Source: MQTT 5.0 §4.12.
package protocol EnhancedAuthenticator: Sendable {
    /// Begins an exchange.
    /// - Parameters:
    ///   - method: its name in UTF-8, as the client gave it.
    ///   - clientID: the client identifier.
    ///   - peer: the other side of its connection.
    /// - Returns: nil for a method that is not offered; the client is refused with 0x8C then.
    func begin(_ method: [UInt8], clientID: [UInt8], peer: PeerIdentity) -> (any AuthenticationExchange)?
}

/// One client's exchange, step by step.
///
/// Isolation: its client's shard.
package protocol AuthenticationExchange {
    /// Takes what the client sent.
    /// - Parameter data: the authentication data of its CONNECT or AUTH; empty when there was none.
    mutating func received(_ data: [UInt8]) -> AuthenticationVerdict
    /// Who the client is, once it is accepted.
    var principal: Principal { get }
}

extension AuthenticationExchange {
    /// Nobody in particular, unless the method tells.
    package var principal: Principal { .anonymous }
}

/// What comes of a step.
package enum AuthenticationVerdict: Equatable, Sendable {
    /// The client must answer this.
    case challenge([UInt8])
    /// The client is who it says it is; it gets the data with the good news.
    case accepted([UInt8])
    /// It is not.
    case rejected
}
