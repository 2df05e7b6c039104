package import AccessControl
package import Speaking

/// Who clients of Kafka's protocol are, and what they may do.
///
/// Isolation: any thread.
package protocol KafkaAdmission: Authenticator, AccessDesk {
    /// Whether clients of a listener can show that they are somebody by a password.
    func knowsPasswords(_ listener: ListenerIdentity) -> Bool
    /// The server's side of SCRAM; nil where no passwords are known.
    func scram(_ mechanism: ScramMechanism, _ peer: PeerIdentity) -> ScramExchange?
    /// The mechanisms of SCRAM that each user has something for, and how many iterations.
    func scramUsers(_ listener: ListenerIdentity) -> [[UInt8]: [ScramMechanism: Int]]
    /// Takes over what a client has changed, when it is on record; nil takes a credential away.
    func set(_ credential: ScramCredential?, of user: [UInt8], _ mechanism: ScramMechanism)
    /// Whether a client has set a credential that is in force.
    func hasSet(_ user: [UInt8], _ mechanism: ScramMechanism) -> Bool
    /// The credential of a salted password.
    func credential(
        saltedPassword: [UInt8], salt: [UInt8], iterations: Int, _ mechanism: ScramMechanism
    ) -> ScramCredential
}

/// Who a connection speaks for, and what it was found to be allowed.
///
/// Isolation: its connection's.
final class KafkaIdentityState {
    /// Who it is; nil until it has said so, where that is asked for.
    var principal: Principal?
    /// What its credentials brought beside its name.
    var grant: CredentialGrant?
    /// When it was last asked something, or connected, by the loop's clock.
    var activeAt: Int64 = 0
    /// What it may do; nil for everything.
    var rights: AccessRights?
    /// The client id that the rights were made for.
    var clientID: String?
    /// What was asked of the rights before.
    var verdicts: [Question: Verdict] = [:]
    /// What it was refused, and that was reported.
    var reported: Set<Question> = []
    /// What it has said since its handshake; nil before.
    var sasl: SaslConversation?

    /// Verdicts that are remembered.
    static let verdictCountMax = 1024
    /// Refusals that are reported.
    static let reportedCountMax = 16

    struct Question: Hashable {
        var operation: KafkaOperation
        var name: String
    }
}

/// What a client wants to do with what it names.
enum KafkaOperation: Hashable {
    case read, write, describe, useGroup, transact, seeTransaction, administer
}

/// A conversation by which a client shows who it is.
enum SaslConversation {
    case plain(isRaw: Bool)
    case scram(ScramExchange, isRaw: Bool)
    /// It waits for a password to be judged.
    case judged(isRaw: Bool)
    /// It is over; another one may begin.
    case over

    /// Whether tokens come without the frame of a request around them.
    var isRaw: Bool {
        switch self {
        case .plain(let isRaw), .scram(_, let isRaw), .judged(let isRaw): isRaw
        case .over: false
        }
    }
}
