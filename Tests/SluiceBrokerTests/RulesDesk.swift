import AccessControl
import Speaking

@testable import SluiceBroker

/// Rights by an ACL file's text, which a test may change.
// Sendable: one thread.
final class RulesDesk: AccessDesk, @unchecked Sendable {
    var current: AccessRules
    /// Users that are there no more.
    var gone: Set<String> = []

    init(_ text: String) throws { current = try Self.rules(text) }

    static func rules(_ text: String) throws -> AccessRules {
        try AccessRules.mosquitto(Array(text.utf8), file: "acl")
    }

    func rights(of principal: Principal, clientID: [UInt8], on listener: ListenerIdentity?) -> AccessRights? {
        current.rights(of: principal, clientID: clientID)
    }

    func dismissal(of principal: Principal, on listener: ListenerIdentity) -> String? {
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
