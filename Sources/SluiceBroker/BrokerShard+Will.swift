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
        assert(client.isClosing, "a will is for the end of a connection")
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
    func publish(_ stored: StoredWill, of clientID: [UInt8]) {
        let will = stored.message
        do {
            let message = IncomingMessage(
                topic: will.topic.span, payload: will.payload.span, properties: will.properties.span, qos: will.qos,
                isRetained: will.retain)
            switch try intake.store(message, from: stored.principal, origin: clientID, at: wallClock) {
            case .stored: counters.willsPublished += 1
            case .reserved:
                tellBridgeState(will.topic, will.payload)
                counters.willsPublished += 1
            case .refused(_, let words):
                counters.messagesRefused += 1
                report(.info, "the will of \(String(decoding: clientID, as: UTF8.self)) is not published, \(words)")
            }
        } catch {
            report(.warning, "the will of \(String(decoding: clientID, as: UTF8.self)) is not published, \(error)")
        }
        guard let partition = sessions.partition else { return }
        intake.put(StateRecord.key(.will, clientID), nil, to: partition, at: wallClock, awaited: false)
    }
}
