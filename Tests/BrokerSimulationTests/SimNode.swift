import Bridging
import GroupCoordination
import LogInterface
import RecordFormat
import SluiceCore
import SluiceTesting
import TopicRouting

@testable import SluiceBroker

/// A node without threads: what its loops, its log and its bridge do, one step after the other.
final class SimNode {
    let engine: any SteppedEngine
    let peers: SimPeers
    let shards: [BrokerShard]
    private let wakes: [WakeFlag]
    private(set) var connections: [SimConnection] = []
    private(set) var bridge: BridgeRunner?
    private(set) var upstream: SimUpstreamClient?
    private var bridgeDeadline: Int64 = 0
    /// Shards whose sockets have had news since their last tick.
    private var isTicking: [Bool]
    private var lastElapsed: [Int64]
    private(set) var now: Int64
    private(set) var wallClock: Timestamp
    private let plant: Plant?
    /// What the bridge's checkpoint said when the node was started.
    private(set) var checkpoint: BridgeCheckpoint?

    /// Recovers what the engine has.
    init(
        _ engine: any SteppedEngine, shardCount: Int, bridge settings: BridgeSettings?, upstream: SimUpstream,
        notebook: SimNotebook, rules: RuleSet, limits: Limits, now: Int64, seed: UInt64, plant: Plant?
    ) throws {
        self.engine = engine
        self.now = now
        self.plant = plant
        let wallClock = Timestamp(rawValue: now / 1_000_000)
        self.wallClock = wallClock
        let wakes = (0..<shardCount).map { _ in WakeFlag() }
        self.wakes = wakes
        let peers = SimPeers(wakes, plant: plant)
        self.peers = peers
        isTicking = wakes.map { _ in true }
        lastElapsed = wakes.map { _ in now }
        let recovery = SimRecovery(engine: engine, plant: plant)
        peers.directory = try recovery.sessions(now: now, wallClock: wallClock)
        peers.retained = try recovery.retained()
        peers.offsets = try recovery.offsets(wallClock)
        shards = wakes.enumerated().map { index, flag in
            BrokerShard(
                settings: ShardSettings(index: index, limits: limits, rules: rules), log: engine, peers: peers,
                wake: { flag.isSet = true }, report: { _, _ in })
        }
        setClocks()
        shards[0].rewriteSessions()
        for shard in shards { shard.elapsed() }
        guard let settings else { return }
        checkpoint = try recovery.checkpoints()[settings.name]
        let client = SimUpstreamClient(upstream, plant: plant)
        self.upstream = client
        bridge = BridgeRunner(
            settings: settings, log: engine, peers: peers, rules: rules, limits: limits, checkpoint: checkpoint,
            notebook: notebook, upstream: client, random: SeededGenerator(seed: seed), now: now, report: { _, _ in })
    }

    // MARK: Connections

    func connect(to shard: Int, room: Int) -> SimConnection {
        let connection = SimConnection(shards[shard], shard: shard, room: room, plant: plant)
        connections.append(connection)
        return connection
    }

    /// Connections whose sockets have news for the broker.
    var readable: [SimConnection] {
        connections.removeAll { $0.isClosed && $0.isAbandoned }
        return connections.filter(\.hasNews)
    }

    func perform(_ connection: SimConnection, _ count: Int) {
        setClocks()
        isTicking[connection.shard] = true
        connection.perform(count)
    }

    // MARK: Ticks

    /// Shards whose loop would run.
    var dueShards: [Int] { shards.indices.filter { isTicking[$0] || wakes[$0].isSet } }

    /// The end of an iteration of a shard's loop.
    func tick(_ index: Int, mailMax: Int) {
        setClocks()
        isTicking[index] = false
        wakes[index].isSet = false
        for message in peers.takeMail(of: index, atMost: mailMax) { shards[index].received(message) }
        if !peers.mail[index].isEmpty { wakes[index].isSet = true }
        shards[index].endTick()
        guard !shards[index].isUnderPressure else { return }
        for connection in connections where connection.shard == index { connection.resumeIfPossible() }
    }

    /// Time passes, for everybody.
    func pass(milliseconds: Int) {
        now += Int64(milliseconds) * 1_000_000
        wallClock = Timestamp(rawValue: now / 1_000_000)
        setClocks()
        for index in shards.indices {
            if now - lastElapsed[index] >= 500_000_000 {
                lastElapsed[index] = now
                shards[index].elapsed()
                isTicking[index] = true
            }
            if shards[index].isPacing { shards[index].pace() }
        }
        (engine as? SimEngine)?.wallClock = wallClock
    }

    private func setClocks() {
        for shard in shards {
            shard.now = now
            shard.wallClock = wallClock
        }
    }

    var isBridgeDue: Bool { upstream.map { $0.flag.isSet || now >= bridgeDeadline } ?? false }

    func tickBridge() {
        guard let bridge, let upstream else { return }
        _ = upstream.flag.take()
        bridgeDeadline = bridge.tick(now: now, wallClock: wallClock).deadline
    }

