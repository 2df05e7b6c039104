package import SluiceCore

/// Who has which partition of a stream in one group.
///
/// Assignment is sticky and moves as little as it can: members keep what they have up to their share; what nobody has
/// goes first to the member that had it before. A partition that must move is revoked first and given on only when its
/// owner has let go of it, so that it never has two owners.
/// Invariants: a partition has at most one owner; no two members differ by more than one partition once nothing is on
/// the move; members beyond the number of partitions have none and wait.
/// Isolation: its coordinator's.
package struct GroupState: Sendable {
    /// What the coordinator must do next.
    package enum Action: Equatable, Sendable {
        /// The member has the partition from here on, in this generation.
        case assign(partition: Int, member: String, generation: Int32)
        /// The member must let go of the partition, and say so with `released`.
        case revoke(partition: Int, member: String)
    }

    private enum Ownership: Equatable, Sendable {
        /// Nobody has it. *assign => owned.*
        case free
        /// *revoke => leaving; its member is lost => free.*
        case owned(String)
        /// It was taken from its owner, who has not said yet that it let go. *released, or the member is lost => free.*
        case leaving(String)
    }

    private struct Member: Sendable {
        var clientID: String
        var joined: Int
    }

    private var owners: [Ownership]
    private var members: [String: Member] = [:]
    private var joinCount = 0
    /// The client that each partition belongs to when it is there.
    private var homes: [String?]
    /// Counts changes of the assignment; what an older one committed does not count.
    package private(set) var generation: Int32

    /// A group without members, which goes on from what is on record.
    /// - Parameters:
    ///   - homes: who had which partition last, by client identifier.
    ///   - generation: the last generation on record.
    package init(partitionCount: Int, homes: [String?] = [], generation: Int32 = 0) {
        precondition(partitionCount > 0)
        owners = [Ownership](repeating: .free, count: partitionCount)
        self.homes = Array((homes + [String?](repeating: nil, count: partitionCount)).prefix(partitionCount))
        self.generation = generation
    }

    // MARK: Events

    /// A member joins; one that is there already stays as it is.
    package mutating func join(_ member: String, clientID: String) -> [Action] {
        guard members[member] == nil else { return [] }
        joinCount += 1
        members[member] = Member(clientID: clientID, joined: joinCount)
        return balance()
    }

    /// A member is gone, with everything that it had.
    package mutating func lost(_ member: String) -> [Action] {
        guard members.removeValue(forKey: member) != nil else { return [] }
        for index in owners.indices where owners[index] == .owned(member) || owners[index] == .leaving(member) {
            owners[index] = .free
        }
        return balance()
    }

    /// A member has let go of a partition.
    package mutating func released(_ partition: Int, by member: String) -> [Action] {
        guard owners.indices.contains(partition), owners[partition] == .leaving(member) else { return [] }
        owners[partition] = .free
        return balance()
    }

    /// Takes every partition from its owner, to be given out again: their positions are about to change.
    package mutating func revokeAll() -> [Action] {
        var actions: [Action] = []
        for index in owners.indices {
            guard case .owned(let member) = owners[index] else { continue }
            owners[index] = .leaving(member)
            actions.append(.revoke(partition: index, member: member))
        }
        return actions
    }

    // MARK: Queries

    /// Whether nobody is a member.
    package var isEmpty: Bool { members.isEmpty }

    /// The number of members.
    package var memberCount: Int { members.count }

    /// Whether a partition has an owner, or one that has not let go yet.
    package var isSettled: Bool {
        owners.allSatisfy {
            switch $0 {
            case .owned: true
            case .free: members.isEmpty
            case .leaving: false
            }
        }
    }

    /// Who has a partition, or is letting go of it.
    package func owner(of partition: Int) -> String? {
        switch owners[partition] {
        case .free: nil
        case .owned(let member), .leaving(let member): member
        }
    }

    /// The members in the order in which they joined, with what each has.
    package var assignment: [(member: String, clientID: String, partitions: [Int])] {
        members.sorted { $0.value.joined < $1.value.joined }.map { member, value in
            (member, value.clientID, owners.indices.filter { owners[$0] == .owned(member) })
        }
    }

    // MARK: Balance

    private mutating func balance() -> [Action] {
        guard !members.isEmpty else { return [] }
        let shares = shares()
        var actions: [Action] = []
        var counts = owned()
        for index in surplus(shares, counts) {
            guard case .owned(let member) = owners[index] else { continue }
            owners[index] = .leaving(member)
            counts[member, default: 0] -= 1
            actions.append(.revoke(partition: index, member: member))
        }
        var given: [(partition: Int, member: String)] = []
        // Those whose former owner is here and has room first, so that nobody else takes them.
        for takesHome in [true, false] {
            for index in owners.indices where owners[index] == .free {
                guard let member = taker(of: index, shares, counts, takesHome: takesHome) else { continue }
                owners[index] = .owned(member)
                counts[member, default: 0] += 1
                given.append((index, member))
            }
        }
        guard !given.isEmpty else { return actions }
        generation += 1
        for (partition, member) in given {
            settle(partition, member)
            actions.append(.assign(partition: partition, member: member, generation: generation))
        }
        return actions
    }

    /// A partition's home moves with it, unless its owner is merely away.
    private mutating func settle(_ partition: Int, _ member: String) {
        let isHomeHere = members.values.contains { $0.clientID == homes[partition] }
        if homes[partition] == nil || isHomeHere { homes[partition] = members[member]?.clientID }
    }

    private func owned() -> [String: Int] {
        var counts: [String: Int] = [:]
        for owner in owners { if case .owned(let member) = owner { counts[member, default: 0] += 1 } }
        return counts
    }

    /// How many partitions each member is to have: those that have most already get the odd ones.
    private func shares() -> [String: Int] {
        let counts = owned()
        let (base, odd) = owners.count.quotientAndRemainder(dividingBy: members.count)
        let order = members.sorted { left, right in
            let (a, b) = (counts[left.key] ?? 0, counts[right.key] ?? 0)
            return a != b ? a > b : left.value.joined < right.value.joined
        }
        return Dictionary(uniqueKeysWithValues: order.enumerated().map { ($1.key, base + ($0 < odd ? 1 : 0)) })
    }

    /// Partitions whose owners have too many; those that others had before go first, then the highest.
    private func surplus(_ shares: [String: Int], _ counts: [String: Int]) -> [Int] {
        var surplus: [Int] = []
        for (member, share) in shares {
            let count = (counts[member] ?? 0) - share
            guard count > 0 else { continue }
            let clientID = members[member]?.clientID
            let candidates = owners.indices.filter { owners[$0] == .owned(member) }.sorted { left, right in
                let (a, b) = (homes[left] == clientID, homes[right] == clientID)
                return a != b ? !a : left > right
            }
            surplus += candidates.prefix(count)
        }
        return surplus.sorted()
    }

    private func taker(of partition: Int, _ shares: [String: Int], _ counts: [String: Int], takesHome: Bool) -> String?
    {
        let open = members.filter { (counts[$0.key] ?? 0) < (shares[$0.key] ?? 0) }
        if takesHome { return open.first { $0.value.clientID == homes[partition] }?.key }
        return open.min { left, right in
            let (a, b) = (counts[left.key] ?? 0, counts[right.key] ?? 0)
            return a != b ? a < b : left.value.joined < right.value.joined
        }?.key
    }
}
