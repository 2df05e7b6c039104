// Made from Apache Kafka's ConsumerProtocolAssignment.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// Kafka's `ConsumerProtocolAssignment`, versions 0 to 3.
package struct ConsumerProtocolAssignment: KafkaMessage {
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...3
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = nil

    /// The list of topics and partitions assigned to this consumer.
    package var assignedPartitions: [TopicPartition]
    /// User data.
    package var userData: [UInt8]?

    /// A value of these parts; what is left out has its default.
    package init(
        assignedPartitions: [TopicPartition] = [],
        userData: [UInt8]? = nil
    ) {
        self.assignedPartitions = assignedPartitions
        self.userData = userData
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "ConsumerProtocolAssignment")
        self.init()
        assignedPartitions = try reader.readArray(
            compact: false, version: version, "ConsumerProtocolAssignment.assignedPartitions")
        userData = try reader.readNullableBytes(compact: false, "ConsumerProtocolAssignment.userData")
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "ConsumerProtocolAssignment")
        try writer.write(
            assignedPartitions, compact: false, version: version, "ConsumerProtocolAssignment.assignedPartitions")
        try writer.write(userData, compact: false, "ConsumerProtocolAssignment.userData")
    }
}

extension ConsumerProtocolAssignment {
    /// Part of ConsumerProtocolAssignment: The list of topics and partitions assigned to this consumer.
    package struct TopicPartition: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 6 }

        /// The topic name.
        package var topic: String
        /// The list of partitions assigned to this consumer.
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
            topic = try reader.readString(compact: false, "TopicPartition.topic")
            partitions = try reader.readArray(compact: false, version: version, "TopicPartition.partitions")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            try writer.write(topic, compact: false, "TopicPartition.topic")
            try writer.write(partitions, compact: false, version: version, "TopicPartition.partitions")
        }
    }
}
