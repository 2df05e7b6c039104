// Made from Apache Kafka's AddOffsetsToTxnRequest.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The request of Kafka's API 25, AddOffsetsToTxn, versions 0 to 4.
package struct AddOffsetsToTxnRequest: KafkaRequest {
    /// The number of the API.
    package static let key: Int16 = 25
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...4
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 3

    /// The transactional id corresponding to the transaction.
    package var transactionalID: String
    /// Current producer id in use by the transactional id.
    package var producerID: Int64
    /// Current epoch associated with the producer id.
    package var producerEpoch: Int16
    /// The unique group identifier.
    package var groupID: String

    /// A value of these parts; what is left out has its default.
    package init(
        transactionalID: String = "",
        producerID: Int64 = 0,
        producerEpoch: Int16 = 0,
        groupID: String = ""
    ) {
        self.transactionalID = transactionalID
        self.producerID = producerID
        self.producerEpoch = producerEpoch
        self.groupID = groupID
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "AddOffsetsToTxnRequest")
        self.init()
        let isFlexible = version >= 3
        transactionalID = try reader.readString(compact: isFlexible, "AddOffsetsToTxnRequest.transactionalID")
        producerID = try reader.readInt64("AddOffsetsToTxnRequest.producerID")
        producerEpoch = try reader.readInt16("AddOffsetsToTxnRequest.producerEpoch")
        groupID = try reader.readString(compact: isFlexible, "AddOffsetsToTxnRequest.groupID")
        if isFlexible {
            try reader.skipTags("AddOffsetsToTxnRequest")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "AddOffsetsToTxnRequest")
        let isFlexible = version >= 3
        try writer.write(transactionalID, compact: isFlexible, "AddOffsetsToTxnRequest.transactionalID")
        writer.write(producerID)
        writer.write(producerEpoch)
        try writer.write(groupID, compact: isFlexible, "AddOffsetsToTxnRequest.groupID")
        if isFlexible {
            writer.writeNoTags()
        }
    }
}
