import AccessControl
import KafkaWire
import SluiceCore
import Speaking

/// SASL: how clients show who they are.
///
/// Source: KIP-43, KIP-152 (requests around tokens), KIP-368 (once more on the same connection).
extension KafkaShard {
    /// Bytes of a token: Kafka's `sasl.server.max.receive.size`.
    static let tokenBytesMax = 512 << 10
    private static let plain = "PLAIN"

    private func mechanisms(_ connection: KafkaConnection) -> [String] {
        guard settings.access?.knowsPasswords(connection.peer.listener) == true else { return [] }
        return [Self.plain] + ScramMechanism.allCases.map(\.rawValue)
    }

    func shakeHands(_ request: SaslHandshakeRequest, _ call: KafkaCall) {
        let connection = call.connection
        let offered = mechanisms(connection)
        guard offered.contains(request.mechanism) else {
            answer(call, SaslHandshakeResponse(errorCode: .unsupportedSaslMechanism, mechanisms: offered))
            return connection.fail("the mechanism '\(request.mechanism.shortened)' is not offered")
        }
        // Of old clients what follows is no request.
        let isRaw = call.version == 0
        let exchange = ScramMechanism(rawValue: request.mechanism).flatMap {
            settings.access?.scram($0, connection.peer)
        }
        connection.identity.sasl = exchange.map { .scram($0, isRaw: isRaw) } ?? .plain(isRaw: isRaw)
        answer(call, SaslHandshakeResponse(mechanisms: offered))
    }

    func authenticate(_ request: SaslAuthenticateRequest, _ call: KafkaCall) {
        switch call.connection.identity.sasl {
        case nil, .over?, .judged?:
            answer(
                call,
                SaslAuthenticateResponse(
                    errorCode: .illegalSaslState, errorMessage: "A handshake comes before it.", authBytes: []))
            call.connection.fail("it authenticates without a handshake")
        case .plain?, .scram?: take(token: request.authBytes, call)
        }
    }

    /// A token that came without a request around it.
    func received(token: Span<UInt8>, from connection: KafkaConnection) {
        let call = KafkaCall(token: connection)
        connection.begin(call)
        take(token: token.copied, call)
    }

    private func take(token: [UInt8], _ call: KafkaCall) {
        guard token.count <= Self.tokenBytesMax else { return refuse(call, "its token is too long") }
        let identity = call.connection.identity
        switch identity.sasl {
        case .plain(let isRaw)?:
            identity.sasl = .judged(isRaw: isRaw)
            judge(token, call)
        case .scram(var exchange, let isRaw)?:
            let step = exchange.received(token)
            identity.sasl = .scram(exchange, isRaw: isRaw)
            switch step {
            case .challenge(let challenge): tell(call, challenge)
            case .accepted(let user, let last): accept(call, .user(user), nil, last)
            case .rejected(let refusal, _): refuse(call, "SCRAM failed: \(refusal.rawValue)")
            }
        case nil, .judged?, .over?: refuse(call, "a token comes out of turn")
        }
    }

    private func judge(_ token: [UInt8], _ call: KafkaCall) {
        let message: PlainMessage
        do throws(PlainMessage.Failure) {
            message = try PlainMessage(token)
        } catch {
            return refuse(call, "what it said by PLAIN is \(error)")
        }
        let credentials = Credentials(
            identifier: Array((call.clientID ?? "").utf8), userName: Array(message.user.utf8),
            password: message.password, peer: call.connection.peer)
        saslCalls.lastNumber += 1
        let (number, index, peers) = (saslCalls.lastNumber, settings.index, peers)
        saslCalls.waiting[number] = call
        let ticket = AuthenticationTicket { peers.post(.authenticated(number: number, $0), to: index) }
        if let answer = settings.access?.authenticate(credentials, ticket) { answered(number, answer) }
    }

    /// A password was judged.
    func answered(_ number: UInt64, _ answer: AuthenticationAnswer) {
        guard let call = saslCalls.waiting.removeValue(forKey: number), !call.isAbandoned else { return }
        switch answer {
        // A name that counts for nothing here is nobody's.
        case .accepted(let principal): accept(call, principal, nil, [])
        case .granted(let principal, let grant): accept(call, principal, grant, [])
        case .badCredentials: refuse(call, "its user name or password is not right")
        case .notAuthorized: refuse(call, "it may not connect here")
        case .unavailable: refuse(call, "nobody can say for now who it is")
        }
    }

    private func accept(_ call: KafkaCall, _ principal: Principal, _ grant: CredentialGrant?, _ last: [UInt8]) {
        let connection = call.connection
        let former = connection.identity.principal
        guard former == nil || former == .anonymous || former == principal else {
            return refuse(call, "it authenticates again as somebody else")
        }
        // A user may have gone while its password was judged.
        if let cause = settings.access?.dismissal(of: principal, grant: grant, on: connection.peer.listener) {
            return refuse(call, cause)
        }
        connection.identity.principal = principal
        connection.identity.grant = grant
        grantAccess(connection)
        if former == nil { auditConnected(connection, grant != nil ? "token" : last.isEmpty ? "password" : "SCRAM") }
        tell(call, last)
        connection.identity.sasl = .over
    }

    private func tell(_ call: KafkaCall, _ token: [UInt8]) {
        guard call.connection.identity.sasl?.isRaw == true else {
            // How long it lasts, for clients to authenticate again in time (KIP-368); 0 for no end.
            let left = call.connection.identity.grant?.end.map { max(1, $0 - wallClock.rawValue) } ?? 0
            return answer(
                call,
                SaslAuthenticateResponse(authBytes: token, sessionLifetimeMs: call.version >= 1 ? left : 0))
        }
        var frame = (0..<4).map { UInt8(truncatingIfNeeded: token.count >> (24 - 8 * $0)) }
        frame += token
        answer(call, frame)
    }

    /// Says so without saying which of name and password is wrong, and closes.
    private func refuse(_ call: KafkaCall, _ cause: String) {
        settings.gate?.failed(call.connection.peer, now: now)
        auditRefused(call.connection, cause)
        // Who sends tokens without requests around them is told by the end of the connection.
        if call.connection.identity.sasl?.isRaw == false {
            answer(
                call,
                SaslAuthenticateResponse(
                    errorCode: .saslAuthenticationFailed, errorMessage: "Authentication failed.", authBytes: []))
        }
        call.connection.fail(cause)
    }
}

/// Requests that wait for a password to be judged.
struct SaslCalls {
    var lastNumber: UInt64 = 0
    var waiting: [UInt64: KafkaCall] = [:]
}
