// Made from Apache Kafka's EndTxnMarker.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// Kafka's `EndTxnMarker`, version 0.
package struct EndTxnMarker: KafkaMessage {
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...0
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = nil

    /// The coordinator epoch when appending the record
    package var coordinatorEpoch: Int32

    /// A value of these parts; what is left out has its default.
    package init(
        coordinatorEpoch: Int32 = 0
    ) {
        self.coordinatorEpoch = coordinatorEpoch
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "EndTxnMarker")
        self.init()
        coordinatorEpoch = try reader.readInt32("EndTxnMarker.coordinatorEpoch")
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "EndTxnMarker")
        writer.write(coordinatorEpoch)
    }
}
