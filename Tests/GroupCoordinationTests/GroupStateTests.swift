import SluiceTesting
import Testing

@testable import GroupCoordination

@Suite("Assignment of partitions to members")
struct GroupStateTests {
    /// A group whose members let go when they are asked to, at once or later, and a check after each step.
    private struct World {
        let streams: [String: Int]
        var state = GroupState()
        var subscriptions: [String: Set<String>] = [:]
        var owned: [String: Set<StreamPartition>] = [:]
        /// Partitions that members were told to let go of and have not yet.
        var leaving: [(partition: StreamPartition, member: String)] = []
        var isPrompt = true
        var moves = 0

        init(_ streams: [String: Int]) { self.streams = streams }

        init(_ partitionCount: Int) { streams = ["s": partitionCount] }

        mutating func perform(_ actions: [GroupState.Action]) {
            for action in actions {
                switch action {
                case .assign(let partition, let member, _):
                    let holders = owned.filter { $0.value.contains(partition) }.keys + leavers(of: partition)
                    #expect(holders.isEmpty, "\(partition) has \(holders) and \(member)")
                    #expect(subscriptions[member]?.contains(partition.stream) == true)
                    owned[member, default: []].insert(partition)
                    moves += 1
                case .revoke(let partition, let member):
                    #expect(owned[member]?.remove(partition) != nil)
                    leaving.append((partition, member))
                }
            }
            while isPrompt, !leaving.isEmpty { release(0) }
        }

        func leavers(of partition: StreamPartition) -> [String] {
            leaving.filter { $0.partition == partition }.map(\.member)
        }

        mutating func release(_ index: Int) {
            let (partition, member) = leaving.remove(at: index)
            perform(state.released(partition, by: member))
        }

        mutating func join(_ member: String, _ stream: String = "s") {
            subscriptions[member, default: []].insert(stream)
            perform(
                state.subscribe(member, clientID: member, to: stream, partitionCount: streams[stream] ?? 0))
        }

        mutating func leave(_ member: String, _ stream: String = "s") {
            subscriptions[member]?.remove(stream)
            if subscriptions[member]?.isEmpty == true { subscriptions[member] = nil }
            owned[member] = owned[member]?.filter { $0.stream != stream }
            leaving.removeAll { $0.member == member && $0.partition.stream == stream }
            perform(state.unsubscribe(member, from: [stream]))
        }

        mutating func lose(_ member: String) {
            subscriptions[member] = nil
            owned[member] = nil
            leaving.removeAll { $0.member == member }
            perform(state.lost(member))
        }

        func counts(_ stream: String = "s") -> [Int] {
            subscriptions.filter { $0.value.contains(stream) }.keys.map { member in
                owned[member]?.count { $0.stream == stream } ?? 0
            }.sorted()
        }

        /// What holds always.
        func check(_ hint: Comment) {
            for (stream, count) in streams {
                let isRead = subscriptions.values.contains { $0.contains(stream) }
                for number in 0..<count {
                    let partition = StreamPartition(stream: stream, number: Int32(number))
                    let holders = owned.filter { $0.value.contains(partition) }.keys + leavers(of: partition)
                    #expect(holders.count == (isRead ? 1 : 0), "\(partition) has \(holders), \(hint)")
                    #expect(state.owner(of: partition) == holders.first, hint)
                }
            }
            #expect(state.isSettled == leaving.isEmpty, hint)
            #expect(Set(state.assignment.map(\.member)) == Set(subscriptions.keys), hint)
            for (member, _, partitions) in state.assignment {
                #expect(Set(partitions) == owned[member] ?? [], hint)
            }
        }

