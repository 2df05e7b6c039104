package import AccessControl
import Cryptography
import EventLoop
package import SluiceBroker
package import Speaking
import Synchronization

/// Decides who clients are and what they may do, by the policy that is in force.
///
/// A password takes milliseconds, and is judged on threads of its own: they take the processor when nobody else wants
/// it, as many wait as there is room for, and one address has room for a part of that. One that was right is remembered
/// by an authentication code under a key that nobody else has, so that a fleet which reconnects costs microseconds each.
/// Isolation: any thread.
// Sendable: what changes is behind mutexes.
package final class NodeAccess: Sendable {
    private let policy: Mutex<NodePolicy>
    private let proofs = Mutex<[ProofPlace: [UInt8]]>([:])

    private struct ProofPlace: Hashable {
        let user: [UInt8]
        let passwords: ObjectIdentifier
    }

    private let hashing = SystemHashing()
    private let proofKey: [UInt8]
    private let decoy: ScramDecoy
    private let queue = WorkQueue(
        name: "sluice-auth", threadCount: 2, capacity: queueCapacity, sourceCapacity: queueCapacity / 8)

    /// Passwords that may wait to be judged: at 10 ms each that is some seconds, and clients wait ten.
    private static let queueCapacity = 1024
    /// Right passwords that are remembered.
    private static let proofCountMax = 100_000

    /// Access by a policy.
    /// - Parameter secret: what the answers to unknown users are made of; the same at every start of the node.
    package init(_ policy: NodePolicy, secret: [UInt8]) {
        self.policy = Mutex(policy)
        proofKey = hashing.randomBytes(32)
        decoy = ScramDecoy(key: secret)
    }

    /// Puts another policy in force. Connections are told by their node.
    package func replace(by policy: NodePolicy) {
        self.policy.withLock { $0 = policy }
        proofs.withLock { $0 = [:] }
    }

    /// Ends its threads.
    package func close() { queue.close() }

    private func policy(of listener: String?) -> ListenerPolicy { policy.withLock { $0.of(listener) } }

    // MARK: Passwords

    private func judge(
        _ user: [UInt8], _ password: [UInt8], _ passwords: PasswordFile, _ peer: PeerIdentity,
        _ ticket: AuthenticationTicket
    ) -> AuthenticationAnswer? {
        let principal = Principal.user(String(decoding: user, as: UTF8.self))
        let proof = hashing.authenticationCode(.sha256, key: proofKey, user + [0] + password)
        let place = ProofPlace(user: user, passwords: passwords.version)
        if let known = proofs.withLock({ $0[place] }), hashing.areEqual(known, proof) { return .accepted(principal) }
        let source = String(peer.address.prefix(upTo: peer.address.lastIndex(of: ":") ?? peer.address.endIndex))
        let isTaken = queue.submit(from: source) { [self] in
            guard passwords.verify(user, password: password, hashing) else { return ticket.answer(.badCredentials) }
            remember(place, proof, peer.listener.name)
            ticket.answer(.accepted(principal))
        }
        return isTaken ? nil : .unavailable
    }

    /// Remembers that a password was right, unless the users are others by now.
    private func remember(_ place: ProofPlace, _ proof: [UInt8], _ listener: String) {
        guard policy(of: listener).passwords?.version == place.passwords else { return }
        proofs.withLock { proofs in
            if proofs.count >= Self.proofCountMax { proofs = [:] }
            proofs[place] = proof
        }
    }
}

extension NodeAccess: Authenticator {
    /// See `Authenticator`. What a client only claims counts for nothing: where no users are known, a name is nobody's.
    package func authenticate(_ credentials: Credentials, _ ticket: AuthenticationTicket) -> AuthenticationAnswer? {
        let policy = policy(of: credentials.peer.listener.name)
        if let name = policy.certificateName {
            guard let user = credentials.peer.certificate.flatMap({ name.name(of: $0) }) else { return .notAuthorized }
            return .accepted(.certificate(user))
        }
        if policy.usesKeyIdentity, let identity = credentials.peer.keyIdentity { return .accepted(.user(identity)) }
        guard let user = credentials.userName else { return policy.allowsAnonymous ? .accepted(.anonymous) : .notAuthorized }
        guard let passwords = policy.passwords else {
            return policy.allowsAnonymous ? .accepted(.anonymous) : .notAuthorized
        }
        guard let password = credentials.password, String(validating: user, as: UTF8.self) != nil else {
            return .badCredentials
        }
        return judge(user, password, passwords, credentials.peer, ticket)
    }
}

extension NodeAccess: AccessDesk {
    /// See `AccessDesk`.
    package func rights(
        of principal: Principal, clientID: [UInt8], on listener: ListenerIdentity?
    ) -> AccessRights? {
        policy(of: listener?.name).rules?.rights(of: principal, clientID: clientID)
    }

    /// See `AccessDesk`.
    package func dismissal(of principal: Principal, on listener: ListenerIdentity) -> String? {
        let policy = policy(of: listener.name)
        switch principal {
        case .anonymous: return policy.allowsAnonymous ? nil : "clients without a user name are let in no longer"
        case .user(let name):
            guard !policy.usesKeyIdentity, let passwords = policy.passwords else { return nil }
            return passwords.has(Array(name.utf8)) ? nil : "there is no user '\(name)' any more"
        case .certificate, .bridge, .node: return nil
        }
    }
}

extension NodeAccess: EnhancedAuthenticator {
    /// SCRAM, where passwords are known.
    package func begin(_ method: [UInt8], clientID: [UInt8], peer: PeerIdentity) -> (any AuthenticationExchange)? {
        guard let mechanism = ScramMechanism(rawValue: String(decoding: method, as: UTF8.self)) else { return nil }
        return scram(mechanism, peer).map(ScramAuthentication.init)
    }

    /// The server's side of SCRAM; nil where no passwords are known.
    package func scram(_ mechanism: ScramMechanism, _ peer: PeerIdentity) -> ScramExchange? {
        guard let passwords = policy(of: peer.listener.name).passwords else { return nil }
        return ScramExchange(mechanism, hashing, decoy: decoy) { [hashing] user, mechanism in
            passwords.scramCredential(user, mechanism, hashing)
        }
    }
}

/// SCRAM as MQTT 5's AUTH packets carry it.
///
/// Source: MQTT 5.0 §4.12.
private struct ScramAuthentication: AuthenticationExchange {
    private var exchange: ScramExchange
    private(set) var principal = Principal.anonymous

    init(_ exchange: ScramExchange) { self.exchange = exchange }

    mutating func received(_ data: [UInt8]) -> AuthenticationVerdict {
        switch exchange.received(data) {
        case .challenge(let challenge): return .challenge(challenge)
        case .accepted(let user, let last):
            principal = .user(user)
            return .accepted(last)
        case .rejected: return .rejected
        }
    }
}
