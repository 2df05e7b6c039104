import AccessControl
import CommitLog
import GroupCoordination
import MQTTWire
import SluiceCore
import Speaking
import Testing
import TopicRouting

@testable import SluiceBroker

/// One shard on a fake log, with clients whose sockets are arrays.
///
/// Isolation: the test's thread.
final class TestShard {
    let log: FakeLog
    let shard: BrokerShard
    let peers: FakePeers

    /// A shard on a new log, or one that starts anew on a log that another shard has left.
    /// - Parameter others: the peers of a node with several shards, whose first shard has recovered what they share.
    init(
        _ log: FakeLog = FakeLog(), limits: Limits = Limits(), authenticator: (any EnhancedAuthenticator)? = nil,
        rules: RuleSet = RuleSet(), admission: any Authenticator = OpenAuthenticator(),
        access: (any AccessDesk)? = nil, index: Int = 0, of others: FakePeers? = nil,
        downlinks: [String: DownlinkTemplate] = [:], listenerLimits: [String: Limits] = [:],
        gate: (any ConnectionGate)? = nil
    ) {
        self.log = log
        let peers = others ?? FakePeers()
        self.peers = peers
        var settings = ShardSettings(index: index, limits: limits, rules: rules)
        settings.authenticator = authenticator
        settings.admission = admission
        settings.access = access
        settings.downlinks = downlinks
        settings.listenerLimits = listenerLimits
        settings.gate = gate
        if index == 0 {
            peers.directory = log.sessions(now: 0, wallClock: Timestamp(rawValue: 0))
            peers.retained = log.retained()
            peers.offsets = log.offsets()
        }
        let box = ReportBox()
        let woken = Flag()
        shard = BrokerShard(
            settings: settings, log: log, peers: peers,
            wake: { woken.isSet = true },
            report: { _, words in box.lines.append(words.text) })
        reportBox = box
        self.woken = woken
    }

    // Sendable: one thread.
    private final class Flag: @unchecked Sendable { var isSet = false }
    private let woken: Flag

    /// Whether the shard has asked for another tick since the last call.
    func takeWake() -> Bool {
        defer { woken.isSet = false }
        return woken.isSet
    }

    private final class ReportBox { var lines: [String] = [] }
    private let reportBox: ReportBox
    var reportLines: [String] { reportBox.lines }

    /// A connected client whose CONNACK is taken.
    func connect(
        _ id: String, _ version: ProtocolVersion = .v5, clean: Bool = true, properties: [UInt8] = [],
        will: ConnectPacket.Will? = nil, sessionPresent: Bool? = nil, listener: String = "test"
    ) -> TestClient {
        let client = TestClient(self, version, listener: listener)
        client.send {
            ConnectPacket(
                version: version, clientID: Array(id.utf8), cleanStart: clean, will: will, properties: properties
            ).encode(into: &$0)
        }
        // A session that stays is on record before its client hears of it.
        commit()
        let greeting = client.takeFirst()
        switch greeting {
        case "connack 0": #expect(sessionPresent != true)
        case "connack 0 present": #expect(sessionPresent != false)
        case _: Issue.record("expected a CONNACK, got \(greeting ?? "nothing")")
        }
        return client
    }

    /// The end of a loop's iteration.
    func tick() {
        for message in peers.takeMail(of: shard.settings.index) { shard.received(message) }
        shard.endTick()
    }

    /// As many ticks as reading history takes, the disk following each.
    func settle() {
        for _ in 0..<20 { commit() }
    }

    /// Time passes.
    func pass(seconds: Int64) {
        shard.now += seconds * 1_000_000_000
        shard.wallClock = Timestamp(rawValue: shard.wallClock.rawValue + seconds * 1000)
        shard.elapsed()
        shard.elapsed()
        shard.endTick()
    }

    /// Writes, synchronises, and lets the shard see it.
    func commit() {
        log.commit()
        tick()
    }
}

/// All shards, of which there is one unless a test says otherwise.
// Sendable: one thread.
final class FakePeers: ShardPeers, @unchecked Sendable {
    var directory = SessionDirectory()
    var retained = RetainedTree()
    var offsets = OffsetTable()
    private var counters: [BrokerCounters] = []
    private(set) var refusals: [RefusalList] = []
    private var devices = DeviceBook()

