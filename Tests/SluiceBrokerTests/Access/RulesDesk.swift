import AccessControl
import SluiceCore
import Speaking

@testable import SluiceBroker

/// Rights by an ACL file's text, which a test may change.
// Sendable: one thread.
final class RulesDesk: AccessDesk, @unchecked Sendable {
    var current: AccessRules
    /// The rules of single listeners.
    var byListener: [String: AccessRules] = [:]
    /// Users that are there no more.
    var gone: Set<String> = []
    /// The limits of users.
    var limits: [String: IdentityLimits] = [:]

    init(_ text: String) throws { current = try Self.rules(text) }

    static func rules(_ text: String) throws -> AccessRules {
        try AccessRules.mosquitto(Array(text.utf8), file: "acl")
    }

    func rights(
        of principal: Principal, clientID: [UInt8], grant: CredentialGrant?, on listener: ListenerIdentity?
    ) -> AccessRights? {
        let rules = listener.flatMap { byListener[$0.name] } ?? current
        return rules.rights(of: principal, clientID: clientID, granted: grant?.roles ?? [])
    }

    func limits(of principal: Principal, grant: CredentialGrant?) -> IdentityLimits? {
        guard case .user(let name) = principal else { return nil }
        return limits[name]
    }

    func dismissal(of principal: Principal, grant: CredentialGrant?, on listener: ListenerIdentity) -> String? {
        guard case .user(let name) = principal, gone.contains(name) else { return nil }
        return "there is no user '\(name)' any more"
    }
}

/// Takes everybody for whom they say that they are.
struct NameAuthenticator: Authenticator {
    func authenticate(_ credentials: Credentials, _ ticket: AuthenticationTicket) -> AuthenticationAnswer? {
        let name = credentials.userName ?? credentials.identifier
        return .accepted(.user(String(decoding: name, as: UTF8.self)))
    }
}
