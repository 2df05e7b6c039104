import AccessControl
import Administration
import HTTPWire
import LogInterface
import RecordFormat
import SluiceBroker
import SluiceCore
import TopicRouting

/// Which records of a stream a request wants and may have.
struct RecordFilter {
    /// What topics must match; nil for every record.
    var topicFilter: [UInt8]?
    /// The key that they must have; nil for any.
    var key: [UInt8]?
    /// What the topics of records are made by that have none.
    var downlink: DownlinkTemplate?
    /// What who asks may read; nil for everything.
    var rights: AccessRights?

    /// The topics that are wanted, for the log's index; nil for all.
    var selection: TopicSelection? { topicFilter.flatMap { TopicSelection(filters: [$0]) } }
}

/// A record that is about to be told of.
struct RecordSight {
    let view: RecordView
    let batch: RecordBatch
    let partitionNumber: Int
    /// Its topic; nil when it has none.
    let topic: [UInt8]?

    var offset: Offset { batch.baseOffset.advanced(by: view.offsetDelta) }
    var time: Timestamp { KafkaMessage.time(of: view, in: batch) }

    /// The record at hand, when a filter lets it through.
    /// - Parameter readsWhole: whether who asks may read the whole stream.
    init?(
        _ view: RecordView, in batch: RecordBatch, partition: Int, _ filter: RecordFilter, readsWhole: Bool
    ) {
        let bytes = batch.bytes
        if let key = filter.key {
            guard let range = view.key, bytes.extracting(range.indices).isEqual(to: key.span) else { return nil }
        }
        if let range = TopicHeader.topic(of: view, in: bytes, isFromKafka: batch.isFromKafka) {
            topic = Array(copying: bytes.extracting(range.indices))
        } else if batch.isFromKafka, let downlink = filter.downlink, let range = view.key {
            topic = downlink.topic(ofKey: Array(copying: bytes.extracting(range.indices)))
        } else {
            topic = nil
        }
        if let wanted = filter.topicFilter {
            guard let topic, FilterSyntax.matches(filter: wanted.span, topic: topic.span) else { return nil }
        }
        if !readsWhole, let rights = filter.rights {
            guard let topic, rights.mayRead(topic.span).isAllowed else { return nil }
        }
        self.view = view
        self.batch = batch
        partitionNumber = partition
    }

    /// Appends it as a JSON object: the members of `sluice consume --json`, and the record's other headers.
    func appendJSON(to buffer: inout ByteBuffer) {
        let bytes = batch.bytes
        buffer.append(utf8: "{\"topic\":")
        if let topic { Self.append(topic.span, to: &buffer) } else { buffer.append(utf8: "null") }
        buffer.append(utf8: ",\"partition\":")
        JSONText.append(Int64(partitionNumber), to: &buffer)
        buffer.append(utf8: ",\"offset\":")
        JSONText.append(offset.rawValue, to: &buffer)
        buffer.append(utf8: ",\"timestamp\":")
        JSONText.append(time.rawValue * 1000, to: &buffer)
        Self.append(",\"key\":", view.key, ",\"keyEncoding\":\"base64\"", bytes, to: &buffer)
        Self.append(",\"payload\":", view.value, ",\"encoding\":\"base64\"", bytes, to: &buffer)
        appendHeaders(bytes, to: &buffer)
        buffer.append(UInt8(ascii: "}"))
    }

    /// All headers but the topic, which has a member of its own.
    private func appendHeaders(_ bytes: Span<UInt8>, to buffer: inout ByteBuffer) {
        guard view.headerCount > (topic != nil && !batch.isFromKafka ? 1 : 0) else { return }
        var headers = HeaderReader(view)
        var count = 0
        while let (name, value) = headers.next(bytes) {
            if bytes.extracting(name.indices).isEqual(to: Self.topicName.span) { continue }
            buffer.append(utf8: count == 0 ? ",\"headers\":[[" : ",[")
            Self.append(bytes.extracting(name.indices), to: &buffer)
            buffer.append(UInt8(ascii: ","))
            let isText = Self.append(bytes.extracting(value.indices), to: &buffer)
            buffer.append(utf8: isText ? "]" : ",\"base64\"]")
            count += 1
        }
        if count > 0 { buffer.append(UInt8(ascii: "]")) }
    }

    private static let topicName = Array(TopicHeader.name.utf8)

    /// Appends a member for a field of the record, and another one when the field is not text.
    private static func append(
        _ name: String, _ field: FieldRange?, _ encoding: String, _ bytes: Span<UInt8>, to buffer: inout ByteBuffer
    ) {
        buffer.append(utf8: name)
        guard let field else { return buffer.append(utf8: "null") }
        if !append(bytes.extracting(field.indices), to: &buffer) { buffer.append(utf8: encoding) }
    }

    /// Appends bytes as a string: as they are when they are UTF-8, else in base64.
    /// - Returns: whether they are UTF-8.
    @discardableResult
    private static func append(_ bytes: Span<UInt8>, to buffer: inout ByteBuffer) -> Bool {
        if isText(bytes) {
            JSONText.append(validUTF8: bytes, to: &buffer)
            return true
        }
        JSONText.append(Base64.text(Array(copying: bytes)), to: &buffer)
        return false
    }

    private static func isText(_ bytes: Span<UInt8>) -> Bool {
        do throws(UTF8.ValidationError) {
            _ = try UTF8Span(validating: bytes)
            return true
        } catch {
            return false
        }
    }
}
