// Made from Apache Kafka's OffsetDeleteResponse.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The response of Kafka's API 47, OffsetDelete, version 0.
package struct OffsetDeleteResponse: KafkaResponse {
    /// The number of the API.
    package static let key: Int16 = 47
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...0
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = nil

    /// The top-level error code, or 0 if there was no error.
    package var errorCode: KafkaErrorCode
    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the
    /// request did not violate any quota.
    package var throttleTimeMs: Int32
    /// The responses for each topic.
    package var topics: [OffsetDeleteResponseTopic]

    /// A value of these parts; what is left out has its default.
    package init(
        errorCode: KafkaErrorCode = .none,
        throttleTimeMs: Int32 = 0,
        topics: [OffsetDeleteResponseTopic] = []
    ) {
        self.errorCode = errorCode
        self.throttleTimeMs = throttleTimeMs
        self.topics = topics
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "OffsetDeleteResponse")
        self.init()
        errorCode = try reader.readErrorCode("OffsetDeleteResponse.errorCode")
        throttleTimeMs = try reader.readInt32("OffsetDeleteResponse.throttleTimeMs")
        topics = try reader.readArray(compact: false, version: version, "OffsetDeleteResponse.topics")
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "OffsetDeleteResponse")
        writer.write(errorCode)
        writer.write(throttleTimeMs)
        try writer.write(topics, compact: false, version: version, "OffsetDeleteResponse.topics")
    }
}

extension OffsetDeleteResponse {
    /// Part of OffsetDeleteResponse: The responses for each topic.
    package struct OffsetDeleteResponseTopic: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 6 }

        /// The topic name.
        package var name: String
        /// The responses for each partition in the topic.
        package var partitions: [OffsetDeleteResponsePartition]

        /// A value of these parts; what is left out has its default.
        package init(
            name: String = "",
            partitions: [OffsetDeleteResponsePartition] = []
        ) {
            self.name = name
            self.partitions = partitions
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            name = try reader.readString(compact: false, "OffsetDeleteResponseTopic.name")
            partitions = try reader.readArray(compact: false, version: version, "OffsetDeleteResponseTopic.partitions")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            try writer.write(name, compact: false, "OffsetDeleteResponseTopic.name")
            try writer.write(partitions, compact: false, version: version, "OffsetDeleteResponseTopic.partitions")
        }
    }

    /// Part of OffsetDeleteResponse: The responses for each partition in the topic.
    package struct OffsetDeleteResponsePartition: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 6 }

        /// The partition index.
        package var partitionIndex: Int32
        /// The error code, or 0 if there was no error.
        package var errorCode: KafkaErrorCode

        /// A value of these parts; what is left out has its default.
        package init(
            partitionIndex: Int32 = 0,
            errorCode: KafkaErrorCode = .none
        ) {
            self.partitionIndex = partitionIndex
            self.errorCode = errorCode
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            partitionIndex = try reader.readInt32("OffsetDeleteResponsePartition.partitionIndex")
            errorCode = try reader.readErrorCode("OffsetDeleteResponsePartition.errorCode")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            writer.write(partitionIndex)
            writer.write(errorCode)
        }
    }
}
