import LogInterface
import RecordFormat
import SluiceCore
import SluiceTesting
import Testing

/// What an engine must do with streams that come, change and go while it runs: one suite, run against all of them.
@Suite("The contract of a log's streams")
struct StreamContractTests {
    private static func made(_ partitionCount: Int = 1, _ name: String = "made") -> StreamSettings {
        var settings = StreamSettings(name: name)
        settings.partitionCount = partitionCount
        settings.policy.granuleBytesMax = 4096
        return settings
    }

    @Test("a stream that is made takes records and gives them back", arguments: EngineKind.allCases)
    func creates(_ kind: EngineKind) throws {
        let world = try EngineWorld(kind)
        let before = world.engine.streams
        let generation = world.engine.catalogueGeneration
        let made = try world.loop.administer(.create(Self.made(2))).get()
        #expect(made.settings == Self.made(2))
        #expect(made.partitions.count == 2)
        #expect(world.engine.streams == before + [made])
        #expect(world.engine.catalogueGeneration > generation)
        let numbers = before.flatMap(\.partitions)
        #expect(!made.partitions.contains { numbers.contains($0) })
        #expect(!before.map(\.id).contains(made.id))
        for partition in made.partitions {
            #expect(world.engine.bounds(partition) == PartitionBounds(start: .zero, highWatermark: .zero, end: .zero))
            world.fill(partition, batchCount: 20)
            #expect(try world.history(partition) == Array(0..<200))
        }
        #expect(world.engine.endOffsets()[made.partitions[1].index].rawValue == 200)
    }

    @Test("every loop is woken when the streams change, and their generation stays while they do not")
    func wakes() throws {
        for kind in EngineKind.allCases {
            let world = try EngineWorld(kind)
            let other = TestLoop(world.engine)
            let generation = world.engine.catalogueGeneration
            #expect(world.loop.administer(.delete("nobody")) == .failure(.unknown))
            #expect(world.engine.catalogueGeneration == generation)
            _ = try world.loop.administer(.create(Self.made())).get()
            #expect(other.woken.wait(within: 120), "\(kind)")
        }
    }

