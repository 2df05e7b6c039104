// Made from Apache Kafka's OffsetDeleteRequest.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The request of Kafka's API 47, OffsetDelete, version 0.
package struct OffsetDeleteRequest: KafkaRequest {
    /// The number of the API.
    package static let key: Int16 = 47
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...0
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = nil

    /// The unique group identifier.
    package var groupID: String
    /// The topics to delete offsets for.
    package var topics: [OffsetDeleteRequestTopic]

    /// A value of these parts; what is left out has its default.
    package init(
        groupID: String = "",
        topics: [OffsetDeleteRequestTopic] = []
    ) {
        self.groupID = groupID
        self.topics = topics
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "OffsetDeleteRequest")
        self.init()
        groupID = try reader.readString(compact: false, "OffsetDeleteRequest.groupID")
        topics = try reader.readArray(compact: false, version: version, "OffsetDeleteRequest.topics")
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "OffsetDeleteRequest")
        try writer.write(groupID, compact: false, "OffsetDeleteRequest.groupID")
        try writer.write(topics, compact: false, version: version, "OffsetDeleteRequest.topics")
    }
}

extension OffsetDeleteRequest {
    /// Part of OffsetDeleteRequest: The topics to delete offsets for.
    package struct OffsetDeleteRequestTopic: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 6 }

        /// The topic name.
        package var name: String
        /// Each partition to delete offsets for.
        package var partitions: [OffsetDeleteRequestPartition]

        /// A value of these parts; what is left out has its default.
        package init(
            name: String = "",
            partitions: [OffsetDeleteRequestPartition] = []
        ) {
            self.name = name
            self.partitions = partitions
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            name = try reader.readString(compact: false, "OffsetDeleteRequestTopic.name")
            partitions = try reader.readArray(compact: false, version: version, "OffsetDeleteRequestTopic.partitions")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            try writer.write(name, compact: false, "OffsetDeleteRequestTopic.name")
            try writer.write(partitions, compact: false, version: version, "OffsetDeleteRequestTopic.partitions")
        }
    }

    /// Part of OffsetDeleteRequest: Each partition to delete offsets for.
    package struct OffsetDeleteRequestPartition: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 4 }

        /// The partition index.
        package var partitionIndex: Int32

        /// A value of these parts; what is left out has its default.
        package init(
            partitionIndex: Int32 = 0
        ) {
            self.partitionIndex = partitionIndex
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            partitionIndex = try reader.readInt32("OffsetDeleteRequestPartition.partitionIndex")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            writer.write(partitionIndex)
        }
    }
}
