package import AccessControl

/// Who may come in at a listener, and what decides what they may do there.
///
/// A value that never changes: a reload makes another.
package struct ListenerPolicy: Sendable {
    /// Whether clients that show no name are let in.
    package var allowsAnonymous = true
    /// The users and what their passwords are judged by; nil where nobody is known by a password.
    package var passwords: PasswordFile?
    /// Judges tokens that come in place of passwords; nil takes none.
    package var tokens: TokenJudge?
    /// What of a client's certificate is its user name; nil asks for a password all the same.
    package var certificateName: CertificateName?
    /// The pre-shared keys that clients prove to have: the identity of its key is a client's user name. Nil where the
    /// listener has no keys.
    package var keys: SharedKeyFile?
    /// Who may do what; nil for everybody everything.
    package var rules: AccessRules?

    /// A policy that lets everybody in, and everything be done.
    package init() {}
}

/// The policies of a node's listeners.
package struct NodePolicy: Sendable {
    /// The policy of listeners that have none of their own, and of what came to none that is there.
    package var general = ListenerPolicy()
    /// Policies of their own, by the listeners' names.
    package var listeners: [String: ListenerPolicy] = [:]
    /// The limits of users and roles.
    package var limits = IdentityLimitTable()

    /// Everybody may do everything.
    package init() {}

    /// The policy of a listener.
    func of(_ listener: String?) -> ListenerPolicy { listener.flatMap { listeners[$0] } ?? general }

    /// Whether some listener knows users by their passwords.
    package var knowsPasswords: Bool { ([general] + listeners.values).contains { $0.passwords != nil } }

    /// Whether nothing is asked and nothing is restricted.
    package var isOpen: Bool {
        limits.isEmpty
            && ([general] + listeners.values).allSatisfy {
                $0.allowsAnonymous && $0.passwords == nil && $0.tokens == nil && $0.rules == nil
                    && $0.certificateName == nil
                    && $0.keys == nil
            }
    }
}
