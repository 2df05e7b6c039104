// Made from Apache Kafka's TxnOffsetCommitRequest.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The request of Kafka's API 28, TxnOffsetCommit, versions 0 to 5.
package struct TxnOffsetCommitRequest: KafkaRequest {
    /// The number of the API.
    package static let key: Int16 = 28
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...5
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 3

    /// The ID of the transaction.
    package var transactionalID: String
    /// The ID of the group.
    package var groupID: String
    /// The current producer ID in use by the transactional ID.
    package var producerID: Int64
    /// The current epoch associated with the producer ID.
    package var producerEpoch: Int16
    /// The generation of the consumer. From version 3.
    package var generationID: Int32
    /// The member ID assigned by the group coordinator. From version 3.
    package var memberID: String
    /// The unique identifier of the consumer instance provided by end user. From version 3.
    package var groupInstanceID: String?
    /// Each topic that we want to commit offsets for.
    package var topics: [TxnOffsetCommitRequestTopic]

    /// A value of these parts; what is left out has its default.
    package init(
        transactionalID: String = "",
        groupID: String = "",
        producerID: Int64 = 0,
        producerEpoch: Int16 = 0,
        generationID: Int32 = -1,
        memberID: String = "",
        groupInstanceID: String? = nil,
        topics: [TxnOffsetCommitRequestTopic] = []
    ) {
        self.transactionalID = transactionalID
        self.groupID = groupID
        self.producerID = producerID
        self.producerEpoch = producerEpoch
        self.generationID = generationID
        self.memberID = memberID
        self.groupInstanceID = groupInstanceID
        self.topics = topics
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "TxnOffsetCommitRequest")
        self.init()
        let isFlexible = version >= 3
        transactionalID = try reader.readString(compact: isFlexible, "TxnOffsetCommitRequest.transactionalID")
        groupID = try reader.readString(compact: isFlexible, "TxnOffsetCommitRequest.groupID")
        producerID = try reader.readInt64("TxnOffsetCommitRequest.producerID")
        producerEpoch = try reader.readInt16("TxnOffsetCommitRequest.producerEpoch")
        if version >= 3 {
            generationID = try reader.readInt32("TxnOffsetCommitRequest.generationID")
            memberID = try reader.readString(compact: isFlexible, "TxnOffsetCommitRequest.memberID")
            groupInstanceID = try reader.readNullableString(
                compact: isFlexible, "TxnOffsetCommitRequest.groupInstanceID")
        }
        topics = try reader.readArray(compact: isFlexible, version: version, "TxnOffsetCommitRequest.topics")
        if isFlexible {
            try reader.skipTags("TxnOffsetCommitRequest")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "TxnOffsetCommitRequest")
        let isFlexible = version >= 3
        try writer.write(transactionalID, compact: isFlexible, "TxnOffsetCommitRequest.transactionalID")
        try writer.write(groupID, compact: isFlexible, "TxnOffsetCommitRequest.groupID")
        writer.write(producerID)
        writer.write(producerEpoch)
        if version >= 3 {
            writer.write(generationID)
        } else if generationID != -1 {
            throw writer.notInVersion(version, "TxnOffsetCommitRequest.generationID")
        }
        if version >= 3 {
            try writer.write(memberID, compact: isFlexible, "TxnOffsetCommitRequest.memberID")
        } else if !memberID.isEmpty {
            throw writer.notInVersion(version, "TxnOffsetCommitRequest.memberID")
        }
        if version >= 3 {
            try writer.write(groupInstanceID, compact: isFlexible, "TxnOffsetCommitRequest.groupInstanceID")
        } else if groupInstanceID != nil {
            throw writer.notInVersion(version, "TxnOffsetCommitRequest.groupInstanceID")
        }
        try writer.write(topics, compact: isFlexible, version: version, "TxnOffsetCommitRequest.topics")
        if isFlexible {
            writer.writeNoTags()
        }
    }
}

extension TxnOffsetCommitRequest {
    /// Part of TxnOffsetCommitRequest: Each topic that we want to commit offsets for.
    package struct TxnOffsetCommitRequestTopic: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 3 }

        /// The topic name.
        package var name: String
        /// The partitions inside the topic that we want to commit offsets for.
        package var partitions: [TxnOffsetCommitRequestPartition]

        /// A value of these parts; what is left out has its default.
        package init(
            name: String = "",
            partitions: [TxnOffsetCommitRequestPartition] = []
        ) {
            self.name = name
            self.partitions = partitions
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 3
            name = try reader.readString(compact: isFlexible, "TxnOffsetCommitRequestTopic.name")
            partitions = try reader.readArray(
                compact: isFlexible, version: version, "TxnOffsetCommitRequestTopic.partitions")
            if isFlexible {
                try reader.skipTags("TxnOffsetCommitRequestTopic")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 3
            try writer.write(name, compact: isFlexible, "TxnOffsetCommitRequestTopic.name")
            try writer.write(
                partitions, compact: isFlexible, version: version, "TxnOffsetCommitRequestTopic.partitions")
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }

    /// Part of TxnOffsetCommitRequest: The partitions inside the topic that we want to commit offsets for.
    package struct TxnOffsetCommitRequestPartition: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 14 }

        /// The index of the partition within the topic.
        package var partitionIndex: Int32
        /// The message offset to be committed.
        package var committedOffset: Int64
        /// The leader epoch of the last consumed record. From version 2.
        package var committedLeaderEpoch: Int32
        /// Any associated metadata the client wants to keep.
        package var committedMetadata: String?

        /// A value of these parts; what is left out has its default.
        package init(
            partitionIndex: Int32 = 0,
            committedOffset: Int64 = 0,
            committedLeaderEpoch: Int32 = -1,
            committedMetadata: String? = ""
        ) {
            self.partitionIndex = partitionIndex
            self.committedOffset = committedOffset
            self.committedLeaderEpoch = committedLeaderEpoch
            self.committedMetadata = committedMetadata
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 3
            partitionIndex = try reader.readInt32("TxnOffsetCommitRequestPartition.partitionIndex")
            committedOffset = try reader.readInt64("TxnOffsetCommitRequestPartition.committedOffset")
            if version >= 2 {
                committedLeaderEpoch = try reader.readInt32("TxnOffsetCommitRequestPartition.committedLeaderEpoch")
            }
            committedMetadata = try reader.readNullableString(
                compact: isFlexible, "TxnOffsetCommitRequestPartition.committedMetadata")
            if isFlexible {
                try reader.skipTags("TxnOffsetCommitRequestPartition")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 3
            writer.write(partitionIndex)
            writer.write(committedOffset)
            if version >= 2 {
                writer.write(committedLeaderEpoch)
            }
            try writer.write(
                committedMetadata, compact: isFlexible, "TxnOffsetCommitRequestPartition.committedMetadata")
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }
}
