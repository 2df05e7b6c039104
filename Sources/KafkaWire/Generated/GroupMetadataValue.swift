// Made from Apache Kafka's storage/GroupMetadataValue.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// Kafka's `GroupMetadataValue`, versions 0 to 4.
package struct GroupMetadataValue: KafkaMessage {
    /// The number of this type of record.
    package static let key: Int16 = 2
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 0...4
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 4

    /// The protocol type.
    package var protocolType: String
    /// The generation id.
    package var generation: Int32
    /// The protocol name.
    package var `protocol`: String?
    /// The leader id.
    package var leader: String?
    /// The timestamp of the last state change. From version 2.
    package var currentStateTimestamp: Int64
    /// The group members.
    package var members: [MemberMetadata]

    /// A value of these parts; what is left out has its default.
    package init(
        protocolType: String = "",
        generation: Int32 = 0,
        `protocol`: String? = "",
        leader: String? = "",
        currentStateTimestamp: Int64 = -1,
        members: [MemberMetadata] = []
    ) {
        self.protocolType = protocolType
        self.generation = generation
        self.protocol = `protocol`
        self.leader = leader
        self.currentStateTimestamp = currentStateTimestamp
        self.members = members
    }

    /// Reads what `version` has; a field that it lacks has its default.
    package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
        try reader.require(Self.versions, version, "GroupMetadataValue")
        self.init()
        let isFlexible = version == 4
        protocolType = try reader.readString(compact: isFlexible, "GroupMetadataValue.protocolType")
        generation = try reader.readInt32("GroupMetadataValue.generation")
        `protocol` = try reader.readNullableString(compact: isFlexible, "GroupMetadataValue.protocol")
        leader = try reader.readNullableString(compact: isFlexible, "GroupMetadataValue.leader")
        if version >= 2 {
            currentStateTimestamp = try reader.readInt64("GroupMetadataValue.currentStateTimestamp")
        }
        members = try reader.readArray(compact: isFlexible, version: version, "GroupMetadataValue.members")
        if isFlexible {
            try reader.skipTags("GroupMetadataValue")
        }
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "GroupMetadataValue")
        let isFlexible = version == 4
        try writer.write(protocolType, compact: isFlexible, "GroupMetadataValue.protocolType")
        writer.write(generation)
        try writer.write(`protocol`, compact: isFlexible, "GroupMetadataValue.protocol")
        try writer.write(leader, compact: isFlexible, "GroupMetadataValue.leader")
        if version >= 2 {
            writer.write(currentStateTimestamp)
        }
        try writer.write(members, compact: isFlexible, version: version, "GroupMetadataValue.members")
        if isFlexible {
            writer.writeNoTags()
        }
    }
}

extension GroupMetadataValue {
    /// Part of GroupMetadataValue: The group members.
    package struct MemberMetadata: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 15 }

        /// The member id.
        package var memberID: String
        /// The group instance id. From version 3.
        package var groupInstanceID: String?
        /// The client id.
        package var clientID: String
        /// The client host.
        package var clientHost: String
        /// The rebalance timeout. From version 1.
        package var rebalanceTimeout: Int32
        /// The session timeout.
        package var sessionTimeout: Int32
        /// The subscription.
        package var subscription: [UInt8]
        /// The assignment.
        package var assignment: [UInt8]

        /// A value of these parts; what is left out has its default.
        package init(
            memberID: String = "",
            groupInstanceID: String? = nil,
            clientID: String = "",
            clientHost: String = "",
            rebalanceTimeout: Int32 = -1,
            sessionTimeout: Int32 = 0,
            subscription: [UInt8] = [],
            assignment: [UInt8] = []
        ) {
            self.memberID = memberID
            self.groupInstanceID = groupInstanceID
            self.clientID = clientID
            self.clientHost = clientHost
            self.rebalanceTimeout = rebalanceTimeout
            self.sessionTimeout = sessionTimeout
            self.subscription = subscription
            self.assignment = assignment
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            let isFlexible = version == 4
            memberID = try reader.readString(compact: isFlexible, "MemberMetadata.memberID")
            if version >= 3 {
                groupInstanceID = try reader.readNullableString(compact: isFlexible, "MemberMetadata.groupInstanceID")
            }
            clientID = try reader.readString(compact: isFlexible, "MemberMetadata.clientID")
            clientHost = try reader.readString(compact: isFlexible, "MemberMetadata.clientHost")
            if version >= 1 {
                rebalanceTimeout = try reader.readInt32("MemberMetadata.rebalanceTimeout")
            }
            sessionTimeout = try reader.readInt32("MemberMetadata.sessionTimeout")
            subscription = try reader.readBytes(compact: isFlexible, "MemberMetadata.subscription")
            assignment = try reader.readBytes(compact: isFlexible, "MemberMetadata.assignment")
            if isFlexible {
                try reader.skipTags("MemberMetadata")
            }
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            let isFlexible = version == 4
            try writer.write(memberID, compact: isFlexible, "MemberMetadata.memberID")
            if version >= 3 {
                try writer.write(groupInstanceID, compact: isFlexible, "MemberMetadata.groupInstanceID")
            }
            try writer.write(clientID, compact: isFlexible, "MemberMetadata.clientID")
            try writer.write(clientHost, compact: isFlexible, "MemberMetadata.clientHost")
            if version >= 1 {
                writer.write(rebalanceTimeout)
            }
            writer.write(sessionTimeout)
            try writer.write(subscription, compact: isFlexible, "MemberMetadata.subscription")
            try writer.write(assignment, compact: isFlexible, "MemberMetadata.assignment")
            if isFlexible {
                writer.writeNoTags()
            }
        }
    }
}
