import CommitLog
import MQTTWire
import SluiceCore
import Testing
import TopicRouting

@testable import SluiceBroker

/// One shard on a fake log, with clients whose sockets are arrays.
///
/// Isolation: the test's thread.
final class TestShard {
    let log: FakeLog
    let shard: BrokerShard
    private let peers = FakePeers()

    init(_ log: FakeLog = FakeLog(), limits: Limits = Limits()) {
        self.log = log
        let box = ReportBox()
        let woken = Flag()
        shard = BrokerShard(
            settings: ShardSettings(index: 0, limits: limits, rules: RuleSet()), log: log, peers: peers,
            wake: { woken.isSet = true },
            report: { _, text in box.lines.append(text) })
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
    func connect(_ id: String, _ version: ProtocolVersion = .v5, clean: Bool = true, properties: [UInt8] = [])
        -> TestClient
    {
        let client = TestClient(self, version)
        client.send {
            ConnectPacket(version: version, clientID: Array(id.utf8), cleanStart: clean, properties: properties)
                .encode(into: &$0)
        }
        #expect(client.take().first?.hasPrefix("connack") == true)
        return client
    }

    /// The end of a loop's iteration.
    func tick() { shard.endTick() }

    /// Writes, synchronises, and lets the shard see it.
    func commit() {
        log.commit()
        tick()
    }
}

/// All shards, of which there is one.
// Sendable: one thread.
private final class FakePeers: ShardPeers, @unchecked Sendable {
    private var directory = SessionDirectory()

    func withDirectory<Result>(_ body: (inout SessionDirectory) -> Result) -> Result { body(&directory) }
    func post(_ message: ShardMessage, to shard: Int) { Issue.record("a message to shard \(shard)") }
}

/// A client's end of a connection.
final class TestClient: ClientLink {
    private let owner: TestShard
    private let version: ProtocolVersion
    private var decoder: PacketDecoder
    private var client: Client?
    private var sent: [UInt8] = []
    /// Whether the socket takes nothing.
    var isBlocked = false
    private(set) var isClosed = false

    init(_ owner: TestShard, _ version: ProtocolVersion) {
        self.owner = owner
        self.version = version
        decoder = PacketDecoder(side: .client)
        decoder.version = version
        client = owner.shard.connected(self, address: "test")
    }

    // MARK: The link

    func flush() {
        guard !isBlocked, let client else { return }
        client.output.withUnsafeBytes { sent += Array($0) }
        client.output.removeAll()
    }

    func resume() {}

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

    func publish(_ topic: String, _ payload: String, qos: QoS, id: PacketID = 1, duplicate: Bool = false) {
        let (topic, payload) = (Array(topic.utf8), Array(payload.utf8))
        send {
            PacketEncoder.publish(
                into: &$0, topic: topic.span, payload: payload.span, packetID: id, qos: qos, retain: false,
                duplicate: duplicate, properties: Span(), version: version)
        }
    }

    func subscribe(_ filter: String, qos: QoS, offset: String? = nil) {
        let request = SubscribePacket.Request(filter: Array(filter.utf8), options: SubscriptionOptions(qos: qos))
        let properties = PropertyWriter.bytes { buffer in
            guard let offset else { return }
            let (name, value) = (Array("stream-offset".utf8), Array(offset.utf8))
            PropertyWriter.append(userProperty: name.span, value.span, to: &buffer)
        }
        send {
            SubscribePacket(version: version, packetID: 9, filters: [request], properties: properties).encode(into: &$0)
        }
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
        takePackets().map { describe($0.packet, $0.bytes) }
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

    private func describe(_ packet: Packet, _ bytes: [UInt8]) -> String {
        switch packet {
        case .connack(let connack): "connack \(connack.code)"
        case .publish(let publish):
            "\(text(publish.topic, bytes)) \(text(publish.payload, bytes)) q\(publish.qos.rawValue)"
                + (publish.qos == .atMostOnce ? "" : " #\(publish.packetID.rawValue)")
        case .acknowledgement(let packet):
            "\(packet.kind) \(packet.packetID.rawValue)"
                + (packet.reason == .success ? "" : " \(packet.reason.rawValue)")
        case .suback(let list): "suback \(bytes.span.copy(list.codes))"
        case .disconnect(let packet): "disconnect \(packet.reason.rawValue)"
        case .pingResponse: "pingresp"
        case .unsuback, .auth, .connect, .subscribe, .unsubscribe, .pingRequest: "other"
        }
    }

    private func text(_ range: ByteRange, _ bytes: [UInt8]) -> String {
        String(decoding: bytes.span.copy(range), as: UTF8.self)
    }
}
