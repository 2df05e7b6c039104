/// Who coordinates each group, and how many read each of its streams: what is true of groups while the node runs.
///
/// A group is *active* while anybody reads a stream in it. Its members on record may be those of a process that was
/// killed; these are not there until they come back.
/// Isolation: a value behind its owner's lock, together with what is on record, so that nobody joins a group while it
/// is taken off the record.
package struct GroupRegistry: Sendable {
    private var groups: [String: Group] = [:]

    private struct Group: Sendable {
        /// The shard of its coordinator.
        var shard: Int
        var streams: [String: Reading] = [:]
    }

    /// How a group reads a stream.
    private struct Reading: Sendable {
        /// What selects the records: the same for all members.
        var filter: [UInt8]
        var memberCount = 0
    }

    /// What comes of a claim.
    package enum Claim: Equatable, Sendable {
        /// The member is counted; its group is coordinated on this shard.
        /// - isNewGroup: nobody had claimed it, and the caller is to make its coordinator.
        /// - isNewStream: nobody had read the stream in it.
        case granted(shard: Int, isNewGroup: Bool, isNewStream: Bool)
        /// The group reads the stream with this filter.
        case refused(filter: [UInt8])
        /// Kafka's clients are members of it.
        case refusedKind
    }

    /// No groups.
    package init() {}

    /// Counts a member that reads a stream; a group that nobody coordinates goes to `shard`.
    package mutating func claim(_ name: String, stream: String, filter: [UInt8], by shard: Int) -> Claim {
        let isNewGroup = groups[name] == nil
        var group = groups[name] ?? Group(shard: shard)
        let isNewStream = group.streams[stream] == nil
        var reading = group.streams[stream] ?? Reading(filter: filter)
        guard reading.filter == filter else { return .refused(filter: reading.filter) }
        reading.memberCount += 1
        group.streams[stream] = reading
        groups[name] = group
        return .granted(shard: group.shard, isNewGroup: isNewGroup, isNewStream: isNewStream)
    }

    /// A member that was counted reads the stream no longer.
    package mutating func leave(_ name: String, stream: String) {
        guard let count = groups[name]?.streams[stream]?.memberCount, count > 0 else {
            preconditionFailure("Cannot leave a group while not a member of it")
        }
        groups[name]?.streams[stream]?.memberCount = count - 1
    }

    /// Forgets a group without members.
    mutating func forget(_ name: String) {
        precondition(!isActive(name))
        groups[name] = nil
    }

    /// The shard that coordinates a group, if one does.
    package func coordinator(of name: String) -> Int? { groups[name]?.shard }

    /// Whether anybody is a member.
    package func isActive(_ name: String) -> Bool {
        groups[name]?.streams.values.contains { $0.memberCount > 0 } ?? false
    }
}
