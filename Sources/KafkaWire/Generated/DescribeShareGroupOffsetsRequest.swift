// Made from Apache Kafka's DescribeShareGroupOffsetsRequest.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The request of Kafka's API 90, DescribeShareGroupOffsets, versions 0 to 1.
package struct DescribeShareGroupOffsetsRequest: KafkaRequest {
    /// The number of the API.
    package static let key: Int16 = 90
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...1
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 0

    /// The groups to describe offsets for.
    package var groups: [DescribeShareGroupOffsetsRequestGroup]

    /// A value of these parts; what is left out has its default.
    package init(
        groups: [DescribeShareGroupOffsetsRequestGroup] = []
    ) {
        self.groups = groups
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "DescribeShareGroupOffsetsRequest")
        self.init()
        groups = try reader.readArray(compact: true, version: version, "DescribeShareGroupOffsetsRequest.groups")
        try reader.skipTags("DescribeShareGroupOffsetsRequest")
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "DescribeShareGroupOffsetsRequest")
        try writer.write(groups, compact: true, version: version, "DescribeShareGroupOffsetsRequest.groups")
        writer.writeNoTags()
    }
}

extension DescribeShareGroupOffsetsRequest {
    /// Part of DescribeShareGroupOffsetsRequest: The groups to describe offsets for.
    package struct DescribeShareGroupOffsetsRequestGroup: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 3 }

        /// The group identifier.
        package var groupID: String
        /// The topics to describe offsets for, or null for all topic-partitions.
        package var topics: [DescribeShareGroupOffsetsRequestTopic]?

        /// A value of these parts; what is left out has its default.
        package init(
            groupID: String = "",
            topics: [DescribeShareGroupOffsetsRequestTopic]? = []
        ) {
            self.groupID = groupID
            self.topics = topics
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            groupID = try reader.readString(compact: true, "DescribeShareGroupOffsetsRequestGroup.groupID")
            topics = try reader.readNullableArray(
                compact: true, version: version, "DescribeShareGroupOffsetsRequestGroup.topics")
            try reader.skipTags("DescribeShareGroupOffsetsRequestGroup")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            try writer.write(groupID, compact: true, "DescribeShareGroupOffsetsRequestGroup.groupID")
            try writer.write(topics, compact: true, version: version, "DescribeShareGroupOffsetsRequestGroup.topics")
            writer.writeNoTags()
        }
    }

    /// Part of DescribeShareGroupOffsetsRequest: The topics to describe offsets for, or null for all topic-partitions.
    package struct DescribeShareGroupOffsetsRequestTopic: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 3 }

        /// The topic name.
        package var topicName: String
        /// The partitions.
        package var partitions: [Int32]

        /// A value of these parts; what is left out has its default.
        package init(
            topicName: String = "",
            partitions: [Int32] = []
        ) {
            self.topicName = topicName
            self.partitions = partitions
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            topicName = try reader.readString(compact: true, "DescribeShareGroupOffsetsRequestTopic.topicName")
            partitions = try reader.readArray(
                compact: true, version: version, "DescribeShareGroupOffsetsRequestTopic.partitions")
            try reader.skipTags("DescribeShareGroupOffsetsRequestTopic")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            try writer.write(topicName, compact: true, "DescribeShareGroupOffsetsRequestTopic.topicName")
            try writer.write(
                partitions, compact: true, version: version, "DescribeShareGroupOffsetsRequestTopic.partitions")
            writer.writeNoTags()
        }
    }
}
