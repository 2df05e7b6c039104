import Testing

@testable import GroupCoordination

@Suite("Assignment of partitions to members")
struct GroupStateTests {
    /// A group whose members obey at once, and a check after each step.
    private struct World {
        var state: GroupState
        var owned: [String: Set<Int>] = [:]
        var moves = 0

        init(_ partitionCount: Int) { state = GroupState(partitionCount: partitionCount) }

        mutating func perform(_ actions: [GroupState.Action]) {
            for action in actions {
                switch action {
                case .assign(let partition, let member, _):
                    for (other, partitions) in owned {
                        #expect(!partitions.contains(partition), "\(partition) has \(other) and \(member)")
                    }
                    owned[member, default: []].insert(partition)
                    moves += 1
                case .revoke(let partition, let member):
                    #expect(owned[member]?.remove(partition) != nil)
                    perform(state.released(partition, by: member))
                }
            }
        }

        mutating func join(_ member: String) {
            owned[member] = []
            perform(state.join(member, clientID: member))
        }

        mutating func lose(_ member: String) {
            owned[member] = nil
            perform(state.lost(member))
        }
    }

    @Test("a lone member has everything, the second takes half, the third a third, and standbys wait")
    func shares() {
        var world = World(4)
        world.join("a")
        #expect(world.owned == ["a": [0, 1, 2, 3]])
        world.join("b")
        #expect(world.owned["a"]?.count == 2 && world.owned["b"]?.count == 2)
        #expect(world.moves == 6)
        world.join("c")
        #expect(world.owned.values.map(\.count).sorted() == [1, 1, 2])
        world.join("d")
        world.join("e")
        #expect(world.owned.values.map(\.count).sorted() == [0, 1, 1, 1, 1])
        world.lose("b")
        #expect(world.owned.values.map(\.count).sorted() == [1, 1, 1, 1])
    }

    @Test("a member that comes back gets what it had")
    func comesHome() {
        var world = World(6)
        for member in ["a", "b", "c"] { world.join(member) }
        let before = world.owned
        world.lose("b")
        #expect(world.owned.values.map(\.count).sorted() == [3, 3])
        world.join("b")
        #expect(world.owned == before)
    }

    @Test("a partition is given on only when its owner has let go of it")
    func waitsForRelease() {
        var state = GroupState(partitionCount: 2)
        #expect(state.join("a", clientID: "a").count == 2)
        let actions = state.join("b", clientID: "b")
        #expect(actions == [.revoke(partition: 1, member: "a")])
        #expect(!state.isSettled)
        #expect(state.owner(of: 1) == "a")
        #expect(state.released(1, by: "b").isEmpty)
        #expect(state.released(1, by: "a") == [.assign(partition: 1, member: "b", generation: 2)])
        #expect(state.released(1, by: "a").isEmpty)
        #expect(state.isSettled)
    }

    @Test("an owner that is lost while it lets go has let go")
    func losesLeaving() {
        var state = GroupState(partitionCount: 1)
        _ = state.join("a", clientID: "a")
        #expect(state.join("b", clientID: "b").isEmpty)
        #expect(state.revokeAll() == [.revoke(partition: 0, member: "a")])
        #expect(state.lost("a") == [.assign(partition: 0, member: "b", generation: 2)])
    }

    @Test(
        "whoever comes and goes, no partition has two owners, and shares differ by one",
        arguments: 0..<50 as Range<UInt64>)
    func random(_ seed: UInt64) {
        var random = SplitMix(state: seed)
        var world = World(Int.random(in: 1...12, using: &random))
        for _ in 0..<200 {
            let member = "m\(Int.random(in: 0..<6, using: &random))"
            if world.owned[member] == nil { world.join(member) } else { world.lose(member) }
            let counts = world.owned.values.map(\.count)
            #expect(counts.isEmpty || (counts.max() ?? 0) - (counts.min() ?? 0) <= 1, "seed \(seed)")
            #expect(world.state.isSettled, "seed \(seed)")
            #expect(Set(world.state.assignment.map(\.member)) == Set(world.owned.keys))
            for (member, _, partitions) in world.state.assignment { #expect(Set(partitions) == world.owned[member]) }
        }
    }
}

/// Source: SplitMix64.
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return word ^ word >> 31
    }
}
