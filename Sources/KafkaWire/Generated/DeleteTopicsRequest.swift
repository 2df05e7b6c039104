// Made from Apache Kafka's DeleteTopicsRequest.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The request of Kafka's API 20, DeleteTopics, versions 0 to 6.
package struct DeleteTopicsRequest: KafkaRequest {
    /// The number of the API.
    package static let key: Int16 = 20
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...6
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 4

    /// The name or topic ID of the topic. Version 6 only.
    package var topics: [DeleteTopicState]
    /// The names of the topics to delete. Up to version 5.
    package var topicNames: [String]
    /// The length of time in milliseconds to wait for the deletions to complete.
    package var timeoutMs: Int32

    /// A value of these parts; what is left out has its default.
    package init(
        topics: [DeleteTopicState] = [],
        topicNames: [String] = [],
        timeoutMs: Int32 = 0
    ) {
        self.topics = topics
        self.topicNames = topicNames
        self.timeoutMs = timeoutMs
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "DeleteTopicsRequest")
        self.init()
        let isFlexible = version >= 4
        if version == 6 {
            topics = try reader.readArray(compact: isFlexible, version: version, "DeleteTopicsRequest.topics")
        }
        if version <= 5 {
            topicNames = try reader.readArray(compact: isFlexible, version: version, "DeleteTopicsRequest.topicNames")
        }
        timeoutMs = try reader.readInt32("DeleteTopicsRequest.timeoutMs")
        if isFlexible {
            try reader.skipTags("DeleteTopicsRequest")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "DeleteTopicsRequest")
        let isFlexible = version >= 4
        if version == 6 {
            try writer.write(topics, compact: isFlexible, version: version, "DeleteTopicsRequest.topics")
        } else if !topics.isEmpty {
            throw writer.notInVersion(version, "DeleteTopicsRequest.topics")
        }
        if version <= 5 {
            try writer.write(topicNames, compact: isFlexible, version: version, "DeleteTopicsRequest.topicNames")
        }
        writer.write(timeoutMs)
        if isFlexible {
            writer.writeNoTags()
        }
    }
}

extension DeleteTopicsRequest {
    /// Part of DeleteTopicsRequest: The name or topic ID of the topic.
    package struct DeleteTopicState: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 18 }

        /// The topic name.
        package var name: String?
        /// The unique topic ID.
        package var topicID: KafkaUUID

        /// A value of these parts; what is left out has its default.
        package init(
            name: String? = nil,
            topicID: KafkaUUID = .zero
        ) {
            self.name = name
            self.topicID = topicID
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            name = try reader.readNullableString(compact: true, "DeleteTopicState.name")
            topicID = try reader.readUUID("DeleteTopicState.topicID")
            try reader.skipTags("DeleteTopicState")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            try writer.write(name, compact: true, "DeleteTopicState.name")
            writer.write(topicID)
            writer.writeNoTags()
        }
    }
}
