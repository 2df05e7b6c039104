// Made from Apache Kafka's ConsumerProtocolSubscription.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// Kafka's `ConsumerProtocolSubscription`, versions 0 to 3.
package struct ConsumerProtocolSubscription: KafkaMessage {
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...3
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = nil

    /// The topics that the member wants to consume.
    package var topics: [String]
    /// User data that will be passed back to the consumer.
    package var userData: [UInt8]?
    /// The partitions that the member owns. From version 1.
    package var ownedPartitions: [TopicPartition]
    /// The generation id of the member. From version 2.
    package var generationID: Int32
    /// The rack id of the member. Version 3 only.
    package var rackID: String?

    /// A value of these parts; what is left out has its default.
    package init(
        topics: [String] = [],
        userData: [UInt8]? = nil,
        ownedPartitions: [TopicPartition] = [],
        generationID: Int32 = -1,
        rackID: String? = nil
    ) {
        self.topics = topics
        self.userData = userData
        self.ownedPartitions = ownedPartitions
        self.generationID = generationID
        self.rackID = rackID
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "ConsumerProtocolSubscription")
        self.init()
        topics = try reader.readArray(compact: false, version: version, "ConsumerProtocolSubscription.topics")
        userData = try reader.readNullableBytes(compact: false, "ConsumerProtocolSubscription.userData")
        if version >= 1 {
            ownedPartitions = try reader.readArray(
                compact: false, version: version, "ConsumerProtocolSubscription.ownedPartitions")
        }
        if version >= 2 {
            generationID = try reader.readInt32("ConsumerProtocolSubscription.generationID")
        }
        if version == 3 {
            rackID = try reader.readNullableString(compact: false, "ConsumerProtocolSubscription.rackID")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "ConsumerProtocolSubscription")
        try writer.write(topics, compact: false, version: version, "ConsumerProtocolSubscription.topics")
        try writer.write(userData, compact: false, "ConsumerProtocolSubscription.userData")
        if version >= 1 {
            try writer.write(
                ownedPartitions, compact: false, version: version, "ConsumerProtocolSubscription.ownedPartitions")
        }
        if version >= 2 {
            writer.write(generationID)
        }
        if version == 3 {
            try writer.write(rackID, compact: false, "ConsumerProtocolSubscription.rackID")
        }
    }
}

extension ConsumerProtocolSubscription {
    /// Part of ConsumerProtocolSubscription: The partitions that the member owns.
    package struct TopicPartition: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 6 }

        /// The topic name.
        package var topic: String
        /// The partition ids.
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
