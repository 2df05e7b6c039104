/// The record header that carries the MQTT topic of a message, and how a record is asked for it.
@usableFromInline package enum TopicHeader {
    /// The header's name. It is the first header of every record that MQTT wrote.
    @inlinable package static var name: String { "mqtt.topic" }

    /// The topic of `record`; nil when its first header is another one, as in a record that a Kafka client wrote.
    ///
    /// Readers and the topic index must agree on what a record's topic is, or a filtered read would lose records.
    /// - Complexity: O(1), no allocation.
    package static func topic(of record: RecordView, in bytes: Span<UInt8>) -> FieldRange? {
        var headers = HeaderReader(record)
        guard let first = headers.next(bytes), first.name.indices.count == name.utf8.count else { return nil }
        var index = Int(first.name.start)
        for byte in name.utf8 {
            guard bytes[index] == byte else { return nil }
            index += 1
        }
        return first.value
    }
}
