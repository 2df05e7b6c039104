import SluiceCore

/// One group of Kafka's classic protocol: a state machine that knows no socket, no clock and no log.
///
/// Members join and wait; when all are there, or the rebalance has waited long enough, a generation begins, its leader
/// assigns, and members are given what it gave them. What members say and are given are opaque bytes.
/// Invariants: a waiter is answered once; nobody waits for a join unless a rebalance is being prepared, nor for an
/// assignment unless one is being completed; the leader is a member once there are any.
/// Isolation: its coordinator's.
/// Source: KIP-62, KIP-134, KIP-345, KIP-394, KIP-814; states and names are those of Kafka's `ClassicGroup`.
struct ClassicGroup: Sendable {
    enum State: String, Sendable {
        /// Nobody is a member. *join => preparingRebalance.*
        case empty = "Empty"
        /// Members are waited for. *all have joined, or time is up => completingRebalance, or empty.*
        case preparing = "PreparingRebalance"
        /// The leader is waited for. *it assigns => stable; a member comes, changes or goes => preparingRebalance.*
        case completing = "CompletingRebalance"
        /// Everybody has an assignment. *a member comes, changes or goes => preparingRebalance.*
        case stable = "Stable"
    }

    struct Member: Sendable {
        var id: String
        var instanceID: String?
        var clientID: String
        var host: String
        var sessionTimeout: Int64
        var rebalanceTimeout: Int64
        var protocols: [GroupProtocol]
        var canSkipAssignment = false
        var assignment: [UInt8] = []
        /// When it is lost unless it is heard of.
        var deadline: Int64
        var join: GroupWaiter?
        var sync: GroupWaiter?
        /// Whether it has had no answer yet, and so cannot know its identifier.
        var isNew = false

        func metadata(of name: String?) -> [UInt8] {
            protocols.first { $0.name == name }?.metadata ?? []
        }
    }

    private(set) var state = State.empty
    private(set) var generation: Int32
    private(set) var protocolType: String?
    private(set) var protocolName: String?
    private(set) var leader: String?
    /// In the order in which they came.
    private(set) var members: [Member] = []
    /// Members that were given an identifier and have not come with it, and until when that is kept.
    private(set) var pending: [String: Int64] = [:]
    /// When the rebalance waits no longer, for members to join or to ask for what they are given.
    private var rebalanceDeadline = Int64.max
    private var answers: [(waiter: GroupWaiter, answer: GroupAnswer)] = []
    /// Whether members or assignment have changed since `takeChange`.
    private var isChanged = false

    /// As many members as a group may have.
    static let memberCountMax = 10_000

    init(generation: Int32 = 0) { self.generation = generation }

    /// A group as it is on record: its members have their sessions' time to be heard of.
    init(_ metadata: GroupMetadata, now: Int64) {
        generation = metadata.generation
        protocolType = metadata.protocolType
        for member in metadata.members {
            guard let stored = member.classic else { continue }
            members.append(
                Member(
                    id: member.memberID, instanceID: stored.instanceID, clientID: member.clientID, host: member.host,
                    sessionTimeout: stored.sessionTimeout, rebalanceTimeout: stored.rebalanceTimeout,
                    protocols: [GroupProtocol(name: metadata.assignor ?? "", metadata: stored.subscription)],
                    assignment: stored.assignment, deadline: now + stored.sessionTimeout))
        }
        guard let first = members.first else { return }
        state = .stable
        protocolName = metadata.assignor
        leader = first.id
    }

    // MARK: Effects

    /// The answers that have come since the last call.
    mutating func takeAnswers() -> [(waiter: GroupWaiter, answer: GroupAnswer)] {
        defer { answers = [] }
        return answers
    }

    /// Whether members or assignment have changed since the last call, so that the group is to be recorded.
    mutating func takeChange() -> Bool {
        defer { isChanged = false }
        return isChanged
    }

    /// Whether there is nothing that needs it: no member, and none that was promised to be one.
    var isIdle: Bool { members.isEmpty && pending.isEmpty }

