// Made from Apache Kafka's DescribeUserScramCredentialsResponse.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The response of Kafka's API 50, DescribeUserScramCredentials, version 0.
package struct DescribeUserScramCredentialsResponse: KafkaResponse {
    /// The number of the API.
    package static let key: Int16 = 50
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...0
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 0

    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the
    /// request did not violate any quota.
    package var throttleTimeMs: Int32
    /// The message-level error code, 0 except for user authorization or infrastructure issues.
    package var errorCode: KafkaErrorCode
    /// The message-level error message, if any.
    package var errorMessage: String?
    /// The results for descriptions, one per user.
    package var results: [DescribeUserScramCredentialsResult]

    /// A value of these parts; what is left out has its default.
    package init(
        throttleTimeMs: Int32 = 0,
        errorCode: KafkaErrorCode = .none,
        errorMessage: String? = "",
        results: [DescribeUserScramCredentialsResult] = []
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.errorCode = errorCode
        self.errorMessage = errorMessage
        self.results = results
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "DescribeUserScramCredentialsResponse")
        self.init()
        throttleTimeMs = try reader.readInt32("DescribeUserScramCredentialsResponse.throttleTimeMs")
        errorCode = try reader.readErrorCode("DescribeUserScramCredentialsResponse.errorCode")
        errorMessage = try reader.readNullableString(compact: true, "DescribeUserScramCredentialsResponse.errorMessage")
        results = try reader.readArray(compact: true, version: version, "DescribeUserScramCredentialsResponse.results")
        try reader.skipTags("DescribeUserScramCredentialsResponse")
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "DescribeUserScramCredentialsResponse")
        writer.write(throttleTimeMs)
        writer.write(errorCode)
        try writer.write(errorMessage, compact: true, "DescribeUserScramCredentialsResponse.errorMessage")
        try writer.write(results, compact: true, version: version, "DescribeUserScramCredentialsResponse.results")
        writer.writeNoTags()
    }
}

extension DescribeUserScramCredentialsResponse {
    /// Part of DescribeUserScramCredentialsResponse: The results for descriptions, one per user.
    package struct DescribeUserScramCredentialsResult: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 6 }

        /// The user name.
        package var user: String
        /// The user-level error code.
        package var errorCode: KafkaErrorCode
        /// The user-level error message, if any.
        package var errorMessage: String?
        /// The mechanism and related information associated with the user's SCRAM credentials.
        package var credentialInfos: [CredentialInfo]

        /// A value of these parts; what is left out has its default.
        package init(
            user: String = "",
            errorCode: KafkaErrorCode = .none,
            errorMessage: String? = "",
            credentialInfos: [CredentialInfo] = []
        ) {
            self.user = user
            self.errorCode = errorCode
            self.errorMessage = errorMessage
            self.credentialInfos = credentialInfos
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            user = try reader.readString(compact: true, "DescribeUserScramCredentialsResult.user")
            errorCode = try reader.readErrorCode("DescribeUserScramCredentialsResult.errorCode")
            errorMessage = try reader.readNullableString(
                compact: true, "DescribeUserScramCredentialsResult.errorMessage")
            credentialInfos = try reader.readArray(
                compact: true, version: version, "DescribeUserScramCredentialsResult.credentialInfos")
            try reader.skipTags("DescribeUserScramCredentialsResult")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            try writer.write(user, compact: true, "DescribeUserScramCredentialsResult.user")
            writer.write(errorCode)
            try writer.write(errorMessage, compact: true, "DescribeUserScramCredentialsResult.errorMessage")
            try writer.write(
                credentialInfos, compact: true, version: version, "DescribeUserScramCredentialsResult.credentialInfos")
            writer.writeNoTags()
        }
    }

    /// Part of DescribeUserScramCredentialsResponse: The mechanism and related information associated with the user's
    /// SCRAM credentials.
    package struct CredentialInfo: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 6 }

        /// The SCRAM mechanism.
        package var mechanism: Int8
        /// The number of iterations used in the SCRAM credential.
        package var iterations: Int32

        /// A value of these parts; what is left out has its default.
        package init(
            mechanism: Int8 = 0,
            iterations: Int32 = 0
        ) {
            self.mechanism = mechanism
            self.iterations = iterations
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            mechanism = try reader.readInt8("CredentialInfo.mechanism")
            iterations = try reader.readInt32("CredentialInfo.iterations")
            try reader.skipTags("CredentialInfo")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            writer.write(mechanism)
            writer.write(iterations)
            writer.writeNoTags()
        }
    }
}
