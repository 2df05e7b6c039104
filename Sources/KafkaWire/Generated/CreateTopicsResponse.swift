// Made from Apache Kafka's CreateTopicsResponse.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The response of Kafka's API 19, CreateTopics, versions 0 to 7.
package struct CreateTopicsResponse: KafkaResponse {
    /// The number of the API.
    package static let key: Int16 = 19
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...7
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 5

    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the
    /// request did not violate any quota. From version 2.
    package var throttleTimeMs: Int32
    /// Results for each topic we tried to create.
    package var topics: [CreatableTopicResult]

    /// A value of these parts; what is left out has its default.
    package init(
        throttleTimeMs: Int32 = 0,
        topics: [CreatableTopicResult] = []
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.topics = topics
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "CreateTopicsResponse")
        self.init()
        let isFlexible = version >= 5
        if version >= 2 {
            throttleTimeMs = try reader.readInt32("CreateTopicsResponse.throttleTimeMs")
        }
        topics = try reader.readArray(compact: isFlexible, version: version, "CreateTopicsResponse.topics")
        if isFlexible {
            try reader.skipTags("CreateTopicsResponse")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "CreateTopicsResponse")
        let isFlexible = version >= 5
        if version >= 2 {
            writer.write(throttleTimeMs)
        }
        try writer.write(topics, compact: isFlexible, version: version, "CreateTopicsResponse.topics")
        if isFlexible {
            writer.writeNoTags()
        }
    }
}

extension CreateTopicsResponse {
    /// Part of CreateTopicsResponse: Results for each topic we tried to create.
    package struct CreatableTopicResult: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 4 }

        /// The topic name.
        package var name: String
        /// The unique topic ID. Version 7 only.
        package var topicID: KafkaUUID
        /// The error code, or 0 if there was no error.
        package var errorCode: KafkaErrorCode
        /// The error message, or null if there was no error. From version 1.
        package var errorMessage: String?
        /// Optional topic config error returned if configs are not returned in the response. From version 5.
        package var topicConfigErrorCode: KafkaErrorCode
        /// Number of partitions of the topic. From version 5.
        package var numPartitions: Int32
        /// Replication factor of the topic. From version 5.
        package var replicationFactor: Int16
        /// Configuration of the topic. From version 5.
        package var configs: [CreatableTopicConfigs]?

        /// A value of these parts; what is left out has its default.
        package init(
            name: String = "",
            topicID: KafkaUUID = .zero,
            errorCode: KafkaErrorCode = .none,
            errorMessage: String? = "",
            topicConfigErrorCode: KafkaErrorCode = .none,
            numPartitions: Int32 = -1,
            replicationFactor: Int16 = -1,
            configs: [CreatableTopicConfigs]? = []
        ) {
            self.name = name
            self.topicID = topicID
            self.errorCode = errorCode
            self.errorMessage = errorMessage
            self.topicConfigErrorCode = topicConfigErrorCode
            self.numPartitions = numPartitions
            self.replicationFactor = replicationFactor
            self.configs = configs
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 5
            name = try reader.readString(compact: isFlexible, "CreatableTopicResult.name")
            if version == 7 {
                topicID = try reader.readUUID("CreatableTopicResult.topicID")
            }
            errorCode = try reader.readErrorCode("CreatableTopicResult.errorCode")
            if version >= 1 {
                errorMessage = try reader.readNullableString(compact: isFlexible, "CreatableTopicResult.errorMessage")
            }
            if version >= 5 {
                numPartitions = try reader.readInt32("CreatableTopicResult.numPartitions")
                replicationFactor = try reader.readInt16("CreatableTopicResult.replicationFactor")
                configs = try reader.readNullableArray(
                    compact: isFlexible, version: version, "CreatableTopicResult.configs")
            }
            if isFlexible {
                var tags = try reader.readTags("CreatableTopicResult")
                while let tag = try reader.nextTag(&tags) {
                    switch tag {
                    case 0:
                        topicConfigErrorCode = try reader.readErrorCode("CreatableTopicResult.topicConfigErrorCode")
                    default: reader.skipTag()
                    }
                }
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 5
            try writer.write(name, compact: isFlexible, "CreatableTopicResult.name")
            if version == 7 {
                writer.write(topicID)
            }
            writer.write(errorCode)
            if version >= 1 {
                try writer.write(errorMessage, compact: isFlexible, "CreatableTopicResult.errorMessage")
            }
            if version >= 5 {
                writer.write(numPartitions)
                writer.write(replicationFactor)
                try writer.write(configs, compact: isFlexible, version: version, "CreatableTopicResult.configs")
            }
            if isFlexible {
                var tags = KafkaTags()
                if topicConfigErrorCode != .none {
                    var field = KafkaWriter()
                    field.write(topicConfigErrorCode)
                    tags.append(0, field)
                }
                writer.write(tags)
            }
        }
    }

    /// Part of CreateTopicsResponse: Configuration of the topic.
    package struct CreatableTopicConfigs: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 6 }

        /// The configuration name.
        package var name: String
        /// The configuration value.
        package var value: String?
        /// True if the configuration is read-only.
        package var readOnly: Bool
        /// The configuration source.
        package var configSource: Int8
        /// True if this configuration is sensitive.
        package var isSensitive: Bool

        /// A value of these parts; what is left out has its default.
        package init(
            name: String = "",
            value: String? = "",
            readOnly: Bool = false,
            configSource: Int8 = -1,
            isSensitive: Bool = false
        ) {
            self.name = name
            self.value = value
            self.readOnly = readOnly
            self.configSource = configSource
            self.isSensitive = isSensitive
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            name = try reader.readString(compact: true, "CreatableTopicConfigs.name")
            value = try reader.readNullableString(compact: true, "CreatableTopicConfigs.value")
            readOnly = try reader.readBool("CreatableTopicConfigs.readOnly")
            configSource = try reader.readInt8("CreatableTopicConfigs.configSource")
            isSensitive = try reader.readBool("CreatableTopicConfigs.isSensitive")
            try reader.skipTags("CreatableTopicConfigs")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            try writer.write(name, compact: true, "CreatableTopicConfigs.name")
            try writer.write(value, compact: true, "CreatableTopicConfigs.value")
            writer.write(readOnly)
            writer.write(configSource)
            writer.write(isSensitive)
            writer.writeNoTags()
        }
    }
}
