package import PayloadFormats
package import TopicRouting

/// What one kind of device publishes, and what is to be made of it: a file of `devices/`.
package struct DeviceProfile: Equatable, Sendable {
    /// The profile's name.
    package var name: String
    /// The stream of its messages.
    package var stream: String
    /// What devices are told apart by: the key of their records, made of a topic's captures.
    package var key: String
    /// How often a device publishes; nil when nothing is expected of it.
    package var interval: Duration?
    /// How many intervals a device may be late before it is silent.
    package var patience = 3
    /// What becomes of a payload that is not as it should be.
    package var badPayload = BadPayload.deadLetter
    /// How far a device's clock may be from the broker's for its own time to be the record's; nil where the time of
    /// arrival always is.
    package var skewMax: Duration?
    /// The messages of a device, in the order in which they are written.
    package var messages: [DeviceMessage]
    /// Devices behind one connection when they are simulated: a gateway's.
    package var devicesPerGateway = 1
    /// Where it is written, as `FILE:LINE`.
    package var place: String

    /// A profile of `messages` with the defaults of everything else.
    package init(name: String, stream: String, key: String, messages: [DeviceMessage], place: String) {
        self.name = name
        self.stream = stream
        self.key = key
        self.messages = messages
        self.place = place
    }

    /// The message that is a device's reading, the first that has fields, and which of them are shown, up to four.
    package var reading: (message: DeviceMessage, fields: [Int])? {
        for message in messages {
            let fields = message.schema.fields.indices.filter { message.schema.fields[$0].role == .value }
            if !fields.isEmpty { return (message, Array(fields.prefix(4))) }
        }
        return nil
    }

    /// The stream of dead letters of records of `stream`.
    package static func deadLetterStream(of stream: String) -> String { stream + ".dlq" }

    /// Milliseconds without a message after which a device is silent; nil when nothing is expected of it.
    package var silenceMilliseconds: Int64? {
        interval.map { Int64($0 / .milliseconds(1)) * Int64(patience) }
    }
}

/// One of the messages of a device: which topics, what their payloads hold.
package struct DeviceMessage: Equatable, Sendable {
    /// The topics, with the names of their levels.
    package var pattern: TopicPattern
    /// What the payload holds.
    package var schema: PayloadSchema
    /// What each field does in a simulation, in the schema's order.
    package var signals: [Signal?]
    /// How many messages come together, in a simulation.
    package var burst = 1

    /// A message of topics that match `pattern`.
    package init(pattern: TopicPattern, schema: PayloadSchema, signals: [Signal?]) {
        assert(signals.count == schema.fields.count, "each field has a signal, or none")
        self.pattern = pattern
        self.schema = schema
        self.signals = signals
    }
}

/// What becomes of a payload that is not as its profile says.
package enum BadPayload: String, CaseIterable, Sendable {
    /// It is stored in the stream's dead letters, with the reason, and acknowledged.
    case deadLetter = "dead-letter"
    /// It is not stored, and an MQTT 5 client hears why.
    case refuse
    /// It is stored as a good one, and counted.
    case accept
}
