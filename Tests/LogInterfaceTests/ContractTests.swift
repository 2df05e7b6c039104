import Compression
import Foundation
import LogInterface
import RecordFormat
import SluiceCore
import SluiceTesting
import Testing

@Suite("What every engine keeps", .serialized)
struct ContractTests {
    // MARK: Appends

    @Test("appends settle in the order of their tickets, and offsets are dense", arguments: EngineKind.allCases)
    func settles(_ kind: EngineKind) throws {
        let world = try EngineWorld(kind)
        let partitions = [try world.partition("first", 0), try world.partition("first", 1)]
        var tickets: [AppendTicket] = []
        var batches: [[RecordBatch]] = [[], []]
        for number in 0..<60 {
            let appends = partitions.indices.filter { number % 3 != $0 }.map { index in
                batches[index].append(EngineWorld.batch([number, number + 1]))
                return EngineWorld.append(
                    batches[index][batches[index].count - 1], to: partitions[index], awaited: number % 4 != 0)
            }
            tickets.append(world.loop.append(appends).ticket)
        }
        #expect(tickets == tickets.sorted())
        #expect(Set(tickets).count == 60)
        for ticket in tickets { #expect(world.loop.settle(ticket) == .stored) }
        #expect(world.loop.settled == tickets)
        for (index, partition) in partitions.enumerated() {
            #expect(batches[index].map(\.baseOffset.rawValue) == (0..<40).map { $0 * 2 })
            #expect(world.loop.settle(world.engine.fence(from: world.loop.id)) == .stored)
            let bounds = world.engine.bounds(partition)
            #expect(
                bounds
                    == PartitionBounds(
                        start: .zero, highWatermark: Offset(rawValue: 80), end: Offset(rawValue: 80)))
        }
    }

    @Test("a fence settles when what other loops have appended before it has", arguments: EngineKind.allCases)
    func fences(_ kind: EngineKind) throws {
        let world = try EngineWorld(kind)
        let other = TestLoop(world.engine)
        let partition = try world.partition("second")
        let ticket = other.append([EngineWorld.append(EngineWorld.batch([1]), to: partition)]).ticket
        #expect(world.loop.settle(world.engine.fence(from: world.loop.id)) == .stored)
        #expect(other.outcome(of: ticket) == .stored)
        #expect(world.engine.bounds(partition).highWatermark.rawValue == 1)
    }

