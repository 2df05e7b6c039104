// Made from Apache Kafka's SaslHandshakeRequest.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The request of Kafka's API 17, SaslHandshake, versions 0 to 1.
package struct SaslHandshakeRequest: KafkaRequest {
    /// The number of the API.
    package static let key: Int16 = 17
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...1
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = nil

    /// The SASL mechanism chosen by the client.
    package var mechanism: String

    /// A value of these parts; what is left out has its default.
    package init(
        mechanism: String = ""
    ) {
        self.mechanism = mechanism
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "SaslHandshakeRequest")
        self.init()
        mechanism = try reader.readString(compact: false, "SaslHandshakeRequest.mechanism")
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "SaslHandshakeRequest")
        try writer.write(mechanism, compact: false, "SaslHandshakeRequest.mechanism")
    }
}
