import AccessControl
import Administration
import MQTTWire
import SluiceBroker
import SluiceCore
import Speaking

/// Who an HTTP request says it is from.
struct HTTPCredentials: Equatable {
    /// The user's name; nil for nobody, or for what a token says.
    var userName: [UInt8]?
    /// The password or token.
    var password: [UInt8]?
}

/// An MQTT 5 session inside this process: what HTTP does as a client of the broker goes through it, so that a name, a
/// right, a limit, a line of the audit log or a message published mean here what they mean for every other client.
///
/// The broker sees a client on a connection; the other side of it is this object instead of a socket.
/// Isolation: its loop's thread.
final class LocalSession {
    private unowned let shard: HTTPShard
    /// Who it is for.
    let credentials: HTTPCredentials
    private let peer: PeerIdentity
    private var client: Client?
    private var input: PacketInput
    /// What the broker has not taken yet.
    private var backlog = ByteBuffer()
    private(set) var state = State.connecting
    /// Called once, when it is open, or is not going to be.
    private var opened: ((Refusal?) -> Void)?
    private var nextID: UInt16 = 1
    private var publishes: [UInt16: (ReasonCode, String?) -> Void] = [:]
    private var subscriber: (([ReasonCode], String?) -> Void)?
    private var requests: [UInt32: (Answer) -> Void] = [:]
    private var requestIDs: [UInt16: UInt32] = [:]
    private var nextRequest: UInt32 = 1
    /// What is done with messages of subscriptions.
    var received: ((ReceivedMessage) -> Void)?
    /// Called when the broker ends it.
    var ended: (() -> Void)?
    /// Whether it is on the shard's list of sessions to look at.
    private var isDirty = false

    /// How far it has come.
    enum State: Equatable {
        case connecting
        case open
        case closed
    }

    /// Why a session is not open.
    struct Refusal {
        /// The broker's reason.
        let code: ReasonCode
        /// What it says of it.
        let words: String?
    }

    /// What becomes of a request for administration.
    enum Answer {
        /// The document.
        case document(JSON)
        /// It is refused.
        case refused(Refusal)
    }

    private static let responseTopic = Array("sluice/http".utf8)

    /// Begins one; `opened` is called from a later tick.
    init(
        _ shard: HTTPShard, _ credentials: HTTPCredentials, peer: PeerIdentity, receiveMaximum: UInt16? = nil,
        opened: @escaping (Refusal?) -> Void
    ) {
        self.shard = shard
        self.credentials = credentials
        self.peer = peer
        self.opened = opened
        var limits = Limits()
        // The broker's own limit holds for what it sends; a list of thousands of streams may exceed the default.
        limits.packetBytesMax = 256 << 20
        var decoder = PacketDecoder(side: .client, limits: limits)
        decoder.version = .v5
        input = PacketInput(decoder)
        name = shard.takeClientID()
        client = shard.broker.connected(self, peer: peer)
        var packet = ConnectPacket(version: .v5, clientID: Array(name.utf8), keepAliveSeconds: 0)
        packet.userName = credentials.userName
        packet.password = credentials.password
        if let receiveMaximum {
            packet.properties = PropertyWriter.bytes {
                PropertyWriter.append(.receiveMaximum, UInt32(receiveMaximum), to: &$0)
            }
        }
        packet.encode(into: &backlog)
        feed()
    }

    /// The client identifier that the broker knows it by.
    let name: String
    /// What it may do; nil for everything.
    var rights: AccessRights? { client?.rights }

    /// Who it is known to be.
    var principal: Principal { client?.principal ?? .anonymous }

    /// Whether the broker takes nothing of it for now.
    var mustWait: Bool { !backlog.isEmpty || client?.mustWait == true }

    // MARK: Commands

    /// Publishes a message at QoS 1; `done` hears what its PUBACK says, which comes when it is on disk.
    func publish(
        _ topic: [UInt8], _ payload: [UInt8], retain: Bool, properties: [UInt8],
        done: @escaping (ReasonCode, String?) -> Void
    ) {
        let id = takeID()
        publishes[id] = done
        PacketEncoder.publish(
            into: &backlog, topic: topic.span, payload: payload.span, packetID: PacketID(rawValue: id),
            qos: .atLeastOnce, retain: retain, duplicate: false, properties: properties.span, version: .v5)
        feed()
    }

