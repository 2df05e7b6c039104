import MQTTWire
import SluiceCore
import SluiceTesting

/// What a client subscribes to.
enum SimRole: Equatable {
    /// Nothing.
    case publisher
    /// A filter of its own.
    case subscriber(String, QoS)
    /// `$share/<group>/<filter>`, or a stream in a consumer group.
    case member(group: String, String)
    /// What is retained.
    case checker
}

/// An MQTT client: its side of every flow, with what a real one keeps over its connections.
final class SimClient {
    private struct Outgoing {
        var id: PacketID
        var message: SimMessage
        var isRetained: Bool
        var isReceived = false
    }

    let name: String
    let version: ProtocolVersion
    let isPersistent: Bool
    let role: SimRole
    private let model: BrokerModel
    private(set) var connection: SimConnection?
    private var decoder = PacketDecoder(side: .client)
    private var inbox: [UInt8] = []
    private var isConnected = false
    private var isSubscribed = false
    private var isSubscribing = false
    /// Whether the broker has said that it has a session of this client.
    private var hasSession = false
    private var outgoing: [Outgoing] = []
    private var lastID: UInt16 = 0
    /// QoS 2 messages that came and were not released, by their identifiers.
    private var unreleased: Set<PacketID> = []
    /// What is to be acknowledged, in the order it came.
    private var owed: [(kind: AcknowledgementKind, id: PacketID, serial: Int?)] = []
    /// What came on earlier connections of the session and was not acknowledged.
    private var unacknowledged: [PacketID: Int] = [:]
    /// Which of these came at QoS 2.
    private var assured: Set<PacketID> = []
    /// What came with the retain flag, newest of each topic: the checker's.
    private(set) var retained: [String: String] = [:]
    /// Wills that must be published: the connection they came with was lost.
    private(set) var willsDue: Set<Int> = []
    private var will: SimMessage?

    /// Told of deliveries, when somebody looks at one history.
    var trace: ((String) -> Void)?

    init(_ name: String, _ version: ProtocolVersion, isPersistent: Bool, _ role: SimRole, _ model: BrokerModel) {
        self.name = name
        self.version = version
        self.isPersistent = isPersistent
        self.role = role
        self.model = model
    }

    // MARK: Connecting

    /// Connects, letting go of an earlier connection.
    func connect(_ connection: SimConnection, withWill: Bool) {
        lose()
        self.connection = connection
        decoder = PacketDecoder(side: .client)
        decoder.version = version
        var packet = ConnectPacket(version: version, clientID: Array(name.utf8), cleanStart: !isPersistent)
        if version == .v5, isPersistent {
            packet.properties = PropertyWriter.bytes {
                PropertyWriter.append(.sessionExpiryInterval, 3600, to: &$0)
            }
        }
        if !isPersistent { giveUp() }
        if withWill {
            // Connections that are let go of may end in any order.
            let message = model.message("\(name)-will-\(model.nextSerial)", "w/\(name)", .atLeastOnce)
            packet.will = ConnectPacket.Will(
                topic: Array(message.topic.utf8), payload: Array("\(message.serial)".utf8), qos: .atLeastOnce,
                retain: false)
            will = message
        }
        write { packet.encode(into: &$0) }
    }

    /// The connection is lost, or let go of.
    func lose() {
        guard let connection else { return }
        connection.abandon()
        self.connection = nil
        if isConnected, let will { willsDue.insert(will.serial) }
        will = nil
        isConnected = false
        isSubscribing = false
        inbox = []
        for (kind, id, serial) in owed {
            unacknowledged[id] = serial
            if kind == .pubrec { assured.insert(id) } else { assured.remove(id) }
        }
        owed = []
    }

    /// The session is gone, with all that was on its way.
    private func giveUp() {
        outgoing = []
        unreleased = []
        unacknowledged = [:]
        isSubscribed = false
        hasSession = false
        if case .subscriber = role { model.forget(name) }
    }

    /// The node has crashed: what it had been told of a will is on record or not.
    func crashed() {
        will = nil
        connection?.cut()
        lose()
        // What it had sent at QoS 1 the node need not remember: it may send it as if for the first time.
        unacknowledged = unacknowledged.filter { assured.contains($0.key) }
    }