    // MARK: What a check looks at

    /// Whether the parts of every shard agree; what does not traps where it is looked at.
    var isSound: Bool { shards.allSatisfy { $0.holdsInvariants() } }

    /// Every record of the streams that clients publish to.
    func records() throws -> [SimRecord] {
        var found: [SimRecord] = []
        for stream in engine.streams where !stream.settings.isInternal {
            for (number, partition) in stream.partitions.enumerated() {
                for batch in try engine.allBatches(of: partition) {
                    let bytes = batch.bytes
                    var records = RecordReader(batch)
                    while let record = try records.next(bytes) {
                        guard let message = StoredMessage(record, in: bytes) else { continue }
                        let topic = String(decoding: message.topic.indices.map { bytes[$0] }, as: UTF8.self)
                        let payload = String(decoding: message.payload.indices.map { bytes[$0] }, as: UTF8.self)
                        guard let serial = Int(payload) else { continue }
                        found.append(
                            SimRecord(
                                stream: stream.settings.name, number: number,
                                offset: batch.baseOffset.advanced(by: record.offsetDelta), serial: serial,
                                topic: topic))
                    }
                }
            }
        }
        return found
    }
}

/// What a node brings back from its log, as `Node` does.
struct SimRecovery {
    let engine: any SteppedEngine
    let plant: Plant?

    private func forEachBatch(of stream: String, _ body: (RecordBatch) throws -> Void) throws {
        guard let partition = engine.streams.first(where: { $0.settings.name == stream })?.partitions[0] else { return }
        var batches = try engine.allBatches(of: partition)
        switch stream {
        case RetainedReplay.stream where plant == .retainedBehind: batches = batches.dropLast()
        case SessionReplay.stream where plant == .sessionsBehind: batches = batches.dropLast()
        case _: break
        }
        for batch in batches { try body(batch) }
    }

    private func forEachRecord(of stream: String, _ body: ([UInt8], [UInt8]?) -> Void) throws {
        try forEachBatch(of: stream) { batch in
            let bytes = batch.bytes
            var records = RecordReader(batch)
            while let record = try records.next(bytes) {
                guard let key = record.key else { continue }
                body(key.indices.map { bytes[$0] }, record.value?.indices.map { bytes[$0] })
            }
        }
    }

    func sessions(now: Int64, wallClock: Timestamp) throws -> SessionDirectory {
        var replay = SessionReplay(StreamTable(engine.streams))
        try forEachRecord(of: SessionReplay.stream) { key, value in
            if let value { replay.apply(key: key, value: value.span) } else { replay.apply(key: key, value: nil) }
        }
        guard replay.damagedCount == 0 else { throw BrokerModel.Violation("records of sessions are not understood") }
        var directory = replay.finish(now: now, wallClock: wallClock)
        guard plant == .sessionsAhead || plant == .losesInflight else { return directory }
        for (clientID, found) in directory.parkedSessions {
            var session = found
            if plant == .losesInflight { session.inflight = [] }
            if plant == .sessionsAhead {
                session.positions = session.positions.map(Self.ahead)
                for index in session.subscriptions.indices {
                    session.subscriptions[index].positions = session.subscriptions[index].positions.map(Self.ahead)
                }
            }
            _ = directory.take(clientID, now: now)
            directory.park(session, clientID, now: now)
        }
        return directory
    }

    private static func ahead(_ positions: Positions) -> Positions {
        Positions(base: Positions.Vector(positions.offsets.map { $0.advanced(by: 1) }))
    }

    func retained() throws -> RetainedTree {
        var replay = RetainedReplay()
        try forEachBatch(of: RetainedReplay.stream) { try replay.apply($0) }
        return replay.finish()
    }

    func offsets(_ wallClock: Timestamp) throws -> OffsetTable {
        var table = OffsetTable()
        try forEachRecord(of: GroupRecord.stream) { key, value in
            guard plant == .groupOffsetsAhead, let record = GroupRecord(key: key, value: value) else {
                return table.apply(key: key, value: value)
            }
            guard case .offset(let group, let partition, var committed?) = record else { return table.apply(record) }
            committed.offset = committed.offset.advanced(by: 1)
            table.apply(.offset(group: group, partition, committed))
        }
        table.started(at: wallClock)
        return table
    }

    func checkpoints() throws -> [String: BridgeCheckpoint] {
        var replay = BridgeReplay()
        try forEachRecord(of: BridgeCheckpoint.stream) { replay.apply(key: $0, value: $1) }
        guard replay.damaged.isEmpty else { throw BrokerModel.Violation("checkpoints are not understood") }
        guard plant == .checkpointsAhead else { return replay.checkpoints }
        return replay.checkpoints.mapValues { checkpoint in
            var checkpoint = checkpoint
            for index in checkpoint.partitions.indices {
                checkpoint.partitions[index].position = checkpoint.partitions[index].position.advanced(by: 1)
            }
            return checkpoint
        }
    }
}
