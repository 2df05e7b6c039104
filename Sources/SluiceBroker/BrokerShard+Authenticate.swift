import MQTTSession
import MQTTWire
import SluiceCore
import Speaking

/// AUTH: exchanges before a session opens, and again while it is open.
extension BrokerShard {
    /// Begins to find out who a client is: by the exchange that its CONNECT asks for, or by what it shows.
    /// - Returns: whether the request may go on; if not, it goes on later or the client was refused.
    func authenticate(_ client: Client, _ request: ConnectRequest) -> Bool {
        guard let method = request.authenticationMethod else { return admit(client, request) }
        let authentication = ClientAuthentication()
        client.authentication = authentication
        authentication.method = method
        guard let exchange = settings.authenticator?.begin(method, clientID: request.clientID, peer: client.peer) else {
            refuse(client, .badAuthenticationMethod, "its authentication method is not offered")
            return false
        }
        authentication.exchange = exchange
        return step(client, request.authenticationData, request)
    }

    /// Takes the client's next step.
    func authenticate(_ client: Client, _ packet: Packet.Reason, _ bytes: Span<UInt8>) {
        var method: [UInt8]?
        var data: [UInt8] = []
        var properties = PropertyReader(bytes, packet.properties)
        while let property = properties.next() {
            guard let range = property.bytes else { continue }
            if property.id == .authenticationMethod { method = bytes.copy(range) }
            if property.id == .authenticationData { data = bytes.copy(range) }
        }
        guard method == client.authentication?.method, let method else {
            // The method of a connection stays the same [MQTT-4.12.0-5].
            let cause = "another authentication method than that of the CONNECT [MQTT-4.12.0-5]"
            reportClosed(client, cause)
            return terminate(client, .badAuthenticationMethod, cause)
        }
        if client.session.isOpen {
            if packet.reason == .reauthenticate {
                client.authentication?.exchange = settings.authenticator?.begin(
                    method, clientID: client.clientID, peer: client.peer)
            }
            return stepAgain(client, data)
        }
        guard let request = client.authentication?.request else { return }
        if step(client, data, request) { connect(client, request) }
    }

    private func step(_ client: Client, _ data: [UInt8], _ request: ConnectRequest) -> Bool {
        assert(!client.session.isOpen && !client.hasClaim, "nobody is let in before it is known who it is")
        switch client.authentication?.exchange?.received(data) ?? .rejected {
        case .challenge(let challenge):
            let properties = properties(client, challenge)
            guard fits(client, properties) else {
                refuse(client, .packetTooLarge, "its maximum packet size is below the challenge's")
                return false
            }
            client.authentication?.request = request
            client.session.challenged(properties, now: now, into: &client.output)
            markAnswered(client)
            continueReading(client)
            return false
        case .accepted(let last):
            client.principal = client.authentication?.exchange?.principal ?? .anonymous
            client.authentication?.request = nil
            client.authentication?.exchange = nil
            client.greetingProperties = properties(client, last)
            return true
        case .rejected:
            refuse(client, .notAuthorized, "its authentication failed")
            return false
        }
    }

    /// Whether the client takes an AUTH with these properties [MQTT-3.1.2-24].
    private func fits(_ client: Client, _ properties: [UInt8]) -> Bool {
        let packet = AuthPacket(reason: .continueAuthentication, properties: properties)
        return packet.encodedSize <= Int(client.session.maximumPacketSize)
    }

    private func stepAgain(_ client: Client, _ data: [UInt8]) {
        assert(client.session.isOpen)
        switch client.authentication?.exchange?.received(data) ?? .rejected {
        case .challenge(let challenge):
            let properties = properties(client, challenge)
            guard fits(client, properties) else {
                return terminate(client, .packetTooLarge, "its maximum packet size is below the challenge's")
            }
            client.session.challenged(properties, now: now, into: &client.output)
            markAnswered(client)
        case .accepted(let last):
            let principal = client.authentication?.exchange?.principal ?? .anonymous
            guard principal == client.principal else {
                let cause = "it authenticated again as somebody else"
                reportClosed(client, cause)
                return terminate(client, .notAuthorized, cause)
            }
            client.authentication?.exchange = nil
            grantAccess(client)
            client.session.authenticated(properties(client, last), into: &client.output)
            markAnswered(client)
        case .rejected:
            let cause = "it failed to authenticate again"
            settings.gate?.failed(client.peer, now: now)
            reportClosed(client, cause)
            terminate(client, .notAuthorized, cause)
        }
    }

    private func properties(_ client: Client, _ data: [UInt8]) -> [UInt8] {
        PropertyWriter.bytes { buffer in
            if let method = client.authentication?.method {
                PropertyWriter.append(.authenticationMethod, method.span, to: &buffer)
            }
            if !data.isEmpty { PropertyWriter.append(.authenticationData, data.span, to: &buffer) }
        }
    }

    /// Turns a client away.
    func refuse(_ client: Client, _ reason: ReasonCode, _ cause: String) {
        counters.endedConnections.add(reason)
        client.session.refused(reason, because: cause, into: &client.output)
        if reason == .badUserNameOrPassword || reason == .notAuthorized { settings.gate?.failed(client.peer, now: now) }
        report(.clientRefused, "\(who: client): refused, \(cause, as: .reason)")
        note(client, "to connect", refused: cause)
        auditRefused(client, cause)
        close(client)
    }
}