    /// Asks the broker for something of its own.
    func request(_ request: AdministrationRequest, done: @escaping (Answer) -> Void) {
        let number = nextRequest
        nextRequest &+= 1
        requests[number] = done
        let correlation = (0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * $0)) }
        let properties = PropertyWriter.bytes {
            PropertyWriter.append(.responseTopic, Self.responseTopic.span, to: &$0)
            PropertyWriter.append(.correlationData, correlation.span, to: &$0)
        }
        let topic = Array((AdministrationRequest.topicPrefix + request.name).utf8)
        let id = takeID()
        requestIDs[id] = number
        publishes[id] = { [unowned self] code, words in
            requestIDs[id] = nil
            guard code.isFailure else { return }
            requests.removeValue(forKey: number)?(.refused(Refusal(code: code, words: words)))
        }
        PacketEncoder.publish(
            into: &backlog, topic: topic.span, payload: request.payload.span, packetID: PacketID(rawValue: id),
            qos: .atLeastOnce, retain: false, duplicate: false, properties: properties.span, version: .v5)
        feed()
    }

    /// Subscribes at QoS 1; one subscription at a time.
    func subscribe(
        _ filter: [UInt8], properties: [UInt8], done: @escaping ([ReasonCode], String?) -> Void
    ) {
        precondition(subscriber == nil, "Cannot subscribe before the last subscription is answered")
        subscriber = done
        let request = SubscribePacket.Request(filter: filter, options: SubscriptionOptions(qos: .atLeastOnce))
        SubscribePacket(
            version: .v5, packetID: PacketID(rawValue: takeID()), filters: [request], properties: properties
        ).encode(into: &backlog)
        feed()
    }

    /// Acknowledges a message that came at QoS 1.
    func acknowledge(_ id: PacketID) {
        PacketEncoder.acknowledgement(into: &backlog, kind: .puback, packetID: id, reason: .success, version: .v5)
        feed()
    }

    /// Ends it.
    func end() {
        guard state != .closed else { return }
        (received, ended) = (nil, nil)
        DisconnectPacket(version: .v5).encode(into: &backlog)
        feed()
        // What of it did not get through ends as a lost connection does.
        let client = client
        finish()
        client?.disconnected()
    }

    private func takeID() -> UInt16 {
        while publishes[nextID] != nil { nextID = nextID == .max ? 1 : nextID + 1 }
        defer { nextID = nextID == .max ? 1 : nextID + 1 }
        return nextID
    }

    // MARK: Both directions

    /// Gives the broker what it takes.
    private func feed() {
        guard let client, !backlog.isEmpty, !client.isClosing else { return }
        let used = client.received(backlog.bytes)
        backlog.removeFirst(used)
        shard.wakeAfterTick()
    }

    /// Takes what the broker says.
    func pump() {
        isDirty = false
        guard let client else { return }
        takeOutput()
        do throws(MQTTDecodeError) {
            while state != .closed, let packet = try input.next() { take(packet) }
        } catch {
            assertionFailure("the broker speaks MQTT: \(error)")
            shard.reportFailure(
                .httpSessionClosed,
                "an HTTP session is closed: the broker sent what is no MQTT: \(error, as: .reason)")
            lose(Refusal(code: .unspecifiedError, words: nil))
        }
        if client.isClosing, client.outputQueue.isEmpty { lose(Refusal(code: .unspecifiedError, words: nil)) }
        feed()
    }

    /// Moves what the broker has written, so that its account of what clients hold is right.
    private func takeOutput() {
        guard let client else { return }
        while !client.outputQueue.isEmpty {
            let count = unsafe client.outputQueue.withFirstBytes { bytes in
                unsafe input.receive(bytes)
                return bytes.count
            }
            client.outputQueue.removeFirst(count)
            client.sent(count, isBehind: false)
        }
    }

    private func take(_ packet: ServerPacket) {
        switch packet {
        case .connack(let code, _, _, let reason):
            let refusal = code == 0 ? nil : Refusal(code: ReasonCode(rawValue: code), words: reason)
            if refusal == nil { state = .open }
            let opened = opened
            self.opened = nil
            opened?(refusal)
        case .message(let message):
            guard message.topic == Self.responseTopic, let data = message.correlationData, data.count == 4 else {
                received?(message)
                return
            }
            let number = data.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            guard let done = requests.removeValue(forKey: number) else { return }
            done(.document(JSONReader.read(message.payload) ?? .null))
        case .acknowledgement(let kind, let id, let code, let reason):
            guard kind == .puback else { return }
            publishes.removeValue(forKey: id.rawValue)?(code, reason)
        case .suback(let codes, let reason):
            let subscriber = subscriber
            self.subscriber = nil
            subscriber?(codes, reason)
        case .disconnect(let code, let reason): lose(Refusal(code: code, words: reason))
        case .pong, .other: break
        }
    }

    /// The broker has ended it.
    private func lose(_ refusal: Refusal) {
        guard state != .closed else { return }
        let (opened, publishes, requests, subscriber, ended) = (opened, publishes, requests, subscriber, ended)
        finish()
        opened?(refusal)
        for (id, done) in publishes where requestIDs[id] == nil { done(refusal.code, refusal.words) }
        for done in requests.values { done(.refused(refusal)) }
        subscriber?([refusal.code], refusal.words)
        ended?()
    }

    private func finish() {
        state = .closed
        client = nil
        (opened, subscriber, received, ended) = (nil, nil, nil, nil)
        (publishes, requests) = ([:], [:])
        backlog.reset(keeping: 0)
        shard.closed(self)
    }
}

extension LocalSession: ConnectionLink {
    /// The broker has something to say: it is heard when its tick is over.
    func flush() {
        takeOutput()
        guard !isDirty else { return }
        isDirty = true
        shard.markDirty(self)
    }

    /// The broker takes more.
    func resume() { flush() }

    /// Nothing is read from a socket here.
    func pause() {}

    /// What is taken is taken at once.
    var unacknowledgedByteCount: Int { 0 }

    /// The broker is done with it, after what it has written.
    func close() { flush() }
}
