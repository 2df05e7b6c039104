import CommitLogPosix
import EventLoop
import MQTTWire
import SluiceConfiguration
import SluiceCore

/// What a subscribing load is asked for.
struct SubscribeLoadSettings {
    var place: BrokerPlace
    var connectionCount = 1
    var qos = QoS.atMostOnce
    var filter = BenchTopic("bench/#")
    /// How many messages over all connections end it; nil for none.
    var messageCount: Int?
    /// How long it lasts; nil until the messages are there.
    var nanoseconds: Int64?
}

/// Subscribes, counts what comes, and measures how long it took from its publisher.
///
/// Isolation: one thread, its loop's.
final class SubscribeLoad: BenchLoad {
    /// Messages that were dropped on the way never come; a silence this long says so.
    private static let silenceNanosecondsMax: Int64 = 10_000_000_000

    private let settings: SubscribeLoadSettings
    private let loop = Loop()
    private let subscribed: () -> Void
    private var connections: [BenchConnection] = []
    private var timer: RepeatingTimer?
    private var subscribedCount = 0
    private var startedAt: Int64 = 0
    private var firstAt: Int64 = 0
    private var lastAt: Int64 = 0
    private var failure: String?
    private(set) var receivedCount = 0
    private(set) var byteCount = 0
    private(set) var latency = Histogram()

    /// - Parameter subscribed: called when every connection's subscription is granted.
    init(_ settings: SubscribeLoadSettings, subscribed: @escaping () -> Void) {
        self.settings = settings
        self.subscribed = subscribed
    }

    /// Receives until the messages are there or the time is over.
    func run() throws(CommandFailure) {
        for number in 0..<settings.connectionCount {
            connections.append(try BenchConnection(number, settings.place, loop, self))
        }
        let progress = Progress("receiving", total: Int64(settings.messageCount ?? 0), countsBytes: false)
        timer = RepeatingTimer(loop, milliseconds: 5) { [unowned self] in
            progress.reach(Int64(receivedCount))
            let now = MonotonicClock.nanoseconds()
            let isOver = settings.nanoseconds.map { startedAt > 0 && now - startedAt >= $0 } ?? false
            if isOver || lastAt > 0 && now - lastAt >= Self.silenceNanosecondsMax { loop.stop() }
        }
        loop.run()
        timer?.close()
        progress.clear()
        loop.drain()
        if let failure { throw CommandFailure(failure) }
    }

    /// From the first message to the last.
    var elapsedNanoseconds: Int64 { max(1, lastAt - firstAt) }

    func received(_ packet: Packet, _ bytes: Span<UInt8>, on connection: BenchConnection) {
        switch packet {
        case .connack: subscribe(connection)
        case .suback(let suback): received(bytes.copy(suback.codes))
        case .publish(let publish): received(publish, bytes, connection)
        case .acknowledgement(let packet):
            guard packet.kind == .pubrel else { return }
            answer(.pubcomp, packet.packetID, connection)
        case .unsuback, .auth, .disconnect, .connect, .subscribe, .unsubscribe, .pingRequest, .pingResponse: return
        }
    }

    func drained(_ connection: BenchConnection) {}

    func lost(_ connection: BenchConnection, _ reason: String) {
        failure = "connection \(connection.number) is lost: \(reason)"
        loop.stop()
    }

    private func subscribe(_ connection: BenchConnection) {
        let filter = settings.filter.topic(connection: connection.number, message: 0)
        let request = SubscribePacket.Request(filter: filter, options: SubscriptionOptions(qos: settings.qos))
        SubscribePacket(version: .v5, packetID: 1, filters: [request]).encode(into: &connection.output)
    }

    private func received(_ codes: [UInt8]) {
        if let code = codes.first, code >= 0x80 {
            failure = "the broker refuses the subscription, reason \(code)"
            return loop.stop()
        }
        subscribedCount += 1
        guard subscribedCount == connections.count else { return }
        startedAt = MonotonicClock.nanoseconds()
        subscribed()
    }

    private func received(_ publish: Packet.Publish, _ bytes: Span<UInt8>, _ connection: BenchConnection) {
        let now = MonotonicClock.nanoseconds()
        if firstAt == 0 { firstAt = now }
        lastAt = now
        receivedCount += 1
        byteCount += publish.payload.count
        if let due = BenchPayload.time(bytes.extracting(publish.payload)) { latency.record(UInt64(max(0, now - due))) }
        switch publish.qos {
        case .atMostOnce: break
        case .atLeastOnce: answer(.puback, publish.packetID, connection)
        case .exactlyOnce: answer(.pubrec, publish.packetID, connection)
        }
        if receivedCount == settings.messageCount { loop.stop() }
    }

    private func answer(_ kind: AcknowledgementKind, _ id: PacketID, _ connection: BenchConnection) {
        PacketEncoder.acknowledgement(
            into: &connection.output, kind: kind, packetID: id, reason: .success, version: .v5)
    }
}
