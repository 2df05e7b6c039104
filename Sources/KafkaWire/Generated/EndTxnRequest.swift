// Made from Apache Kafka's EndTxnRequest.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The request of Kafka's API 26, EndTxn, versions 0 to 5.
package struct EndTxnRequest: KafkaRequest {
    /// The number of the API.
    package static let key: Int16 = 26
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...5
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 3

    /// The ID of the transaction to end.
    package var transactionalID: String
    /// The producer ID.
    package var producerID: Int64
    /// The current epoch associated with the producer.
    package var producerEpoch: Int16
    /// True if the transaction was committed, false if it was aborted.
    package var committed: Bool

    /// A value of these parts; what is left out has its default.
    package init(
        transactionalID: String = "",
        producerID: Int64 = 0,
        producerEpoch: Int16 = 0,
        committed: Bool = false
    ) {
        self.transactionalID = transactionalID
        self.producerID = producerID
        self.producerEpoch = producerEpoch
        self.committed = committed
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "EndTxnRequest")
        self.init()
        let isFlexible = version >= 3
        transactionalID = try reader.readString(compact: isFlexible, "EndTxnRequest.transactionalID")
        producerID = try reader.readInt64("EndTxnRequest.producerID")
        producerEpoch = try reader.readInt16("EndTxnRequest.producerEpoch")
        committed = try reader.readBool("EndTxnRequest.committed")
        if isFlexible {
            try reader.skipTags("EndTxnRequest")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "EndTxnRequest")
        let isFlexible = version >= 3
        try writer.write(transactionalID, compact: isFlexible, "EndTxnRequest.transactionalID")
        writer.write(producerID)
        writer.write(producerEpoch)
        writer.write(committed)
        if isFlexible {
            writer.writeNoTags()
        }
    }
}
