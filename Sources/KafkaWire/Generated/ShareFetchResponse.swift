// Made from Apache Kafka's ShareFetchResponse.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The response of Kafka's API 78, ShareFetch, versions 1 to 2.
package struct ShareFetchResponse: KafkaResponse {
    /// The number of the API.
    package static let key: Int16 = 78
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 1...2
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 1

    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the
    /// request did not violate any quota.
    package var throttleTimeMs: Int32
    /// The top-level response error code.
    package var errorCode: KafkaErrorCode
    /// The top-level error message, or null if there was no error.
    package var errorMessage: String?
    /// The time in milliseconds for which the acquired records are locked.
    package var acquisitionLockTimeoutMs: Int32
    /// The response topics.
    package var responses: [ShareFetchableTopicResponse]
    /// Endpoints for all current leaders enumerated in PartitionData with error NOT_LEADER_OR_FOLLOWER.
    package var nodeEndpoints: [NodeEndpoint]

    /// A value of these parts; what is left out has its default.
    package init(
        throttleTimeMs: Int32 = 0,
        errorCode: KafkaErrorCode = .none,
        errorMessage: String? = nil,
        acquisitionLockTimeoutMs: Int32 = 0,
        responses: [ShareFetchableTopicResponse] = [],
        nodeEndpoints: [NodeEndpoint] = []
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.errorCode = errorCode
        self.errorMessage = errorMessage
        self.acquisitionLockTimeoutMs = acquisitionLockTimeoutMs
        self.responses = responses
        self.nodeEndpoints = nodeEndpoints
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "ShareFetchResponse")
        self.init()
        throttleTimeMs = try reader.readInt32("ShareFetchResponse.throttleTimeMs")
        errorCode = try reader.readErrorCode("ShareFetchResponse.errorCode")
        errorMessage = try reader.readNullableString(compact: true, "ShareFetchResponse.errorMessage")
        acquisitionLockTimeoutMs = try reader.readInt32("ShareFetchResponse.acquisitionLockTimeoutMs")
        responses = try reader.readArray(compact: true, version: version, "ShareFetchResponse.responses")
        nodeEndpoints = try reader.readArray(compact: true, version: version, "ShareFetchResponse.nodeEndpoints")
        try reader.skipTags("ShareFetchResponse")
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "ShareFetchResponse")
        writer.write(throttleTimeMs)
        writer.write(errorCode)
        try writer.write(errorMessage, compact: true, "ShareFetchResponse.errorMessage")
        writer.write(acquisitionLockTimeoutMs)
        try writer.write(responses, compact: true, version: version, "ShareFetchResponse.responses")
        try writer.write(nodeEndpoints, compact: true, version: version, "ShareFetchResponse.nodeEndpoints")
        writer.writeNoTags()
    }
}

