// Made from Apache Kafka's InitProducerIdResponse.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The response of Kafka's API 22, InitProducerId, versions 0 to 6.
package struct InitProducerIDResponse: KafkaResponse {
    /// The number of the API.
    package static let key: Int16 = 22
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...6
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 2

    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the
    /// request did not violate any quota.
    package var throttleTimeMs: Int32
    /// The error code, or 0 if there was no error.
    package var errorCode: KafkaErrorCode
    /// The current producer id.
    package var producerID: Int64
    /// The current epoch associated with the producer id.
    package var producerEpoch: Int16
    /// The producer id for ongoing transaction when KeepPreparedTxn is used, -1 if there is no transaction ongoing.
    /// Version 6 only.
    package var ongoingTxnProducerID: Int64
    /// The epoch associated with the producer id for ongoing transaction when KeepPreparedTxn is used, -1 if there is
    /// no transaction ongoing. Version 6 only.
    package var ongoingTxnProducerEpoch: Int16

    /// A value of these parts; what is left out has its default.
    package init(
        throttleTimeMs: Int32 = 0,
        errorCode: KafkaErrorCode = .none,
        producerID: Int64 = -1,
        producerEpoch: Int16 = 0,
        ongoingTxnProducerID: Int64 = -1,
        ongoingTxnProducerEpoch: Int16 = -1
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.errorCode = errorCode
        self.producerID = producerID
        self.producerEpoch = producerEpoch
        self.ongoingTxnProducerID = ongoingTxnProducerID
        self.ongoingTxnProducerEpoch = ongoingTxnProducerEpoch
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "InitProducerIDResponse")
        self.init()
        let isFlexible = version >= 2
        throttleTimeMs = try reader.readInt32("InitProducerIDResponse.throttleTimeMs")
        errorCode = try reader.readErrorCode("InitProducerIDResponse.errorCode")
        producerID = try reader.readInt64("InitProducerIDResponse.producerID")
        producerEpoch = try reader.readInt16("InitProducerIDResponse.producerEpoch")
        if version == 6 {
            ongoingTxnProducerID = try reader.readInt64("InitProducerIDResponse.ongoingTxnProducerID")
            ongoingTxnProducerEpoch = try reader.readInt16("InitProducerIDResponse.ongoingTxnProducerEpoch")
        }
        if isFlexible {
            try reader.skipTags("InitProducerIDResponse")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "InitProducerIDResponse")
        let isFlexible = version >= 2
        writer.write(throttleTimeMs)
        writer.write(errorCode)
        writer.write(producerID)
        writer.write(producerEpoch)
        if version == 6 {
            writer.write(ongoingTxnProducerID)
        } else if ongoingTxnProducerID != -1 {
            throw writer.notInVersion(version, "InitProducerIDResponse.ongoingTxnProducerID")
        }
        if version == 6 {
            writer.write(ongoingTxnProducerEpoch)
        } else if ongoingTxnProducerEpoch != -1 {
            throw writer.notInVersion(version, "InitProducerIDResponse.ongoingTxnProducerEpoch")
        }
        if isFlexible {
            writer.writeNoTags()
        }
    }
}
