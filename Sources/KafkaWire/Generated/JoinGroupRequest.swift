// Made from Apache Kafka's JoinGroupRequest.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The request of Kafka's API 11, JoinGroup, versions 0 to 9.
package struct JoinGroupRequest: KafkaRequest {
    /// The number of the API.
    package static let key: Int16 = 11
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...9
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 6

    /// The group identifier.
    package var groupID: String
    /// The coordinator considers the consumer dead if it receives no heartbeat after this timeout in milliseconds.
    package var sessionTimeoutMs: Int32
    /// The maximum time in milliseconds that the coordinator will wait for each member to rejoin when rebalancing the
    /// group. From version 1.
    package var rebalanceTimeoutMs: Int32
    /// The member id assigned by the group coordinator.
    package var memberID: String
    /// The unique identifier of the consumer instance provided by end user. From version 5.
    package var groupInstanceID: String?
    /// The unique name the for class of protocols implemented by the group we want to join.
    package var protocolType: String
    /// The list of protocols that the member supports.
    package var protocols: [JoinGroupRequestProtocol]
    /// The reason why the member (re-)joins the group. From version 8.
    package var reason: String?

    /// A value of these parts; what is left out has its default.
    package init(
        groupID: String = "",
        sessionTimeoutMs: Int32 = 0,
        rebalanceTimeoutMs: Int32 = -1,
        memberID: String = "",
        groupInstanceID: String? = nil,
        protocolType: String = "",
        protocols: [JoinGroupRequestProtocol] = [],
        reason: String? = nil
    ) {
        self.groupID = groupID
        self.sessionTimeoutMs = sessionTimeoutMs
        self.rebalanceTimeoutMs = rebalanceTimeoutMs
        self.memberID = memberID
        self.groupInstanceID = groupInstanceID
        self.protocolType = protocolType
        self.protocols = protocols
        self.reason = reason
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "JoinGroupRequest")
        self.init()
        let isFlexible = version >= 6
        groupID = try reader.readString(compact: isFlexible, "JoinGroupRequest.groupID")
        sessionTimeoutMs = try reader.readInt32("JoinGroupRequest.sessionTimeoutMs")
        if version >= 1 {
            rebalanceTimeoutMs = try reader.readInt32("JoinGroupRequest.rebalanceTimeoutMs")
        }
        memberID = try reader.readString(compact: isFlexible, "JoinGroupRequest.memberID")
        if version >= 5 {
            groupInstanceID = try reader.readNullableString(compact: isFlexible, "JoinGroupRequest.groupInstanceID")
        }
        protocolType = try reader.readString(compact: isFlexible, "JoinGroupRequest.protocolType")
        protocols = try reader.readArray(compact: isFlexible, version: version, "JoinGroupRequest.protocols")
        if version >= 8 {
            reason = try reader.readNullableString(compact: isFlexible, "JoinGroupRequest.reason")
        }
        if isFlexible {
            try reader.skipTags("JoinGroupRequest")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "JoinGroupRequest")
        let isFlexible = version >= 6
        try writer.write(groupID, compact: isFlexible, "JoinGroupRequest.groupID")
        writer.write(sessionTimeoutMs)
        if version >= 1 {
            writer.write(rebalanceTimeoutMs)
        }
        try writer.write(memberID, compact: isFlexible, "JoinGroupRequest.memberID")
        if version >= 5 {
            try writer.write(groupInstanceID, compact: isFlexible, "JoinGroupRequest.groupInstanceID")
        } else if groupInstanceID != nil {
            throw writer.notInVersion(version, "JoinGroupRequest.groupInstanceID")
        }
        try writer.write(protocolType, compact: isFlexible, "JoinGroupRequest.protocolType")
        try writer.write(protocols, compact: isFlexible, version: version, "JoinGroupRequest.protocols")
        if version >= 8 {
            try writer.write(reason, compact: isFlexible, "JoinGroupRequest.reason")
        }
        if isFlexible {
            writer.writeNoTags()
        }
    }
}

extension JoinGroupRequest {
    /// Part of JoinGroupRequest: The list of protocols that the member supports.
    package struct JoinGroupRequestProtocol: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 3 }

        /// The protocol name.
        package var name: String
        /// The protocol metadata.
        package var metadata: [UInt8]

        /// A value of these parts; what is left out has its default.
        package init(
            name: String = "",
            metadata: [UInt8] = []
        ) {
            self.name = name
            self.metadata = metadata
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version >= 6
            name = try reader.readString(compact: isFlexible, "JoinGroupRequestProtocol.name")
            metadata = try reader.readBytes(compact: isFlexible, "JoinGroupRequestProtocol.metadata")
            if isFlexible {
                try reader.skipTags("JoinGroupRequestProtocol")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version >= 6
            try writer.write(name, compact: isFlexible, "JoinGroupRequestProtocol.name")
            try writer.write(metadata, compact: isFlexible, "JoinGroupRequestProtocol.metadata")
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }
}
