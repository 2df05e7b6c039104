// Made from Apache Kafka's DescribeGroupsResponse.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The response of Kafka's API 15, DescribeGroups, versions 0 to 6.
package struct DescribeGroupsResponse: KafkaResponse {
    /// The number of the API.
    package static let key: Int16 = 15
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...6
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 5

    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the
    /// request did not violate any quota. From version 1.
    package var throttleTimeMs: Int32
    /// Each described group.
    package var groups: [DescribedGroup]

    /// A value of these parts; what is left out has its default.
    package init(
        throttleTimeMs: Int32 = 0,
        groups: [DescribedGroup] = []
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.groups = groups
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "DescribeGroupsResponse")
        self.init()
        let isFlexible = version >= 5
        if version >= 1 {
            throttleTimeMs = try reader.readInt32("DescribeGroupsResponse.throttleTimeMs")
        }
        groups = try reader.readArray(compact: isFlexible, version: version, "DescribeGroupsResponse.groups")
        if isFlexible {
            try reader.skipTags("DescribeGroupsResponse")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "DescribeGroupsResponse")
        let isFlexible = version >= 5
        if version >= 1 {
            writer.write(throttleTimeMs)
        }
        try writer.write(groups, compact: isFlexible, version: version, "DescribeGroupsResponse.groups")
        if isFlexible {
            writer.writeNoTags()
        }
    }
}

extension DescribeGroupsResponse {
    /// Part of DescribeGroupsResponse: Each described group.
    package struct DescribedGroup: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 12 }

        /// The describe error, or 0 if there was no error.
        package var errorCode: KafkaErrorCode
        /// The describe error message, or null if there was no error. Version 6 only.
        package var errorMessage: String?
        /// The group ID string.
        package var groupID: String
        /// The group state string, or the empty string.
        package var groupState: String
        /// The group protocol type, or the empty string.
        package var protocolType: String
        /// The group protocol data, or the empty string.
        package var protocolData: String
        /// The group members.
        package var members: [DescribedGroupMember]
        /// 32-bit bitfield to represent authorized operations for this group. From version 3.
        package var authorizedOperations: Int32

        /// A value of these parts; what is left out has its default.
        package init(
            errorCode: KafkaErrorCode = .none,
            errorMessage: String? = nil,
            groupID: String = "",
            groupState: String = "",
            protocolType: String = "",
            protocolData: String = "",
            members: [DescribedGroupMember] = [],
            authorizedOperations: Int32 = -2147483648
        ) {
            self.errorCode = errorCode
            self.errorMessage = errorMessage
            self.groupID = groupID
            self.groupState = groupState
            self.protocolType = protocolType
            self.protocolData = protocolData
            self.members = members
            self.authorizedOperations = authorizedOperations
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 5
            errorCode = try reader.readErrorCode("DescribedGroup.errorCode")
            if version == 6 {
                errorMessage = try reader.readNullableString(compact: isFlexible, "DescribedGroup.errorMessage")
            }
            groupID = try reader.readString(compact: isFlexible, "DescribedGroup.groupID")
            groupState = try reader.readString(compact: isFlexible, "DescribedGroup.groupState")
            protocolType = try reader.readString(compact: isFlexible, "DescribedGroup.protocolType")
            protocolData = try reader.readString(compact: isFlexible, "DescribedGroup.protocolData")
            members = try reader.readArray(compact: isFlexible, version: version, "DescribedGroup.members")
            if version >= 3 {
                authorizedOperations = try reader.readInt32("DescribedGroup.authorizedOperations")
            }
            if isFlexible {
                try reader.skipTags("DescribedGroup")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 5
            writer.write(errorCode)
            if version == 6 {
                try writer.write(errorMessage, compact: isFlexible, "DescribedGroup.errorMessage")
            } else if errorMessage != nil {
                throw writer.notInVersion(version, "DescribedGroup.errorMessage")
            }
            try writer.write(groupID, compact: isFlexible, "DescribedGroup.groupID")
            try writer.write(groupState, compact: isFlexible, "DescribedGroup.groupState")
            try writer.write(protocolType, compact: isFlexible, "DescribedGroup.protocolType")
            try writer.write(protocolData, compact: isFlexible, "DescribedGroup.protocolData")
            try writer.write(members, compact: isFlexible, version: version, "DescribedGroup.members")
            if version >= 3 {
                writer.write(authorizedOperations)
            } else if authorizedOperations != -2147483648 {
                throw writer.notInVersion(version, "DescribedGroup.authorizedOperations")
            }
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }

    /// Part of DescribeGroupsResponse: The group members.
    package struct DescribedGroupMember: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 7 }

        /// The member id.
        package var memberID: String
        /// The unique identifier of the consumer instance provided by end user. From version 4.
        package var groupInstanceID: String?
        /// The client ID used in the member's latest join group request.
        package var clientID: String
        /// The client host.
        package var clientHost: String
        /// The metadata corresponding to the current group protocol in use.
        package var memberMetadata: [UInt8]
        /// The current assignment provided by the group leader.
        package var memberAssignment: [UInt8]

        /// A value of these parts; what is left out has its default.
        package init(
            memberID: String = "",
            groupInstanceID: String? = nil,
            clientID: String = "",
            clientHost: String = "",
            memberMetadata: [UInt8] = [],
            memberAssignment: [UInt8] = []
        ) {
            self.memberID = memberID
            self.groupInstanceID = groupInstanceID
            self.clientID = clientID
            self.clientHost = clientHost
            self.memberMetadata = memberMetadata
            self.memberAssignment = memberAssignment
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 5
            memberID = try reader.readString(compact: isFlexible, "DescribedGroupMember.memberID")
            if version >= 4 {
                groupInstanceID = try reader.readNullableString(
                    compact: isFlexible, "DescribedGroupMember.groupInstanceID")
            }
            clientID = try reader.readString(compact: isFlexible, "DescribedGroupMember.clientID")
            clientHost = try reader.readString(compact: isFlexible, "DescribedGroupMember.clientHost")
            memberMetadata = try reader.readBytes(compact: isFlexible, "DescribedGroupMember.memberMetadata")
            memberAssignment = try reader.readBytes(compact: isFlexible, "DescribedGroupMember.memberAssignment")
            if isFlexible {
                try reader.skipTags("DescribedGroupMember")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 5
            try writer.write(memberID, compact: isFlexible, "DescribedGroupMember.memberID")
            if version >= 4 {
                try writer.write(groupInstanceID, compact: isFlexible, "DescribedGroupMember.groupInstanceID")
            }
            try writer.write(clientID, compact: isFlexible, "DescribedGroupMember.clientID")
            try writer.write(clientHost, compact: isFlexible, "DescribedGroupMember.clientHost")
            try writer.write(memberMetadata, compact: isFlexible, "DescribedGroupMember.memberMetadata")
            try writer.write(memberAssignment, compact: isFlexible, "DescribedGroupMember.memberAssignment")
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }
}
