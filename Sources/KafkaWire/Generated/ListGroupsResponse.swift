// Made from Apache Kafka's ListGroupsResponse.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The response of Kafka's API 16, ListGroups, versions 0 to 5.
package struct ListGroupsResponse: KafkaResponse {
    /// The number of the API.
    package static let key: Int16 = 16
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...5
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 3

    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the
    /// request did not violate any quota. From version 1.
    package var throttleTimeMs: Int32
    /// The error code, or 0 if there was no error.
    package var errorCode: KafkaErrorCode
    /// Each group in the response.
    package var groups: [ListedGroup]

    /// A value of these parts; what is left out has its default.
    package init(
        throttleTimeMs: Int32 = 0,
        errorCode: KafkaErrorCode = .none,
        groups: [ListedGroup] = []
    ) {
        self.throttleTimeMs = throttleTimeMs
        self.errorCode = errorCode
        self.groups = groups
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "ListGroupsResponse")
        self.init()
        let isFlexible = version >= 3
        if version >= 1 {
            throttleTimeMs = try reader.readInt32("ListGroupsResponse.throttleTimeMs")
        }
        errorCode = try reader.readErrorCode("ListGroupsResponse.errorCode")
        groups = try reader.readArray(compact: isFlexible, version: version, "ListGroupsResponse.groups")
        if isFlexible {
            try reader.skipTags("ListGroupsResponse")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "ListGroupsResponse")
        let isFlexible = version >= 3
        if version >= 1 {
            writer.write(throttleTimeMs)
        }
        writer.write(errorCode)
        try writer.write(groups, compact: isFlexible, version: version, "ListGroupsResponse.groups")
        if isFlexible {
            writer.writeNoTags()
        }
    }
}

extension ListGroupsResponse {
    /// Part of ListGroupsResponse: Each group in the response.
    package struct ListedGroup: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 3 }

        /// The group ID.
        package var groupID: String
        /// The group protocol type.
        package var protocolType: String
        /// The group state name. From version 4.
        package var groupState: String
        /// The group type name. Version 5 only.
        package var groupType: String

        /// A value of these parts; what is left out has its default.
        package init(
            groupID: String = "",
            protocolType: String = "",
            groupState: String = "",
            groupType: String = ""
        ) {
            self.groupID = groupID
            self.protocolType = protocolType
            self.groupState = groupState
            self.groupType = groupType
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 3
            groupID = try reader.readString(compact: isFlexible, "ListedGroup.groupID")
            protocolType = try reader.readString(compact: isFlexible, "ListedGroup.protocolType")
            if version >= 4 {
                groupState = try reader.readString(compact: isFlexible, "ListedGroup.groupState")
            }
            if version == 5 {
                groupType = try reader.readString(compact: isFlexible, "ListedGroup.groupType")
            }
            if isFlexible {
                try reader.skipTags("ListedGroup")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 3
            try writer.write(groupID, compact: isFlexible, "ListedGroup.groupID")
            try writer.write(protocolType, compact: isFlexible, "ListedGroup.protocolType")
            if version >= 4 {
                try writer.write(groupState, compact: isFlexible, "ListedGroup.groupState")
            }
            if version == 5 {
                try writer.write(groupType, compact: isFlexible, "ListedGroup.groupType")
            }
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }
}
