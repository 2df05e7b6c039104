import Bridging
import MQTTSession
import MQTTWire
import RecordFormat
import SluiceCore

/// The record headers that carry what an MQTT message has besides topic and payload. Written only when not default.
enum MessageHeader {
    static var topic: String { TopicHeader.name }
    static let qos = "mqtt.qos"
    static let retained = "mqtt.retained"
    static let clientID = "mqtt.client_id"
    static let payloadFormat = "mqtt.payload_format"
    static let contentType = "mqtt.content_type"
    static let responseTopic = "mqtt.response_topic"
    static let correlationData = "mqtt.correlation_data"
    static let expiry = "mqtt.expiry"
    static let userPrefix = "mqtt.user."
    /// When a message came whose record has its device's own time, in milliseconds since 1970.
    static let arrival = "sluice.arrival"
    /// What the names begin with of what is said of a dead letter.
    static let letterPrefix = "dlq."

    /// The QoS as one digit.
    static func qos(_ qos: QoS) -> RecordHeader {
        RecordHeader(name: Self.qos, value: [UInt8(ascii: "0") + qos.rawValue])
    }

    /// When a message came.
    static func arrival(_ time: Timestamp) -> RecordHeader {
        RecordHeader(name: arrival, value: Array(String(time.rawValue).utf8))
    }

    /// The time that a header has; nil when it has none.
    static func milliseconds(_ digits: Span<UInt8>) -> Int64? {
        var value: Int64 = 0
        guard !digits.isEmpty, digits.count <= 15 else { return nil }
        for index in digits.indices {
            guard digits[index] >= UInt8(ascii: "0"), digits[index] <= UInt8(ascii: "9") else { return nil }
            value = value * 10 + Int64(digits[index] - UInt8(ascii: "0"))
        }
        return value
    }

    /// The headers of a message that has more than a topic and a QoS.
    /// - Parameters:
    ///   - topic: the topic that it is on record with; nil for its own.
    ///   - origin: the publisher's identifier when it is to be on record.
    static func headers(
        _ message: borrowing IncomingMessage, topic: [UInt8]? = nil, origin: [UInt8]?
    ) -> [RecordHeader] {
        var headers = [RecordHeader(name: Self.topic, value: topic ?? Array(copying: message.topic))]
        if message.qos != .atMostOnce { headers.append(qos(message.qos)) }
        if message.isRetained { headers.append(RecordHeader(name: retained, value: [UInt8(ascii: "1")])) }
        if let origin { headers.append(RecordHeader(name: Self.clientID, value: origin)) }
        let bytes = message.properties
        var properties = PropertyReader(bytes, ByteRange(start: 0, byteCount: bytes.count))
        while let property = properties.next() {
            if let header = header(property, in: bytes) { headers.append(header) }
        }
        return headers
    }

    /// The seconds after which a message with these properties expires, if it does.
    static func expirySeconds(_ bytes: Span<UInt8>) -> UInt32? {
        var properties = PropertyReader(bytes, ByteRange(start: 0, byteCount: bytes.count))
        while let property = properties.next() {
            if property.id == .messageExpiryInterval { return property.integer }
        }
        return nil
    }

    private static func header(_ property: Property, in bytes: Span<UInt8>) -> RecordHeader? {
        switch property.value {
        case .integer(let value):
            let text = Array(String(value).utf8)
            if property.id == .payloadFormatIndicator { return RecordHeader(name: payloadFormat, value: text) }
            if property.id == .messageExpiryInterval { return RecordHeader(name: expiry, value: text) }
            return nil
        case .bytes(let range):
            let value = bytes.copy(range)
            if property.id == .contentType { return RecordHeader(name: contentType, value: value) }
            if property.id == .responseTopic { return RecordHeader(name: responseTopic, value: value) }
            if property.id == .correlationData { return RecordHeader(name: correlationData, value: value) }
            return nil
        case .pair(let name, let value):
            let text = String(decoding: bytes.copy(name), as: UTF8.self)
            return RecordHeader(name: userPrefix + text, value: bytes.copy(value))
        }
    }
}

/// A record read back as a message: ranges of its batch.
struct StoredMessage {
    var topic: FieldRange
    var payload: FieldRange
    var qos = QoS.atMostOnce
    var isRetained = false
    /// Whether there are headers that become MQTT 5 properties.
    var hasProperties = false
    var clientID: FieldRange?
    var expirySeconds: UInt32?

    /// What the topics begin with that stand for no topic; nobody can publish there.
    static let streamPrefix = Array("$stream/".utf8)

    /// The topic under which the message is delivered: its own, or where it has none the stream's name and the key.
    @inline(__always)
    func deliveredTopic(_ bytes: Span<UInt8>) -> FieldRange {
        guard topic.count > 0, bytes[Int(topic.start)] == UInt8(ascii: "$") else { return topic }
        return withoutPrefix(bytes)
    }

    @inline(never)
    private func withoutPrefix(_ bytes: Span<UInt8>) -> FieldRange {
        let count = Self.streamPrefix.count
        guard Int(topic.count) > count else { return topic }
        for index in 0..<count where bytes[Int(topic.start) + index] != Self.streamPrefix[index] { return topic }
        return topic.dropFirst(count)
    }

