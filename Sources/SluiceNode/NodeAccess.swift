package import AccessControl
import Cryptography
import EventLoop
import Glibc
import KafkaBroker
package import SluiceBroker
package import SluiceCore
package import Speaking
import Synchronization

/// Decides who clients are and what they may do, by the policy that is in force.
///
/// A password takes milliseconds, and is judged on threads of its own: they take the processor when nobody else wants
/// it, as many wait as there is room for, and one address has room for a part of that. One that was right is remembered
/// by an authentication code under a key that nobody else has, so that a fleet which reconnects costs microseconds
/// each.
/// Isolation: any thread; what changes is behind mutexes.
package final class NodeAccess: Sendable {
    private let policy: Mutex<NodePolicy>
    private let proofs = Mutex<[ProofPlace: [UInt8]]>([:])

    private struct ProofPlace: Hashable {
        let user: [UInt8]
        let passwords: ObjectIdentifier?
        let storedKey: [UInt8]?
    }

    /// What clients have set by Kafka's protocol, which comes before the files.
    private let credentials: Mutex<ScramTable>
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
    /// - Parameters:
    ///   - credentials: what clients have set.
    ///   - secret: what the answers to unknown users are made of; the same at every start of the node.
    package init(_ policy: NodePolicy, credentials: ScramTable = ScramTable(), secret: [UInt8]) {
        self.policy = Mutex(policy)
        self.credentials = Mutex(credentials)
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

    /// What a user's password is judged by: what a client has set, else what the file has.
    private struct Judge {
        let passwords: PasswordFile?
        let credential: (ScramMechanism, ScramCredential)?

        func verify(_ user: [UInt8], _ password: [UInt8], _ hashing: SystemHashing) -> Bool {
            if let (mechanism, credential) = credential {
                return credential.isOf(password: password, mechanism, hashing) && !password.contains(0)
            }
            return passwords?.verify(user, password: password, hashing) ?? false
        }
    }

    private func judge(of user: [UInt8], _ policy: ListenerPolicy) -> Judge? {
        let set = credentials.withLock { $0[user]?.first.map { ($0.key, $0.value) } }
        let isAnybodyKnown = policy.passwords != nil || credentials.withLock { !$0.isEmpty }
        return isAnybodyKnown ? Judge(passwords: policy.passwords, credential: set) : nil
    }

    // MARK: Passwords

    private func judge(
        _ user: [UInt8], _ password: [UInt8], _ judge: Judge, _ peer: PeerIdentity,
        _ ticket: AuthenticationTicket
    ) -> AuthenticationAnswer? {
        let principal = Principal.user(String(decoding: user, as: UTF8.self))
        let proof = hashing.authenticationCode(.sha256, key: proofKey, user + [0] + password)
        let place = ProofPlace(
            user: user, passwords: judge.passwords?.version, storedKey: judge.credential?.1.storedKey)
        if let known = proofs.withLock({ $0[place] }), hashing.areEqual(known, proof) { return .accepted(principal) }
        let isTaken = queue.submit(from: Self.source(peer)) { [self] in
            guard judge.verify(user, password, hashing) else { return ticket.answer(.badCredentials) }
            remember(place, proof, peer.listener.name)
            ticket.answer(.accepted(principal))
        }
        return isTaken ? nil : .unavailable
    }

    /// Whether a password has the form of a token: three parts, the first of them a header in base64url.
    private static func isToken(_ password: [UInt8]) -> Bool {
        password.starts(with: "eyJ".utf8) && password.count { $0 == UInt8(ascii: ".") } == 2
    }

    private func judge(
        _ text: [UInt8], _ tokens: TokenJudge, _ credentials: Credentials, _ ticket: AuthenticationTicket
    ) -> AuthenticationAnswer? {
        let claimed = credentials.userName
        let isTaken = queue.submit(from: Self.source(credentials.peer)) {
            let answer: AuthenticationAnswer
            do throws(TokenFault) {
                let token = try tokens.judge(text, now: Self.seconds())
                // Who gives a name beside it gives the token's, or none: brokers of the cloud ask for a name.
                let isOwn = claimed.map { $0.isEmpty || $0 == Array(token.user.utf8) } ?? true
                let grant = CredentialGrant(
                    roles: token.roles, publish: token.publish, read: token.read,
                    end: token.expirySeconds.map { $0 * 1000 })
                answer = isOwn ? .granted(.user(token.user), grant) : .badCredentials
            } catch {
                answer = .badCredentials
            }
            ticket.answer(answer)
        }
        return isTaken ? nil : .unavailable
    }

    private static func source(_ peer: PeerIdentity) -> String {
        String(peer.address.prefix(upTo: peer.address.lastIndex(of: ":") ?? peer.address.endIndex))
    }

    private static func seconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec)
    }

    /// Remembers that a password was right, unless the users are others by now.
    private func remember(_ place: ProofPlace, _ proof: [UInt8], _ listener: String) {
        // Users may be others by now; what a client has set meanwhile has another place.
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
        if policy.keys != nil, let identity = credentials.peer.keyIdentity { return .accepted(.user(identity)) }
        if let tokens = policy.tokens, let password = credentials.password, Self.isToken(password) {
            return judge(password, tokens, credentials, ticket)
        }
        guard let user = credentials.userName else {
            return policy.allowsAnonymous ? .accepted(.anonymous) : .notAuthorized
        }
        guard let judge = judge(of: user, policy) else {
            return policy.allowsAnonymous ? .accepted(.anonymous) : .notAuthorized
        }
        guard let password = credentials.password, String(validating: user, as: UTF8.self) != nil else {
            return .badCredentials
        }
        return self.judge(user, password, judge, credentials.peer, ticket)
    }
}

