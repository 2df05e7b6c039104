package import SluiceCore

/// The groups of Kafka's classic protocol, by name.
///
/// Isolation: a value behind its owner's lock, in the table of what groups have committed, so that nobody joins a group
/// while it is taken off the record.
package struct ClassicGroups: Sendable {
    private var groups: [String: ClassicGroup] = [:]
    private var answers: [(waiter: GroupWaiter, answer: GroupAnswer)] = []
    private var changed: Set<String> = []
    /// The groups that somebody may be waiting in, or be lost from: those that have members or promised ones.
    private var lively: Set<String> = []
    /// The groups that had nobody when they were last changed; they go when they are recorded.
    private var idle: Set<String> = []

    /// What is to be done after calls.
    package struct Effects: Sendable {
        /// Answers to requests that waited.
        package var answers: [(waiter: GroupWaiter, answer: GroupAnswer)]
        /// Groups that are to be recorded, sorted.
        package var changed: [String]
    }

    /// No groups.
    package init() {}

    /// Takes what the calls since the last time have brought about.
    package mutating func takeEffects() -> Effects {
        defer { (answers, changed) = ([], []) }
        return Effects(answers: answers, changed: changed.sorted())
    }

    /// Lets go of groups that nobody is in: what is on record of them is enough.
    mutating func dropIdle() {
        for name in idle where groups[name]?.isIdle == true { groups[name] = nil }
        idle = []
    }

    /// Makes a group of what is on record, unless it is there.
    mutating func restore(_ name: String, _ metadata: GroupMetadata, now: Int64) {
        guard groups[name] == nil, metadata.members.contains(where: { $0.classic != nil }) else { return }
        groups[name] = ClassicGroup(metadata, now: now)
        lively.insert(name)
    }

    /// Calls `body` with a group, and takes its effects.
    private mutating func change<Result>(
        _ name: String, _ body: (inout ClassicGroup) throws(GroupFault) -> Result
    ) throws(GroupFault) -> Result {
        guard var group = groups[name] else { throw .unknownMember }
        // Out of the dictionary while it changes, so that it is not copied.
        groups[name] = nil
        defer {
            answers += group.takeAnswers()
            if group.takeChange() { changed.insert(name) }
            if group.isIdle {
                lively.remove(name)
                idle.insert(name)
            } else {
                lively.insert(name)
            }
            groups[name] = group
        }
        return try body(&group)
    }

    // MARK: Members

    /// A client joins; the answer comes by `takeEffects` unless it is thrown.
    /// - Parameters:
    ///   - generation: the last one on record, for a group that nobody is in.
    ///   - newID: a name that no member has had; an answer of `.memberIDRequired` refers to it.
    package mutating func join(
        _ name: String, _ request: ClassicJoin, _ waiter: GroupWaiter, generation: Int32, now: Int64, newID: String
    ) throws(GroupFault) {
        if groups[name] == nil {
            guard request.memberID.isEmpty else { throw .unknownMember }
            groups[name] = ClassicGroup(generation: generation)
        }
        try change(name) { group throws(GroupFault) in
            try group.join(request, waiter, now: now, newID: newID)
        }
    }

    /// A member asks for its assignment; the answer comes by `takeEffects` unless it is thrown.
    package mutating func sync(
        _ name: String, _ member: ClassicClaim, protocolType: String?, protocolName: String?,
        assignments: [String: [UInt8]], _ waiter: GroupWaiter, now: Int64
    ) throws(GroupFault) {
        try change(name) { group throws(GroupFault) in
            try group.sync(
                member, protocolType: protocolType, protocolName: protocolName, assignments: assignments, waiter,
                now: now)
        }
    }

    /// A member is heard of.
    package mutating func heartbeat(_ name: String, _ member: ClassicClaim, now: Int64) throws(GroupFault) {
        try change(name) { group throws(GroupFault) in try group.heartbeat(member, now: now) }
    }

    /// Judges a commit of offsets by a member, or by somebody who is in no group.
    package mutating func validateCommit(_ name: String, _ member: ClassicClaim, now: Int64) throws(GroupFault) {
        guard groups[name] != nil else {
            if member.generation < 0 { return }
            throw .illegalGeneration
        }
        try change(name) { group throws(GroupFault) in try group.validateCommit(member, now: now) }
    }

    /// A member leaves, or is removed by its instance identifier.
    package mutating func leave(
        _ name: String, memberID: String, instanceID: String?, now: Int64
    ) throws(GroupFault) {
        try change(name) { group throws(GroupFault) in
            try group.leave(memberID: memberID, instanceID: instanceID, now: now)
        }
    }

    /// The connection of a request that waited is gone.
    package mutating func abandoned(_ name: String, _ waiter: GroupWaiter, now: Int64) {
        guard groups[name] != nil else { return }
        do throws(GroupFault) {
            try change(name) { group throws(GroupFault) in group.abandoned(waiter, now: now) }
        } catch {
            assertionFailure("nothing is refused here: \(error)")
        }
    }

    /// Time has passed.
    /// - Complexity: O(members of all groups).
    package mutating func elapsed(now: Int64) {
        for name in lively.sorted() {
            do throws(GroupFault) {
                try change(name) { group throws(GroupFault) in group.elapsed(now: now) }
            } catch {
                assertionFailure("nothing is refused here: \(error)")
            }
        }
    }

    /// Forgets a group that nobody is in.
    mutating func forget(_ name: String) {
        precondition(!isActive(name))
        groups[name] = nil
        lively.remove(name)
        changed.remove(name)
    }

    // MARK: Queries

    /// Whether anybody is a member, or was promised to be one.
    package func isActive(_ name: String) -> Bool { groups[name].map { !$0.isIdle } ?? false }

    /// Every group's name, sorted.
    package var names: [String] { groups.keys.sorted() }

    /// The group as an operator sees it.
    package func description(of name: String) -> ClassicDescription? { groups[name]?.description }

    /// What is put on record of a group.
    package func metadata(of name: String, at time: Timestamp) -> GroupMetadata? {
        groups[name]?.metadata(at: time)
    }
}

/// What a member says of itself after it has joined.
package struct ClassicClaim: Sendable {
    /// What the coordinator called it.
    package var memberID: String
    /// What its owner calls it.
    package var instanceID: String?
    /// The generation that it knows; -1 for somebody who is in no group.
    package var generation: Int32

    /// A claim from its parts.
    package init(memberID: String, instanceID: String? = nil, generation: Int32) {
        self.memberID = memberID
        self.instanceID = instanceID
        self.generation = generation
    }
}
