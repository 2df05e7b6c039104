import SluiceCore

/// One group of Kafka's consumer protocol, in which the broker assigns: a state machine that knows no socket, clock or
/// log.
///
/// Who has what is `GroupState`'s, as for MQTT's groups: a partition that must move is given on only when its member
/// has said that it let go of it. A member's epoch is the group's once it has nothing to let go of.
/// Invariants: a partition is in the target of one member at most, and not in it while another may still have it.
/// Isolation: its coordinator's.
/// Source: KIP-848.
struct ConsumerProtocolGroup: Sendable {
    /// How long members may be silent, in nanoseconds, unless the settings say otherwise: nine heartbeats, as in Kafka.
    static let sessionTimeout: Int64 = 45_000_000_000
    static let memberCountMax = 10_000

    private struct Member: Sendable {
        var id: String
        var instanceID: String?
        var clientID: String
        var host: String
        /// What it reads by name.
        var topics: Set<String> = []
        /// What it reads beside that.
        var pattern: TopicPattern?
        /// What of it was its pattern's when all of it was gone through last.
        var matched: Set<String> = []
        /// The number of the catalogue's state with which all of it was gone through last.
        var generation: UInt64?
        var epoch: Int32 = 0
        var previousEpoch: Int32 = 0
        /// What it has said that it has.
        var owned: Set<StreamPartition> = []
        /// What it is to have.
        var target: Set<StreamPartition> = []
        /// What it is to let go of.
        var leaving: Set<StreamPartition> = []
        /// What it was told that it is to have; nil when it is to be told anew.
        var told: Set<StreamPartition>?
        var deadline: Int64
        var rebalanceTimeout: Int64 = 300_000_000_000
        /// When what it was to let go of is taken from it together with all else.
        var leavingDeadline = Int64.max
        /// Heartbeats since it was told something new that did not list what it has.
        var quietCount = 0
        /// Whether it is away for a while.
        var isAway = false

        /// All topics that it reads.
        var allTopics: Set<String> {
            guard let matched = pattern?.topics, !matched.isEmpty else { return topics }
            return topics.isEmpty ? matched : topics.union(matched)
        }

        /// It is to let go of a partition.
        /// - Returns: whether it may have heard of it.
        mutating func revoke(_ partition: StreamPartition, now: Int64) -> Bool {
            target.remove(partition)
            guard owned.contains(partition) || told?.contains(partition) == true else { return false }
            if leaving.isEmpty { leavingDeadline = now + rebalanceTimeout }
            leaving.insert(partition)
            return true
        }

        /// Takes what a heartbeat says of its topics.
        /// - Returns: whether it has said that it reads others.
        mutating func takeTopics(of beat: ConsumerHeartbeat) -> Bool {
            var isOther = false
            if let topics = beat.topics.map(Set.init), topics != self.topics {
                self.topics = topics
                isOther = true
            }
            switch beat.pattern {
            case .none: break
            case .dropped:
                if pattern != nil { isOther = true }
                pattern = nil
            case .matched(let matched):
                // Another loop may have been ahead.
                if let pattern, pattern.follows(matched) { break }
                if pattern?.text != matched.text || pattern?.topics != matched.topics { isOther = true }
                pattern = matched
            }
            return isOther
        }
    }

    private var state = GroupState()
    /// By the name that `GroupState` knows them by: the owner's where there is one, so that a member that comes back
    /// under another identifier is the same.
    private var members: [String: Member] = [:]
    private(set) var epoch: Int32

    init(epoch: Int32 = 0) { self.epoch = epoch }

    var isEmpty: Bool { members.isEmpty }

    private static func name(_ memberID: String, _ instanceID: String?) -> String {
        instanceID.map { "i\($0)" } ?? "m\(memberID)"
    }

    // MARK: Heartbeats

    /// A member joins, is heard of, or leaves.
    /// - Parameter partitionCount: how many partitions a topic has; nil when there is none.
    mutating func heartbeat(
        _ beat: ConsumerHeartbeat, now: Int64, timeout: Int64 = Self.sessionTimeout, partitionCount: (String) -> Int?
    ) throws(GroupFault) -> ConsumerAssignment {
        let name = Self.name(beat.memberID, beat.instanceID)
        if beat.epoch < 0 { return try leave(beat, name, now: now) }
        try admit(beat, name, now: now)
        guard var member = members[name] else { preconditionFailure("Cannot answer who is no member") }
        member.deadline = now + timeout
        member.isAway = false
        if let timeout = beat.rebalanceTimeout { member.rebalanceTimeout = timeout }
        if let owned = beat.owned {
            member.owned = owned
        } else {
            member.quietCount += 1
        }
        let readsOthers = member.takeTopics(of: beat)
        let isFollowed = beat.generation != nil && beat.generation == member.generation
        member.generation = beat.generation
        members[name] = member
        if readsOthers { epoch += 1 }
        if readsOthers || !isFollowed { subscribe(name, now: now, partitionCount: partitionCount) }
        release(name, hasListed: beat.owned != nil, now: now)
        // Who says everything has missed an answer, or begins.
        return answer(name, isFull: beat.epoch == 0 || beat.topics != nil && beat.owned != nil)
    }

