// Made from Apache Kafka's DeleteShareGroupOffsetsResponse.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The response of Kafka's API 92, DeleteShareGroupOffsets, version 0.
package struct DeleteShareGroupOffsetsResponse: KafkaResponse {
    /// The number of the API.
    package static let key: Int16 = 92
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...0
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 0

    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the
    /// request did not violate any quota.
    package var throttleTimeMs: Int32
    /// The top-level error code, or 0 if there was no error.
    package var errorCode: KafkaErrorCode
    /// The top-level error message, or null if there was no error.
    package var errorMessage: String?
    /// The results for each topic.
    package var responses: [DeleteShareGroupOffsetsResponseTopic]

    /// A value of these parts; what is left out has its default.
    package init(
        throttleTimeMs: Int32 = 0,
        errorCode: KafkaErrorCode = .none,
        errorMessage: String? = nil,
        responses: [DeleteShareGroupOffsetsResponseTopic] = []
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.errorCode = errorCode
        self.errorMessage = errorMessage
        self.responses = responses
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "DeleteShareGroupOffsetsResponse")
        self.init()
        throttleTimeMs = try reader.readInt32("DeleteShareGroupOffsetsResponse.throttleTimeMs")
        errorCode = try reader.readErrorCode("DeleteShareGroupOffsetsResponse.errorCode")
        errorMessage = try reader.readNullableString(compact: true, "DeleteShareGroupOffsetsResponse.errorMessage")
        responses = try reader.readArray(compact: true, version: version, "DeleteShareGroupOffsetsResponse.responses")
        try reader.skipTags("DeleteShareGroupOffsetsResponse")
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "DeleteShareGroupOffsetsResponse")
        writer.write(throttleTimeMs)
        writer.write(errorCode)
        try writer.write(errorMessage, compact: true, "DeleteShareGroupOffsetsResponse.errorMessage")
        try writer.write(responses, compact: true, version: version, "DeleteShareGroupOffsetsResponse.responses")
        writer.writeNoTags()
    }
}

extension DeleteShareGroupOffsetsResponse {
    /// Part of DeleteShareGroupOffsetsResponse: The results for each topic.
    package struct DeleteShareGroupOffsetsResponseTopic: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 21 }

        /// The topic name.
        package var topicName: String
        /// The unique topic ID.
        package var topicID: KafkaUUID
        /// The topic-level error code, or 0 if there was no error.
        package var errorCode: KafkaErrorCode
        /// The topic-level error message, or null if there was no error.
        package var errorMessage: String?

        /// A value of these parts; what is left out has its default.
        package init(
            topicName: String = "",
            topicID: KafkaUUID = .zero,
            errorCode: KafkaErrorCode = .none,
            errorMessage: String? = nil
        ) {
            self.topicName = topicName
            self.topicID = topicID
            self.errorCode = errorCode
            self.errorMessage = errorMessage
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            topicName = try reader.readString(compact: true, "DeleteShareGroupOffsetsResponseTopic.topicName")
            topicID = try reader.readUUID("DeleteShareGroupOffsetsResponseTopic.topicID")
            errorCode = try reader.readErrorCode("DeleteShareGroupOffsetsResponseTopic.errorCode")
            errorMessage = try reader.readNullableString(
                compact: true, "DeleteShareGroupOffsetsResponseTopic.errorMessage")
            try reader.skipTags("DeleteShareGroupOffsetsResponseTopic")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            try writer.write(topicName, compact: true, "DeleteShareGroupOffsetsResponseTopic.topicName")
            writer.write(topicID)
            writer.write(errorCode)
            try writer.write(errorMessage, compact: true, "DeleteShareGroupOffsetsResponseTopic.errorMessage")
            writer.writeNoTags()
        }
    }
}