    /// Says goodbye; the session stays, the will does not.
    func disconnect() {
        write { DisconnectPacket(version: version, reason: .success).encode(into: &$0) }
        will = nil
        lose()
    }

    // MARK: What it does

    /// Whether it could be idle for ever.
    var isQuiet: Bool { isConnected && outgoing.isEmpty && owed.isEmpty && (isSubscribed || role == .publisher) }
    var mayPublish: Bool { isConnected && outgoing.count < 6 }
    var owesSomething: Bool { !owed.isEmpty }
    var canSubscribe: Bool { isConnected && !isSubscribed && !isSubscribing && role != .publisher }
    var state: String {
        "\(name): connected \(isConnected), outgoing \(outgoing.map(\.message.serial)), owed \(owed.count), "
            + "subscribed \(isSubscribed)"
    }

    func publish(_ topic: String, _ qos: QoS, isRetained: Bool) {
        let message = model.message(name, topic, qos)
        guard qos != .atMostOnce else { return send(message, id: 1, isRetained: isRetained, isRepeat: false) }
        repeat { lastID = lastID &+ 1 } while lastID == 0 || outgoing.contains { $0.id.rawValue == lastID }
        let id = PacketID(rawValue: lastID)
        outgoing.append(Outgoing(id: id, message: message, isRetained: isRetained))
        send(message, id: id, isRetained: isRetained, isRepeat: false)
    }

    private func send(_ message: SimMessage, id: PacketID, isRetained: Bool, isRepeat: Bool) {
        let (topic, payload) = (Array(message.topic.utf8), Array("\(message.serial)".utf8))
        let none: [UInt8] = []
        write {
            PacketEncoder.publish(
                into: &$0, topic: topic.span, payload: payload.span, packetID: id, qos: message.qos,
                retain: isRetained, duplicate: isRepeat, properties: none.span, version: version)
        }
    }

    func subscribe() {
        var (filter, qos): (String, QoS) = ("r/#", .atLeastOnce)
        var properties: [UInt8] = []
        switch role {
        case .publisher: return
        case .subscriber(let own, let most): (filter, qos) = (own, most)
        case .checker: break
        case .member(let group, let shared):
            filter = "$share/\(group)/\(shared)"
            guard shared.hasPrefix("$stream/") else { break }
            let (name, value) = (Array("stream-offset".utf8), Array("earliest".utf8))
            properties = PropertyWriter.bytes {
                PropertyWriter.append(userProperty: name.span, value.span, to: &$0)
            }
        }
        isSubscribing = true
        let options = SubscriptionOptions(qos: qos, retainHandling: role == .checker ? .send : .doNotSend)
        let request = SubscribePacket.Request(filter: Array(filter.utf8), options: options)
        write {
            SubscribePacket(version: version, packetID: 65_535, filters: [request], properties: properties).encode(
                into: &$0)
        }
    }

    /// Acknowledges the oldest of what it owes.
    func acknowledge(atMost countMax: Int) {
        for (kind, id, serial) in owed.prefix(countMax) {
            write {
                PacketEncoder.acknowledgement(into: &$0, kind: kind, packetID: id, reason: .success, version: version)
            }
            unacknowledged[id] = nil
            if kind == .puback, let serial, case .member(let group, _) = role { model.handled(serial, in: group) }
        }
        owed.removeFirst(min(countMax, owed.count))
    }

    private func write(_ body: (inout ByteBuffer) -> Void) { connection?.write(PropertyWriter.bytes(body)) }

    // MARK: What comes

    /// Whether there is something to read, or the end.
    var hasNews: Bool { connection.map { $0.readableByteCount > 0 || $0.isClosed } ?? false }

    /// Reads up to `count` bytes.
    func read(_ count: Int) throws {
        guard let connection else { return }
        inbox += connection.read(count)
        var start = 0
        let bytes = inbox
        while case .packet(let packet, let end) = try decoder.decode(bytes.span, from: start) {
            start = end
            try take(packet, bytes)
            guard self.connection === connection else { return }
        }
        inbox.removeFirst(start)
        if connection.isClosed, connection.readableByteCount == 0 { lose() }
    }

