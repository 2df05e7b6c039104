// Made from Apache Kafka's MetadataResponse.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The response of Kafka's API 3, Metadata, versions 0 to 13.
package struct MetadataResponse: KafkaResponse {
    /// The number of the API.
    package static let key: Int16 = 3
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...13
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 9

    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the
    /// request did not violate any quota. From version 3.
    package var throttleTimeMs: Int32
    /// A list of brokers present in the cluster.
    package var brokers: [MetadataResponseBroker]
    /// The cluster ID that responding broker belongs to. From version 2.
    package var clusterID: String?
    /// The ID of the controller broker. From version 1.
    package var controllerID: Int32
    /// Each topic in the response.
    package var topics: [MetadataResponseTopic]
    /// 32-bit bitfield to represent authorized operations for this cluster. Versions 8 to 10.
    package var clusterAuthorizedOperations: Int32
    /// The top-level error code, or 0 if there was no error. Version 13 only.
    package var errorCode: KafkaErrorCode

    /// A value of these parts; what is left out has its default.
    package init(
        throttleTimeMs: Int32 = 0,
        brokers: [MetadataResponseBroker] = [],
        clusterID: String? = nil,
        controllerID: Int32 = -1,
        topics: [MetadataResponseTopic] = [],
        clusterAuthorizedOperations: Int32 = -2147483648,
        errorCode: KafkaErrorCode = .none
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.brokers = brokers
        self.clusterID = clusterID
        self.controllerID = controllerID
        self.topics = topics
        self.clusterAuthorizedOperations = clusterAuthorizedOperations
        self.errorCode = errorCode
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "MetadataResponse")
        self.init()
        let isFlexible = version >= 9
        if version >= 3 {
            throttleTimeMs = try reader.readInt32("MetadataResponse.throttleTimeMs")
        }
        brokers = try reader.readArray(compact: isFlexible, version: version, "MetadataResponse.brokers")
        if version >= 2 {
            clusterID = try reader.readNullableString(compact: isFlexible, "MetadataResponse.clusterID")
        }
        if version >= 1 {
            controllerID = try reader.readInt32("MetadataResponse.controllerID")
        }
        topics = try reader.readArray(compact: isFlexible, version: version, "MetadataResponse.topics")
        if version >= 8, version <= 10 {
            clusterAuthorizedOperations = try reader.readInt32("MetadataResponse.clusterAuthorizedOperations")
        }
        if version == 13 {
            errorCode = try reader.readErrorCode("MetadataResponse.errorCode")
        }
        if isFlexible {
            try reader.skipTags("MetadataResponse")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "MetadataResponse")
        let isFlexible = version >= 9
        if version >= 3 {
            writer.write(throttleTimeMs)
        }
        try writer.write(brokers, compact: isFlexible, version: version, "MetadataResponse.brokers")
        if version >= 2 {
            try writer.write(clusterID, compact: isFlexible, "MetadataResponse.clusterID")
        }
        if version >= 1 {
            writer.write(controllerID)
        }
        try writer.write(topics, compact: isFlexible, version: version, "MetadataResponse.topics")
        if version >= 8, version <= 10 {
            writer.write(clusterAuthorizedOperations)
        } else if clusterAuthorizedOperations != -2147483648 {
            throw writer.notInVersion(version, "MetadataResponse.clusterAuthorizedOperations")
        }
        if version == 13 {
            writer.write(errorCode)
        }
        if isFlexible {
            writer.writeNoTags()
        }
    }
}