    private func index(of memberID: String) -> Int? { members.firstIndex { $0.id == memberID } }

    private func index(ofInstance instanceID: String) -> Int? { members.firstIndex { $0.instanceID == instanceID } }

    /// The member of a request, which a later client of the same instance may have fenced.
    private func find(_ memberID: String, _ instanceID: String?) throws(GroupFault) -> Int {
        if let instanceID, let index = index(ofInstance: instanceID), members[index].id != memberID {
            throw .fencedInstance
        }
        guard let index = index(of: memberID) else { throw .unknownMember }
        return index
    }

    // MARK: Joining

    /// A client joins, or joins anew; the answer comes by `takeAnswers` unless it is thrown.
    /// - Parameter makeID: a name that no member has had.
    /// - Throws: `GroupFault`; `.memberIDRequired` with the identifier in `newID`.
    mutating func join(
        _ request: ClassicJoin, _ waiter: GroupWaiter, now: Int64, newID: String
    ) throws(GroupFault) {
        guard !request.protocols.isEmpty, !request.protocolType.isEmpty, supports(request) else {
            throw .inconsistentProtocol
        }
        if request.memberID.isEmpty {
            if let instanceID = request.instanceID, let index = index(ofInstance: instanceID) {
                return replace(index, request, waiter, now: now, newID: newID)
            }
            guard members.count + pending.count < Self.memberCountMax else { throw .full }
            if request.instanceID == nil, request.mustKnowID {
                pending[newID] = now + request.sessionTimeout
                throw .memberIDRequired
            }
            return add(request, waiter, now: now, id: newID)
        }
        if pending.removeValue(forKey: request.memberID) != nil {
            guard request.instanceID == nil else { throw .unknownMember }
            return add(request, waiter, now: now, id: request.memberID)
        }
        let index = try find(request.memberID, request.instanceID)
        switch state {
        case .empty: preconditionFailure("Cannot be empty while it has a member")
        case .preparing:
            update(index, request, waiter, now: now)
            completeIfAllJoined(now: now)
        case .completing where members[index].protocols == request.protocols,
            .stable where members[index].protocols == request.protocols && members[index].id != leader:
            // It has missed the answer.
            members[index].deadline = now + members[index].sessionTimeout
            answers.append((waiter, .joined(joined(members[index]))))
        case .completing, .stable:
            update(index, request, waiter, now: now)
            prepare(now: now)
        }
    }

    /// Whether every other member can do one of the request's protocols.
    private func supports(_ request: ClassicJoin) -> Bool {
        let others = members.filter { $0.id != request.memberID }
        guard !others.isEmpty else { return true }
        guard request.protocolType == protocolType else { return false }
        return request.protocols.contains { offer in
            others.allSatisfy { $0.protocols.contains { $0.name == offer.name } }
        }
    }

    private mutating func add(_ request: ClassicJoin, _ waiter: GroupWaiter, now: Int64, id: String) {
        if members.isEmpty { protocolType = request.protocolType }
        var member = Member(
            id: id, instanceID: request.instanceID, clientID: request.clientID, host: request.host,
            sessionTimeout: request.sessionTimeout, rebalanceTimeout: request.rebalanceTimeout,
            protocols: request.protocols, canSkipAssignment: request.canSkipAssignment,
            deadline: now + request.sessionTimeout)
        member.join = waiter
        member.isNew = true
        members.append(member)
        if state == .preparing { completeIfAllJoined(now: now) } else { prepare(now: now) }
    }

    private mutating func update(_ index: Int, _ request: ClassicJoin, _ waiter: GroupWaiter, now: Int64) {
        // A request that waits is the client's former try: it has given it up.
        if let former = members[index].join {
            answers.append((former, .joined(ClassicJoined(fault: .rebalanceInProgress))))
        }
        members[index].protocols = request.protocols
        members[index].clientID = request.clientID
        members[index].host = request.host
        members[index].sessionTimeout = request.sessionTimeout
        members[index].rebalanceTimeout = request.rebalanceTimeout
        members[index].canSkipAssignment = request.canSkipAssignment
        members[index].join = waiter
        members[index].deadline = now + request.sessionTimeout
    }

