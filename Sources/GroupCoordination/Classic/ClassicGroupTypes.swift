/// A request that waits for an answer, as its connection knows it.
package struct GroupWaiter: Hashable, Sendable {
    /// The shard of its connection.
    package var shard: Int
    /// The shard's number for the request; never given twice.
    package var number: UInt64

    /// A waiter from its parts.
    package init(shard: Int, number: UInt64) {
        self.shard = shard
        self.number = number
    }
}

/// Why a request of a group's member is refused; each has its error code in Kafka's protocol.
package enum GroupFault: Error, Equatable, Sendable {
    /// The group has no name (INVALID_GROUP_ID).
    case invalidName
    /// It has no such member (UNKNOWN_MEMBER_ID).
    case unknownMember
    /// The member is of another generation (ILLEGAL_GENERATION).
    case illegalGeneration
    /// The members have no protocol in common, or the group has members of another kind (INCONSISTENT_GROUP_PROTOCOL).
    case inconsistentProtocol
    /// The group has members of another kind, and none of the one that is asked for (GROUP_ID_NOT_FOUND).
    case otherKind
    /// A rebalance has begun: the member must join anew (REBALANCE_IN_PROGRESS).
    case rebalanceInProgress
    /// The member must join anew with the identifier that the answer has (MEMBER_ID_REQUIRED).
    case memberIDRequired
    /// Another client has come with the member's instance identifier (FENCED_INSTANCE_ID).
    case fencedInstance
    /// The group has as many members as it may (GROUP_MAX_SIZE_REACHED).
    case full
    /// The session timeout is not within the bounds (INVALID_SESSION_TIMEOUT).
    case invalidSessionTimeout
    /// The member's epoch is not the one that it was told: it must join anew (FENCED_MEMBER_EPOCH).
    case fencedMemberEpoch
    /// A commit with another epoch than the member's (STALE_MEMBER_EPOCH).
    case staleMemberEpoch
    /// The instance identifier belongs to a member that has not left (UNRELEASED_INSTANCE_ID).
    case unreleasedInstance
}

/// A rule of assignment that a member offers, with what it wants to tell whoever assigns.
package struct GroupProtocol: Equatable, Sendable {
    /// The rule's name, such as `range`.
    package var name: String
    /// What the member says, which the coordinator does not look into.
    package var metadata: [UInt8]

    /// A protocol from its parts.
    package init(name: String, metadata: [UInt8]) {
        self.name = name
        self.metadata = metadata
    }
}

/// Asks for membership, or for a new generation.
package struct ClassicJoin: Sendable {
    /// What the coordinator called the member; empty for a new one.
    package var memberID: String
    /// What the client's owner calls it, for a member that keeps its place while it is away (KIP-345).
    package var instanceID: String?
    /// What the client calls itself.
    package var clientID: String
    /// Where it comes from.
    package var host: String
    /// The kind of group: `consumer`, `connect`, …
    package var protocolType: String
    /// The rules that the member can do, the one it likes best first.
    package var protocols: [GroupProtocol]
    /// How long the member may be silent, in nanoseconds.
    package var sessionTimeout: Int64
    /// How long a rebalance may wait for the member, in nanoseconds.
    package var rebalanceTimeout: Int64
    /// Whether a new member must come again with its identifier (KIP-394, from version 4 on).
    package var mustKnowID: Bool
    /// Whether the member understands that there is nothing to assign (KIP-814, from version 9 on).
    package var canSkipAssignment: Bool

    /// A request of a member with the defaults of Kafka's own consumer.
    package init(memberID: String = "", clientID: String, protocolType: String, protocols: [GroupProtocol]) {
        self.memberID = memberID
        self.clientID = clientID
        self.protocolType = protocolType
        self.protocols = protocols
        host = ""
        sessionTimeout = 45_000_000_000
        rebalanceTimeout = 300_000_000_000
        mustKnowID = false
        canSkipAssignment = false
    }
}

/// What comes of a join.
package struct ClassicJoined: Equatable, Sendable {
    /// Why it came to nothing.
    package var fault: GroupFault?
    /// The generation.
    package var generation: Int32 = -1
    /// The kind of group, once there is one.
    package var protocolType: String?
    /// The rule that all members can do.
    package var protocolName: String?
    /// Who assigns.
    package var leader = ""
    /// Whether the leader has nothing to assign.
    package var skipsAssignment = false
    /// What the coordinator calls the member.
    package var memberID = ""
    /// All members, for whom assigns.
    package var members: [Member] = []

    /// An answer that refuses.
    package init(fault: GroupFault, memberID: String = "") {
        self.fault = fault
        self.memberID = memberID
    }

    /// What a member is told of a generation.
    init(
        generation: Int32, protocolType: String?, protocolName: String?, leader: String, memberID: String
    ) {
        self.generation = generation
        self.protocolType = protocolType
        self.protocolName = protocolName
        self.leader = leader
        self.memberID = memberID
    }

    /// A member as whoever assigns sees it.
    package struct Member: Equatable, Sendable {
        /// What the coordinator calls it.
        package var memberID: String
        /// What its owner calls it.
        package var instanceID: String?
        /// What it says.
        package var metadata: [UInt8]
    }
}

/// What comes of a request for the assignment.
package struct ClassicSynced: Equatable, Sendable {
    /// Why it came to nothing.
    package var fault: GroupFault?
    /// The kind of group, and the rule.
    package var protocolType: String?
    /// The rule that all members can do.
    package var protocolName: String?
    /// What the leader gave the member.
    package var assignment: [UInt8] = []
}

/// An answer to a request that waited.
package enum GroupAnswer: Equatable, Sendable {
    /// Of a join.
    case joined(ClassicJoined)
    /// Of a request for the assignment.
    case synced(ClassicSynced)
}

/// A group as an operator sees it.
package struct ClassicDescription: Equatable, Sendable {
    /// Kafka's name of its state.
    package var state: String
    /// The kind of group; empty before it has had members.
    package var protocolType: String
    /// The rule; empty while none is chosen.
    package var protocolName: String
    /// Its members, in the order in which they came.
    package var members: [Member]

    /// A description from its parts.
    package init(state: String, protocolType: String, protocolName: String, members: [Member]) {
        self.state = state
        self.protocolType = protocolType
        self.protocolName = protocolName
        self.members = members
    }

    /// A member as an operator sees it.
    package struct Member: Equatable, Sendable {
        /// What the coordinator calls it.
        package var memberID: String
        /// What its owner calls it.
        package var instanceID: String?
        /// What the client calls itself.
        package var clientID: String
        /// Where it comes from.
        package var host: String
        /// What it says by the chosen rule.
        package var metadata: [UInt8]
        /// What it was given.
        package var assignment: [UInt8]

        /// A member from its parts.
        package init(
            memberID: String, instanceID: String?, clientID: String, host: String, metadata: [UInt8],
            assignment: [UInt8]
        ) {
            self.memberID = memberID
            self.instanceID = instanceID
            self.clientID = clientID
            self.host = host
            self.metadata = metadata
            self.assignment = assignment
        }
    }
}
