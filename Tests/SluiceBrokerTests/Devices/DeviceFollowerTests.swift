import Administration
import DeviceProfiles
import LogInterface
import MQTTWire
import PayloadFormats
import RecordFormat
import SluiceCore
import SluiceTesting
import Testing
import TopicRouting

@testable import SluiceBroker

@Suite("A follower of devices")
struct DeviceFollowerTests {
    /// A log, a follower of it, and an intake as a shard has one.
    private final class World {
        let log: FakeLog
        let peers = FakePeers()
        let routing: Routing
        private(set) var follower: DeviceFollower
        private var intake: Intake
        private let loop: LoopID

        /// - Parameter known: a log that has what is on record of devices; nil for none.
        init(_ patterns: [String], known: FakeLog? = nil) throws {
            log = FakeLog(others: ["sensors", "sensors.dlq", "__devices"])
            routing = try DeviceFollowerTests.routing(patterns)
            loop = log.register(wake: {})
            intake = Intake(
                StreamTable(log.streams), rules: routing.rules, profiles: routing.profiles, limits: Limits(),
                in: BatchMemory())
            var replay = DeviceReplay(log.streams)
            for batch in known?.batches(of: DeviceRecord.stream) ?? [] {
                var records = RecordReader(batch)
                let bytes = batch.bytes
                while let record = try records.next(bytes) {
                    let key = (record.key?.indices ?? 0..<0).map { bytes[$0] }
                    replay.apply(key: key, value: record.value?.indices.map { bytes[$0] })
                }
            }
            follower = DeviceFollower(
                routing, replay: replay, log: log, peers: peers, startEnds: log.endOffsets(), wake: {},
                now: Timestamp(rawValue: 0), report: { _, words in Issue.record("\(words)") })
        }

        /// Publishes numbers, each of its own device.
        func publish(_ topics: [String], _ payload: String = "1", at time: Int64 = 1000) throws {
            for topic in topics {
                let (name, bytes) = (Array(topic.utf8), Array(payload.utf8))
                let message = IncomingMessage(
                    topic: name.span, payload: bytes.span, properties: Span(), qos: .atLeastOnce, isRetained: false)
                _ = try intake.store(message, under: nil, origin: [], at: Timestamp(rawValue: time))
            }
            _ = intake.submit(to: log, from: loop, peers)
            log.commit()
        }

        /// What the ledger has of the profile, with what the intake has counted.
        var ledger: (published: Int64, stored: Int64, letters: Int64) { ledger(since: nil, now: 0) }

        /// The same of what came in since a time.
        func ledger(since time: Int64?, now: Int64) -> (published: Int64, stored: Int64, letters: Int64) {
            if let checks = intake.checks {
                let counts = checks.takeCounts()
                peers.withDevices { $0.take(counts, refused: [:]) }
            }
            let reports = peers.withDevices { $0.ledger(since: time, now: now).reports }
            let report = reports.first { $0.profile == "meter" }
            return (report?.published ?? 0, report?.stored ?? 0, report?.deadLettered ?? 0)
        }

        func route(_ routing: Routing) {
            follower.route(by: routing, ends: log.endOffsets())
            intake.route(by: routing.rules, profiles: routing.profiles, StreamTable(log.streams))
        }
    }

    /// A profile of these topics, whose payloads are numbers, behind a rule for the same stream.
    private static func routing(_ patterns: [String]) throws -> Routing {
        let schema = try PayloadSchema(
            format: .number, fields: [PayloadField(name: "value", path: "", type: .number)])
        let messages = try patterns.map {
            DeviceMessage(pattern: try TopicPattern($0), schema: schema, signals: [nil])
        }
        var profile = DeviceProfile(
            name: "meter", stream: "sensors", key: "{device}", messages: messages, place: "meter.yaml:1")
        profile.interval = .seconds(1)
        let profiles = try ProfileSet(messages.isEmpty ? [] : [profile])
        let rule = try Rule(from: "m/{device}", stream: "sensors", key: "{device}")
        return Routing(rules: RuleSet(profiles.rules + [rule]), profiles: profiles)
    }

    @Test("a fleet that falls silent at once is told in few appends, each device once")
    func silence() throws {
        let world = try World(["m/{device}"])
        try world.publish((0..<5000).map { "m/\($0)" })
        _ = world.follower.tick(at: Timestamp(rawValue: 2000))
        #expect(world.peers.withDevices { $0.table.count } == 5000)
        for time: Int64 in [10_000, 20_000] {
            _ = world.follower.tick(at: Timestamp(rawValue: time))
            world.log.commit()
        }
        world.log.flush()
        let told = world.log.batches(of: Presence.stream)
        #expect(told.reduce(0) { $0 + $1.recordCount } == 5000)
        #expect(told.count == 3)
    }

