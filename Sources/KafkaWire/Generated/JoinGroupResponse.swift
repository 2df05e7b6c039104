// Made from Apache Kafka's JoinGroupResponse.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The response of Kafka's API 11, JoinGroup, versions 0 to 9.
package struct JoinGroupResponse: KafkaResponse {
    /// The number of the API.
    package static let key: Int16 = 11
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...9
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 6

    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the
    /// request did not violate any quota. From version 2.
    package var throttleTimeMs: Int32
    /// The error code, or 0 if there was no error.
    package var errorCode: KafkaErrorCode
    /// The generation ID of the group.
    package var generationID: Int32
    /// The group protocol name. From version 7.
    package var protocolType: String?
    /// The group protocol selected by the coordinator.
    package var protocolName: String?
    /// The leader of the group.
    package var leader: String
    /// True if the leader must skip running the assignment. Version 9 only.
    package var skipAssignment: Bool
    /// The member ID assigned by the group coordinator.
    package var memberID: String
    /// The group members.
    package var members: [JoinGroupResponseMember]

    /// A value of these parts; what is left out has its default.
    package init(
        throttleTimeMs: Int32 = 0,
        errorCode: KafkaErrorCode = .none,
        generationID: Int32 = -1,
        protocolType: String? = nil,
        protocolName: String? = "",
        leader: String = "",
        skipAssignment: Bool = false,
        memberID: String = "",
        members: [JoinGroupResponseMember] = []
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.errorCode = errorCode
        self.generationID = generationID
        self.protocolType = protocolType
        self.protocolName = protocolName
        self.leader = leader
        self.skipAssignment = skipAssignment
        self.memberID = memberID
        self.members = members
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "JoinGroupResponse")
        self.init()
        let isFlexible = version >= 6
        if version >= 2 {
            throttleTimeMs = try reader.readInt32("JoinGroupResponse.throttleTimeMs")
        }
        errorCode = try reader.readErrorCode("JoinGroupResponse.errorCode")
        generationID = try reader.readInt32("JoinGroupResponse.generationID")
        if version >= 7 {
            protocolType = try reader.readNullableString(compact: isFlexible, "JoinGroupResponse.protocolType")
        }
        protocolName = try reader.readNullableString(
            compact: isFlexible, nullable: version >= 7, "JoinGroupResponse.protocolName")
        leader = try reader.readString(compact: isFlexible, "JoinGroupResponse.leader")
        if version == 9 {
            skipAssignment = try reader.readBool("JoinGroupResponse.skipAssignment")
        }
        memberID = try reader.readString(compact: isFlexible, "JoinGroupResponse.memberID")
        members = try reader.readArray(compact: isFlexible, version: version, "JoinGroupResponse.members")
        if isFlexible {
            try reader.skipTags("JoinGroupResponse")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "JoinGroupResponse")
        let isFlexible = version >= 6
        if version >= 2 {
            writer.write(throttleTimeMs)
        }
        writer.write(errorCode)
        writer.write(generationID)
        if version >= 7 {
            try writer.write(protocolType, compact: isFlexible, "JoinGroupResponse.protocolType")
        }
        try writer.write(protocolName, compact: isFlexible, nullable: version >= 7, "JoinGroupResponse.protocolName")
        try writer.write(leader, compact: isFlexible, "JoinGroupResponse.leader")
        if version == 9 {
            writer.write(skipAssignment)
        } else if skipAssignment {
            throw writer.notInVersion(version, "JoinGroupResponse.skipAssignment")
        }
        try writer.write(memberID, compact: isFlexible, "JoinGroupResponse.memberID")
        try writer.write(members, compact: isFlexible, version: version, "JoinGroupResponse.members")
        if isFlexible {
            writer.writeNoTags()
        }
    }
}

extension JoinGroupResponse {
    /// Part of JoinGroupResponse: The group members.
    package struct JoinGroupResponseMember: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 4 }

        /// The group member ID.
        package var memberID: String
        /// The unique identifier of the consumer instance provided by end user. From version 5.
        package var groupInstanceID: String?
        /// The group member metadata.
        package var metadata: [UInt8]

        /// A value of these parts; what is left out has its default.
        package init(
            memberID: String = "",
            groupInstanceID: String? = nil,
            metadata: [UInt8] = []
        ) {
            self.memberID = memberID
            self.groupInstanceID = groupInstanceID
            self.metadata = metadata
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 6
            memberID = try reader.readString(compact: isFlexible, "JoinGroupResponseMember.memberID")
            if version >= 5 {
                groupInstanceID = try reader.readNullableString(
                    compact: isFlexible, "JoinGroupResponseMember.groupInstanceID")
            }
            metadata = try reader.readBytes(compact: isFlexible, "JoinGroupResponseMember.metadata")
            if isFlexible {
                try reader.skipTags("JoinGroupResponseMember")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 6
            try writer.write(memberID, compact: isFlexible, "JoinGroupResponseMember.memberID")
            if version >= 5 {
                try writer.write(groupInstanceID, compact: isFlexible, "JoinGroupResponseMember.groupInstanceID")
            }
            try writer.write(metadata, compact: isFlexible, "JoinGroupResponseMember.metadata")
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }
}