    func withDirectory<Result>(_ body: (inout SessionDirectory) -> Result) -> Result { body(&directory) }
    func withRetained<Result>(_ body: (inout RetainedTree) -> Result) -> Result { body(&retained) }
    func withCounters<Result>(_ body: (inout [BrokerCounters]) -> Result) -> Result { body(&counters) }
    func withOffsets<Result>(_ body: (inout OffsetTable) -> Result) -> Result { body(&offsets) }
    var shares = ShareTable()
    func withShares<Result>(_ body: (inout ShareTable) -> Result) -> Result { body(&shares) }
    var memoryUse = 0
    func addMemory(_ byteCount: Int) { memoryUse += byteCount }

    func withDevices<Result>(_ body: (inout DeviceBook) -> Result) -> Result { body(&devices) }
    func withRefusals<Result>(_ body: (inout [RefusalList]) -> Result) -> Result { body(&refusals) }
    let shardCount: Int
    private var mail: [[ShardMessage]]

    init(shardCount: Int = 1) {
        self.shardCount = shardCount
        mail = (0..<shardCount).map { _ in [] }
    }

    /// A shard tells itself at once what it can: without others only answers come this way.
    func post(_ message: ShardMessage, to shard: Int) {
        if shardCount == 1 {
            guard shard == 0, case .authenticated = message else {
                Issue.record("a message to shard \(shard)")
                return
            }
        }
        mail[shard].append(message)
    }

    func takeMail(of shard: Int) -> [ShardMessage] {
        defer { mail[shard] = [] }
        return mail[shard]
    }
}

/// A client's end of a connection.
final class TestClient: ConnectionLink {
    private let owner: TestShard
    private let version: ProtocolVersion
    private var decoder: PacketDecoder
    private(set) var client: Client?
    private var sent: [UInt8] = []
    private var taken: [String] = []
    /// Whether the socket takes nothing.
    var isBlocked = false
    private(set) var isClosed = false
    /// How often the shard has let it be read on.
    private(set) var resumedCount = 0
    /// Where all of them come from.
    static let peer = PeerIdentity(
        address: "test", listener: ListenerIdentity(name: "test", conversation: .mqtt))

    /// Where those of another listener come from.
    static func peer(at listener: String) -> PeerIdentity {
        PeerIdentity(address: "192.0.2.1:4711", listener: ListenerIdentity(name: listener, conversation: .mqtt))
    }

    init(_ owner: TestShard, _ version: ProtocolVersion, refusal: ConnectionRefusal? = nil, listener: String = "test") {
        self.owner = owner
        self.version = version
        decoder = PacketDecoder(side: .client)
        decoder.version = version
        client = owner.shard.connected(
            self, peer: listener == "test" ? Self.peer : Self.peer(at: listener), refusal: refusal)
    }

    // MARK: The link

    func flush() {
        guard !isBlocked, let client else { return }
        client.output.withUnsafeBytes { sent += Array($0) }
        client.output.removeAll()
    }

    func resume() { resumedCount += 1 }

    func pause() {}

    var unacknowledgedByteCount: Int { 0 }

    func close() {
        flush()
        isClosed = true
    }

    // MARK: The client

    /// Gives the shard what `body` encodes, and ends the tick.
    func send(_ body: (inout ByteBuffer) -> Void) {
        guard let client else { return }
        let bytes = PropertyWriter.bytes(body)
        _ = owner.shard.received(client, bytes.span)
        owner.tick()
    }

    func publish(
        _ topic: String, _ payload: String, qos: QoS, id: PacketID = 1, retain: Bool = false, duplicate: Bool = false,
        properties: [UInt8] = []
    ) {
        let (topic, payload) = (Array(topic.utf8), Array(payload.utf8))
        send {
            PacketEncoder.publish(
                into: &$0, topic: topic.span, payload: payload.span, packetID: id, qos: qos, retain: retain,
                duplicate: duplicate, properties: properties.span, version: version)
        }
    }