    /// A client comes in the place of another of its instance: it takes over identifier and assignment.
    private mutating func replace(
        _ index: Int, _ request: ClassicJoin, _ waiter: GroupWaiter, now: Int64, newID: String
    ) {
        let oldID = members[index].id
        let wasLeader = leader == oldID
        if let join = members[index].join { answers.append((join, .joined(ClassicJoined(fault: .fencedInstance)))) }
        if let sync = members[index].sync { answers.append((sync, .synced(ClassicSynced(fault: .fencedInstance)))) }
        members[index].join = nil
        members[index].sync = nil
        members[index].id = newID
        if wasLeader { leader = newID }
        isChanged = true
        switch state {
        case .empty: preconditionFailure("Cannot be empty while it has a member")
        case .preparing:
            update(index, request, waiter, now: now)
            completeIfAllJoined(now: now)
        case .completing:
            update(index, request, waiter, now: now)
            prepare(now: now)
        case .stable:
            let before = members[index].metadata(of: protocolName)
            update(index, request, waiter, now: now)
            guard chosenProtocol == protocolName, members[index].metadata(of: protocolName) == before else {
                return prepare(now: now)
            }
            members[index].join = nil
            var answer = joined(members[index])
            if wasLeader {
                answer.skipsAssignment = request.canSkipAssignment
                // A client that knows no skipping must not assign: it is told of a leader that is gone.
                if !request.canSkipAssignment {
                    answer.leader = oldID
                    answer.members = []
                }
            }
            answers.append((waiter, .joined(answer)))
        }
    }

    // MARK: Rebalancing

    /// Begins a rebalance: whoever waits for an assignment is told to join anew.
    private mutating func prepare(now: Int64) {
        for index in members.indices {
            members[index].assignment = state == .completing ? [] : members[index].assignment
            guard let sync = members[index].sync else { continue }
            members[index].sync = nil
            members[index].deadline = now + members[index].sessionTimeout
            answers.append((sync, .synced(ClassicSynced(fault: .rebalanceInProgress))))
        }
        state = .preparing
        rebalanceDeadline = now + (members.map(\.rebalanceTimeout).max() ?? 0)
        completeIfAllJoined(now: now)
    }

    private mutating func completeIfAllJoined(now: Int64) {
        assert(state == .preparing)
        if pending.isEmpty, members.allSatisfy({ $0.join != nil }) { begin(now: now) }
    }

    /// The rule that all members can do and most like best; the first member's likings decide between equals.
    private var chosenProtocol: String? {
        let common = (members.first?.protocols ?? []).map(\.name).filter { name in
            members.allSatisfy { $0.protocols.contains { $0.name == name } }
        }
        var votes: [String: Int] = [:]
        for member in members {
            guard let vote = member.protocols.first(where: { common.contains($0.name) }) else { continue }
            votes[vote.name, default: 0] += 1
        }
        let most = votes.values.max()
        return common.first { votes[$0] == most }
    }

    /// Begins a generation with those who are there; who is not, is no member any more, unless its owner has given it
    /// a name to come back with.
    private mutating func begin(now: Int64) {
        assert(state == .preparing)
        members.removeAll { $0.join == nil && $0.instanceID == nil }
        isChanged = true
        guard !members.isEmpty else {
            generation += 1
            state = .empty
            (protocolName, leader, rebalanceDeadline) = (nil, nil, .max)
            return
        }
        guard members.contains(where: { $0.join != nil }) else {
            // Only members that are away: they keep their places until their sessions end.
            rebalanceDeadline = now + (members.map(\.rebalanceTimeout).max() ?? 0)
            return
        }
        generation = generation == .max ? 1 : generation + 1
        state = .completing
        protocolName = chosenProtocol
        if index(of: leader ?? "").map({ members[$0].join == nil }) ?? true {
            leader = members.first { $0.join != nil }?.id
        }
        rebalanceDeadline = now + (members.map(\.rebalanceTimeout).max() ?? 0)
        for index in members.indices {
            members[index].deadline = now + members[index].sessionTimeout
            guard let waiter = members[index].join else { continue }
            members[index].join = nil
            members[index].isNew = false
            answers.append((waiter, .joined(joined(members[index]))))
        }
    }

