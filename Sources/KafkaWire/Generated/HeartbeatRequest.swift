// Made from Apache Kafka's HeartbeatRequest.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The request of Kafka's API 12, Heartbeat, versions 0 to 4.
package struct HeartbeatRequest: KafkaRequest {
    /// The number of the API.
    package static let key: Int16 = 12
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...4
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 4

    /// The group id.
    package var groupID: String
    /// The generation of the group.
    package var generationID: Int32
    /// The member ID.
    package var memberID: String
    /// The unique identifier of the consumer instance provided by end user. From version 3.
    package var groupInstanceID: String?

    /// A value of these parts; what is left out has its default.
    package init(
        groupID: String = "",
        generationID: Int32 = 0,
        memberID: String = "",
        groupInstanceID: String? = nil
    ) {
        self.groupID = groupID
        self.generationID = generationID
        self.memberID = memberID
        self.groupInstanceID = groupInstanceID
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "HeartbeatRequest")
        self.init()
        let isFlexible = version == 4
        groupID = try reader.readString(compact: isFlexible, "HeartbeatRequest.groupID")
        generationID = try reader.readInt32("HeartbeatRequest.generationID")
        memberID = try reader.readString(compact: isFlexible, "HeartbeatRequest.memberID")
        if version >= 3 {
            groupInstanceID = try reader.readNullableString(compact: isFlexible, "HeartbeatRequest.groupInstanceID")
        }
        if isFlexible {
            try reader.skipTags("HeartbeatRequest")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "HeartbeatRequest")
        let isFlexible = version == 4
        try writer.write(groupID, compact: isFlexible, "HeartbeatRequest.groupID")
        writer.write(generationID)
        try writer.write(memberID, compact: isFlexible, "HeartbeatRequest.memberID")
        if version >= 3 {
            try writer.write(groupInstanceID, compact: isFlexible, "HeartbeatRequest.groupInstanceID")
        } else if groupInstanceID != nil {
            throw writer.notInVersion(version, "HeartbeatRequest.groupInstanceID")
        }
        if isFlexible {
            writer.writeNoTags()
        }
    }
}
