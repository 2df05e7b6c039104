// Made from Apache Kafka's OffsetFetchResponse.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The response of Kafka's API 9, OffsetFetch, versions 1 to 10.
package struct OffsetFetchResponse: KafkaResponse {
    /// The number of the API.
    package static let key: Int16 = 9
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 1...10
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 6

    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the
    /// request did not violate any quota. From version 3.
    package var throttleTimeMs: Int32
    /// The responses per topic. Up to version 7.
    package var topics: [OffsetFetchResponseTopic]
    /// The top-level error code, or 0 if there was no error. Versions 2 to 7.
    package var errorCode: KafkaErrorCode
    /// The responses per group id. From version 8.
    package var groups: [OffsetFetchResponseGroup]

    /// A value of these parts; what is left out has its default.
    package init(
        throttleTimeMs: Int32 = 0,
        topics: [OffsetFetchResponseTopic] = [],
        errorCode: KafkaErrorCode = KafkaErrorCode(rawValue: 0),
        groups: [OffsetFetchResponseGroup] = []
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.topics = topics
        self.errorCode = errorCode
        self.groups = groups
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "OffsetFetchResponse")
        self.init()
        let isFlexible = version >= 6
        if version >= 3 {
            throttleTimeMs = try reader.readInt32("OffsetFetchResponse.throttleTimeMs")
        }
        if version <= 7 {
            topics = try reader.readArray(compact: isFlexible, version: version, "OffsetFetchResponse.topics")
        }
        if version >= 2, version <= 7 {
            errorCode = try reader.readErrorCode("OffsetFetchResponse.errorCode")
        }
        if version >= 8 {
            groups = try reader.readArray(compact: isFlexible, version: version, "OffsetFetchResponse.groups")
        }
        if isFlexible {
            try reader.skipTags("OffsetFetchResponse")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "OffsetFetchResponse")
        let isFlexible = version >= 6
        if version >= 3 {
            writer.write(throttleTimeMs)
        }
        if version <= 7 {
            try writer.write(topics, compact: isFlexible, version: version, "OffsetFetchResponse.topics")
        } else if !topics.isEmpty {
            throw writer.notInVersion(version, "OffsetFetchResponse.topics")
        }
        if version >= 2, version <= 7 {
            writer.write(errorCode)
        }
        if version >= 8 {
            try writer.write(groups, compact: isFlexible, version: version, "OffsetFetchResponse.groups")
        } else if !groups.isEmpty {
            throw writer.notInVersion(version, "OffsetFetchResponse.groups")
        }
        if isFlexible {
            writer.writeNoTags()
        }
    }
}

