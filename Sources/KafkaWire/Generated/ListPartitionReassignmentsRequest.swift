// Made from Apache Kafka's ListPartitionReassignmentsRequest.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The request of Kafka's API 46, ListPartitionReassignments, version 0.
package struct ListPartitionReassignmentsRequest: KafkaRequest {
    /// The number of the API.
    package static let key: Int16 = 46
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...0
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 0

    /// The time in ms to wait for the request to complete.
    package var timeoutMs: Int32
    /// The topics to list partition reassignments for, or null to list everything.
    package var topics: [ListPartitionReassignmentsTopics]?

    /// A value of these parts; what is left out has its default.
    package init(
        timeoutMs: Int32 = 60000,
        topics: [ListPartitionReassignmentsTopics]? = nil
    ) {
        self.timeoutMs = timeoutMs
        self.topics = topics
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "ListPartitionReassignmentsRequest")
        self.init()
        timeoutMs = try reader.readInt32("ListPartitionReassignmentsRequest.timeoutMs")
        topics = try reader.readNullableArray(
            compact: true, version: version, "ListPartitionReassignmentsRequest.topics")
        try reader.skipTags("ListPartitionReassignmentsRequest")
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "ListPartitionReassignmentsRequest")
        writer.write(timeoutMs)
        try writer.write(topics, compact: true, version: version, "ListPartitionReassignmentsRequest.topics")
        writer.writeNoTags()
    }
}

extension ListPartitionReassignmentsRequest {
    /// Part of ListPartitionReassignmentsRequest: The topics to list partition reassignments for, or null to list
    /// everything.
    package struct ListPartitionReassignmentsTopics: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 3 }

        /// The topic name.
        package var name: String
        /// The partitions to list partition reassignments for.
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
            name = try reader.readString(compact: true, "ListPartitionReassignmentsTopics.name")
            partitionIndexes = try reader.readArray(
                compact: true, version: version, "ListPartitionReassignmentsTopics.partitionIndexes")
            try reader.skipTags("ListPartitionReassignmentsTopics")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            try writer.write(name, compact: true, "ListPartitionReassignmentsTopics.name")
            try writer.write(
                partitionIndexes, compact: true, version: version, "ListPartitionReassignmentsTopics.partitionIndexes")
            writer.writeNoTags()
        }
    }
}
