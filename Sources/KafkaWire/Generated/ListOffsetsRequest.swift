// Made from Apache Kafka's ListOffsetsRequest.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The request of Kafka's API 2, ListOffsets, versions 1 to 11.
package struct ListOffsetsRequest: KafkaRequest {
    /// The number of the API.
    package static let key: Int16 = 2
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 1...11
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 6

    /// The broker ID of the requester, or -1 if this request is being made by a normal consumer.
    package var replicaID: Int32
    /// This setting controls the visibility of transactional records. Using READ_UNCOMMITTED (isolation_level = 0)
    /// makes all records visible. With READ_COMMITTED (isolation_level = 1), non-transactional and COMMITTED
    /// transactional records are visible. To be more concrete, READ_COMMITTED returns all data from offsets smaller
    /// than the current LSO (last stable offset), and enables the inclusion of the list of aborted transactions in the
    /// result, which allows consumers to discard ABORTED transactional records. From version 2.
    package var isolationLevel: Int8
    /// Each topic in the request.
    package var topics: [ListOffsetsTopic]
    /// The timeout to await a response in milliseconds for requests that require reading from remote storage for topics
    /// enabled with tiered storage. From version 10.
    package var timeoutMs: Int32

    /// A value of these parts; what is left out has its default.
    package init(
        replicaID: Int32 = 0,
        isolationLevel: Int8 = 0,
        topics: [ListOffsetsTopic] = [],
        timeoutMs: Int32 = 0
    ) {
        self.replicaID = replicaID
        self.isolationLevel = isolationLevel
        self.topics = topics
        self.timeoutMs = timeoutMs
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "ListOffsetsRequest")
        self.init()
        let isFlexible = version >= 6
        replicaID = try reader.readInt32("ListOffsetsRequest.replicaID")
        if version >= 2 {
            isolationLevel = try reader.readInt8("ListOffsetsRequest.isolationLevel")
        }
        topics = try reader.readArray(compact: isFlexible, version: version, "ListOffsetsRequest.topics")
        if version >= 10 {
            timeoutMs = try reader.readInt32("ListOffsetsRequest.timeoutMs")
        }
        if isFlexible {
            try reader.skipTags("ListOffsetsRequest")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "ListOffsetsRequest")
        let isFlexible = version >= 6
        writer.write(replicaID)
        if version >= 2 {
            writer.write(isolationLevel)
        } else if isolationLevel != 0 {
            throw writer.notInVersion(version, "ListOffsetsRequest.isolationLevel")
        }
        try writer.write(topics, compact: isFlexible, version: version, "ListOffsetsRequest.topics")
        if version >= 10 {
            writer.write(timeoutMs)
        }
        if isFlexible {
            writer.writeNoTags()
        }
    }
}

extension ListOffsetsRequest {
    /// Part of ListOffsetsRequest: Each topic in the request.
    package struct ListOffsetsTopic: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 3 }

        /// The topic name.
        package var name: String
        /// Each partition in the request.
        package var partitions: [ListOffsetsPartition]

        /// A value of these parts; what is left out has its default.
        package init(
            name: String = "",
            partitions: [ListOffsetsPartition] = []
        ) {
            self.name = name
            self.partitions = partitions
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 6
            name = try reader.readString(compact: isFlexible, "ListOffsetsTopic.name")
            partitions = try reader.readArray(compact: isFlexible, version: version, "ListOffsetsTopic.partitions")
            if isFlexible {
                try reader.skipTags("ListOffsetsTopic")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 6
            try writer.write(name, compact: isFlexible, "ListOffsetsTopic.name")
            try writer.write(partitions, compact: isFlexible, version: version, "ListOffsetsTopic.partitions")
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }

    /// Part of ListOffsetsRequest: Each partition in the request.
    package struct ListOffsetsPartition: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 12 }

        /// The partition index.
        package var partitionIndex: Int32
        /// The current leader epoch. From version 4.
        package var currentLeaderEpoch: Int32
        /// The current timestamp.
        package var timestamp: Int64

        /// A value of these parts; what is left out has its default.
        package init(
            partitionIndex: Int32 = 0,
            currentLeaderEpoch: Int32 = -1,
            timestamp: Int64 = 0
        ) {
            self.partitionIndex = partitionIndex
            self.currentLeaderEpoch = currentLeaderEpoch
            self.timestamp = timestamp
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 6
            partitionIndex = try reader.readInt32("ListOffsetsPartition.partitionIndex")
            if version >= 4 {
                currentLeaderEpoch = try reader.readInt32("ListOffsetsPartition.currentLeaderEpoch")
            }
            timestamp = try reader.readInt64("ListOffsetsPartition.timestamp")
            if isFlexible {
                try reader.skipTags("ListOffsetsPartition")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 6
            writer.write(partitionIndex)
            if version >= 4 {
                writer.write(currentLeaderEpoch)
            }
            writer.write(timestamp)
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }
}
