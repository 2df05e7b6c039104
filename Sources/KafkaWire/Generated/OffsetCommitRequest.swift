// Made from Apache Kafka's OffsetCommitRequest.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The request of Kafka's API 8, OffsetCommit, versions 1 to 10.
package struct OffsetCommitRequest: KafkaRequest {
    /// The number of the API.
    package static let key: Int16 = 8
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 1...10
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 8

    /// The unique group identifier.
    package var groupID: String
    /// The generation of the group if using the classic group protocol or the member epoch if using the consumer
    /// protocol.
    package var generationIDOrMemberEpoch: Int32
    /// The member ID assigned by the group coordinator.
    package var memberID: String
    /// The unique identifier of the consumer instance provided by end user. From version 7.
    package var groupInstanceID: String?
    /// The time period in ms to retain the offset. Versions 2 to 4.
    package var retentionTimeMs: Int64
    /// The topics to commit offsets for.
    package var topics: [OffsetCommitRequestTopic]

    /// A value of these parts; what is left out has its default.
    package init(
        groupID: String = "",
        generationIDOrMemberEpoch: Int32 = -1,
        memberID: String = "",
        groupInstanceID: String? = nil,
        retentionTimeMs: Int64 = -1,
        topics: [OffsetCommitRequestTopic] = []
    ) {
        self.groupID = groupID
        self.generationIDOrMemberEpoch = generationIDOrMemberEpoch
        self.memberID = memberID
        self.groupInstanceID = groupInstanceID
        self.retentionTimeMs = retentionTimeMs
        self.topics = topics
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "OffsetCommitRequest")
        self.init()
        let isFlexible = version >= 8
        groupID = try reader.readString(compact: isFlexible, "OffsetCommitRequest.groupID")
        generationIDOrMemberEpoch = try reader.readInt32("OffsetCommitRequest.generationIDOrMemberEpoch")
        memberID = try reader.readString(compact: isFlexible, "OffsetCommitRequest.memberID")
        if version >= 7 {
            groupInstanceID = try reader.readNullableString(compact: isFlexible, "OffsetCommitRequest.groupInstanceID")
        }
        if version >= 2, version <= 4 {
            retentionTimeMs = try reader.readInt64("OffsetCommitRequest.retentionTimeMs")
        }
        topics = try reader.readArray(compact: isFlexible, version: version, "OffsetCommitRequest.topics")
        if isFlexible {
            try reader.skipTags("OffsetCommitRequest")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "OffsetCommitRequest")
        let isFlexible = version >= 8
        try writer.write(groupID, compact: isFlexible, "OffsetCommitRequest.groupID")
        writer.write(generationIDOrMemberEpoch)
        try writer.write(memberID, compact: isFlexible, "OffsetCommitRequest.memberID")
        if version >= 7 {
            try writer.write(groupInstanceID, compact: isFlexible, "OffsetCommitRequest.groupInstanceID")
        } else if groupInstanceID != nil {
            throw writer.notInVersion(version, "OffsetCommitRequest.groupInstanceID")
        }
        if version >= 2, version <= 4 {
            writer.write(retentionTimeMs)
        }
        try writer.write(topics, compact: isFlexible, version: version, "OffsetCommitRequest.topics")
        if isFlexible {
            writer.writeNoTags()
        }
    }
}

extension OffsetCommitRequest {
    /// Part of OffsetCommitRequest: The topics to commit offsets for.
    package struct OffsetCommitRequestTopic: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 3 }

        /// The topic name. Up to version 9.
        package var name: String
        /// The topic ID. Version 10 only.
        package var topicID: KafkaUUID
        /// Each partition to commit offsets for.
        package var partitions: [OffsetCommitRequestPartition]

        /// A value of these parts; what is left out has its default.
        package init(
            name: String = "",
            topicID: KafkaUUID = .zero,
            partitions: [OffsetCommitRequestPartition] = []
        ) {
            self.name = name
            self.topicID = topicID
            self.partitions = partitions
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 8
            if version <= 9 {
                name = try reader.readString(compact: isFlexible, "OffsetCommitRequestTopic.name")
            }
            if version == 10 {
                topicID = try reader.readUUID("OffsetCommitRequestTopic.topicID")
            }
            partitions = try reader.readArray(
                compact: isFlexible, version: version, "OffsetCommitRequestTopic.partitions")
            if isFlexible {
                try reader.skipTags("OffsetCommitRequestTopic")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 8
            if version <= 9 {
                try writer.write(name, compact: isFlexible, "OffsetCommitRequestTopic.name")
            }
            if version == 10 {
                writer.write(topicID)
            }
            try writer.write(partitions, compact: isFlexible, version: version, "OffsetCommitRequestTopic.partitions")
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }

    /// Part of OffsetCommitRequest: Each partition to commit offsets for.
    package struct OffsetCommitRequestPartition: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 14 }

        /// The partition index.
        package var partitionIndex: Int32
        /// The message offset to be committed.
        package var committedOffset: Int64
        /// The leader epoch of this partition. From version 6.
        package var committedLeaderEpoch: Int32
        /// The timestamp of the commit. Version 1 only.
        package var commitTimestamp: Int64
        /// Any associated metadata the client wants to keep.
        package var committedMetadata: String?

        /// A value of these parts; what is left out has its default.
        package init(
            partitionIndex: Int32 = 0,
            committedOffset: Int64 = 0,
            committedLeaderEpoch: Int32 = -1,
            commitTimestamp: Int64 = -1,
            committedMetadata: String? = ""
        ) {
            self.partitionIndex = partitionIndex
            self.committedOffset = committedOffset
            self.committedLeaderEpoch = committedLeaderEpoch
            self.commitTimestamp = commitTimestamp
            self.committedMetadata = committedMetadata
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 8
            partitionIndex = try reader.readInt32("OffsetCommitRequestPartition.partitionIndex")
            committedOffset = try reader.readInt64("OffsetCommitRequestPartition.committedOffset")
            if version >= 6 {
                committedLeaderEpoch = try reader.readInt32("OffsetCommitRequestPartition.committedLeaderEpoch")
            }
            if version == 1 {
                commitTimestamp = try reader.readInt64("OffsetCommitRequestPartition.commitTimestamp")
            }
            committedMetadata = try reader.readNullableString(
                compact: isFlexible, "OffsetCommitRequestPartition.committedMetadata")
            if isFlexible {
                try reader.skipTags("OffsetCommitRequestPartition")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 8
            writer.write(partitionIndex)
            writer.write(committedOffset)
            if version >= 6 {
                writer.write(committedLeaderEpoch)
            }
            if version == 1 {
                writer.write(commitTimestamp)
            } else if commitTimestamp != -1 {
                throw writer.notInVersion(version, "OffsetCommitRequestPartition.commitTimestamp")
            }
            try writer.write(committedMetadata, compact: isFlexible, "OffsetCommitRequestPartition.committedMetadata")
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }
}
