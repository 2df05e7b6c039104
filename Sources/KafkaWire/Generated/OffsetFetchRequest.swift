// Made from Apache Kafka's OffsetFetchRequest.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The request of Kafka's API 9, OffsetFetch, versions 1 to 10.
package struct OffsetFetchRequest: KafkaRequest {
    /// The number of the API.
    package static let key: Int16 = 9
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 1...10
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 6

    /// The group to fetch offsets for. Up to version 7.
    package var groupID: String
    /// Each topic we would like to fetch offsets for, or null to fetch offsets for all topics. Up to version 7.
    package var topics: [OffsetFetchRequestTopic]?
    /// Each group we would like to fetch offsets for. From version 8.
    package var groups: [OffsetFetchRequestGroup]
    /// Whether broker should hold on returning unstable offsets but set a retriable error code for the partitions. From
    /// version 7.
    package var requireStable: Bool

    /// A value of these parts; what is left out has its default.
    package init(
        groupID: String = "",
        topics: [OffsetFetchRequestTopic]? = [],
        groups: [OffsetFetchRequestGroup] = [],
        requireStable: Bool = false
    ) {
        self.groupID = groupID
        self.topics = topics
        self.groups = groups
        self.requireStable = requireStable
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "OffsetFetchRequest")
        self.init()
        let isFlexible = version >= 6
        if version <= 7 {
            groupID = try reader.readString(compact: isFlexible, "OffsetFetchRequest.groupID")
            topics = try reader.readNullableArray(
                compact: isFlexible, nullable: version >= 2, version: version, "OffsetFetchRequest.topics")
        }
        if version >= 8 {
            groups = try reader.readArray(compact: isFlexible, version: version, "OffsetFetchRequest.groups")
        }
        if version >= 7 {
            requireStable = try reader.readBool("OffsetFetchRequest.requireStable")
        }
        if isFlexible {
            try reader.skipTags("OffsetFetchRequest")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "OffsetFetchRequest")
        let isFlexible = version >= 6
        if version <= 7 {
            try writer.write(groupID, compact: isFlexible, "OffsetFetchRequest.groupID")
        } else if !groupID.isEmpty {
            throw writer.notInVersion(version, "OffsetFetchRequest.groupID")
        }
        if version <= 7 {
            try writer.write(
                topics, compact: isFlexible, nullable: version >= 2, version: version, "OffsetFetchRequest.topics")
        } else if topics != [] {
            throw writer.notInVersion(version, "OffsetFetchRequest.topics")
        }
        if version >= 8 {
            try writer.write(groups, compact: isFlexible, version: version, "OffsetFetchRequest.groups")
        } else if !groups.isEmpty {
            throw writer.notInVersion(version, "OffsetFetchRequest.groups")
        }
        if version >= 7 {
            writer.write(requireStable)
        } else if requireStable {
            throw writer.notInVersion(version, "OffsetFetchRequest.requireStable")
        }
        if isFlexible {
            writer.writeNoTags()
        }
    }
}

extension OffsetFetchRequest {
    /// Part of OffsetFetchRequest: Each topic we would like to fetch offsets for, or null to fetch offsets for all
    /// topics.
    package struct OffsetFetchRequestTopic: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 3 }

        /// The topic name.
        package var name: String
        /// The partition indexes we would like to fetch offsets for.
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
            let isFlexible = version >= 6
            name = try reader.readString(compact: isFlexible, "OffsetFetchRequestTopic.name")
            partitionIndexes = try reader.readArray(
                compact: isFlexible, version: version, "OffsetFetchRequestTopic.partitionIndexes")
            if isFlexible {
                try reader.skipTags("OffsetFetchRequestTopic")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 6
            try writer.write(name, compact: isFlexible, "OffsetFetchRequestTopic.name")
            try writer.write(
                partitionIndexes, compact: isFlexible, version: version, "OffsetFetchRequestTopic.partitionIndexes")
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }

    /// Part of OffsetFetchRequest: Each group we would like to fetch offsets for.
    package struct OffsetFetchRequestGroup: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 3 }

        /// The group ID.
        package var groupID: String
        /// The member id. From version 9.
        package var memberID: String?
        /// The member epoch if using the new consumer protocol (KIP-848). From version 9.
        package var memberEpoch: Int32
        /// Each topic we would like to fetch offsets for, or null to fetch offsets for all topics.
        package var topics: [OffsetFetchRequestTopics]?

        /// A value of these parts; what is left out has its default.
        package init(
            groupID: String = "",
            memberID: String? = nil,
            memberEpoch: Int32 = -1,
            topics: [OffsetFetchRequestTopics]? = []
        ) {
            self.groupID = groupID
            self.memberID = memberID
            self.memberEpoch = memberEpoch
            self.topics = topics
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            groupID = try reader.readString(compact: true, "OffsetFetchRequestGroup.groupID")
            if version >= 9 {
                memberID = try reader.readNullableString(compact: true, "OffsetFetchRequestGroup.memberID")
                memberEpoch = try reader.readInt32("OffsetFetchRequestGroup.memberEpoch")
            }
            topics = try reader.readNullableArray(compact: true, version: version, "OffsetFetchRequestGroup.topics")
            try reader.skipTags("OffsetFetchRequestGroup")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            try writer.write(groupID, compact: true, "OffsetFetchRequestGroup.groupID")
            if version >= 9 {
                try writer.write(memberID, compact: true, "OffsetFetchRequestGroup.memberID")
                writer.write(memberEpoch)
            }
            try writer.write(topics, compact: true, version: version, "OffsetFetchRequestGroup.topics")
            writer.writeNoTags()
        }
    }

    /// Part of OffsetFetchRequest: Each topic we would like to fetch offsets for, or null to fetch offsets for all
    /// topics.
    package struct OffsetFetchRequestTopics: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 3 }

        /// The topic name. Up to version 9.
        package var name: String
        /// The topic ID. Version 10 only.
        package var topicID: KafkaUUID
        /// The partition indexes we would like to fetch offsets for.
        package var partitionIndexes: [Int32]

        /// A value of these parts; what is left out has its default.
        package init(
            name: String = "",
            topicID: KafkaUUID = .zero,
            partitionIndexes: [Int32] = []
        ) {
            self.name = name
            self.topicID = topicID
            self.partitionIndexes = partitionIndexes
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            if version <= 9 {
                name = try reader.readString(compact: true, "OffsetFetchRequestTopics.name")
            }
            if version == 10 {
                topicID = try reader.readUUID("OffsetFetchRequestTopics.topicID")
            }
            partitionIndexes = try reader.readArray(
                compact: true, version: version, "OffsetFetchRequestTopics.partitionIndexes")
            try reader.skipTags("OffsetFetchRequestTopics")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            if version <= 9 {
                try writer.write(name, compact: true, "OffsetFetchRequestTopics.name")
            }
            if version == 10 {
                writer.write(topicID)
            }
            try writer.write(
                partitionIndexes, compact: true, version: version, "OffsetFetchRequestTopics.partitionIndexes")
            writer.writeNoTags()
        }
    }
}
