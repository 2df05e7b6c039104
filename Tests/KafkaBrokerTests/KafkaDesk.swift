import AccessControl
import KafkaWire
import SluiceCore
import Speaking
import Testing

@testable import KafkaBroker

/// Rights by an ACL file's text, and users whose password is their name backwards.
// Sendable: one thread.
final class KafkaDesk: KafkaAdmission, @unchecked Sendable {
    var rules: AccessRules
    var letsAnybodyIn = false
    var gone: Set<String> = []
    /// Tickets of passwords that are not judged yet.
    var tickets: [(user: [UInt8], password: [UInt8], ticket: AuthenticationTicket)] = []
    var end: Int64?

    init(_ text: String) throws { rules = try Self.rules(text) }

    static func rules(_ text: String) throws -> AccessRules {
        try AccessRules.mosquitto(Array(text.utf8), file: "acl")
    }

    func authenticate(_ credentials: Credentials, _ ticket: AuthenticationTicket) -> AuthenticationAnswer? {
        guard let user = credentials.userName, let password = credentials.password else {
            return letsAnybodyIn ? .accepted(.anonymous) : .notAuthorized
        }
        tickets.append((user, password, ticket))
        return nil
    }

    /// The passwords that wait are judged.
    func judge() {
        for (user, password, ticket) in tickets {
            let principal = Principal.user(String(decoding: user, as: UTF8.self))
            let grant = end.map { CredentialGrant(roles: [], publish: nil, read: nil, end: $0) }
            let good = grant.map { AuthenticationAnswer.granted(principal, $0) } ?? .accepted(principal)
            ticket.answer(password == user.reversed() ? good : .badCredentials)
        }
        tickets = []
    }

    func rights(
        of principal: Principal, clientID: [UInt8], grant: CredentialGrant?, on listener: ListenerIdentity?
    ) -> AccessRights? { rules.rights(of: principal, clientID: clientID) }

    func dismissal(of principal: Principal, grant: CredentialGrant?, on listener: ListenerIdentity) -> String? {
        guard case .user(let name) = principal, gone.contains(name) else { return nil }
        return "there is no user '\(name)' any more"
    }

    func knowsPasswords(_ listener: ListenerIdentity) -> Bool { true }
    func scram(_ mechanism: ScramMechanism, _ peer: PeerIdentity) -> ScramExchange? { nil }
    func scramUsers(_ listener: ListenerIdentity) -> [[UInt8]: [ScramMechanism: Int]] {
        [Array("ada".utf8): [.sha256: 4096]]
    }
    func set(_ credential: ScramCredential?, of user: [UInt8], _ mechanism: ScramMechanism) {}
    func hasSet(_ user: [UInt8], _ mechanism: ScramMechanism) -> Bool { false }
    func credential(
        saltedPassword: [UInt8], salt: [UInt8], iterations: Int, _ mechanism: ScramMechanism
    ) -> ScramCredential {
        ScramCredential(iterations: iterations, salt: salt, storedKey: saltedPassword, serverKey: saltedPassword)
    }
}

extension KafkaDesk {
    /// A client that has shown who it is by PLAIN.
    func client(
        _ user: String, password: String? = nil, handshake: Int16 = 1, of kafka: TestKafka
    ) throws -> TestConnection {
        let client = kafka.connect()
        let shaken: SaslHandshakeResponse = try client.ask(SaslHandshakeRequest(mechanism: "PLAIN"), handshake)
        #expect(shaken.errorCode == .none && shaken.mechanisms.contains("SCRAM-SHA-256"))
        let token = Array("\u{0}\(user)\u{0}\(password ?? String(user.reversed()))".utf8)
        if handshake == 0 {
            client.send(bytes: [0, 0, 0, UInt8(token.count)] + token)
        } else {
            try client.send(SaslAuthenticateRequest(authBytes: token), 2)
        }
        judge()
        kafka.settle()
        return client
    }

    /// A client that has shown who it is, and was let in.
    func known(_ user: String, of kafka: TestKafka) throws -> TestConnection {
        let client = try client(user, of: kafka)
        let answer = try #require(try client.take(SaslAuthenticateResponse.self, 2))
        #expect(answer.errorCode == .none)
        return client
    }
}