    func subscribe(
        _ filter: String, qos: QoS, offset: String? = nil, until: String? = nil, speed: String? = nil,
        retainAsPublished: Bool = false,
        handling: SubscriptionOptions.RetainHandling = .send
    ) {
        let options = SubscriptionOptions(
            qos: qos, retainAsPublished: retainAsPublished, retainHandling: handling)
        let request = SubscribePacket.Request(filter: Array(filter.utf8), options: options)
        let properties = PropertyWriter.bytes { buffer in
            for (name, value) in [("stream-offset", offset), ("stream-until", until), ("stream-speed", speed)] {
                guard let value else { continue }
                let (name, text) = (Array(name.utf8), Array(value.utf8))
                PropertyWriter.append(userProperty: name.span, text.span, to: &buffer)
            }
        }
        send {
            SubscribePacket(version: version, packetID: 9, filters: [request], properties: properties).encode(into: &$0)
        }
    }

    func unsubscribe(_ filter: String) {
        send { UnsubscribePacket(version: version, packetID: 9, filters: [Array(filter.utf8)]).encode(into: &$0) }
    }

    /// The connection is lost.
    func drop() {
        guard let client else { return }
        owner.shard.disconnected(client)
        owner.commit()
    }

    func acknowledge(_ kind: AcknowledgementKind, _ id: PacketID) {
        send {
            PacketEncoder.acknowledgement(into: &$0, kind: kind, packetID: id, reason: .success, version: version)
        }
    }

    /// The socket takes bytes again.
    func unblock() {
        isBlocked = false
        flush()
        if let client { owner.shard.drained(client) }
        owner.tick()
    }

    /// The packets that came since the last call, in words.
    func take() -> [String] {
        defer { taken = [] }
        return taken + takePackets().map { describe($0.packet, $0.bytes) }
    }

    /// The first packet that came, in words; the others stay.
    func takeFirst() -> String? {
        taken += takePackets().map { describe($0.packet, $0.bytes) }
        return taken.isEmpty ? nil : taken.removeFirst()
    }

    /// The packets that came since the last call, with the bytes that they were decoded from.
    func takePackets() -> [(packet: Packet, bytes: [UInt8])] {
        var packets: [(packet: Packet, bytes: [UInt8])] = []
        let bytes = sent
        var start = 0
        do {
            while case .packet(let packet, let end) = try decoder.decode(bytes.span, from: start) {
                packets.append((packet, bytes))
                start = end
            }
        } catch {
            Issue.record("\(error)")
        }
        sent.removeFirst(start)
        return packets
    }

    /// The reason string of each packet that came since the last call, nil where there is none.
    func takeReasons() -> [String?] {
        takePackets().map { packet, bytes in
            let properties: ByteRange
            switch packet {
            case .connack(let connack): properties = connack.properties
            case .acknowledgement(let acknowledgement): properties = acknowledgement.properties
            case .suback(let list), .unsuback(let list): properties = list.properties
            case .disconnect(let reason), .auth(let reason): properties = reason.properties
            case .publish, .pingResponse, .connect, .subscribe, .unsubscribe, .pingRequest: return nil
            }
            var reader = PropertyReader(bytes.span, properties)
            while let property = reader.next() {
                if property.id == .reasonString, let range = property.bytes { return text(range, bytes) }
            }
            return nil
        }
    }

    private func describe(_ packet: Packet, _ bytes: [UInt8]) -> String {
        switch packet {
        case .connack(let connack): "connack \(connack.code)" + (connack.sessionPresent ? " present" : "")
        case .publish(let publish):
            "\(text(publish.topic, bytes)) \(text(publish.payload, bytes)) q\(publish.qos.rawValue)"
                + (publish.qos == .atMostOnce ? "" : " #\(publish.packetID.rawValue)")
                + (publish.duplicate ? " dup" : "") + (publish.retain ? " retain" : "")
        case .acknowledgement(let packet):
            "\(packet.kind) \(packet.packetID.rawValue)"
                + (packet.reason == .success ? "" : " \(packet.reason.rawValue)")
        case .suback(let list): "suback \(bytes.span.copy(list.codes))"
        case .disconnect(let packet): "disconnect \(packet.reason.rawValue)"
        case .pingResponse: "pingresp"
        case .auth(let packet): "auth \(packet.reason.rawValue)"
        case .unsuback, .connect, .subscribe, .unsubscribe, .pingRequest: "other"
        }
    }

    private func text(_ range: ByteRange, _ bytes: [UInt8]) -> String {
        String(decoding: bytes.span.copy(range), as: UTF8.self)
    }
}
