// Made from Apache Kafka's ShareGroupDescribeResponse.json (Apache-2.0) by `swift run kafka-wire-generator`.

/// The response of Kafka's API 77, ShareGroupDescribe, version 1.
package struct ShareGroupDescribeResponse: KafkaResponse {
    /// The number of the API.
    package static let key: Int16 = 77
    /// The versions that can be read and written.
    package static let versions: ClosedRange<Int16> = 1...1
    /// The first version with compact lengths and tagged fields; nil when none has them.
    package static let flexibleFrom: Int16? = 1

    /// The duration in milliseconds for which the request was throttled due to a quota violation, or zero if the
    /// request did not violate any quota.
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
        try reader.require(Self.versions, version, "ShareGroupDescribeResponse")
        self.init()
        throttleTimeMs = try reader.readInt32("ShareGroupDescribeResponse.throttleTimeMs")
        groups = try reader.readArray(compact: true, version: version, "ShareGroupDescribeResponse.groups")
        try reader.skipTags("ShareGroupDescribeResponse")
    }

    /// Writes what `version` has.
    /// - Throws: for a value that the version cannot carry, and that must not be dropped.
    package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
        try writer.require(Self.versions, version, "ShareGroupDescribeResponse")
        writer.write(throttleTimeMs)
        try writer.write(groups, compact: true, version: version, "ShareGroupDescribeResponse.groups")
        writer.writeNoTags()
    }
}

