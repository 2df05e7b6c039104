// Made from Apache Kafka's ListTransactionsRequest.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The request of Kafka's API 66, ListTransactions, versions 0 to 2.
package struct ListTransactionsRequest: KafkaRequest {
    /// The number of the API.
    package static let key: Int16 = 66
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...2
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 0

    /// The transaction states to filter by: if empty, all transactions are returned; if non-empty, then only
    /// transactions matching one of the filtered states will be returned.
    package var stateFilters: [String]
    /// The producerIds to filter by: if empty, all transactions will be returned; if non-empty, only transactions which
    /// match one of the filtered producerIds will be returned.
    package var producerIDFilters: [Int64]
    /// Duration (in millis) to filter by: if < 0, all transactions will be returned; otherwise, only transactions
    /// running longer than this duration will be returned. From version 1.
    package var durationFilter: Int64
    /// The transactional ID regular expression pattern to filter by: if it is empty or null, all transactions are
    /// returned; Otherwise then only the transactions matching the given regular expression will be returned. Version 2
    /// only.
    package var transactionalIDPattern: String?

    /// A value of these parts; what is left out has its default.
    package init(
        stateFilters: [String] = [],
        producerIDFilters: [Int64] = [],
        durationFilter: Int64 = -1,
        transactionalIDPattern: String? = nil
    ) {
        self.stateFilters = stateFilters
        self.producerIDFilters = producerIDFilters
        self.durationFilter = durationFilter
        self.transactionalIDPattern = transactionalIDPattern
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "ListTransactionsRequest")
        self.init()
        stateFilters = try reader.readArray(compact: true, version: version, "ListTransactionsRequest.stateFilters")
        producerIDFilters = try reader.readArray(
            compact: true, version: version, "ListTransactionsRequest.producerIDFilters")
        if version >= 1 {
            durationFilter = try reader.readInt64("ListTransactionsRequest.durationFilter")
        }
        if version == 2 {
            transactionalIDPattern = try reader.readNullableString(
                compact: true, "ListTransactionsRequest.transactionalIDPattern")
        }
        try reader.skipTags("ListTransactionsRequest")
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "ListTransactionsRequest")
        try writer.write(stateFilters, compact: true, version: version, "ListTransactionsRequest.stateFilters")
        try writer.write(
            producerIDFilters, compact: true, version: version, "ListTransactionsRequest.producerIDFilters")
        if version >= 1 {
            writer.write(durationFilter)
        } else if durationFilter != -1 {
            throw writer.notInVersion(version, "ListTransactionsRequest.durationFilter")
        }
        if version == 2 {
            try writer.write(transactionalIDPattern, compact: true, "ListTransactionsRequest.transactionalIDPattern")
        } else if transactionalIDPattern != nil {
            throw writer.notInVersion(version, "ListTransactionsRequest.transactionalIDPattern")
        }
        writer.writeNoTags()
    }
}
