package import SluiceCore

/// Why a connection is not let in.
package struct ConnectionRefusal: Sendable, Equatable {
    /// What a client can make of it.
    package enum Kind: Sendable {
        /// As many are there as may be.
        case tooMany
        /// They come faster than they may.
        case tooFast
        /// Its address is kept out.
        case banned
    }

    /// What a client can make of it.
    package let kind: Kind
    /// The setting, its value, and what came.
    package let words: String

    /// A refusal from its parts.
    package init(_ kind: Kind, _ words: String) {
        self.kind = kind
        self.words = words
    }
}

/// What becomes of a connection that has come.
package enum ConnectionAdmission: Sendable, Equatable {
    /// It is let in.
    case admitted
    /// It is let in as far as its first request, to be told why it goes no further.
    case told(ConnectionRefusal)
    /// It is closed at once.
    case closed(ConnectionRefusal)
}

/// Decides which connections come in, by where they come from and how many there are.
///
/// Isolation: any thread.
package protocol ConnectionGate: AnyObject, Sendable {
    /// A connection has come. Unless it is closed, `left` follows.
    func admit(_ peer: PeerIdentity, now: Int64) -> ConnectionAdmission
    /// Whether some addresses are kept out: nobody else needs to be asked for them.
    var hasBans: Bool { get }
    /// Why an address is kept out; nil when it is not.
    func ban(of address: IPAddress, now: Int64) -> ConnectionRefusal?
    /// A connection is gone.
    /// - Parameter wasTold: whether it was let in to be refused.
    func left(_ peer: PeerIdentity, wasTold: Bool)
    /// A peer has failed to show who it is, or to speak as it should before that.
    func failed(_ peer: PeerIdentity, now: Int64)
    /// A connection is known to be of a principal; unless it is refused, `leave` follows.
    /// - Parameter most: how many it may have; nil for any number.
    /// - Returns: whether it may.
    func enter(_ principal: Principal, atMost most: Int?) -> Bool
    /// A connection of a principal is gone.
    func leave(_ principal: Principal)

    /// The addresses that are kept out.
    func bans(now: Int64) -> [AddressBan]
    /// Keeps addresses out.
    /// - Parameter nanoseconds: for how long; nil for until somebody takes it back.
    /// - Returns: false when there is no room for more.
    func ban(_ network: IPNetwork, for nanoseconds: Int64?, now: Int64) -> Bool
    /// Lets addresses in again.
    /// - Returns: whether they were kept out.
    func unban(_ network: IPNetwork) -> Bool
}

/// Addresses that are kept out.
package struct AddressBan: Sendable, Equatable {
    /// The addresses.
    package let network: IPNetwork
    /// For how long they are still kept out, in nanoseconds; nil for until somebody takes it back.
    package let nanosecondsLeft: Int64?
    /// Why.
    package let cause: String
    /// How many connections were refused because of it.
    package let refusedCount: Int

    /// A ban from its parts.
    package init(network: IPNetwork, nanosecondsLeft: Int64?, cause: String, refusedCount: Int) {
        self.network = network
        self.nanosecondsLeft = nanosecondsLeft
        self.cause = cause
        self.refusedCount = refusedCount
    }
}

extension PeerIdentity {
    /// Its address without the port; nil when there is none.
    package var host: IPAddress? { IPAddress(socket: address) }
}
