import MQTTSession
import MQTTWire
import SluiceCore
import Speaking

/// CONNECT's credentials: who a client is, be it known at once or later.
///
/// While the answer is out the client holds no claim on its identifier, so a stranger cannot take a session over; what
/// it sends behind its CONNECT is postponed, and its socket left unread with that.
extension BrokerShard {
    /// A client whose answer is out, and until when it may be.
    struct AwaitedAnswer {
        var clientNumber: UInt64
        var deadline: Int64
    }

    /// Asks who a client is.
    /// - Returns: whether the request may go on; if not, it goes on later or the client was refused.
    func admit(_ client: Client, _ request: ConnectRequest) -> Bool {
        // Who is refused all the same costs no hash.
        guard client.refusal == nil else { return true }
        client.clientID = request.clientID
        let credentials = Credentials(
            identifier: request.clientID, userName: request.userName, password: request.password, peer: client.peer)
        let (peers, index, number) = (peers, settings.index, client.number)
        let ticket = AuthenticationTicket { peers.post(.authenticated(clientNumber: number, $0), to: index) }
        if let answer = settings.admission.authenticate(credentials, ticket) {
            return decide(client, answer, request.userName)
        }
        let authentication = ClientAuthentication()
        authentication.request = request
        // Nobody needs them here any more.
        authentication.request?.password = nil
        authentication.awaitsAnswer = true
        client.authentication = authentication
        let limit = Int64(settings.limits.connectSecondsMax) * 1_000_000_000
        assert(!client.hasClaim, "whoever may be a stranger has no claim on an identifier")
        assert(awaitedAnswers.last.map { $0.deadline <= now + limit } ?? true, "the oldest is due first")
        awaitedAnswers.append(AwaitedAnswer(clientNumber: number, deadline: now + limit))
        return false
    }

    /// The answer to a ticket has come; the client may be gone, or have been told that it took too long.
    func answered(_ number: UInt64, _ answer: AuthenticationAnswer) {
        guard let client = clients[number], let authentication = client.authentication, authentication.awaitsAnswer,
            let request = authentication.request
        else { return }
        client.authentication = nil
        if decide(client, answer, request.userName) { connect(client, request) }
    }

    /// Turns clients away whose answers take too long.
    func expireAnswers() {
        while let oldest = awaitedAnswers.first, oldest.deadline <= now {
            _ = awaitedAnswers.popFirst()
            guard let client = clients[oldest.clientNumber], client.authentication?.awaitsAnswer == true else {
                continue
            }
            client.authentication = nil
            let seconds = settings.limits.connectSecondsMax
            refuse(
                client, .serverUnavailable,
                "nobody could say within \(seconds) s who it is ('limits: connect_timeout')")
        }
    }

    /// Time in which nobody could answer does not count.
    func extendAnswers(by nanoseconds: Int64) {
        for index in 0..<awaitedAnswers.count { awaitedAnswers[index].deadline += nanoseconds }
    }

    /// - Returns: whether the client is let in.
    private func decide(_ client: Client, _ answer: AuthenticationAnswer, _ claimed: [UInt8]?) -> Bool {
        switch answer {
        case .accepted(let principal):
            client.principal = principal
            return true
        case .granted(let principal, let grant):
            client.principal = principal
            client.grant = grant
            noteEnd(of: client)
            return true
        case .badCredentials:
            // The name is what an operator looks for, and anything may stand in it.
            let name = claimed.map { String(decoding: $0.prefix(64), as: UTF8.self).debugDescription } ?? "none"
            refuse(client, .badUserNameOrPassword, "its user name (\(name)) or password is not right")
        case .notAuthorized: refuse(client, .notAuthorized, "it may not connect here")
        case .unavailable: refuse(client, .serverUnavailable, "nobody can say for now who it is")
        }
        return false
    }
}
