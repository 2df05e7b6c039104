// Made from Apache Kafka's AlterShareGroupOffsetsRequest.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The request of Kafka's API 91, AlterShareGroupOffsets, version 0.
package struct AlterShareGroupOffsetsRequest: KafkaRequest {
    /// The number of the API.
    package static let key: Int16 = 91
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...0
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 0

    /// The group identifier.
    package var groupID: String
    /// The topics to alter offsets for.
    package var topics: [AlterShareGroupOffsetsRequestTopic]

    /// A value of these parts; what is left out has its default.
    package init(
        groupID: String = "",
        topics: [AlterShareGroupOffsetsRequestTopic] = []
    ) {
        self.groupID = groupID
        self.topics = topics
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "AlterShareGroupOffsetsRequest")
        self.init()
        groupID = try reader.readString(compact: true, "AlterShareGroupOffsetsRequest.groupID")
        topics = try reader.readArray(compact: true, version: version, "AlterShareGroupOffsetsRequest.topics")
        try reader.skipTags("AlterShareGroupOffsetsRequest")
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "AlterShareGroupOffsetsRequest")
        try writer.write(groupID, compact: true, "AlterShareGroupOffsetsRequest.groupID")
        try writer.write(topics, compact: true, version: version, "AlterShareGroupOffsetsRequest.topics")
        writer.writeNoTags()
    }
}

extension AlterShareGroupOffsetsRequest {
    /// Part of AlterShareGroupOffsetsRequest: The topics to alter offsets for.
    package struct AlterShareGroupOffsetsRequestTopic: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 3 }

        /// The topic name.
        package var topicName: String
        /// Each partition to alter offsets for.
        package var partitions: [AlterShareGroupOffsetsRequestPartition]

        /// A value of these parts; what is left out has its default.
        package init(
            topicName: String = "",
            partitions: [AlterShareGroupOffsetsRequestPartition] = []
        ) {
            self.topicName = topicName
            self.partitions = partitions
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            topicName = try reader.readString(compact: true, "AlterShareGroupOffsetsRequestTopic.topicName")
            partitions = try reader.readArray(
                compact: true, version: version, "AlterShareGroupOffsetsRequestTopic.partitions")
            try reader.skipTags("AlterShareGroupOffsetsRequestTopic")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            try writer.write(topicName, compact: true, "AlterShareGroupOffsetsRequestTopic.topicName")
            try writer.write(
                partitions, compact: true, version: version, "AlterShareGroupOffsetsRequestTopic.partitions")
            writer.writeNoTags()
        }
    }

    /// Part of AlterShareGroupOffsetsRequest: Each partition to alter offsets for.
    package struct AlterShareGroupOffsetsRequestPartition: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 13 }

        /// The partition index.
        package var partitionIndex: Int32
        /// The share-partition start offset.
        package var startOffset: Int64

        /// A value of these parts; what is left out has its default.
        package init(
            partitionIndex: Int32 = 0,
            startOffset: Int64 = 0
        ) {
            self.partitionIndex = partitionIndex
            self.startOffset = startOffset
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            partitionIndex = try reader.readInt32("AlterShareGroupOffsetsRequestPartition.partitionIndex")
            startOffset = try reader.readInt64("AlterShareGroupOffsetsRequestPartition.startOffset")
            try reader.skipTags("AlterShareGroupOffsetsRequestPartition")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            writer.write(partitionIndex)
            writer.write(startOffset)
            writer.writeNoTags()
        }
    }
}
