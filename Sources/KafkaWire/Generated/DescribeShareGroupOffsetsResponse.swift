// Made from Apache Kafka's DescribeShareGroupOffsetsResponse.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The response of Kafka's API 90, DescribeShareGroupOffsets, versions 0 to 1.
package struct DescribeShareGroupOffsetsResponse: KafkaResponse {
    /// The number of the API.
    package static let key: Int16 = 90
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...1
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 0

    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the
    /// request did not violate any quota.
    package var throttleTimeMs: Int32
    /// The results for each group.
    package var groups: [DescribeShareGroupOffsetsResponseGroup]

    /// A value of these parts; what is left out has its default.
    package init(
        throttleTimeMs: Int32 = 0,
        groups: [DescribeShareGroupOffsetsResponseGroup] = []
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.groups = groups
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "DescribeShareGroupOffsetsResponse")
        self.init()
        throttleTimeMs = try reader.readInt32("DescribeShareGroupOffsetsResponse.throttleTimeMs")
        groups = try reader.readArray(compact: true, version: version, "DescribeShareGroupOffsetsResponse.groups")
        try reader.skipTags("DescribeShareGroupOffsetsResponse")
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "DescribeShareGroupOffsetsResponse")
        writer.write(throttleTimeMs)
        try writer.write(groups, compact: true, version: version, "DescribeShareGroupOffsetsResponse.groups")
        writer.writeNoTags()
    }
}

extension DescribeShareGroupOffsetsResponse {
    /// Part of DescribeShareGroupOffsetsResponse: The results for each group.
    package struct DescribeShareGroupOffsetsResponseGroup: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 6 }

        /// The group identifier.
        package var groupID: String
        /// The results for each topic.
        package var topics: [DescribeShareGroupOffsetsResponseTopic]
        /// The group-level error code, or 0 if there was no error.
        package var errorCode: KafkaErrorCode
        /// The group-level error message, or null if there was no error.
        package var errorMessage: String?

        /// A value of these parts; what is left out has its default.
        package init(
            groupID: String = "",
            topics: [DescribeShareGroupOffsetsResponseTopic] = [],
            errorCode: KafkaErrorCode = .none,
            errorMessage: String? = nil
        ) {
            self.groupID = groupID
            self.topics = topics
            self.errorCode = errorCode
            self.errorMessage = errorMessage
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            groupID = try reader.readString(compact: true, "DescribeShareGroupOffsetsResponseGroup.groupID")
            topics = try reader.readArray(
                compact: true, version: version, "DescribeShareGroupOffsetsResponseGroup.topics")
            errorCode = try reader.readErrorCode("DescribeShareGroupOffsetsResponseGroup.errorCode")
            errorMessage = try reader.readNullableString(
                compact: true, "DescribeShareGroupOffsetsResponseGroup.errorMessage")
            try reader.skipTags("DescribeShareGroupOffsetsResponseGroup")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            try writer.write(groupID, compact: true, "DescribeShareGroupOffsetsResponseGroup.groupID")
            try writer.write(topics, compact: true, version: version, "DescribeShareGroupOffsetsResponseGroup.topics")
            writer.write(errorCode)
            try writer.write(errorMessage, compact: true, "DescribeShareGroupOffsetsResponseGroup.errorMessage")
            writer.writeNoTags()
        }
    }

    /// Part of DescribeShareGroupOffsetsResponse: The results for each topic.
    package struct DescribeShareGroupOffsetsResponseTopic: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 19 }

        /// The topic name.
        package var topicName: String
        /// The unique topic ID.
        package var topicID: KafkaUUID
        /// The field `Partitions`.
        package var partitions: [DescribeShareGroupOffsetsResponsePartition]

        /// A value of these parts; what is left out has its default.
        package init(
            topicName: String = "",
            topicID: KafkaUUID = .zero,
            partitions: [DescribeShareGroupOffsetsResponsePartition] = []
        ) {
            self.topicName = topicName
            self.topicID = topicID
            self.partitions = partitions
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            topicName = try reader.readString(compact: true, "DescribeShareGroupOffsetsResponseTopic.topicName")
            topicID = try reader.readUUID("DescribeShareGroupOffsetsResponseTopic.topicID")
            partitions = try reader.readArray(
                compact: true, version: version, "DescribeShareGroupOffsetsResponseTopic.partitions")
            try reader.skipTags("DescribeShareGroupOffsetsResponseTopic")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            try writer.write(topicName, compact: true, "DescribeShareGroupOffsetsResponseTopic.topicName")
            writer.write(topicID)
            try writer.write(
                partitions, compact: true, version: version, "DescribeShareGroupOffsetsResponseTopic.partitions")
            writer.writeNoTags()
        }
    }

    /// Part of DescribeShareGroupOffsetsResponse: shared by fields.
    package struct DescribeShareGroupOffsetsResponsePartition: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 20 }

        /// The partition index.
        package var partitionIndex: Int32
        /// The share-partition start offset.
        package var startOffset: Int64
        /// The leader epoch of the partition.
        package var leaderEpoch: Int32
        /// The share-partition lag. Version 1 only.
        package var lag: Int64
        /// The partition-level error code, or 0 if there was no error.
        package var errorCode: KafkaErrorCode
        /// The partition-level error message, or null if there was no error.
        package var errorMessage: String?

        /// A value of these parts; what is left out has its default.
        package init(
            partitionIndex: Int32 = 0,
            startOffset: Int64 = 0,
            leaderEpoch: Int32 = 0,
            lag: Int64 = -1,
            errorCode: KafkaErrorCode = .none,
            errorMessage: String? = nil
        ) {
            self.partitionIndex = partitionIndex
            self.startOffset = startOffset
            self.leaderEpoch = leaderEpoch
            self.lag = lag
            self.errorCode = errorCode
            self.errorMessage = errorMessage
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            partitionIndex = try reader.readInt32("DescribeShareGroupOffsetsResponsePartition.partitionIndex")
            startOffset = try reader.readInt64("DescribeShareGroupOffsetsResponsePartition.startOffset")
            leaderEpoch = try reader.readInt32("DescribeShareGroupOffsetsResponsePartition.leaderEpoch")
            if version == 1 {
                lag = try reader.readInt64("DescribeShareGroupOffsetsResponsePartition.lag")
            }
            errorCode = try reader.readErrorCode("DescribeShareGroupOffsetsResponsePartition.errorCode")
            errorMessage = try reader.readNullableString(
                compact: true, "DescribeShareGroupOffsetsResponsePartition.errorMessage")
            try reader.skipTags("DescribeShareGroupOffsetsResponsePartition")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            writer.write(partitionIndex)
            writer.write(startOffset)
            writer.write(leaderEpoch)
            if version == 1 {
                writer.write(lag)
            }
            writer.write(errorCode)
            try writer.write(errorMessage, compact: true, "DescribeShareGroupOffsetsResponsePartition.errorMessage")
            writer.writeNoTags()
        }
    }
}
