import MQTTSession
import MQTTWire
import SluiceCore

/// Acknowledgements that go out at once.
extension BrokerShard {
    /// Answers with a failure, and with what it means where the client wants to hear that and has room for it
    /// [MQTT-3.1.2-29, MQTT-3.4.2-2, MQTT-3.5.2-2, MQTT-3.6.2-2, MQTT-3.7.2-2].
    func refuse(_ client: Client, _ kind: AcknowledgementKind, _ id: PacketID, _ reason: ReasonCode, _ text: String) {
        guard client.version == .v5, client.session.requestsProblemInformation else {
            return answer(client, kind, id, reason)
        }
        let properties = ReasonString.properties(text)
        let size = PacketEncoder.acknowledgementEncodedSize(
            reason: reason, propertiesByteCount: properties.count, version: client.version)
        guard size <= Int(client.session.maximumPacketSize) else { return answer(client, kind, id, reason) }
        PacketEncoder.acknowledgement(
            into: &client.output, kind: kind, packetID: id, reason: reason, properties: properties.span,
            version: client.version)
        markAnswered(client)
    }

    /// Answers at once.
    func answer(_ client: Client, _ kind: AcknowledgementKind, _ id: PacketID, _ reason: ReasonCode) {
        PacketEncoder.acknowledgement(
            into: &client.output, kind: kind, packetID: id, reason: reason, version: client.version)
        markAnswered(client)
    }
}
