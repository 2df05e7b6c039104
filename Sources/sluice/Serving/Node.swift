import AccessControl
import Bridging
import CLinux
import CommitLog
import CommitLogPosix
import Compression
import Cryptography
import DeviceProfiles
import Glibc
import GroupCoordination
import KafkaBroker
import LogInterface
import RecordFormat
import SluiceBroker
import SluiceConfiguration
import SluiceCore
import SluiceNode
import SluiceTransport
import TopicRouting

/// A running broker, composed from its configuration: log, sessions, server; started in this order and stopped in
/// reverse.
struct Node {
    let configuration: Configuration
    /// Whether streams may get more partitions than they have.
    let growsPartitions: Bool
    /// Whether it takes the place of a process that runs on its data directory.
    let takesOver: Bool

    /// Runs until a signal stops it, or until another process takes over.
    /// - Parameters:
    ///   - readyFile: gets the listeners' addresses when all of them accept.
    ///   - read: reads the configuration anew, on SIGHUP.
    func run(readyFile: String?, read: @escaping () throws -> Configuration) throws {
        // Batches are made on one thread and freed on another; with a heap for each thread, memory kept creeping up
        // over 20 million messages. With two heaps it levels off.
        sluice_limit_heaps(2)
        let fileLimit = Int(clamping: sluice_raise_file_limit())
        let routing = Routing(
            rules: try RuleTranslation.rules(configuration), profiles: try RuleTranslation.profiles(configuration))
        let downlinks = try RuleTranslation.downlinks(configuration)
        let certificates = try Certificates(configuration)
        let policy = try SecurityTranslation.policy(configuration)
        let bridgeSettings = try BridgeTranslation.settings(configuration)
        // The threads of the log, of authentication and of the record, the loops, HTTP's too, and the bridges.
        let memory = try MemoryPlan(configuration, threadCount: 12 + loopCount + configuration.bridges.count)
        var (limits, room, limitNote) = try limits(fileLimit: fileLimit, loopCount: loopCount)
        memory.apply(to: &limits)
        let storedStreams = try checkStreams()
        // What can be wrong with the configuration is found by now: who runs until here runs on if it is.
        let (storage, inherited) = try TakingOver.begin(configuration, takesOver: takesOver)
        let log = try LogRuntime(
            storage: storage, streams: RuleTranslation.streams(configuration), settings: runtimeSettings(memory),
            report: { Console.log($0, $1) })
        report(log.findings)
        try RetentionScope.note(configuration, storage, isNew: storedStreams == nil)
        let recovery = StateRecovery(log: log)
        let server = try BrokerNode(
            settings: serverSettings(certificates, limits, inherited), log: log,
            state: try recovery.state(routing: routing), bans: configuration.bans?.settings,
            report: { Console.log($0, $1) })
        let access = try access(by: policy, recovery)
        defer { access.close() }
        server.access = access
        let audit = AuditLog(configuration.audit)
        defer { audit.close() }
        server.audit = audit
        warn(policy, certificates, routing, bridgeSettings)
        let bridges = BridgeService(
            bridgeSettings, log: log, peers: server.sharedState,
            routing: routing, downlinks: downlinks, limits: configuration.limits,
            checkpoints: try recovery.checkpoints(), directory: "\(configuration.dataDirectory)/bridges")
        server.bridges = bridges
        let devices = try DeviceService(log: log, peers: server.sharedState, recovery, downlinks: downlinks)
        server.declaredStreams = Set(configuration.streams.map(\.name))
        server.downlinks = downlinks
        server.logDesk = ConsoleDesk()
        server.kafka = try KafkaIdentity(configuration)
        serveHTTP(server, log)
        let supervisor = Supervisor(server)
        server.beforeStop = {
            supervisor.stopping()
            devices.stop()
            bridges.stop()
        }
        let reload = Reload(
            log: log, server: server, current: configuration, certificates: certificates, policy: policy,
            routing: routing, bridges: bridges, devices: devices, audit: audit,
            capacity: Capacity(clientMemoryMax: limits.clientMemoryMax, connectionsMax: room), read: read)
        reload.changed = desk.follow
        server.run(reload: { supervisor.reload(reload.run) }) {
            greet(server, routing, [limitNote, memory.note(tailBytes: configuration.log.tailBytes)], loopCount)
            bridges.start()
            devices.start(routing)
            if let readyFile { ReadyFile.write(readyFile, server.addresses) }
            supervisor.ready()
        }
        Console.log(.nodeStopping, "stopping")
        log.stop()
        if let readyFile { unlink(readyFile) }
        Console.log(.nodeStopped, "stopped, everything is on disk")
    }

