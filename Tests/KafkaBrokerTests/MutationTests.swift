import Foundation
import GroupCoordination
import KafkaWire
import LogInterface
import SluiceCore
import SluiceTesting
import Testing

@testable import KafkaBroker

@Suite("Requests that nobody meant")
struct MutationTests {
    /// The frames of a run, a quarter for each seed; `SLUICE_MUTATED_REQUESTS` asks for more.
    private static let count =
        ProcessInfo.processInfo.environment["SLUICE_MUTATED_REQUESTS"].flatMap { Int($0) } ?? 100_000

    /// Bytes that one mutated request may leave in the memory of the endpoint, at most: what is on record of groups and
    /// transactions, and topics, which are bounded elsewhere.
    private static let linesMax = 2000

    @Test("Mutated requests never trap, hold no memory, and others are served", arguments: UInt64(0)..<4)
    func mutated(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let requests = try Self.requests()
        var world = Self.world()
        var client = world.connect("fuzz")
        for number in 0..<Self.count / 4 {
            if number % 2000 == 1999 {
                client.drop()
                try Self.check(world, seed, number)
                // What is stored, and who is in groups, does not pile up from one world to the next.
                world = Self.world()
                client = world.connect("fuzz")
            }
            var frame = requests[random.below(requests.count)]
            for _ in 0..<random.below(4) { Self.mutate(&frame, &random) }
            let length = frame.count - 4
            TestBatch.put(Int32(length), at: 0, in: &frame)
            client.send(bytes: frame)
            while client.takeFrame() != nil {}
            if random.once(in: 50) { world.pass(milliseconds: Int64(random.below(3000))) }
            #expect(world.peers.memoryUse < 8 << 20, "seed \(seed), request \(number)")
            if client.isClosed || random.once(in: 100) {
                client.drop()
                #expect(world.peers.memoryUse == world.peers.shares.byteCount, "seed \(seed), request \(number)")
                client = world.connect("fuzz")
            }
        }
        client.drop()
        try Self.check(world, seed, Self.count / 4)
    }

    private static func world() -> TestKafka {
        TestKafka([
            TestKafka.stream("t", partitions: 2), TestKafka.stream("c") { $0.policy.cleanup = .compact },
        ])
    }

    /// Whoever means well is served as if nothing had been.
    private static func check(_ world: TestKafka, _ seed: UInt64, _ number: Int) throws {
        // What share groups have in partitions stays when their members are gone; sessions do not.
        #expect(world.peers.memoryUse == world.peers.shares.byteCount, "seed \(seed), request \(number)")
        #expect(world.peers.shares.sessionCount == 0)
        #expect(world.takeLines().count < linesMax)
        let good = world.connect("good")
        let wanted = CreateTopicsRequest(topics: [.init(name: "good", numPartitions: 1, replicationFactor: 1)])
        let _: CreateTopicsResponse = try good.ask(wanted, 7)
        #expect(try good.produce(TestBatch.bytes(["a"]), to: "good").errorCode == .none)
        #expect(try good.fetch(TestConnection.fetching("good")).first?.values.contains("a") == true)
        good.drop()
        #expect(world.peers.memoryUse == world.peers.shares.byteCount)
    }

    /// Frames of every API that is served, in every version, mostly with something in them.
    private static func requests() throws -> [[UInt8]] {
        var frames: [[UInt8]] = []
        let world = Self.world()
        for request in samples(try world.id(of: "t")) {
            let api = try #require(KafkaAPI(rawValue: type(of: request).key))
            let versions = try #require(ServedVersions.of(api))
            for version in versions {
                // A version that has no place for what a sample says has others.
                do {
                    frames.append(try TestConnection.frame(world.named(request, version), version))
                } catch is KafkaWireError { continue }
            }
        }
        return frames
    }

    private static func mutate(_ bytes: inout [UInt8], _ random: inout SeededGenerator) {
        // The length is put right afterwards; the API is mostly left as it is.
        let index = 6 + random.below(bytes.count - 6)
        switch random.below(7) {
        case 0: bytes[index] = UInt8(random.below(256))
        case 1: bytes[index] ^= 1 << random.below(8)
        case 2: bytes.insert(UInt8(random.below(256)), at: index)
        case 3: if bytes.count > 16 { bytes.remove(at: index) }
        case 4: bytes.replaceSubrange(index..<min(index + 4, bytes.count), with: [0x7F, 0xFF, 0xFF, 0xFF])
        case 5: bytes[5] = UInt8(random.below(95))
        default: bytes[index] = [0, 1, 0x7F, 0x80, 0xFF][random.below(5)]
        }
    }
}
