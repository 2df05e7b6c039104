// Made from Apache Kafka's DescribeTransactionsResponse.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The response of Kafka's API 65, DescribeTransactions, version 0.
package struct DescribeTransactionsResponse: KafkaResponse {
    /// The number of the API.
    package static let key: Int16 = 65
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...0
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 0

    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the
    /// request did not violate any quota.
    package var throttleTimeMs: Int32
    /// The current state of the transaction.
    package var transactionStates: [TransactionState]

    /// A value of these parts; what is left out has its default.
    package init(
        throttleTimeMs: Int32 = 0,
        transactionStates: [TransactionState] = []
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.transactionStates = transactionStates
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "DescribeTransactionsResponse")
        self.init()
        throttleTimeMs = try reader.readInt32("DescribeTransactionsResponse.throttleTimeMs")
        transactionStates = try reader.readArray(
            compact: true, version: version, "DescribeTransactionsResponse.transactionStates")
        try reader.skipTags("DescribeTransactionsResponse")
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "DescribeTransactionsResponse")
        writer.write(throttleTimeMs)
        try writer.write(
            transactionStates, compact: true, version: version, "DescribeTransactionsResponse.transactionStates")
        writer.writeNoTags()
    }
}

extension DescribeTransactionsResponse {
    /// Part of DescribeTransactionsResponse: The current state of the transaction.
    package struct TransactionState: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 28 }

        /// The error code.
        package var errorCode: KafkaErrorCode
        /// The transactional id.
        package var transactionalID: String
        /// The current transaction state of the producer.
        package var transactionState: String
        /// The timeout in milliseconds for the transaction.
        package var transactionTimeoutMs: Int32
        /// The start time of the transaction in milliseconds.
        package var transactionStartTimeMs: Int64
        /// The current producer id associated with the transaction.
        package var producerID: Int64
        /// The current epoch associated with the producer id.
        package var producerEpoch: Int16
        /// The set of partitions included in the current transaction (if active). When a transaction is preparing to
        /// commit or abort, this will include only partitions which do not have markers.
        package var topics: [TopicData]

        /// A value of these parts; what is left out has its default.
        package init(
            errorCode: KafkaErrorCode = .none,
            transactionalID: String = "",
            transactionState: String = "",
            transactionTimeoutMs: Int32 = 0,
            transactionStartTimeMs: Int64 = 0,
            producerID: Int64 = 0,
            producerEpoch: Int16 = 0,
            topics: [TopicData] = []
        ) {
            self.errorCode = errorCode
            self.transactionalID = transactionalID
            self.transactionState = transactionState
            self.transactionTimeoutMs = transactionTimeoutMs
            self.transactionStartTimeMs = transactionStartTimeMs
            self.producerID = producerID
            self.producerEpoch = producerEpoch
            self.topics = topics
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            errorCode = try reader.readErrorCode("TransactionState.errorCode")
            transactionalID = try reader.readString(compact: true, "TransactionState.transactionalID")
            transactionState = try reader.readString(compact: true, "TransactionState.transactionState")
            transactionTimeoutMs = try reader.readInt32("TransactionState.transactionTimeoutMs")
            transactionStartTimeMs = try reader.readInt64("TransactionState.transactionStartTimeMs")
            producerID = try reader.readInt64("TransactionState.producerID")
            producerEpoch = try reader.readInt16("TransactionState.producerEpoch")
            topics = try reader.readArray(compact: true, version: version, "TransactionState.topics")
            try reader.skipTags("TransactionState")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            writer.write(errorCode)
            try writer.write(transactionalID, compact: true, "TransactionState.transactionalID")
            try writer.write(transactionState, compact: true, "TransactionState.transactionState")
            writer.write(transactionTimeoutMs)
            writer.write(transactionStartTimeMs)
            writer.write(producerID)
            writer.write(producerEpoch)
            try writer.write(topics, compact: true, version: version, "TransactionState.topics")
            writer.writeNoTags()
        }
    }

    /// Part of DescribeTransactionsResponse: The set of partitions included in the current transaction (if active).
    /// When a transaction is preparing to commit or abort, this will include only partitions which do not have markers.
    package struct TopicData: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 3 }

        /// The topic name.
        package var topic: String
        /// The partition ids included in the current transaction.
        package var partitions: [Int32]

        /// A value of these parts; what is left out has its default.
        package init(
            topic: String = "",
            partitions: [Int32] = []
        ) {
            self.topic = topic
            self.partitions = partitions
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            topic = try reader.readString(compact: true, "TopicData.topic")
            partitions = try reader.readArray(compact: true, version: version, "TopicData.partitions")
            try reader.skipTags("TopicData")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            try writer.write(topic, compact: true, "TopicData.topic")
            try writer.write(partitions, compact: true, version: version, "TopicData.partitions")
            writer.writeNoTags()
        }
    }
}
