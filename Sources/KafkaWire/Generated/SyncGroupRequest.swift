// Made from Apache Kafka's SyncGroupRequest.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The request of Kafka's API 14, SyncGroup, versions 0 to 5.
package struct SyncGroupRequest: KafkaRequest {
    /// The number of the API.
    package static let key: Int16 = 14
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...5
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 4

    /// The unique group identifier.
    package var groupID: String
    /// The generation of the group.
    package var generationID: Int32
    /// The member ID assigned by the group.
    package var memberID: String
    /// The unique identifier of the consumer instance provided by end user. From version 3.
    package var groupInstanceID: String?
    /// The group protocol type. Version 5 only.
    package var protocolType: String?
    /// The group protocol name. Version 5 only.
    package var protocolName: String?
    /// Each assignment.
    package var assignments: [SyncGroupRequestAssignment]

    /// A value of these parts; what is left out has its default.
    package init(
        groupID: String = "",
        generationID: Int32 = 0,
        memberID: String = "",
        groupInstanceID: String? = nil,
        protocolType: String? = nil,
        protocolName: String? = nil,
        assignments: [SyncGroupRequestAssignment] = []
    ) {
        self.groupID = groupID
        self.generationID = generationID
        self.memberID = memberID
        self.groupInstanceID = groupInstanceID
        self.protocolType = protocolType
        self.protocolName = protocolName
        self.assignments = assignments
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "SyncGroupRequest")
        self.init()
        let isFlexible = version >= 4
        groupID = try reader.readString(compact: isFlexible, "SyncGroupRequest.groupID")
        generationID = try reader.readInt32("SyncGroupRequest.generationID")
        memberID = try reader.readString(compact: isFlexible, "SyncGroupRequest.memberID")
        if version >= 3 {
            groupInstanceID = try reader.readNullableString(compact: isFlexible, "SyncGroupRequest.groupInstanceID")
        }
        if version == 5 {
            protocolType = try reader.readNullableString(compact: isFlexible, "SyncGroupRequest.protocolType")
            protocolName = try reader.readNullableString(compact: isFlexible, "SyncGroupRequest.protocolName")
        }
        assignments = try reader.readArray(compact: isFlexible, version: version, "SyncGroupRequest.assignments")
        if isFlexible {
            try reader.skipTags("SyncGroupRequest")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "SyncGroupRequest")
        let isFlexible = version >= 4
        try writer.write(groupID, compact: isFlexible, "SyncGroupRequest.groupID")
        writer.write(generationID)
        try writer.write(memberID, compact: isFlexible, "SyncGroupRequest.memberID")
        if version >= 3 {
            try writer.write(groupInstanceID, compact: isFlexible, "SyncGroupRequest.groupInstanceID")
        } else if groupInstanceID != nil {
            throw writer.notInVersion(version, "SyncGroupRequest.groupInstanceID")
        }
        if version == 5 {
            try writer.write(protocolType, compact: isFlexible, "SyncGroupRequest.protocolType")
            try writer.write(protocolName, compact: isFlexible, "SyncGroupRequest.protocolName")
        }
        try writer.write(assignments, compact: isFlexible, version: version, "SyncGroupRequest.assignments")
        if isFlexible {
            writer.writeNoTags()
        }
    }
}

extension SyncGroupRequest {
    /// Part of SyncGroupRequest: Each assignment.
    package struct SyncGroupRequestAssignment: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 3 }

        /// The ID of the member to assign.
        package var memberID: String
        /// The member assignment.
        package var assignment: [UInt8]

        /// A value of these parts; what is left out has its default.
        package init(
            memberID: String = "",
            assignment: [UInt8] = []
        ) {
            self.memberID = memberID
            self.assignment = assignment
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 4
            memberID = try reader.readString(compact: isFlexible, "SyncGroupRequestAssignment.memberID")
            assignment = try reader.readBytes(compact: isFlexible, "SyncGroupRequestAssignment.assignment")
            if isFlexible {
                try reader.skipTags("SyncGroupRequestAssignment")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 4
            try writer.write(memberID, compact: isFlexible, "SyncGroupRequestAssignment.memberID")
            try writer.write(assignment, compact: isFlexible, "SyncGroupRequestAssignment.assignment")
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }
}
