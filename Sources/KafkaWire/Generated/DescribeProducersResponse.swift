// Made from Apache Kafka's DescribeProducersResponse.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The response of Kafka's API 61, DescribeProducers, version 0.
package struct DescribeProducersResponse: KafkaResponse {
    /// The number of the API.
    package static let key: Int16 = 61
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...0
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 0

    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the
    /// request did not violate any quota.
    package var throttleTimeMs: Int32
    /// Each topic in the response.
    package var topics: [TopicResponse]

    /// A value of these parts; what is left out has its default.
    package init(
        throttleTimeMs: Int32 = 0,
        topics: [TopicResponse] = []
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.topics = topics
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "DescribeProducersResponse")
        self.init()
        throttleTimeMs = try reader.readInt32("DescribeProducersResponse.throttleTimeMs")
        topics = try reader.readArray(compact: true, version: version, "DescribeProducersResponse.topics")
        try reader.skipTags("DescribeProducersResponse")
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "DescribeProducersResponse")
        writer.write(throttleTimeMs)
        try writer.write(topics, compact: true, version: version, "DescribeProducersResponse.topics")
        writer.writeNoTags()
    }
}

extension DescribeProducersResponse {
    /// Part of DescribeProducersResponse: Each topic in the response.
    package struct TopicResponse: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 3 }

        /// The topic name.
        package var name: String
        /// Each partition in the response.
        package var partitions: [PartitionResponse]

        /// A value of these parts; what is left out has its default.
        package init(
            name: String = "",
            partitions: [PartitionResponse] = []
        ) {
            self.name = name
            self.partitions = partitions
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            name = try reader.readString(compact: true, "TopicResponse.name")
            partitions = try reader.readArray(compact: true, version: version, "TopicResponse.partitions")
            try reader.skipTags("TopicResponse")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            try writer.write(name, compact: true, "TopicResponse.name")
            try writer.write(partitions, compact: true, version: version, "TopicResponse.partitions")
            writer.writeNoTags()
        }
    }

    /// Part of DescribeProducersResponse: Each partition in the response.
    package struct PartitionResponse: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 9 }

        /// The partition index.
        package var partitionIndex: Int32
        /// The partition error code, or 0 if there was no error.
        package var errorCode: KafkaErrorCode
        /// The partition error message, which may be null if no additional details are available.
        package var errorMessage: String?
        /// The active producers for the partition.
        package var activeProducers: [ProducerState]

        /// A value of these parts; what is left out has its default.
        package init(
            partitionIndex: Int32 = 0,
            errorCode: KafkaErrorCode = .none,
            errorMessage: String? = nil,
            activeProducers: [ProducerState] = []
        ) {
            self.partitionIndex = partitionIndex
            self.errorCode = errorCode
            self.errorMessage = errorMessage
            self.activeProducers = activeProducers
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            partitionIndex = try reader.readInt32("PartitionResponse.partitionIndex")
            errorCode = try reader.readErrorCode("PartitionResponse.errorCode")
            errorMessage = try reader.readNullableString(compact: true, "PartitionResponse.errorMessage")
            activeProducers = try reader.readArray(compact: true, version: version, "PartitionResponse.activeProducers")
            try reader.skipTags("PartitionResponse")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            writer.write(partitionIndex)
            writer.write(errorCode)
            try writer.write(errorMessage, compact: true, "PartitionResponse.errorMessage")
            try writer.write(activeProducers, compact: true, version: version, "PartitionResponse.activeProducers")
            writer.writeNoTags()
        }
    }

    /// Part of DescribeProducersResponse: The active producers for the partition.
    package struct ProducerState: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 37 }

        /// The producer id.
        package var producerID: Int64
        /// The producer epoch.
        package var producerEpoch: Int32
        /// The last sequence number sent by the producer.
        package var lastSequence: Int32
        /// The last timestamp sent by the producer.
        package var lastTimestamp: Int64
        /// The current epoch of the producer group.
        package var coordinatorEpoch: Int32
        /// The current transaction start offset of the producer.
        package var currentTxnStartOffset: Int64

        /// A value of these parts; what is left out has its default.
        package init(
            producerID: Int64 = 0,
            producerEpoch: Int32 = 0,
            lastSequence: Int32 = -1,
            lastTimestamp: Int64 = -1,
            coordinatorEpoch: Int32 = 0,
            currentTxnStartOffset: Int64 = -1
        ) {
            self.producerID = producerID
            self.producerEpoch = producerEpoch
            self.lastSequence = lastSequence
            self.lastTimestamp = lastTimestamp
            self.coordinatorEpoch = coordinatorEpoch
            self.currentTxnStartOffset = currentTxnStartOffset
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            producerID = try reader.readInt64("ProducerState.producerID")
            producerEpoch = try reader.readInt32("ProducerState.producerEpoch")
            lastSequence = try reader.readInt32("ProducerState.lastSequence")
            lastTimestamp = try reader.readInt64("ProducerState.lastTimestamp")
            coordinatorEpoch = try reader.readInt32("ProducerState.coordinatorEpoch")
            currentTxnStartOffset = try reader.readInt64("ProducerState.currentTxnStartOffset")
            try reader.skipTags("ProducerState")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            writer.write(producerID)
            writer.write(producerEpoch)
            writer.write(lastSequence)
            writer.write(lastTimestamp)
            writer.write(coordinatorEpoch)
            writer.write(currentTxnStartOffset)
            writer.writeNoTags()
        }
    }
}
