import Foundation
import SluiceTesting
import Testing

@testable import GroupCoordination

@Suite("Histories of groups of the consumer protocol")
struct ConsumerProtocolHistoryTests {
    /// What a member believes.
    private struct Client {
        var id: String
        var epoch: Int32 = 0
        /// What it reads.
        var owned: Set<StreamPartition> = []
        /// What it was told last that it is to have.
        var wanted: Set<StreamPartition> = []
        /// Whether its next heartbeat lists what it has.
        var mustTell = true
        /// Whether its next heartbeat says everything.
        var mustTellAll = true
        /// What its pattern matches; nil for one that names its topics.
        var matched: Set<String>?
    }

    private struct World {
        var random: SeededGenerator
        var group = ConsumerProtocolGroup()
        var clients: [Client] = []
        var counts = ["t": 5, "u": 3]
        var now: Int64 = 0
        var serial = 0

        /// A heartbeat whose answer may be lost.
        mutating func beat(_ index: Int, isLossy: Bool) {
            var client = clients[index]
            let isJoining = client.epoch == 0
            let isFull = isJoining || client.mustTellAll
            let heartbeat = ConsumerHeartbeat(
                memberID: client.id, epoch: client.epoch, clientID: client.id, host: "/h",
                topics: isFull ? (client.matched == nil ? ["t", "u"] : []) : nil, pattern: change(client),
                owned: isFull || client.mustTell ? client.owned : nil,
                rebalanceTimeout: isFull ? 20_000_000_000 : nil)
            let counts = counts
            let isLost = isLossy && random.once(in: 8)
            do throws(GroupFault) {
                let answer = try group.heartbeat(heartbeat, now: now) { counts[$0] }
                if isLost {
                    client.mustTellAll = true
                } else {
                    client.mustTell = false
                    client.mustTellAll = false
                    client.epoch = answer.epoch
                    if let partitions = answer.partitions {
                        client.wanted = Set(partitions)
                        // What is new is read at once; what is to go is let go of later.
                        if !client.wanted.isSubset(of: client.owned) {
                            client.owned.formUnion(client.wanted)
                            client.mustTell = true
                        }
                    }
                }
            } catch {
                // It has lost everything and begins anew.
                client = Client(id: client.id, matched: client.matched)
            }
            clients[index] = client
        }

        /// What a client's pattern matches is said with each heartbeat, as if topics had come and gone.
        private func change(_ client: Client) -> TopicPatternChange {
            client.matched.map { .matched(TopicPattern("p", in: nil, at: UInt64(serial), topics: $0)) } ?? .none
        }

        /// A client's pattern matches something else.
        mutating func rematch(_ index: Int) {
            guard clients[index].matched != nil else { return }
            serial += 1
            clients[index].matched = [["t"], ["u"], ["t", "u"], []][random.below(4)]
        }

        mutating func letGo(_ index: Int) {
            guard clients[index].owned != clients[index].wanted else { return }
            clients[index].owned = clients[index].wanted
            clients[index].mustTell = true
        }

        mutating func step() {
            let index = clients.isEmpty ? -1 : random.below(clients.count)
            switch random.below(20) {
            case 0 where clients.count < 6:
                serial += 1
                clients.append(Client(id: "m\(serial)", matched: random.once(in: 2) ? ["t", "u"] : nil))
            case 1 where index >= 0 && random.once(in: 3):
                let client = clients.remove(at: index)
                guard random.once(in: 2), client.epoch > 0 else { return }
                let counts = counts
                do throws(GroupFault) {
                    _ = try group.heartbeat(
                        ConsumerHeartbeat(memberID: client.id, epoch: -1, clientID: client.id, host: "/h"), now: now
                    ) { counts[$0] }
                } catch { return }
            case 2:
                now += Int64(random.below(12)) * 1_000_000_000
                group.elapsed(now: now)
            case 3 where random.once(in: 10):
                counts["t", default: 0] += 1
                let counts = counts
                group.follow(now: now) { counts[$0] }
            case 4...7 where index >= 0: letGo(index)
            case 8 where index >= 0: rematch(index)
            case _ where index >= 0: beat(index, isLossy: true)
            case _: break
            }
        }

        /// Whoever is a member reads what nobody else does.
        func check() -> Bool {
            let members = group.description.members
            var targets: Set<StreamPartition> = []
            for member in members {
                guard targets.isDisjoint(with: member.target) else { return false }
                targets.formUnion(member.target)
            }
            let there = Set(members.map(\.memberID))
            var owned: Set<StreamPartition> = []
            for client in clients where client.epoch > 0 && there.contains(client.id) {
                guard owned.isDisjoint(with: client.owned) else { return false }
                owned.formUnion(client.owned)
            }
            return true
        }
    }

    /// How many histories; `SLUICE_SOAK_RUNS` asks for more.
    private static let count =
        ProcessInfo.processInfo.environment["SLUICE_SOAK_RUNS"].flatMap { UInt64($0) } ?? 300

    @Test("No partition ever has two owners, and in the end each has one")
    func histories() {
        for seed in 0..<Self.count {
            var world = World(random: SeededGenerator(seed: seed))
            for number in 0..<200 {
                world.step()
                guard world.check() else {
                    Issue.record("seed \(seed): two owners after step \(number)")
                    break
                }
            }
            if world.clients.isEmpty { world.clients.append(Client(id: "last")) }
            world.serial += 1
            for index in world.clients.indices where world.clients[index].matched != nil {
                world.clients[index].matched = ["t", "u"]
            }
            for _ in 0..<60 {
                world.now += 2_000_000_000
                world.group.elapsed(now: world.now)
                for index in world.clients.indices {
                    world.letGo(index)
                    world.beat(index, isLossy: false)
                }
                guard world.check() else {
                    Issue.record("seed \(seed): two owners while all is quiet")
                    break
                }
            }
            let all = world.counts.flatMap { topic, count in
                (0..<count).map { StreamPartition(stream: topic, number: Int32($0)) }
            }
            let owned = world.clients.map(\.owned).reduce(Set()) { $0.union($1) }
            #expect(owned == Set(all), "seed \(seed)")
            let counts = world.clients.map(\.owned.count)
            #expect((counts.max() ?? 0) - (counts.min() ?? 0) <= 2, "seed \(seed): \(counts)")
        }
    }
}
