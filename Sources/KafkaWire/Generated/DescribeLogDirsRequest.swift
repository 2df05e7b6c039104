// Made from Apache Kafka's DescribeLogDirsRequest.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The request of Kafka's API 35, DescribeLogDirs, versions 0 to 5.
package struct DescribeLogDirsRequest: KafkaRequest {
    /// The number of the API.
    package static let key: Int16 = 35
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...5
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 2

    /// Each topic that we want to describe log directories for, or null for all topics.
    package var topics: [DescribableLogDirTopic]?

    /// A value of these parts; what is left out has its default.
    package init(
        topics: [DescribableLogDirTopic]? = []
    ) {
        self.topics = topics
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "DescribeLogDirsRequest")
        self.init()
        let isFlexible = version >= 2
        topics = try reader.readNullableArray(compact: isFlexible, version: version, "DescribeLogDirsRequest.topics")
        if isFlexible {
            try reader.skipTags("DescribeLogDirsRequest")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "DescribeLogDirsRequest")
        let isFlexible = version >= 2
        try writer.write(topics, compact: isFlexible, version: version, "DescribeLogDirsRequest.topics")
        if isFlexible {
            writer.writeNoTags()
        }
    }
}

extension DescribeLogDirsRequest {
    /// Part of DescribeLogDirsRequest: Each topic that we want to describe log directories for, or null for all topics.
    package struct DescribableLogDirTopic: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 3 }

        /// The topic name.
        package var topic: String
        /// The partition indexes.
        package var partitions: [Int32]

        /// A value of these parts; what is left out has its default.
        package init(
            topic: String = "",
            partitions: [Int32] = []
        ) {
            self.topic = topic
            self.partitions = partitions
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 2
            topic = try reader.readString(compact: isFlexible, "DescribableLogDirTopic.topic")
            partitions = try reader.readArray(
                compact: isFlexible, version: version, "DescribableLogDirTopic.partitions")
            if isFlexible {
                try reader.skipTags("DescribableLogDirTopic")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 2
            try writer.write(topic, compact: isFlexible, "DescribableLogDirTopic.topic")
            try writer.write(partitions, compact: isFlexible, version: version, "DescribableLogDirTopic.partitions")
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }
}
