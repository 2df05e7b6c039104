// Made from Apache Kafka's FetchRequest.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The request of Kafka's API 1, Fetch, versions 4 to 18.
package struct FetchRequest: KafkaRequest {
    /// The number of the API.
    package static let key: Int16 = 1
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 4...18
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 12

    /// The clusterId if known. This is used to validate metadata fetches prior to broker registration. From version 12.
    package var clusterID: String?
    /// The broker ID of the follower, of -1 if this request is from a consumer. Up to version 14.
    package var replicaID: Int32
    /// The state of the replica in the follower. From version 15.
    package var replicaState: ReplicaState
    /// The maximum time in milliseconds to wait for the response.
    package var maxWaitMs: Int32
    /// The minimum bytes to accumulate in the response.
    package var minBytes: Int32
    /// The maximum bytes to fetch. See KIP-74 for cases where this limit may not be honored.
    package var maxBytes: Int32
    /// This setting controls the visibility of transactional records. Using READ_UNCOMMITTED (isolation_level = 0)
    /// makes all records visible. With READ_COMMITTED (isolation_level = 1), non-transactional and COMMITTED
    /// transactional records are visible. To be more concrete, READ_COMMITTED returns all data from offsets smaller
    /// than the current LSO (last stable offset), and enables the inclusion of the list of aborted transactions in the
    /// result, which allows consumers to discard ABORTED transactional records.
    package var isolationLevel: Int8
    /// The fetch session ID. From version 7.
    package var sessionID: Int32
    /// The fetch session epoch, which is used for ordering requests in a session. From version 7.
    package var sessionEpoch: Int32
    /// The topics to fetch.
    package var topics: [FetchTopic]
    /// In an incremental fetch request, the partitions to remove. From version 7.
    package var forgottenTopicsData: [ForgottenTopic]
    /// Rack ID of the consumer making this request. From version 11.
    package var rackID: String

    /// A value of these parts; what is left out has its default.
    package init(
        clusterID: String? = nil,
        replicaID: Int32 = -1,
        replicaState: ReplicaState = ReplicaState(),
        maxWaitMs: Int32 = 0,
        minBytes: Int32 = 0,
        maxBytes: Int32 = 0x7fffffff,
        isolationLevel: Int8 = 0,
        sessionID: Int32 = 0,
        sessionEpoch: Int32 = -1,
        topics: [FetchTopic] = [],
        forgottenTopicsData: [ForgottenTopic] = [],
        rackID: String = ""
    ) {
        self.clusterID = clusterID
        self.replicaID = replicaID
        self.replicaState = replicaState
        self.maxWaitMs = maxWaitMs
        self.minBytes = minBytes
        self.maxBytes = maxBytes
        self.isolationLevel = isolationLevel
        self.sessionID = sessionID
        self.sessionEpoch = sessionEpoch
        self.topics = topics
        self.forgottenTopicsData = forgottenTopicsData
        self.rackID = rackID
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "FetchRequest")
        self.init()
        let isFlexible = version >= 12
        if version <= 14 {
            replicaID = try reader.readInt32("FetchRequest.replicaID")
        }
        maxWaitMs = try reader.readInt32("FetchRequest.maxWaitMs")
        minBytes = try reader.readInt32("FetchRequest.minBytes")
        maxBytes = try reader.readInt32("FetchRequest.maxBytes")
        isolationLevel = try reader.readInt8("FetchRequest.isolationLevel")
        if version >= 7 {
            sessionID = try reader.readInt32("FetchRequest.sessionID")
            sessionEpoch = try reader.readInt32("FetchRequest.sessionEpoch")
        }
        topics = try reader.readArray(compact: isFlexible, version: version, "FetchRequest.topics")
        if version >= 7 {
            forgottenTopicsData = try reader.readArray(
                compact: isFlexible, version: version, "FetchRequest.forgottenTopicsData")
        }
        if version >= 11 {
            rackID = try reader.readString(compact: isFlexible, "FetchRequest.rackID")
        }
        if isFlexible {
            var tags = try reader.readTags("FetchRequest")
            while let tag = try reader.nextTag(&tags) {
                switch tag {
                case 0:
                    clusterID = try reader.readNullableString(compact: true, "FetchRequest.clusterID")
                case 1 where version >= 15:
                    replicaState = try ReplicaState(from: &reader, version: version)
                default: reader.skipTag()
                }
            }
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "FetchRequest")
        let isFlexible = version >= 12
        if version <= 14 {
            writer.write(replicaID)
        } else if replicaID != -1 {
            throw writer.notInVersion(version, "FetchRequest.replicaID")
        }
        writer.write(maxWaitMs)
        writer.write(minBytes)
        writer.write(maxBytes)
        writer.write(isolationLevel)
        if version >= 7 {
            writer.write(sessionID)
            writer.write(sessionEpoch)
        }
        try writer.write(topics, compact: isFlexible, version: version, "FetchRequest.topics")
        if version >= 7 {
            try writer.write(
                forgottenTopicsData, compact: isFlexible, version: version, "FetchRequest.forgottenTopicsData")
        } else if !forgottenTopicsData.isEmpty {
            throw writer.notInVersion(version, "FetchRequest.forgottenTopicsData")
        }
        if version >= 11 {
            try writer.write(rackID, compact: isFlexible, "FetchRequest.rackID")
        }
        if version < 15, replicaState != ReplicaState() {
            throw writer.notInVersion(version, "FetchRequest.replicaState")
        }
        if isFlexible {
            var tags = KafkaTags()
            if clusterID != nil {
                var field = KafkaWriter()
                try field.write(clusterID, compact: true, "FetchRequest.clusterID")
                tags.append(0, field)
            }
            if version >= 15, replicaState != ReplicaState() {
                var field = KafkaWriter()
                try replicaState.encode(to: &field, version: version)
                tags.append(1, field)
            }
            writer.write(tags)
        }
    }
}

