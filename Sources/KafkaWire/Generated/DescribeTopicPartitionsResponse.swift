// Made from Apache Kafka's DescribeTopicPartitionsResponse.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The response of Kafka's API 75, DescribeTopicPartitions, version 0.
package struct DescribeTopicPartitionsResponse: KafkaResponse {
    /// The number of the API.
    package static let key: Int16 = 75
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...0
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 0

    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the
    /// request did not violate any quota.
    package var throttleTimeMs: Int32
    /// Each topic in the response.
    package var topics: [DescribeTopicPartitionsResponseTopic]
    /// The next topic and partition index to fetch details for.
    package var nextCursor: Cursor?

    /// A value of these parts; what is left out has its default.
    package init(
        throttleTimeMs: Int32 = 0,
        topics: [DescribeTopicPartitionsResponseTopic] = [],
        nextCursor: Cursor? = nil
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.topics = topics
        self.nextCursor = nextCursor
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "DescribeTopicPartitionsResponse")
        self.init()
        throttleTimeMs = try reader.readInt32("DescribeTopicPartitionsResponse.throttleTimeMs")
        topics = try reader.readArray(compact: true, version: version, "DescribeTopicPartitionsResponse.topics")
        nextCursor = try reader.readNullableStructure(version: version, "DescribeTopicPartitionsResponse.nextCursor")
        try reader.skipTags("DescribeTopicPartitionsResponse")
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "DescribeTopicPartitionsResponse")
        writer.write(throttleTimeMs)
        try writer.write(topics, compact: true, version: version, "DescribeTopicPartitionsResponse.topics")
        try writer.writeNullable(nextCursor, version: version)
        writer.writeNoTags()
    }
}

