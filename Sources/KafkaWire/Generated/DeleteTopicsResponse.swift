// Made from Apache Kafka's DeleteTopicsResponse.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The response of Kafka's API 20, DeleteTopics, versions 0 to 6.
package struct DeleteTopicsResponse: KafkaResponse {
    /// The number of the API.
    package static let key: Int16 = 20
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...6
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 4

    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the
    /// request did not violate any quota. From version 1.
    package var throttleTimeMs: Int32
    /// The results for each topic we tried to delete.
    package var responses: [DeletableTopicResult]

    /// A value of these parts; what is left out has its default.
    package init(
        throttleTimeMs: Int32 = 0,
        responses: [DeletableTopicResult] = []
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.responses = responses
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "DeleteTopicsResponse")
        self.init()
        let isFlexible = version >= 4
        if version >= 1 {
            throttleTimeMs = try reader.readInt32("DeleteTopicsResponse.throttleTimeMs")
        }
        responses = try reader.readArray(compact: isFlexible, version: version, "DeleteTopicsResponse.responses")
        if isFlexible {
            try reader.skipTags("DeleteTopicsResponse")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "DeleteTopicsResponse")
        let isFlexible = version >= 4
        if version >= 1 {
            writer.write(throttleTimeMs)
        }
        try writer.write(responses, compact: isFlexible, version: version, "DeleteTopicsResponse.responses")
        if isFlexible {
            writer.writeNoTags()
        }
    }
}

extension DeleteTopicsResponse {
    /// Part of DeleteTopicsResponse: The results for each topic we tried to delete.
    package struct DeletableTopicResult: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 4 }

        /// The topic name.
        package var name: String?
        /// The unique topic ID. Version 6 only.
        package var topicID: KafkaUUID
        /// The deletion error, or 0 if the deletion succeeded.
        package var errorCode: KafkaErrorCode
        /// The error message, or null if there was no error. From version 5.
        package var errorMessage: String?

        /// A value of these parts; what is left out has its default.
        package init(
            name: String? = "",
            topicID: KafkaUUID = .zero,
            errorCode: KafkaErrorCode = .none,
            errorMessage: String? = nil
        ) {
            self.name = name
            self.topicID = topicID
            self.errorCode = errorCode
            self.errorMessage = errorMessage
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 4
            name = try reader.readNullableString(
                compact: isFlexible, nullable: version == 6, "DeletableTopicResult.name")
            if version == 6 {
                topicID = try reader.readUUID("DeletableTopicResult.topicID")
            }
            errorCode = try reader.readErrorCode("DeletableTopicResult.errorCode")
            if version >= 5 {
                errorMessage = try reader.readNullableString(compact: isFlexible, "DeletableTopicResult.errorMessage")
            }
            if isFlexible {
                try reader.skipTags("DeletableTopicResult")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 4
            try writer.write(name, compact: isFlexible, nullable: version == 6, "DeletableTopicResult.name")
            if version == 6 {
                writer.write(topicID)
            }
            writer.write(errorCode)
            if version >= 5 {
                try writer.write(errorMessage, compact: isFlexible, "DeletableTopicResult.errorMessage")
            }
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }
}
