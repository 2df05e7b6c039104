// Made from Apache Kafka's ProduceResponse.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The response of Kafka's API 0, Produce, versions 3 to 13.
package struct ProduceResponse: KafkaResponse {
    /// The number of the API.
    package static let key: Int16 = 0
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 3...13
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 9

    /// Each produce response.
    package var responses: [TopicProduceResponse]
    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the
    /// request did not violate any quota.
    package var throttleTimeMs: Int32
    /// Endpoints for all current-leaders enumerated in PartitionProduceResponses, with errors NOT_LEADER_OR_FOLLOWER.
    /// From version 10.
    package var nodeEndpoints: [NodeEndpoint]

    /// A value of these parts; what is left out has its default.
    package init(
        responses: [TopicProduceResponse] = [],
        throttleTimeMs: Int32 = 0,
        nodeEndpoints: [NodeEndpoint] = []
    ) {
        self.responses = responses
        self.throttleTimeMs = throttleTimeMs
        self.nodeEndpoints = nodeEndpoints
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "ProduceResponse")
        self.init()
        let isFlexible = version >= 9
        responses = try reader.readArray(compact: isFlexible, version: version, "ProduceResponse.responses")
        throttleTimeMs = try reader.readInt32("ProduceResponse.throttleTimeMs")
        if isFlexible {
            var tags = try reader.readTags("ProduceResponse")
            while let tag = try reader.nextTag(&tags) {
                switch tag {
                case 0 where version >= 10:
                    nodeEndpoints = try reader.readArray(
                        compact: true, version: version, "ProduceResponse.nodeEndpoints")
                default: reader.skipTag()
                }
            }
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "ProduceResponse")
        let isFlexible = version >= 9
        try writer.write(responses, compact: isFlexible, version: version, "ProduceResponse.responses")
        writer.write(throttleTimeMs)
        if version < 10, !nodeEndpoints.isEmpty {
            throw writer.notInVersion(version, "ProduceResponse.nodeEndpoints")
        }
        if isFlexible {
            var tags = KafkaTags()
            if version >= 10, !nodeEndpoints.isEmpty {
                var field = KafkaWriter()
                try field.write(nodeEndpoints, compact: true, version: version, "ProduceResponse.nodeEndpoints")
                tags.append(0, field)
            }
            writer.write(tags)
        }
    }
}

