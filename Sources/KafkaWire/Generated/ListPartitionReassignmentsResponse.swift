// Made from Apache Kafka's ListPartitionReassignmentsResponse.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The response of Kafka's API 46, ListPartitionReassignments, version 0.
package struct ListPartitionReassignmentsResponse: KafkaResponse {
    /// The number of the API.
    package static let key: Int16 = 46
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...0
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 0

    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the
    /// request did not violate any quota.
    package var throttleTimeMs: Int32
    /// The top-level error code, or 0 if there was no error.
    package var errorCode: KafkaErrorCode
    /// The top-level error message, or null if there was no error.
    package var errorMessage: String?
    /// The ongoing reassignments for each topic.
    package var topics: [OngoingTopicReassignment]

    /// A value of these parts; what is left out has its default.
    package init(
        throttleTimeMs: Int32 = 0,
        errorCode: KafkaErrorCode = .none,
        errorMessage: String? = "",
        topics: [OngoingTopicReassignment] = []
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.errorCode = errorCode
        self.errorMessage = errorMessage
        self.topics = topics
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "ListPartitionReassignmentsResponse")
        self.init()
        throttleTimeMs = try reader.readInt32("ListPartitionReassignmentsResponse.throttleTimeMs")
        errorCode = try reader.readErrorCode("ListPartitionReassignmentsResponse.errorCode")
        errorMessage = try reader.readNullableString(compact: true, "ListPartitionReassignmentsResponse.errorMessage")
        topics = try reader.readArray(compact: true, version: version, "ListPartitionReassignmentsResponse.topics")
        try reader.skipTags("ListPartitionReassignmentsResponse")
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "ListPartitionReassignmentsResponse")
        writer.write(throttleTimeMs)
        writer.write(errorCode)
        try writer.write(errorMessage, compact: true, "ListPartitionReassignmentsResponse.errorMessage")
        try writer.write(topics, compact: true, version: version, "ListPartitionReassignmentsResponse.topics")
        writer.writeNoTags()
    }
}

extension ListPartitionReassignmentsResponse {
    /// Part of ListPartitionReassignmentsResponse: The ongoing reassignments for each topic.
    package struct OngoingTopicReassignment: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 3 }

        /// The topic name.
        package var name: String
        /// The ongoing reassignments for each partition.
        package var partitions: [OngoingPartitionReassignment]

        /// A value of these parts; what is left out has its default.
        package init(
            name: String = "",
            partitions: [OngoingPartitionReassignment] = []
        ) {
            self.name = name
            self.partitions = partitions
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            name = try reader.readString(compact: true, "OngoingTopicReassignment.name")
            partitions = try reader.readArray(compact: true, version: version, "OngoingTopicReassignment.partitions")
            try reader.skipTags("OngoingTopicReassignment")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            try writer.write(name, compact: true, "OngoingTopicReassignment.name")
            try writer.write(partitions, compact: true, version: version, "OngoingTopicReassignment.partitions")
            writer.writeNoTags()
        }
    }

    /// Part of ListPartitionReassignmentsResponse: The ongoing reassignments for each partition.
    package struct OngoingPartitionReassignment: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 8 }

        /// The index of the partition.
        package var partitionIndex: Int32
        /// The current replica set.
        package var replicas: [Int32]
        /// The set of replicas we are currently adding.
        package var addingReplicas: [Int32]
        /// The set of replicas we are currently removing.
        package var removingReplicas: [Int32]

        /// A value of these parts; what is left out has its default.
        package init(
            partitionIndex: Int32 = 0,
            replicas: [Int32] = [],
            addingReplicas: [Int32] = [],
            removingReplicas: [Int32] = []
        ) {
            self.partitionIndex = partitionIndex
            self.replicas = replicas
            self.addingReplicas = addingReplicas
            self.removingReplicas = removingReplicas
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            partitionIndex = try reader.readInt32("OngoingPartitionReassignment.partitionIndex")
            replicas = try reader.readArray(compact: true, version: version, "OngoingPartitionReassignment.replicas")
            addingReplicas = try reader.readArray(
                compact: true, version: version, "OngoingPartitionReassignment.addingReplicas")
            removingReplicas = try reader.readArray(
                compact: true, version: version, "OngoingPartitionReassignment.removingReplicas")
            try reader.skipTags("OngoingPartitionReassignment")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            writer.write(partitionIndex)
            try writer.write(replicas, compact: true, version: version, "OngoingPartitionReassignment.replicas")
            try writer.write(
                addingReplicas, compact: true, version: version, "OngoingPartitionReassignment.addingReplicas")
            try writer.write(
                removingReplicas, compact: true, version: version, "OngoingPartitionReassignment.removingReplicas")
            writer.writeNoTags()
        }
    }
}
