import SluiceCore
import SluiceTesting
import Testing

@testable import GroupCoordination

/// Random histories of a share partition beside a model that knows each record by itself.
@Suite("Histories of a share partition")
struct ShareHistoryTests {
    private struct Record {
        var holder: String?
        var deadline: Int64 = 0
        var deliveryCount = 0
        var isDone = false
    }

    private struct World {
        var random: SeededGenerator
        var partition = SharePartition(start: .zero)
        var records: [Record]
        var log: [ShareBatch] = []
        var now: Int64 = 0
        let members = ["a", "b", "c"]

        init(seed: UInt64) {
            random = SeededGenerator(seed: seed)
            var end: Int64 = 0
            while end < 400 {
                let count = Int64(1 + random.below(20))
                // Sometimes the log has nothing there, or something that is nobody's.
                let skipped = random.once(in: 6) ? Int64(random.below(5)) : 0
                let range = SharePartitionTests.range(end + skipped..<end + skipped + count)
                log.append(ShareBatch(range, isDelivered: !random.once(in: 8)))
                end += skipped + count
            }
            records = Array(repeating: Record(), count: Int(end))
            for index in records.indices {
                let offset = Offset(rawValue: Int64(index))
                records[index].isDone = !log.contains { $0.isDelivered && $0.range.contains(offset) }
            }
        }
    }

    @Test(
        "No record is lost, has two holders, comes again after it is done with, or more than five times",
        arguments: UInt64(0)..<60)
    func random(_ seed: UInt64) throws {
        var world = World(seed: seed)
        for _ in 0..<600 {
            switch world.random.below(10) {
            case 0..<5: acquire(&world)
            case 5..<8: try acknowledge(&world)
            case 8: pass(&world)
            default: if world.random.once(in: 2) { leave(&world) } else { try restart(&world) }
            }
            #expect(world.partition.isSound, "seed \(seed)")
        }
        try finish(&world, seed)
    }

    private func acquire(_ world: inout World, upTo countMax: Int? = nil) {
        let member = world.members[world.random.below(3)]
        let wish = ShareWish(
            member: member, recordCountMax: countMax ?? 1 + world.random.below(40), isStrict: world.random.once(in: 2),
            batchSize: 1 + world.random.below(30), deadline: world.now + 1 + Int64(world.random.below(20)))
        let next = world.partition.next
        let from = world.log.firstIndex { $0.range.upperBound > next } ?? world.log.count
        let read = Array(world.log[from...].prefix(1 + world.random.below(6)))
        let got = world.partition.acquire(read, from: next, for: wish)
        var count = 0
        for acquisition in got {
            for offset in acquisition.range.lowerBound.rawValue..<acquisition.range.upperBound.rawValue {
                var record = world.records[Int(offset)]
                #expect(!record.isDone && record.holder == nil)
                record.holder = member
                record.deadline = wish.deadline
                record.deliveryCount += 1
                #expect(record.deliveryCount == Int(acquisition.deliveryCount))
                #expect(record.deliveryCount <= 5)
                world.records[Int(offset)] = record
                count += 1
            }
        }
        if wish.isStrict { #expect(count <= wish.recordCountMax) }
    }

    private func acknowledge(_ world: inout World) throws {
        let member = world.members[world.random.below(3)]
        let first = world.random.below(world.records.count)
        let last = min(world.records.count - 1, first + world.random.below(12))
        let hasAll = (first...last).allSatisfy { index in
            world.records[index].holder == member || Int64(index) < world.partition.start.rawValue
        }
        let kinds = (first...last).map { _ in Int8(world.random.below(5)) }
        let words = try #require(ShareAcknowledgement(first: Int64(first), last: Int64(last), kinds: kinds))
        let deadline = world.now + 10
        do {
            _ = try world.partition.acknowledge([words], by: member, until: deadline)
            #expect(hasAll)
        } catch {
            return #expect(!hasAll)
        }
        for (index, kind) in zip(first...last, words.kinds) where world.records[index].holder == member {
            switch kind {
            case .accept, .reject, .gap: (world.records[index].isDone, world.records[index].holder) = (true, nil)
            case .release: giveBack(&world.records[index])
            case .renew: world.records[index].deadline = deadline
            }
        }
    }

    private func giveBack(_ record: inout Record) {
        record.holder = nil
        if record.deliveryCount == 5 { record.isDone = true }
    }

    private func pass(_ world: inout World) {
        world.now += Int64(world.random.below(15))
        _ = world.partition.elapsed(now: world.now)
        for index in world.records.indices
        where world.records[index].holder != nil && world.records[index].deadline <= world.now {
            giveBack(&world.records[index])
        }
    }

    private func leave(_ world: inout World) {
        let member = world.members[world.random.below(3)]
        _ = world.partition.release(by: member)
        for index in world.records.indices where world.records[index].holder == member {
            giveBack(&world.records[index])
        }
    }

    /// The process ends, and what is on record is read: deliveries that were under way have not been.
    private func restart(_ world: inout World) throws {
        let record = ShareStateRecord(
            group: "g", place: SharePlace(topicID: 1, number: 0),
            state: ShareStateRecord.Recorded(
                snapshotEpoch: 0, createdAt: Timestamp(rawValue: 0), writtenAt: Timestamp(rawValue: 0),
                start: world.partition.start, runs: world.partition.recorded, doneCount: 0))
        let state = try #require(ShareStateRecord(key: record.key, value: record.value)?.state)
        world.partition = SharePartition(start: state.start, recorded: state.runs)
        for index in world.records.indices where world.records[index].holder != nil {
            world.records[index].holder = nil
            world.records[index].deliveryCount -= 1
        }
    }

    /// Everything that is not done with comes in the end.
    private func finish(_ world: inout World, _ seed: UInt64) throws {
        world.now += 1000
        pass(&world)
        for member in world.members { _ = world.partition.release(by: member) }
        for index in world.records.indices where world.records[index].holder != nil { giveBack(&world.records[index]) }
        while world.partition.next.rawValue < Int64(world.records.count) {
            let before = world.records.filter { $0.holder != nil }.count
            let start = world.partition.next
            acquire(&world, upTo: 1000)
            let after = world.records.filter { $0.holder != nil }.count
            try #require(after > before || world.partition.next > start, "seed \(seed): nothing comes any more")
        }
        let open = world.records.filter { !$0.isDone && $0.holder == nil }
        #expect(open.isEmpty, "seed \(seed): \(open.count) records were lost")
        for member in world.members {
            for index in world.records.indices where world.records[index].holder == member {
                let words = try SharePartitionTests.words(Int64(index)..<Int64(index + 1), .accept)
                #expect(try world.partition.acknowledge([words], by: member, until: 0))
            }
        }
        #expect(world.partition.start.rawValue == Int64(world.records.count))
    }
}
