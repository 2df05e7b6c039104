import SluiceTesting
import Testing

@testable import GroupCoordination

@Suite("Groups of the consumer protocol")
struct ConsumerProtocolGroupTests {
    private static let second: Int64 = 1_000_000_000

    /// A group whose members read a topic, and the time.
    private struct World {
        var group = ConsumerProtocolGroup()
        var counts = ["t": 4]
        var now: Int64 = 0

        mutating func beat(
            _ id: String, _ epoch: Int32, instance: String? = nil, topics: [String]? = nil, owned: [Int32]? = nil
        ) throws(GroupFault) -> ConsumerAssignment {
            let isJoining = epoch == 0
            let beat = ConsumerHeartbeat(
                memberID: id, instanceID: instance, epoch: epoch, clientID: id, host: "/h",
                topics: topics ?? (isJoining ? ["t"] : nil),
                owned: (owned ?? (isJoining ? [] : nil)).map { Set($0.map(place)) },
                rebalanceTimeout: isJoining ? 30 * second : nil)
            let counts = counts
            return try group.heartbeat(beat, now: now) { counts[$0] }
        }

        mutating func fault(_ id: String, _ epoch: Int32, instance: String? = nil, owned: [Int32]? = nil) -> GroupFault?
        {
            do throws(GroupFault) {
                _ = try beat(id, epoch, instance: instance, owned: owned)
                return nil
            } catch {
                return error
            }
        }

        mutating func follow() {
            let counts = counts
            group.follow(now: now) { counts[$0] }
        }
    }

    private static func place(_ number: Int32) -> StreamPartition { StreamPartition(stream: "t", number: number) }

    private func numbers(_ assignment: ConsumerAssignment) -> [Int32]? { assignment.partitions?.map(\.number) }

    @Test("The first member has everything, and hears of it once")
    func joins() throws {
        var world = World()
        let joined = try world.beat("a", 0)
        #expect(numbers(joined) == [0, 1, 2, 3])
        #expect(joined.epoch > 0)
        let next = try world.beat("a", joined.epoch, owned: [0, 1, 2, 3])
        #expect(next == ConsumerAssignment(epoch: joined.epoch, partitions: nil))
        #expect(world.group.description.state == "Stable")
    }

    @Test("A partition is given on when its member has let go of it, and not before")
    func revokes() throws {
        var world = World()
        let a = try world.beat("a", 0)
        _ = try world.beat("a", a.epoch, owned: [0, 1, 2, 3])
        let b = try world.beat("b", 0)
        #expect(numbers(b) == [])
        let told = try world.beat("a", a.epoch)
        let kept = try #require(numbers(told))
        #expect(kept.count == 2 && told.epoch == a.epoch, "the epoch waits for what is to be let go of")
        for _ in 0..<5 {
            #expect(try world.beat("a", a.epoch).epoch == a.epoch)
            #expect(try world.beat("b", b.epoch).partitions == nil)
        }
        #expect(world.group.description.state == "Reconciling")
        let released = try world.beat("a", a.epoch, owned: kept)
        #expect(released.epoch > a.epoch)
        let given = try #require(numbers(try world.beat("b", b.epoch)))
        #expect(Set(given).isDisjoint(with: kept) && given.count == 2)
    }

    @Test("Who says everything again is told everything again: it has missed an answer")
    func missedAnswer() throws {
        var world = World()
        let a = try world.beat("a", 0)
        let full = try world.beat("a", a.epoch, topics: ["t"], owned: [])
        #expect(numbers(full) == [0, 1, 2, 3])
        #expect(full.epoch == a.epoch)
    }

    @Test("Epochs that are not a member's are fenced; the one before is its own when an answer was lost")
    func fencing() throws {
        var world = World()
        let a = try world.beat("a", 0)
        _ = try world.beat("a", a.epoch, owned: [0, 1, 2, 3])
        #expect(world.fault("a", a.epoch + 7) == .fencedMemberEpoch)
        #expect(world.fault("x", 3) == .unknownMember)
        let b = try world.beat("b", 0)
        _ = try world.beat("a", a.epoch)
        let moved = try world.beat("a", a.epoch, owned: [0, 1])
        #expect(moved.epoch > a.epoch)
        #expect(world.fault("a", a.epoch) == .fencedMemberEpoch, "without saying what it has")
        #expect(world.fault("a", a.epoch, owned: [0, 1]) == nil)
        _ = b
    }

    @Test("Commits are taken with the epoch that is, or was until now")
    func commits() throws {
        var world = World()
        func fault(_ id: String, _ epoch: Int32) -> GroupFault? {
            do throws(GroupFault) {
                try world.group.validateCommit(memberID: id, epoch: epoch)
                return nil
            } catch {
                return error
            }
        }
        #expect(fault("", -1) == nil)
        let a = try world.beat("a", 0)
        #expect(fault("a", a.epoch) == nil)
        #expect(fault("a", a.epoch + 1) == .staleMemberEpoch)
        #expect(fault("x", a.epoch) == .unknownMember)
        #expect(fault("", -1) == .unknownMember)
    }

