// Made from Apache Kafka's CreateTopicsRequest.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The request of Kafka's API 19, CreateTopics, versions 0 to 7.
package struct CreateTopicsRequest: KafkaRequest {
    /// The number of the API.
    package static let key: Int16 = 19
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...7
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 5

    /// The topics to create.
    package var topics: [CreatableTopic]
    /// How long to wait in milliseconds before timing out the request.
    package var timeoutMs: Int32
    /// If true, check that the topics can be created as specified, but don't create anything. From version 1.
    package var validateOnly: Bool

    /// A value of these parts; what is left out has its default.
    package init(
        topics: [CreatableTopic] = [],
        timeoutMs: Int32 = 60000,
        validateOnly: Bool = false
    ) {
        self.topics = topics
        self.timeoutMs = timeoutMs
        self.validateOnly = validateOnly
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "CreateTopicsRequest")
        self.init()
        let isFlexible = version >= 5
        topics = try reader.readArray(compact: isFlexible, version: version, "CreateTopicsRequest.topics")
        timeoutMs = try reader.readInt32("CreateTopicsRequest.timeoutMs")
        if version >= 1 {
            validateOnly = try reader.readBool("CreateTopicsRequest.validateOnly")
        }
        if isFlexible {
            try reader.skipTags("CreateTopicsRequest")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "CreateTopicsRequest")
        let isFlexible = version >= 5
        try writer.write(topics, compact: isFlexible, version: version, "CreateTopicsRequest.topics")
        writer.write(timeoutMs)
        if version >= 1 {
            writer.write(validateOnly)
        } else if validateOnly {
            throw writer.notInVersion(version, "CreateTopicsRequest.validateOnly")
        }
        if isFlexible {
            writer.writeNoTags()
        }
    }
}

extension CreateTopicsRequest {
    /// Part of CreateTopicsRequest: The topics to create.
    package struct CreatableTopic: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 10 }

        /// The topic name.
        package var name: String
        /// The number of partitions to create in the topic, or -1 if we are either specifying a manual partition
        /// assignment or using the default partitions.
        package var numPartitions: Int32
        /// The number of replicas to create for each partition in the topic, or -1 if we are either specifying a manual
        /// partition assignment or using the default replication factor.
        package var replicationFactor: Int16
        /// The manual partition assignment, or the empty array if we are using automatic assignment.
        package var assignments: [CreatableReplicaAssignment]
        /// The custom topic configurations to set.
        package var configs: [CreatableTopicConfig]

        /// A value of these parts; what is left out has its default.
        package init(
            name: String = "",
            numPartitions: Int32 = 0,
            replicationFactor: Int16 = 0,
            assignments: [CreatableReplicaAssignment] = [],
            configs: [CreatableTopicConfig] = []
        ) {
            self.name = name
            self.numPartitions = numPartitions
            self.replicationFactor = replicationFactor
            self.assignments = assignments
            self.configs = configs
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 5
            name = try reader.readString(compact: isFlexible, "CreatableTopic.name")
            numPartitions = try reader.readInt32("CreatableTopic.numPartitions")
            replicationFactor = try reader.readInt16("CreatableTopic.replicationFactor")
            assignments = try reader.readArray(compact: isFlexible, version: version, "CreatableTopic.assignments")
            configs = try reader.readArray(compact: isFlexible, version: version, "CreatableTopic.configs")
            if isFlexible {
                try reader.skipTags("CreatableTopic")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 5
            try writer.write(name, compact: isFlexible, "CreatableTopic.name")
            writer.write(numPartitions)
            writer.write(replicationFactor)
            try writer.write(assignments, compact: isFlexible, version: version, "CreatableTopic.assignments")
            try writer.write(configs, compact: isFlexible, version: version, "CreatableTopic.configs")
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }

    /// Part of CreateTopicsRequest: The manual partition assignment, or the empty array if we are using automatic
    /// assignment.
    package struct CreatableReplicaAssignment: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 6 }

        /// The partition index.
        package var partitionIndex: Int32
        /// The brokers to place the partition on.
        package var brokerIDs: [Int32]

        /// A value of these parts; what is left out has its default.
        package init(
            partitionIndex: Int32 = 0,
            brokerIDs: [Int32] = []
        ) {
            self.partitionIndex = partitionIndex
            self.brokerIDs = brokerIDs
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 5
            partitionIndex = try reader.readInt32("CreatableReplicaAssignment.partitionIndex")
            brokerIDs = try reader.readArray(
                compact: isFlexible, version: version, "CreatableReplicaAssignment.brokerIDs")
            if isFlexible {
                try reader.skipTags("CreatableReplicaAssignment")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 5
            writer.write(partitionIndex)
            try writer.write(brokerIDs, compact: isFlexible, version: version, "CreatableReplicaAssignment.brokerIDs")
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }

    /// Part of CreateTopicsRequest: The custom topic configurations to set.
    package struct CreatableTopicConfig: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 3 }

        /// The configuration name.
        package var name: String
        /// The configuration value.
        package var value: String?

        /// A value of these parts; what is left out has its default.
        package init(
            name: String = "",
            value: String? = ""
        ) {
            self.name = name
            self.value = value
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 5
            name = try reader.readString(compact: isFlexible, "CreatableTopicConfig.name")
            value = try reader.readNullableString(compact: isFlexible, "CreatableTopicConfig.value")
            if isFlexible {
                try reader.skipTags("CreatableTopicConfig")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 5
            try writer.write(name, compact: isFlexible, "CreatableTopicConfig.name")
            try writer.write(value, compact: isFlexible, "CreatableTopicConfig.value")
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }
}
