// Made from Apache Kafka's ResponseHeader.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// Kafka's `KafkaResponseHeader`, versions 0 to 1.
package struct KafkaResponseHeader: KafkaMessage {
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...1
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 1

    /// The correlation ID of this response.
    package var correlationID: Int32

    /// A value of these parts; what is left out has its default.
    package init(
        correlationID: Int32 = 0
    ) {
        self.correlationID = correlationID
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "KafkaResponseHeader")
        self.init()
        let isFlexible = version == 1
        correlationID = try reader.readInt32("KafkaResponseHeader.correlationID")
        if isFlexible {
            try reader.skipTags("KafkaResponseHeader")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "KafkaResponseHeader")
        let isFlexible = version == 1
        writer.write(correlationID)
        if isFlexible {
            writer.writeNoTags()
        }
    }
}