    private let desk: HTTPDesk

    /// A broker of a configuration.
    /// - Parameters:
    ///   - growsPartitions: whether streams may get more partitions than they have.
    ///   - takesOver: whether it takes the place of a process that runs on its data directory.
    init(configuration: Configuration, growsPartitions: Bool = false, takesOver: Bool = false) {
        self.configuration = configuration
        self.growsPartitions = growsPartitions
        self.takesOver = takesOver
        desk = HTTPDesk(configuration)
    }

    /// Event loops for devices; HTTP has one more.
    private var loopCount: Int {
        configuration.loopCount > 0 ? configuration.loopCount : max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    }

    private func serverSettings(
        _ certificates: Certificates, _ limits: Limits, _ inherited: [InheritedSocket]
    ) -> ServerSettings {
        var settings = ServerSettings(
            listeners: configuration.listeners.endpoints(certificates), loopCount: loopCount,
            limits: LimitBook(limits, listeners: configuration.listeners.limits))
        settings.inherited = inherited
        settings.handoverDirectory = configuration.dataDirectory
        return settings
    }

    private func serveHTTP(_ server: BrokerNode, _ log: LogRuntime) {
        desk.follow(log)
        server.http = (Sluice.version, desk, configuration.listeners.hosts)
        let memory = ProcessMemory()
        server.heapBytes = { memory.ownBytes }
        server.exactClock = { MonotonicClock.nanoseconds() }
    }

    private func greet(_ server: BrokerNode, _ routing: Routing, _ notes: [LogLine?], _ loopCount: Int) {
        Console.log(
            .dataOpened, "data in \(configuration.dataDirectory, as: .path), \(loopCount, as: .loops) event loops")
        for note in notes.compactMap(\.self) { Console.log(note) }
        for (kind, address) in server.addresses {
            Console.log(.listenerOpened, "\(kind.rawValue, as: .listener) listens on \(address, as: .address)")
        }
        let topic = Array("sensors/plant1/dev42/temp".utf8)
        Console.greet(server.addresses, stream: routing.rules.resolve(topic.span).stream)
    }

    private func report(_ findings: [RecoveryFinding]) {
        for finding in findings {
            let words: LogWords = "recovery: \(finding.path, as: .path): \(finding.text, as: .reason)"
            switch finding.severity {
            case .damage: Console.log(.recoveryDamage, words)
            case .notice: Console.log(.recoveryNote, words)
            }
        }
    }

    private func access(by policy: NodePolicy, _ recovery: StateRecovery) throws -> NodeAccess {
        let credentials = try recovery.credentials()
        // Where nobody is known there is nothing to give away.
        let knowsSomebody = policy.knowsPasswords || !credentials.isEmpty
        return NodeAccess(
            policy, credentials: credentials,
            secret: knowsSomebody ? try NodeSecret.read(configuration.dataDirectory) : Secrets.randomBytes(32))
    }

    private func warn(
        _ policy: NodePolicy, _ certificates: Certificates, _ routing: Routing, _ bridges: [BridgeSettings]
    ) {
        for warning in SecurityTranslation.warnings(configuration, policy) { Console.log(warning) }
        for warning in certificates.warnings { Console.log(warning) }
        for warning in RuleTranslation.warnings(configuration, routing.rules) { Console.log(warning) }
        for warning in BridgeTranslation.warnings(configuration, bridges) { Console.log(warning) }
    }

    /// Says how the directory's streams differ from those configured.
    /// - Returns: the partitions of its streams; nil when it is new.
    /// - Throws: when the order of keys would break and nobody has asked for that.
    private func checkStreams() throws -> [String: Int]? {
        let streams = try StreamChanges(configuration)
        for change in streams.changes { Console.log(change.line) }
        if !growsPartitions, let change = streams.refused.first {
            throw CommandFailure("\(change.text); \(StreamChanges.advice)")
        }
        let (count, most) = (streams.partitionCount, Limits.partitionsMax - Limits.ownPartitionsMax)
        guard count <= most else {
            throw CommandFailure(
                "the data directory and the configuration have \(count) partitions together, "
                    + "and a node has \(most) at most")
        }
        return streams.stored
    }

