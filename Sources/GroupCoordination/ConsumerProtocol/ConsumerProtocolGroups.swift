/// The groups of Kafka's consumer protocol, by name.
///
/// Members are not on record: after a restart they are told that they are unknown, and join anew with what the group
/// has committed.
/// Isolation: a value behind its owner's lock, in the table of what groups have committed.
package struct ConsumerProtocolGroups: Sendable {
    private var groups: [String: ConsumerProtocolGroup] = [:]

    /// No groups.
    package init() {}

    /// A member joins, is heard of, or leaves.
    /// - Parameter partitionCount: how many partitions a topic has; nil when there is none.
    mutating func heartbeat(
        _ name: String, _ beat: ConsumerHeartbeat, epoch: Int32, now: Int64, timeout: Int64,
        partitionCount: (String) -> Int?
    ) throws(GroupFault) -> ConsumerAssignment {
        // Out of the dictionary while it changes, so that it is not copied.
        var group = groups.removeValue(forKey: name) ?? ConsumerProtocolGroup(epoch: epoch)
        defer { if !group.isEmpty { groups[name] = group } }
        return try group.heartbeat(beat, now: now, timeout: timeout, partitionCount: partitionCount)
    }

    /// Members that were silent for too long, or that do not let go, are lost.
    /// - Complexity: O(members of all groups).
    package mutating func elapsed(now: Int64) {
        for name in groups.keys.sorted() {
            groups[name]?.elapsed(now: now)
            if groups[name]?.isEmpty == true { groups[name] = nil }
        }
    }

    /// Topics were made, have grown, or are gone.
    /// - Parameter patterns: what members' patterns match by now; of those that are not here it is what it was.
    package mutating func follow(
        _ patterns: [PatternMember] = [], now: Int64, partitionCount: (String) -> Int?
    ) {
        let patterns = Dictionary(grouping: patterns, by: \.group)
        for name in groups.keys.sorted() {
            groups[name]?.follow(patterns[name] ?? [], now: now, partitionCount: partitionCount)
        }
    }

    /// Judges a commit of a member.
    package func validateCommit(_ name: String, memberID: String, epoch: Int32) throws(GroupFault) {
        try groups[name]?.validateCommit(memberID: memberID, epoch: epoch)
    }

    /// Whether anybody is a member.
    package func isActive(_ name: String) -> Bool { groups[name] != nil }

    /// Every group's name, sorted.
    package var names: [String] { groups.keys.sorted() }

    subscript(name: String) -> ConsumerProtocolGroup? { groups[name] }

    /// The group as an operator sees it.
    package func description(of name: String) -> ConsumerDescription? { groups[name]?.description }
}

extension OffsetTable {
    /// A member of a group of the consumer protocol joins, is heard of, or leaves.
    /// - Throws: `GroupFault.inconsistentProtocol` also when clients of another kind are in the group.
    package mutating func heartbeat(
        _ name: String, _ beat: ConsumerHeartbeat, now: Int64, partitionCount: (String) -> Int?
    ) throws(GroupFault) -> ConsumerAssignment {
        if registry.isActive(name) || classic.isActive(name) { throw .inconsistentProtocol }
        if shares.isActive(name) { throw .otherKind }
        registry.forget(name)
        let epoch = groups[name]?.metadata?.generation ?? 0
        return try consumers.heartbeat(
            name, beat, epoch: epoch, now: now, timeout: settings[name].consumerSessionTimeout,
            partitionCount: partitionCount)
    }
}
