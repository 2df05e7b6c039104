package import SluiceCore

/// One partition of a stream, by the stream's name and its number within it.
package struct StreamPartition: Hashable, Sendable, Comparable {
    /// The stream's name.
    package var stream: String
    /// The partition's number.
    package var number: Int32

    /// A partition of a stream.
    package init(stream: String, number: Int32) {
        self.stream = stream
        self.number = number
    }

    /// By name, then by number.
    package static func < (left: StreamPartition, right: StreamPartition) -> Bool {
        (left.stream, left.number) < (right.stream, right.number)
    }
}

/// How far a group has come in one partition.
package struct CommittedOffset: Equatable, Sendable {
    /// The first record that it has not done with.
    package var offset: Offset
    /// The leader epoch of the last record that it has; -1 when it is not known.
    package var leaderEpoch: Int32 = -1
    /// What the group's member wants to remember.
    package var metadata = ""
    /// When it was committed.
    package var committedAt: Timestamp

    /// A position that is committed at `committedAt`.
    package init(offset: Offset, metadata: String = "", committedAt: Timestamp) {
        self.offset = offset
        self.metadata = metadata
        self.committedAt = committedAt
    }
}

/// What is on record of a group besides its offsets.
package struct GroupMetadata: Equatable, Sendable {
    /// Kafka's kind of group; ours are consumers.
    package var protocolType = "consumer"
    /// Counts changes of the assignment.
    package var generation: Int32
    /// The rule of the assignment.
    package var assignor: String?
    /// When it last changed.
    package var changedAt: Timestamp
    /// Its members.
    package var members: [Member]

    /// A member on record.
    package struct Member: Equatable, Sendable {
        /// What the coordinator calls it.
        package var memberID: String
        /// Its client identifier.
        package var clientID: String
        /// Where it comes from.
        package var host: String
        /// What it has.
        package var partitions: [StreamPartition]
        /// What else is on record of a member that speaks Kafka's classic protocol; nil for MQTT's.
        package var classic: Classic?

        /// A member from its parts.
        package init(memberID: String, clientID: String, host: String, partitions: [StreamPartition]) {
            self.memberID = memberID
            self.clientID = clientID
            self.host = host
            self.partitions = partitions
        }
    }

    /// What is on record of a member of Kafka's classic protocol, so that a group goes on where it was.
    package struct Classic: Equatable, Sendable {
        /// What its owner calls it.
        package var instanceID: String?
        /// How long it may be silent, in nanoseconds.
        package var sessionTimeout: Int64
        /// How long a rebalance may wait for it, in nanoseconds.
        package var rebalanceTimeout: Int64
        /// What it says by the chosen rule.
        package var subscription: [UInt8]
        /// What it was given.
        package var assignment: [UInt8]

        /// A member's record from its parts.
        package init(
            instanceID: String?, sessionTimeout: Int64, rebalanceTimeout: Int64, subscription: [UInt8],
            assignment: [UInt8]
        ) {
            self.instanceID = instanceID
            self.sessionTimeout = sessionTimeout
            self.rebalanceTimeout = rebalanceTimeout
            self.subscription = subscription
            self.assignment = assignment
        }
    }

    /// Metadata from its parts.
    package init(generation: Int32, assignor: String?, changedAt: Timestamp, members: [Member]) {
        self.generation = generation
        self.assignor = assignor
        self.changedAt = changedAt
        self.members = members
    }
}
