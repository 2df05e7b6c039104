// Made from Apache Kafka's ElectLeadersRequest.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The request of Kafka's API 43, ElectLeaders, versions 0 to 2.
package struct ElectLeadersRequest: KafkaRequest {
    /// The number of the API.
    package static let key: Int16 = 43
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...2
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 2

    /// Type of elections to conduct for the partition. A value of '0' elects the preferred replica. A value of '1'
    /// elects the first live replica if there are no in-sync replica. From version 1.
    package var electionType: Int8
    /// The topic partitions to elect leaders.
    package var topicPartitions: [TopicPartitions]?
    /// The time in ms to wait for the election to complete.
    package var timeoutMs: Int32

    /// A value of these parts; what is left out has its default.
    package init(
        electionType: Int8 = 0,
        topicPartitions: [TopicPartitions]? = [],
        timeoutMs: Int32 = 60000
    ) {
        self.electionType = electionType
        self.topicPartitions = topicPartitions
        self.timeoutMs = timeoutMs
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "ElectLeadersRequest")
        self.init()
        let isFlexible = version == 2
        if version >= 1 {
            electionType = try reader.readInt8("ElectLeadersRequest.electionType")
        }
        topicPartitions = try reader.readNullableArray(
            compact: isFlexible, version: version, "ElectLeadersRequest.topicPartitions")
        timeoutMs = try reader.readInt32("ElectLeadersRequest.timeoutMs")
        if isFlexible {
            try reader.skipTags("ElectLeadersRequest")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "ElectLeadersRequest")
        let isFlexible = version == 2
        if version >= 1 {
            writer.write(electionType)
        } else if electionType != 0 {
            throw writer.notInVersion(version, "ElectLeadersRequest.electionType")
        }
        try writer.write(topicPartitions, compact: isFlexible, version: version, "ElectLeadersRequest.topicPartitions")
        writer.write(timeoutMs)
        if isFlexible {
            writer.writeNoTags()
        }
    }
}

extension ElectLeadersRequest {
    /// Part of ElectLeadersRequest: The topic partitions to elect leaders.
    package struct TopicPartitions: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 3 }

        /// The name of a topic.
        package var topic: String
        /// The partitions of this topic whose leader should be elected.
        package var partitions: [Int32]

        /// A value of these parts; what is left out has its default.
        package init(
            topic: String = "",
            partitions: [Int32] = []
        ) {
            self.topic = topic
            self.partitions = partitions
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version == 2
            topic = try reader.readString(compact: isFlexible, "TopicPartitions.topic")
            partitions = try reader.readArray(compact: isFlexible, version: version, "TopicPartitions.partitions")
            if isFlexible {
                try reader.skipTags("TopicPartitions")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version == 2
            try writer.write(topic, compact: isFlexible, "TopicPartitions.topic")
            try writer.write(partitions, compact: isFlexible, version: version, "TopicPartitions.partitions")
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }
}
