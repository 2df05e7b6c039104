import CLinux
import CommitLogPosix
import Glibc
import MQTTWire
import SluiceConfiguration
import SluiceCore

/// What a client hears from the broker.
enum ClientEvent {
    case message(ReceivedMessage)
    /// A publish has come to its end: PUBACK, PUBCOMP, or a PUBREC that refuses.
    case acknowledged(PacketID, ReasonCode)
    case subscribed([ReasonCode], reason: String?)
    case pong
}

/// An MQTT 5 connection for commands: blocking, one thread, QoS 0 to 2 out, QoS 0 in.
///
/// Isolation: one thread.
final class MQTTClient {
    /// How long the broker may take to answer.
    static let patienceMilliseconds = 30_000
    private static let keepAliveSeconds = 60

    private let socket: ClientSocket
    private let address: ListenAddress
    private var input: PacketInput
    private var output = ByteBuffer()
    private var lastSent = MonotonicClock.nanoseconds()
    private var nextID: UInt16 = 1
    /// How many publishes above QoS 0 may be under way.
    private(set) var receiveMaximum = 65_535
    /// Whether the broker keeps retained messages.
    private(set) var isRetainAvailable = true

    /// Connects with a session that ends with the connection.
    init(_ place: BrokerPlace) throws(CommandFailure) {
        address = place.address
        var limits = Limits()
        // The broker's own limit holds for what it sends; a list of thousands of streams may exceed the default.
        limits.packetBytesMax = 256 << 20
        var decoder = PacketDecoder(side: .client, limits: limits)
        decoder.version = .v5
        input = PacketInput(decoder)
        socket = try ClientSocket(place)
        var packet = ConnectPacket(
            version: .v5, clientID: place.clientID(), keepAliveSeconds: UInt16(Self.keepAliveSeconds))
        packet.userName = place.username
        packet.password = place.password
        packet.encode(into: &output)
        try flush()
        try awaitConnack()
    }

    // MARK: Commands

    /// Sends a message, or gathers it until `flush`.
    /// - Returns: what its acknowledgement will refer to; `.none` at QoS 0.
    func publish(
        _ topic: [UInt8], _ payload: [UInt8], qos: QoS, retain: Bool = false, properties: [UInt8] = []
    ) throws(CommandFailure) -> PacketID {
        let id = qos == .atMostOnce ? PacketID.none : takeID()
        PacketEncoder.publish(
            into: &output, topic: topic.span, payload: payload.span, packetID: id, qos: qos, retain: retain,
            duplicate: false, properties: properties.span, version: .v5)
        if output.count > 64 << 10 { try flush() }
        return id
    }

    /// Subscribes at QoS 0 and waits for the answer, before which nothing else may come.
    func subscribe(_ filter: [UInt8], properties: [UInt8] = []) throws(CommandFailure) {
        let request = SubscribePacket.Request(filter: filter, options: SubscriptionOptions(qos: .atMostOnce))
        SubscribePacket(version: .v5, packetID: takeID(), filters: [request], properties: properties)
            .encode(into: &output)
        try flush()
        while let event = try next(milliseconds: Self.patienceMilliseconds) {
            guard case .subscribed(let codes, let reason) = event else { continue }
            guard let failure = codes.first(where: \.isFailure) else { return }
            let filter = String(decoding: filter, as: UTF8.self)
            throw CommandFailure(
                "the broker refuses the subscription to \(filter): \(reason ?? "reason \(failure.rawValue)")")
        }
        throw silent("a subscription")
    }

    /// Asks whether the broker has read everything that was sent before.
    func ping() throws(CommandFailure) {
        PacketEncoder.pingRequest(into: &output)
        try flush()
    }

    /// Takes leave.
    func disconnect() throws(CommandFailure) {
        DisconnectPacket(version: .v5).encode(into: &output)
        try flush()
    }

    /// Lets some time pass; what comes meanwhile is dropped.
    func pause(milliseconds: Int) throws(CommandFailure) { _ = try next(milliseconds: milliseconds) }

