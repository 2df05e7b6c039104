import AccessControl
import MQTTWire
import SluiceCore

/// A message on its way in, as whoever brings it holds it: a client's packet, a will, what a bridge was sent.
///
/// Its bytes are borrowed for one call; nothing of it is kept.
struct IncomingMessage: ~Escapable {
    /// The topic name; not checked yet.
    let topic: Span<UInt8>
    let payload: Span<UInt8>
    /// MQTT 5 properties as they are encoded, without their length; empty for none.
    let properties: Span<UInt8>
    let qos: QoS
    /// Whether it is to be kept as its topic's retained message; an empty one takes that away [MQTT-3.3.1-6].
    let isRetained: Bool

    @_lifetime(copy topic, copy payload, copy properties)
    init(
        topic: Span<UInt8>, payload: Span<UInt8>, properties: Span<UInt8>, qos: QoS, isRetained: Bool
    ) {
        self.topic = topic
        self.payload = payload
        self.properties = properties
        self.qos = qos
        self.isRetained = isRetained
    }
}

/// What the intake says of a message.
enum IntakeVerdict: Equatable {
    /// It is in the tick's append; whoever waits for it waits for the append to settle.
    case stored
    /// It is not as its device's profile says, and is in the tick's append as a dead letter: to whoever brought it the
    /// same as stored.
    case deadLettered
    /// Its topic is the broker's own: a request, if anything.
    case reserved
    /// Its publisher may not publish there.
    case denied(Verdict)
    /// It was not taken, for this reason.
    case refused(ReasonCode, String)
}
