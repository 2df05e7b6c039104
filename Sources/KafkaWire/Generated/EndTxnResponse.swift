// Made from Apache Kafka's EndTxnResponse.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The response of Kafka's API 26, EndTxn, versions 0 to 5.
package struct EndTxnResponse: KafkaResponse {
    /// The number of the API.
    package static let key: Int16 = 26
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...5
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 3

    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the
    /// request did not violate any quota.
    package var throttleTimeMs: Int32
    /// The error code, or 0 if there was no error.
    package var errorCode: KafkaErrorCode
    /// The producer ID. Version 5 only.
    package var producerID: Int64
    /// The current epoch associated with the producer. Version 5 only.
    package var producerEpoch: Int16

    /// A value of these parts; what is left out has its default.
    package init(
        throttleTimeMs: Int32 = 0,
        errorCode: KafkaErrorCode = .none,
        producerID: Int64 = -1,
        producerEpoch: Int16 = -1
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.errorCode = errorCode
        self.producerID = producerID
        self.producerEpoch = producerEpoch
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "EndTxnResponse")
        self.init()
        let isFlexible = version >= 3
        throttleTimeMs = try reader.readInt32("EndTxnResponse.throttleTimeMs")
        errorCode = try reader.readErrorCode("EndTxnResponse.errorCode")
        if version == 5 {
            producerID = try reader.readInt64("EndTxnResponse.producerID")
            producerEpoch = try reader.readInt16("EndTxnResponse.producerEpoch")
        }
        if isFlexible {
            try reader.skipTags("EndTxnResponse")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "EndTxnResponse")
        let isFlexible = version >= 3
        writer.write(throttleTimeMs)
        writer.write(errorCode)
        if version == 5 {
            writer.write(producerID)
            writer.write(producerEpoch)
        }
        if isFlexible {
            writer.writeNoTags()
        }
    }
}