    /// The QoS that a header says.
    static func qos(_ value: Span<UInt8>) -> QoS? {
        value.count == 1 ? QoS(rawValue: value[0] &- UInt8(ascii: "0")) : nil
    }

    /// The message in `record`, which MQTT wrote; nil when it is no message. See `KafkaMessage` for others.
    init?(_ record: RecordView, in bytes: Span<UInt8>) {
        var headers = HeaderReader(record)
        guard let first = headers.next(bytes), Self.isName(first.name, MessageHeader.topic, bytes) else { return nil }
        topic = first.value
        payload = record.value ?? FieldRange.none
        while let header = headers.next(bytes) { note(header.name, header.value, bytes) }
    }

    private mutating func note(_ name: FieldRange, _ value: FieldRange, _ bytes: Span<UInt8>) {
        // Every name of ours has another length but one pair, which differs at its sixth byte.
        if Self.isName(name, MessageHeader.qos, bytes) {
            guard let qos = Self.qos(bytes.extracting(value.indices)) else { return }
            self.qos = qos
        } else if Self.isName(name, MessageHeader.retained, bytes) {
            isRetained = true
        } else if Self.isName(name, MessageHeader.clientID, bytes) {
            clientID = value
        } else {
            hasProperties = true
            if Self.isName(name, MessageHeader.expiry, bytes) {
                expirySeconds = Self.number(bytes.extracting(value.indices))
            }
        }
    }

    static func number(_ digits: Span<UInt8>) -> UInt32? {
        var value: UInt64 = 0
        guard !digits.isEmpty, digits.count <= 10 else { return nil }
        for index in digits.indices {
            guard digits[index] >= UInt8(ascii: "0"), digits[index] <= UInt8(ascii: "9") else { return nil }
            value = value * 10 + UInt64(digits[index] - UInt8(ascii: "0"))
        }
        return UInt32(exactly: value)
    }

    static func isName(_ range: FieldRange, _ name: String, _ bytes: Span<UInt8>) -> Bool {
        let utf8 = name.utf8
        guard Int(range.count) == utf8.count else { return false }
        var index = Int(range.start)
        for byte in utf8 {
            guard bytes[index] == byte else { return false }
            index += 1
        }
        return true
    }

    /// Appends the MQTT 5 properties that the record's headers stand for.
    /// - Parameter expiryLeft: what is left of the message's expiry, in seconds.
    static func appendProperties(
        _ record: RecordView, in bytes: Span<UInt8>, expiryLeft: UInt32?, to buffer: inout ByteBuffer
    ) {
        var headers = HeaderReader(record)
        while let (name, value) = headers.next(bytes) {
            let content = bytes.extracting(value.indices)
            if isName(name, MessageHeader.payloadFormat, bytes) {
                PropertyWriter.append(
                    .payloadFormatIndicator, content.count == 1 && content[0] == 0x31 ? 1 : 0, to: &buffer)
            } else if isName(name, MessageHeader.expiry, bytes) {
                if let expiryLeft { PropertyWriter.append(.messageExpiryInterval, expiryLeft, to: &buffer) }
            } else if isName(name, MessageHeader.contentType, bytes) {
                PropertyWriter.append(.contentType, content, to: &buffer)
            } else if isName(name, MessageHeader.responseTopic, bytes) {
                PropertyWriter.append(.responseTopic, content, to: &buffer)
            } else if isName(name, MessageHeader.correlationData, bytes) {
                PropertyWriter.append(.correlationData, content, to: &buffer)
            } else if isName(name, MessageHeader.arrival, bytes)
                || begins(name, with: MessageHeader.letterPrefix, bytes)
            {
                PropertyWriter.append(userProperty: bytes.extracting(name.indices), content, to: &buffer)
            } else if hasUserPrefix(name, bytes) {
                let start = Int(name.start) + MessageHeader.userPrefix.utf8.count
                let user = bytes.extracting(start..<Int(name.start) + Int(name.count))
                PropertyWriter.append(userProperty: user, content, to: &buffer)
            }
        }
    }

    static func hasUserPrefix(_ name: FieldRange, _ bytes: Span<UInt8>) -> Bool {
        begins(name, with: MessageHeader.userPrefix, bytes)
    }

    private static func begins(_ name: FieldRange, with prefix: String, _ bytes: Span<UInt8>) -> Bool {
        var index = Int(name.start)
        guard Int(name.count) >= prefix.utf8.count else { return false }
        for byte in prefix.utf8 {
            guard bytes[index] == byte else { return false }
            index += 1
        }
        return true
    }
}

extension PublishAction {
    /// A plain publish in the form of all others.
    init(_ publish: PlainPublish) {
        self.init(
            topic: .name(ByteRange(start: publish.topicStart, byteCount: publish.topicByteCount)),
            payload: ByteRange(start: publish.payloadStart, byteCount: publish.end - publish.payloadStart),
            properties: .empty,
            packetID: publish.packetID, qos: publish.qos, retain: false, duplicate: false)
    }
}
