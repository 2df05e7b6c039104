import Bridging
import CommitLog
import GroupCoordination
import LogInterface
import MQTTWire
import RecordFormat
import SluiceBroker
import SluiceCore
import SluiceTesting
import TopicRouting

/// One seeded history of a whole broker: several lives of a node, its clients and its upstream, and what they may rely
/// on.
///
/// Everything follows from the seed: which clients there are, who does the next step and what it is, when the node
/// crashes and what the crash leaves.
final class BrokerSimulation {
    /// What the log of a history is.
    enum Engine {
        /// The embedded one on a simulated disk, which crashes.
        case embedded
        /// The one in memory, which does not crash, and gives offsets only when appends settle.
        case memory
    }

    static let stream = "mqtt"
    /// Steps that are kept for a failure: all of them when one seed is repeated.
    static let historyMax = SimulationSeeds.isRepeated ? Int.max : 40
    static let group = "workers"

    private let kind: Engine
    private let plant: Plant?
    private var random: SeededGenerator
    private let disk = SimDisk()
    private var memory: MemoryEngine?
    private let streams: [StreamSettings]
    private var limits = LogLimits()
    private let journalFileBytes: Int
    private let rules: RuleSet
    private let shardCount: Int
    private let bridge: BridgeSettings?
    private let upstream: SimUpstream
    private let notebook = SimNotebook()
    private let model = BrokerModel()
    private var clients: [SimClient] = []
    private var now: Int64 = 1_700_000_000_000_000_000
    private var node: SimNode?
    /// Whether what should come to rest does: no more connections break.
    private var isCalm = false
    /// The last steps, for whoever has to understand a failure.
    private(set) var history: [String] = []
    private(set) var stepCount = 0
    private(set) var crashCount = 0

    init(seed: UInt64, _ kind: Engine = .embedded, plant: Plant? = nil) throws {
        var random = SeededGenerator(seed: seed)
        self.kind = kind
        self.plant = plant
        shardCount = 1 + random.below(3)
        journalFileBytes = 8192 << random.below(4)
        limits.tailBytesMax = 512 << random.below(6)
        limits.indexIntervalBytes = 256
        rules = RuleSet([try Rule(from: "m/#", stream: "metric", key: "topic")])
        streams = Self.streams(&random)
        bridge = random.once(in: 3) ? nil : try Self.bridge(&random)
        upstream = SimUpstream(model)
        clients = Self.clients(&random, model)
        self.random = random
        if kind == .memory { memory = MemoryEngine(streams, pace: .whenTold) }
        if SimulationSeeds.isRepeated { upstream.trace = { [unowned self] in note($0) } }
        for client in clients {
            if SimulationSeeds.isRepeated { client.trace = { [unowned self] in note($0) } }
            history.append("\(client.name): \(client.version), \(client.role), stays \(client.isPersistent)")
        }
    }

    // MARK: What there is

    private static func streams(_ random: inout SeededGenerator) -> [StreamSettings] {
        var mqtt = StreamSettings(name: stream)
        mqtt.partitionCount = 1 + random.below(3)
        mqtt.policy.granuleBytesMax = Int64(4096 << random.below(3))
        var metric = StreamSettings(name: "metric")
        metric.durability = .interval
        metric.policy.granuleBytesMax = 16_384
        let own = ["__sessions", "__retained", "__presence", "__consumer_offsets", "__bridges"].map { name in
            var setting = StreamSettings(name: name)
            setting.policy.granuleBytesMax = 8192
            setting.policy.cleanup = .compact
            setting.policy.dirtyPercentMin = 10
            return setting
        }
        return [mqtt, metric] + own
    }

    private static func bridge(_ random: inout SeededGenerator) throws -> BridgeSettings {
        let qos: BridgeQoS = random.once(in: 2) ? .atLeastOnce : .exactlyOnce
        var settings = BridgeSettings(
            name: "up", addresses: [BridgeSettings.Address(host: "up", port: 1883)],
            topics: [
                try BridgeTopic(pattern: "t/#", direction: .out, qos: qos),
                try BridgeTopic(pattern: "up/#", direction: .in, qos: .atLeastOnce),
            ], nodeName: "sim")
        settings.notifies = false
        settings.pacesCatchUp = false
        settings.beginning = .earliest
        settings.inflightMax = 2 + random.below(8)
        settings.restart = BridgeSettings.RestartDelay(
            baseNanoseconds: 100_000_000, capNanoseconds: 400_000_000)
        return settings
    }