    /// Lets a member in, or finds that it is one.
    private mutating func admit(_ beat: ConsumerHeartbeat, _ name: String, now: Int64) throws(GroupFault) {
        guard let member = members[name] else {
            guard beat.epoch == 0 else { throw .unknownMember }
            guard members.count < Self.memberCountMax else { throw .full }
            members[name] = Member(
                id: beat.memberID, instanceID: beat.instanceID, clientID: beat.clientID, host: beat.host,
                deadline: now + Self.sessionTimeout)
            epoch += 1
            return
        }
        guard member.id == beat.memberID else {
            // Another client of the same instance: it may come when the former one has gone.
            guard beat.epoch == 0 else { throw .fencedInstance }
            guard member.isAway else { throw .unreleasedInstance }
            members[name]?.id = beat.memberID
            members[name]?.told = nil
            return
        }
        if beat.epoch == 0 {
            // It begins anew, and has nothing.
            members[name]?.told = nil
            members[name]?.owned = []
            return
        }
        guard beat.epoch != member.epoch else { return }
        // It has missed the last answer.
        let isSubset = beat.owned.map { $0.isSubset(of: member.target.union(member.leaving)) } ?? false
        guard beat.epoch == member.previousEpoch, isSubset else { throw .fencedMemberEpoch }
    }

    private mutating func leave(
        _ beat: ConsumerHeartbeat, _ name: String, now: Int64
    ) throws(GroupFault) -> ConsumerAssignment {
        guard let member = members[name] else { throw .unknownMember }
        guard member.id == beat.memberID else { throw .fencedInstance }
        if beat.epoch == -2, beat.instanceID != nil {
            members[name]?.isAway = true
            members[name]?.owned = []
            members[name]?.told = nil
            members[name]?.deadline = now + Self.sessionTimeout
            release(name, hasListed: true, now: now)
        } else {
            remove(name, now: now)
        }
        return ConsumerAssignment(epoch: beat.epoch, partitions: nil)
    }

    private mutating func remove(_ name: String, now: Int64) {
        guard members.removeValue(forKey: name) != nil else { return }
        epoch += 1
        perform(state.lost(name), now: now)
    }

    /// Brings what a member reads in line with the topics that there are.
    private mutating func subscribe(_ name: String, now: Int64, partitionCount: (String) -> Int?) {
        guard let member = members[name] else { return }
        let topics = member.allTopics
        let left = state.streams(of: name).filter { !topics.contains($0) && partitionCount($0) != nil }
        var gone = state.streams(of: name).filter { partitionCount($0) == nil }
        gone.formUnion(member.leaving.map(\.stream).filter { partitionCount($0) == nil })
        // Which topics its pattern brought a member hears from the broker: it reads them until it is told.
        let unmatched = left.intersection(member.matched)
        gone.formUnion(left.subtracting(unmatched))
        members[name]?.matched = member.pattern?.topics ?? []
        perform(state.withdraw(name, from: unmatched.sorted()), now: now)
        if !gone.isEmpty {
            // The member lets go of what it has of them by itself: nobody else reads what is gone, and who leaves a
            // topic that it has named does not read it any more.
            if var member = members[name] {
                member.target = member.target.filter { !gone.contains($0.stream) }
                member.leaving = member.leaving.filter { !gone.contains($0.stream) }
                if member.leaving.isEmpty { member.leavingDeadline = .max }
                members[name] = member
            }
            perform(state.unsubscribe(name, from: gone.sorted()), now: now)
        }
        let counts = topics.sorted().compactMap { topic in
            partitionCount(topic).map { (stream: topic, partitionCount: max($0, state.count(of: topic))) }
        }
        perform(state.subscribe(name, clientID: name, to: counts), now: now)
    }

