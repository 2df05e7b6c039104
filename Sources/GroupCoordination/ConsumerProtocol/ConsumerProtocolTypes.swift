/// What a member of Kafka's consumer protocol says in a heartbeat: that it joins, is there, or leaves.
package struct ConsumerHeartbeat: Sendable {
    /// What the member calls itself.
    package var memberID: String
    /// What its owner calls it, for a member that keeps its partitions while it is away.
    package var instanceID: String?
    /// 0 to join, -1 to leave, -2 to be away for a while, else the epoch that it was told last.
    package var epoch: Int32
    /// What the client calls itself.
    package var clientID: String
    /// Where it comes from.
    package var host: String
    /// The topics that it reads; nil for those that it has said before.
    package var topics: [String]?
    /// What it says of a pattern.
    package var pattern: TopicPatternChange
    /// The number of the catalogue's state that it is heard of with; nil when that is not known. While it is the same,
    /// what the member reads is not gone through again.
    package var generation: UInt64?
    /// The partitions that it has; nil for those that it has said before.
    package var owned: Set<StreamPartition>?
    /// How long it may take to let go of partitions, in nanoseconds; nil for as long as it has said before.
    package var rebalanceTimeout: Int64?

    /// A heartbeat from its parts.
    package init(
        memberID: String, instanceID: String? = nil, epoch: Int32, clientID: String, host: String,
        topics: [String]? = nil, pattern: TopicPatternChange = .none, generation: UInt64? = nil,
        owned: Set<StreamPartition>? = nil, rebalanceTimeout: Int64? = nil
    ) {
        self.memberID = memberID
        self.instanceID = instanceID
        self.epoch = epoch
        self.clientID = clientID
        self.host = host
        self.topics = topics
        self.pattern = pattern
        self.generation = generation
        self.owned = owned
        self.rebalanceTimeout = rebalanceTimeout
    }
}

/// What a member is answered.
package struct ConsumerAssignment: Equatable, Sendable {
    /// The epoch that it has from now on.
    package var epoch: Int32
    /// The partitions that it is to have; nil when it knows them.
    package var partitions: [StreamPartition]?
}

/// A group of the consumer protocol as an operator sees it.
package struct ConsumerDescription: Equatable, Sendable {
    /// Kafka's name of its state.
    package var state: String
    /// Counts its changes.
    package var epoch: Int32
    /// Its members, by the order of their identifiers.
    package var members: [Member]

    /// A member as an operator sees it.
    package struct Member: Equatable, Sendable {
        /// What the member calls itself.
        package var memberID: String
        /// What its owner calls it.
        package var instanceID: String?
        /// The epoch that it was told last.
        package var epoch: Int32
        /// What the client calls itself.
        package var clientID: String
        /// Where it comes from.
        package var host: String
        /// The topics that it reads by name.
        package var topics: [String]
        /// The pattern whose topics it reads beside them.
        package var pattern: String?
        /// The partitions that it has.
        package var owned: [StreamPartition]
        /// The partitions that it is to have.
        package var target: [StreamPartition]
    }
}