extension ShareFetchResponse {
    /// Part of ShareFetchResponse: The response topics.
    package struct ShareFetchableTopicResponse: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 18 }

        /// The unique topic ID.
        package var topicID: KafkaUUID
        /// The topic partitions.
        package var partitions: [PartitionData]

        /// A value of these parts; what is left out has its default.
        package init(
            topicID: KafkaUUID = .zero,
            partitions: [PartitionData] = []
        ) {
            self.topicID = topicID
            self.partitions = partitions
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            topicID = try reader.readUUID("ShareFetchableTopicResponse.topicID")
            partitions = try reader.readArray(compact: true, version: version, "ShareFetchableTopicResponse.partitions")
            try reader.skipTags("ShareFetchableTopicResponse")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            writer.write(topicID)
            try writer.write(partitions, compact: true, version: version, "ShareFetchableTopicResponse.partitions")
            writer.writeNoTags()
        }
    }

    /// Part of ShareFetchResponse: The topic partitions.
    package struct PartitionData: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 22 }

        /// The partition index.
        package var partitionIndex: Int32
        /// The fetch error code, or 0 if there was no fetch error.
        package var errorCode: KafkaErrorCode
        /// The fetch error message, or null if there was no fetch error.
        package var errorMessage: String?
        /// The acknowledge error code, or 0 if there was no acknowledge error.
        package var acknowledgeErrorCode: KafkaErrorCode
        /// The acknowledge error message, or null if there was no acknowledge error.
        package var acknowledgeErrorMessage: String?
        /// The current leader of the partition.
        package var currentLeader: LeaderIDAndEpoch
        /// The record data.
        package var records: KafkaRecords
        /// The acquired records.
        package var acquiredRecords: [AcquiredRecords]

        /// A value of these parts; what is left out has its default.
        package init(
            partitionIndex: Int32 = 0,
            errorCode: KafkaErrorCode = .none,
            errorMessage: String? = nil,
            acknowledgeErrorCode: KafkaErrorCode = .none,
            acknowledgeErrorMessage: String? = nil,
            currentLeader: LeaderIDAndEpoch = LeaderIDAndEpoch(),
            records: KafkaRecords = .null,
            acquiredRecords: [AcquiredRecords] = []
        ) {
            self.partitionIndex = partitionIndex
            self.errorCode = errorCode
            self.errorMessage = errorMessage
            self.acknowledgeErrorCode = acknowledgeErrorCode
            self.acknowledgeErrorMessage = acknowledgeErrorMessage
            self.currentLeader = currentLeader
            self.records = records
            self.acquiredRecords = acquiredRecords
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            partitionIndex = try reader.readInt32("PartitionData.partitionIndex")
            errorCode = try reader.readErrorCode("PartitionData.errorCode")
            errorMessage = try reader.readNullableString(compact: true, "PartitionData.errorMessage")
            acknowledgeErrorCode = try reader.readErrorCode("PartitionData.acknowledgeErrorCode")
            acknowledgeErrorMessage = try reader.readNullableString(
                compact: true, "PartitionData.acknowledgeErrorMessage")
            currentLeader = try LeaderIDAndEpoch(from: &reader, version: version)
            records = try reader.readRecords(compact: true, nullable: false, "PartitionData.records")
            acquiredRecords = try reader.readArray(compact: true, version: version, "PartitionData.acquiredRecords")
            try reader.skipTags("PartitionData")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            writer.write(partitionIndex)
            writer.write(errorCode)
            try writer.write(errorMessage, compact: true, "PartitionData.errorMessage")
            writer.write(acknowledgeErrorCode)
            try writer.write(acknowledgeErrorMessage, compact: true, "PartitionData.acknowledgeErrorMessage")
            try currentLeader.encode(to: &writer, version: version)
            try writer.write(records, compact: true, nullable: false, "PartitionData.records")
            try writer.write(acquiredRecords, compact: true, version: version, "PartitionData.acquiredRecords")
            writer.writeNoTags()
        }
    }

    /// Part of ShareFetchResponse: The current leader of the partition.
    package struct LeaderIDAndEpoch: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 9 }

        /// The ID of the current leader or -1 if the leader is unknown.
        package var leaderID: Int32
        /// The latest known leader epoch.
        package var leaderEpoch: Int32

        /// A value of these parts; what is left out has its default.
        package init(
            leaderID: Int32 = 0,
            leaderEpoch: Int32 = 0
        ) {
            self.leaderID = leaderID
            self.leaderEpoch = leaderEpoch
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            leaderID = try reader.readInt32("LeaderIDAndEpoch.leaderID")
            leaderEpoch = try reader.readInt32("LeaderIDAndEpoch.leaderEpoch")
            try reader.skipTags("LeaderIDAndEpoch")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            writer.write(leaderID)
            writer.write(leaderEpoch)
            writer.writeNoTags()
        }
    }

    /// Part of ShareFetchResponse: The acquired records.
    package struct AcquiredRecords: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 19 }

        /// The earliest offset in this batch of acquired records.
        package var firstOffset: Int64
        /// The last offset of this batch of acquired records.
        package var lastOffset: Int64
        /// The delivery count of this batch of acquired records.
        package var deliveryCount: Int16

        /// A value of these parts; what is left out has its default.
        package init(
            firstOffset: Int64 = 0,
            lastOffset: Int64 = 0,
            deliveryCount: Int16 = 0
        ) {
            self.firstOffset = firstOffset
            self.lastOffset = lastOffset
            self.deliveryCount = deliveryCount
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            firstOffset = try reader.readInt64("AcquiredRecords.firstOffset")
            lastOffset = try reader.readInt64("AcquiredRecords.lastOffset")
            deliveryCount = try reader.readInt16("AcquiredRecords.deliveryCount")
            try reader.skipTags("AcquiredRecords")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            writer.write(firstOffset)
            writer.write(lastOffset)
            writer.write(deliveryCount)
            writer.writeNoTags()
        }
    }

    /// Part of ShareFetchResponse: Endpoints for all current leaders enumerated in PartitionData with error
    /// NOT_LEADER_OR_FOLLOWER.
    package struct NodeEndpoint: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 11 }

        /// The ID of the associated node.
        package var nodeID: Int32
        /// The node's hostname.
        package var host: String
        /// The node's port.
        package var port: Int32
        /// The rack of the node, or null if it has not been assigned to a rack.
        package var rack: String?

        /// A value of these parts; what is left out has its default.
        package init(
            nodeID: Int32 = 0,
            host: String = "",
            port: Int32 = 0,
            rack: String? = nil
        ) {
            self.nodeID = nodeID
            self.host = host
            self.port = port
            self.rack = rack
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            nodeID = try reader.readInt32("NodeEndpoint.nodeID")
            host = try reader.readString(compact: true, "NodeEndpoint.host")
            port = try reader.readInt32("NodeEndpoint.port")
            rack = try reader.readNullableString(compact: true, "NodeEndpoint.rack")
            try reader.skipTags("NodeEndpoint")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            writer.write(nodeID)
            try writer.write(host, compact: true, "NodeEndpoint.host")
            writer.write(port)
            try writer.write(rack, compact: true, "NodeEndpoint.rack")
            writer.writeNoTags()
        }
    }
}
