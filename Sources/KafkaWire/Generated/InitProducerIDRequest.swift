// Made from Apache Kafka's InitProducerIdRequest.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The request of Kafka's API 22, InitProducerId, versions 0 to 6.
package struct InitProducerIDRequest: KafkaRequest {
    /// The number of the API.
    package static let key: Int16 = 22
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...6
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 2

    /// The transactional id, or null if the producer is not transactional.
    package var transactionalID: String?
    /// The time in ms to wait before aborting idle transactions sent by this producer. This is only relevant if a
    /// TransactionalId has been defined.
    package var transactionTimeoutMs: Int32
    /// The producer id. This is used to disambiguate requests if a transactional id is reused following its expiration.
    /// From version 3.
    package var producerID: Int64
    /// The producer's current epoch. This will be checked against the producer epoch on the broker, and the request
    /// will return an error if they do not match. From version 3.
    package var producerEpoch: Int16
    /// True if the client wants to enable two-phase commit (2PC) protocol for transactions. Version 6 only.
    package var enable2Pc: Bool
    /// True if the client wants to keep the currently ongoing transaction instead of aborting it. Version 6 only.
    package var keepPreparedTxn: Bool

    /// A value of these parts; what is left out has its default.
    package init(
        transactionalID: String? = "",
        transactionTimeoutMs: Int32 = 0,
        producerID: Int64 = -1,
        producerEpoch: Int16 = -1,
        enable2Pc: Bool = false,
        keepPreparedTxn: Bool = false
    ) {
        self.transactionalID = transactionalID
        self.transactionTimeoutMs = transactionTimeoutMs
        self.producerID = producerID
        self.producerEpoch = producerEpoch
        self.enable2Pc = enable2Pc
        self.keepPreparedTxn = keepPreparedTxn
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "InitProducerIDRequest")
        self.init()
        let isFlexible = version >= 2
        transactionalID = try reader.readNullableString(compact: isFlexible, "InitProducerIDRequest.transactionalID")
        transactionTimeoutMs = try reader.readInt32("InitProducerIDRequest.transactionTimeoutMs")
        if version >= 3 {
            producerID = try reader.readInt64("InitProducerIDRequest.producerID")
            producerEpoch = try reader.readInt16("InitProducerIDRequest.producerEpoch")
        }
        if version == 6 {
            enable2Pc = try reader.readBool("InitProducerIDRequest.enable2Pc")
            keepPreparedTxn = try reader.readBool("InitProducerIDRequest.keepPreparedTxn")
        }
        if isFlexible {
            try reader.skipTags("InitProducerIDRequest")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "InitProducerIDRequest")
        let isFlexible = version >= 2
        try writer.write(transactionalID, compact: isFlexible, "InitProducerIDRequest.transactionalID")
        writer.write(transactionTimeoutMs)
        if version >= 3 {
            writer.write(producerID)
        } else if producerID != -1 {
            throw writer.notInVersion(version, "InitProducerIDRequest.producerID")
        }
        if version >= 3 {
            writer.write(producerEpoch)
        } else if producerEpoch != -1 {
            throw writer.notInVersion(version, "InitProducerIDRequest.producerEpoch")
        }
        if version == 6 {
            writer.write(enable2Pc)
        } else if enable2Pc {
            throw writer.notInVersion(version, "InitProducerIDRequest.enable2Pc")
        }
        if version == 6 {
            writer.write(keepPreparedTxn)
        } else if keepPreparedTxn {
            throw writer.notInVersion(version, "InitProducerIDRequest.keepPreparedTxn")
        }
        if isFlexible {
            writer.writeNoTags()
        }
    }
}
