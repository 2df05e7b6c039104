import Administration
import HTTPWire
import MQTTWire
import SluiceCore

/// Who asks.
extension HTTPShard {
    /// Finds out who a request is from, and calls `body` when that is known; else the request is refused.
    func identify(_ exchange: Exchange, _ connection: HTTPConnection, _ body: @escaping () -> Void) {
        let credentials: HTTPCredentials
        do throws(HTTPFault) {
            try refuseStrangers(exchange.head)
            credentials = try HTTPCredentials(exchange.head)
        } catch {
            return exchange.fail(error)
        }
        if let session = connection.session, session.state == .open, session.credentials == credentials {
            exchange.session = session
            return body()
        }
        connection.session?.end()
        connection.session = open(credentials, peer: connection.peer) {
            [weak exchange, weak connection] session, refusal in
            guard let exchange, let connection else { return session.end() }
            if let refusal {
                connection.session = nil
                return Self.refuse(exchange, refusal)
            }
            session.ended = { [weak connection] in
                // A right that is lost, a ban, another client of the same name: the connection goes with it.
                connection?.session = nil
                connection?.close()
            }
            exchange.session = session
            body()
        }
    }

    private static func refuse(_ exchange: Exchange, _ refusal: LocalSession.Refusal) {
        let words = refusal.words.map { ": \($0)" } ?? ""
        switch refusal.code {
        case .badUserNameOrPassword, .notAuthorized, .badAuthenticationMethod:
            exchange.fail(
                HTTPFault(.unauthorized, "who asks is not known here, or may not\(words)"),
                fields: [("WWW-Authenticate", "Basic realm=\"sluice\", charset=\"UTF-8\"")])
        case .quotaExceeded, .connectionRateExceeded, .messageRateTooHigh:
            exchange.fail(.tooManyRequests, "there are too many connections\(words)")
        case .banned: exchange.fail(.forbidden, "this address is kept out\(words)")
        case _: exchange.fail(.unavailable, "the broker does not take the session\(words)")
        }
    }

    /// A page of somebody else's may not act here in its reader's name: what a browser says comes from another origin
    /// is refused.
    ///
    /// Source: https://www.w3.org/TR/fetch-metadata/
    private func refuseStrangers(_ head: RequestHead) throws(HTTPFault) {
        if let site = head.field("sec-fetch-site"), site == "cross-site" || site == "same-site" {
            guard head.field("sec-fetch-mode") == "navigate", head.method == "GET" else {
                throw HTTPFault(.forbidden, "a page of another origin asks, which is not allowed")
            }
        }
        if let origin = head.field("origin"), let host = head.field("host") {
            let own = origin.hasPrefix("https://") ? origin.dropFirst(8) : origin.dropFirst(7)
            guard own == host[...] else {
                throw HTTPFault(.forbidden, "a page of '\(origin)' asks, which is not this place, '\(host)'")
            }
        }
    }
}

extension HTTPCredentials {
    /// What the field `Authorization` says.
    ///
    /// Source: RFC 7617 (Basic), RFC 6750 (Bearer).
    /// - Throws: `HTTPFault` when it is malformed.
    init(_ head: RequestHead) throws(HTTPFault) {
        guard let value = head.field("authorization") else { return }
        let parts = value.split(separator: " ", maxSplits: 1)
        guard parts.count == 2 else {
            throw HTTPFault(.badRequest, "'Authorization' is not 'Basic …' or 'Bearer …'")
        }
        switch parts[0].lowercased() {
        case "bearer": password = Array(parts[1].utf8)
        case "basic":
            guard let plain = Base64.bytes(parts[1].utf8), let colon = plain.firstIndex(of: UInt8(ascii: ":"))
            else { throw HTTPFault(.badRequest, "the credentials are not 'NAME:PASSWORD' in base64") }
            userName = Array(plain[..<colon])
            password = Array(plain[(colon + 1)...])
        case let other:
            throw HTTPFault(.badRequest, "'Authorization' can be Basic or Bearer, not '\(other)'")
        }
    }
}
