// Made from Apache Kafka's AddPartitionsToTxnRequest.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The request of Kafka's API 24, AddPartitionsToTxn, versions 0 to 5.
package struct AddPartitionsToTxnRequest: KafkaRequest {
    /// The number of the API.
    package static let key: Int16 = 24
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...5
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 3

    /// List of transactions to add partitions to. From version 4.
    package var transactions: [AddPartitionsToTxnTransaction]
    /// The transactional id corresponding to the transaction. Up to version 3.
    package var v3AndBelowTransactionalID: String
    /// Current producer id in use by the transactional id. Up to version 3.
    package var v3AndBelowProducerID: Int64
    /// Current epoch associated with the producer id. Up to version 3.
    package var v3AndBelowProducerEpoch: Int16
    /// The partitions to add to the transaction. Up to version 3.
    package var v3AndBelowTopics: [AddPartitionsToTxnTopic]

    /// A value of these parts; what is left out has its default.
    package init(
        transactions: [AddPartitionsToTxnTransaction] = [],
        v3AndBelowTransactionalID: String = "",
        v3AndBelowProducerID: Int64 = 0,
        v3AndBelowProducerEpoch: Int16 = 0,
        v3AndBelowTopics: [AddPartitionsToTxnTopic] = []
    ) {
        self.transactions = transactions
        self.v3AndBelowTransactionalID = v3AndBelowTransactionalID
        self.v3AndBelowProducerID = v3AndBelowProducerID
        self.v3AndBelowProducerEpoch = v3AndBelowProducerEpoch
        self.v3AndBelowTopics = v3AndBelowTopics
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "AddPartitionsToTxnRequest")
        self.init()
        let isFlexible = version >= 3
        if version >= 4 {
            transactions = try reader.readArray(
                compact: isFlexible, version: version, "AddPartitionsToTxnRequest.transactions")
        }
        if version <= 3 {
            v3AndBelowTransactionalID = try reader.readString(
                compact: isFlexible, "AddPartitionsToTxnRequest.v3AndBelowTransactionalID")
            v3AndBelowProducerID = try reader.readInt64("AddPartitionsToTxnRequest.v3AndBelowProducerID")
            v3AndBelowProducerEpoch = try reader.readInt16("AddPartitionsToTxnRequest.v3AndBelowProducerEpoch")
            v3AndBelowTopics = try reader.readArray(
                compact: isFlexible, version: version, "AddPartitionsToTxnRequest.v3AndBelowTopics")
        }
        if isFlexible {
            try reader.skipTags("AddPartitionsToTxnRequest")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "AddPartitionsToTxnRequest")
        let isFlexible = version >= 3
        if version >= 4 {
            try writer.write(
                transactions, compact: isFlexible, version: version, "AddPartitionsToTxnRequest.transactions")
        } else if !transactions.isEmpty {
            throw writer.notInVersion(version, "AddPartitionsToTxnRequest.transactions")
        }
        if version <= 3 {
            try writer.write(
                v3AndBelowTransactionalID, compact: isFlexible, "AddPartitionsToTxnRequest.v3AndBelowTransactionalID")
        } else if !v3AndBelowTransactionalID.isEmpty {
            throw writer.notInVersion(version, "AddPartitionsToTxnRequest.v3AndBelowTransactionalID")
        }
        if version <= 3 {
            writer.write(v3AndBelowProducerID)
        } else if v3AndBelowProducerID != 0 {
            throw writer.notInVersion(version, "AddPartitionsToTxnRequest.v3AndBelowProducerID")
        }
        if version <= 3 {
            writer.write(v3AndBelowProducerEpoch)
        } else if v3AndBelowProducerEpoch != 0 {
            throw writer.notInVersion(version, "AddPartitionsToTxnRequest.v3AndBelowProducerEpoch")
        }
        if version <= 3 {
            try writer.write(
                v3AndBelowTopics, compact: isFlexible, version: version, "AddPartitionsToTxnRequest.v3AndBelowTopics")
        } else if !v3AndBelowTopics.isEmpty {
            throw writer.notInVersion(version, "AddPartitionsToTxnRequest.v3AndBelowTopics")
        }
        if isFlexible {
            writer.writeNoTags()
        }
    }
}

extension AddPartitionsToTxnRequest {
    /// Part of AddPartitionsToTxnRequest: List of transactions to add partitions to.
    package struct AddPartitionsToTxnTransaction: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 14 }

        /// The transactional id corresponding to the transaction.
        package var transactionalID: String
        /// Current producer id in use by the transactional id.
        package var producerID: Int64
        /// Current epoch associated with the producer id.
        package var producerEpoch: Int16
        /// Boolean to signify if we want to check if the partition is in the transaction rather than add it.
        package var verifyOnly: Bool
        /// The partitions to add to the transaction.
        package var topics: [AddPartitionsToTxnTopic]

        /// A value of these parts; what is left out has its default.
        package init(
            transactionalID: String = "",
            producerID: Int64 = 0,
            producerEpoch: Int16 = 0,
            verifyOnly: Bool = false,
            topics: [AddPartitionsToTxnTopic] = []
        ) {
            self.transactionalID = transactionalID
            self.producerID = producerID
            self.producerEpoch = producerEpoch
            self.verifyOnly = verifyOnly
            self.topics = topics
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            transactionalID = try reader.readString(compact: true, "AddPartitionsToTxnTransaction.transactionalID")
            producerID = try reader.readInt64("AddPartitionsToTxnTransaction.producerID")
            producerEpoch = try reader.readInt16("AddPartitionsToTxnTransaction.producerEpoch")
            verifyOnly = try reader.readBool("AddPartitionsToTxnTransaction.verifyOnly")
            topics = try reader.readArray(compact: true, version: version, "AddPartitionsToTxnTransaction.topics")
            try reader.skipTags("AddPartitionsToTxnTransaction")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            try writer.write(transactionalID, compact: true, "AddPartitionsToTxnTransaction.transactionalID")
            writer.write(producerID)
            writer.write(producerEpoch)
            writer.write(verifyOnly)
            try writer.write(topics, compact: true, version: version, "AddPartitionsToTxnTransaction.topics")
            writer.writeNoTags()
        }
    }

    /// Part of AddPartitionsToTxnRequest: The partitions to add to the transaction.
    package struct AddPartitionsToTxnTopic: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 3 }

        /// The name of the topic.
        package var name: String
        /// The partition indexes to add to the transaction.
        package var partitions: [Int32]

        /// A value of these parts; what is left out has its default.
        package init(
            name: String = "",
            partitions: [Int32] = []
        ) {
            self.name = name
            self.partitions = partitions
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 3
            name = try reader.readString(compact: isFlexible, "AddPartitionsToTxnTopic.name")
            partitions = try reader.readArray(
                compact: isFlexible, version: version, "AddPartitionsToTxnTopic.partitions")
            if isFlexible {
                try reader.skipTags("AddPartitionsToTxnTopic")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 3
            try writer.write(name, compact: isFlexible, "AddPartitionsToTxnTopic.name")
            try writer.write(partitions, compact: isFlexible, version: version, "AddPartitionsToTxnTopic.partitions")
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }
}