    @Test(
        "a retry of a producer is a duplicate at its first offset; gaps and old epochs are refused by name",
        arguments: EngineKind.allCases)
    func producers(_ kind: EngineKind) throws {
        let world = try EngineWorld(kind)
        let partition = try world.partition("second")
        func append(_ epoch: Int16, _ sequence: Int32) -> Settlement.Outcome {
            let batch = EngineWorld.batch([1, 2]).with(
                producer: ProducerID(rawValue: 7), epoch: epoch, baseSequence: sequence)
            return world.loop.settle(
                world.engine.append(sequenced: EngineWorld.append(batch, to: partition), from: world.loop.id))
        }
        for number in Int32(0)..<6 { #expect(append(1, number * 2) == .stored) }
        #expect(append(1, 10) == .duplicate(Offset(rawValue: 10)))
        #expect(append(1, 4) == .duplicate(Offset(rawValue: 4)))
        #expect(append(1, 14) == .refused(.outOfOrder(due: 12)))
        #expect(append(0, 12) == .refused(.fenced(epoch: 1)))
        #expect(append(2, 4) == .refused(.outOfOrder(due: 0)))
        #expect(append(2, 0) == .stored)
        #expect(world.engine.bounds(partition).end.rawValue == 14)
    }

    // MARK: The newest records

    @Test(
        "scans pass every batch once, in its partition's order, from where the interest began",
        arguments: EngineKind.allCases)
    func scans(_ kind: EngineKind) throws {
        let world = try EngineWorld(kind)
        let partition = try world.partition("first", 1)
        world.fill(partition, batchCount: 3)
        let reader = TestLoop(world.engine)
        #expect(!world.engine.isScanned)
        world.engine.setInterest(reader.id, appended: true, durable: true)
        #expect(world.engine.isScanned)
        #expect(world.engine.scanOffsets(reader.id)[partition.index].rawValue == 30)
        for number in 3..<8 {
            let batch = EngineWorld.batch([number])
            #expect(world.loop.settle(world.loop.append([EngineWorld.append(batch, to: partition)]).ticket) == .stored)
        }
        #expect(reader.woken.wait(within: 120), "a loop with an interest is woken")
        for visibility in [Visibility.appended, .durable] {
            var entries: [TailEntry] = []
            world.engine.scan(reader.id, visibility, countMax: 2, into: &entries)
            #expect(entries.count == 2)
            world.engine.scan(reader.id, visibility, countMax: 100, into: &entries)
            #expect(try EngineWorld.numbers(entries.map(\.batch)).map(\.number) == [3, 4, 5, 6, 7])
            #expect(entries.map(\.batch.baseOffset.rawValue) == [30, 31, 32, 33, 34])
            #expect(entries.allSatisfy { $0.partition == partition })
            entries = []
            world.engine.scan(reader.id, visibility, countMax: 100, into: &entries)
            #expect(entries.isEmpty)
        }
        #expect(world.engine.scanOffsets(reader.id)[partition.index].rawValue == 35)
        world.engine.setInterest(reader.id, appended: false, durable: false)
        #expect(!world.engine.isScanned)
    }

    @Test(
        "a read of the tail comes no further than the loop's scan, which takes over where it ends",
        arguments: EngineKind.allCases)
    func tails(_ kind: EngineKind) throws {
        // An engine may move records out of memory whenever it likes: then there is no tail to read, and another try.
        for _ in 0..<20 where try readsTail(kind) { return }
        Issue.record("in twenty tries no record was in memory")
    }

    /// - Returns: whether the records were in memory.
    private func readsTail(_ kind: EngineKind) throws -> Bool {
        let world = try EngineWorld(kind)
        let partition = try world.partition("second")
        let reader = TestLoop(world.engine)
        world.engine.setInterest(reader.id, appended: false, durable: true)
        world.fill(partition, batchCount: 2)
        var entries: [TailEntry] = []
        world.engine.scan(reader.id, .durable, countMax: 1, into: &entries)
        let read = world.engine.readTail(
            partition, from: .zero, visibility: .durable, loop: reader.id, byteCountMax: 1 << 20)
        guard let read else { return false }
        #expect(try EngineWorld.numbers(read.batches).map(\.number) == Array(0..<10))
        #expect(read.isCaughtUp)
        world.engine.scan(reader.id, .durable, countMax: 9, into: &entries)
        #expect(entries.map(\.batch.baseOffset.rawValue) == [0, 10])
        return true
    }

    // MARK: History

    @Test(
        "history has every record once, in order, from any offset and in pieces of any size",
        arguments: EngineKind.allCases)
    func history(_ kind: EngineKind) throws {
        let world = try EngineWorld(kind)
        let partition = try world.partition("first")
        world.fill(partition, batchCount: 50)
        for size in [1, 2000, 1 << 20] { #expect(try world.history(partition, byteCountMax: size) == Array(0..<500)) }
        #expect(try world.history(partition, from: Offset(rawValue: 137)) == Array(137..<500))
        // A hint of another place does no harm.
        let hint = world.loop.fetch(partition, from: .zero, byteCountMax: 1).hint
        let read = world.loop.fetch(partition, from: Offset(rawValue: 205), byteCountMax: 1) { $0.hint = hint }
        #expect(try EngineWorld.numbers(read.batches, from: Offset(rawValue: 205)).first?.number == 205)
    }

    @Test("a selection leaves out nothing that it names", arguments: EngineKind.allCases)
    func selections(_ kind: EngineKind) throws {
        let world = try EngineWorld(kind)
        let partition = try world.partition("first")
        world.fill(partition, batchCount: 40)
        let wanted = TopicSelection(
            topics: [Array("fleet/3".utf8)],
            wildcards: [TopicSelection.Wildcard(prefix: Array("fleet/5".utf8)) { _ in true }])
        let found = Set(try world.history(partition) { $0.selection = wanted })
        #expect(found.isSuperset(of: (0..<400).filter { $0 % 7 == 3 || $0 % 7 == 5 }))
    }

    @Test("batches come plain, or as they were stored", arguments: EngineKind.allCases)
    func forms(_ kind: EngineKind) throws {
        let world = try EngineWorld(kind) { $0.policy.sealing = .none }
        let partition = try world.partition("second")
        let compressed = try #require(EngineWorld.batch(Array(0..<200)).compressed(.zstd))
        #expect(
            world.loop.settle(world.loop.append([EngineWorld.append(compressed, to: partition)]).ticket) == .stored)
        world.fill(partition, batchCount: 30)
        #expect(try world.history(partition) == Array(0..<200) + Array(0..<300))
        let stored = world.loop.fetch(partition, from: .zero, byteCountMax: 1) { $0.form = .stored }
        #expect(stored.batches.map(\.checksum) == [compressed.checksum])
        #expect(stored.nextOffset.rawValue == 200)
    }

    @Test("a region has the bytes of whole batches, and stays readable", arguments: EngineKind.allCases)
    func regions(_ kind: EngineKind) throws {
        let world = try EngineWorld(kind) { $0.policy.sealing = .none }
        let partition = try world.partition("second")
        world.fill(partition, batchCount: 30)
        _ = try world.history(partition)
        var offset = Offset(rawValue: 15)
        var regions: [(region: StoredRegion, from: Offset, next: Offset)] = []
        while offset.rawValue < 300 {
            let read = world.loop.fetch(partition, from: offset, byteCountMax: 3000) { $0.form = .region }
            if let region = read.region { regions.append((region, offset, read.nextOffset)) }
            #expect(read.region != nil || !read.batches.isEmpty || read.nextOffset == offset)
            offset = max(offset, read.nextOffset)
        }
        // Whatever happens to the names now.
        world.engine.trim(partition, before: Offset(rawValue: 300))
        for (region, from, next) in regions {
            var bytes = [UInt8](repeating: 0, count: region.range.count)
            let count = pread(region.file.descriptor, &bytes, bytes.count, off_t(region.range.lowerBound))
            #expect(count == bytes.count)
            #expect(count <= 3000)
            var position = 0
            var found: [Int64] = []
            while position < bytes.count {
                let header = try #require(try RecordBatch.verify(bytes.span.extracting(position..<bytes.count)))
                found.append(header.baseOffset.rawValue)
                position += header.byteCount
            }
            #expect(found.first == from.rawValue / 10 * 10)
            #expect(next.rawValue == found[found.count - 1] + 10)
        }
        #expect(regions.isEmpty == (kind != .directory))
    }

    @Test("the offset of a time is that of the first record that is not older", arguments: EngineKind.allCases)
    func times(_ kind: EngineKind) throws {
        let world = try EngineWorld(kind)
        let partition = try world.partition("first")
        world.fill(partition, batchCount: 30)
        _ = try world.history(partition)
        for time in [0, 1, 137, 299] {
            let offset = world.loop.offset(partition, at: Timestamp(rawValue: Int64(time)))
            // As exact as a batch.
            #expect(offset.rawValue <= time && offset.rawValue > time - 10, "\(time) \(offset)")
        }
        #expect(world.loop.offset(partition, at: Timestamp(rawValue: 1000)).rawValue == 300)
    }

    @Test("what is below the start was removed, and is said so", arguments: EngineKind.allCases)
    func trims(_ kind: EngineKind) throws {
        let world = try EngineWorld(kind)
        let partition = try world.partition("first")
        world.fill(partition, batchCount: 50)
        _ = try world.history(partition)
        world.engine.trim(partition, before: Offset(rawValue: 120))
        #expect(world.engine.bounds(partition).start.rawValue <= 120)
        let start = world.engine.bounds(partition).start
        let read = world.loop.fetch(partition, from: .zero, byteCountMax: 1)
        #expect(read.removedCount >= start.rawValue)
        #expect(read.removedCount <= 120)
        #expect(try EngineWorld.numbers(read.batches).last.map { $0.offset } ?? 0 >= start.rawValue)
    }

    // MARK: Streams

    @Test("streams have identifiers of their own, and keep a policy that is set", arguments: EngineKind.allCases)
    func streams(_ kind: EngineKind) throws {
        let world = try EngineWorld(kind)
        let streams = world.engine.streams
        #expect(streams.map(\.settings.name) == ["first", "second", "__state"])
        #expect(Set(streams.map(\.id)).count == 3)
        #expect(Set(streams.flatMap(\.partitions)).count == 4)
        var policy = streams[1].settings.policy
        policy.retentionMilliseconds = 12_345
        world.engine.setPolicy(policy, of: "second")
        #expect(world.engine.streams[1].settings.policy.retentionMilliseconds == 12_345)
        #expect(world.engine.streams[0].settings.policy.retentionMilliseconds == nil)
        #expect(world.engine.appendsAtomically)
    }
}
