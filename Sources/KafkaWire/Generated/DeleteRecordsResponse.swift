// Made from Apache Kafka's DeleteRecordsResponse.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The response of Kafka's API 21, DeleteRecords, versions 0 to 2.
package struct DeleteRecordsResponse: KafkaResponse {
    /// The number of the API.
    package static let key: Int16 = 21
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...2
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 2

    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the
    /// request did not violate any quota.
    package var throttleTimeMs: Int32
    /// Each topic that we wanted to delete records from.
    package var topics: [DeleteRecordsTopicResult]

    /// A value of these parts; what is left out has its default.
    package init(
        throttleTimeMs: Int32 = 0,
        topics: [DeleteRecordsTopicResult] = []
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.topics = topics
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "DeleteRecordsResponse")
        self.init()
        let isFlexible = version == 2
        throttleTimeMs = try reader.readInt32("DeleteRecordsResponse.throttleTimeMs")
        topics = try reader.readArray(compact: isFlexible, version: version, "DeleteRecordsResponse.topics")
        if isFlexible {
            try reader.skipTags("DeleteRecordsResponse")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "DeleteRecordsResponse")
        let isFlexible = version == 2
        writer.write(throttleTimeMs)
        try writer.write(topics, compact: isFlexible, version: version, "DeleteRecordsResponse.topics")
        if isFlexible {
            writer.writeNoTags()
        }
    }
}

extension DeleteRecordsResponse {
    /// Part of DeleteRecordsResponse: Each topic that we wanted to delete records from.
    package struct DeleteRecordsTopicResult: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 3 }

        /// The topic name.
        package var name: String
        /// Each partition that we wanted to delete records from.
        package var partitions: [DeleteRecordsPartitionResult]

        /// A value of these parts; what is left out has its default.
        package init(
            name: String = "",
            partitions: [DeleteRecordsPartitionResult] = []
        ) {
            self.name = name
            self.partitions = partitions
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version == 2
            name = try reader.readString(compact: isFlexible, "DeleteRecordsTopicResult.name")
            partitions = try reader.readArray(
                compact: isFlexible, version: version, "DeleteRecordsTopicResult.partitions")
            if isFlexible {
                try reader.skipTags("DeleteRecordsTopicResult")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version == 2
            try writer.write(name, compact: isFlexible, "DeleteRecordsTopicResult.name")
            try writer.write(partitions, compact: isFlexible, version: version, "DeleteRecordsTopicResult.partitions")
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }

    /// Part of DeleteRecordsResponse: Each partition that we wanted to delete records from.
    package struct DeleteRecordsPartitionResult: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 14 }

        /// The partition index.
        package var partitionIndex: Int32
        /// The partition low water mark.
        package var lowWatermark: Int64
        /// The deletion error code, or 0 if the deletion succeeded.
        package var errorCode: KafkaErrorCode

        /// A value of these parts; what is left out has its default.
        package init(
            partitionIndex: Int32 = 0,
            lowWatermark: Int64 = 0,
            errorCode: KafkaErrorCode = .none
        ) {
            self.partitionIndex = partitionIndex
            self.lowWatermark = lowWatermark
            self.errorCode = errorCode
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version == 2
            partitionIndex = try reader.readInt32("DeleteRecordsPartitionResult.partitionIndex")
            lowWatermark = try reader.readInt64("DeleteRecordsPartitionResult.lowWatermark")
            errorCode = try reader.readErrorCode("DeleteRecordsPartitionResult.errorCode")
            if isFlexible {
                try reader.skipTags("DeleteRecordsPartitionResult")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version == 2
            writer.write(partitionIndex)
            writer.write(lowWatermark)
            writer.write(errorCode)
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }
}