    /// Topics were made, have grown, or are gone.
    /// - Parameter patterns: what members' patterns match by now.
    mutating func follow(_ patterns: [PatternMember] = [], now: Int64, partitionCount: (String) -> Int?) {
        var readsOthers = false
        for matched in patterns {
            // It may have sent another meanwhile.
            guard let pattern = members[matched.name]?.pattern, matched.pattern.follows(pattern) else { continue }
            if pattern.topics != matched.pattern.topics { readsOthers = true }
            members[matched.name]?.pattern = matched.pattern
        }
        if readsOthers { epoch += 1 }
        for name in members.keys.sorted() { subscribe(name, now: now, partitionCount: partitionCount) }
        for topic in state.streams {
            guard let count = partitionCount(topic), count > state.count(of: topic) else { continue }
            epoch += 1
            perform(state.grow(topic, to: count), now: now)
        }
    }

    private mutating func perform(_ actions: [GroupState.Action], now: Int64) {
        // What a member has never heard of it need not let go of: given on at once, since each time all is balanced.
        var unheard: [String: [StreamPartition]] = [:]
        for action in actions {
            switch action {
            case .assign(let partition, let name, _): members[name]?.target.insert(partition)
            case .revoke(let partition, let name):
                if members[name]?.revoke(partition, now: now) == false { unheard[name, default: []].append(partition) }
            }
        }
        for (name, partitions) in unheard.sorted(by: { $0.key < $1.key }) {
            perform(state.released(partitions, by: name), now: now)
        }
    }

    /// Takes what a member has let go of: it knows that it is to, and does not list it, or has listed nothing new
    /// twice.
    private mutating func release(_ name: String, hasListed: Bool, now: Int64) {
        guard let member = members[name], !member.leaving.isEmpty else { return }
        guard hasListed || member.quietCount >= 2 || member.told == nil else { return }
        let released = member.leaving.filter { !member.owned.contains($0) && member.told?.contains($0) != true }
        members[name]?.leaving.subtract(released)
        perform(state.released(released.sorted(), by: name), now: now)
        if members[name]?.leaving.isEmpty == true { members[name]?.leavingDeadline = .max }
    }

    private mutating func answer(_ name: String, isFull: Bool) -> ConsumerAssignment {
        guard var member = members[name] else { preconditionFailure("Cannot answer who is no member") }
        if member.leaving.isEmpty, member.epoch != epoch {
            member.previousEpoch = member.epoch
            member.epoch = epoch
        }
        if member.epoch == 0 {
            // It joins while it has to let go of what it had: the epoch before the group's.
            member.epoch = max(1, epoch - 1)
        }
        var assignment = ConsumerAssignment(epoch: member.epoch, partitions: nil)
        if member.told != member.target || isFull {
            if member.told != member.target { member.quietCount = 0 }
            member.told = member.target
            assignment.partitions = member.target.sorted()
        }
        members[name] = member
        return assignment
    }

    // MARK: Time

    /// Members that were silent for too long, or that do not let go, are lost.
    mutating func elapsed(now: Int64) {
        let lost = members.filter { $0.value.deadline <= now || $0.value.leavingDeadline <= now }.keys.sorted()
        for name in lost { remove(name, now: now) }
    }

    // MARK: Queries

    /// Judges a commit of a member.
    func validateCommit(memberID: String, epoch: Int32) throws(GroupFault) {
        if epoch < 0, memberID.isEmpty {
            guard members.isEmpty else { throw .unknownMember }
            return
        }
        guard let member = members.values.first(where: { $0.id == memberID }) else { throw .unknownMember }
        guard member.epoch == epoch || member.previousEpoch == epoch && epoch > 0 else { throw .staleMemberEpoch }
    }

    /// The pattern of a member.
    func pattern(of memberID: String, instanceID: String?) -> TopicPattern? {
        members[Self.name(memberID, instanceID)]?.pattern
    }

    /// The members that have a pattern, by the names that the group knows them by.
    var patterns: [(name: String, pattern: TopicPattern)] {
        members.compactMap { name, member in member.pattern.map { (name, $0) } }
    }

    /// The group as an operator sees it.
    var description: ConsumerDescription {
        let isReconciling = members.values.contains { !$0.leaving.isEmpty || $0.owned != $0.target }
        return ConsumerDescription(
            state: members.isEmpty ? "Empty" : isReconciling ? "Reconciling" : "Stable", epoch: epoch,
            members: members.values.sorted { $0.id < $1.id }.map {
                ConsumerDescription.Member(
                    memberID: $0.id, instanceID: $0.instanceID, epoch: $0.epoch, clientID: $0.clientID,
                    host: $0.host, topics: $0.topics.sorted(), pattern: $0.pattern?.text,
                    owned: $0.owned.sorted(), target: $0.target.sorted())
            })
    }
}