    private static func clients(_ random: inout SeededGenerator, _ model: BrokerModel) -> [SimClient] {
        let filters = ["t/#", "#", "+/1", "m/#", "t/0", "w/+"]
        var clients: [SimClient] = []
        func add(_ role: SimRole, isPersistent: Bool) {
            let version: ProtocolVersion = random.once(in: 3) ? .v311 : .v5
            let isPlain = if case .member(_, let filter) = role { !filter.hasPrefix("$stream") } else { true }
            clients.append(
                SimClient("c\(clients.count)", isPlain ? version : .v5, isPersistent: isPersistent, role, model))
        }
        for _ in 0..<1 + random.below(3) { add(.publisher, isPersistent: !random.once(in: 4)) }
        for _ in 0..<1 + random.below(3) {
            let qos = QoS(rawValue: UInt8(random.below(3))) ?? .exactlyOnce
            add(.subscriber(filters[random.below(filters.count)], qos), isPersistent: !random.once(in: 4))
        }
        if !random.once(in: 3) {
            for _ in 0..<1 + random.below(3) {
                add(.member(group: "share", "t/#"), isPersistent: random.once(in: 2))
            }
        }
        if !random.once(in: 3) {
            for _ in 0..<1 + random.below(3) {
                add(.member(group: group, "$stream/\(stream)"), isPersistent: random.once(in: 2))
            }
        }
        return clients
    }

    // MARK: Lives

    /// Several lives, each ended by a crash, and a last one in which everything must come to its end.
    func run() throws {
        let lifeCount = kind == .memory ? 1 : 1 + random.below(3)
        for life in 0..<lifeCount {
            if node == nil { try start() }
            let count = 60 + random.below(600)
            for _ in 0..<count {
                try step()
                guard node?.isSound != false else { throw BrokerModel.Violation("the parts of a shard do not agree") }
            }
            // A check brings everything to rest, and a crash should find something that is not.
            if kind == .memory || random.once(in: 4) { try check() }
            if kind == .embedded, life < lifeCount - 1 || random.once(in: 2) { crash() }
        }
        if node == nil { try start() }
        try end()
    }

    private func start() throws {
        let engine: any SteppedEngine
        if let memory {
            engine = memory
        } else {
            engine = try SimEngine(
                disk, streams, limits: limits, journalFileBytes: journalFileBytes, plant: plant)
        }
        let node = try SimNode(
            engine, shardCount: shardCount, bridge: bridge, upstream: upstream, notebook: notebook, rules: rules,
            limits: Limits(), now: now, seed: random.next(), plant: plant)
        self.node = node
        note("started")
        try checkRecovered(node)
    }

    private func crash() {
        let kind: SimDisk.Crash = random.once(in: 3) ? .kill : .powerCut
        note("\(kind)")
        crashCount += 1
        now = node?.now ?? now
        for client in clients { client.crashed() }
        if kind == .powerCut {
            model.powerCut()
            if random.once(in: 2) { notebook.bytes = [] }
        }
        node = nil
        disk.crash(kind, seed: random.next())
    }

    private func note(_ text: String) {
        stepCount += 1
        history.append("\(stepCount) \(text)")
        if history.count > Self.historyMax { history.removeFirst() }
    }

    // MARK: Steps

    private func step() throws {
        guard let node else { return }
        switch random.below(20) {
        case 0..<6: try clientStep(clients[random.below(clients.count)], node)
        case 6..<10: socketStep(node)
        case 10..<13: tickStep(node)
        case 13..<16: try engineStep(node)
        case 16..<18: try readStep()
        case 18: try bridgeStep(node)
        case _:
            let milliseconds = random.once(in: 4) ? 600 : 1 + random.below(50)
            note("pass \(milliseconds) ms")
            node.pass(milliseconds: milliseconds)
            if random.once(in: 8) {
                note("keep house")
                try (node.engine as? SimEngine)?.keepHouse()
            }
        }
    }

