// Made from Apache Kafka's RequestHeader.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// Kafka's `KafkaRequestHeader`, versions 1 to 2.
package struct KafkaRequestHeader: KafkaMessage {
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 1...2
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 2

    /// The API key of this request.
    package var requestApiKey: Int16
    /// The API version of this request.
    package var requestApiVersion: Int16
    /// The correlation ID of this request.
    package var correlationID: Int32
    /// The client ID string.
    package var clientID: String?

    /// A value of these parts; what is left out has its default.
    package init(
        requestApiKey: Int16 = 0,
        requestApiVersion: Int16 = 0,
        correlationID: Int32 = 0,
        clientID: String? = ""
    ) {
        self.requestApiKey = requestApiKey
        self.requestApiVersion = requestApiVersion
        self.correlationID = correlationID
        self.clientID = clientID
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "KafkaRequestHeader")
        self.init()
        let isFlexible = version == 2
        requestApiKey = try reader.readInt16("KafkaRequestHeader.requestApiKey")
        requestApiVersion = try reader.readInt16("KafkaRequestHeader.requestApiVersion")
        correlationID = try reader.readInt32("KafkaRequestHeader.correlationID")
        clientID = try reader.readNullableString(compact: false, "KafkaRequestHeader.clientID")
        if isFlexible {
            try reader.skipTags("KafkaRequestHeader")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "KafkaRequestHeader")
        let isFlexible = version == 2
        writer.write(requestApiKey)
        writer.write(requestApiVersion)
        writer.write(correlationID)
        try writer.write(clientID, compact: false, "KafkaRequestHeader.clientID")
        if isFlexible {
            writer.writeNoTags()
        }
    }
}