    @Test("A member that leaves, or is silent for too long, leaves its partitions to the others")
    func leaves() throws {
        var world = World()
        for leaves in [true, false] {
            world = World()
            let a = try world.beat("a", 0)
            _ = try world.beat("a", a.epoch, owned: [0, 1, 2, 3])
            let b = try world.beat("b", 0)
            if leaves {
                #expect(try world.beat("a", -1).epoch == -1)
            } else {
                world.now += 40 * Self.second
                _ = try world.beat("b", b.epoch)
                world.now += 6 * Self.second
                world.group.elapsed(now: world.now)
            }
            #expect(numbers(try world.beat("b", b.epoch)) == [0, 1, 2, 3])
            #expect(world.fault("a", a.epoch) == .unknownMember)
        }
    }

    @Test("Who does not let go in its time is lost")
    func stubborn() throws {
        var world = World()
        let a = try world.beat("a", 0)
        _ = try world.beat("a", a.epoch, owned: [0, 1, 2, 3])
        var epoch = try world.beat("b", 0).epoch
        for _ in 0..<7 {
            world.now += 5 * Self.second
            world.group.elapsed(now: world.now)
            _ = world.fault("a", a.epoch, owned: [0, 1, 2, 3])
            epoch = try world.beat("b", epoch).epoch
        }
        #expect(world.fault("a", a.epoch, owned: [0, 1, 2, 3]) == .unknownMember)
        #expect(world.group.description.members.map(\.memberID) == ["b"])
        #expect(world.group.description.members.first?.target.count == 4)
    }

    @Test("Nobody waits for a member to let go of a topic that is gone meanwhile")
    func goneWhileLeaving() throws {
        var world = World()
        let a = try world.beat("a", 0)
        _ = try world.beat("a", a.epoch, owned: [0, 1, 2, 3])
        let b = try world.beat("b", 0)
        #expect(world.group.description.state != "Stable")
        world.counts["t"] = nil
        world.follow()
        var epochs = (a: try world.beat("a", a.epoch, owned: []).epoch, b: b.epoch)
        for _ in 0..<10 {
            world.now += 5 * Self.second
            world.group.elapsed(now: world.now)
            epochs.a = try world.beat("a", epochs.a).epoch
            epochs.b = try world.beat("b", epochs.b).epoch
        }
        #expect(world.group.description.members.map(\.memberID).sorted() == ["a", "b"])
    }

    @Test("A static member that is away keeps its partitions, also under another identifier")
    func staticMember() throws {
        var world = World()
        let a = try world.beat("a", 0, instance: "i")
        _ = try world.beat("a", a.epoch, instance: "i", owned: [0, 1, 2, 3])
        let b = try world.beat("b", 0, instance: "j")
        _ = try world.beat("a", a.epoch, instance: "i")
        _ = try world.beat("a", a.epoch, instance: "i", owned: [0, 1])
        let given = try #require(numbers(try world.beat("b", b.epoch, instance: "j")))
        #expect(world.fault("c", 0, instance: "i") == .unreleasedInstance)
        #expect(try world.beat("a", -2, instance: "i").epoch == -2)
        world.now += 30 * Self.second
        _ = try world.beat("b", b.epoch, instance: "j", owned: given)
        world.group.elapsed(now: world.now)
        let back = try world.beat("c", 0, instance: "i")
        #expect(numbers(back) == [0, 1])
        #expect(world.fault("a", a.epoch, instance: "i") == .fencedInstance)
        _ = try world.beat("c", -2, instance: "i")
        world.now += 40 * Self.second
        _ = world.fault("b", b.epoch, instance: "j", owned: given)
        world.now += 6 * Self.second
        world.group.elapsed(now: world.now)
        #expect(world.group.description.members.map(\.memberID) == ["b"])
    }

    @Test("A topic that grows gives its new partitions out; one that is gone is taken back")
    func topics() throws {
        var world = World()
        let a = try world.beat("a", 0)
        _ = try world.beat("a", a.epoch, owned: [0, 1, 2, 3])
        world.counts["t"] = 6
        world.follow()
        let grown = try world.beat("a", a.epoch)
        #expect(numbers(grown) == [0, 1, 2, 3, 4, 5])
        #expect(grown.epoch > a.epoch)
        world.counts["t"] = nil
        world.follow()
        #expect(numbers(try world.beat("a", grown.epoch)) == [])
        world.counts["t"] = 2
        world.follow()
        let again = try world.beat("a", world.group.description.members[0].epoch, owned: [])
        #expect(Set(numbers(again) ?? []).isSuperset(of: [0, 1]))
    }

    @Test("A member that reads something else leaves the rest to others")
    func subscription() throws {
        var world = World()
        world.counts["u"] = 2
        let a = try world.beat("a", 0)
        _ = try world.beat("a", a.epoch, owned: [0, 1, 2, 3])
        let changed = try world.beat("a", a.epoch, topics: ["u"])
        #expect(changed.partitions?.map(\.stream) == ["u", "u"])
        let b = try world.beat("b", 0)
        #expect(b.partitions?.count == 4)
    }
}
