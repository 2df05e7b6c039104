// Made from Apache Kafka's AlterUserScramCredentialsResponse.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The response of Kafka's API 51, AlterUserScramCredentials, version 0.
package struct AlterUserScramCredentialsResponse: KafkaResponse {
    /// The number of the API.
    package static let key: Int16 = 51
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...0
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 0

    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the
    /// request did not violate any quota.
    package var throttleTimeMs: Int32
    /// The results for deletions and alterations, one per affected user.
    package var results: [AlterUserScramCredentialsResult]

    /// A value of these parts; what is left out has its default.
    package init(
        throttleTimeMs: Int32 = 0,
        results: [AlterUserScramCredentialsResult] = []
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.results = results
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "AlterUserScramCredentialsResponse")
        self.init()
        throttleTimeMs = try reader.readInt32("AlterUserScramCredentialsResponse.throttleTimeMs")
        results = try reader.readArray(compact: true, version: version, "AlterUserScramCredentialsResponse.results")
        try reader.skipTags("AlterUserScramCredentialsResponse")
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "AlterUserScramCredentialsResponse")
        writer.write(throttleTimeMs)
        try writer.write(results, compact: true, version: version, "AlterUserScramCredentialsResponse.results")
        writer.writeNoTags()
    }
}

extension AlterUserScramCredentialsResponse {
    /// Part of AlterUserScramCredentialsResponse: The results for deletions and alterations, one per affected user.
    package struct AlterUserScramCredentialsResult: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 5 }

        /// The user name.
        package var user: String
        /// The error code.
        package var errorCode: KafkaErrorCode
        /// The error message, if any.
        package var errorMessage: String?

        /// A value of these parts; what is left out has its default.
        package init(
            user: String = "",
            errorCode: KafkaErrorCode = .none,
            errorMessage: String? = ""
        ) {
            self.user = user
            self.errorCode = errorCode
            self.errorMessage = errorMessage
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            user = try reader.readString(compact: true, "AlterUserScramCredentialsResult.user")
            errorCode = try reader.readErrorCode("AlterUserScramCredentialsResult.errorCode")
            errorMessage = try reader.readNullableString(compact: true, "AlterUserScramCredentialsResult.errorMessage")
            try reader.skipTags("AlterUserScramCredentialsResult")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            try writer.write(user, compact: true, "AlterUserScramCredentialsResult.user")
            writer.write(errorCode)
            try writer.write(errorMessage, compact: true, "AlterUserScramCredentialsResult.errorMessage")
            writer.writeNoTags()
        }
    }
}
