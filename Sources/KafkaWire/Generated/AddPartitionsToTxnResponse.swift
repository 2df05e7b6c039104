// Made from Apache Kafka's AddPartitionsToTxnResponse.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The response of Kafka's API 24, AddPartitionsToTxn, versions 0 to 5.
package struct AddPartitionsToTxnResponse: KafkaResponse {
    /// The number of the API.
    package static let key: Int16 = 24
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...5
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 3

    /// Duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request
    /// did not violate any quota.
    package var throttleTimeMs: Int32
    /// The response top level error code. From version 4.
    package var errorCode: KafkaErrorCode
    /// Results categorized by transactional ID. From version 4.
    package var resultsByTransaction: [AddPartitionsToTxnResult]
    /// The results for each topic. Up to version 3.
    package var resultsByTopicV3AndBelow: [AddPartitionsToTxnTopicResult]

    /// A value of these parts; what is left out has its default.
    package init(
        throttleTimeMs: Int32 = 0,
        errorCode: KafkaErrorCode = .none,
        resultsByTransaction: [AddPartitionsToTxnResult] = [],
        resultsByTopicV3AndBelow: [AddPartitionsToTxnTopicResult] = []
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.errorCode = errorCode
        self.resultsByTransaction = resultsByTransaction
        self.resultsByTopicV3AndBelow = resultsByTopicV3AndBelow
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "AddPartitionsToTxnResponse")
        self.init()
        let isFlexible = version >= 3
        throttleTimeMs = try reader.readInt32("AddPartitionsToTxnResponse.throttleTimeMs")
        if version >= 4 {
            errorCode = try reader.readErrorCode("AddPartitionsToTxnResponse.errorCode")
            resultsByTransaction = try reader.readArray(
                compact: isFlexible, version: version, "AddPartitionsToTxnResponse.resultsByTransaction")
        }
        if version <= 3 {
            resultsByTopicV3AndBelow = try reader.readArray(
                compact: isFlexible, version: version, "AddPartitionsToTxnResponse.resultsByTopicV3AndBelow")
        }
        if isFlexible {
            try reader.skipTags("AddPartitionsToTxnResponse")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "AddPartitionsToTxnResponse")
        let isFlexible = version >= 3
        writer.write(throttleTimeMs)
        if version >= 4 {
            writer.write(errorCode)
        }
        if version >= 4 {
            try writer.write(
                resultsByTransaction, compact: isFlexible, version: version,
                "AddPartitionsToTxnResponse.resultsByTransaction")
        } else if !resultsByTransaction.isEmpty {
            throw writer.notInVersion(version, "AddPartitionsToTxnResponse.resultsByTransaction")
        }
        if version <= 3 {
            try writer.write(
                resultsByTopicV3AndBelow, compact: isFlexible, version: version,
                "AddPartitionsToTxnResponse.resultsByTopicV3AndBelow")
        } else if !resultsByTopicV3AndBelow.isEmpty {
            throw writer.notInVersion(version, "AddPartitionsToTxnResponse.resultsByTopicV3AndBelow")
        }
        if isFlexible {
            writer.writeNoTags()
        }
    }
}

extension AddPartitionsToTxnResponse {
    /// Part of AddPartitionsToTxnResponse: Results categorized by transactional ID.
    package struct AddPartitionsToTxnResult: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 3 }

        /// The transactional id corresponding to the transaction.
        package var transactionalID: String
        /// The results for each topic.
        package var topicResults: [AddPartitionsToTxnTopicResult]

        /// A value of these parts; what is left out has its default.
        package init(
            transactionalID: String = "",
            topicResults: [AddPartitionsToTxnTopicResult] = []
        ) {
            self.transactionalID = transactionalID
            self.topicResults = topicResults
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            transactionalID = try reader.readString(compact: true, "AddPartitionsToTxnResult.transactionalID")
            topicResults = try reader.readArray(
                compact: true, version: version, "AddPartitionsToTxnResult.topicResults")
            try reader.skipTags("AddPartitionsToTxnResult")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            try writer.write(transactionalID, compact: true, "AddPartitionsToTxnResult.transactionalID")
            try writer.write(topicResults, compact: true, version: version, "AddPartitionsToTxnResult.topicResults")
            writer.writeNoTags()
        }
    }

    /// Part of AddPartitionsToTxnResponse: The results for each topic.
    package struct AddPartitionsToTxnTopicResult: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 3 }

        /// The topic name.
        package var name: String
        /// The results for each partition.
        package var resultsByPartition: [AddPartitionsToTxnPartitionResult]

        /// A value of these parts; what is left out has its default.
        package init(
            name: String = "",
            resultsByPartition: [AddPartitionsToTxnPartitionResult] = []
        ) {
            self.name = name
            self.resultsByPartition = resultsByPartition
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 3
            name = try reader.readString(compact: isFlexible, "AddPartitionsToTxnTopicResult.name")
            resultsByPartition = try reader.readArray(
                compact: isFlexible, version: version, "AddPartitionsToTxnTopicResult.resultsByPartition")
            if isFlexible {
                try reader.skipTags("AddPartitionsToTxnTopicResult")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 3
            try writer.write(name, compact: isFlexible, "AddPartitionsToTxnTopicResult.name")
            try writer.write(
                resultsByPartition, compact: isFlexible, version: version,
                "AddPartitionsToTxnTopicResult.resultsByPartition")
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }

    /// Part of AddPartitionsToTxnResponse: The results for each partition.
    package struct AddPartitionsToTxnPartitionResult: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 6 }

        /// The partition indexes.
        package var partitionIndex: Int32
        /// The response error code.
        package var partitionErrorCode: KafkaErrorCode

        /// A value of these parts; what is left out has its default.
        package init(
            partitionIndex: Int32 = 0,
            partitionErrorCode: KafkaErrorCode = .none
        ) {
            self.partitionIndex = partitionIndex
            self.partitionErrorCode = partitionErrorCode
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 3
            partitionIndex = try reader.readInt32("AddPartitionsToTxnPartitionResult.partitionIndex")
            partitionErrorCode = try reader.readErrorCode("AddPartitionsToTxnPartitionResult.partitionErrorCode")
            if isFlexible {
                try reader.skipTags("AddPartitionsToTxnPartitionResult")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 3
            writer.write(partitionIndex)
            writer.write(partitionErrorCode)
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }
}
