import SluiceCore
import SluiceTesting
import Testing

@testable import GroupCoordination

/// A table with clients that speak Kafka's classic protocol, and what they were answered.
private struct World {
    var table = OffsetTable()
    var now: Int64 = 0
    var answers: [UInt64: GroupAnswer] = [:]
    var records: [GroupRecord] = []
    private var lastNumber: UInt64 = 0
    static let second: Int64 = 1_000_000_000

    mutating func waiter() -> GroupWaiter {
        lastNumber += 1
        return GroupWaiter(shard: 0, number: lastNumber)
    }

    mutating func take(_ outcome: OffsetTable.ClassicOutcome) {
        for (waiter, answer) in outcome.answers {
            #expect(answers.updateValue(answer, forKey: waiter.number) == nil, "answered twice")
        }
        records += outcome.records
    }

    mutating func call(
        _ body: (inout ClassicGroups, Int32) throws(GroupFault) -> Void
    ) -> GroupFault? {
        do throws(GroupFault) {
            let outcome = try table.withClassic("g", at: Timestamp(rawValue: now), body)
            take(outcome)
            return outcome.fault
        } catch {
            return error
        }
    }

    /// - Returns: the number of the request, and the fault that came at once.
    mutating func join(
        _ id: String = "", client: String, instance: String? = nil, protocols: [GroupProtocol] = [Self.range],
        mustKnowID: Bool = false, canSkip: Bool = false, type: String = "consumer"
    ) -> (number: UInt64, fault: GroupFault?) {
        var request = ClassicJoin(memberID: id, clientID: client, protocolType: type, protocols: protocols)
        request.instanceID = instance
        request.mustKnowID = mustKnowID
        request.canSkipAssignment = canSkip
        request.sessionTimeout = 10 * Self.second
        request.rebalanceTimeout = 30 * Self.second
        let (waiter, time) = (waiter(), now)
        let fault = call { groups, generation throws(GroupFault) in
            try groups.join(
                "g", request, waiter, generation: generation, now: time, newID: "\(client)-\(waiter.number)")
        }
        return (waiter.number, fault)
    }

    static let range = GroupProtocol(name: "range", metadata: [1])

    func joined(_ number: UInt64) -> ClassicJoined? {
        guard case .joined(let joined)? = answers[number] else { return nil }
        return joined
    }

    mutating func sync(
        _ member: ClassicJoined, _ assignments: [String: [UInt8]] = [:]
    ) -> (number: UInt64, fault: GroupFault?) {
        let (waiter, time) = (waiter(), now)
        let claim = ClassicClaim(memberID: member.memberID, generation: member.generation)
        let fault = call { groups, _ throws(GroupFault) in
            try groups.sync(
                "g", claim, protocolType: nil, protocolName: nil, assignments: assignments, waiter, now: time)
        }
        return (waiter.number, fault)
    }

    func assignment(_ number: UInt64) -> [UInt8]? {
        guard case .synced(let synced)? = answers[number], synced.fault == nil else { return nil }
        return synced.assignment
    }

    mutating func heartbeat(_ member: ClassicJoined) -> GroupFault? {
        let (claim, time) = (ClassicClaim(memberID: member.memberID, generation: member.generation), now)
        return call { groups, _ throws(GroupFault) in try groups.heartbeat("g", claim, now: time) }
    }

    mutating func leave(_ id: String, instance: String? = nil) -> GroupFault? {
        let time = now
        return call { groups, _ throws(GroupFault) in
            try groups.leave("g", memberID: id, instanceID: instance, now: time)
        }
    }

    mutating func pass(seconds: Int64) {
        now += seconds * Self.second
        take(table.elapsedClassic(now: now, at: Timestamp(rawValue: now)))
    }

