// Made from Apache Kafka's DeleteRecordsRequest.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The request of Kafka's API 21, DeleteRecords, versions 0 to 2.
package struct DeleteRecordsRequest: KafkaRequest {
    /// The number of the API.
    package static let key: Int16 = 21
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...2
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 2

    /// Each topic that we want to delete records from.
    package var topics: [DeleteRecordsTopic]
    /// How long to wait for the deletion to complete, in milliseconds.
    package var timeoutMs: Int32

    /// A value of these parts; what is left out has its default.
    package init(
        topics: [DeleteRecordsTopic] = [],
        timeoutMs: Int32 = 0
    ) {
        self.topics = topics
        self.timeoutMs = timeoutMs
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "DeleteRecordsRequest")
        self.init()
        let isFlexible = version == 2
        topics = try reader.readArray(compact: isFlexible, version: version, "DeleteRecordsRequest.topics")
        timeoutMs = try reader.readInt32("DeleteRecordsRequest.timeoutMs")
        if isFlexible {
            try reader.skipTags("DeleteRecordsRequest")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "DeleteRecordsRequest")
        let isFlexible = version == 2
        try writer.write(topics, compact: isFlexible, version: version, "DeleteRecordsRequest.topics")
        writer.write(timeoutMs)
        if isFlexible {
            writer.writeNoTags()
        }
    }
}

extension DeleteRecordsRequest {
    /// Part of DeleteRecordsRequest: Each topic that we want to delete records from.
    package struct DeleteRecordsTopic: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 3 }

        /// The topic name.
        package var name: String
        /// Each partition that we want to delete records from.
        package var partitions: [DeleteRecordsPartition]

        /// A value of these parts; what is left out has its default.
        package init(
            name: String = "",
            partitions: [DeleteRecordsPartition] = []
        ) {
            self.name = name
            self.partitions = partitions
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version == 2
            name = try reader.readString(compact: isFlexible, "DeleteRecordsTopic.name")
            partitions = try reader.readArray(compact: isFlexible, version: version, "DeleteRecordsTopic.partitions")
            if isFlexible {
                try reader.skipTags("DeleteRecordsTopic")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version == 2
            try writer.write(name, compact: isFlexible, "DeleteRecordsTopic.name")
            try writer.write(partitions, compact: isFlexible, version: version, "DeleteRecordsTopic.partitions")
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }

    /// Part of DeleteRecordsRequest: Each partition that we want to delete records from.
    package struct DeleteRecordsPartition: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 12 }

        /// The partition index.
        package var partitionIndex: Int32
        /// The deletion offset. -1 means that records should be truncated to the high watermark.
        package var offset: Int64

        /// A value of these parts; what is left out has its default.
        package init(
            partitionIndex: Int32 = 0,
            offset: Int64 = 0
        ) {
            self.partitionIndex = partitionIndex
            self.offset = offset
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version == 2
            partitionIndex = try reader.readInt32("DeleteRecordsPartition.partitionIndex")
            offset = try reader.readInt64("DeleteRecordsPartition.offset")
            if isFlexible {
                try reader.skipTags("DeleteRecordsPartition")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version == 2
            writer.write(partitionIndex)
            writer.write(offset)
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }
}
