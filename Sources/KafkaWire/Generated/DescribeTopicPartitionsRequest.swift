// Made from Apache Kafka's DescribeTopicPartitionsRequest.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The request of Kafka's API 75, DescribeTopicPartitions, version 0.
package struct DescribeTopicPartitionsRequest: KafkaRequest {
    /// The number of the API.
    package static let key: Int16 = 75
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...0
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 0

    /// The topics to fetch details for.
    package var topics: [TopicRequest]
    /// The maximum number of partitions included in the response.
    package var responsePartitionLimit: Int32
    /// The first topic and partition index to fetch details for.
    package var cursor: Cursor?

    /// A value of these parts; what is left out has its default.
    package init(
        topics: [TopicRequest] = [],
        responsePartitionLimit: Int32 = 2000,
        cursor: Cursor? = nil
    ) {
        self.topics = topics
        self.responsePartitionLimit = responsePartitionLimit
        self.cursor = cursor
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "DescribeTopicPartitionsRequest")
        self.init()
        topics = try reader.readArray(compact: true, version: version, "DescribeTopicPartitionsRequest.topics")
        responsePartitionLimit = try reader.readInt32("DescribeTopicPartitionsRequest.responsePartitionLimit")
        cursor = try reader.readNullableStructure(version: version, "DescribeTopicPartitionsRequest.cursor")
        try reader.skipTags("DescribeTopicPartitionsRequest")
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "DescribeTopicPartitionsRequest")
        try writer.write(topics, compact: true, version: version, "DescribeTopicPartitionsRequest.topics")
        writer.write(responsePartitionLimit)
        try writer.writeNullable(cursor, version: version)
        writer.writeNoTags()
    }
}

extension DescribeTopicPartitionsRequest {
    /// Part of DescribeTopicPartitionsRequest: The topics to fetch details for.
    package struct TopicRequest: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 2 }

        /// The topic name.
        package var name: String

        /// A value of these parts; what is left out has its default.
        package init(
            name: String = ""
        ) {
            self.name = name
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            name = try reader.readString(compact: true, "TopicRequest.name")
            try reader.skipTags("TopicRequest")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            try writer.write(name, compact: true, "TopicRequest.name")
            writer.writeNoTags()
        }
    }

    /// Part of DescribeTopicPartitionsRequest: The first topic and partition index to fetch details for.
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
