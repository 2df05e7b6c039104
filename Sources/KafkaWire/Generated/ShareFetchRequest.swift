// Made from Apache Kafka's ShareFetchRequest.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The request of Kafka's API 78, ShareFetch, versions 1 to 2.
package struct ShareFetchRequest: KafkaRequest {
    /// The number of the API.
    package static let key: Int16 = 78
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
    /// The maximum time in milliseconds to wait for the response.
    package var maxWaitMs: Int32
    /// The minimum bytes to accumulate in the response.
    package var minBytes: Int32
    /// The maximum bytes to fetch. See KIP-74 for cases where this limit may not be honored.
    package var maxBytes: Int32
    /// The maximum number of records to fetch. This limit can be exceeded for alignment of batch boundaries.
    package var maxRecords: Int32
    /// The optimal number of records for batches of acquired records and acknowledgements.
    package var batchSize: Int32
    /// The acquire mode to control the fetch behavior - 0:batch-optimized,1:record-limit. Version 2 only.
    package var shareAcquireMode: Int8
    /// Whether Renew type acknowledgements present in AcknowledgementBatches. Version 2 only.
    package var isRenewAck: Bool
    /// The topics to fetch.
    package var topics: [FetchTopic]
    /// The partitions to remove from this share session.
    package var forgottenTopicsData: [ForgottenTopic]

    /// A value of these parts; what is left out has its default.
    package init(
        groupID: String? = nil,
        memberID: String? = "",
        shareSessionEpoch: Int32 = 0,
        maxWaitMs: Int32 = 0,
        minBytes: Int32 = 0,
        maxBytes: Int32 = 0x7fffffff,
        maxRecords: Int32 = 0,
        batchSize: Int32 = 0,
        shareAcquireMode: Int8 = 0,
        isRenewAck: Bool = false,
        topics: [FetchTopic] = [],
        forgottenTopicsData: [ForgottenTopic] = []
    ) {
        self.groupID = groupID
        self.memberID = memberID
        self.shareSessionEpoch = shareSessionEpoch
        self.maxWaitMs = maxWaitMs
        self.minBytes = minBytes
        self.maxBytes = maxBytes
        self.maxRecords = maxRecords
        self.batchSize = batchSize
        self.shareAcquireMode = shareAcquireMode
        self.isRenewAck = isRenewAck
        self.topics = topics
        self.forgottenTopicsData = forgottenTopicsData
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "ShareFetchRequest")
        self.init()
        groupID = try reader.readNullableString(compact: true, "ShareFetchRequest.groupID")
        memberID = try reader.readNullableString(compact: true, "ShareFetchRequest.memberID")
        shareSessionEpoch = try reader.readInt32("ShareFetchRequest.shareSessionEpoch")
        maxWaitMs = try reader.readInt32("ShareFetchRequest.maxWaitMs")
        minBytes = try reader.readInt32("ShareFetchRequest.minBytes")
        maxBytes = try reader.readInt32("ShareFetchRequest.maxBytes")
        maxRecords = try reader.readInt32("ShareFetchRequest.maxRecords")
        batchSize = try reader.readInt32("ShareFetchRequest.batchSize")
        if version == 2 {
            shareAcquireMode = try reader.readInt8("ShareFetchRequest.shareAcquireMode")
            isRenewAck = try reader.readBool("ShareFetchRequest.isRenewAck")
        }
        topics = try reader.readArray(compact: true, version: version, "ShareFetchRequest.topics")
        forgottenTopicsData = try reader.readArray(
            compact: true, version: version, "ShareFetchRequest.forgottenTopicsData")
        try reader.skipTags("ShareFetchRequest")
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "ShareFetchRequest")
        try writer.write(groupID, compact: true, "ShareFetchRequest.groupID")
        try writer.write(memberID, compact: true, "ShareFetchRequest.memberID")
        writer.write(shareSessionEpoch)
        writer.write(maxWaitMs)
        writer.write(minBytes)
        writer.write(maxBytes)
        writer.write(maxRecords)
        writer.write(batchSize)
        if version == 2 {
            writer.write(shareAcquireMode)
        }
        if version == 2 {
            writer.write(isRenewAck)
        } else if isRenewAck {
            throw writer.notInVersion(version, "ShareFetchRequest.isRenewAck")
        }
        try writer.write(topics, compact: true, version: version, "ShareFetchRequest.topics")
        try writer.write(forgottenTopicsData, compact: true, version: version, "ShareFetchRequest.forgottenTopicsData")
        writer.writeNoTags()
    }
}

extension ShareFetchRequest {
    /// Part of ShareFetchRequest: The topics to fetch.
    package struct FetchTopic: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 18 }

        /// The unique topic ID.
        package var topicID: KafkaUUID
        /// The partitions to fetch.
        package var partitions: [FetchPartition]

        /// A value of these parts; what is left out has its default.
        package init(
            topicID: KafkaUUID = .zero,
            partitions: [FetchPartition] = []
        ) {
            self.topicID = topicID
            self.partitions = partitions
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            topicID = try reader.readUUID("FetchTopic.topicID")
            partitions = try reader.readArray(compact: true, version: version, "FetchTopic.partitions")
            try reader.skipTags("FetchTopic")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            writer.write(topicID)
            try writer.write(partitions, compact: true, version: version, "FetchTopic.partitions")
            writer.writeNoTags()
        }
    }

    /// Part of ShareFetchRequest: The partitions to fetch.
    package struct FetchPartition: KafkaStructure {
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
            partitionIndex = try reader.readInt32("FetchPartition.partitionIndex")
            acknowledgementBatches = try reader.readArray(
                compact: true, version: version, "FetchPartition.acknowledgementBatches")
            try reader.skipTags("FetchPartition")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            writer.write(partitionIndex)
            try writer.write(
                acknowledgementBatches, compact: true, version: version, "FetchPartition.acknowledgementBatches")
            writer.writeNoTags()
        }
    }

    /// Part of ShareFetchRequest: Record batches to acknowledge.
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

    /// Part of ShareFetchRequest: The partitions to remove from this share session.
    package struct ForgottenTopic: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 18 }

        /// The unique topic ID.
        package var topicID: KafkaUUID
        /// The partitions indexes to forget.
        package var partitions: [Int32]

        /// A value of these parts; what is left out has its default.
        package init(
            topicID: KafkaUUID = .zero,
            partitions: [Int32] = []
        ) {
            self.topicID = topicID
            self.partitions = partitions
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            topicID = try reader.readUUID("ForgottenTopic.topicID")
            partitions = try reader.readArray(compact: true, version: version, "ForgottenTopic.partitions")
            try reader.skipTags("ForgottenTopic")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            writer.write(topicID)
            try writer.write(partitions, compact: true, version: version, "ForgottenTopic.partitions")
            writer.writeNoTags()
        }
    }
}