    /// What to say when the broker does not answer.
    func silent(_ question: String) -> CommandFailure {
        CommandFailure("\(address) has not answered \(question) for \(Self.patienceMilliseconds / 1000) s")
    }

    private func takeID() -> PacketID {
        defer { nextID = nextID == .max ? 1 : nextID + 1 }
        return PacketID(rawValue: nextID)
    }

    // MARK: Events

    /// The next event, or nil when none comes in time.
    func next(milliseconds: Int) throws(CommandFailure) -> ClientEvent? {
        let deadline = MonotonicClock.nanoseconds() + Int64(milliseconds) * 1_000_000
        while true {
            while let packet = try packet() {
                if let event = try event(packet) { return event }
            }
            let now = MonotonicClock.nanoseconds()
            guard now < deadline else { return nil }
            let pingAt = lastSent + Int64(Self.keepAliveSeconds) * 500_000_000
            if now >= pingAt { try ping() }
            if try isReadable(within: min(deadline, max(now + 1_000_000, pingAt)) - now) { try receive() }
        }
    }

    private func awaitConnack() throws(CommandFailure) {
        while try isReadable(within: Int64(Self.patienceMilliseconds) * 1_000_000) {
            try receive()
            guard case .connack(let code, let maximum, let isRetainAvailable, _) = try packet() else { continue }
            guard code == 0 else { throw CommandFailure("\(address) refuses the connection, reason \(code)") }
            receiveMaximum = maximum
            self.isRetainAvailable = isRetainAvailable
            return
        }
        throw silent("CONNECT")
    }

    private func packet() throws(CommandFailure) -> ServerPacket? {
        do throws(MQTTDecodeError) { return try input.next() } catch {
            throw CommandFailure("\(address) sent what is no MQTT: \(error)")
        }
    }

    /// What a packet means to the caller; what only the protocol needs is answered here.
    private func event(_ packet: ServerPacket) throws(CommandFailure) -> ClientEvent? {
        switch packet {
        case .message(let message): return .message(message)
        case .acknowledgement(.puback, let id, let reason, _), .acknowledgement(.pubcomp, let id, let reason, _):
            return .acknowledged(id, reason)
        case .acknowledgement(.pubrec, let id, let reason, _):
            if reason.isFailure { return .acknowledged(id, reason) }
            PacketEncoder.acknowledgement(into: &output, kind: .pubrel, packetID: id, reason: .success, version: .v5)
            try flush()
            return nil
        case .suback(let codes, let reason): return .subscribed(codes, reason: reason)
        case .pong: return .pong
        case .disconnect(let code, let reason):
            let text = reason.map { ": \($0)" } ?? ""
            throw CommandFailure("\(address) closes the connection, reason \(code.rawValue)\(text)")
        case .acknowledgement(.pubrel, _, _, _), .connack, .other: return nil
        }
    }

    // MARK: The socket

    private func isReadable(within nanoseconds: Int64) throws(CommandFailure) -> Bool {
        if socket.hasPendingBytes { return true }
        var entry = pollfd(fd: socket.descriptor, events: Int16(POLLIN), revents: 0)
        let count = poll(&entry, 1, Int32(clamping: (nanoseconds + 999_999) / 1_000_000))
        if count < 0 && errno != EINTR { throw lost() }
        return count > 0
    }

    private func receive() throws(CommandFailure) {
        var count = 0
        input.receive(upTo: 256 << 10) { memory in
            count = socket.receive(memory)
            return max(0, count)
        }
        if count == 0 {
            throw CommandFailure("\(address) has closed the connection\(socket.failure.map { ": \($0)" } ?? "")")
        }
        if count < 0 && errno != EINTR && errno != EAGAIN { throw lost() }
    }

    /// Sends what has gathered.
    func flush() throws(CommandFailure) {
        lastSent = MonotonicClock.nanoseconds()
        guard socket.send(&output) else { throw lost() }
    }

    private func lost() -> CommandFailure {
        CommandFailure("the connection to \(address) is lost: \(String(cString: strerror(errno)))")
    }
}
