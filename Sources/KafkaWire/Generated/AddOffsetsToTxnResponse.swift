// Made from Apache Kafka's AddOffsetsToTxnResponse.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The response of Kafka's API 25, AddOffsetsToTxn, versions 0 to 4.
package struct AddOffsetsToTxnResponse: KafkaResponse {
    /// The number of the API.
    package static let key: Int16 = 25
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...4
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 3

    /// Duration in milliseconds for which the request was throttled due to a quota violation, or zero if the request
    /// did not violate any quota.
    package var throttleTimeMs: Int32
    /// The response error code, or 0 if there was no error.
    package var errorCode: KafkaErrorCode

    /// A value of these parts; what is left out has its default.
    package init(
        throttleTimeMs: Int32 = 0,
        errorCode: KafkaErrorCode = .none
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.errorCode = errorCode
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "AddOffsetsToTxnResponse")
        self.init()
        let isFlexible = version >= 3
        throttleTimeMs = try reader.readInt32("AddOffsetsToTxnResponse.throttleTimeMs")
        errorCode = try reader.readErrorCode("AddOffsetsToTxnResponse.errorCode")
        if isFlexible {
            try reader.skipTags("AddOffsetsToTxnResponse")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "AddOffsetsToTxnResponse")
        let isFlexible = version >= 3
        writer.write(throttleTimeMs)
        writer.write(errorCode)
        if isFlexible {
            writer.writeNoTags()
        }
    }
}