extension MetadataResponse {
    /// Part of MetadataResponse: A list of brokers present in the cluster.
    package struct MetadataResponseBroker: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 10 }

        /// The broker ID.
        package var nodeID: Int32
        /// The broker hostname.
        package var host: String
        /// The broker port.
        package var port: Int32
        /// The rack of the broker, or null if it has not been assigned to a rack. From version 1.
        package var rack: String?

        /// A value of these parts; what is left out has its default.
        package init(
            nodeID: Int32 = 0,
            host: String = "",
            port: Int32 = 0,
            rack: String? = nil
        ) {
            self.nodeID = nodeID
            self.host = host
            self.port = port
            self.rack = rack
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 9
            nodeID = try reader.readInt32("MetadataResponseBroker.nodeID")
            host = try reader.readString(compact: isFlexible, "MetadataResponseBroker.host")
            port = try reader.readInt32("MetadataResponseBroker.port")
            if version >= 1 {
                rack = try reader.readNullableString(compact: isFlexible, "MetadataResponseBroker.rack")
            }
            if isFlexible {
                try reader.skipTags("MetadataResponseBroker")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 9
            writer.write(nodeID)
            try writer.write(host, compact: isFlexible, "MetadataResponseBroker.host")
            writer.write(port)
            if version >= 1 {
                try writer.write(rack, compact: isFlexible, "MetadataResponseBroker.rack")
            }
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }

    /// Part of MetadataResponse: Each topic in the response.
    package struct MetadataResponseTopic: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 8 }

        /// The topic error, or 0 if there was no error.
        package var errorCode: KafkaErrorCode
        /// The topic name. Null for non-existing topics queried by ID. This is never null when ErrorCode is zero. One
        /// of Name and TopicId is always populated.
        package var name: String?
        /// The topic id. Zero for non-existing topics queried by name. This is never zero when ErrorCode is zero. One
        /// of Name and TopicId is always populated. From version 10.
        package var topicID: KafkaUUID
        /// True if the topic is internal. From version 1.
        package var isInternal: Bool
        /// Each partition in the topic.
        package var partitions: [MetadataResponsePartition]
        /// 32-bit bitfield to represent authorized operations for this topic. From version 8.
        package var topicAuthorizedOperations: Int32

        /// A value of these parts; what is left out has its default.
        package init(
            errorCode: KafkaErrorCode = .none,
            name: String? = "",
            topicID: KafkaUUID = .zero,
            isInternal: Bool = false,
            partitions: [MetadataResponsePartition] = [],
            topicAuthorizedOperations: Int32 = -2147483648
        ) {
            self.errorCode = errorCode
            self.name = name
            self.topicID = topicID
            self.isInternal = isInternal
            self.partitions = partitions
            self.topicAuthorizedOperations = topicAuthorizedOperations
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 9
            errorCode = try reader.readErrorCode("MetadataResponseTopic.errorCode")
            name = try reader.readNullableString(
                compact: isFlexible, nullable: version >= 12, "MetadataResponseTopic.name")
            if version >= 10 {
                topicID = try reader.readUUID("MetadataResponseTopic.topicID")
            }
            if version >= 1 {
                isInternal = try reader.readBool("MetadataResponseTopic.isInternal")
            }
            partitions = try reader.readArray(compact: isFlexible, version: version, "MetadataResponseTopic.partitions")
            if version >= 8 {
                topicAuthorizedOperations = try reader.readInt32("MetadataResponseTopic.topicAuthorizedOperations")
            }
            if isFlexible {
                try reader.skipTags("MetadataResponseTopic")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 9
            writer.write(errorCode)
            try writer.write(name, compact: isFlexible, nullable: version >= 12, "MetadataResponseTopic.name")
            if version >= 10 {
                writer.write(topicID)
            }
            if version >= 1 {
                writer.write(isInternal)
            }
            try writer.write(partitions, compact: isFlexible, version: version, "MetadataResponseTopic.partitions")
            if version >= 8 {
                writer.write(topicAuthorizedOperations)
            } else if topicAuthorizedOperations != -2147483648 {
                throw writer.notInVersion(version, "MetadataResponseTopic.topicAuthorizedOperations")
            }
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }

    /// Part of MetadataResponse: Each partition in the topic.
    package struct MetadataResponsePartition: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 18 }

        /// The partition error, or 0 if there was no error.
        package var errorCode: KafkaErrorCode
        /// The partition index.
        package var partitionIndex: Int32
        /// The ID of the leader broker.
        package var leaderID: Int32
        /// The leader epoch of this partition. From version 7.
        package var leaderEpoch: Int32
        /// The set of all nodes that host this partition.
        package var replicaNodes: [Int32]
        /// The set of nodes that are in sync with the leader for this partition.
        package var isrNodes: [Int32]
        /// The set of offline replicas of this partition. From version 5.
        package var offlineReplicas: [Int32]

        /// A value of these parts; what is left out has its default.
        package init(
            errorCode: KafkaErrorCode = .none,
            partitionIndex: Int32 = 0,
            leaderID: Int32 = 0,
            leaderEpoch: Int32 = -1,
            replicaNodes: [Int32] = [],
            isrNodes: [Int32] = [],
            offlineReplicas: [Int32] = []
        ) {
            self.errorCode = errorCode
            self.partitionIndex = partitionIndex
            self.leaderID = leaderID
            self.leaderEpoch = leaderEpoch
            self.replicaNodes = replicaNodes
            self.isrNodes = isrNodes
            self.offlineReplicas = offlineReplicas
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 9
            errorCode = try reader.readErrorCode("MetadataResponsePartition.errorCode")
            partitionIndex = try reader.readInt32("MetadataResponsePartition.partitionIndex")
            leaderID = try reader.readInt32("MetadataResponsePartition.leaderID")
            if version >= 7 {
                leaderEpoch = try reader.readInt32("MetadataResponsePartition.leaderEpoch")
            }
            replicaNodes = try reader.readArray(
                compact: isFlexible, version: version, "MetadataResponsePartition.replicaNodes")
            isrNodes = try reader.readArray(compact: isFlexible, version: version, "MetadataResponsePartition.isrNodes")
            if version >= 5 {
                offlineReplicas = try reader.readArray(
                    compact: isFlexible, version: version, "MetadataResponsePartition.offlineReplicas")
            }
            if isFlexible {
                try reader.skipTags("MetadataResponsePartition")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 9
            writer.write(errorCode)
            writer.write(partitionIndex)
            writer.write(leaderID)
            if version >= 7 {
                writer.write(leaderEpoch)
            }
            try writer.write(
                replicaNodes, compact: isFlexible, version: version, "MetadataResponsePartition.replicaNodes")
            try writer.write(isrNodes, compact: isFlexible, version: version, "MetadataResponsePartition.isrNodes")
            if version >= 5 {
                try writer.write(
                    offlineReplicas, compact: isFlexible, version: version,
                    "MetadataResponsePartition.offlineReplicas")
            }
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }
}
