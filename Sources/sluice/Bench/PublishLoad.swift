import CommitLogPosix
import EventLoop
import MQTTWire
import SluiceConfiguration
import SluiceCore

/// What a publishing load is asked for.
struct PublishLoadSettings {
    var place: BrokerPlace
    var connectionCount = 10
    /// Messages a second over all connections; 0 for as many as possible.
    var rate = 0
    var payloadByteCount = 64
    var qos = QoS.atLeastOnce
    /// Unacknowledged messages of a connection.
    var window = 20
    var topic = BenchTopic("bench/%c")
    /// How many messages over all connections; nil for as many as the time allows.
    var messageCount: Int?
    /// How long; nil until the messages are done.
    var nanoseconds: Int64?
}

/// Publishes as fast as asked and measures how long acknowledgements take.
///
/// With a rate, a message's time counts from when it was due, not from when a full window let it go: waiting is latency
/// too.
/// Isolation: one thread, its loop's.
final class PublishLoad: BenchLoad {
    private let settings: PublishLoadSettings
    private let loop = Loop()
    private var lanes: [Lane] = []
    private var timer: RepeatingTimer?
    private var openCount = 0
    private var startedAt: Int64 = 0
    private var sentCount = 0
    private var isEnding = false
    private var endingSince: Int64 = 0
    private var pongCount = 0
    private var nextLane = 0
    private var failure: String?
    /// When everything was acknowledged.
    private(set) var endedAt: Int64 = 0
    private(set) var acknowledgedCount = 0
    private(set) var refusedCount = 0
    private(set) var latency = Histogram()

    /// One connection's messages.
    private final class Lane {
        let connection: BenchConnection
        /// An encoded PUBLISH, to be copied and patched.
        var template: [UInt8] = []
        var packetIDAt = 0
        var payloadAt = 0
        var sentCount = 0
        /// Its share of the messages asked for.
        let quota: Int
        /// When each message under way was due, by packet identifier less one.
        var dueTimes: [Int64]
        var freeIDs: [UInt16]

        init(_ connection: BenchConnection, window: Int, quota: Int) {
            self.connection = connection
            self.quota = quota
            dueTimes = [Int64](repeating: 0, count: window)
            freeIDs = (1...UInt16(window)).reversed()
        }
    }

    private let progress: Progress

    init(_ settings: PublishLoadSettings) {
        self.settings = settings
        progress = Progress("publishing", total: Int64(settings.messageCount ?? 0), countsBytes: false)
    }

    /// Connects, publishes, waits for the acknowledgements.
    func run() throws(CommandFailure) {
        for number in 0..<settings.connectionCount {
            let connection = try BenchConnection(number, settings.place, loop, self)
            let lane = Lane(connection, window: settings.window, quota: quota(number))
            encodeTemplate(lane)
            lanes.append(lane)
        }
        timer = RepeatingTimer(loop, milliseconds: 1) { [unowned self] in tick() }
        loop.run()
        timer?.close()
        progress.clear()
        loop.drain()
        if let failure { throw CommandFailure(failure) }
    }

    /// An even share, so that a fast connection does not take what the others should send.
    private func quota(_ number: Int) -> Int {
        guard let count = settings.messageCount else { return .max }
        return count / settings.connectionCount + (number < count % settings.connectionCount ? 1 : 0)
    }

    /// From the first message to the last acknowledgement.
    var elapsedNanoseconds: Int64 { max(1, endedAt - startedAt) }
    var publishedCount: Int { sentCount }

    // MARK: Events

    func received(_ packet: Packet, _ bytes: Span<UInt8>, on connection: BenchConnection) {
        let lane = lanes[connection.number]
        switch packet {
        case .connack:
            openCount += 1
            if openCount == lanes.count { start() }
        case .acknowledgement(let acknowledgement): received(acknowledgement, lane)
        case .pingResponse: pongCount += 1
        case .publish, .suback, .unsuback, .auth, .disconnect, .connect, .subscribe, .unsubscribe, .pingRequest: return
        }
    }

    private func received(_ packet: Packet.Acknowledgement, _ lane: Lane) {
        switch packet.kind {
        case .pubrec where !packet.reason.isFailure:
            PacketEncoder.acknowledgement(
                into: &lane.connection.output, kind: .pubrel, packetID: packet.packetID, reason: .success, version: .v5)
        case .puback, .pubcomp, .pubrec:
            let index = Int(packet.packetID.rawValue) - 1
            guard lane.dueTimes.indices.contains(index) else { return }
            latency.record(UInt64(max(0, MonotonicClock.nanoseconds() - lane.dueTimes[index])))
            lane.freeIDs.append(packet.packetID.rawValue)
            acknowledgedCount += 1
            if packet.reason.isFailure { refusedCount += 1 }
            if settings.rate == 0 { fill(lane, flushes: false) }
        case .pubrel: return
        }
    }

