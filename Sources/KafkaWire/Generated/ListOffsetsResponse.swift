// Made from Apache Kafka's ListOffsetsResponse.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The response of Kafka's API 2, ListOffsets, versions 1 to 11.
package struct ListOffsetsResponse: KafkaResponse {
    /// The number of the API.
    package static let key: Int16 = 2
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 1...11
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 6

    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the
    /// request did not violate any quota. From version 2.
    package var throttleTimeMs: Int32
    /// Each topic in the response.
    package var topics: [ListOffsetsTopicResponse]

    /// A value of these parts; what is left out has its default.
    package init(
        throttleTimeMs: Int32 = 0,
        topics: [ListOffsetsTopicResponse] = []
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.topics = topics
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "ListOffsetsResponse")
        self.init()
        let isFlexible = version >= 6
        if version >= 2 {
            throttleTimeMs = try reader.readInt32("ListOffsetsResponse.throttleTimeMs")
        }
        topics = try reader.readArray(compact: isFlexible, version: version, "ListOffsetsResponse.topics")
        if isFlexible {
            try reader.skipTags("ListOffsetsResponse")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "ListOffsetsResponse")
        let isFlexible = version >= 6
        if version >= 2 {
            writer.write(throttleTimeMs)
        }
        try writer.write(topics, compact: isFlexible, version: version, "ListOffsetsResponse.topics")
        if isFlexible {
            writer.writeNoTags()
        }
    }
}

extension ListOffsetsResponse {
    /// Part of ListOffsetsResponse: Each topic in the response.
    package struct ListOffsetsTopicResponse: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 3 }

        /// The topic name.
        package var name: String
        /// Each partition in the response.
        package var partitions: [ListOffsetsPartitionResponse]

        /// A value of these parts; what is left out has its default.
        package init(
            name: String = "",
            partitions: [ListOffsetsPartitionResponse] = []
        ) {
            self.name = name
            self.partitions = partitions
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 6
            name = try reader.readString(compact: isFlexible, "ListOffsetsTopicResponse.name")
            partitions = try reader.readArray(
                compact: isFlexible, version: version, "ListOffsetsTopicResponse.partitions")
            if isFlexible {
                try reader.skipTags("ListOffsetsTopicResponse")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 6
            try writer.write(name, compact: isFlexible, "ListOffsetsTopicResponse.name")
            try writer.write(partitions, compact: isFlexible, version: version, "ListOffsetsTopicResponse.partitions")
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }

    /// Part of ListOffsetsResponse: Each partition in the response.
    package struct ListOffsetsPartitionResponse: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 22 }

        /// The partition index.
        package var partitionIndex: Int32
        /// The partition error code, or 0 if there was no error.
        package var errorCode: KafkaErrorCode
        /// The timestamp associated with the returned offset.
        package var timestamp: Int64
        /// The returned offset.
        package var offset: Int64
        /// The leader epoch associated with the returned offset. From version 4.
        package var leaderEpoch: Int32

        /// A value of these parts; what is left out has its default.
        package init(
            partitionIndex: Int32 = 0,
            errorCode: KafkaErrorCode = .none,
            timestamp: Int64 = -1,
            offset: Int64 = -1,
            leaderEpoch: Int32 = -1
        ) {
            self.partitionIndex = partitionIndex
            self.errorCode = errorCode
            self.timestamp = timestamp
            self.offset = offset
            self.leaderEpoch = leaderEpoch
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 6
            partitionIndex = try reader.readInt32("ListOffsetsPartitionResponse.partitionIndex")
            errorCode = try reader.readErrorCode("ListOffsetsPartitionResponse.errorCode")
            timestamp = try reader.readInt64("ListOffsetsPartitionResponse.timestamp")
            offset = try reader.readInt64("ListOffsetsPartitionResponse.offset")
            if version >= 4 {
                leaderEpoch = try reader.readInt32("ListOffsetsPartitionResponse.leaderEpoch")
            }
            if isFlexible {
                try reader.skipTags("ListOffsetsPartitionResponse")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 6
            writer.write(partitionIndex)
            writer.write(errorCode)
            writer.write(timestamp)
            writer.write(offset)
            if version >= 4 {
                writer.write(leaderEpoch)
            } else if leaderEpoch != -1 {
                throw writer.notInVersion(version, "ListOffsetsPartitionResponse.leaderEpoch")
            }
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }
}
