/// How many partitions of each stream each of a group's members is to have.
///
/// In each stream all that subscribe to it get the same number, and some of them one more: its *odd* ones. These go to
/// who has them already; beyond that they even out what members have in all streams together. For what is settled the
/// shares are what everybody has, so that nothing moves when nothing has changed.
/// - Complexity: O(streams × members × log members), and O(streams × members) for each odd one that moves.
struct GroupShares {
    /// By stream, then by member.
    private var shares: [String: [String: Int]] = [:]
    /// Who has one more of a stream than others.
    private var odd: [String: Set<String>] = [:]
    /// What each member is to have of all streams together.
    private var totals: [String: Int] = [:]

    /// Who subscribes to each stream.
    private var readers: [String: [String]] = [:]

    init(_ state: GroupState) {
        for (member, value) in state.members {
            for stream in value.streams { readers[stream, default: []].append(member) }
        }
        let streams = readers.keys.sorted()
        for stream in streams { divide(stream, state) }
        // What is held stays, so that what is dealt evens it out.
        for stream in streams { keepOdd(stream, state) }
        for stream in streams { dealOdd(stream, state) }
        var isEven = false
        while !isEven {
            isEven = true
            for stream in streams { while even(stream, state) { isEven = false } }
        }
        for (stream, members) in odd { for member in members { shares[stream]?[member, default: 0] += 1 } }
    }

    /// What members are to have of a stream.
    subscript(stream: String) -> [String: Int] { shares[stream] ?? [:] }

    private mutating func divide(_ stream: String, _ state: GroupState) {
        guard let members = readers[stream], let owners = state.owners[stream] else { return }
        shares[stream] = Dictionary(uniqueKeysWithValues: members.map { ($0, owners.count / members.count) })
        for member in members { totals[member, default: 0] += owners.count / members.count }
        odd[stream] = []
    }

    /// Who has more than the others of a stream keeps one of its odd partitions, as far as there are any.
    private mutating func keepOdd(_ stream: String, _ state: GroupState) {
        guard let members = readers[stream], let owners = state.owners[stream] else { return }
        let counts = state.owned(stream)
        let order = members.filter { (counts[$0] ?? 0) > owners.count / members.count }.sorted { left, right in
            let (a, b) = (counts[left] ?? 0, counts[right] ?? 0)
            return a != b ? a > b : state.isBefore(left, right)
        }
        give(stream, order.prefix(owners.count % members.count))
    }

    /// Deals the odd partitions of a stream that are left: to who has least in all, then to whose they were.
    private mutating func dealOdd(_ stream: String, _ state: GroupState) {
        guard let members = readers[stream], let owners = state.owners[stream], let kept = odd[stream] else { return }
        let count = owners.count % members.count - kept.count
        guard count > 0 else { return }
        var homes: [String: Int] = [:]
        for number in owners.indices {
            guard let home = state.homes[StreamPartition(stream: stream, number: Int32(number))] else { continue }
            homes[home, default: 0] += 1
        }
        func rank(_ member: String) -> (Int, Int) {
            (totals[member] ?? 0, -(state.members[member].flatMap { homes[$0.clientID] } ?? 0))
        }
        let order = members.filter { !kept.contains($0) }.map { ($0, rank($0)) }.sorted { left, right in
            left.1 != right.1 ? left.1 < right.1 : state.isBefore(left.0, right.0)
        }
        give(stream, order.prefix(count).map(\.0)[...])
    }

    private mutating func give(_ stream: String, _ members: ArraySlice<String>) {
        for member in members {
            odd[stream, default: []].insert(member)
            totals[member, default: 0] += 1
        }
    }

    /// Moves an odd partition of a stream from the member that is to have most in all to the one that is to have least,
    /// when they are two or more apart. The sum of the squares of `totals` falls with each, so that it ends.
    private mutating func even(_ stream: String, _ state: GroupState) -> Bool {
        guard let members = readers[stream], let chosen = odd[stream] else { return false }
        func isLess(_ left: String, _ right: String) -> Bool {
            let (a, b) = (totals[left] ?? 0, totals[right] ?? 0)
            return a != b ? a < b : state.isBefore(left, right)
        }
        guard let least = members.filter({ !chosen.contains($0) }).min(by: isLess),
            let most = chosen.max(by: isLess), let low = totals[least], let high = totals[most], high - low >= 2
        else { return false }
        odd[stream]?.remove(most)
        odd[stream]?.insert(least)
        totals[most] = high - 1
        totals[least] = low + 1
        return true
    }
}
