// Made from Apache Kafka's SaslAuthenticateRequest.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The request of Kafka's API 36, SaslAuthenticate, versions 0 to 2.
package struct SaslAuthenticateRequest: KafkaRequest {
    /// The number of the API.
    package static let key: Int16 = 36
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...2
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 2

    /// The SASL authentication bytes from the client, as defined by the SASL mechanism.
    package var authBytes: [UInt8]

    /// A value of these parts; what is left out has its default.
    package init(
        authBytes: [UInt8] = []
    ) {
        self.authBytes = authBytes
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "SaslAuthenticateRequest")
        self.init()
        let isFlexible = version == 2
        authBytes = try reader.readBytes(compact: isFlexible, "SaslAuthenticateRequest.authBytes")
        if isFlexible {
            try reader.skipTags("SaslAuthenticateRequest")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "SaslAuthenticateRequest")
        let isFlexible = version == 2
        try writer.write(authBytes, compact: isFlexible, "SaslAuthenticateRequest.authBytes")
        if isFlexible {
            writer.writeNoTags()
        }
    }
}
