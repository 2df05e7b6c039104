// Made from Apache Kafka's ShareAcknowledgeRequest.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The request of Kafka's API 79, ShareAcknowledge, versions 1 to 2.
package struct ShareAcknowledgeRequest: KafkaRequest {
    /// The number of the API.
    package static let key: Int16 = 79
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 1...2
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 1

    /// The group identifier.
    package var groupID: String?
    /// The member ID.
    package var memberID: String?
    /// The current share session epoch: 0 to open a share session; -1 to close it; otherwise increments for consecutive
    /// requests.
    package var shareSessionEpoch: Int32
    /// Whether Renew type acknowledgements present in AcknowledgementBatches. Version 2 only.
    package var isRenewAck: Bool
    /// The topics containing records to acknowledge.
    package var topics: [AcknowledgeTopic]

    /// A value of these parts; what is left out has its default.
    package init(
        groupID: String? = nil,
        memberID: String? = "",
        shareSessionEpoch: Int32 = 0,
        isRenewAck: Bool = false,
        topics: [AcknowledgeTopic] = []
    ) {
        self.groupID = groupID
        self.memberID = memberID
        self.shareSessionEpoch = shareSessionEpoch
        self.isRenewAck = isRenewAck
        self.topics = topics
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "ShareAcknowledgeRequest")
        self.init()
        groupID = try reader.readNullableString(compact: true, "ShareAcknowledgeRequest.groupID")
        memberID = try reader.readNullableString(compact: true, "ShareAcknowledgeRequest.memberID")
        shareSessionEpoch = try reader.readInt32("ShareAcknowledgeRequest.shareSessionEpoch")
        if version == 2 {
            isRenewAck = try reader.readBool("ShareAcknowledgeRequest.isRenewAck")
        }
        topics = try reader.readArray(compact: true, version: version, "ShareAcknowledgeRequest.topics")
        try reader.skipTags("ShareAcknowledgeRequest")
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "ShareAcknowledgeRequest")
        try writer.write(groupID, compact: true, "ShareAcknowledgeRequest.groupID")
        try writer.write(memberID, compact: true, "ShareAcknowledgeRequest.memberID")
        writer.write(shareSessionEpoch)
        if version == 2 {
            writer.write(isRenewAck)
        } else if isRenewAck {
            throw writer.notInVersion(version, "ShareAcknowledgeRequest.isRenewAck")
        }
        try writer.write(topics, compact: true, version: version, "ShareAcknowledgeRequest.topics")
        writer.writeNoTags()
    }
}

extension ShareAcknowledgeRequest {
    /// Part of ShareAcknowledgeRequest: The topics containing records to acknowledge.
    package struct AcknowledgeTopic: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 18 }

        /// The unique topic ID.
        package var topicID: KafkaUUID
        /// The partitions containing records to acknowledge.
        package var partitions: [AcknowledgePartition]

        /// A value of these parts; what is left out has its default.
        package init(
            topicID: KafkaUUID = .zero,
            partitions: [AcknowledgePartition] = []
        ) {
            self.topicID = topicID
            self.partitions = partitions
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            topicID = try reader.readUUID("AcknowledgeTopic.topicID")
            partitions = try reader.readArray(compact: true, version: version, "AcknowledgeTopic.partitions")
            try reader.skipTags("AcknowledgeTopic")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            writer.write(topicID)
            try writer.write(partitions, compact: true, version: version, "AcknowledgeTopic.partitions")
            writer.writeNoTags()
        }
    }

    /// Part of ShareAcknowledgeRequest: The partitions containing records to acknowledge.
    package struct AcknowledgePartition: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 6 }

        /// The partition index.
        package var partitionIndex: Int32
        /// Record batches to acknowledge.
        package var acknowledgementBatches: [AcknowledgementBatch]

        /// A value of these parts; what is left out has its default.
        package init(
            partitionIndex: Int32 = 0,
            acknowledgementBatches: [AcknowledgementBatch] = []
        ) {
            self.partitionIndex = partitionIndex
            self.acknowledgementBatches = acknowledgementBatches
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            partitionIndex = try reader.readInt32("AcknowledgePartition.partitionIndex")
            acknowledgementBatches = try reader.readArray(
                compact: true, version: version, "AcknowledgePartition.acknowledgementBatches")
            try reader.skipTags("AcknowledgePartition")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            writer.write(partitionIndex)
            try writer.write(
                acknowledgementBatches, compact: true, version: version, "AcknowledgePartition.acknowledgementBatches")
            writer.writeNoTags()
        }
    }

    /// Part of ShareAcknowledgeRequest: Record batches to acknowledge.
    package struct AcknowledgementBatch: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 18 }

        /// First offset of batch of records to acknowledge.
        package var firstOffset: Int64
        /// Last offset (inclusive) of batch of records to acknowledge.
        package var lastOffset: Int64
        /// Array of acknowledge types - 0:Gap,1:Accept,2:Release,3:Reject,4:Renew.
        package var acknowledgeTypes: [Int8]

        /// A value of these parts; what is left out has its default.
        package init(
            firstOffset: Int64 = 0,
            lastOffset: Int64 = 0,
            acknowledgeTypes: [Int8] = []
        ) {
            self.firstOffset = firstOffset
            self.lastOffset = lastOffset
            self.acknowledgeTypes = acknowledgeTypes
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            firstOffset = try reader.readInt64("AcknowledgementBatch.firstOffset")
            lastOffset = try reader.readInt64("AcknowledgementBatch.lastOffset")
            acknowledgeTypes = try reader.readArray(
                compact: true, version: version, "AcknowledgementBatch.acknowledgeTypes")
            try reader.skipTags("AcknowledgementBatch")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            writer.write(firstOffset)
            writer.write(lastOffset)
            try writer.write(acknowledgeTypes, compact: true, version: version, "AcknowledgementBatch.acknowledgeTypes")
            writer.writeNoTags()
        }
    }
}
