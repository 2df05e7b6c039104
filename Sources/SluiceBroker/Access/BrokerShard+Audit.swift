import Administration
import MQTTSession
import MQTTWire
import SluiceCore
import Speaking

/// What is put on record of clients: who came, who was refused, who left and why, who asked for changes.
extension BrokerShard {
    func event(_ kind: AuditEvent.Kind, _ client: Client) -> AuditEvent {
        var event = AuditEvent(kind, client.peer)
        event.client = client.clientID.isEmpty ? nil : client.name
        event.user = client.principal.auditName
        return event
    }

    /// A client was let in.
    func auditConnected(_ client: Client) {
        guard let audit = settings.audit else { return }
        var event = event(.connected, client)
        event.method = method(of: client)
        audit.note(event)
    }

    /// A client was not let in.
    func auditRefused(_ client: Client, _ cause: String) {
        guard let audit = settings.audit else { return }
        var event = event(.refused, client)
        event.reason = cause
        audit.note(event)
    }

    /// A client that was let in is gone.
    func auditDisconnected(_ client: Client) {
        guard let audit = settings.audit, client.isOpened else { return }
        var event = event(.disconnected, client)
        event.reason = client.endCause ?? "the connection was lost"
        audit.note(event)
    }

    /// A connection was closed before it spoke.
    func auditRefused(_ peer: PeerIdentity, _ cause: String) {
        guard let audit = settings.audit else { return }
        var event = AuditEvent(.refused, peer)
        event.reason = cause
        audit.note(event)
    }

    /// Somebody has asked for a change.
    func auditChange(_ request: AdministrationRequest, _ client: Client) {
        guard let audit = settings.audit, request.changesSomething else { return }
        var event = event(.changed, client)
        event.request = request.name
        let subject = request.payload.split(separator: UInt8(ascii: "\n"), maxSplits: 8).prefix(8)
        event.subject = subject.map { String(decoding: $0.prefix(256), as: UTF8.self) }.joined(separator: " ")
        audit.note(event)
    }

    private func method(of client: Client) -> String {
        if let method = client.authentication?.method { return String(decoding: method, as: UTF8.self) }
        switch client.principal {
        case .certificate: return "certificate"
        case .user: return client.grant != nil ? "token" : client.peer.keyIdentity != nil ? "key" : "password"
        case .anonymous, .bridge, .node: return "none"
        }
    }
}

extension Principal {
    /// The name for the record; nil for nobody.
    var auditName: String? {
        switch self {
        case .user(let name), .certificate(let name): name
        case .anonymous, .bridge, .node: nil
        }
    }
}
