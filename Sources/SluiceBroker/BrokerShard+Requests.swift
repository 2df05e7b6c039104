import LogInterface
import MQTTSession
import MQTTWire
import SluiceCore

/// Requests to the broker itself, over MQTT 5 request and response: what `sluice streams`, `sessions` and `groups` ask.
///
/// A PUBLISH to `$sluice/streams`, `sessions`, `sessions/delete` (the payload is a client identifier), `refusals`,
/// `groups`, `groups/delete`, `groups/reset`, `offsets`, `bridges`, or `bridges/` and `pause`, `resume` or `seek` (the
/// payload is a bridge's name), with a response topic, is answered to that topic on the same connection, at QoS 0,
/// with a JSON document. Nothing is stored.
extension BrokerShard {
    /// Answers a request.
    /// - Returns: false when it is none that the broker knows.
    func answerRequest(
        _ name: String, _ publish: PublishAction, _ client: Client, _ bytes: Span<UInt8>
    ) -> Bool {
        var response: ByteRange?
        var correlation: ByteRange?
        var properties = PropertyReader(bytes, publish.properties)
        while let property = properties.next() {
            if property.id == .responseTopic { response = property.bytes }
            if property.id == .correlationData { correlation = property.bytes }
        }
        guard let response else { return false }
        let topic = bytes.copy(response)
        let payload = bytes.copy(publish.payload)
        if name == "$sluice/offsets" { return lookUpOffsets(payload, client, topic) }
        guard let document = document(name, payload) else { return false }
        respond(client, topic, correlation: correlation.map { bytes.copy($0) }, document)
        return true
    }

    /// Sends the answer to a request.
    func respond(_ client: Client, _ topic: [UInt8], correlation: [UInt8]?, _ document: String) {
        scratch.removeAll()
        if let correlation { PropertyWriter.append(.correlationData, correlation.span, to: &scratch) }
        let text = Array(document.utf8)
        PacketEncoder.publish(
            into: &client.output, topic: topic.span, payload: text.span, packetID: .none, qos: .atMostOnce,
            retain: false, duplicate: false, properties: scratch.bytes, version: client.version)
        markDirty(client)
    }

    private func document(_ name: String, _ payload: [UInt8]) -> String? {
        switch name {
        case "$sluice/streams": streamsDocument()
        case "$sluice/sessions": sessionsDocument()
        case "$sluice/sessions/delete": deleteSession(payload)
        case "$sluice/refusals": refusalsDocument()
        case "$sluice/groups": groupsDocument()
        case "$sluice/groups/delete": deleteGroup(payload)
        case "$sluice/groups/reset": resetGroup(payload)
        case "$sluice/bridges": bridgesDocument()
        case _ where name.hasPrefix("$sluice/bridges/"): commandBridge(String(name.dropFirst(16)), payload)
        case _: nil
        }
    }

    /// Every session: those that are connected, and those that wait.
    private func sessionsDocument() -> String {
        let (connected, parked) = peers.withDirectory { ($0.connectedSessions, $0.parkedSessions) }
        let ends = log.streams.filter { !$0.settings.isInternal }.flatMap(\.partitions).map {
            (partition: $0, end: log.bounds($0).highWatermark)
        }
        var members = connected.map { member($0.clientID, $0.session, isConnected: true, behind: nil) }
        members += parked.map { clientID, session in
            // Records of any topic: how many of them are for the session only reading them would tell.
            let behind = session.positions.map { positions in
                ends.reduce(0) { $0 + max(0, $1.end.rawValue - positions.offset(in: $1.partition).rawValue) }
            }
            return member(clientID, session, isConnected: false, behind: behind)
        }
        return "{\"sessions\":[\(members.joined(separator: ","))]}"
    }

    private func member(_ clientID: [UInt8], _ session: StoredSession?, isConnected: Bool, behind: Int64?) -> String {
        let subscriptions = (session?.subscriptions ?? []).map {
            "{\"filter\":\(JSONText.quoted($0.filter)),\"qos\":\($0.options.qos.rawValue)}"
        }
        let command = CommandIdentity.command(of: clientID).map { JSONText.quoted($0) } ?? "null"
        let expiry = session.map { $0.expirySeconds == .max ? "null" : String($0.expirySeconds) } ?? "0"
        return """
            {"client_id":\(JSONText.quoted(clientID)),"connected":\(isConnected),"command":\(command),\
            "expiry_s":\(expiry),"ended_ms":\(session?.disconnectedAt.map { String($0.rawValue) } ?? "null"),\
            "inflight":\(session?.inflight.count ?? 0),"unreleased":\(session?.unreleased.count ?? 0),\
            "behind":\(behind.map { String($0) } ?? "null"),"subscriptions":[\(subscriptions.joined(separator: ","))]}
            """
    }

    /// Ends a session for good.
    private func deleteSession(_ clientID: [UInt8]) -> String {
        let owner = peers.withDirectory { $0.owner(of: clientID) }
        let isKnown = owner != nil || peers.withDirectory { $0.isParked(clientID) }
        let shard = owner?.shard ?? settings.index
        if shard == settings.index {
            endSession(clientID)
        } else {
            peers.post(.endSession(clientID: clientID), to: shard)
        }
        return "{\"deleted\":\(isKnown)}"
    }

    /// Every stream with its settings and the bounds of its partitions. Names and ids need no escapes.
    private func streamsDocument() -> String {
        let streams = log.streams.map { stream in
            let partitions = stream.partitions.enumerated().map { number, partition in
                let (bounds, figures) = (log.bounds(partition), log.figures(partition))
                let details = figures.details.map { ",\"\($0.name)\":\($0.value)" }.joined()
                return """
                    {"partition":\(number),"start":\(bounds.start.rawValue),\
                    "durable":\(bounds.highWatermark.rawValue),"appended":\(bounds.end.rawValue),\
                    "bytes":\(figures.byteCount)\(details)}
                    """
            }
            let setting = stream.settings
            let policy = setting.policy
            return """
                {"name":"\(setting.name)","id":"\(stream.id)","durability":"\(setting.durability.rawValue)",\
                "cleanup":"\(policy.cleanup.rawValue)",\
                "retention_ms":\(policy.retentionMilliseconds.map { String($0) } ?? "null"),\
                "retention_bytes":\(policy.retentionBytesMax.map { String($0) } ?? "null"),\
                "partitions":[\(partitions.joined(separator: ","))]}
                """
        }
        return "{\"streams\":[\(streams.joined(separator: ","))]}"
    }

    /// A partition's number within its stream.
    func partitionNumber(_ partition: PartitionID) -> Int { streams.place(of: partition)?.number ?? -1 }
}
