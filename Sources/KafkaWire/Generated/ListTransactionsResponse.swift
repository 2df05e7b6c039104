// Made from Apache Kafka's ListTransactionsResponse.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The response of Kafka's API 66, ListTransactions, versions 0 to 2.
package struct ListTransactionsResponse: KafkaResponse {
    /// The number of the API.
    package static let key: Int16 = 66
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...2
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 0

    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the
    /// request did not violate any quota.
    package var throttleTimeMs: Int32
    /// The error code, or 0 if there was no error.
    package var errorCode: KafkaErrorCode
    /// Set of state filters provided in the request which were unknown to the transaction coordinator.
    package var unknownStateFilters: [String]
    /// The current state of the transaction for the transactional id.
    package var transactionStates: [TransactionState]

    /// A value of these parts; what is left out has its default.
    package init(
        throttleTimeMs: Int32 = 0,
        errorCode: KafkaErrorCode = .none,
        unknownStateFilters: [String] = [],
        transactionStates: [TransactionState] = []
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.errorCode = errorCode
        self.unknownStateFilters = unknownStateFilters
        self.transactionStates = transactionStates
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "ListTransactionsResponse")
        self.init()
        throttleTimeMs = try reader.readInt32("ListTransactionsResponse.throttleTimeMs")
        errorCode = try reader.readErrorCode("ListTransactionsResponse.errorCode")
        unknownStateFilters = try reader.readArray(
            compact: true, version: version, "ListTransactionsResponse.unknownStateFilters")
        transactionStates = try reader.readArray(
            compact: true, version: version, "ListTransactionsResponse.transactionStates")
        try reader.skipTags("ListTransactionsResponse")
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "ListTransactionsResponse")
        writer.write(throttleTimeMs)
        writer.write(errorCode)
        try writer.write(
            unknownStateFilters, compact: true, version: version, "ListTransactionsResponse.unknownStateFilters")
        try writer.write(
            transactionStates, compact: true, version: version, "ListTransactionsResponse.transactionStates")
        writer.writeNoTags()
    }
}

extension ListTransactionsResponse {
    /// Part of ListTransactionsResponse: The current state of the transaction for the transactional id.
    package struct TransactionState: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 11 }

        /// The transactional id.
        package var transactionalID: String
        /// The producer id.
        package var producerID: Int64
        /// The current transaction state of the producer.
        package var transactionState: String

        /// A value of these parts; what is left out has its default.
        package init(
            transactionalID: String = "",
            producerID: Int64 = 0,
            transactionState: String = ""
        ) {
            self.transactionalID = transactionalID
            self.producerID = producerID
            self.transactionState = transactionState
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            transactionalID = try reader.readString(compact: true, "TransactionState.transactionalID")
            producerID = try reader.readInt64("TransactionState.producerID")
            transactionState = try reader.readString(compact: true, "TransactionState.transactionState")
            try reader.skipTags("TransactionState")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            try writer.write(transactionalID, compact: true, "TransactionState.transactionalID")
            writer.write(producerID)
            try writer.write(transactionState, compact: true, "TransactionState.transactionState")
            writer.writeNoTags()
        }
    }
}
