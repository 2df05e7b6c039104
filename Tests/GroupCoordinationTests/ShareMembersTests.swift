import SluiceTesting
import Testing

@testable import GroupCoordination

@Suite("Members of share groups, and what is set for groups")
struct ShareMembersTests {
    private func beat(_ member: String, _ epoch: Int32, _ topics: [String]? = nil) -> ShareHeartbeat {
        ShareHeartbeat(memberID: member, epoch: epoch, clientID: "c", host: "/h", topics: topics)
    }

    @Test(
        "Whoever comes and goes, every partition that is read has a reader and every reader a partition",
        arguments: UInt64(0)..<20)
    func covers(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var group = ShareMembers()
        var counts = ["t": 1 + random.below(6), "u": 1 + random.below(6)]
        var epochs: [String: Int32] = [:]
        var told: [String: [StreamPartition]] = [:]
        var topics: [String: Set<String>] = [:]
        for step in 0..<300 {
            let name = "m\(random.below(9))"
            let epoch = epochs[name]
            let wanted = [["t"], ["u"], ["t", "u"]][random.below(3)]
            switch random.below(6) {
            case 0 where epoch != nil:
                _ = try group.heartbeat(beat(name, -1), now: 0, timeout: 10) { counts[$0] }
                (epochs[name], told[name], topics[name]) = (nil, nil, nil)
            case 1:
                counts["t", default: 0] += 1
                group.follow { counts[$0] }
            case _:
                let says = epoch == nil || random.once(in: 4) ? wanted : nil
                let answer = try group.heartbeat(beat(name, epoch ?? 0, says), now: 0, timeout: 10) { counts[$0] }
                epochs[name] = answer.epoch
                if let says { topics[name] = Set(says) }
                if let partitions = answer.partitions { told[name] = partitions }
            }
            // Everybody hears of the last change.
            for (name, epoch) in epochs.sorted(by: { $0.key < $1.key }) {
                let answer = try group.heartbeat(beat(name, epoch), now: 0, timeout: 10) { counts[$0] }
                epochs[name] = answer.epoch
                if let partitions = answer.partitions { told[name] = partitions }
            }
            for topic in ["t", "u"] {
                let readers = topics.filter { $0.value.contains(topic) }.keys
                let read = Set(told.values.joined().filter { $0.stream == topic }.map(\.number))
                #expect(readers.isEmpty ? read.isEmpty : read.count == counts[topic], "seed \(seed), step \(step)")
                for reader in readers {
                    #expect(told[reader]?.contains { $0.stream == topic } == true, "seed \(seed), step \(step)")
                }
            }
            #expect(
                told.allSatisfy { name, partitions in
                    partitions.allSatisfy { topics[name]?.contains($0.stream) == true }
                }, "seed \(seed), step \(step)")
        }
    }

    @Test("An answer that was lost is given again to who repeats the epoch before")
    func lostAnswer() throws {
        var group = ShareMembers()
        let first = try group.heartbeat(beat("a", 0, ["t"]), now: 0, timeout: 10) { _ in 2 }
        #expect(first == ConsumerAssignment(epoch: 1, partitions: group.description.members[0].partitions))
        _ = try group.heartbeat(beat("b", 0, ["t"]), now: 0, timeout: 10) { _ in 2 }
        let lost = try group.heartbeat(beat("a", 1), now: 0, timeout: 10) { _ in 2 }
        #expect(lost.epoch == 2 && lost.partitions?.map(\.number) == [0])
        #expect(try group.heartbeat(beat("a", 1), now: 0, timeout: 10) { _ in 2 } == lost)
        #expect(try group.heartbeat(beat("a", 2), now: 0, timeout: 10) { _ in 2 }.partitions == nil)
        #expect(throws: GroupFault.fencedMemberEpoch) {
            try group.heartbeat(beat("a", 9), now: 0, timeout: 10) { _ in 2 }
        }
    }

    @Test(
        "A group begins where its setting says",
        arguments: [
            ("earliest", OffsetReset.earliest), ("latest", .latest), ("by_duration:PT1M", .byDuration(60_000)),
            ("by_duration:P1DT2H3M4.5S", .byDuration(93_784_500)), ("by_duration:PT0S", .byDuration(0)),
        ])
    func resets(_ text: String, _ expected: OffsetReset) { #expect(OffsetReset(text) == expected) }

    @Test(
        "What is no place to begin is refused",
        arguments: [
            "", "none", "by_duration:", "by_duration:P", "by_duration:PT", "by_duration:1H", "by_duration:P1H",
            "by_duration:PT1", "by_duration:PT1D", "by_duration:PTTS", "by_duration:PT-1S", "by_duration:PT1..2S",
        ])
    func noResets(_ text: String) { #expect(OffsetReset(text) == nil) }

    @Test("What is set for a group comes back from its record")
    func records() throws {
        var table = GroupSettingsTable()
        var settings = GroupSettings()
        settings.values = ["share.auto.offset.reset": "by_duration:PT1M", "share.isolation.level": "read_committed"]
        table.apply(key: GroupSettings.key(of: "g=1\n"), value: settings.recordValue)
        table.apply(key: Array("producer-ids".utf8), value: [0, 0])
        #expect(table["g=1\n"] == settings && table.names == ["g=1\n"])
        #expect(table["g=1\n"].readsCommitted && table["g=1\n"].offsetReset == .byDuration(60_000))
        table.apply(key: GroupSettings.key(of: "g=1\n"), value: nil)
        #expect(table.names.isEmpty && table["g=1\n"].shareLockDuration == 30_000_000_000)
    }
}
