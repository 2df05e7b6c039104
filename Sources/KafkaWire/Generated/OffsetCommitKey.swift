// Made from Apache Kafka's storage/OffsetCommitKey.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// Kafka's `OffsetCommitKey`, version 0.
package struct OffsetCommitKey: KafkaMessage {
    /// The number of this type of record.
    package static let key: Int16 = 1
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...0
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = nil

    /// The consumer group id.
    package var group: String
    /// The topic name.
    package var topic: String
    /// The topic partition index.
    package var partition: Int32

    /// A value of these parts; what is left out has its default.
    package init(
        group: String = "",
        topic: String = "",
        partition: Int32 = 0
    ) {
        self.group = group
        self.topic = topic
        self.partition = partition
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "OffsetCommitKey")
        self.init()
        group = try reader.readString(compact: false, "OffsetCommitKey.group")
        topic = try reader.readString(compact: false, "OffsetCommitKey.topic")
        partition = try reader.readInt32("OffsetCommitKey.partition")
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "OffsetCommitKey")
        try writer.write(group, compact: false, "OffsetCommitKey.group")
        try writer.write(topic, compact: false, "OffsetCommitKey.topic")
        writer.write(partition)
    }
}