extension NodeAccess: AccessDesk {
    /// See `AccessDesk`.
    package func rights(
        of principal: Principal, clientID: [UInt8], grant: CredentialGrant?, on listener: ListenerIdentity?
    ) -> AccessRights? {
        if let grant, grant.publish != nil || grant.read != nil, case .user(let user) = principal {
            let token = Token(user: user, roles: [], publish: grant.publish, read: grant.read, expirySeconds: nil)
            return token.rules(beside: policy(of: listener?.name).rules)?.rights(of: principal, clientID: clientID)
        }
        return policy(of: listener?.name).rules?.rights(
            of: principal, clientID: clientID, granted: grant?.roles ?? [])
    }

    /// See `AccessDesk`.
    package func limits(of principal: Principal, grant: CredentialGrant?) -> IdentityLimits? {
        policy.withLock { $0.limits }.limits(of: principal, granted: grant?.roles ?? [])
    }

    /// See `AccessDesk`.
    package func dismissal(of principal: Principal, grant: CredentialGrant?, on listener: ListenerIdentity) -> String? {
        let policy = policy(of: listener.name)
        switch principal {
        case .anonymous: return policy.allowsAnonymous ? nil : "clients without a user name are let in no longer"
        case .user(let name):
            // A token's owner is nobody's here, and stays until it ends.
            if let keys = policy.keys {
                return keys.key(of: Array(name.utf8)) != nil ? nil : "the key of '\(name)' is no longer taken"
            }
            guard grant == nil, let judge = judge(of: Array(name.utf8), policy) else {
                return nil
            }
            let isKnown = judge.credential != nil || judge.passwords?.has(Array(name.utf8)) == true
            return isKnown ? nil : "there is no user '\(name)' any more"
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
}

extension NodeAccess: KafkaAdmission {
    /// See `KafkaAdmission`.
    package func knowsPasswords(_ listener: ListenerIdentity) -> Bool {
        policy(of: listener.name).passwords != nil || credentials.withLock { !$0.isEmpty }
    }

    /// See `KafkaAdmission`.
    package func scram(_ mechanism: ScramMechanism, _ peer: PeerIdentity) -> ScramExchange? {
        guard knowsPasswords(peer.listener) else { return nil }
        let passwords = policy(of: peer.listener.name).passwords
        let set = credentials.withLock { $0 }
        return ScramExchange(mechanism, hashing, decoy: decoy) { [hashing] user, mechanism in
            if let own = set[user] { return own[mechanism] }
            return passwords?.scramCredential(user, mechanism, hashing)
        }
    }

    /// See `KafkaAdmission`.
    package func scramUsers(_ listener: ListenerIdentity) -> [[UInt8]: [ScramMechanism: Int]] {
        var users: [[UInt8]: [ScramMechanism: Int]] = [:]
        if let passwords = policy(of: listener.name).passwords {
            for user in passwords.users {
                for mechanism in ScramMechanism.allCases {
                    guard let credential = passwords.scramCredential(user, mechanism, hashing) else { continue }
                    users[user, default: [:]][mechanism] = credential.iterations
                }
            }
        }
        for (user, own) in credentials.withLock({ $0.users }) { users[user] = own.mapValues(\.iterations) }
        return users
    }

    /// See `KafkaAdmission`.
    package func set(_ credential: ScramCredential?, of user: [UInt8], _ mechanism: ScramMechanism) {
        credentials.withLock { $0.set(credential, of: user, mechanism) }
        proofs.withLock { proofs in proofs = proofs.filter { $0.key.user != user } }
    }

    /// See `KafkaAdmission`.
    package func hasSet(_ user: [UInt8], _ mechanism: ScramMechanism) -> Bool {
        credentials.withLock { $0[user]?[mechanism] != nil }
    }

    /// See `KafkaAdmission`.
    package func credential(
        saltedPassword: [UInt8], salt: [UInt8], iterations: Int, _ mechanism: ScramMechanism
    ) -> ScramCredential {
        ScramCredential(
            saltedPassword: saltedPassword, salt: salt, iterations: iterations, mechanism.hash, hashing)
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