extension OffsetFetchResponse {
    /// Part of OffsetFetchResponse: The responses per topic.
    package struct OffsetFetchResponseTopic: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 3 }

        /// The topic name.
        package var name: String
        /// The responses per partition.
        package var partitions: [OffsetFetchResponsePartition]

        /// A value of these parts; what is left out has its default.
        package init(
            name: String = "",
            partitions: [OffsetFetchResponsePartition] = []
        ) {
            self.name = name
            self.partitions = partitions
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 6
            name = try reader.readString(compact: isFlexible, "OffsetFetchResponseTopic.name")
            partitions = try reader.readArray(
                compact: isFlexible, version: version, "OffsetFetchResponseTopic.partitions")
            if isFlexible {
                try reader.skipTags("OffsetFetchResponseTopic")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 6
            try writer.write(name, compact: isFlexible, "OffsetFetchResponseTopic.name")
            try writer.write(partitions, compact: isFlexible, version: version, "OffsetFetchResponseTopic.partitions")
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }

    /// Part of OffsetFetchResponse: The responses per partition.
    package struct OffsetFetchResponsePartition: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 16 }

        /// The partition index.
        package var partitionIndex: Int32
        /// The committed message offset.
        package var committedOffset: Int64
        /// The leader epoch. From version 5.
        package var committedLeaderEpoch: Int32
        /// The partition metadata.
        package var metadata: String?
        /// The error code, or 0 if there was no error.
        package var errorCode: KafkaErrorCode

        /// A value of these parts; what is left out has its default.
        package init(
            partitionIndex: Int32 = 0,
            committedOffset: Int64 = 0,
            committedLeaderEpoch: Int32 = -1,
            metadata: String? = "",
            errorCode: KafkaErrorCode = .none
        ) {
            self.partitionIndex = partitionIndex
            self.committedOffset = committedOffset
            self.committedLeaderEpoch = committedLeaderEpoch
            self.metadata = metadata
            self.errorCode = errorCode
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 6
            partitionIndex = try reader.readInt32("OffsetFetchResponsePartition.partitionIndex")
            committedOffset = try reader.readInt64("OffsetFetchResponsePartition.committedOffset")
            if version >= 5 {
                committedLeaderEpoch = try reader.readInt32("OffsetFetchResponsePartition.committedLeaderEpoch")
            }
            metadata = try reader.readNullableString(compact: isFlexible, "OffsetFetchResponsePartition.metadata")
            errorCode = try reader.readErrorCode("OffsetFetchResponsePartition.errorCode")
            if isFlexible {
                try reader.skipTags("OffsetFetchResponsePartition")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 6
            writer.write(partitionIndex)
            writer.write(committedOffset)
            if version >= 5 {
                writer.write(committedLeaderEpoch)
            }
            try writer.write(metadata, compact: isFlexible, "OffsetFetchResponsePartition.metadata")
            writer.write(errorCode)
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }

    /// Part of OffsetFetchResponse: The responses per group id.
    package struct OffsetFetchResponseGroup: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 5 }

        /// The group ID.
        package var groupID: String
        /// The responses per topic.
        package var topics: [OffsetFetchResponseTopics]
        /// The group-level error code, or 0 if there was no error.
        package var errorCode: KafkaErrorCode

        /// A value of these parts; what is left out has its default.
        package init(
            groupID: String = "",
            topics: [OffsetFetchResponseTopics] = [],
            errorCode: KafkaErrorCode = KafkaErrorCode(rawValue: 0)
        ) {
            self.groupID = groupID
            self.topics = topics
            self.errorCode = errorCode
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            groupID = try reader.readString(compact: true, "OffsetFetchResponseGroup.groupID")
            topics = try reader.readArray(compact: true, version: version, "OffsetFetchResponseGroup.topics")
            errorCode = try reader.readErrorCode("OffsetFetchResponseGroup.errorCode")
            try reader.skipTags("OffsetFetchResponseGroup")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            try writer.write(groupID, compact: true, "OffsetFetchResponseGroup.groupID")
            try writer.write(topics, compact: true, version: version, "OffsetFetchResponseGroup.topics")
            writer.write(errorCode)
            writer.writeNoTags()
        }
    }

    /// Part of OffsetFetchResponse: The responses per topic.
    package struct OffsetFetchResponseTopics: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 3 }

        /// The topic name. Up to version 9.
        package var name: String
        /// The topic ID. Version 10 only.
        package var topicID: KafkaUUID
        /// The responses per partition.
        package var partitions: [OffsetFetchResponsePartitions]

        /// A value of these parts; what is left out has its default.
        package init(
            name: String = "",
            topicID: KafkaUUID = .zero,
            partitions: [OffsetFetchResponsePartitions] = []
        ) {
            self.name = name
            self.topicID = topicID
            self.partitions = partitions
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            if version <= 9 {
                name = try reader.readString(compact: true, "OffsetFetchResponseTopics.name")
            }
            if version == 10 {
                topicID = try reader.readUUID("OffsetFetchResponseTopics.topicID")
            }
            partitions = try reader.readArray(compact: true, version: version, "OffsetFetchResponseTopics.partitions")
            try reader.skipTags("OffsetFetchResponseTopics")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            if version <= 9 {
                try writer.write(name, compact: true, "OffsetFetchResponseTopics.name")
            }
            if version == 10 {
                writer.write(topicID)
            }
            try writer.write(partitions, compact: true, version: version, "OffsetFetchResponseTopics.partitions")
            writer.writeNoTags()
        }
    }

    /// Part of OffsetFetchResponse: The responses per partition.
    package struct OffsetFetchResponsePartitions: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 20 }

        /// The partition index.
        package var partitionIndex: Int32
        /// The committed message offset.
        package var committedOffset: Int64
        /// The leader epoch.
        package var committedLeaderEpoch: Int32
        /// The partition metadata.
        package var metadata: String?
        /// The partition-level error code, or 0 if there was no error.
        package var errorCode: KafkaErrorCode

        /// A value of these parts; what is left out has its default.
        package init(
            partitionIndex: Int32 = 0,
            committedOffset: Int64 = 0,
            committedLeaderEpoch: Int32 = -1,
            metadata: String? = "",
            errorCode: KafkaErrorCode = .none
        ) {
            self.partitionIndex = partitionIndex
            self.committedOffset = committedOffset
            self.committedLeaderEpoch = committedLeaderEpoch
            self.metadata = metadata
            self.errorCode = errorCode
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            partitionIndex = try reader.readInt32("OffsetFetchResponsePartitions.partitionIndex")
            committedOffset = try reader.readInt64("OffsetFetchResponsePartitions.committedOffset")
            committedLeaderEpoch = try reader.readInt32("OffsetFetchResponsePartitions.committedLeaderEpoch")
            metadata = try reader.readNullableString(compact: true, "OffsetFetchResponsePartitions.metadata")
            errorCode = try reader.readErrorCode("OffsetFetchResponsePartitions.errorCode")
            try reader.skipTags("OffsetFetchResponsePartitions")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            writer.write(partitionIndex)
            writer.write(committedOffset)
            writer.write(committedLeaderEpoch)
            try writer.write(metadata, compact: true, "OffsetFetchResponsePartitions.metadata")
            writer.write(errorCode)
            writer.writeNoTags()
        }
    }
}
