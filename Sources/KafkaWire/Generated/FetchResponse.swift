// Made from Apache Kafka's FetchResponse.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The response of Kafka's API 1, Fetch, versions 4 to 18.
package struct FetchResponse: KafkaResponse {
    /// The number of the API.
    package static let key: Int16 = 1
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 4...18
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 12

    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the
    /// request did not violate any quota.
    package var throttleTimeMs: Int32
    /// The top level response error code. From version 7.
    package var errorCode: KafkaErrorCode
    /// The fetch session ID, or 0 if this is not part of a fetch session. From version 7.
    package var sessionID: Int32
    /// The response topics.
    package var responses: [FetchableTopicResponse]
    /// Endpoints for all current-leaders enumerated in PartitionData, with errors NOT_LEADER_OR_FOLLOWER &
    /// FENCED_LEADER_EPOCH. From version 16.
    package var nodeEndpoints: [NodeEndpoint]

    /// A value of these parts; what is left out has its default.
    package init(
        throttleTimeMs: Int32 = 0,
        errorCode: KafkaErrorCode = .none,
        sessionID: Int32 = 0,
        responses: [FetchableTopicResponse] = [],
        nodeEndpoints: [NodeEndpoint] = []
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.errorCode = errorCode
        self.sessionID = sessionID
        self.responses = responses
        self.nodeEndpoints = nodeEndpoints
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "FetchResponse")
        self.init()
        let isFlexible = version >= 12
        throttleTimeMs = try reader.readInt32("FetchResponse.throttleTimeMs")
        if version >= 7 {
            errorCode = try reader.readErrorCode("FetchResponse.errorCode")
            sessionID = try reader.readInt32("FetchResponse.sessionID")
        }
        responses = try reader.readArray(compact: isFlexible, version: version, "FetchResponse.responses")
        if isFlexible {
            var tags = try reader.readTags("FetchResponse")
            while let tag = try reader.nextTag(&tags) {
                switch tag {
                case 0 where version >= 16:
                    nodeEndpoints = try reader.readArray(compact: true, version: version, "FetchResponse.nodeEndpoints")
                default: reader.skipTag()
                }
            }
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "FetchResponse")
        let isFlexible = version >= 12
        writer.write(throttleTimeMs)
        if version >= 7 {
            writer.write(errorCode)
        }
        if version >= 7 {
            writer.write(sessionID)
        } else if sessionID != 0 {
            throw writer.notInVersion(version, "FetchResponse.sessionID")
        }
        try writer.write(responses, compact: isFlexible, version: version, "FetchResponse.responses")
        if version < 16, !nodeEndpoints.isEmpty {
            throw writer.notInVersion(version, "FetchResponse.nodeEndpoints")
        }
        if isFlexible {
            var tags = KafkaTags()
            if version >= 16, !nodeEndpoints.isEmpty {
                var field = KafkaWriter()
                try field.write(nodeEndpoints, compact: true, version: version, "FetchResponse.nodeEndpoints")
                tags.append(0, field)
            }
            writer.write(tags)
        }
    }
}

