// Made from Apache Kafka's SaslHandshakeResponse.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The response of Kafka's API 17, SaslHandshake, versions 0 to 1.
package struct SaslHandshakeResponse: KafkaResponse {
    /// The number of the API.
    package static let key: Int16 = 17
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...1
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = nil

    /// The error code, or 0 if there was no error.
    package var errorCode: KafkaErrorCode
    /// The mechanisms enabled in the server.
    package var mechanisms: [String]

    /// A value of these parts; what is left out has its default.
    package init(
        errorCode: KafkaErrorCode = .none,
        mechanisms: [String] = []
    ) {
        self.errorCode = errorCode
        self.mechanisms = mechanisms
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "SaslHandshakeResponse")
        self.init()
        errorCode = try reader.readErrorCode("SaslHandshakeResponse.errorCode")
        mechanisms = try reader.readArray(compact: false, version: version, "SaslHandshakeResponse.mechanisms")
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "SaslHandshakeResponse")
        writer.write(errorCode)
        try writer.write(mechanisms, compact: false, version: version, "SaslHandshakeResponse.mechanisms")
    }
}
