import MQTTSession
import MQTTWire
import RecordFormat
import SluiceCore

/// Wills: on record before the CONNACK, published when a connection is lost.
///
/// Source: MQTT 5.0 §3.1.2.5, §3.1.3.2.2.
extension BrokerShard {
    /// Decides what becomes of the will of a connection that has ended.
    func settleWill(_ client: Client) {
        guard let will = client.will else { return }
        client.will = nil
        let publishes = client.isOpened && client.goodbye?.publishesWill ?? true
        guard publishes else { return recordWill(nil, of: client.clientID) }
        guard will.delaySeconds > 0, client.isPersistent else { return publish(will, of: client.clientID) }
        // The will comes when its delay is over or when the session ends, whichever is first [MQTT-3.1.3-9].
        let seconds = min(will.delaySeconds, client.expirySeconds)
        peers.withDirectory {
            $0.hold(will, of: client.clientID, until: now + Int64(seconds) * 1_000_000_000)
        }
    }

    /// Publishes a will, and takes it off the record in the same append: it comes once, also through a crash.
    func publish(_ will: StoredWill, of clientID: [UInt8]) {
        let message = will.message
        let bytes = message.topic + message.payload + message.properties
        let payload = ByteRange(start: message.topic.count, byteCount: message.payload.count)
        let publish = PublishAction(
            topic: .name(ByteRange(start: 0, byteCount: message.topic.count)), payload: payload,
            properties: ByteRange(start: payload.indices.upperBound, byteCount: message.properties.count),
            packetID: .none, qos: message.qos, retain: message.retain, duplicate: false)
        do {
            let route = try routes.route(message.topic.span)
            if route.isReserved {
                tellBridgeState(message.topic, message.payload)
            } else {
                append(publish, message.topic.span, route, bytes.span, origin: clientID)
            }
            if let partition = sessionsPartition {
                let key = RecordFields.key(StateRecord.key(.will, clientID))
                let headers = RecordFields.headers([])
                accumulators.appendTombstone(
                    to: partition.index, at: wallClock, keyField: key.span, headersField: headers.span)
            }
            counters.willsPublished += 1
        } catch {
            report(.warning, "the will of \(String(decoding: clientID, as: UTF8.self)) is not published, \(error)")
        }
    }
}
