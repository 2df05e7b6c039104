// Made from Apache Kafka's TxnOffsetCommitResponse.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The response of Kafka's API 28, TxnOffsetCommit, versions 0 to 5.
package struct TxnOffsetCommitResponse: KafkaResponse {
    /// The number of the API.
    package static let key: Int16 = 28
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...5
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 3

    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the
    /// request did not violate any quota.
    package var throttleTimeMs: Int32
    /// The responses for each topic.
    package var topics: [TxnOffsetCommitResponseTopic]

    /// A value of these parts; what is left out has its default.
    package init(
        throttleTimeMs: Int32 = 0,
        topics: [TxnOffsetCommitResponseTopic] = []
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.topics = topics
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "TxnOffsetCommitResponse")
        self.init()
        let isFlexible = version >= 3
        throttleTimeMs = try reader.readInt32("TxnOffsetCommitResponse.throttleTimeMs")
        topics = try reader.readArray(compact: isFlexible, version: version, "TxnOffsetCommitResponse.topics")
        if isFlexible {
            try reader.skipTags("TxnOffsetCommitResponse")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "TxnOffsetCommitResponse")
        let isFlexible = version >= 3
        writer.write(throttleTimeMs)
        try writer.write(topics, compact: isFlexible, version: version, "TxnOffsetCommitResponse.topics")
        if isFlexible {
            writer.writeNoTags()
        }
    }
}

extension TxnOffsetCommitResponse {
    /// Part of TxnOffsetCommitResponse: The responses for each topic.
    package struct TxnOffsetCommitResponseTopic: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 3 }

        /// The topic name.
        package var name: String
        /// The responses for each partition in the topic.
        package var partitions: [TxnOffsetCommitResponsePartition]

        /// A value of these parts; what is left out has its default.
        package init(
            name: String = "",
            partitions: [TxnOffsetCommitResponsePartition] = []
        ) {
            self.name = name
            self.partitions = partitions
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 3
            name = try reader.readString(compact: isFlexible, "TxnOffsetCommitResponseTopic.name")
            partitions = try reader.readArray(
                compact: isFlexible, version: version, "TxnOffsetCommitResponseTopic.partitions")
            if isFlexible {
                try reader.skipTags("TxnOffsetCommitResponseTopic")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 3
            try writer.write(name, compact: isFlexible, "TxnOffsetCommitResponseTopic.name")
            try writer.write(
                partitions, compact: isFlexible, version: version, "TxnOffsetCommitResponseTopic.partitions")
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }

    /// Part of TxnOffsetCommitResponse: The responses for each partition in the topic.
    package struct TxnOffsetCommitResponsePartition: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 6 }

        /// The partition index.
        package var partitionIndex: Int32
        /// The error code, or 0 if there was no error.
        package var errorCode: KafkaErrorCode

        /// A value of these parts; what is left out has its default.
        package init(
            partitionIndex: Int32 = 0,
            errorCode: KafkaErrorCode = .none
        ) {
            self.partitionIndex = partitionIndex
            self.errorCode = errorCode
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 3
            partitionIndex = try reader.readInt32("TxnOffsetCommitResponsePartition.partitionIndex")
            errorCode = try reader.readErrorCode("TxnOffsetCommitResponsePartition.errorCode")
            if isFlexible {
                try reader.skipTags("TxnOffsetCommitResponsePartition")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 3
            writer.write(partitionIndex)
            writer.write(errorCode)
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }
}
