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

    /// Whether records of a topic are wanted, and may be had.
    func admits(_ topic: Span<UInt8>, readsWhole: Bool) -> Bool {
        if let topicFilter, !FilterSyntax.matches(filter: topicFilter.span, topic: topic) { return false }
        guard !readsWhole, let rights else { return true }
        return rights.mayRead(topic).isAllowed
    }
}

/// A record that is about to be told of.
struct RecordSight {
    let view: RecordView
    let batch: RecordBatch
    let partitionNumber: Int
    /// Where its topic is in the batch, when it has one of its own.
    private let topicRange: FieldRange?
    /// What the stream's template makes of the key of a record that has none.
    private let madeTopic: [UInt8]?

    /// Its topic; nil when it has none.
    var topic: [UInt8]? { topicRange.map { Array(copying: batch.bytes.extracting($0.indices)) } ?? madeTopic }
    private var hasTopic: Bool { topicRange != nil || madeTopic != nil }

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
            guard filter.admits(bytes.extracting(range.indices), readsWhole: readsWhole) else { return nil }
            (topicRange, madeTopic) = (range, nil)
        } else if batch.isFromKafka, let downlink = filter.downlink, let range = view.key,
            let made = downlink.topic(ofKey: Array(copying: bytes.extracting(range.indices)))
        {
            guard filter.admits(made.span, readsWhole: readsWhole) else { return nil }
            (topicRange, madeTopic) = (nil, made)
        } else {
            guard filter.topicFilter == nil, readsWhole || filter.rights == nil else { return nil }
            (topicRange, madeTopic) = (nil, nil)
        }
        self.view = view
        self.batch = batch
        partitionNumber = partition
    }

    /// Appends it as a JSON object: the members of `sluice consume --json`, and the record's other headers.
    func appendJSON(to buffer: inout ByteBuffer) {
        let bytes = batch.bytes
        buffer.append(literal: "{\"topic\":")
        if let topicRange {
            Self.append(bytes.extracting(topicRange.indices), to: &buffer)
        } else if let madeTopic {
            Self.append(madeTopic.span, to: &buffer)
        } else {
            buffer.append(literal: "null")
        }
        buffer.append(literal: ",\"partition\":")
        JSONText.append(Int64(partitionNumber), to: &buffer)
        buffer.append(literal: ",\"offset\":")
        JSONText.append(offset.rawValue, to: &buffer)
        buffer.append(literal: ",\"timestamp\":")
        JSONText.append(time.rawValue * 1000, to: &buffer)
        Self.append(",\"key\":", view.key, ",\"keyEncoding\":\"base64\"", bytes, to: &buffer)
        Self.append(",\"payload\":", view.value, ",\"encoding\":\"base64\"", bytes, to: &buffer)
        appendHeaders(bytes, to: &buffer)
        buffer.append(UInt8(ascii: "}"))
    }

    /// All headers but the topic, which has a member of its own.
    private func appendHeaders(_ bytes: Span<UInt8>, to buffer: inout ByteBuffer) {
        guard view.headerCount > (hasTopic && !batch.isFromKafka ? 1 : 0) else { return }
        var headers = HeaderReader(view)
        var count = 0
        while let (name, value) = headers.next(bytes) {
            if bytes.extracting(name.indices).isEqual(to: Self.topicName.span) { continue }
            if count == 0 { buffer.append(literal: ",\"headers\":[[") } else { buffer.append(literal: ",[") }
            Self.append(bytes.extracting(name.indices), to: &buffer)
            buffer.append(UInt8(ascii: ","))
            let isText = Self.append(bytes.extracting(value.indices), to: &buffer)
            if isText { buffer.append(literal: "]") } else { buffer.append(literal: ",\"base64\"]") }
            count += 1
        }
        if count > 0 { buffer.append(UInt8(ascii: "]")) }
    }

    private static let topicName = Array(TopicHeader.name.utf8)

    /// Appends a member for a field of the record, and another one when the field is not text.
    private static func append(
        _ name: StaticString, _ field: FieldRange?, _ encoding: StaticString, _ bytes: Span<UInt8>,
        to buffer: inout ByteBuffer
    ) {
        buffer.append(literal: name)
        guard let field else { return buffer.append(literal: "null") }
        if !append(bytes.extracting(field.indices), to: &buffer) { buffer.append(literal: encoding) }
    }

    /// Appends bytes as a string: as they are when they are UTF-8, else in base64.
    /// - Returns: whether they are UTF-8.
    @discardableResult
    private static func append(_ bytes: Span<UInt8>, to buffer: inout ByteBuffer) -> Bool {
        if isText(bytes) {
            JSONText.append(validUTF8: bytes, to: &buffer)
            return true
        }
        buffer.append(UInt8(ascii: "\""))
        Base64.append(bytes, to: &buffer)
        buffer.append(UInt8(ascii: "\""))
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