    /// A group of these clients, all of which have an assignment: their own name.
    mutating func stable(_ clients: [String], instances: Bool = false) throws -> [ClassicJoined] {
        var members: [ClassicJoined] = []
        for client in clients {
            let number = join(client: client, instance: instances ? client : nil).number
            let rejoins = members.map { join($0.memberID, client: $0.memberID).number }
            members = try (rejoins + [number]).map { try #require(joined($0)) }
        }
        let leader = try #require(members.first { $0.memberID == $0.leader })
        let parts = Dictionary(uniqueKeysWithValues: members.map { ($0.memberID, Array($0.memberID.utf8)) })
        for member in members where member.memberID != leader.memberID { #expect(sync(member).fault == nil) }
        #expect(sync(leader, parts).fault == nil)
        #expect(state == "Stable")
        return members
    }

    var state: String? { table.classic.description(of: "g")?.state }
}

@Suite("Groups of Kafka's classic protocol")
struct ClassicGroupTests {
    private var world = World()

    @Test("the first member leads, the second begins a generation, and each gets what the leader gave it")
    mutating func rebalances() throws {
        let first = try world.stable(["a"])[0]
        #expect(first.generation == 1 && first.leader == first.memberID && first.protocolName == "range")
        #expect(world.heartbeat(first) == nil)
        let second = world.join(client: "b")
        #expect(second.fault == nil && world.joined(second.number) == nil)
        #expect(world.heartbeat(first) == .rebalanceInProgress)
        let again = world.join(first.memberID, client: "a")
        let (leader, follower) = try (#require(world.joined(again.number)), #require(world.joined(second.number)))
        #expect(leader.generation == 2 && follower.generation == 2)
        #expect(leader.members.map(\.memberID) == [first.memberID, follower.memberID] && follower.members.isEmpty)
        let asked = world.sync(follower)
        #expect(world.assignment(asked.number) == nil)
        let given = world.sync(leader, [leader.memberID: [1], follower.memberID: [2]])
        #expect(world.assignment(given.number) == [1] && world.assignment(asked.number) == [2])
        #expect(world.heartbeat(first) == .illegalGeneration)
    }

    @Test("a new member is told its identifier first, and the rebalance waits for it to come with it")
    mutating func knowsID() throws {
        let first = world.join(client: "a", mustKnowID: true)
        #expect(first.fault == .memberIDRequired)
        let second = world.join("a-1", client: "a", mustKnowID: true)
        #expect(world.joined(second.number)?.memberID == "a-1")
        #expect(world.join("stranger", client: "x").fault == .unknownMember)
        // Whoever does not come with its identifier is not waited for longer than its session lasts.
        let member = try #require(world.joined(second.number))
        #expect(world.join(client: "b", mustKnowID: true).fault == .memberIDRequired)
        #expect(world.sync(member).fault == nil)
        world.pass(seconds: 9)
        #expect(world.heartbeat(member) == nil)
        world.pass(seconds: 9)
        #expect(world.heartbeat(member) == nil && world.state == "Stable")
    }

    @Test("a member that is silent for its session's time is lost, and the others are told to join anew")
    mutating func expires() throws {
        let members = try world.stable(["a", "b"])
        world.pass(seconds: 6)
        #expect(world.heartbeat(members[0]) == nil)
        world.pass(seconds: 6)
        #expect(world.heartbeat(members[0]) == .rebalanceInProgress)
        #expect(world.heartbeat(members[1]) == .unknownMember)
        let again = world.join(members[0].memberID, client: "a")
        #expect(world.joined(again.number)?.members.count == 1)
    }

    @Test("a rebalance does not wait for stragglers beyond its time, and a leader that assigns nothing is lost")
    mutating func stragglers() throws {
        let members = try world.stable(["a", "b"])
        let third = world.join(client: "c")
        for _ in 0..<4 {
            world.pass(seconds: 6)
            for member in members { _ = world.heartbeat(member) }
        }
        let again = world.join(members[1].memberID, client: "b")
        #expect(world.joined(again.number) == nil)
        world.pass(seconds: 7)
        let rejoined = try #require(world.joined(again.number))
        let other = try #require(world.joined(third.number))
        #expect(rejoined.leader == rejoined.memberID, "the leader of before did not come")
        #expect(world.heartbeat(members[0]) == .unknownMember)
        // It never says who gets what.
        let asked = world.sync(other)
        for _ in 0..<4 {
            world.pass(seconds: 8)
            _ = world.heartbeat(rejoined)
        }
        #expect(world.answers[asked.number] == .synced(ClassicSynced(fault: .rebalanceInProgress)))
        #expect(world.heartbeat(rejoined) == .unknownMember)
    }

    @Test("a follower that says the same again gets the same again; a leader, or another word, begins a generation")
    mutating func repeats() throws {
        let members = try world.stable(["a", "b"])
        let same = world.join(members[1].memberID, client: "b")
        #expect(world.joined(same.number)?.generation == 2 && world.state == "Stable")
        let other = GroupProtocol(name: "range", metadata: [7])
        let changed = world.join(members[1].memberID, client: "b", protocols: [other])
        #expect(world.joined(changed.number) == nil && world.state == "PreparingRebalance")
        let leader = world.join(members[0].memberID, client: "a")
        #expect(world.joined(leader.number)?.members.map(\.metadata) == [[1], [7]])
        #expect(world.joined(changed.number)?.generation == 3)
    }

    @Test("the rule is one that all can do, and that most like best; who has none in common is refused")
    mutating func chooses() throws {
        let sticky = GroupProtocol(name: "sticky", metadata: [2])
        let a = world.join(client: "a", protocols: [World.range, sticky])
        let first = try #require(world.joined(a.number))
        #expect(first.protocolName == "range")
        #expect(
            world.join(client: "x", protocols: [GroupProtocol(name: "own", metadata: [])]).fault
                == .inconsistentProtocol)
        #expect(world.join(client: "x", type: "connect").fault == .inconsistentProtocol)
        #expect(world.join(client: "x", protocols: []).fault == .inconsistentProtocol)
        let b = world.join(client: "b", protocols: [sticky])
        let again = world.join(first.memberID, client: "a", protocols: [World.range, sticky])
        #expect(
            world.joined(b.number)?.protocolName == "sticky" && world.joined(again.number)?.protocolName == "sticky")
        #expect(world.joined(again.number)?.members.map(\.metadata) == [[2], [2]])
    }

    @Test("a static member comes back in its place without a rebalance, and fences whoever had it")
    mutating func staticMembers() throws {
        let members = try world.stable(["a", "b"], instances: true)
        let back = world.join(client: "b", instance: "b")
        let answer = try #require(world.joined(back.number))
        #expect(answer.generation == 2 && answer.memberID != members[1].memberID && world.state == "Stable")
        let asked = world.sync(answer)
        #expect(world.assignment(asked.number) == Array(members[1].memberID.utf8))
        let claim = ClassicClaim(memberID: members[1].memberID, instanceID: "b", generation: 2)
        let time = world.now
        let fault = world.call { groups, _ throws(GroupFault) in try groups.heartbeat("g", claim, now: time) }
        #expect(fault == .fencedInstance)
        // The leader of an old client is not asked to assign anew, nor one that knows how to skip it.
        let old = world.join(client: "a", instance: "a")
        #expect(world.joined(old.number)?.leader == members[0].memberID)
        #expect(world.joined(old.number)?.members.isEmpty == true)
        let new = world.join(client: "a", instance: "a", canSkip: true)
        let leader = try #require(world.joined(new.number))
        #expect(leader.skipsAssignment && leader.leader == leader.memberID && leader.members.count == 2)
        // An administrator removes it by its name.
        #expect(world.leave("", instance: "b") == nil)
        #expect(world.leave("", instance: "b") == .unknownMember)
        #expect(world.heartbeat(leader) == .rebalanceInProgress)
    }

    @Test("whoever leaves is gone at once, and a group that all have left is empty and keeps its generation")
    mutating func leaves() throws {
        let members = try world.stable(["a", "b"])
        #expect(world.leave(members[0].memberID) == nil)
        let again = world.join(members[1].memberID, client: "b")
        #expect(world.joined(again.number)?.leader == members[1].memberID)
        #expect(world.leave(members[1].memberID) == nil)
        #expect(world.leave(members[1].memberID) == .unknownMember)
        #expect(!world.table.isActive("g"))
        let anew = world.join(client: "c")
        #expect(world.joined(anew.number)?.generation == 5)
    }

    @Test("a new member whose connection ends before the answer is no member, and the others do not wait for it")
    mutating func abandons() throws {
        let members = try world.stable(["a"])
        _ = world.join(client: "b")
        let again = world.join(members[0].memberID, client: "a")
        #expect(world.joined(again.number) != nil)
        let third = world.join(client: "c")
        world.take(
            world.table.abandonedClassic(
                "g", GroupWaiter(shard: 0, number: third.number), now: world.now, at: Timestamp(rawValue: 0)))
        #expect(world.table.classic.description(of: "g")?.members.count == 2)
        #expect(world.answers[third.number] == nil)
    }

    @Test("commits count while the generation stands, and strangers may commit only for a group without members")
    mutating func commits() throws {
        func commit(_ id: String, _ generation: Int32, _ world: inout World) -> GroupFault? {
            let claim = ClassicClaim(memberID: id, generation: generation)
            let time = world.now
            return world.call { groups, _ throws(GroupFault) in
                try groups.validateCommit("g", claim, now: time)
            }
        }
        #expect(commit("", -1, &world) == nil)
        #expect(commit("a", 1, &world) == .illegalGeneration)
        let members = try world.stable(["a"])
        #expect(commit("", -1, &world) == .unknownMember)
        #expect(commit(members[0].memberID, 1, &world) == nil)
        #expect(commit(members[0].memberID, 2, &world) == .illegalGeneration)
        _ = world.join(client: "b")
        #expect(commit(members[0].memberID, 1, &world) == nil, "while the rebalance waits, work is not lost")
    }

    @Test("members on record go on after a restart, in their generation, with what they had")
    mutating func restarts() throws {
        let members = try world.stable(["a", "b"])
        var again = World()
        for record in world.records { again.table.apply(key: record.key, value: record.value) }
        #expect(again.table.damagedCount == 0)
        again.table.restoreClassic(now: 0)
        #expect(again.state == "Stable" && again.table.isActive("g"))
        for member in members { #expect(again.heartbeat(member) == nil) }
        let asked = again.sync(members[1])
        #expect(again.assignment(asked.number) == Array(members[1].memberID.utf8))
        let (claim, _) = again.table.join(
            "g", stream: "s", filter: [], start: [.zero], at: Timestamp(rawValue: 0), by: 0)
        #expect(claim == .refusedKind)
        again.pass(seconds: 11)
        #expect(!again.table.isActive("g"))
    }

    @Test("clients of MQTT and Kafka are not members of one group at the same time")
    mutating func kinds() throws {
        let (claim, _) = world.table.join(
            "g", stream: "s", filter: [], start: [.zero], at: Timestamp(rawValue: 0), by: 0)
        #expect(claim == .granted(shard: 0, isNewGroup: true, isNewStream: true))
        #expect(world.join(client: "a").fault == .inconsistentProtocol)
        world.table.registry.leave("g", stream: "s")
        #expect(world.join(client: "a").fault == nil)
        #expect(world.table.remove("g") == .active)
    }

    @Test(
        "whatever clients do, requests are answered once, and those who are there agree on generation and leader",
        arguments: 0..<200)
    mutating func histories(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var members: [String: ClassicJoined] = [:]
        var joins: [UInt64: String] = [:]
        for _ in 0..<150 {
            let client = "c\(Int.random(in: 0..<5, using: &generator))"
            switch Int.random(in: 0..<10, using: &generator) {
            case 0...3:
                let id = members[client]?.memberID ?? ""
                let (number, fault) = world.join(id, client: client)
                if fault == .unknownMember { members[client] = nil } else { joins[number] = client }
            case 4...6:
                guard let member = members[client] else { continue }
                let parts = Dictionary(uniqueKeysWithValues: member.members.map { ($0.memberID, [UInt8(1)]) })
                let (_, fault) = world.sync(member, parts)
                if fault == .unknownMember { members[client] = nil }
            case 7:
                guard let member = members[client] else { continue }
                if world.heartbeat(member) == .unknownMember { members[client] = nil }
            case 8:
                guard let member = members.removeValue(forKey: client) else { continue }
                _ = world.leave(member.memberID)
            case _: world.pass(seconds: Int64.random(in: 1...8, using: &generator))
            }
            for (number, client) in joins {
                guard let answer = world.joined(number) else { continue }
                joins[number] = nil
                if answer.fault == nil { members[client] = answer }
            }
            guard let group = world.table.classic.description(of: "g") else { continue }
            #expect(Set(group.members.map(\.memberID)).count == group.members.count)
            if group.state == "Stable" { #expect(!group.members.isEmpty && group.protocolName == "range") }
        }
        // Everybody falls silent: nobody is kept for ever, and no request stays unanswered.
        for _ in 0..<12 { world.pass(seconds: 11) }
        #expect(!world.table.isActive("g"))
        for number in joins.keys { #expect(world.answers[number] != nil, "request \(number) was never answered") }
    }
}