extension ShareGroupDescribeResponse {
    /// Part of ShareGroupDescribeResponse: Each described group.
    package struct DescribedGroup: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 20 }

        /// The describe error, or 0 if there was no error.
        package var errorCode: KafkaErrorCode
        /// The top-level error message, or null if there was no error.
        package var errorMessage: String?
        /// The group ID string.
        package var groupID: String
        /// The group state string, or the empty string.
        package var groupState: String
        /// The group epoch.
        package var groupEpoch: Int32
        /// The assignment epoch.
        package var assignmentEpoch: Int32
        /// The selected assignor.
        package var assignorName: String
        /// The members.
        package var members: [Member]
        /// 32-bit bitfield to represent authorized operations for this group.
        package var authorizedOperations: Int32

        /// A value of these parts; what is left out has its default.
        package init(
            errorCode: KafkaErrorCode = .none,
            errorMessage: String? = nil,
            groupID: String = "",
            groupState: String = "",
            groupEpoch: Int32 = 0,
            assignmentEpoch: Int32 = 0,
            assignorName: String = "",
            members: [Member] = [],
            authorizedOperations: Int32 = -2147483648
        ) {
            self.errorCode = errorCode
            self.errorMessage = errorMessage
            self.groupID = groupID
            self.groupState = groupState
            self.groupEpoch = groupEpoch
            self.assignmentEpoch = assignmentEpoch
            self.assignorName = assignorName
            self.members = members
            self.authorizedOperations = authorizedOperations
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            errorCode = try reader.readErrorCode("DescribedGroup.errorCode")
            errorMessage = try reader.readNullableString(compact: true, "DescribedGroup.errorMessage")
            groupID = try reader.readString(compact: true, "DescribedGroup.groupID")
            groupState = try reader.readString(compact: true, "DescribedGroup.groupState")
            groupEpoch = try reader.readInt32("DescribedGroup.groupEpoch")
            assignmentEpoch = try reader.readInt32("DescribedGroup.assignmentEpoch")
            assignorName = try reader.readString(compact: true, "DescribedGroup.assignorName")
            members = try reader.readArray(compact: true, version: version, "DescribedGroup.members")
            authorizedOperations = try reader.readInt32("DescribedGroup.authorizedOperations")
            try reader.skipTags("DescribedGroup")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            writer.write(errorCode)
            try writer.write(errorMessage, compact: true, "DescribedGroup.errorMessage")
            try writer.write(groupID, compact: true, "DescribedGroup.groupID")
            try writer.write(groupState, compact: true, "DescribedGroup.groupState")
            writer.write(groupEpoch)
            writer.write(assignmentEpoch)
            try writer.write(assignorName, compact: true, "DescribedGroup.assignorName")
            try writer.write(members, compact: true, version: version, "DescribedGroup.members")
            writer.write(authorizedOperations)
            writer.writeNoTags()
        }
    }

    /// Part of ShareGroupDescribeResponse: The members.
    package struct Member: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 12 }

        /// The member ID.
        package var memberID: String
        /// The member rack ID.
        package var rackID: String?
        /// The current member epoch.
        package var memberEpoch: Int32
        /// The client ID.
        package var clientID: String
        /// The client host.
        package var clientHost: String
        /// The subscribed topic names.
        package var subscribedTopicNames: [String]
        /// The current assignment.
        package var assignment: Assignment

        /// A value of these parts; what is left out has its default.
        package init(
            memberID: String = "",
            rackID: String? = nil,
            memberEpoch: Int32 = 0,
            clientID: String = "",
            clientHost: String = "",
            subscribedTopicNames: [String] = [],
            assignment: Assignment = Assignment()
        ) {
            self.memberID = memberID
            self.rackID = rackID
            self.memberEpoch = memberEpoch
            self.clientID = clientID
            self.clientHost = clientHost
            self.subscribedTopicNames = subscribedTopicNames
            self.assignment = assignment
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            memberID = try reader.readString(compact: true, "Member.memberID")
            rackID = try reader.readNullableString(compact: true, "Member.rackID")
            memberEpoch = try reader.readInt32("Member.memberEpoch")
            clientID = try reader.readString(compact: true, "Member.clientID")
            clientHost = try reader.readString(compact: true, "Member.clientHost")
            subscribedTopicNames = try reader.readArray(compact: true, version: version, "Member.subscribedTopicNames")
            assignment = try Assignment(from: &reader, version: version)
            try reader.skipTags("Member")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            try writer.write(memberID, compact: true, "Member.memberID")
            try writer.write(rackID, compact: true, "Member.rackID")
            writer.write(memberEpoch)
            try writer.write(clientID, compact: true, "Member.clientID")
            try writer.write(clientHost, compact: true, "Member.clientHost")
            try writer.write(subscribedTopicNames, compact: true, version: version, "Member.subscribedTopicNames")
            try assignment.encode(to: &writer, version: version)
            writer.writeNoTags()
        }
    }

    /// Part of ShareGroupDescribeResponse: The current assignment.
    package struct Assignment: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 2 }

        /// The assigned topic-partitions to the member.
        package var topicPartitions: [TopicPartitions]

        /// A value of these parts; what is left out has its default.
        package init(
            topicPartitions: [TopicPartitions] = []
        ) {
            self.topicPartitions = topicPartitions
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            topicPartitions = try reader.readArray(compact: true, version: version, "Assignment.topicPartitions")
            try reader.skipTags("Assignment")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            try writer.write(topicPartitions, compact: true, version: version, "Assignment.topicPartitions")
            writer.writeNoTags()
        }
    }

    /// Part of ShareGroupDescribeResponse: The assigned topic-partitions to the member.
    package struct TopicPartitions: KafkaStructure {
        /// The fewest bytes that one takes.
        package static var bytesMin: Int { 19 }

        /// The topic ID.
        package var topicID: KafkaUUID
        /// The topic name.
        package var topicName: String
        /// The partitions.
        package var partitions: [Int32]

        /// A value of these parts; what is left out has its default.
        package init(
            topicID: KafkaUUID = .zero,
            topicName: String = "",
            partitions: [Int32] = []
        ) {
            self.topicID = topicID
            self.topicName = topicName
            self.partitions = partitions
        }

        /// Reads what `version` has; a field that it lacks has its default.
        package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError) {
            self.init()
            topicID = try reader.readUUID("TopicPartitions.topicID")
            topicName = try reader.readString(compact: true, "TopicPartitions.topicName")
            partitions = try reader.readArray(compact: true, version: version, "TopicPartitions.partitions")
            try reader.skipTags("TopicPartitions")
        }

        /// Writes what `version` has.
        /// - Throws: for a value that the version cannot carry, and that must not be dropped.
        package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError) {
            writer.write(topicID)
            try writer.write(topicName, compact: true, "TopicPartitions.topicName")
            try writer.write(partitions, compact: true, version: version, "TopicPartitions.partitions")
            writer.writeNoTags()
        }
    }
}
