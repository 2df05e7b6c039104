import Bridging
import LogInterface
import MQTTWire
package import RecordFormat
package import SluiceCore

/// What records of a stream that have no topic of their own are delivered under.
struct KafkaOrigin {
    /// The stream's name.
    let stream: [UInt8]
    /// The stream's template, if it has one.
    let downlink: DownlinkTemplate?
}

/// A record that a Kafka client wrote, as a message: what it says of itself in any order, and what it leaves out.
///
/// Its topic is, the first that there is: the `mqtt.topic` header's, what the stream's downlink template makes of the
/// key, or none. One without is found by those who ask for its stream, `$stream/NAME` without a filter, and no filter
/// matches it: its *topic* for matching is `$stream/NAME/KEY`, where nobody can publish, and it is delivered under
/// `NAME/KEY`, or `NAME` where the key is no topic text.
///
/// Headers that MQTT would have written count when they are valid, the first of each name; others are not there. A
/// message without `mqtt.qos` is one of QoS 1: the producer was answered when the record was durable.
package struct KafkaMessage {
    /// What filters are matched with.
    let topic: [UInt8]

    /// The message in `record`, from a batch that says that it is from a Kafka client.
    init(_ record: RecordView, in bytes: Span<UInt8>, _ origin: KafkaOrigin) {
        if let topic = TopicHeader.topic(of: record, in: bytes, isFromKafka: true) {
            self.topic = Array(copying: bytes.extracting(topic.indices))
            return
        }
        let key = Self.key(of: record, in: bytes)
        topic = origin.downlink?.topic(ofKey: key) ?? Self.topic(inStream: origin.stream, key)
    }

    /// The record's key, as far as it may be part of a topic.
    private static func key(of record: RecordView, in bytes: Span<UInt8>) -> [UInt8] {
        guard let range = record.key, range.count <= TopicHeader.byteCountMax else { return [] }
        return Array(copying: bytes.extracting(range.indices))
    }

    /// What stands for no topic.
    static func topic(inStream stream: [UInt8], _ key: [UInt8]) -> [UInt8] {
        let topic = StoredMessage.streamPrefix + stream
        let whole = topic + [UInt8(ascii: "/")] + key
        return TopicHeader.isTopicText(key.span) && TopicHeader.isTopicText(whole.span) ? whole : topic
    }

    /// The record by itself, in the form in which MQTT writes them.
    func batch(of record: RecordView, in batch: RecordBatch) -> RecordBatch {
        let time = Self.time(of: record, in: batch)
        let bytes = batch.bytes
        let headers = headers(of: record, in: bytes, hasTime: time.rawValue > 0)
        return RecordBatch.single(
            record, of: batch, at: batch.baseOffset.advanced(by: record.offsetDelta), time: time,
            headersField: RecordFields.headers(headers).span)
    }

    /// The latest time that is believed: the last millisecond of the year 9999. Beyond it arithmetic would overflow.
    private static let timeMax: Int64 = 253_402_300_799_999

    /// When the record says that it was made; 0 where it does not say, or says nonsense.
    package static func time(of record: RecordView, in batch: RecordBatch) -> Timestamp {
        let base = BatchLayout.baseTimestamp(batch.bytes).rawValue
        let time = batch.hasAppendTime ? batch.maxTimestamp.rawValue : base &+ Int64(record.timestampDelta)
        return Timestamp(rawValue: min(max(0, time), timeMax))
    }

    // MARK: Headers

    /// What the record has as headers when it is on record as MQTT writes them, as a message of another topic: those
    /// that mean something where they are valid, and everything that MQTT has no name for.
    /// - Parameter hasTime: whether the record says when it was made.
    func headers(of record: RecordView, in bytes: Span<UInt8>, as topic: [UInt8], hasTime: Bool) -> [RecordHeader] {
        var headers = headers(of: record, in: bytes, hasTime: hasTime)
        headers[0] = RecordHeader(name: MessageHeader.topic, value: topic)
        var reader = HeaderReader(record)
        while let (range, value) = reader.next(bytes) {
            let name = String(decoding: Array(copying: bytes.extracting(range.indices)), as: UTF8.self)
            guard !name.hasPrefix("mqtt."), !name.hasPrefix(MessageHeader.letterPrefix), !name.hasPrefix("sluice.")
            else { continue }
            headers.append(RecordHeader(name: name, value: Array(copying: bytes.extracting(value.indices))))
        }
        return headers
    }

    private func headers(of record: RecordView, in bytes: Span<UInt8>, hasTime: Bool) -> [RecordHeader] {
        var headers = [RecordHeader(name: MessageHeader.topic, value: topic)]
        var qos = QoS.atLeastOnce
        var seen: Set<Property> = []
        var reader = HeaderReader(record)
        while let (range, valueRange) = reader.next(bytes) {
            let value = bytes.extracting(valueRange.indices)
            guard let property = Property(range, bytes), property == .user || seen.insert(property).inserted else {
                continue
            }
            switch property {
            case .qos:
                guard let given = StoredMessage.qos(value) else { seen.remove(.qos); continue }
                qos = given
            case _:
                let name = bytes.extracting(range.indices)
                // One that has no time would be too old at once.
                guard property.takes(value, name: name), property != .expiry || hasTime else {
                    seen.remove(property)
                    continue
                }
                headers.append(
                    RecordHeader(
                        name: String(decoding: Array(copying: name), as: UTF8.self), value: Array(copying: value)))
            }
        }
        if qos != .atMostOnce { headers.insert(MessageHeader.qos(qos), at: 1) }
        return headers
    }

    /// The headers that mean something.
    private enum Property: CaseIterable {
        case qos, retained, clientID, payloadFormat, contentType, responseTopic, correlationData, expiry, user

        init?(_ name: FieldRange, _ bytes: Span<UInt8>) {
            let found = Self.allCases.first { property in
                property == .user
                    ? StoredMessage.hasUserPrefix(name, bytes) : StoredMessage.isName(name, property.name, bytes)
            }
            guard let found else { return nil }
            self = found
        }

        var name: String {
            switch self {
            case .qos: MessageHeader.qos
            case .retained: MessageHeader.retained
            case .clientID: MessageHeader.clientID
            case .payloadFormat: MessageHeader.payloadFormat
            case .contentType: MessageHeader.contentType
            case .responseTopic: MessageHeader.responseTopic
            case .correlationData: MessageHeader.correlationData
            case .expiry: MessageHeader.expiry
            case .user: MessageHeader.userPrefix
            }
        }

        /// Whether a publisher could have sent this.
        func takes(_ value: Span<UInt8>, name: Span<UInt8>) -> Bool {
            switch self {
            case .qos: StoredMessage.qos(value) != nil
            case .retained: value.count == 1 && value[0] == UInt8(ascii: "1")
            case .payloadFormat: value.count == 1 && (value[0] == UInt8(ascii: "0") || value[0] == UInt8(ascii: "1"))
            case .clientID, .contentType: TopicHeader.isText(value)
            case .responseTopic: TopicHeader.isTopicText(value)
            case .correlationData: value.count <= 65_535
            case .expiry: StoredMessage.number(value) != nil
            case .user: TopicHeader.isText(name) && TopicHeader.isText(value)
            }
        }
    }
}
