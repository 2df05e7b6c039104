import Bridging
import Testing

/// Brokers and bridges in which a message takes a millisecond for each leg; what goes round is counted.
///
/// A bridge's legs are modelled as the broker has them: what leaves is marked, what is taken in is marked and stored,
/// a subscriber gets what is stored, and nobody gets back what it brought.
private struct World {
    enum Kind: CaseIterable { case sluice, oldSluice, mosquitto }
    enum Side: CaseIterable { case out, `in`, both }

    struct Bridge {
        var owner: Int
        var upstream: Int
        var side: Side
        var version: BridgeSettings.Version
        var watch = LoopWatch(now: 0)
        var pausedUntil: [Int64?] = [nil, nil]
        var kept: [[Event]] = [[], []]
        var isHeld = false

        func sends(from node: Int) -> Bool { owner == node && side != .in }
        func takes(from node: Int) -> Bool { upstream == node && side != .out }
    }

    struct Event {
        var bridge: Int
        var way: LoopWatch.Way
        var properties: MessageProperties
        var storedAt: Int64
    }

    static let leg: Int64 = 1_000_000
    let kinds: [Kind]
    var bridges: [Bridge]
    var now: Int64 = 0
    var queue: [Event] = []
    var counts: [Int]

    init(_ kinds: [Kind], _ bridges: [Bridge]) {
        self.kinds = kinds
        self.bridges = bridges
        counts = [Int](repeating: 0, count: kinds.count)
    }

    private static func node(_ index: Int) -> [UInt8] { Array("node\(index)".utf8) }

    /// A record: everybody who wants it gets it, but for who brought it.
    mutating func store(_ node: Int, _ properties: MessageProperties, from bridge: Int?) {
        counts[node] += 1
        for (index, other) in bridges.enumerated() where index != bridge && !other.isHeld {
            for way in [LoopWatch.Way.out, .in] where way == .out ? other.sends(from: node) : other.takes(from: node) {
                queue.append(Event(bridge: index, way: way, properties: properties, storedAt: now))
            }
        }
    }

    /// Runs until nothing is on its way.
    /// - Returns: false when there is after so many legs.
    mutating func settles(within legs: Int) -> Bool {
        for _ in 0..<legs {
            let isPaused = bridges.contains { $0.pausedUntil.contains { $0 != nil } }
            guard !queue.isEmpty || isPaused else { return true }
            now += Self.leg
            for index in bridges.indices { resume(index) }
            let events = queue
            queue = []
            for event in events { pass(event) }
        }
        return false
    }

    private mutating func resume(_ index: Int) {
        for way in 0..<2 {
            guard let until = bridges[index].pausedUntil[way], now >= until else { continue }
            bridges[index].pausedUntil[way] = nil
            bridges[index].watch.ended(isStalled: false, now: now)
            let kept = bridges[index].kept[way]
            bridges[index].kept[way] = []
            for event in kept { pass(event) }
        }
    }

    private mutating func pass(_ event: Event) {
        let bridge = bridges[event.bridge]
        guard !bridge.isHeld else { return }
        guard bridge.pausedUntil[event.way.rawValue] == nil else {
            bridges[event.bridge].kept[event.way.rawValue].append(event)
            return
        }
        var properties = event.properties
        let kind = kinds[bridge.owner]
        let target = event.way == .out ? bridge.upstream : bridge.owner
        if event.way == .in {
            if bridge.version == .v311 { properties = MessageProperties() }
            guard kind == .mosquitto || HopCount.verdict(properties, node: Self.node(target)) == .take else { return }
        }
        if kind == .sluice, watches(event) { return }
        mark(&properties, kind, event.way, bridge)
        if event.way == .out {
            if bridge.version == .v311 { properties = MessageProperties() }
            // A client's publish.
            var looked = properties
            looked.user.removeAll { $0.name == HopCount.viaName }
            guard kinds[target] == .mosquitto || HopCount.verdict(looked, node: Self.node(target)) == .take else {
                return
            }
        }
        store(target, properties, from: event.bridge)
    }

