import LogInterface
import MQTTWire
import RecordFormat
import SluiceCore

/// Who is connected, and what is new of devices, as records of the compacted stream `__presence`: the key is the client
/// identifier, or `device/` and the device.
///
/// Of the node's own streams it is the one that others read, by its name only. Its records have a topic for that,
/// `$stream/__presence/<key>`, which no filter matches that does not name the stream; they are delivered under
/// `__presence/<key>`.
package enum Presence {
    /// The stream's name.
    package static let stream = StreamSettings.presence

    /// What filters are matched with.
    static func topic(ofKey key: [UInt8]) -> [UInt8] { KafkaMessage.topic(inStream: Array(stream.utf8), key) }

    /// What a filter of somebody who reads `stream` is matched as: here one is about keys.
    static func matched(_ filter: [UInt8], in stream: String?) -> [UInt8] {
        guard stream == Self.stream, !filter.isEmpty else { return filter }
        return StoredMessage.streamPrefix + Array("\(Self.stream)/".utf8) + filter
    }

    /// The headers of a record; whoever reads it over MQTT gets it at QoS 1 at most.
    static func headers(topic: [UInt8]) -> [RecordHeader] {
        [RecordHeader(name: MessageHeader.topic, value: topic), MessageHeader.qos(.atLeastOnce)]
    }
}
