// Made from Apache Kafka's HeartbeatResponse.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The response of Kafka's API 12, Heartbeat, versions 0 to 4.
package struct HeartbeatResponse: KafkaResponse {
    /// The number of the API.
    package static let key: Int16 = 12
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...4
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 4

    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the
    /// request did not violate any quota. From version 1.
    package var throttleTimeMs: Int32
    /// The error code, or 0 if there was no error.
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
        try reader.require(Self.versions, version, "HeartbeatResponse")
        self.init()
        let isFlexible = version == 4
        if version >= 1 {
            throttleTimeMs = try reader.readInt32("HeartbeatResponse.throttleTimeMs")
        }
        errorCode = try reader.readErrorCode("HeartbeatResponse.errorCode")
        if isFlexible {
            try reader.skipTags("HeartbeatResponse")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "HeartbeatResponse")
        let isFlexible = version == 4
        if version >= 1 {
            writer.write(throttleTimeMs)
        }
        writer.write(errorCode)
        if isFlexible {
            writer.writeNoTags()
        }
    }
}
