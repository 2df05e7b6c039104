/// The record header that carries the MQTT topic of a message, and how a record is asked for it.
///
/// Readers and the topic index must agree on what a record's topic is, or a filtered read would lose records. So the
/// answer depends on the record alone, on no configuration: a record without a topic by these rules may still be
/// delivered under one (see `KafkaMessage`), and no selection may leave it out.
@usableFromInline package enum TopicHeader {
    /// The header's name. It is the first header of every record that MQTT wrote.
    @inlinable package static var name: String { "mqtt.topic" }
    /// Bytes of a topic that a Kafka client writes: what MQTT clients may have unless it is configured otherwise.
    package static let byteCountMax = 4096
    /// Levels of it.
    package static let levelCountMax = 200

    /// The topic of `record`; nil when it has none.
    ///
    /// What MQTT wrote has it in the first header, checked when it came. A Kafka client may put it anywhere; the first
    /// header of the name counts, and a value that is no topic name is no topic.
    /// - Parameter isFromKafka: what the record's batch says of itself.
    /// - Complexity: O(1), O(headers) from a Kafka client; no allocation.
    package static func topic(of record: RecordView, in bytes: Span<UInt8>, isFromKafka: Bool) -> FieldRange? {
        var headers = HeaderReader(record)
        guard isFromKafka else {
            guard let first = headers.next(bytes), isTopic(first.name, bytes) else { return nil }
            return first.value
        }
        while let header = headers.next(bytes) {
            guard isTopic(header.name, bytes) else { continue }
            return isTopicName(bytes.extracting(header.value.indices)) ? header.value : nil
        }
        return nil
    }

    private static func isTopic(_ range: FieldRange, _ bytes: Span<UInt8>) -> Bool {
        guard range.indices.count == name.utf8.count else { return false }
        var index = Int(range.start)
        for byte in name.utf8 {
            guard bytes[index] == byte else { return false }
            index += 1
        }
        return true
    }

    /// Whether MQTT clients may be sent `bytes` as the topic of a message that none of them has published: topic text
    /// that does not begin with `$`, since those topics are the broker's, or mean something to whoever knows them.
    package static func isTopicName(_ bytes: Span<UInt8>) -> Bool {
        isTopicText(bytes) && bytes[0] != UInt8(ascii: "$")
    }

    /// Whether `bytes` may be part of a topic: a string of MQTT with at least one character, without wildcards, within
    /// bounds.
    package static func isTopicText(_ bytes: Span<UInt8>) -> Bool {
        guard !bytes.isEmpty, bytes.count <= byteCountMax else { return false }
        var levelCount = 1
        for index in bytes.indices {
            switch bytes[index] {
            case UInt8(ascii: "/"): levelCount += 1
            case UInt8(ascii: "+"), UInt8(ascii: "#"): return false
            case _: break
            }
        }
        return levelCount <= levelCountMax && isText(bytes)
    }

    /// Whether `bytes` are a string of MQTT: UTF-8 of at most 65,535 bytes without the null character, and without the
    /// control characters and noncharacters for which a receiver may close.
    ///
    /// Source: MQTT 5.0 §1.5.4.
    package static func isText(_ bytes: Span<UInt8>) -> Bool {
        guard bytes.count <= 65_535 else { return false }
        do {
            let text = try UTF8Span(validating: bytes)
            var scalars = text.makeUnicodeScalarIterator()
            while let scalar = scalars.next() { if isControl(scalar.value) { return false } }
            return true
        } catch {
            return false
        }
    }

    private static func isControl(_ scalar: UInt32) -> Bool {
        scalar < 0x20 || (0x7F...0x9F).contains(scalar) || (0xFDD0...0xFDEF).contains(scalar)
            || scalar & 0xFFFE == 0xFFFE
    }
}
