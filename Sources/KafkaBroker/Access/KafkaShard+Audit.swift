import KafkaWire
import SluiceCore
import Speaking

/// What is put on record of Kafka's clients.
extension KafkaShard {
    /// What changes something, and so is on record whatever becomes of it.
    private static let changes: Set<KafkaAPI> = [
        .createTopics, .deleteTopics, .createPartitions, .alterConfigs, .incrementalAlterConfigs, .deleteRecords,
        .deleteGroups, .alterUserScramCredentials, .alterShareGroupOffsets, .deleteShareGroupOffsets,
    ]

    private func event(_ kind: AuditEvent.Kind, _ connection: KafkaConnection) -> AuditEvent {
        var event = AuditEvent(kind, connection.peer)
        event.client = connection.clientID
        switch connection.identity.principal {
        case .user(let name)?, .certificate(let name)?: event.user = name
        case .anonymous?, .bridge?, .node?, nil: break
        }
        return event
    }

    /// It is known who a client is.
    func auditConnected(_ connection: KafkaConnection, _ method: String) {
        guard let audit = settings.audit else { return }
        var event = event(.connected, connection)
        event.method = method
        audit.note(event)
    }

    /// A client could not show who it is.
    func auditRefused(_ connection: KafkaConnection, _ cause: String) {
        guard let audit = settings.audit else { return }
        var event = event(.refused, connection)
        event.reason = cause
        audit.note(event)
    }

    /// A client is gone.
    func auditDisconnected(_ connection: KafkaConnection) {
        guard let audit = settings.audit, connection.identity.principal != nil else { return }
        var event = event(.disconnected, connection)
        event.reason = connection.endCause ?? "the connection was lost"
        audit.note(event)
    }

    /// A client asks for something.
    func auditRequest(_ api: KafkaAPI, _ connection: KafkaConnection) {
        guard let audit = settings.audit, Self.changes.contains(api) else { return }
        var event = event(.changed, connection)
        event.request = api.name
        audit.note(event)
    }
}