    func drained(_ connection: BenchConnection) {
        if settings.rate == 0, startedAt > 0 { fill(lanes[connection.number], flushes: true) }
    }

    func lost(_ connection: BenchConnection, _ reason: String) {
        failure = "connection \(connection.number) is lost: \(reason)"
        loop.stop()
    }

    private func start() {
        startedAt = MonotonicClock.nanoseconds()
        if settings.rate == 0 { for lane in lanes { fill(lane, flushes: true) } }
    }

    /// A millisecond has passed: what is due is sent, and the end is looked for.
    private func tick() {
        let now = MonotonicClock.nanoseconds()
        guard startedAt > 0 else { return }
        progress.reach(Int64(settings.qos == .atMostOnce ? sentCount : acknowledgedCount))
        if !isEnding, isOver(now) { end(now) }
        if isEnding { return finishIfDone(now) }
        guard settings.rate > 0 else {
            // A quality of 0 has no acknowledgement that asks for more, and a full socket asks by itself.
            for lane in lanes where !lane.connection.isBlocked { fill(lane, flushes: true) }
            return
        }
        let due = Int(Double(now - startedAt) * Double(settings.rate) / 1e9)
        let limit = min(due, settings.messageCount ?? .max)
        var full = 0
        while sentCount < limit, full < lanes.count {
            let lane = lanes[nextLane]
            nextLane = (nextLane + 1) % lanes.count
            guard hasRoom(lane) else {
                full += 1
                continue
            }
            full = 0
            send(lane, due: startedAt + Int64(Double(sentCount) / Double(settings.rate) * 1e9))
        }
        for lane in lanes { lane.connection.flush() }
    }

    private func isOver(_ now: Int64) -> Bool {
        if let count = settings.messageCount, sentCount >= count { return true }
        return settings.nanoseconds.map { now - startedAt >= $0 } ?? false
    }

    private func end(_ now: Int64) {
        isEnding = true
        endingSince = now
        // The answer says that the broker has read everything before it: what stands for an acknowledgement at QoS 0.
        for lane in lanes {
            PacketEncoder.pingRequest(into: &lane.connection.output)
            lane.connection.flush()
        }
    }

    private func finishIfDone(_ now: Int64) {
        let isDone = pongCount == lanes.count && (settings.qos == .atMostOnce || acknowledgedCount == sentCount)
        if !isDone, now - endingSince > 60_000_000_000 {
            failure = "\(sentCount - acknowledgedCount) messages are not acknowledged after a minute"
        }
        guard isDone || failure != nil else { return }
        endedAt = now
        loop.stop()
    }

    // MARK: Messages

    /// Sends as many messages as a lane takes now.
    private func fill(_ lane: Lane, flushes: Bool) {
        let now = MonotonicClock.nanoseconds()
        guard !isEnding, !isOver(now) else { return }
        // At QoS 0 a turn takes at most this much, so that all connections get theirs.
        while hasRoom(lane), lane.connection.output.count < 256 << 10 { send(lane, due: now) }
        if flushes { lane.connection.flush() }
    }

    private func hasRoom(_ lane: Lane) -> Bool {
        guard lane.sentCount < lane.quota else { return false }
        return settings.qos == .atMostOnce ? lane.connection.output.count < 1 << 20 : !lane.freeIDs.isEmpty
    }

    private func send(_ lane: Lane, due: Int64) {
        if settings.topic.variesByMessage { encodeTemplate(lane) }
        let start = lane.connection.output.count
        let template = lane.template
        lane.connection.output.append(template.span)
        if settings.qos != .atMostOnce {
            guard let id = lane.freeIDs.popLast() else { preconditionFailure("Cannot send while the window is full") }
            lane.dueTimes[Int(id) - 1] = due
            lane.connection.output.set(bigEndian: id, at: start + lane.packetIDAt)
        }
        if settings.payloadByteCount >= BenchPayload.byteCount {
            lane.connection.output.set(bigEndian: due, at: start + lane.payloadAt + 8)
        }
        lane.sentCount += 1
        sentCount += 1
    }

    private func encodeTemplate(_ lane: Lane) {
        let topic = settings.topic.topic(connection: lane.connection.number, message: lane.sentCount)
        let payload = [UInt8](repeating: UInt8(ascii: "x"), count: settings.payloadByteCount)
        var buffer = ByteBuffer()
        lane.packetIDAt = PacketEncoder.publish(
            into: &buffer, topic: topic.span, payload: payload.span, packetID: 1, qos: settings.qos, retain: false,
            duplicate: false, properties: Span(), version: .v5)
        lane.payloadAt = buffer.count - payload.count
        if payload.count >= BenchPayload.byteCount { buffer.set(bigEndian: BenchPayload.mark, at: lane.payloadAt) }
        lane.template = buffer.withUnsafeBytes { Array($0) }
    }
}
