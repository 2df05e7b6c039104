// Made from Apache Kafka's LeaveGroupResponse.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The response of Kafka's API 13, LeaveGroup, versions 0 to 5.
package struct LeaveGroupResponse: KafkaResponse {
    /// The number of the API.
    package static let key: Int16 = 13
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...5
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 4

    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the
    /// request did not violate any quota. From version 1.
    package var throttleTimeMs: Int32
    /// The error code, or 0 if there was no error.
    package var errorCode: KafkaErrorCode
    /// List of leaving member responses. From version 3.
    package var members: [MemberResponse]

    /// A value of these parts; what is left out has its default.
    package init(
        throttleTimeMs: Int32 = 0,
        errorCode: KafkaErrorCode = .none,
        members: [MemberResponse] = []
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.errorCode = errorCode
        self.members = members
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "LeaveGroupResponse")
        self.init()
        let isFlexible = version >= 4
        if version >= 1 {
            throttleTimeMs = try reader.readInt32("LeaveGroupResponse.throttleTimeMs")
        }
        errorCode = try reader.readErrorCode("LeaveGroupResponse.errorCode")
        if version >= 3 {
            members = try reader.readArray(compact: isFlexible, version: version, "LeaveGroupResponse.members")
        }
        if isFlexible {
            try reader.skipTags("LeaveGroupResponse")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "LeaveGroupResponse")
        let isFlexible = version >= 4
        if version >= 1 {
            writer.write(throttleTimeMs)
        }
        writer.write(errorCode)
        if version >= 3 {
            try writer.write(members, compact: isFlexible, version: version, "LeaveGroupResponse.members")
        } else if !members.isEmpty {
            throw writer.notInVersion(version, "LeaveGroupResponse.members")
        }
        if isFlexible {
            writer.writeNoTags()
        }
    }
}

extension LeaveGroupResponse {
    /// Part of LeaveGroupResponse: List of leaving member responses.
    package struct MemberResponse: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 5 }

        /// The member ID to remove from the group.
        package var memberID: String
        /// The group instance ID to remove from the group.
        package var groupInstanceID: String?
        /// The error code, or 0 if there was no error.
        package var errorCode: KafkaErrorCode

        /// A value of these parts; what is left out has its default.
        package init(
            memberID: String = "",
            groupInstanceID: String? = "",
            errorCode: KafkaErrorCode = .none
        ) {
            self.memberID = memberID
            self.groupInstanceID = groupInstanceID
            self.errorCode = errorCode
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 4
            memberID = try reader.readString(compact: isFlexible, "MemberResponse.memberID")
            groupInstanceID = try reader.readNullableString(compact: isFlexible, "MemberResponse.groupInstanceID")
            errorCode = try reader.readErrorCode("MemberResponse.errorCode")
            if isFlexible {
                try reader.skipTags("MemberResponse")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 4
            try writer.write(memberID, compact: isFlexible, "MemberResponse.memberID")
            try writer.write(groupInstanceID, compact: isFlexible, "MemberResponse.groupInstanceID")
            writer.write(errorCode)
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }
}
