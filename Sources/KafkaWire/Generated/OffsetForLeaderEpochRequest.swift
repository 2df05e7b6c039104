// Made from Apache Kafka's OffsetForLeaderEpochRequest.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The request of Kafka's API 23, OffsetForLeaderEpoch, versions 2 to 4.
package struct OffsetForLeaderEpochRequest: KafkaRequest {
    /// The number of the API.
    package static let key: Int16 = 23
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 2...4
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 4

    /// The broker ID of the follower, of -1 if this request is from a consumer. From version 3.
    package var replicaID: Int32
    /// Each topic to get offsets for.
    package var topics: [OffsetForLeaderTopic]

    /// A value of these parts; what is left out has its default.
    package init(
        replicaID: Int32 = -2,
        topics: [OffsetForLeaderTopic] = []
    ) {
        self.replicaID = replicaID
        self.topics = topics
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "OffsetForLeaderEpochRequest")
        self.init()
        let isFlexible = version == 4
        if version >= 3 {
            replicaID = try reader.readInt32("OffsetForLeaderEpochRequest.replicaID")
        }
        topics = try reader.readArray(compact: isFlexible, version: version, "OffsetForLeaderEpochRequest.topics")
        if isFlexible {
            try reader.skipTags("OffsetForLeaderEpochRequest")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "OffsetForLeaderEpochRequest")
        let isFlexible = version == 4
        if version >= 3 {
            writer.write(replicaID)
        }
        try writer.write(topics, compact: isFlexible, version: version, "OffsetForLeaderEpochRequest.topics")
        if isFlexible {
            writer.writeNoTags()
        }
    }
}

extension OffsetForLeaderEpochRequest {
    /// Part of OffsetForLeaderEpochRequest: Each topic to get offsets for.
    package struct OffsetForLeaderTopic: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 3 }

        /// The topic name.
        package var topic: String
        /// Each partition to get offsets for.
        package var partitions: [OffsetForLeaderPartition]

        /// A value of these parts; what is left out has its default.
        package init(
            topic: String = "",
            partitions: [OffsetForLeaderPartition] = []
        ) {
            self.topic = topic
            self.partitions = partitions
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version == 4
            topic = try reader.readString(compact: isFlexible, "OffsetForLeaderTopic.topic")
            partitions = try reader.readArray(compact: isFlexible, version: version, "OffsetForLeaderTopic.partitions")
            if isFlexible {
                try reader.skipTags("OffsetForLeaderTopic")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version == 4
            try writer.write(topic, compact: isFlexible, "OffsetForLeaderTopic.topic")
            try writer.write(partitions, compact: isFlexible, version: version, "OffsetForLeaderTopic.partitions")
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }

    /// Part of OffsetForLeaderEpochRequest: Each partition to get offsets for.
    package struct OffsetForLeaderPartition: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 12 }

        /// The partition index.
        package var partition: Int32
        /// An epoch used to fence consumers/replicas with old metadata. If the epoch provided by the client is larger
        /// than the current epoch known to the broker, then the UNKNOWN_LEADER_EPOCH error code will be returned. If
        /// the provided epoch is smaller, then the FENCED_LEADER_EPOCH error code will be returned.
        package var currentLeaderEpoch: Int32
        /// The epoch to look up an offset for.
        package var leaderEpoch: Int32

        /// A value of these parts; what is left out has its default.
        package init(
            partition: Int32 = 0,
            currentLeaderEpoch: Int32 = -1,
            leaderEpoch: Int32 = 0
        ) {
            self.partition = partition
            self.currentLeaderEpoch = currentLeaderEpoch
            self.leaderEpoch = leaderEpoch
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version == 4
            partition = try reader.readInt32("OffsetForLeaderPartition.partition")
            currentLeaderEpoch = try reader.readInt32("OffsetForLeaderPartition.currentLeaderEpoch")
            leaderEpoch = try reader.readInt32("OffsetForLeaderPartition.leaderEpoch")
            if isFlexible {
                try reader.skipTags("OffsetForLeaderPartition")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version == 4
            writer.write(partition)
            writer.write(currentLeaderEpoch)
            writer.write(leaderEpoch)
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }
}