        /// What holds when nothing is on the move.
        mutating func checkSettled(_ hint: Comment) {
            for stream in streams.keys {
                let counts = counts(stream)
                #expect((counts.last ?? 0) - (counts.first ?? 0) <= 1, "\(stream) \(counts), \(hint)")
            }
            for members in Dictionary(grouping: subscriptions, by: \.value).values {
                let counts = members.map { owned[$0.key]?.count ?? 0 }
                #expect((counts.max() ?? 0) - (counts.min() ?? 0) <= 1, "\(counts), \(hint)")
            }
            // A member of its own stream changes nothing for the others, and has everything balanced twice.
            guard !subscriptions.isEmpty else { return }
            let before = state.assignment.map(\.partitions)
            let actions = state.subscribe("other", clientID: "other", to: "other", partitionCount: 1)
            #expect(actions.count == 1, "\(actions), \(hint)")
            #expect(state.lost("other").isEmpty, hint)
            #expect(state.assignment.map(\.partitions) == before, hint)
        }
    }

    private func partition(_ number: Int32) -> StreamPartition { StreamPartition(stream: "s", number: number) }

    @Test("a lone member has everything, the second takes half, the third a third, and standbys wait")
    func shares() {
        var world = World(4)
        world.join("a")
        #expect(world.owned == ["a": Set((0..<4).map(partition))])
        world.join("b")
        #expect(world.counts() == [2, 2])
        #expect(world.moves == 6)
        world.join("c")
        #expect(world.counts() == [1, 1, 2])
        world.join("d")
        world.join("e")
        #expect(world.counts() == [0, 1, 1, 1, 1])
        world.lose("b")
        #expect(world.counts() == [1, 1, 1, 1])
    }

    @Test("a member that comes back gets what it had")
    func comesHome() {
        var world = World(6)
        for member in ["a", "b", "c"] { world.join(member) }
        let before = world.owned
        world.lose("b")
        #expect(world.counts() == [3, 3])
        world.join("b")
        #expect(world.owned == before)
    }

    @Test("a partition is given on only when its owner has let go of it")
    func waitsForRelease() {
        var state = GroupState()
        #expect(state.subscribe("a", clientID: "a", to: "s", partitionCount: 2).count == 2)
        let actions = state.subscribe("b", clientID: "b", to: "s", partitionCount: 2)
        #expect(actions == [.revoke(partition(1), member: "a")])
        #expect(!state.isSettled)
        #expect(state.owner(of: partition(1)) == "a")
        #expect(state.released(partition(1), by: "b").isEmpty)
        #expect(state.released(partition(1), by: "a") == [.assign(partition(1), member: "b", generation: 2)])
        #expect(state.released(partition(1), by: "a").isEmpty)
        #expect(state.isSettled)
    }

    @Test("an owner that is lost while it lets go has let go")
    func losesLeaving() {
        var state = GroupState()
        _ = state.subscribe("a", clientID: "a", to: "s", partitionCount: 1)
        #expect(state.subscribe("b", clientID: "b", to: "s", partitionCount: 1).isEmpty)
        #expect(state.revoke([partition(0)]) == [.revoke(partition(0), member: "a")])
        #expect(state.lost("a") == [.assign(partition(0), member: "b", generation: 2)])
    }

    @Test("who reads a stream no longer keeps what it has of it until it has let go of that")
    func withdraws() {
        var state = GroupState()
        _ = state.subscribe("a", clientID: "a", to: [("s", 2), ("r", 1)])
        #expect(state.assignment.map(\.partitions.count) == [3])
        let revoked = state.withdraw("a", from: ["s"])
        #expect(revoked == [.revoke(partition(0), member: "a"), .revoke(partition(1), member: "a")])
        #expect(state.streams == ["r", "s"] && !state.isSettled)
        #expect(state.subscribe("b", clientID: "b", to: "s", partitionCount: 2) == [])
        let given = state.released(partition(0), by: "a")
        #expect(given == [.assign(partition(0), member: "b", generation: state.generation)])
        #expect(state.owner(of: partition(1)) == "a")
        // Who is lost has let go of what it was about to let go of.
        _ = state.withdraw("b", from: ["s"])
        #expect(state.memberCount == 1)
        _ = state.lost("b")
        _ = state.released(partition(1), by: "a")
        #expect(state.streams == ["r"] && state.isSettled)
    }