    @Test("what was stored before a profile came into force is no device's publish, but is the device's record")
    func reload() throws {
        let world = try World([])
        try world.publish(["m/a", "m/b", "m/a"])
        world.route(try Self.routing(["m/{device}"]))
        try world.publish(["m/a"])
        try world.publish(["m/a"], "x")
        _ = world.follower.tick(at: Timestamp(rawValue: 2000))
        #expect(world.ledger == (2, 1, 1))
        let states = world.peers.withDevices { book in
            (0..<book.table.count).map { (book.table.key(at: $0), book.table[$0].count, book.table[$0].badCount) }
        }
        #expect(states.contains { $0 == (Array("a".utf8), 3, 1) } && states.contains { $0 == (Array("b".utf8), 1, 0) })
    }

    @Test("a period of the ledger has what came in within it on both sides, however late the log is read")
    func ledgerPeriods() throws {
        let world = try World(["m/{device}"])
        let minute: Int64 = 60_000
        for (number, count) in [(0, 1), (5, 2), (6, 3), (70, 4)] {
            // The last millisecond of a minute and the first of the next.
            try world.publish(Array(repeating: "m/a", count: count), at: Int64(number) * minute)
            try world.publish(["m/b"], at: Int64(number + 1) * minute - 1)
            try world.publish(["m/a"], "x", at: Int64(number) * minute + 30_000)
        }
        // A clock that was set back.
        try world.publish(["m/c"], at: 5 * minute + 1)
        let now = 75 * minute
        #expect(world.ledger(since: 6 * minute + 59_999, now: now) == (11, 0, 0))
        _ = world.follower.tick(at: Timestamp(rawValue: now))
        #expect(world.ledger == (19, 15, 4))
        #expect(world.ledger(since: 70 * minute, now: now) == (6, 5, 1))
        #expect(world.ledger(since: 6 * minute + 59_999, now: now) == (11, 9, 2))
        #expect(world.ledger(since: 5 * minute, now: now) == (16, 13, 3))
        let (_, start) = world.peers.withDevices { $0.ledger(since: 6 * minute + 59_999, now: now) }
        #expect(start == 6 * minute)
        // More than a day later minutes are gone, and the hour that it was in counts.
        let later = now + 25 * 60 * minute
        #expect(world.ledger(since: 70 * minute, now: later) == (6, 5, 1))
        #expect(world.peers.withDevices { $0.ledger(since: 70 * minute, now: later).since } == 60 * minute)
    }

    @Test("what is kept of the ledger is what counting each message by itself gives, and does not grow for ever")
    func ledgerModel() throws {
        var periods = LedgerPeriods()
        var random = SeededGenerator(seed: 5)
        var times: [Int64] = []
        let day = 24 * LedgerPeriods.hour
        var now: Int64 = 100 * day
        for _ in 0..<20_000 {
            now += Int64(random.below(4)) * 20_000
            let time = now - Int64(random.below(3)) * 40_000
            times.append(time)
            periods.count(1, at: time) { $0.publishedCount += 1 }
        }
        #expect(periods.total(1).publishedCount == 20_000)
        for ago in [0, 1, 59, 60, 61, 600, 1439, 1440, 1500, 3000, 9000] as [Int64] {
            let start = LedgerPeriods.start(for: now - ago * LedgerPeriods.minute, now: now)
            let due = times.count { $0 >= start }
            #expect(periods.sum(1, from: start, now: now).publishedCount == UInt64(due), "\(ago) minutes ago")
        }
        #expect(periods.count < 24 * 60 + 31 * 24 + 10)
    }

    @Test("a stream that was made anew is followed from its beginning")
    func madeAnew() throws {
        let first = try World(["m/{device}"])
        try first.publish(["m/a", "m/a", "m/a"])
        _ = first.follower.tick(at: Timestamp(rawValue: 2000))
        first.follower.shutDown()
        first.log.commit()
        first.log.flush()
        let second = try World(["m/{device}"], known: first.log)
        #expect(second.peers.withDevices { $0.table[0].count } == 3)
        try second.publish(["m/a"])
        _ = second.follower.tick(at: Timestamp(rawValue: 3000))
        #expect(second.peers.withDevices { $0.table[0].count } == 4)
    }
}
