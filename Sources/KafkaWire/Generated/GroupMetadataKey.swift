// Made from Apache Kafka's storage/GroupMetadataKey.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// Kafka's `GroupMetadataKey`, version 0.
package struct GroupMetadataKey: KafkaMessage {
    /// The number of this type of record.
    package static let key: Int16 = 2
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...0
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = nil

    /// The group id.
    package var group: String

    /// A value of these parts; what is left out has its default.
    package init(
        group: String = ""
    ) {
        self.group = group
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "GroupMetadataKey")
        self.init()
        group = try reader.readString(compact: false, "GroupMetadataKey.group")
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "GroupMetadataKey")
        try writer.write(group, compact: false, "GroupMetadataKey.group")
    }
}