    /// What a member is told of the generation.
    private func joined(_ member: Member) -> ClassicJoined {
        var answer = ClassicJoined(
            generation: generation, protocolType: protocolType, protocolName: protocolName, leader: leader ?? "",
            memberID: member.id)
        guard member.id == leader else { return answer }
        answer.members = members.map {
            ClassicJoined.Member(
                memberID: $0.id, instanceID: $0.instanceID, metadata: $0.metadata(of: protocolName))
        }
        return answer
    }
}

// MARK: Assignment

extension ClassicGroup {
    /// A member asks for its assignment, which the leader brings; the answer comes by `takeAnswers` unless it is
    /// thrown.
    mutating func sync(
        _ claim: ClassicClaim, protocolType type: String?, protocolName name: String?, assignments: [String: [UInt8]],
        _ waiter: GroupWaiter, now: Int64
    ) throws(GroupFault) {
        let index = try find(claim.memberID, claim.instanceID)
        guard claim.generation == generation else { throw .illegalGeneration }
        if let type, type != protocolType { throw .inconsistentProtocol }
        if let name, name != protocolName { throw .inconsistentProtocol }
        switch state {
        case .empty: throw .unknownMember
        case .preparing: throw .rebalanceInProgress
        case .stable:
            members[index].deadline = now + members[index].sessionTimeout
            answers.append((waiter, .synced(synced(members[index]))))
        case .completing:
            if let former = members[index].sync {
                answers.append((former, .synced(ClassicSynced(fault: .rebalanceInProgress))))
            }
            members[index].sync = waiter
            members[index].deadline = now + members[index].sessionTimeout
            if members[index].id == leader { assign(assignments, now: now) }
        }
    }

    private mutating func assign(_ assignments: [String: [UInt8]], now: Int64) {
        state = .stable
        rebalanceDeadline = .max
        isChanged = true
        for index in members.indices {
            members[index].assignment = assignments[members[index].id] ?? []
            guard let waiter = members[index].sync else { continue }
            members[index].sync = nil
            members[index].deadline = now + members[index].sessionTimeout
            answers.append((waiter, .synced(synced(members[index]))))
        }
    }

    private func synced(_ member: Member) -> ClassicSynced {
        ClassicSynced(protocolType: protocolType, protocolName: protocolName, assignment: member.assignment)
    }

    // MARK: Being there

    /// A member is heard of.
    mutating func heartbeat(_ claim: ClassicClaim, now: Int64) throws(GroupFault) {
        let index = try find(claim.memberID, claim.instanceID)
        guard claim.generation == generation else { throw .illegalGeneration }
        members[index].deadline = now + members[index].sessionTimeout
        if state == .preparing { throw .rebalanceInProgress }
    }

    /// Judges a commit of offsets; it counts as being heard of.
    mutating func validateCommit(_ claim: ClassicClaim, now: Int64) throws(GroupFault) {
        if claim.generation < 0, claim.memberID.isEmpty {
            guard members.isEmpty else { throw .unknownMember }
            return
        }
        let index = try find(claim.memberID, claim.instanceID)
        guard claim.generation == generation else { throw .illegalGeneration }
        if state == .completing { throw .rebalanceInProgress }
        members[index].deadline = now + members[index].sessionTimeout
    }

    // MARK: Leaving

