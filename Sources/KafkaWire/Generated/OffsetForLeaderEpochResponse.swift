// Made from Apache Kafka's OffsetForLeaderEpochResponse.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The response of Kafka's API 23, OffsetForLeaderEpoch, versions 2 to 4.
package struct OffsetForLeaderEpochResponse: KafkaResponse {
    /// The number of the API.
    package static let key: Int16 = 23
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 2...4
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 4

    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the
    /// request did not violate any quota.
    package var throttleTimeMs: Int32
    /// Each topic we fetched offsets for.
    package var topics: [OffsetForLeaderTopicResult]

    /// A value of these parts; what is left out has its default.
    package init(
        throttleTimeMs: Int32 = 0,
        topics: [OffsetForLeaderTopicResult] = []
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.topics = topics
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "OffsetForLeaderEpochResponse")
        self.init()
        let isFlexible = version == 4
        throttleTimeMs = try reader.readInt32("OffsetForLeaderEpochResponse.throttleTimeMs")
        topics = try reader.readArray(compact: isFlexible, version: version, "OffsetForLeaderEpochResponse.topics")
        if isFlexible {
            try reader.skipTags("OffsetForLeaderEpochResponse")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "OffsetForLeaderEpochResponse")
        let isFlexible = version == 4
        writer.write(throttleTimeMs)
        try writer.write(topics, compact: isFlexible, version: version, "OffsetForLeaderEpochResponse.topics")
        if isFlexible {
            writer.writeNoTags()
        }
    }
}

extension OffsetForLeaderEpochResponse {
    /// Part of OffsetForLeaderEpochResponse: Each topic we fetched offsets for.
    package struct OffsetForLeaderTopicResult: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 3 }

        /// The topic name.
        package var topic: String
        /// Each partition in the topic we fetched offsets for.
        package var partitions: [EpochEndOffset]

        /// A value of these parts; what is left out has its default.
        package init(
            topic: String = "",
            partitions: [EpochEndOffset] = []
        ) {
            self.topic = topic
            self.partitions = partitions
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version == 4
            topic = try reader.readString(compact: isFlexible, "OffsetForLeaderTopicResult.topic")
            partitions = try reader.readArray(
                compact: isFlexible, version: version, "OffsetForLeaderTopicResult.partitions")
            if isFlexible {
                try reader.skipTags("OffsetForLeaderTopicResult")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version == 4
            try writer.write(topic, compact: isFlexible, "OffsetForLeaderTopicResult.topic")
            try writer.write(partitions, compact: isFlexible, version: version, "OffsetForLeaderTopicResult.partitions")
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }

    /// Part of OffsetForLeaderEpochResponse: Each partition in the topic we fetched offsets for.
    package struct EpochEndOffset: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 18 }

        /// The error code 0, or if there was no error.
        package var errorCode: KafkaErrorCode
        /// The partition index.
        package var partition: Int32
        /// The leader epoch of the partition.
        package var leaderEpoch: Int32
        /// The end offset of the epoch.
        package var endOffset: Int64

        /// A value of these parts; what is left out has its default.
        package init(
            errorCode: KafkaErrorCode = .none,
            partition: Int32 = 0,
            leaderEpoch: Int32 = -1,
            endOffset: Int64 = -1
        ) {
            self.errorCode = errorCode
            self.partition = partition
            self.leaderEpoch = leaderEpoch
            self.endOffset = endOffset
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version == 4
            errorCode = try reader.readErrorCode("EpochEndOffset.errorCode")
            partition = try reader.readInt32("EpochEndOffset.partition")
            leaderEpoch = try reader.readInt32("EpochEndOffset.leaderEpoch")
            endOffset = try reader.readInt64("EpochEndOffset.endOffset")
            if isFlexible {
                try reader.skipTags("EpochEndOffset")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version == 4
            writer.write(errorCode)
            writer.write(partition)
            writer.write(leaderEpoch)
            writer.write(endOffset)
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }
}
