// Made from Apache Kafka's DeleteShareGroupOffsetsRequest.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The request of Kafka's API 92, DeleteShareGroupOffsets, version 0.
package struct DeleteShareGroupOffsetsRequest: KafkaRequest {
    /// The number of the API.
    package static let key: Int16 = 92
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...0
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 0

    /// The group identifier.
    package var groupID: String
    /// The topics to delete offsets for.
    package var topics: [DeleteShareGroupOffsetsRequestTopic]

    /// A value of these parts; what is left out has its default.
    package init(
        groupID: String = "",
        topics: [DeleteShareGroupOffsetsRequestTopic] = []
    ) {
        self.groupID = groupID
        self.topics = topics
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "DeleteShareGroupOffsetsRequest")
        self.init()
        groupID = try reader.readString(compact: true, "DeleteShareGroupOffsetsRequest.groupID")
        topics = try reader.readArray(compact: true, version: version, "DeleteShareGroupOffsetsRequest.topics")
        try reader.skipTags("DeleteShareGroupOffsetsRequest")
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "DeleteShareGroupOffsetsRequest")
        try writer.write(groupID, compact: true, "DeleteShareGroupOffsetsRequest.groupID")
        try writer.write(topics, compact: true, version: version, "DeleteShareGroupOffsetsRequest.topics")
        writer.writeNoTags()
    }
}

extension DeleteShareGroupOffsetsRequest {
    /// Part of DeleteShareGroupOffsetsRequest: The topics to delete offsets for.
    package struct DeleteShareGroupOffsetsRequestTopic: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 2 }

        /// The topic name.
        package var topicName: String

        /// A value of these parts; what is left out has its default.
        package init(
            topicName: String = ""
        ) {
            self.topicName = topicName
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            topicName = try reader.readString(compact: true, "DeleteShareGroupOffsetsRequestTopic.topicName")
            try reader.skipTags("DeleteShareGroupOffsetsRequestTopic")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            try writer.write(topicName, compact: true, "DeleteShareGroupOffsetsRequestTopic.topicName")
            writer.writeNoTags()
        }
    }
}