    private func take(_ packet: Packet, _ bytes: [UInt8]) throws {
        switch packet {
        case .connack(let connack): try greeted(connack)
        case .publish(let publish): try take(publish, bytes)
        case .acknowledgement(let packet): try take(packet)
        case .suback(let list): try subscribed(bytes.span.copy(list.codes))
        case .disconnect, .pingResponse, .unsuback, .auth: break
        case .connect, .subscribe, .unsubscribe, .pingRequest:
            throw BrokerModel.Violation("\(name) gets \(packet)")
        }
    }

    private func greeted(_ connack: Packet.Connack) throws {
        // A CONNECT of an earlier connection may be read behind this one's, and takes its identifier.
        if connack.code == (version == .v5 ? 0x80 : 3) { return lose() }
        guard connack.code == 0 else { throw BrokerModel.Violation("\(name) is refused: \(connack.code)") }
        if connack.sessionPresent != hasSession {
            // What a broker that crashed had not said yet may have been recorded.
            if hasSession || !isPersistent {
                throw BrokerModel.Violation("\(name) has a session: \(hasSession), the broker: \(!hasSession)")
            }
        }
        isConnected = true
        if !connack.sessionPresent { giveUp() }
        hasSession = isPersistent
        for index in outgoing.indices {
            let item = outgoing[index]
            if item.isReceived {
                release(item.id)
            } else {
                model.repeated(item.message.serial)
                send(item.message, id: item.id, isRetained: item.isRetained, isRepeat: true)
            }
        }
    }

    private func subscribed(_ codes: [UInt8]) throws {
        guard codes.count == 1, codes[0] <= 2 else {
            throw BrokerModel.Violation("\(name) may not subscribe: \(codes)")
        }
        isSubscribing = false
        isSubscribed = true
        switch role {
        case .publisher, .checker: break
        case .subscriber(let filter, let qos): model.covers(name, filter, qos, stays: isPersistent)
        case .member(let group, let filter): model.covers(group: group, filter)
        }
    }

    private func release(_ id: PacketID) {
        write {
            PacketEncoder.acknowledgement(into: &$0, kind: .pubrel, packetID: id, reason: .success, version: version)
        }
    }

    private func take(_ packet: Packet.Acknowledgement) throws {
        let id = packet.packetID
        if packet.kind == .pubrel {
            unreleased.remove(id)
            owed.append((.pubcomp, id, nil))
            return
        }
        guard let index = outgoing.firstIndex(where: { $0.id == id }) else {
            // An answer to what a broker had already answered before it was lost.
            return
        }
        model.acknowledged(outgoing[index].message.serial)
        switch packet.kind {
        case .pubrec:
            outgoing[index].isReceived = true
            release(id)
        case .puback, .pubcomp: outgoing.remove(at: index)
        case .pubrel: break
        }
    }

    private func take(_ publish: Packet.Publish, _ bytes: [UInt8]) throws {
        let topic = String(decoding: bytes.span.copy(publish.topic), as: UTF8.self)
        let payload = String(decoding: bytes.span.copy(publish.payload), as: UTF8.self)
        if role == .checker { retained[topic] = payload }
        trace?(
            "\(name) gets \(payload) on \(topic) at QoS \(publish.qos.rawValue) as \(publish.packetID.rawValue), "
                + "again \(publish.duplicate)")
        guard let serial = Int(payload) else { return }
        let isNew = publish.qos != .exactlyOnce || unreleased.insert(publish.packetID).inserted
        switch publish.qos {
        case .atMostOnce: break
        case .atLeastOnce: owed.append((.puback, publish.packetID, serial))
        case .exactlyOnce: owed.append((.pubrec, publish.packetID, serial))
        }
        switch role {
        case .publisher, .checker: break
        case .subscriber:
            if !publish.duplicate, publish.qos != .atMostOnce, unacknowledged[publish.packetID] == serial {
                throw BrokerModel.Violation("\(name) gets \(serial) again, and it is not marked so")
            }
            guard isNew, !publish.retain else { return }
            try model.received(serial, by: name, publish.qos)
        case .member(let group, let filter):
            try model.received(serial, inGroup: group, inOrder: filter.hasPrefix("$stream/"))
        }
    }
}