    /// The configured limits, as far as the system has descriptors for them.
    /// - Returns: them, the connections that there is room for, and what there is to say when they are fewer.
    private func limits(fileLimit: Int, loopCount: Int) throws -> (Limits, room: Int, note: LogLine?) {
        let streams = RuleTranslation.streams(configuration)
        let budget = DescriptorBudget(
            limit: fileLimit, partitionCount: streams.reduce(0) { $0 + $1.partitionCount }, loopCount: loopCount,
            bridgeCount: configuration.bridges.count)
        var limits = configuration.limits
        let note = budget.note(of: limits.connectionsMax)
        limits.connectionsMax = try budget.connections(of: limits.connectionsMax)
        return (limits, try budget.connections(of: .max), note)
    }

    private func runtimeSettings(_ memory: MemoryPlan) -> LogRuntimeSettings {
        var settings = LogRuntimeSettings()
        settings.journalFileBytes = configuration.journal.fileBytes
        settings.commitDelayNanoseconds = configuration.journal.commitDelay.nanoseconds
        settings.limits.tailBytesMax = configuration.log.tailBytes
        memory.apply(to: &settings.limits)
        settings.policy = RuleTranslation.policy(configuration.log)
        settings.reserveBytes = configuration.log.reserveBytes
        for stream in configuration.streams {
            if case .interval(let interval) = stream.durability {
                settings.syncIntervalNanoseconds = min(settings.syncIntervalNanoseconds, interval.nanoseconds)
            }
        }
        return settings
    }
}

extension Duration {
    /// Whole nanoseconds.
    var nanoseconds: Int64 { components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000 }
    /// Whole milliseconds.
    var milliseconds: Int64 { nanoseconds / 1_000_000 }
}

/// Brings back what the node's own streams say.
struct StateRecovery {
    let log: LogRuntime

    /// Everything that the node has brought back.
    func state(routing: Routing) throws -> NodeState {
        NodeState(
            routing: routing, sessions: try sessions(), retained: try retained(), offsets: try offsets(),
            producers: try producerNumbers(), transactions: try transactions(), shares: try shares())
    }

    /// Replays every record of the stream of sessions.
    func sessions() throws -> SessionDirectory {
        var replay = SessionReplay(StreamTable(log.streams))
        try forEachBatch(of: SessionReplay.stream) { batch in
            let bytes = batch.bytes
            var records = RecordReader(batch)
            while let record = try records.next(bytes) {
                guard let field = record.key else { continue }
                var key: [UInt8] = []
                for index in field.indices { key.append(bytes[index]) }
                if let value = record.value {
                    replay.apply(key: key, value: bytes.extracting(value.indices))
                } else {
                    replay.apply(key: key, value: nil)
                }
            }
        }
        if replay.damagedCount > 0 {
            Console.log(
                .statePassedOver,
                "\(replay.damagedCount, as: .count) records of \("sessions", as: .kind) are not understood and "
                    + "passed over")
        }
        return replay.finish(
            now: Self.monotonicNanoseconds, wallClock: Timestamp(rawValue: WallClock.milliseconds()))
    }

    /// Calls `body` with the key and the value of every record of a stream that has a key.
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

    /// Replays every record of the stream of groups' offsets, and of their settings.
    func offsets() throws -> OffsetTable {
        var table = OffsetTable()
        try forEachRecord(of: GroupRecord.stream) { table.apply(key: $0, value: $1) }
        try forEachRecord(of: ProducerNumbers.stream) { table.settings.apply(key: $0, value: $1) }
        table.started(at: Timestamp(rawValue: WallClock.milliseconds()))
        table.restoreClassic(now: Self.monotonicNanoseconds)
        return table
    }

    /// Replays every record of the numbers that producers are given.
    func producerNumbers() throws -> ProducerNumbers {
        var numbers = ProducerNumbers()
        try forEachRecord(of: ProducerNumbers.stream) { numbers.apply(key: $0, value: $1) }
        return numbers
    }

