// Made from Apache Kafka's ElectLeadersResponse.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The response of Kafka's API 43, ElectLeaders, versions 0 to 2.
package struct ElectLeadersResponse: KafkaResponse {
    /// The number of the API.
    package static let key: Int16 = 43
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...2
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 2

    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the
    /// request did not violate any quota.
    package var throttleTimeMs: Int32
    /// The top level response error code. From version 1.
    package var errorCode: KafkaErrorCode
    /// The election results, or an empty array if the requester did not have permission and the request asks for all
    /// partitions.
    package var replicaElectionResults: [ReplicaElectionResult]

    /// A value of these parts; what is left out has its default.
    package init(
        throttleTimeMs: Int32 = 0,
        errorCode: KafkaErrorCode = .none,
        replicaElectionResults: [ReplicaElectionResult] = []
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.errorCode = errorCode
        self.replicaElectionResults = replicaElectionResults
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "ElectLeadersResponse")
        self.init()
        let isFlexible = version == 2
        throttleTimeMs = try reader.readInt32("ElectLeadersResponse.throttleTimeMs")
        if version >= 1 {
            errorCode = try reader.readErrorCode("ElectLeadersResponse.errorCode")
        }
        replicaElectionResults = try reader.readArray(
            compact: isFlexible, version: version, "ElectLeadersResponse.replicaElectionResults")
        if isFlexible {
            try reader.skipTags("ElectLeadersResponse")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "ElectLeadersResponse")
        let isFlexible = version == 2
        writer.write(throttleTimeMs)
        if version >= 1 {
            writer.write(errorCode)
        } else if errorCode != .none {
            throw writer.notInVersion(version, "ElectLeadersResponse.errorCode")
        }
        try writer.write(
            replicaElectionResults, compact: isFlexible, version: version,
            "ElectLeadersResponse.replicaElectionResults")
        if isFlexible {
            writer.writeNoTags()
        }
    }
}

extension ElectLeadersResponse {
    /// Part of ElectLeadersResponse: The election results, or an empty array if the requester did not have permission
    /// and the request asks for all partitions.
    package struct ReplicaElectionResult: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 3 }

        /// The topic name.
        package var topic: String
        /// The results for each partition.
        package var partitionResult: [PartitionResult]

        /// A value of these parts; what is left out has its default.
        package init(
            topic: String = "",
            partitionResult: [PartitionResult] = []
        ) {
            self.topic = topic
            self.partitionResult = partitionResult
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version == 2
            topic = try reader.readString(compact: isFlexible, "ReplicaElectionResult.topic")
            partitionResult = try reader.readArray(
                compact: isFlexible, version: version, "ReplicaElectionResult.partitionResult")
            if isFlexible {
                try reader.skipTags("ReplicaElectionResult")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version == 2
            try writer.write(topic, compact: isFlexible, "ReplicaElectionResult.topic")
            try writer.write(
                partitionResult, compact: isFlexible, version: version, "ReplicaElectionResult.partitionResult")
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }

    /// Part of ElectLeadersResponse: The results for each partition.
    package struct PartitionResult: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 8 }

        /// The partition id.
        package var partitionID: Int32
        /// The result error, or zero if there was no error.
        package var errorCode: KafkaErrorCode
        /// The result message, or null if there was no error.
        package var errorMessage: String?

        /// A value of these parts; what is left out has its default.
        package init(
            partitionID: Int32 = 0,
            errorCode: KafkaErrorCode = .none,
            errorMessage: String? = ""
        ) {
            self.partitionID = partitionID
            self.errorCode = errorCode
            self.errorMessage = errorMessage
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version == 2
            partitionID = try reader.readInt32("PartitionResult.partitionID")
            errorCode = try reader.readErrorCode("PartitionResult.errorCode")
            errorMessage = try reader.readNullableString(compact: isFlexible, "PartitionResult.errorMessage")
            if isFlexible {
                try reader.skipTags("PartitionResult")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version == 2
            writer.write(partitionID)
            writer.write(errorCode)
            try writer.write(errorMessage, compact: isFlexible, "PartitionResult.errorMessage")
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }
}