extension FetchRequest {
    /// Part of FetchRequest: The state of the replica in the follower.
    package struct ReplicaState: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 13 }

        /// The replica ID of the follower, or -1 if this request is from a consumer.
        package var replicaID: Int32
        /// The epoch of this follower, or -1 if not available.
        package var replicaEpoch: Int64

        /// A value of these parts; what is left out has its default.
        package init(
            replicaID: Int32 = -1,
            replicaEpoch: Int64 = -1
        ) {
            self.replicaID = replicaID
            self.replicaEpoch = replicaEpoch
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            replicaID = try reader.readInt32("ReplicaState.replicaID")
            replicaEpoch = try reader.readInt64("ReplicaState.replicaEpoch")
            try reader.skipTags("ReplicaState")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            writer.write(replicaID)
            writer.write(replicaEpoch)
            writer.writeNoTags()
        }
    }

    /// Part of FetchRequest: The topics to fetch.
    package struct FetchTopic: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 3 }

        /// The name of the topic to fetch. Up to version 12.
        package var topic: String
        /// The unique topic ID. From version 13.
        package var topicID: KafkaUUID
        /// The partitions to fetch.
        package var partitions: [FetchPartition]

        /// A value of these parts; what is left out has its default.
        package init(
            topic: String = "",
            topicID: KafkaUUID = .zero,
            partitions: [FetchPartition] = []
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
                topic = try reader.readString(compact: isFlexible, "FetchTopic.topic")
            }
            if version >= 13 {
                topicID = try reader.readUUID("FetchTopic.topicID")
            }
            partitions = try reader.readArray(compact: isFlexible, version: version, "FetchTopic.partitions")
            if isFlexible {
                try reader.skipTags("FetchTopic")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 12
            if version <= 12 {
                try writer.write(topic, compact: isFlexible, "FetchTopic.topic")
            }
            if version >= 13 {
                writer.write(topicID)
            }
            try writer.write(partitions, compact: isFlexible, version: version, "FetchTopic.partitions")
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }

    /// Part of FetchRequest: The partitions to fetch.
    package struct FetchPartition: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 16 }

        /// The partition index.
        package var partition: Int32
        /// The current leader epoch of the partition. From version 9.
        package var currentLeaderEpoch: Int32
        /// The message offset.
        package var fetchOffset: Int64
        /// The epoch of the last fetched record or -1 if there is none. From version 12.
        package var lastFetchedEpoch: Int32
        /// The earliest available offset of the follower replica. The field is only used when the request is sent by
        /// the follower. From version 5.
        package var logStartOffset: Int64
        /// The maximum bytes to fetch from this partition. See KIP-74 for cases where this limit may not be honored.
        package var partitionMaxBytes: Int32
        /// The directory id of the follower fetching. From version 17.
        package var replicaDirectoryID: KafkaUUID
        /// The high-watermark known by the replica. -1 if the high-watermark is not known and 9223372036854775807 if
        /// the feature is not supported. Version 18 only.
        package var highWatermark: Int64

        /// A value of these parts; what is left out has its default.
        package init(
            partition: Int32 = 0,
            currentLeaderEpoch: Int32 = -1,
            fetchOffset: Int64 = 0,
            lastFetchedEpoch: Int32 = -1,
            logStartOffset: Int64 = -1,
            partitionMaxBytes: Int32 = 0,
            replicaDirectoryID: KafkaUUID = .zero,
            highWatermark: Int64 = 9223372036854775807
        ) {
            self.partition = partition
            self.currentLeaderEpoch = currentLeaderEpoch
            self.fetchOffset = fetchOffset
            self.lastFetchedEpoch = lastFetchedEpoch
            self.logStartOffset = logStartOffset
            self.partitionMaxBytes = partitionMaxBytes
            self.replicaDirectoryID = replicaDirectoryID
            self.highWatermark = highWatermark
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 12
            partition = try reader.readInt32("FetchPartition.partition")
            if version >= 9 {
                currentLeaderEpoch = try reader.readInt32("FetchPartition.currentLeaderEpoch")
            }
            fetchOffset = try reader.readInt64("FetchPartition.fetchOffset")
            if version >= 12 {
                lastFetchedEpoch = try reader.readInt32("FetchPartition.lastFetchedEpoch")
            }
            if version >= 5 {
                logStartOffset = try reader.readInt64("FetchPartition.logStartOffset")
            }
            partitionMaxBytes = try reader.readInt32("FetchPartition.partitionMaxBytes")
            if isFlexible {
                var tags = try reader.readTags("FetchPartition")
                while let tag = try reader.nextTag(&tags) {
                    switch tag {
                    case 0 where version >= 17:
                        replicaDirectoryID = try reader.readUUID("FetchPartition.replicaDirectoryID")
                    case 1 where version == 18:
                        highWatermark = try reader.readInt64("FetchPartition.highWatermark")
                    default: reader.skipTag()
                    }
                }
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 12
            writer.write(partition)
            if version >= 9 {
                writer.write(currentLeaderEpoch)
            }
            writer.write(fetchOffset)
            if version >= 12 {
                writer.write(lastFetchedEpoch)
            } else if lastFetchedEpoch != -1 {
                throw writer.notInVersion(version, "FetchPartition.lastFetchedEpoch")
            }
            if version >= 5 {
                writer.write(logStartOffset)
            }
            writer.write(partitionMaxBytes)
            if isFlexible {
                var tags = KafkaTags()
                if version >= 17, replicaDirectoryID != .zero {
                    var field = KafkaWriter()
                    field.write(replicaDirectoryID)
                    tags.append(0, field)
                }
                if version == 18, highWatermark != 9223372036854775807 {
                    var field = KafkaWriter()
                    field.write(highWatermark)
                    tags.append(1, field)
                }
                writer.write(tags)
            }
        }
    }

    /// Part of FetchRequest: In an incremental fetch request, the partitions to remove.
    package struct ForgottenTopic: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 3 }

        /// The topic name. Up to version 12.
        package var topic: String
        /// The unique topic ID. From version 13.
        package var topicID: KafkaUUID
        /// The partitions indexes to forget.
        package var partitions: [Int32]

        /// A value of these parts; what is left out has its default.
        package init(
            topic: String = "",
            topicID: KafkaUUID = .zero,
            partitions: [Int32] = []
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
                topic = try reader.readString(compact: isFlexible, "ForgottenTopic.topic")
            }
            if version >= 13 {
                topicID = try reader.readUUID("ForgottenTopic.topicID")
            }
            partitions = try reader.readArray(compact: isFlexible, version: version, "ForgottenTopic.partitions")
            if isFlexible {
                try reader.skipTags("ForgottenTopic")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 12
            if version <= 12 {
                try writer.write(topic, compact: isFlexible, "ForgottenTopic.topic")
            }
            if version >= 13 {
                writer.write(topicID)
            }
            try writer.write(partitions, compact: isFlexible, version: version, "ForgottenTopic.partitions")
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }
}