    /// - Returns: whether the bridge is held.
    private mutating func watches(_ event: Event) -> Bool {
        let digest = LoopWatch.digest(topic: Array("t".utf8).span, payload: Array("1".utf8).span)
        switch bridges[event.bridge].watch.passed(digest, event.way, storedAt: event.storedAt, now: now) {
        case .pass: return false
        case .pause(let nanoseconds):
            bridges[event.bridge].pausedUntil = [now + nanoseconds, now + nanoseconds]
            bridges[event.bridge].watch.began(nanoseconds: nanoseconds, now: now)
            return false
        case .loop, .flood:
            bridges[event.bridge].isHeld = true
            return true
        }
    }

    private func mark(
        _ properties: inout MessageProperties, _ kind: Kind, _ way: LoopWatch.Way, _ bridge: Bridge
    ) {
        let owner = Self.node(bridge.owner)
        switch (kind, way) {
        case (.mosquitto, _), (.oldSluice, .in): return
        case (.oldSluice, .out):
            // The first origin stays the only one.
            let origins = properties.user.filter { $0.name == HopCount.originName }
            HopCount.mark(&properties, node: origins.first?.value ?? owner)
        case (.sluice, .out): HopCount.mark(&properties, node: owner)
        case (.sluice, .in):
            let isKnown = kinds[bridge.upstream] == .sluice && bridge.version == .v5
            HopCount.markTaken(&properties, node: owner, upstream: isKnown ? Self.node(bridge.upstream) : nil)
        }
    }
}

@Suite("messages that could go in circles")
struct LoopTests {
    /// Rounds of a copy before a bridge that can read no mark is held.
    private static let roundsMax = (LoopWatch.trialsMin + 1) * LoopWatch.repeatsMin

    private func worlds(_ kinds: [[World.Kind]]) -> [World] {
        var worlds: [World] = []
        for kinds in kinds {
            let count = kinds.count
            let choices = World.Side.allCases.flatMap { side in
                BridgeSettings.Version.allCases.map { (side, $0) }
            }
            var picks = [Int](repeating: 0, count: count)
            while true {
                worlds.append(
                    World(
                        kinds,
                        (0..<count).map {
                            World.Bridge(
                                owner: $0, upstream: ($0 + 1) % count, side: choices[picks[$0]].0,
                                version: choices[picks[$0]].1)
                        }))
                guard let next = picks.firstIndex(where: { $0 < choices.count - 1 }) else { break }
                for index in 0..<next { picks[index] = 0 }
                picks[next] += 1
            }
        }
        return worlds
    }

    private func check(_ kinds: [[World.Kind]]) {
        for var world in worlds(kinds) {
            let description = "\(world.kinds) \(world.bridges.map { "\($0.side) \($0.version)" })"
            world.store(0, MessageProperties(), from: nil)
            let settles = world.settles(within: 20_000)
            #expect(settles, "it goes on: \(description) \(world.counts)")
            let isPlain = world.bridges.contains { $0.version == .v311 }
            let isAllNew = world.kinds.allSatisfy { $0 == .sluice }
            // With marks a node has a message once for each bridge that leads to it, or which it owns.
            let most = isPlain ? 5 * Self.roundsMax : isAllNew ? 2 : 4 * HopCount.hopsMax
            #expect(world.counts.allSatisfy { $0 <= most }, "\(description) \(world.counts)")
            #expect(isPlain || world.bridges.allSatisfy { !$0.isHeld }, "held: \(description)")
        }
    }

    @Test("pairs: every side, either version, with an older Sluice or mosquitto at one end")
    func pairs() {
        check([[.sluice, .sluice], [.sluice, .oldSluice], [.oldSluice, .sluice], [.sluice, .mosquitto]])
    }

    @Test("rings of three: every side, either version, with an older Sluice or mosquitto in between")
    func rings() {
        check([[.sluice, .sluice, .sluice], [.sluice, .oldSluice, .sluice], [.sluice, .mosquitto, .sluice]])
    }

    @Test("in on both sides, MQTT 5: each node has each message once")
    func inBoth() {
        var world = World(
            [.sluice, .sluice],
            (0..<2).map { World.Bridge(owner: $0, upstream: 1 - $0, side: .in, version: .v5) })
        world.store(0, MessageProperties(), from: nil)
        let settles = world.settles(within: 100)
        #expect(settles)
        #expect(world.counts == [1, 1])
    }

    private static let second: Int64 = 1_000_000_000

