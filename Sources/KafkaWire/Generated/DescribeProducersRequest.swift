// Made from Apache Kafka's DescribeProducersRequest.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The request of Kafka's API 61, DescribeProducers, version 0.
package struct DescribeProducersRequest: KafkaRequest {
    /// The number of the API.
    package static let key: Int16 = 61
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...0
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 0

    /// The topics to list producers for.
    package var topics: [TopicRequest]

    /// A value of these parts; what is left out has its default.
    package init(
        topics: [TopicRequest] = []
    ) {
        self.topics = topics
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "DescribeProducersRequest")
        self.init()
        topics = try reader.readArray(compact: true, version: version, "DescribeProducersRequest.topics")
        try reader.skipTags("DescribeProducersRequest")
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "DescribeProducersRequest")
        try writer.write(topics, compact: true, version: version, "DescribeProducersRequest.topics")
        writer.writeNoTags()
    }
}

extension DescribeProducersRequest {
    /// Part of DescribeProducersRequest: The topics to list producers for.
    package struct TopicRequest: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 3 }

        /// The topic name.
        package var name: String
        /// The indexes of the partitions to list producers for.
        package var partitionIndexes: [Int32]

        /// A value of these parts; what is left out has its default.
        package init(
            name: String = "",
            partitionIndexes: [Int32] = []
        ) {
            self.name = name
            self.partitionIndexes = partitionIndexes
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            name = try reader.readString(compact: true, "TopicRequest.name")
            partitionIndexes = try reader.readArray(compact: true, version: version, "TopicRequest.partitionIndexes")
            try reader.skipTags("TopicRequest")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            try writer.write(name, compact: true, "TopicRequest.name")
            try writer.write(partitionIndexes, compact: true, version: version, "TopicRequest.partitionIndexes")
            writer.writeNoTags()
        }
    }
}
