// Made from Apache Kafka's SaslAuthenticateResponse.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The response of Kafka's API 36, SaslAuthenticate, versions 0 to 2.
package struct SaslAuthenticateResponse: KafkaResponse {
    /// The number of the API.
    package static let key: Int16 = 36
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...2
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 2

    /// The error code, or 0 if there was no error.
    package var errorCode: KafkaErrorCode
    /// The error message, or null if there was no error.
    package var errorMessage: String?
    /// The SASL authentication bytes from the server, as defined by the SASL mechanism.
    package var authBytes: [UInt8]
    /// Number of milliseconds after which only re-authentication over the existing connection to create a new session
    /// can occur. From version 1.
    package var sessionLifetimeMs: Int64

    /// A value of these parts; what is left out has its default.
    package init(
        errorCode: KafkaErrorCode = .none,
        errorMessage: String? = "",
        authBytes: [UInt8] = [],
        sessionLifetimeMs: Int64 = 0
    ) {
        self.errorCode = errorCode
        self.errorMessage = errorMessage
        self.authBytes = authBytes
        self.sessionLifetimeMs = sessionLifetimeMs
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "SaslAuthenticateResponse")
        self.init()
        let isFlexible = version == 2
        errorCode = try reader.readErrorCode("SaslAuthenticateResponse.errorCode")
        errorMessage = try reader.readNullableString(compact: isFlexible, "SaslAuthenticateResponse.errorMessage")
        authBytes = try reader.readBytes(compact: isFlexible, "SaslAuthenticateResponse.authBytes")
        if version >= 1 {
            sessionLifetimeMs = try reader.readInt64("SaslAuthenticateResponse.sessionLifetimeMs")
        }
        if isFlexible {
            try reader.skipTags("SaslAuthenticateResponse")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "SaslAuthenticateResponse")
        let isFlexible = version == 2
        writer.write(errorCode)
        try writer.write(errorMessage, compact: isFlexible, "SaslAuthenticateResponse.errorMessage")
        try writer.write(authBytes, compact: isFlexible, "SaslAuthenticateResponse.authBytes")
        if version >= 1 {
            writer.write(sessionLifetimeMs)
        }
        if isFlexible {
            writer.writeNoTags()
        }
    }
}
