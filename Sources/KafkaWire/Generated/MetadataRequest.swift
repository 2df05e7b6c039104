// Made from Apache Kafka's MetadataRequest.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The request of Kafka's API 3, Metadata, versions 0 to 13.
package struct MetadataRequest: KafkaRequest {
    /// The number of the API.
    package static let key: Int16 = 3
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...13
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 9

    /// The topics to fetch metadata for.
    package var topics: [MetadataRequestTopic]?
    /// If this is true, the broker may auto-create topics that we requested which do not already exist, if it is
    /// configured to do so. From version 4.
    package var allowAutoTopicCreation: Bool
    /// Whether to include cluster authorized operations. Versions 8 to 10.
    package var includeClusterAuthorizedOperations: Bool
    /// Whether to include topic authorized operations. From version 8.
    package var includeTopicAuthorizedOperations: Bool

    /// A value of these parts; what is left out has its default.
    package init(
        topics: [MetadataRequestTopic]? = [],
        allowAutoTopicCreation: Bool = true,
        includeClusterAuthorizedOperations: Bool = false,
        includeTopicAuthorizedOperations: Bool = false
    ) {
        self.topics = topics
        self.allowAutoTopicCreation = allowAutoTopicCreation
        self.includeClusterAuthorizedOperations = includeClusterAuthorizedOperations
        self.includeTopicAuthorizedOperations = includeTopicAuthorizedOperations
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "MetadataRequest")
        self.init()
        let isFlexible = version >= 9
        topics = try reader.readNullableArray(
            compact: isFlexible, nullable: version >= 1, version: version, "MetadataRequest.topics")
        if version >= 4 {
            allowAutoTopicCreation = try reader.readBool("MetadataRequest.allowAutoTopicCreation")
        }
        if version >= 8, version <= 10 {
            includeClusterAuthorizedOperations = try reader.readBool(
                "MetadataRequest.includeClusterAuthorizedOperations")
        }
        if version >= 8 {
            includeTopicAuthorizedOperations = try reader.readBool("MetadataRequest.includeTopicAuthorizedOperations")
        }
        if isFlexible {
            try reader.skipTags("MetadataRequest")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "MetadataRequest")
        let isFlexible = version >= 9
        try writer.write(
            topics, compact: isFlexible, nullable: version >= 1, version: version, "MetadataRequest.topics")
        if version >= 4 {
            writer.write(allowAutoTopicCreation)
        } else if !allowAutoTopicCreation {
            throw writer.notInVersion(version, "MetadataRequest.allowAutoTopicCreation")
        }
        if version >= 8, version <= 10 {
            writer.write(includeClusterAuthorizedOperations)
        } else if includeClusterAuthorizedOperations {
            throw writer.notInVersion(version, "MetadataRequest.includeClusterAuthorizedOperations")
        }
        if version >= 8 {
            writer.write(includeTopicAuthorizedOperations)
        } else if includeTopicAuthorizedOperations {
            throw writer.notInVersion(version, "MetadataRequest.includeTopicAuthorizedOperations")
        }
        if isFlexible {
            writer.writeNoTags()
        }
    }
}

extension MetadataRequest {
    /// Part of MetadataRequest: The topics to fetch metadata for.
    package struct MetadataRequestTopic: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 2 }

        /// The topic id. From version 10.
        package var topicID: KafkaUUID
        /// The topic name.
        package var name: String?

        /// A value of these parts; what is left out has its default.
        package init(
            topicID: KafkaUUID = .zero,
            name: String? = ""
        ) {
            self.topicID = topicID
            self.name = name
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 9
            if version >= 10 {
                topicID = try reader.readUUID("MetadataRequestTopic.topicID")
            }
            name = try reader.readNullableString(
                compact: isFlexible, nullable: version >= 10, "MetadataRequestTopic.name")
            if isFlexible {
                try reader.skipTags("MetadataRequestTopic")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 9
            if version >= 10 {
                writer.write(topicID)
            }
            try writer.write(name, compact: isFlexible, nullable: version >= 10, "MetadataRequestTopic.name")
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }
}