    @Test("a scan hands over what is appended to a stream made since", arguments: EngineKind.allCases)
    func scans(_ kind: EngineKind) throws {
        let world = try EngineWorld(kind)
        let reader = TestLoop(world.engine)
        world.engine.setInterest(reader.id, appended: true, durable: true)
        let made = try world.loop.administer(.create(Self.made())).get()
        let partition = made.partitions[0]
        #expect(world.engine.scanOffsets(reader.id)[partition.index] == .zero)
        world.fill(partition, batchCount: 3)
        for visibility in [Visibility.appended, .durable] {
            var entries: [TailEntry] = []
            world.engine.scan(reader.id, visibility, countMax: 100, into: &entries)
            #expect(entries.map(\.partition) == [partition, partition, partition])
        }
        let read = try #require(
            world.engine.readTail(partition, from: .zero, visibility: .durable, loop: reader.id, byteCountMax: 1 << 20))
        #expect(!read.isGone)
        #expect(read.nextOffset.rawValue == 30)
    }

    @Test("a stream grows, and what it has stays where it is", arguments: EngineKind.allCases)
    func grows(_ kind: EngineKind) throws {
        let world = try EngineWorld(kind)
        let first = try world.partition("second")
        world.fill(first, batchCount: 20)
        let before = try #require(world.engine.streams.first { $0.settings.name == "second" })
        let generation = world.engine.catalogueGeneration
        var change = StreamAlteration()
        change.partitionCount = 3
        let grown = try world.loop.administer(.alter("second", change)).get()
        #expect(grown.id == before.id)
        #expect(grown.settings.partitionCount == 3)
        #expect(grown.partitions.first == first)
        #expect(world.engine.streams.contains(grown))
        #expect(world.engine.catalogueGeneration > generation)
        for partition in grown.partitions.dropFirst() {
            world.fill(partition, batchCount: 2)
            #expect(try world.history(partition) == Array(0..<20))
        }
        #expect(try world.history(first) == Array(0..<200))
    }

    @Test("policy and durability change, for appends from then on", arguments: EngineKind.allCases)
    func alters(_ kind: EngineKind) throws {
        let world = try EngineWorld(kind)
        let partition = try world.partition("first", 1)
        var expected: [Int] = []
        for durability in Durability.allCases + [.fsync] {
            let generation = world.engine.catalogueGeneration
            var change = StreamAlteration()
            change.durability = durability
            change.policy = world.engine.streams[0].settings.policy
            change.policy?.retentionMilliseconds = Int64(expected.count) + 1_000_000_000_000
            let altered = try world.loop.administer(.alter("first", change)).get()
            #expect(altered.settings.durability == durability)
            #expect(altered.settings.policy == change.policy)
            #expect(altered.settings.partitionCount == 2)
            #expect(world.engine.streams[0] == altered)
            #expect(world.engine.catalogueGeneration > generation)
            world.fill(partition, batchCount: 2)
            expected += Array(0..<20)
        }
        #expect(try world.history(partition) == expected)
        // Nothing is asked of it.
        #expect(try world.loop.administer(.alter("first", StreamAlteration())).get() == world.engine.streams[0])
    }

    @Test("a deleted stream takes no appends, and its readers are told", arguments: EngineKind.allCases)
    func deletes(_ kind: EngineKind) throws {
        let world = try EngineWorld(kind)
        let (kept, gone) = (try world.partition("first"), try world.partition("second"))
        let reader = TestLoop(world.engine)
        world.engine.setInterest(reader.id, appended: true, durable: true)
        world.fill(kept, batchCount: 5)
        world.fill(gone, batchCount: 50)
        // Some of it is on its way.
        let last = world.loop.append([EngineWorld.append(EngineWorld.batch([7]), to: gone, awaited: false)])
        let before = world.engine.streams
        let generation = world.engine.catalogueGeneration
        #expect(try world.loop.administer(.delete("second")).get() == before[1])
        #expect(world.engine.streams == [before[0], before[2]])
        #expect(world.engine.catalogueGeneration > generation)
        #expect(world.loop.settle(last.ticket) == .stored)

        let batch = EngineWorld.batch([1])
        let alone = world.loop.append([EngineWorld.append(batch, to: gone)]).ticket
        let both = world.loop.append([
            EngineWorld.append(EngineWorld.batch([2]), to: kept), EngineWorld.append(EngineWorld.batch([3]), to: gone),
        ]).ticket
        let sequenced = world.engine.append(
            sequenced: EngineWorld.append(EngineWorld.batch([4]), to: gone), from: world.loop.id)
        for ticket in [alone, both, sequenced] {
            #expect(world.loop.settle(ticket) == .refused(.unknownStream))
        }
        #expect(world.engine.bounds(kept).end.rawValue == 50, "nothing of it was appended")

        #expect(world.loop.fetch(gone, from: .zero, byteCountMax: 1 << 20).isGone)
        #expect(world.loop.fetch(gone, from: .zero, byteCountMax: 1 << 20) { $0.form = .region }.isGone)
        let tail = world.engine.readTail(
            gone, from: .zero, visibility: .durable, loop: reader.id, byteCountMax: 1 << 20)
        #expect(tail?.isGone == true)
        #expect(tail?.batches.isEmpty == true)
        for visibility in [Visibility.appended, .durable] {
            var entries: [TailEntry] = []
            world.engine.scan(reader.id, visibility, countMax: 1000, into: &entries)
            #expect(entries.map(\.partition) == Array(repeating: kept, count: 5))
        }
        #expect(try world.history(kept) == Array(0..<50))
        world.fill(kept, batchCount: 50)
        #expect(try world.history(kept) == Array(0..<50) + Array(0..<500))
    }

    @Test("a stream that is made anew is another one", arguments: EngineKind.allCases)
    func recreates(_ kind: EngineKind) throws {
        let world = try EngineWorld(kind)
        let old = try world.loop.administer(.create(Self.made(2))).get()
        world.fill(old.partitions[0], batchCount: 20)
        _ = try world.loop.administer(.delete("made")).get()
        var result = world.loop.administer(.create(Self.made(2)))
        // Its directory may have to go first, which the engine does by itself.
        while result == .failure(.isBeingDeleted) { result = world.loop.administer(.create(Self.made(2))) }
        let new = try result.get()
        #expect(new.id != old.id)
        #expect(Set(new.partitions).isDisjoint(with: old.partitions), "numbers are not given again")
        for partition in new.partitions {
            #expect(world.engine.bounds(partition).end == .zero)
            #expect(try world.history(partition).isEmpty)
            world.fill(partition, batchCount: 2)
            #expect(try world.history(partition) == Array(0..<20))
        }
        #expect(world.loop.fetch(old.partitions[0], from: .zero, byteCountMax: 1 << 20).isGone)
    }

    @Test("what cannot be is refused by name, and changes nothing", arguments: EngineKind.allCases)
    func refuses(_ kind: EngineKind) throws {
        let world = try EngineWorld(kind)
        let before = world.engine.streams
        let generation = world.engine.catalogueGeneration
        func expect(_ fault: StreamFault, _ request: StreamRequest) {
            #expect(world.loop.administer(request) == .failure(fault), "\(request)")
        }
        let bad = [
            "", ".", "..", "a b", "a/b", "../x", "n\u{e4}me", "a\nb", "a:b", String(repeating: "a", count: 250), "a\0",
        ]
        for name in bad { expect(.invalidName, .create(Self.made(1, name))) }
        expect(.invalidCount, .create(Self.made(0)))
        expect(.invalidCount, .create(Self.made(-3)))
        expect(.isInternal, .create(Self.made(1, "__mine")))
        expect(.exists, .create(Self.made(1, "first")))
        let countMax = Limits.partitionsMax - Limits.ownPartitionsMax
        expect(.partitionLimit(countMax), .create(Self.made(countMax - 3)))
        expect(.partitionLimit(countMax), .create(Self.made(.max)))
        var change = StreamAlteration()
        change.partitionCount = 1
        expect(.invalidCount, .alter("first", change))
        change.partitionCount = .max
        expect(.partitionLimit(countMax), .alter("first", change))
        expect(.unknown, .alter("nobody", change))
        expect(.isInternal, .alter("__state", StreamAlteration()))
        expect(.unknown, .delete("nobody"))
        expect(.isInternal, .delete("__state"))
        #expect(world.engine.streams == before)
        #expect(world.engine.catalogueGeneration == generation)
        for name in ["a", "...", "A.b-c_9", "_a", String(repeating: "a", count: 249)] {
            #expect(try world.loop.administer(.create(Self.made(1, name))).get().settings.name == name)
        }
    }

    @Test("requests are answered in their order", arguments: EngineKind.allCases)
    func orders(_ kind: EngineKind) throws {
        let world = try EngineWorld(kind)
        for number in 0..<10 {
            let name = "made-\(number / 2)"
            let request = number % 2 == 0 ? StreamRequest.create(Self.made(1, name)) : .delete(name)
            world.engine.administer(request, number: UInt64(number), for: world.loop.id)
        }
        var answers: [(number: UInt64, result: Result<StreamDescription, StreamFault>)] = []
        while answers.count < 10 {
            world.loop.woken.wait()
            answers += world.engine.takeAdministered(world.loop.id)
        }
        #expect(answers.map(\.number) == Array(0..<10))
        for (number, result) in answers { #expect(try result.get().settings.name == "made-\(number / 2)") }
        #expect(world.engine.streams.map(\.settings.name) == ["first", "second", "__state"])
    }
}