    /// A member leaves, or is removed by its instance identifier.
    mutating func leave(memberID: String, instanceID: String?, now: Int64) throws(GroupFault) {
        if pending.removeValue(forKey: memberID) != nil {
            if state == .preparing { completeIfAllJoined(now: now) }
            return
        }
        let index: Int
        if let instanceID {
            guard let found = self.index(ofInstance: instanceID) else { throw .unknownMember }
            guard memberID.isEmpty || members[found].id == memberID else { throw .fencedInstance }
            index = found
        } else {
            index = try find(memberID, nil)
        }
        remove([index], now: now)
    }

    /// Takes members away, by their indices in rising order.
    private mutating func remove(_ indices: [Int], now: Int64) {
        for index in indices.reversed() {
            let member = members.remove(at: index)
            if let join = member.join { answers.append((join, .joined(ClassicJoined(fault: .unknownMember)))) }
            if let sync = member.sync { answers.append((sync, .synced(ClassicSynced(fault: .unknownMember)))) }
            if leader == member.id { leader = nil }
        }
        isChanged = true
        switch state {
        case .empty: break
        case .preparing: completeIfAllJoined(now: now)
        case .completing, .stable: prepare(now: now)
        }
    }

    /// The connection of a request that waited is gone: nobody hears the answer.
    mutating func abandoned(_ waiter: GroupWaiter, now: Int64) {
        guard let index = members.firstIndex(where: { $0.join == waiter || $0.sync == waiter }) else { return }
        if members[index].join == waiter { members[index].join = nil } else { members[index].sync = nil }
        // Without an answer it cannot know its identifier, and comes as another member if it comes.
        if members[index].isNew, members[index].instanceID == nil { remove([index], now: now) }
    }

    /// Time has passed: members that were silent for too long are lost, and rebalances end that have waited enough.
    mutating func elapsed(now: Int64) {
        pending = pending.filter { $0.value > now }
        let lost = members.indices.filter {
            members[$0].join == nil && members[$0].sync == nil && members[$0].deadline <= now
        }
        if !lost.isEmpty { remove(lost, now: now) }
        if state == .preparing { completeIfAllJoined(now: now) }
        guard rebalanceDeadline <= now else { return }
        switch state {
        case .preparing:
            pending = [:]
            begin(now: now)
        case .completing:
            // Whoever has not asked for its assignment by now, the leader above all, does not go on.
            let silent = members.indices.filter { members[$0].sync == nil }
            assert(!silent.isEmpty, "the leader's request ends the wait")
            remove(silent, now: now)
        case .empty, .stable: rebalanceDeadline = .max
        }
    }

    // MARK: Queries

    /// The group as an operator sees it.
    var description: ClassicDescription {
        let isChosen = state == .stable || state == .completing
        return ClassicDescription(
            state: state.rawValue, protocolType: protocolType ?? "",
            protocolName: isChosen ? protocolName ?? "" : "",
            members: members.map {
                ClassicDescription.Member(
                    memberID: $0.id, instanceID: $0.instanceID, clientID: $0.clientID, host: $0.host,
                    metadata: isChosen ? $0.metadata(of: protocolName) : [],
                    assignment: state == .stable ? $0.assignment : [])
            })
    }

    /// What is put on record of it.
    func metadata(at time: Timestamp) -> GroupMetadata {
        var metadata = GroupMetadata(
            generation: generation, assignor: protocolName, changedAt: time, members: [])
        metadata.protocolType = protocolType ?? ""
        // The leader first: the record says so by the order.
        let order = members.filter { $0.id == leader } + members.filter { $0.id != leader }
        metadata.members = order.map { member in
            let partitions = protocolType == "consumer" ? GroupRecord.partitions(member.assignment) : []
            var recorded = GroupMetadata.Member(
                memberID: member.id, clientID: member.clientID, host: member.host, partitions: partitions)
            recorded.classic = GroupMetadata.Classic(
                instanceID: member.instanceID, sessionTimeout: member.sessionTimeout,
                rebalanceTimeout: member.rebalanceTimeout, subscription: member.metadata(of: protocolName),
                assignment: member.assignment)
            return recorded
        }
        return metadata
    }
}
