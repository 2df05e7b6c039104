// Made from Apache Kafka's SyncGroupResponse.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The response of Kafka's API 14, SyncGroup, versions 0 to 5.
package struct SyncGroupResponse: KafkaResponse {
    /// The number of the API.
    package static let key: Int16 = 14
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...5
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 4

    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the
    /// request did not violate any quota. From version 1.
    package var throttleTimeMs: Int32
    /// The error code, or 0 if there was no error.
    package var errorCode: KafkaErrorCode
    /// The group protocol type. Version 5 only.
    package var protocolType: String?
    /// The group protocol name. Version 5 only.
    package var protocolName: String?
    /// The member assignment.
    package var assignment: [UInt8]

    /// A value of these parts; what is left out has its default.
    package init(
        throttleTimeMs: Int32 = 0,
        errorCode: KafkaErrorCode = .none,
        protocolType: String? = nil,
        protocolName: String? = nil,
        assignment: [UInt8] = []
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.errorCode = errorCode
        self.protocolType = protocolType
        self.protocolName = protocolName
        self.assignment = assignment
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "SyncGroupResponse")
        self.init()
        let isFlexible = version >= 4
        if version >= 1 {
            throttleTimeMs = try reader.readInt32("SyncGroupResponse.throttleTimeMs")
        }
        errorCode = try reader.readErrorCode("SyncGroupResponse.errorCode")
        if version == 5 {
            protocolType = try reader.readNullableString(compact: isFlexible, "SyncGroupResponse.protocolType")
            protocolName = try reader.readNullableString(compact: isFlexible, "SyncGroupResponse.protocolName")
        }
        assignment = try reader.readBytes(compact: isFlexible, "SyncGroupResponse.assignment")
        if isFlexible {
            try reader.skipTags("SyncGroupResponse")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "SyncGroupResponse")
        let isFlexible = version >= 4
        if version >= 1 {
            writer.write(throttleTimeMs)
        }
        writer.write(errorCode)
        if version == 5 {
            try writer.write(protocolType, compact: isFlexible, "SyncGroupResponse.protocolType")
            try writer.write(protocolName, compact: isFlexible, "SyncGroupResponse.protocolName")
        }
        try writer.write(assignment, compact: isFlexible, "SyncGroupResponse.assignment")
        if isFlexible {
            writer.writeNoTags()
        }
    }
}
