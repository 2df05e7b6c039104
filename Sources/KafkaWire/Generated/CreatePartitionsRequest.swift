// Made from Apache Kafka's CreatePartitionsRequest.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The request of Kafka's API 37, CreatePartitions, versions 0 to 3.
package struct CreatePartitionsRequest: KafkaRequest {
    /// The number of the API.
    package static let key: Int16 = 37
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...3
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 2

    /// Each topic that we want to create new partitions inside.
    package var topics: [CreatePartitionsTopic]
    /// The time in ms to wait for the partitions to be created.
    package var timeoutMs: Int32
    /// If true, then validate the request, but don't actually increase the number of partitions.
    package var validateOnly: Bool

    /// A value of these parts; what is left out has its default.
    package init(
        topics: [CreatePartitionsTopic] = [],
        timeoutMs: Int32 = 0,
        validateOnly: Bool = false
    ) {
        self.topics = topics
        self.timeoutMs = timeoutMs
        self.validateOnly = validateOnly
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "CreatePartitionsRequest")
        self.init()
        let isFlexible = version >= 2
        topics = try reader.readArray(compact: isFlexible, version: version, "CreatePartitionsRequest.topics")
        timeoutMs = try reader.readInt32("CreatePartitionsRequest.timeoutMs")
        validateOnly = try reader.readBool("CreatePartitionsRequest.validateOnly")
        if isFlexible {
            try reader.skipTags("CreatePartitionsRequest")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "CreatePartitionsRequest")
        let isFlexible = version >= 2
        try writer.write(topics, compact: isFlexible, version: version, "CreatePartitionsRequest.topics")
        writer.write(timeoutMs)
        writer.write(validateOnly)
        if isFlexible {
            writer.writeNoTags()
        }
    }
}

extension CreatePartitionsRequest {
    /// Part of CreatePartitionsRequest: Each topic that we want to create new partitions inside.
    package struct CreatePartitionsTopic: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 7 }

        /// The topic name.
        package var name: String
        /// The new partition count.
        package var count: Int32
        /// The new partition assignments.
        package var assignments: [CreatePartitionsAssignment]?

        /// A value of these parts; what is left out has its default.
        package init(
            name: String = "",
            count: Int32 = 0,
            assignments: [CreatePartitionsAssignment]? = []
        ) {
            self.name = name
            self.count = count
            self.assignments = assignments
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 2
            name = try reader.readString(compact: isFlexible, "CreatePartitionsTopic.name")
            count = try reader.readInt32("CreatePartitionsTopic.count")
            assignments = try reader.readNullableArray(
                compact: isFlexible, version: version, "CreatePartitionsTopic.assignments")
            if isFlexible {
                try reader.skipTags("CreatePartitionsTopic")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 2
            try writer.write(name, compact: isFlexible, "CreatePartitionsTopic.name")
            writer.write(count)
            try writer.write(assignments, compact: isFlexible, version: version, "CreatePartitionsTopic.assignments")
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }

    /// Part of CreatePartitionsRequest: The new partition assignments.
    package struct CreatePartitionsAssignment: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 2 }

        /// The assigned broker IDs.
        package var brokerIDs: [Int32]

        /// A value of these parts; what is left out has its default.
        package init(
            brokerIDs: [Int32] = []
        ) {
            self.brokerIDs = brokerIDs
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 2
            brokerIDs = try reader.readArray(
                compact: isFlexible, version: version, "CreatePartitionsAssignment.brokerIDs")
            if isFlexible {
                try reader.skipTags("CreatePartitionsAssignment")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 2
            try writer.write(brokerIDs, compact: isFlexible, version: version, "CreatePartitionsAssignment.brokerIDs")
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }
}