extension DescribeTopicPartitionsResponse {
    /// Part of DescribeTopicPartitionsResponse: Each topic in the response.
    package struct DescribeTopicPartitionsResponseTopic: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 26 }

        /// The topic error, or 0 if there was no error.
        package var errorCode: KafkaErrorCode
        /// The topic name.
        package var name: String?
        /// The topic id.
        package var topicID: KafkaUUID
        /// True if the topic is internal.
        package var isInternal: Bool
        /// Each partition in the topic.
        package var partitions: [DescribeTopicPartitionsResponsePartition]
        /// 32-bit bitfield to represent authorized operations for this topic.
        package var topicAuthorizedOperations: Int32

        /// A value of these parts; what is left out has its default.
        package init(
            errorCode: KafkaErrorCode = .none,
            name: String? = "",
            topicID: KafkaUUID = .zero,
            isInternal: Bool = false,
            partitions: [DescribeTopicPartitionsResponsePartition] = [],
            topicAuthorizedOperations: Int32 = -2147483648
        ) {
            self.errorCode = errorCode
            self.name = name
            self.topicID = topicID
            self.isInternal = isInternal
            self.partitions = partitions
            self.topicAuthorizedOperations = topicAuthorizedOperations
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            errorCode = try reader.readErrorCode("DescribeTopicPartitionsResponseTopic.errorCode")
            name = try reader.readNullableString(compact: true, "DescribeTopicPartitionsResponseTopic.name")
            topicID = try reader.readUUID("DescribeTopicPartitionsResponseTopic.topicID")
            isInternal = try reader.readBool("DescribeTopicPartitionsResponseTopic.isInternal")
            partitions = try reader.readArray(
                compact: true, version: version, "DescribeTopicPartitionsResponseTopic.partitions")
            topicAuthorizedOperations = try reader.readInt32(
                "DescribeTopicPartitionsResponseTopic.topicAuthorizedOperations")
            try reader.skipTags("DescribeTopicPartitionsResponseTopic")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            writer.write(errorCode)
            try writer.write(name, compact: true, "DescribeTopicPartitionsResponseTopic.name")
            writer.write(topicID)
            writer.write(isInternal)
            try writer.write(
                partitions, compact: true, version: version, "DescribeTopicPartitionsResponseTopic.partitions")
            writer.write(topicAuthorizedOperations)
            writer.writeNoTags()
        }
    }

    /// Part of DescribeTopicPartitionsResponse: Each partition in the topic.
    package struct DescribeTopicPartitionsResponsePartition: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 20 }

        /// The partition error, or 0 if there was no error.
        package var errorCode: KafkaErrorCode
        /// The partition index.
        package var partitionIndex: Int32
        /// The ID of the leader broker.
        package var leaderID: Int32
        /// The leader epoch of this partition.
        package var leaderEpoch: Int32
        /// The set of all nodes that host this partition.
        package var replicaNodes: [Int32]
        /// The set of nodes that are in sync with the leader for this partition.
        package var isrNodes: [Int32]
        /// The new eligible leader replicas otherwise.
        package var eligibleLeaderReplicas: [Int32]?
        /// The last known ELR.
        package var lastKnownElr: [Int32]?
        /// The set of offline replicas of this partition.
        package var offlineReplicas: [Int32]

        /// A value of these parts; what is left out has its default.
        package init(
            errorCode: KafkaErrorCode = .none,
            partitionIndex: Int32 = 0,
            leaderID: Int32 = 0,
            leaderEpoch: Int32 = -1,
            replicaNodes: [Int32] = [],
            isrNodes: [Int32] = [],
            eligibleLeaderReplicas: [Int32]? = nil,
            lastKnownElr: [Int32]? = nil,
            offlineReplicas: [Int32] = []
        ) {
            self.errorCode = errorCode
            self.partitionIndex = partitionIndex
            self.leaderID = leaderID
            self.leaderEpoch = leaderEpoch
            self.replicaNodes = replicaNodes
            self.isrNodes = isrNodes
            self.eligibleLeaderReplicas = eligibleLeaderReplicas
            self.lastKnownElr = lastKnownElr
            self.offlineReplicas = offlineReplicas
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            errorCode = try reader.readErrorCode("DescribeTopicPartitionsResponsePartition.errorCode")
            partitionIndex = try reader.readInt32("DescribeTopicPartitionsResponsePartition.partitionIndex")
            leaderID = try reader.readInt32("DescribeTopicPartitionsResponsePartition.leaderID")
            leaderEpoch = try reader.readInt32("DescribeTopicPartitionsResponsePartition.leaderEpoch")
            replicaNodes = try reader.readArray(
                compact: true, version: version, "DescribeTopicPartitionsResponsePartition.replicaNodes")
            isrNodes = try reader.readArray(
                compact: true, version: version, "DescribeTopicPartitionsResponsePartition.isrNodes")
            eligibleLeaderReplicas = try reader.readNullableArray(
                compact: true, version: version, "DescribeTopicPartitionsResponsePartition.eligibleLeaderReplicas")
            lastKnownElr = try reader.readNullableArray(
                compact: true, version: version, "DescribeTopicPartitionsResponsePartition.lastKnownElr")
            offlineReplicas = try reader.readArray(
                compact: true, version: version, "DescribeTopicPartitionsResponsePartition.offlineReplicas")
            try reader.skipTags("DescribeTopicPartitionsResponsePartition")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            writer.write(errorCode)
            writer.write(partitionIndex)
            writer.write(leaderID)
            writer.write(leaderEpoch)
            try writer.write(
                replicaNodes, compact: true, version: version, "DescribeTopicPartitionsResponsePartition.replicaNodes")
            try writer.write(
                isrNodes, compact: true, version: version, "DescribeTopicPartitionsResponsePartition.isrNodes")
            try writer.write(
                eligibleLeaderReplicas, compact: true, version: version,
                "DescribeTopicPartitionsResponsePartition.eligibleLeaderReplicas")
            try writer.write(
                lastKnownElr, compact: true, version: version, "DescribeTopicPartitionsResponsePartition.lastKnownElr")
            try writer.write(
                offlineReplicas, compact: true, version: version,
                "DescribeTopicPartitionsResponsePartition.offlineReplicas")
            writer.writeNoTags()
        }
    }

    /// Part of DescribeTopicPartitionsResponse: The next topic and partition index to fetch details for.
    package struct Cursor: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 6 }

        /// The name for the first topic to process.
        package var topicName: String
        /// The partition index to start with.
        package var partitionIndex: Int32

        /// A value of these parts; what is left out has its default.
        package init(
            topicName: String = "",
            partitionIndex: Int32 = 0
        ) {
            self.topicName = topicName
            self.partitionIndex = partitionIndex
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            topicName = try reader.readString(compact: true, "Cursor.topicName")
            partitionIndex = try reader.readInt32("Cursor.partitionIndex")
            try reader.skipTags("Cursor")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            try writer.write(topicName, compact: true, "Cursor.topicName")
            writer.write(partitionIndex)
            writer.writeNoTags()
        }
    }
}