extension ProduceResponse {
    /// Part of ProduceResponse: Each produce response.
    package struct TopicProduceResponse: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 3 }

        /// The topic name. Up to version 12.
        package var name: String
        /// The unique topic ID Version 13 only.
        package var topicID: KafkaUUID
        /// Each partition that we produced to within the topic.
        package var partitionResponses: [PartitionProduceResponse]

        /// A value of these parts; what is left out has its default.
        package init(
            name: String = "",
            topicID: KafkaUUID = .zero,
            partitionResponses: [PartitionProduceResponse] = []
        ) {
            self.name = name
            self.topicID = topicID
            self.partitionResponses = partitionResponses
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 9
            if version <= 12 {
                name = try reader.readString(compact: isFlexible, "TopicProduceResponse.name")
            }
            if version == 13 {
                topicID = try reader.readUUID("TopicProduceResponse.topicID")
            }
            partitionResponses = try reader.readArray(
                compact: isFlexible, version: version, "TopicProduceResponse.partitionResponses")
            if isFlexible {
                try reader.skipTags("TopicProduceResponse")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 9
            if version <= 12 {
                try writer.write(name, compact: isFlexible, "TopicProduceResponse.name")
            }
            if version == 13 {
                writer.write(topicID)
            }
            try writer.write(
                partitionResponses, compact: isFlexible, version: version, "TopicProduceResponse.partitionResponses")
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }

    /// Part of ProduceResponse: Each partition that we produced to within the topic.
    package struct PartitionProduceResponse: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 22 }

        /// The partition index.
        package var index: Int32
        /// The error code, or 0 if there was no error.
        package var errorCode: KafkaErrorCode
        /// The base offset.
        package var baseOffset: Int64
        /// The timestamp returned by broker after appending the messages. If CreateTime is used for the topic, the
        /// timestamp will be -1. If LogAppendTime is used for the topic, the timestamp will be the broker local time
        /// when the messages are appended.
        package var logAppendTimeMs: Int64
        /// The log start offset. From version 5.
        package var logStartOffset: Int64
        /// The batch indices of records that caused the batch to be dropped. From version 8.
        package var recordErrors: [BatchIndexAndErrorMessage]
        /// The global error message summarizing the common root cause of the records that caused the batch to be
        /// dropped. From version 8.
        package var errorMessage: String?
        /// The leader broker that the producer should use for future requests. From version 10.
        package var currentLeader: LeaderIDAndEpoch

        /// A value of these parts; what is left out has its default.
        package init(
            index: Int32 = 0,
            errorCode: KafkaErrorCode = .none,
            baseOffset: Int64 = 0,
            logAppendTimeMs: Int64 = -1,
            logStartOffset: Int64 = -1,
            recordErrors: [BatchIndexAndErrorMessage] = [],
            errorMessage: String? = nil,
            currentLeader: LeaderIDAndEpoch = LeaderIDAndEpoch()
        ) {
            self.index = index
            self.errorCode = errorCode
            self.baseOffset = baseOffset
            self.logAppendTimeMs = logAppendTimeMs
            self.logStartOffset = logStartOffset
            self.recordErrors = recordErrors
            self.errorMessage = errorMessage
            self.currentLeader = currentLeader
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 9
            index = try reader.readInt32("PartitionProduceResponse.index")
            errorCode = try reader.readErrorCode("PartitionProduceResponse.errorCode")
            baseOffset = try reader.readInt64("PartitionProduceResponse.baseOffset")
            logAppendTimeMs = try reader.readInt64("PartitionProduceResponse.logAppendTimeMs")
            if version >= 5 {
                logStartOffset = try reader.readInt64("PartitionProduceResponse.logStartOffset")
            }
            if version >= 8 {
                recordErrors = try reader.readArray(
                    compact: isFlexible, version: version, "PartitionProduceResponse.recordErrors")
                errorMessage = try reader.readNullableString(
                    compact: isFlexible, "PartitionProduceResponse.errorMessage")
            }
            if isFlexible {
                var tags = try reader.readTags("PartitionProduceResponse")
                while let tag = try reader.nextTag(&tags) {
                    switch tag {
                    case 0 where version >= 10:
                        currentLeader = try LeaderIDAndEpoch(from: &reader, version: version)
                    default: reader.skipTag()
                    }
                }
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 9
            writer.write(index)
            writer.write(errorCode)
            writer.write(baseOffset)
            writer.write(logAppendTimeMs)
            if version >= 5 {
                writer.write(logStartOffset)
            }
            if version >= 8 {
                try writer.write(
                    recordErrors, compact: isFlexible, version: version, "PartitionProduceResponse.recordErrors")
                try writer.write(errorMessage, compact: isFlexible, "PartitionProduceResponse.errorMessage")
            }
            if version < 10, currentLeader != LeaderIDAndEpoch() {
                throw writer.notInVersion(version, "PartitionProduceResponse.currentLeader")
            }
            if isFlexible {
                var tags = KafkaTags()
                if version >= 10, currentLeader != LeaderIDAndEpoch() {
                    var field = KafkaWriter()
                    try currentLeader.encode(to: &field, version: version)
                    tags.append(0, field)
                }
                writer.write(tags)
            }
        }
    }

    /// Part of ProduceResponse: The batch indices of records that caused the batch to be dropped.
    package struct BatchIndexAndErrorMessage: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 6 }

        /// The batch index of the record that caused the batch to be dropped.
        package var batchIndex: Int32
        /// The error message of the record that caused the batch to be dropped.
        package var batchIndexErrorMessage: String?

        /// A value of these parts; what is left out has its default.
        package init(
            batchIndex: Int32 = 0,
            batchIndexErrorMessage: String? = nil
        ) {
            self.batchIndex = batchIndex
            self.batchIndexErrorMessage = batchIndexErrorMessage
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 9
            batchIndex = try reader.readInt32("BatchIndexAndErrorMessage.batchIndex")
            batchIndexErrorMessage = try reader.readNullableString(
                compact: isFlexible, "BatchIndexAndErrorMessage.batchIndexErrorMessage")
            if isFlexible {
                try reader.skipTags("BatchIndexAndErrorMessage")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 9
            writer.write(batchIndex)
            try writer.write(
                batchIndexErrorMessage, compact: isFlexible, "BatchIndexAndErrorMessage.batchIndexErrorMessage")
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }

    /// Part of ProduceResponse: The leader broker that the producer should use for future requests.
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

    /// Part of ProduceResponse: Endpoints for all current-leaders enumerated in PartitionProduceResponses, with errors
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
