/// Who has which partition in one group, over all streams that its members read.
///
/// A member subscribes to streams and gets partitions of these only. Assignment is sticky and moves as little as it
/// can: members keep what they have up to their share; what nobody has goes first to the member that had it before. A
/// partition that must move is revoked first and given on only when its owner has let go of it, so that it never has
/// two owners. It knows no protocol: members, clients and streams are names.
/// Invariants: a partition has at most one owner, who subscribes to its stream unless it is letting go of it; those of
/// a stream that somebody subscribes to have one unless they are on the move. Once nothing is, two members differ by no
/// more than one partition in any stream that both subscribe to, and in all together when they subscribe to the same
/// streams. Members beyond the number of partitions have none and wait.
/// Isolation: its coordinator's.
package struct GroupState: Sendable {
    /// What the coordinator must do next.
    package enum Action: Equatable, Sendable {
        /// The member has the partition from here on, in this generation.
        case assign(StreamPartition, member: String, generation: Int32)
        /// The member must let go of the partition, and say so with `released`.
        case revoke(StreamPartition, member: String)
    }

    enum Ownership: Equatable, Sendable {
        /// Nobody has it. *assign => owned.*
        case free
        /// *revoke => leaving; its member unsubscribes or is lost => free.*
        case owned(String)
        /// It was taken from its owner, who has not said yet that it let go. *released, or the member unsubscribes or
        /// is lost => free.*
        case leaving(String)

        /// Who has it, or is letting go of it.
        var member: String? {
            switch self {
            case .free: nil
            case .owned(let member), .leaving(let member): member
            }
        }
    }

    struct Member: Sendable {
        var clientID: String
        var joined: Int
        /// The streams that it subscribes to; never none.
        var streams: Set<String>
    }

    /// The owners of the partitions of each stream that somebody subscribes to.
    private(set) var owners: [String: [Ownership]] = [:]
    private(set) var members: [String: Member] = [:]
    private var joinCount = 0
    /// The client that each partition belongs to when it is there.
    private(set) var homes: [StreamPartition: String]
    /// Counts changes of the assignment; what an older one committed does not count.
    package private(set) var generation: Int32

    /// A group without members, which goes on from what is on record.
    /// - Parameters:
    ///   - homes: who had which partition last, by client identifier.
    ///   - generation: the last generation on record.
    package init(homes: [StreamPartition: String] = [:], generation: Int32 = 0) {
        self.homes = homes
        self.generation = generation
    }

    // MARK: Events

    /// A member subscribes to a stream, and joins with its first; what it subscribes to already stays as it is.
    /// - Parameter partitionCount: how many partitions the stream has; never fewer than before.
    package mutating func subscribe(
        _ member: String, clientID: String, to stream: String, partitionCount: Int
    ) -> [Action] {
        subscribe(member, clientID: clientID, to: [(stream, partitionCount)])
    }

    /// A member subscribes to streams at once.
    package mutating func subscribe(
        _ member: String, clientID: String, to streams: [(stream: String, partitionCount: Int)]
    ) -> [Action] {
        let known = members[member]?.streams ?? []
        let new = streams.filter { !known.contains($0.stream) }
        guard !new.isEmpty else { return [] }
        if members[member] == nil {
            joinCount += 1
            members[member] = Member(clientID: clientID, joined: joinCount, streams: [])
        }
        for (stream, partitionCount) in new {
            precondition(partitionCount > 0)
            members[member]?.streams.insert(stream)
            let known = owners[stream] ?? []
            precondition(known.count <= partitionCount)
            owners[stream] = known + [Ownership](repeating: .free, count: partitionCount - known.count)
        }
        return balance()
    }

    /// A stream that somebody subscribes to has more partitions than before.
    package mutating func grow(_ stream: String, to partitionCount: Int) -> [Action] {
        guard let known = owners[stream], known.count < partitionCount else { return [] }
        owners[stream] = known + [Ownership](repeating: .free, count: partitionCount - known.count)
        return balance()
    }

    /// A member reads some streams no longer, and has let go of what it had of them; it leaves with its last.
    package mutating func unsubscribe(_ member: String, from streams: some Sequence<String>) -> [Action] {
        var isChanged = false
        for stream in streams {
            let isReader = members[member]?.streams.remove(stream) != nil
            guard isReader || owners[stream]?.contains(where: { $0.member == member }) == true else { continue }
            isChanged = true
            owners[stream] = owners[stream]?.map { $0.member == member ? .free : $0 }
            forgetUnread(stream)
        }
        guard isChanged else { return [] }
        if members[member]?.streams.isEmpty == true { members[member] = nil }
        return balance()
    }

    /// A member reads some streams no longer, and has not let go yet of what it has of them.
    package mutating func withdraw(_ member: String, from streams: some Sequence<String>) -> [Action] {
        var actions: [Action] = []
        for stream in streams where members[member]?.streams.remove(stream) != nil {
            for (number, owner) in (owners[stream] ?? []).enumerated() where owner == .owned(member) {
                actions.append(take(StreamPartition(stream: stream, number: Int32(number)), from: member))
            }
            forgetUnread(stream)
        }
        if members[member]?.streams.isEmpty == true { members[member] = nil }
        return actions + balance()
    }

    /// A member is gone, with everything that it had.
    package mutating func lost(_ member: String) -> [Action] {
        let held = owners.filter { $0.value.contains { $0.member == member } }.keys
        return unsubscribe(member, from: (members[member]?.streams ?? []).union(held).sorted())
    }

    /// Forgets a stream that nobody subscribes to, and of which nobody has anything left.
    private mutating func forgetUnread(_ stream: String) {
        let isHeld = owners[stream]?.contains { $0.member != nil } == true
        if !isHeld, !isRead(stream) { owners[stream] = nil }
    }

    private func isRead(_ stream: String) -> Bool { members.values.contains { $0.streams.contains(stream) } }

    /// A member has let go of a partition.
    package mutating func released(_ partition: StreamPartition, by member: String) -> [Action] {
        released([partition], by: member)
    }

    /// A member has let go of partitions at once.
    package mutating func released(_ partitions: [StreamPartition], by member: String) -> [Action] {
        var streams: Set<String> = []
        for partition in partitions where self[partition] == .leaving(member) {
            owners[partition.stream]?[Int(partition.number)] = .free
            streams.insert(partition.stream)
        }
        guard !streams.isEmpty else { return [] }
        for stream in streams { forgetUnread(stream) }
        return balance()
    }

    /// Takes partitions from their owners, to be given out again: their positions are about to change.
    package mutating func revoke(_ partitions: some Sequence<StreamPartition>) -> [Action] {
        partitions.compactMap { partition in
            guard case .owned(let member)? = self[partition] else { return nil }
            return take(partition, from: member)
        }
    }

    // MARK: Queries

    /// Whether nobody is a member.
    package var isEmpty: Bool { members.isEmpty }

    /// The number of members.
    package var memberCount: Int { members.count }

    /// Whether every partition that somebody may have has an owner, who is not letting go of it.
    package var isSettled: Bool {
        owners.values.allSatisfy { owners in
            owners.allSatisfy { owner in
                if case .owned = owner { true } else { false }
            }
        }
    }

    /// The streams that somebody subscribes to or has something of, sorted.
    package var streams: [String] { owners.keys.sorted() }

    /// The streams that a member subscribes to.
    package func streams(of member: String) -> Set<String> { members[member]?.streams ?? [] }

    /// How many partitions a stream has, as far as the group knows; 0 when nobody subscribes to it or has any.
    package func count(of stream: String) -> Int { owners[stream]?.count ?? 0 }

    /// Who has a partition, or is letting go of it.
    package func owner(of partition: StreamPartition) -> String? { self[partition]?.member }

    /// The members in the order in which they joined, with what each has, sorted.
    package var assignment: [(member: String, clientID: String, partitions: [StreamPartition])] {
        var owned: [String: [StreamPartition]] = [:]
        for (stream, owners) in owners.sorted(by: { $0.key < $1.key }) {
            for (number, owner) in owners.enumerated() {
                guard case .owned(let member) = owner else { continue }
                owned[member, default: []].append(StreamPartition(stream: stream, number: Int32(number)))
            }
        }
        return members.sorted { $0.value.joined < $1.value.joined }.map { member, value in
            (member, value.clientID, owned[member] ?? [])
        }
    }

    private subscript(partition: StreamPartition) -> Ownership? {
        guard let owners = owners[partition.stream], owners.indices.contains(Int(partition.number)) else { return nil }
        return owners[Int(partition.number)]
    }

    // MARK: Balance

    private mutating func balance() -> [Action] {
        defer { assert(isSound) }
        let shares = GroupShares(self)
        var actions: [Action] = []
        for stream in owners.keys.sorted() {
            for number in surplus(stream, shares) {
                let partition = StreamPartition(stream: stream, number: Int32(number))
                guard case .owned(let member)? = self[partition] else { continue }
                actions.append(take(partition, from: member))
            }
        }
        var given: [(partition: StreamPartition, member: String)] = []
        for stream in owners.keys.sorted() { given += takeFree(stream, shares) }
        guard !given.isEmpty else { return actions }
        generation += 1
        for (partition, member) in given {
            settle(partition, member)
            actions.append(.assign(partition, member: member, generation: generation))
        }
        return actions
    }

    private mutating func take(_ partition: StreamPartition, from member: String) -> Action {
        owners[partition.stream]?[Int(partition.number)] = .leaving(member)
        return .revoke(partition, member: member)
    }

    /// Gives out the partitions of a stream that nobody has.
    private mutating func takeFree(
        _ stream: String, _ shares: GroupShares
    ) -> [(partition: StreamPartition, member: String)] {
        var given: [(partition: StreamPartition, member: String)] = []
        var counts = owned(stream)
        // Those whose former owner is here and has room first, so that nobody else takes them.
        for takesHome in [true, false] {
            for number in owners[stream]?.indices ?? 0..<0 where owners[stream]?[number] == .free {
                let partition = StreamPartition(stream: stream, number: Int32(number))
                guard let member = taker(of: partition, shares[stream], counts, takesHome: takesHome) else { continue }
                owners[stream]?[number] = .owned(member)
                counts[member, default: 0] += 1
                given.append((partition, member))
            }
        }
        return given
    }

    /// A partition's home moves with it, unless its owner is merely away.
    private mutating func settle(_ partition: StreamPartition, _ member: String) {
        let home = homes[partition]
        let isHomeHere = members.values.contains { $0.clientID == home && $0.streams.contains(partition.stream) }
        if home == nil || isHomeHere { homes[partition] = members[member]?.clientID }
    }

    /// How many partitions of a stream each member has, and is not letting go of.
    func owned(_ stream: String) -> [String: Int] {
        var counts: [String: Int] = [:]
        for owner in owners[stream] ?? [] { if case .owned(let member) = owner { counts[member, default: 0] += 1 } }
        return counts
    }

    /// Partitions of a stream whose owners have too many; those that others had before go first, then the highest.
    private func surplus(_ stream: String, _ shares: GroupShares) -> [Int] {
        guard let owners = owners[stream] else { return [] }
        let counts = owned(stream)
        var surplus: [Int] = []
        for (member, share) in shares[stream] {
            let count = (counts[member] ?? 0) - share
            guard count > 0 else { continue }
            let clientID = members[member]?.clientID
            func isHome(_ number: Int) -> Bool {
                homes[StreamPartition(stream: stream, number: Int32(number))] == clientID
            }
            let candidates = owners.indices.filter { owners[$0] == .owned(member) }.sorted { left, right in
                let (a, b) = (isHome(left), isHome(right))
                return a != b ? !a : left > right
            }
            surplus += candidates.prefix(count)
        }
        return surplus.sorted()
    }

    private func taker(
        of partition: StreamPartition, _ shares: [String: Int], _ counts: [String: Int], takesHome: Bool
    ) -> String? {
        let open = shares.filter { (counts[$0.key] ?? 0) < $0.value }.keys
        if takesHome {
            guard let home = homes[partition] else { return nil }
            return open.filter { members[$0]?.clientID == home }.min(by: isBefore)
        }
        return open.min { left, right in
            let (a, b) = (counts[left] ?? 0, counts[right] ?? 0)
            return a != b ? a < b : isBefore(left, right)
        }
    }

    /// Whether one member joined before another.
    func isBefore(_ left: String, _ right: String) -> Bool {
        (members[left]?.joined ?? 0) < (members[right]?.joined ?? 0)
    }

    /// Whether the invariants hold that nobody waits for.
    private var isSound: Bool {
        for member in members.values where member.streams.isEmpty { return false }
        for (stream, owners) in owners {
            let isRead = isRead(stream)
            guard isRead || owners.contains(where: { $0.member != nil }) else { return false }
            for owner in owners {
                // Nothing is left lying, and nothing is with somebody who does not read it.
                switch owner {
                case .free: if isRead { return false }
                case .owned(let member):
                    guard members[member]?.streams.contains(stream) == true else { return false }
                case .leaving: break
                }
            }
        }
        return true
    }
}