    private func clientStep(_ client: SimClient, _ node: SimNode) throws {
        guard client.connection != nil else { return connect(client, node) }
        switch random.below(24) {
        case 0:
            if !isCalm {
                note("\(client.name) is lost")
                client.lose()
            }
        case 1:
            if !isCalm {
                note("\(client.name) says goodbye")
                client.disconnect()
            }
        case 2: if !isCalm { connect(client, node) }
        case 3..<12: publish(client)
        case 12..<16:
            if client.canSubscribe {
                note("\(client.name) subscribes")
                client.subscribe()
            }
        case _:
            guard client.owesSomething else { return }
            note("\(client.name) acknowledges")
            client.acknowledge(atMost: 1 + random.below(3))
        }
    }

    private func connect(_ client: SimClient, _ node: SimNode) {
        let shard = random.below(shardCount)
        note("\(client.name) connects to shard \(shard)")
        let room = isCalm ? 1 << 20 : 16 << random.below(8)
        client.connect(node.connect(to: shard, room: room), withWill: !isCalm && random.once(in: 3))
    }

    private func publish(_ client: SimClient) {
        guard client.mayPublish, model.nextSerial < 200 else { return }
        var qos = QoS(rawValue: UInt8(random.below(3))) ?? .exactlyOnce
        let number = random.below(3)
        let kind = random.below(8)
        // At QoS 0 nobody waits for the device, and a power cut may keep the message and not that it is retained.
        if kind == 0, self.kind == .embedded { qos = max(qos, .atLeastOnce) }
        let topic = kind == 0 ? "r/\(number)" : kind == 1 ? "m/\(number)" : "t/\(number)"
        note("\(client.name) publishes \(model.nextSerial) to \(topic) at QoS \(qos.rawValue)")
        client.publish(topic, qos, isRetained: kind == 0)
    }

    private func socketStep(_ node: SimNode) {
        let readable = node.readable
        guard !readable.isEmpty else { return }
        let connection = readable[random.below(readable.count)]
        let count = random.once(in: 3) ? 1 + random.below(20) : 4096
        note("shard \(connection.shard) reads \(count)")
        node.perform(connection, count)
    }

    private func tickStep(_ node: SimNode) {
        let due = node.dueShards
        guard !due.isEmpty else { return }
        let shard = due[random.below(due.count)]
        let most = random.once(in: 3) ? 1 : 100
        note("shard \(shard) ticks")
        node.tick(shard, mailMax: most)
    }

    private func engineStep(_ node: SimNode) throws {
        let work = node.engine.work
        guard !work.isEmpty else { return }
        let chosen = work[random.below(work.count)]
        note("the log does \(chosen)")
        if random.once(in: 20) { (node.engine as? SimEngine)?.failsFetch = true }
        try node.engine.perform(chosen)
    }

    private func readStep() throws {
        let readers = clients.filter(\.hasNews)
        guard !readers.isEmpty else { return }
        let client = readers[random.below(readers.count)]
        let count = random.once(in: 3) ? 1 + random.below(30) : 4096
        note("\(client.name) reads \(count)")
        try client.read(count)
    }

    private func bridgeStep(_ node: SimNode) throws {
        guard let upstream = node.upstream else { return }
        switch random.below(12) {
        case 0:
            guard !isCalm else { return }
            note("the upstream breaks the connection")
            upstream.breakConnection()
        case 1:
            guard !isCalm else { return }
            self.upstream.isDown.toggle()
        case 2..<4:
            guard !isCalm, model.nextSerial < 200 else { return }
            note("the upstream sends \(model.nextSerial)")
            self.upstream.send()
        case 4..<8:
            guard upstream.hasNews else { return }
            note("the upstream goes on")
            try upstream.perform()
        case _:
            guard node.isBridgeDue else { return }
            note("the bridge ticks")
            node.tickBridge()
        }
    }

    // MARK: Checks

