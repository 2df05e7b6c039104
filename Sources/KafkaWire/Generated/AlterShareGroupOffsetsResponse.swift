// Made from Apache Kafka's AlterShareGroupOffsetsResponse.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The response of Kafka's API 91, AlterShareGroupOffsets, version 0.
package struct AlterShareGroupOffsetsResponse: KafkaResponse {
    /// The number of the API.
    package static let key: Int16 = 91
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
    package var responses: [AlterShareGroupOffsetsResponseTopic]

    /// A value of these parts; what is left out has its default.
    package init(
        throttleTimeMs: Int32 = 0,
        errorCode: KafkaErrorCode = .none,
        errorMessage: String? = nil,
        responses: [AlterShareGroupOffsetsResponseTopic] = []
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.errorCode = errorCode
        self.errorMessage = errorMessage
        self.responses = responses
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "AlterShareGroupOffsetsResponse")
        self.init()
        throttleTimeMs = try reader.readInt32("AlterShareGroupOffsetsResponse.throttleTimeMs")
        errorCode = try reader.readErrorCode("AlterShareGroupOffsetsResponse.errorCode")
        errorMessage = try reader.readNullableString(compact: true, "AlterShareGroupOffsetsResponse.errorMessage")
        responses = try reader.readArray(compact: true, version: version, "AlterShareGroupOffsetsResponse.responses")
        try reader.skipTags("AlterShareGroupOffsetsResponse")
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "AlterShareGroupOffsetsResponse")
        writer.write(throttleTimeMs)
        writer.write(errorCode)
        try writer.write(errorMessage, compact: true, "AlterShareGroupOffsetsResponse.errorMessage")
        try writer.write(responses, compact: true, version: version, "AlterShareGroupOffsetsResponse.responses")
        writer.writeNoTags()
    }
}

extension AlterShareGroupOffsetsResponse {
    /// Part of AlterShareGroupOffsetsResponse: The results for each topic.
    package struct AlterShareGroupOffsetsResponseTopic: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 19 }

        /// The topic name.
        package var topicName: String
        /// The unique topic ID.
        package var topicID: KafkaUUID
        /// The field `Partitions`.
        package var partitions: [AlterShareGroupOffsetsResponsePartition]

        /// A value of these parts; what is left out has its default.
        package init(
            topicName: String = "",
            topicID: KafkaUUID = .zero,
            partitions: [AlterShareGroupOffsetsResponsePartition] = []
        ) {
            self.topicName = topicName
            self.topicID = topicID
            self.partitions = partitions
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            topicName = try reader.readString(compact: true, "AlterShareGroupOffsetsResponseTopic.topicName")
            topicID = try reader.readUUID("AlterShareGroupOffsetsResponseTopic.topicID")
            partitions = try reader.readArray(
                compact: true, version: version, "AlterShareGroupOffsetsResponseTopic.partitions")
            try reader.skipTags("AlterShareGroupOffsetsResponseTopic")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            try writer.write(topicName, compact: true, "AlterShareGroupOffsetsResponseTopic.topicName")
            writer.write(topicID)
            try writer.write(
                partitions, compact: true, version: version, "AlterShareGroupOffsetsResponseTopic.partitions")
            writer.writeNoTags()
        }
    }

    /// Part of AlterShareGroupOffsetsResponse: shared by fields.
    package struct AlterShareGroupOffsetsResponsePartition: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 8 }

        /// The partition index.
        package var partitionIndex: Int32
        /// The error code, or 0 if there was no error.
        package var errorCode: KafkaErrorCode
        /// The error message, or null if there was no error.
        package var errorMessage: String?

        /// A value of these parts; what is left out has its default.
        package init(
            partitionIndex: Int32 = 0,
            errorCode: KafkaErrorCode = .none,
            errorMessage: String? = nil
        ) {
            self.partitionIndex = partitionIndex
            self.errorCode = errorCode
            self.errorMessage = errorMessage
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            partitionIndex = try reader.readInt32("AlterShareGroupOffsetsResponsePartition.partitionIndex")
            errorCode = try reader.readErrorCode("AlterShareGroupOffsetsResponsePartition.errorCode")
            errorMessage = try reader.readNullableString(
                compact: true, "AlterShareGroupOffsetsResponsePartition.errorMessage")
            try reader.skipTags("AlterShareGroupOffsetsResponsePartition")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            writer.write(partitionIndex)
            writer.write(errorCode)
            try writer.write(errorMessage, compact: true, "AlterShareGroupOffsetsResponsePartition.errorMessage")
            writer.writeNoTags()
        }
    }
}
