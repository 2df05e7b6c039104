// Made from Apache Kafka's ProduceRequest.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The request of Kafka's API 0, Produce, versions 3 to 13.
package struct ProduceRequest: KafkaRequest {
    /// The number of the API.
    package static let key: Int16 = 0
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 3...13
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 9

    /// The transactional ID, or null if the producer is not transactional.
    package var transactionalID: String?
    /// The number of acknowledgments the producer requires the leader to have received before considering a request
    /// complete. Allowed values: 0 for no acknowledgments, 1 for only the leader and -1 for the full ISR.
    package var acks: Int16
    /// The timeout to await a response in milliseconds.
    package var timeoutMs: Int32
    /// Each topic to produce to.
    package var topicData: [TopicProduceData]

    /// A value of these parts; what is left out has its default.
    package init(
        transactionalID: String? = nil,
        acks: Int16 = 0,
        timeoutMs: Int32 = 0,
        topicData: [TopicProduceData] = []
    ) {
        self.transactionalID = transactionalID
        self.acks = acks
        self.timeoutMs = timeoutMs
        self.topicData = topicData
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "ProduceRequest")
        self.init()
        let isFlexible = version >= 9
        transactionalID = try reader.readNullableString(compact: isFlexible, "ProduceRequest.transactionalID")
        acks = try reader.readInt16("ProduceRequest.acks")
        timeoutMs = try reader.readInt32("ProduceRequest.timeoutMs")
        topicData = try reader.readArray(compact: isFlexible, version: version, "ProduceRequest.topicData")
        if isFlexible {
            try reader.skipTags("ProduceRequest")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "ProduceRequest")
        let isFlexible = version >= 9
        try writer.write(transactionalID, compact: isFlexible, "ProduceRequest.transactionalID")
        writer.write(acks)
        writer.write(timeoutMs)
        try writer.write(topicData, compact: isFlexible, version: version, "ProduceRequest.topicData")
        if isFlexible {
            writer.writeNoTags()
        }
    }
}

extension ProduceRequest {
    /// Part of ProduceRequest: Each topic to produce to.
    package struct TopicProduceData: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 3 }

        /// The topic name. Up to version 12.
        package var name: String
        /// The unique topic ID Version 13 only.
        package var topicID: KafkaUUID
        /// Each partition to produce to.
        package var partitionData: [PartitionProduceData]

        /// A value of these parts; what is left out has its default.
        package init(
            name: String = "",
            topicID: KafkaUUID = .zero,
            partitionData: [PartitionProduceData] = []
        ) {
            self.name = name
            self.topicID = topicID
            self.partitionData = partitionData
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 9
            if version <= 12 {
                name = try reader.readString(compact: isFlexible, "TopicProduceData.name")
            }
            if version == 13 {
                topicID = try reader.readUUID("TopicProduceData.topicID")
            }
            partitionData = try reader.readArray(
                compact: isFlexible, version: version, "TopicProduceData.partitionData")
            if isFlexible {
                try reader.skipTags("TopicProduceData")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 9
            if version <= 12 {
                try writer.write(name, compact: isFlexible, "TopicProduceData.name")
            }
            if version == 13 {
                writer.write(topicID)
            }
            try writer.write(partitionData, compact: isFlexible, version: version, "TopicProduceData.partitionData")
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }

    /// Part of ProduceRequest: Each partition to produce to.
    package struct PartitionProduceData: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 6 }

        /// The partition index.
        package var index: Int32
        /// The record data to be produced.
        package var records: KafkaRecords

        /// A value of these parts; what is left out has its default.
        package init(
            index: Int32 = 0,
            records: KafkaRecords = .null
        ) {
            self.index = index
            self.records = records
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 9
            index = try reader.readInt32("PartitionProduceData.index")
            records = try reader.readRecords(compact: isFlexible, nullable: true, "PartitionProduceData.records")
            if isFlexible {
                try reader.skipTags("PartitionProduceData")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 9
            writer.write(index)
            try writer.write(records, compact: isFlexible, nullable: true, "PartitionProduceData.records")
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }
}