    @Test(
        "a sensor that repeats its value is no loop, however often; nor is a burst, or a backlog",
        arguments: [Int64(100_000), 1_000_000, 20_000_000, 200_000_000, 1_000_000_000])
    func sensor(period: Int64) {
        var watch = LoopWatch(now: 0)
        var resumesAt: Int64 = 0
        var waiting: [Int64] = []
        var pauseCount = 0
        for number in 1...20_000 {
            let now = Int64(number) * period
            waiting.append(now)
            guard now >= resumesAt else { continue }
            if resumesAt > 0 {
                watch.ended(isStalled: false, now: now)
                resumesAt = 0
            }
            for stored in waiting {
                switch watch.passed(7, .out, storedAt: stored, now: now) {
                case .pass: break
                case .pause(let nanoseconds):
                    resumesAt = now + nanoseconds
                    watch.began(nanoseconds: nanoseconds, now: now)
                    pauseCount += 1
                case .loop, .flood: Issue.record("a loop")
                }
            }
            waiting = []
        }
        // Three trials clear it for an hour.
        let most = 3 * (1 + 20_000 * period / (3600 * Self.second))
        #expect(period > LoopWatch.periodMax ? pauseCount == 0 : pauseCount <= most)
    }

    @Test("where what is sent comes back, a message that comes 1,000 times for the few that left floods")
    func floods() {
        for (inEach, isFlood) in [(1, false), (3, false), (7, false), (8, true), (100, true)] {
            var watch = LoopWatch(now: 0, echoes: true)
            let whole = watch.wholeDigest(topic: Array("t".utf8).span, payload: Array("1".utf8).span)
            var found: LoopWatch.Verdict?
            var now: Int64 = 0
            // Far apart, so that no trial is asked for.
            while found == nil, now < 40_000 * Self.second {
                now += Self.second / 2
                _ = watch.passed(7, whole: whole, .out, storedAt: now, now: now)
                for _ in 0..<inEach where found == nil {
                    now += Self.second / 2
                    let verdict = watch.passed(7, whole: whole, .in, storedAt: now, now: now)
                    if case .flood = verdict { found = verdict }
                }
            }
            #expect((found != nil) == isFlood, "\(inEach)")
            if case .flood(let inCount, let outCount)? = found {
                #expect(inCount <= 2 * LoopWatch.floodMin && inCount >= LoopWatch.floodFactor * outCount)
            }
        }
        // What comes and does not leave, or leaves and does not come, or with long gaps, is none.
        for (ways, gap) in [
            ([LoopWatch.Way.in], 1), ([.out], 1), ([.out, .in, .in, .in, .in, .in, .in, .in, .in, .in], 7),
        ] {
            var watch = LoopWatch(now: 0, echoes: true)
            let whole = watch.wholeDigest(topic: Array("t".utf8).span, payload: Array("1".utf8).span)
            for number in 1...20_000 {
                let now = Int64(number * gap) * Self.second
                #expect(watch.passed(7, whole: whole, ways[number % ways.count], storedAt: now, now: now) == .pass)
            }
        }
    }

    @Test("bursts of a value, each as long as a trial needs, are no loop")
    func bursts() {
        var watch = LoopWatch(now: 0)
        var now: Int64 = 0
        for _ in 0..<50 {
            for _ in 0..<LoopWatch.repeatsMin {
                now += 1_000_000
                switch watch.passed(7, .in, storedAt: now, now: now) {
                case .pass: break
                case .pause(let nanoseconds):
                    watch.began(nanoseconds: nanoseconds, now: now)
                    now += nanoseconds
                    watch.ended(isStalled: false, now: now)
                case .loop, .flood: Issue.record("a loop")
                }
            }
            now += 2 * Self.second
        }
    }

    @Test("what an application sends back with its properties is not taken for a loop where it was taken in")
    func echo() {
        var properties = MessageProperties()
        HopCount.markTaken(&properties, node: Array("a".utf8), upstream: Array("b".utf8))
        properties.user.removeAll { $0.name == HopCount.viaName }
        #expect(HopCount.verdict(properties, node: Array("a".utf8)) == .take)
        #expect(HopCount.verdict(properties, node: Array("b".utf8)) == .ownMessage)
    }
}
