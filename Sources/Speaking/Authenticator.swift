/// What a speaker shows to say who it is.
package struct Credentials: Sendable {
    /// What it calls itself in its protocol, such as MQTT's client identifier; empty for nothing.
    package var identifier: [UInt8]
    /// The user name, in UTF-8.
    package var userName: [UInt8]?
    /// The password or token.
    package var password: [UInt8]?
    /// The other side of its connection, with what TLS has proved of it.
    package var peer: PeerIdentity

    /// Credentials from their parts.
    package init(identifier: [UInt8], userName: [UInt8]?, password: [UInt8]?, peer: PeerIdentity) {
        self.identifier = identifier
        self.userName = userName
        self.password = password
        self.peer = peer
    }
}

/// What credentials bring beside a name: what a token says of its owner.
///
/// Isolation: any thread; never changes.
package final class CredentialGrant: Sendable, Equatable {
    /// Roles beside those that the user has here.
    package let roles: [String]
    /// Filters of what may be published, in place of what rules say; nil leaves it to them.
    package let publish: [[UInt8]]?
    /// Filters of what may be read, in place of what rules say; nil leaves it to them.
    package let read: [[UInt8]]?
    /// When all of it ends, and the connection with it, in milliseconds since 1970; nil for never.
    package let end: Int64?

    /// A grant from its parts.
    package init(roles: [String], publish: [[UInt8]]?, read: [[UInt8]]?, end: Int64?) {
        self.roles = roles
        self.publish = publish
        self.read = read
        self.end = end
    }

    /// Whether both say the same.
    package static func == (left: CredentialGrant, right: CredentialGrant) -> Bool {
        left.roles == right.roles && left.publish == right.publish && left.read == right.read && left.end == right.end
    }
}

/// What an authenticator says of credentials.
package enum AuthenticationAnswer: Sendable, Equatable {
    /// They are good, and this is whose they are.
    case accepted(Principal)
    /// They are good, this is whose they are, and what they bring.
    case granted(Principal, CredentialGrant)
    /// They are not: an unknown user, or a wrong password.
    case badCredentials
    /// They are good, or there were none, and their owner may not connect here.
    case notAuthorized
    /// Nobody can tell for now.
    case unavailable
}

/// Where an answer goes that does not come at once. Answered once; what is said after that, or when its speaker is
/// gone, is nobody's.
package struct AuthenticationTicket: Sendable {
    private let deliver: @Sendable (AuthenticationAnswer) -> Void

    /// A ticket whose answer goes to `deliver`, on the thread that answers; it must only pass it on.
    package init(_ deliver: @escaping @Sendable (AuthenticationAnswer) -> Void) { self.deliver = deliver }

    /// Answers. Any thread.
    package func answer(_ answer: AuthenticationAnswer) { deliver(answer) }
}

/// Decides who a speaker speaks for.
///
/// Isolation: any loop's thread.
package protocol Authenticator: Sendable {
    /// Judges credentials. Whatever takes longer than looking something up in memory, such as hashing a password, is
    /// done elsewhere and answered by the ticket: a loop has thousands of other connections.
    /// - Returns: the answer; nil when it comes by the ticket.
    func authenticate(_ credentials: Credentials, _ ticket: AuthenticationTicket) -> AuthenticationAnswer?
}

/// Lets everybody in, as nobody in particular.
package struct OpenAuthenticator: Authenticator {
    /// The only one there is.
    package init() {}

    /// Accepts at once.
    package func authenticate(_ credentials: Credentials, _ ticket: AuthenticationTicket) -> AuthenticationAnswer? {
        .accepted(.anonymous)
    }
}
