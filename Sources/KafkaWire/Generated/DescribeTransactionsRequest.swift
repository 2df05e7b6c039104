// Made from Apache Kafka's DescribeTransactionsRequest.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The request of Kafka's API 65, DescribeTransactions, version 0.
package struct DescribeTransactionsRequest: KafkaRequest {
    /// The number of the API.
    package static let key: Int16 = 65
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...0
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 0

    /// Array of transactionalIds to include in describe results. If empty, then no results will be returned.
    package var transactionalIDs: [String]

    /// A value of these parts; what is left out has its default.
    package init(
        transactionalIDs: [String] = []
    ) {
        self.transactionalIDs = transactionalIDs
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "DescribeTransactionsRequest")
        self.init()
        transactionalIDs = try reader.readArray(
            compact: true, version: version, "DescribeTransactionsRequest.transactionalIDs")
        try reader.skipTags("DescribeTransactionsRequest")
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "DescribeTransactionsRequest")
        try writer.write(
            transactionalIDs, compact: true, version: version, "DescribeTransactionsRequest.transactionalIDs")
        writer.writeNoTags()
    }
}
