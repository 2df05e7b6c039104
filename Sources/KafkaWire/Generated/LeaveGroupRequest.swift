// Made from Apache Kafka's LeaveGroupRequest.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The request of Kafka's API 13, LeaveGroup, versions 0 to 5.
package struct LeaveGroupRequest: KafkaRequest {
    /// The number of the API.
    package static let key: Int16 = 13
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...5
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 4

    /// The ID of the group to leave.
    package var groupID: String
    /// The member ID to remove from the group. Up to version 2.
    package var memberID: String
    /// List of leaving member identities. From version 3.
    package var members: [MemberIdentity]

    /// A value of these parts; what is left out has its default.
    package init(
        groupID: String = "",
        memberID: String = "",
        members: [MemberIdentity] = []
    ) {
        self.groupID = groupID
        self.memberID = memberID
        self.members = members
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "LeaveGroupRequest")
        self.init()
        let isFlexible = version >= 4
        groupID = try reader.readString(compact: isFlexible, "LeaveGroupRequest.groupID")
        if version <= 2 {
            memberID = try reader.readString(compact: isFlexible, "LeaveGroupRequest.memberID")
        }
        if version >= 3 {
            members = try reader.readArray(compact: isFlexible, version: version, "LeaveGroupRequest.members")
        }
        if isFlexible {
            try reader.skipTags("LeaveGroupRequest")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "LeaveGroupRequest")
        let isFlexible = version >= 4
        try writer.write(groupID, compact: isFlexible, "LeaveGroupRequest.groupID")
        if version <= 2 {
            try writer.write(memberID, compact: isFlexible, "LeaveGroupRequest.memberID")
        } else if !memberID.isEmpty {
            throw writer.notInVersion(version, "LeaveGroupRequest.memberID")
        }
        if version >= 3 {
            try writer.write(members, compact: isFlexible, version: version, "LeaveGroupRequest.members")
        } else if !members.isEmpty {
            throw writer.notInVersion(version, "LeaveGroupRequest.members")
        }
        if isFlexible {
            writer.writeNoTags()
        }
    }
}

extension LeaveGroupRequest {
    /// Part of LeaveGroupRequest: List of leaving member identities.
    package struct MemberIdentity: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 3 }

        /// The member ID to remove from the group.
        package var memberID: String
        /// The group instance ID to remove from the group.
        package var groupInstanceID: String?
        /// The reason why the member left the group. Version 5 only.
        package var reason: String?

        /// A value of these parts; what is left out has its default.
        package init(
            memberID: String = "",
            groupInstanceID: String? = nil,
            reason: String? = nil
        ) {
            self.memberID = memberID
            self.groupInstanceID = groupInstanceID
            self.reason = reason
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 4
            memberID = try reader.readString(compact: isFlexible, "MemberIdentity.memberID")
            groupInstanceID = try reader.readNullableString(compact: isFlexible, "MemberIdentity.groupInstanceID")
            if version == 5 {
                reason = try reader.readNullableString(compact: isFlexible, "MemberIdentity.reason")
            }
            if isFlexible {
                try reader.skipTags("MemberIdentity")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 4
            try writer.write(memberID, compact: isFlexible, "MemberIdentity.memberID")
            try writer.write(groupInstanceID, compact: isFlexible, "MemberIdentity.groupInstanceID")
            if version == 5 {
                try writer.write(reason, compact: isFlexible, "MemberIdentity.reason")
            }
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }
}