    private func check() throws {
        guard let node else { return }
        let records = try node.records()
        try model.check(log: records)
        try checkOffsets(node, records)
    }

    private func checkRecovered(_ node: SimNode) throws {
        let records = try node.records()
        try model.check(log: records)
        try checkOffsets(node, records)
        for partition in node.checkpoint?.partitions ?? [] {
            try model.check(
                position: partition.position, partition.stream, partition.number, done: partition.done, log: records)
        }
    }

    private func checkOffsets(_ node: SimNode, _ records: [SimRecord]) throws {
        for number in 0..<streams[0].partitionCount {
            let partition = StreamPartition(stream: Self.stream, number: Int32(number))
            guard let committed = node.peers.offsets.committed(Self.group, partition) else { continue }
            try model.check(
                committed: committed.offset, group: Self.group, Self.stream, number, log: records)
        }
    }

    // MARK: The end

    /// Everything that can be done without time passing is done.
    private func settle(_ node: SimNode) throws {
        for _ in 0..<4000 {
            var isIdle = true
            for connection in node.readable {
                node.perform(connection, 4096)
                isIdle = false
            }
            for shard in node.dueShards {
                node.tick(shard, mailMax: 100)
                isIdle = false
            }
            for work in node.engine.work {
                try node.engine.perform(work)
                isIdle = false
            }
            if let upstream = node.upstream {
                if upstream.hasNews {
                    try upstream.perform()
                    isIdle = false
                }
                if upstream.flag.isSet {
                    node.tickBridge()
                    isIdle = false
                }
            }
            for client in clients {
                if client.hasNews {
                    try client.read(4096)
                    isIdle = false
                }
                if client.owesSomething {
                    client.acknowledge(atMost: .max)
                    isIdle = false
                }
            }
            if isIdle { return }
        }
        throw BrokerModel.Violation("the node does not come to rest")
    }

    private func end() throws {
        guard let node else { return }
        isCalm = true
        upstream.isDown = false
        (node.engine as? SimEngine)?.failsFetch = false
        note("the end")
        var missing: String?
        for _ in 0..<60 {
            for client in clients {
                if client.connection == nil { connect(client, node) }
                if client.canSubscribe { client.subscribe() }
            }
            try settle(node)
            node.pass(milliseconds: 600)
            if node.isBridgeDue { node.tickBridge() }
            try settle(node)
            missing = try whatIsMissing(node)
            if missing == nil { break }
        }
        if let missing { throw BrokerModel.Violation(missing) }
        try check()
        try checkRetained(node)
        try checkMemory(node)
    }

    private func whatIsMissing(_ node: SimNode) throws -> String? {
        if let client = clients.first(where: { !$0.isQuiet }) { return "not quiet: \(client.state)" }
        let records = try node.records()
        let stored = Set(records.map(\.serial))
        for client in clients {
            if let serial = client.willsDue.first(where: { !stored.contains($0) }) {
                return "the will \(serial) of \(client.name) was not published"
            }
        }
        if !upstream.outbox.isEmpty, bridge != nil { return "the bridge has not taken \(upstream.outbox)" }
        return model.missing(log: records, hasBridge: bridge != nil)
    }

    /// A new subscriber gets the newest of each retained topic.
    private func checkRetained(_ node: SimNode) throws {
        var expected: [String: String] = [:]
        for record in try node.records() where record.topic.hasPrefix("r/") {
            expected[record.topic] = "\(record.serial)"
        }
        let checker = SimClient("checker", .v5, isPersistent: false, .checker, model)
        clients.append(checker)
        connect(checker, node)
        try settle(node)
        checker.subscribe()
        try settle(node)
        guard checker.retained == expected else {
            throw BrokerModel.Violation("retained are \(expected), a new subscriber gets \(checker.retained)")
        }
    }

    /// Without clients nothing is held.
    private func checkMemory(_ node: SimNode) throws {
        for client in clients { client.disconnect() }
        clients = []
        try settle(node)
        node.pass(milliseconds: 600)
        try settle(node)
        guard node.peers.memoryUse == 0 else {
            throw BrokerModel.Violation("\(node.peers.memoryUse) bytes are held for clients that are gone")
        }
    }
}
