// Made from Apache Kafka's OffsetCommitResponse.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The response of Kafka's API 8, OffsetCommit, versions 1 to 10.
package struct OffsetCommitResponse: KafkaResponse {
    /// The number of the API.
    package static let key: Int16 = 8
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 1...10
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 8

    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the
    /// request did not violate any quota. From version 3.
    package var throttleTimeMs: Int32
    /// The responses for each topic.
    package var topics: [OffsetCommitResponseTopic]

    /// A value of these parts; what is left out has its default.
    package init(
        throttleTimeMs: Int32 = 0,
        topics: [OffsetCommitResponseTopic] = []
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.topics = topics
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "OffsetCommitResponse")
        self.init()
        let isFlexible = version >= 8
        if version >= 3 {
            throttleTimeMs = try reader.readInt32("OffsetCommitResponse.throttleTimeMs")
        }
        topics = try reader.readArray(compact: isFlexible, version: version, "OffsetCommitResponse.topics")
        if isFlexible {
            try reader.skipTags("OffsetCommitResponse")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "OffsetCommitResponse")
        let isFlexible = version >= 8
        if version >= 3 {
            writer.write(throttleTimeMs)
        }
        try writer.write(topics, compact: isFlexible, version: version, "OffsetCommitResponse.topics")
        if isFlexible {
            writer.writeNoTags()
        }
    }
}

extension OffsetCommitResponse {
    /// Part of OffsetCommitResponse: The responses for each topic.
    package struct OffsetCommitResponseTopic: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 3 }

        /// The topic name. Up to version 9.
        package var name: String
        /// The topic ID. Version 10 only.
        package var topicID: KafkaUUID
        /// The responses for each partition in the topic.
        package var partitions: [OffsetCommitResponsePartition]

        /// A value of these parts; what is left out has its default.
        package init(
            name: String = "",
            topicID: KafkaUUID = .zero,
            partitions: [OffsetCommitResponsePartition] = []
        ) {
            self.name = name
            self.topicID = topicID
            self.partitions = partitions
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 8
            if version <= 9 {
                name = try reader.readString(compact: isFlexible, "OffsetCommitResponseTopic.name")
            }
            if version == 10 {
                topicID = try reader.readUUID("OffsetCommitResponseTopic.topicID")
            }
            partitions = try reader.readArray(
                compact: isFlexible, version: version, "OffsetCommitResponseTopic.partitions")
            if isFlexible {
                try reader.skipTags("OffsetCommitResponseTopic")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 8
            if version <= 9 {
                try writer.write(name, compact: isFlexible, "OffsetCommitResponseTopic.name")
            }
            if version == 10 {
                writer.write(topicID)
            }
            try writer.write(partitions, compact: isFlexible, version: version, "OffsetCommitResponseTopic.partitions")
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }

    /// Part of OffsetCommitResponse: The responses for each partition in the topic.
    package struct OffsetCommitResponsePartition: KafkaStructure {
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
            let isFlexible = version >= 8
            partitionIndex = try reader.readInt32("OffsetCommitResponsePartition.partitionIndex")
            errorCode = try reader.readErrorCode("OffsetCommitResponsePartition.errorCode")
            if isFlexible {
                try reader.skipTags("OffsetCommitResponsePartition")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 8
            writer.write(partitionIndex)
            writer.write(errorCode)
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }
}