    @Test("what is subscribed to, and let go of, at once is balanced once")
    func atOnce() {
        var state = GroupState()
        let streams = (0..<50).map { (stream: "s\($0)", partitionCount: 2) }
        #expect(state.subscribe("a", clientID: "a", to: streams).count == 100)
        #expect(state.generation == 1)
        let revoked = state.subscribe("b", clientID: "b", to: streams).compactMap { action in
            if case .revoke(let partition, "a") = action { partition } else { nil }
        }
        #expect(revoked.count == 50)
        #expect(state.released(revoked, by: "a").count == 50)
        #expect(state.generation == 2 && state.isSettled)
        #expect(state.released(revoked, by: "a") == [], "it has let go of them")
    }

    @Test("a member has partitions of the streams that it reads only, and leaving one keeps the others'")
    func keepsStreams() {
        var world = World(["s": 2, "t": 2])
        world.join("a", "s")
        world.join("a", "t")
        world.join("b", "t")
        #expect(world.counts("s") == [2])
        #expect(world.counts("t") == [1, 1])
        let kept = world.owned["a"]?.filter { $0.stream == "t" }
        world.leave("a", "s")
        #expect(world.owned["a"] == kept)
        #expect(world.state.memberCount == 2)
        #expect(world.state.owner(of: partition(0)) == nil)
        world.leave("a", "t")
        #expect(world.state.memberCount == 1)
        #expect(world.counts("t") == [2])
    }

    @Test("streams of one partition each are spread over the members, too")
    func spreadsStreams() {
        var world = World(Dictionary(uniqueKeysWithValues: (0..<6).map { ("s\($0)", 1) }))
        for member in ["a", "b", "c"] { for stream in world.streams.keys.sorted() { world.join(member, stream) } }
        #expect(world.owned.values.map(\.count) == [2, 2, 2])
        // One that reads only a single stream gets it, where others have more.
        world.join("d", "s3")
        #expect(world.owned["d"]?.count == 1)
    }

    @Test("what is revoked by hand goes back to its owner, and nothing else moves")
    func revokes() {
        var world = World(["s": 4, "t": 4])
        for member in ["a", "b"] { for stream in ["s", "t"] { world.join(member, stream) } }
        let before = world.owned
        let moves = world.moves
        world.perform(world.state.revoke([0, 1, 2, 3].map(partition)))
        #expect(world.owned == before)
        #expect(world.moves == moves + 4)
    }

    @Test(
        "whoever comes and goes, and whenever they let go, partitions of several streams have one owner and are even",
        arguments: 0..<200 as Range<UInt64>)
    func random(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let hint = Comment("seed \(seed)")
        let names = ["s", "t", "u", "v"].prefix(Int.random(in: 1...4, using: &random))
        var world = World(
            Dictionary(uniqueKeysWithValues: names.map { ($0, Int.random(in: 1...9, using: &random)) }))
        let members = (0..<Int.random(in: 1...7, using: &random)).map { "m\($0)" }
        // Some worlds have members that all read everything.
        let isEqual = Bool.random(using: &random)
        for step in 0..<150 {
            world.isPrompt = false
            let member = members.randomElement(using: &random) ?? "m0"
            let stream = names.randomElement(using: &random) ?? "s"
            switch Int.random(in: 0..<10, using: &random) {
            case 0...4 where !world.leaving.isEmpty:
                world.release(Int.random(in: world.leaving.indices, using: &random))
            case 5: world.lose(member)
            case 6:
                let owned = world.owned.values.joined().filter { $0.stream == stream }
                world.perform(world.state.revoke(owned.sorted()))
            case _:
                if isEqual {
                    if world.subscriptions[member] == nil { for stream in names { world.join(member, stream) } }
                } else if world.subscriptions[member]?.contains(stream) == true {
                    world.leave(member, stream)
                } else {
                    world.join(member, stream)
                }
            }
            world.check(hint)
            guard step % 10 == 9 else { continue }
            let moves = world.moves
            while !world.leaving.isEmpty, world.moves < moves + 1000 {
                world.release(Int.random(in: world.leaving.indices, using: &random))
            }
            #expect(world.leaving.isEmpty, "it comes to rest, \(hint)")
            world.check(hint)
            world.isPrompt = true
            world.checkSettled(hint)
        }
    }
}