    /// Replays every record of credentials that clients have set.
    func credentials() throws -> ScramTable {
        var table = ScramTable()
        try forEachBatch(of: ProducerNumbers.stream) { batch in
            let bytes = batch.bytes
            var records = RecordReader(batch)
            while let record = try records.next(bytes) {
                guard let key = record.key else { continue }
                table.apply(key: key.indices.map { bytes[$0] }, value: record.value?.indices.map { bytes[$0] })
            }
        }
        if table.damagedCount > 0 {
            Console.log(
                .statePassedOver,
                "\(table.damagedCount, as: .count) \("credentials", as: .kind) are not understood and passed over")
        }
        return table
    }

    /// Replays every record of devices.
    func devices() throws -> DeviceReplay {
        var replay = DeviceReplay(log.streams)
        try forEachRecord(of: DeviceRecord.stream) { replay.apply(key: $0, value: $1) }
        if replay.damagedCount > 0 {
            Console.log(
                .statePassedOver,
                "\(replay.damagedCount, as: .count) records of \("devices", as: .kind) are not understood and "
                    + "passed over")
        }
        return replay
    }

    /// Replays every record of transactions.
    func transactions() throws -> TransactionTable {
        var table = TransactionTable()
        try forEachRecord(of: TransactionTable.stream) { table.apply(key: $0, value: $1) }
        if table.damagedCount > 0 {
            Console.log(
                .statePassedOver,
                "\(table.damagedCount, as: .count) records of \("transactions", as: .kind) are not understood and "
                    + "passed over")
        }
        return table
    }

    /// Replays every record of share groups.
    func shares() throws -> ShareTable {
        var table = ShareTable()
        try forEachRecord(of: ShareStateRecord.stream) { table.apply(key: $0, value: $1) }
        if table.damagedCount > 0 {
            Console.log(
                .statePassedOver,
                "\(table.damagedCount, as: .count) records of \("share groups", as: .kind) are not understood and "
                    + "passed over")
        }
        return table
    }

    private static var monotonicNanoseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// Replays every record of the stream of retained messages.
    func retained() throws -> RetainedTree {
        var replay = RetainedReplay()
        try forEachBatch(of: RetainedReplay.stream) { try replay.apply($0) }
        return replay.finish()
    }

    /// Replays every record of the stream of bridges' checkpoints.
    func checkpoints() throws -> [String: BridgeCheckpoint] {
        var replay = BridgeReplay()
        try forEachBatch(of: BridgeCheckpoint.stream) { batch in
            let bytes = batch.bytes
            var records = RecordReader(batch)
            while let record = try records.next(bytes) {
                guard let key = record.key else { continue }
                replay.apply(
                    key: Array(copying: bytes.extracting(key.indices)),
                    value: record.value.map { Array(copying: bytes.extracting($0.indices)) })
            }
        }
        for name in replay.damaged.sorted() {
            Console.log(
                .bridgeCheckpointDamaged,
                "the checkpoint of the bridge '\(name, as: .bridge)' is not understood; it begins anew")
        }
        return replay.checkpoints
    }

    private func forEachBatch(of stream: String, _ body: (RecordBatch) throws -> Void) throws {
        guard let partition = log.streams.first(where: { $0.settings.name == stream })?.partitions.first else { return }
        try log.forEachBatch(of: partition, body)
    }
}

/// The file that tells scripts where the broker listens.
enum ReadyFile {
    /// Writes `addresses` as JSON beside `path` and renames it there, so that a reader never sees half of it.
    static func write(_ path: String, _ addresses: [(kind: ListenerKind, address: String)]) {
        let body = addresses.map { "\"\($0.kind.rawValue)\": \"\($0.address)\"" }
        let text = "{\(body.joined(separator: ", "))}\n"
        let temporary = path + ".new"
        guard let file = fopen(temporary, "w") else {
            let reason = String(cString: strerror(errno))
            return Console.log(.readyFileFailed, "cannot write \(temporary, as: .path): \(reason, as: .reason)")
        }
        fputs(text, file)
        fclose(file)
        if rename(temporary, path) != 0 {
            let reason = String(cString: strerror(errno))
            Console.log(.readyFileFailed, "cannot write \(path, as: .path): \(reason, as: .reason)")
        }
    }
}