extension FetchResponse {
    /// Part of FetchResponse: The response topics.
    package struct FetchableTopicResponse: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 3 }

        /// The topic name. Up to version 12.
        package var topic: String
        /// The unique topic ID. From version 13.
        package var topicID: KafkaUUID
        /// The topic partitions.
        package var partitions: [PartitionData]

        /// A value of these parts; what is left out has its default.
        package init(
            topic: String = "",
            topicID: KafkaUUID = .zero,
            partitions: [PartitionData] = []
        ) {
            self.topic = topic
            self.topicID = topicID
            self.partitions = partitions
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 12
            if version <= 12 {
                topic = try reader.readString(compact: isFlexible, "FetchableTopicResponse.topic")
            }
            if version >= 13 {
                topicID = try reader.readUUID("FetchableTopicResponse.topicID")
            }
            partitions = try reader.readArray(
                compact: isFlexible, version: version, "FetchableTopicResponse.partitions")
            if isFlexible {
                try reader.skipTags("FetchableTopicResponse")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 12
            if version <= 12 {
                try writer.write(topic, compact: isFlexible, "FetchableTopicResponse.topic")
            }
            if version >= 13 {
                writer.write(topicID)
            }
            try writer.write(partitions, compact: isFlexible, version: version, "FetchableTopicResponse.partitions")
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }

    /// Part of FetchResponse: The topic partitions.
    package struct PartitionData: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 30 }

        /// The partition index.
        package var partitionIndex: Int32
        /// The error code, or 0 if there was no fetch error.
        package var errorCode: KafkaErrorCode
        /// The current high water mark.
        package var highWatermark: Int64
        /// The last stable offset (or LSO) of the partition. This is the last offset such that the state of all
        /// transactional records prior to this offset have been decided (ABORTED or COMMITTED).
        package var lastStableOffset: Int64
        /// The current log start offset. From version 5.
        package var logStartOffset: Int64
        /// In case divergence is detected based on the `LastFetchedEpoch` and `FetchOffset` in the request, this field
        /// indicates the largest epoch and its end offset such that subsequent records are known to diverge. From
        /// version 12.
        package var divergingEpoch: EpochEndOffset
        /// The current leader of the partition. From version 12.
        package var currentLeader: LeaderIDAndEpoch
        /// In the case of fetching an offset less than the LogStartOffset, this is the end offset and epoch that should
        /// be used in the FetchSnapshot request. From version 12.
        package var snapshotID: SnapshotID
        /// The aborted transactions.
        package var abortedTransactions: [AbortedTransaction]?
        /// The preferred read replica for the consumer to use on its next fetch request. From version 11.
        package var preferredReadReplica: Int32
        /// The record data.
        package var records: KafkaRecords

        /// A value of these parts; what is left out has its default.
        package init(
            partitionIndex: Int32 = 0,
            errorCode: KafkaErrorCode = .none,
            highWatermark: Int64 = 0,
            lastStableOffset: Int64 = -1,
            logStartOffset: Int64 = -1,
            divergingEpoch: EpochEndOffset = EpochEndOffset(),
            currentLeader: LeaderIDAndEpoch = LeaderIDAndEpoch(),
            snapshotID: SnapshotID = SnapshotID(),
            abortedTransactions: [AbortedTransaction]? = [],
            preferredReadReplica: Int32 = -1,
            records: KafkaRecords = .null
        ) {
            self.partitionIndex = partitionIndex
            self.errorCode = errorCode
            self.highWatermark = highWatermark
            self.lastStableOffset = lastStableOffset
            self.logStartOffset = logStartOffset
            self.divergingEpoch = divergingEpoch
            self.currentLeader = currentLeader
            self.snapshotID = snapshotID
            self.abortedTransactions = abortedTransactions
            self.preferredReadReplica = preferredReadReplica
            self.records = records
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 12
            partitionIndex = try reader.readInt32("PartitionData.partitionIndex")
            errorCode = try reader.readErrorCode("PartitionData.errorCode")
            highWatermark = try reader.readInt64("PartitionData.highWatermark")
            lastStableOffset = try reader.readInt64("PartitionData.lastStableOffset")
            if version >= 5 {
                logStartOffset = try reader.readInt64("PartitionData.logStartOffset")
            }
            abortedTransactions = try reader.readNullableArray(
                compact: isFlexible, version: version, "PartitionData.abortedTransactions")
            if version >= 11 {
                preferredReadReplica = try reader.readInt32("PartitionData.preferredReadReplica")
            }
            records = try reader.readRecords(compact: isFlexible, nullable: true, "PartitionData.records")
            if isFlexible {
                var tags = try reader.readTags("PartitionData")
                while let tag = try reader.nextTag(&tags) {
                    switch tag {
                    case 0:
                        divergingEpoch = try EpochEndOffset(from: &reader, version: version)
                    case 1:
                        currentLeader = try LeaderIDAndEpoch(from: &reader, version: version)
                    case 2:
                        snapshotID = try SnapshotID(from: &reader, version: version)
                    default: reader.skipTag()
                    }
                }
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 12
            writer.write(partitionIndex)
            writer.write(errorCode)
            writer.write(highWatermark)
            writer.write(lastStableOffset)
            if version >= 5 {
                writer.write(logStartOffset)
            }
            try writer.write(
                abortedTransactions, compact: isFlexible, version: version, "PartitionData.abortedTransactions")
            if version >= 11 {
                writer.write(preferredReadReplica)
            } else if preferredReadReplica != -1 {
                throw writer.notInVersion(version, "PartitionData.preferredReadReplica")
            }
            try writer.write(records, compact: isFlexible, nullable: true, "PartitionData.records")
            if version < 12, divergingEpoch != EpochEndOffset() {
                throw writer.notInVersion(version, "PartitionData.divergingEpoch")
            }
            if version < 12, currentLeader != LeaderIDAndEpoch() {
                throw writer.notInVersion(version, "PartitionData.currentLeader")
            }
            if version < 12, snapshotID != SnapshotID() {
                throw writer.notInVersion(version, "PartitionData.snapshotID")
            }
            if isFlexible {
                var tags = KafkaTags()
                if divergingEpoch != EpochEndOffset() {
                    var field = KafkaWriter()
                    try divergingEpoch.encode(to: &field, version: version)
                    tags.append(0, field)
                }
                if currentLeader != LeaderIDAndEpoch() {
                    var field = KafkaWriter()
                    try currentLeader.encode(to: &field, version: version)
                    tags.append(1, field)
                }
                if snapshotID != SnapshotID() {
                    var field = KafkaWriter()
                    try snapshotID.encode(to: &field, version: version)
                    tags.append(2, field)
                }
                writer.write(tags)
            }
        }
    }

    /// Part of FetchResponse: In case divergence is detected based on the `LastFetchedEpoch` and `FetchOffset` in the
    /// request, this field indicates the largest epoch and its end offset such that subsequent records are known to
    /// diverge.
    package struct EpochEndOffset: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 13 }

        /// The largest epoch.
        package var epoch: Int32
        /// The end offset of the epoch.
        package var endOffset: Int64

        /// A value of these parts; what is left out has its default.
        package init(
            epoch: Int32 = -1,
            endOffset: Int64 = -1
        ) {
            self.epoch = epoch
            self.endOffset = endOffset
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            epoch = try reader.readInt32("EpochEndOffset.epoch")
            endOffset = try reader.readInt64("EpochEndOffset.endOffset")
            try reader.skipTags("EpochEndOffset")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            writer.write(epoch)
            writer.write(endOffset)
            writer.writeNoTags()
        }
    }

    /// Part of FetchResponse: The current leader of the partition.
    package struct LeaderIDAndEpoch: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 9 }

        /// The ID of the current leader or -1 if the leader is unknown.
        package var leaderID: Int32
        /// The latest known leader epoch.
        package var leaderEpoch: Int32

        /// A value of these parts; what is left out has its default.
        package init(
            leaderID: Int32 = -1,
            leaderEpoch: Int32 = -1
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

    /// Part of FetchResponse: In the case of fetching an offset less than the LogStartOffset, this is the end offset
    /// and epoch that should be used in the FetchSnapshot request.
    package struct SnapshotID: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 13 }

        /// The end offset of the epoch.
        package var endOffset: Int64
        /// The largest epoch.
        package var epoch: Int32

        /// A value of these parts; what is left out has its default.
        package init(
            endOffset: Int64 = -1,
            epoch: Int32 = -1
        ) {
            self.endOffset = endOffset
            self.epoch = epoch
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            endOffset = try reader.readInt64("SnapshotID.endOffset")
            epoch = try reader.readInt32("SnapshotID.epoch")
            try reader.skipTags("SnapshotID")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            writer.write(endOffset)
            writer.write(epoch)
            writer.writeNoTags()
        }
    }

    /// Part of FetchResponse: The aborted transactions.
    package struct AbortedTransaction: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 16 }

        /// The producer id associated with the aborted transaction.
        package var producerID: Int64
        /// The first offset in the aborted transaction.
        package var firstOffset: Int64

        /// A value of these parts; what is left out has its default.
        package init(
            producerID: Int64 = 0,
            firstOffset: Int64 = 0
        ) {
            self.producerID = producerID
            self.firstOffset = firstOffset
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 12
            producerID = try reader.readInt64("AbortedTransaction.producerID")
            firstOffset = try reader.readInt64("AbortedTransaction.firstOffset")
            if isFlexible {
                try reader.skipTags("AbortedTransaction")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 12
            writer.write(producerID)
            writer.write(firstOffset)
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }

    /// Part of FetchResponse: Endpoints for all current-leaders enumerated in PartitionData, with errors
    /// NOT_LEADER_OR_FOLLOWER & FENCED_LEADER_EPOCH.
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
