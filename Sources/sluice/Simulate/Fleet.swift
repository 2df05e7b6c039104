import CommitLogPosix
import DeviceProfiles
import EventLoop
import MQTTWire
import PayloadFormats
import SluiceConfiguration
import SluiceCore

/// What a fleet does, and what goes wrong with it on purpose.
struct FleetSettings {
    var place: BrokerPlace
    var qos = QoS.atLeastOnce
    /// How many times faster than its profile a device is.
    var speed = 1.0
    /// How long; nil until it is interrupted.
    var nanoseconds: Int64?
    /// The parts of all messages that are bad, not sent, sent twice, or kept back and sent late.
    var badPart = 0.0
    var dropPart = 0.0
    var repeatPart = 0.0
    var latePart = 0.0
    /// How often all connections are lost at once, in nanoseconds; nil for never.
    var stormNanoseconds: Int64?
    var seed: UInt64 = 1
}

/// What a fleet has done.
struct FleetReport {
    var connections = 0
    var devices = 0
    var published = 0
    var acknowledged = 0
    var refused = 0
    var bad = 0
    var dropped = 0
    var repeated = 0
    var late = 0
    var reconnects = 0
    var latency = Histogram()
}

/// Where a fleet's messages come from.
protocol FleetSource: AnyObject {
    /// How many connections it has.
    var connectionCount: Int { get }
    /// How many devices.
    var deviceCount: Int { get }
    /// When the next message is due, in nanoseconds since the start; nil when there is none any more.
    var nextDue: Int64? { get }
    /// The messages that are due now, with their connections.
    func take(at elapsed: Int64, into report: inout FleetReport) -> [FleetMessage]
    /// What the broker is to say when a connection is lost that is about to be made; nil for nothing.
    func will(of connection: Int) -> FleetMessage?
    /// What comes first on a connection, in place of everything that waits for it; nil for what waits.
    func births(of connection: Int, at elapsed: Int64) -> [FleetMessage]?
}

/// Most devices have neither.
extension FleetSource {
    func will(of connection: Int) -> FleetMessage? { nil }
    func births(of connection: Int, at elapsed: Int64) -> [FleetMessage]? { nil }
}

/// A message of a fleet.
struct FleetMessage {
    var connection: Int
    var topic: [UInt8]
    var payload: [UInt8]
    /// When it was due, in nanoseconds since the start.
    var due: Int64
}

/// A fleet of devices with real connections.
///
/// A message that is not acknowledged when its connection is lost goes again on the next one, as a device's would.
/// Latency counts from when a message was due.
/// Isolation: one thread, its loop's.
final class Fleet: BenchLoad {
    private let settings: FleetSettings
    private let source: any FleetSource
    private let loop = Loop()
    private var lanes: [Lane] = []
    private var timer: RepeatingTimer?
    private var interrupts: [SignalWatcher] = []
    private var openCount = 0
    private var startedAt: Int64 = 0
    private var nextStorm: Int64 = .max
    private var endingSince: Int64?
    private var failure: String?
    private let progress: Progress
    private(set) var report = FleetReport()
    private(set) var elapsedNanoseconds: Int64 = 0

    /// One connection with what it has sent.
    private final class Lane {
        var connection: BenchConnection?
        /// What is on its way, by packet identifier.
        var inflight: [UInt16: FleetMessage] = [:]
        /// What waits for its connection, or for room.
        var waiting: [FleetMessage] = []
        var lastID: UInt16 = 0
        /// When it connects again after it was lost, in nanoseconds of the clock.
        var connectsAt: Int64 = 0
        var failures = 0
    }

    /// Messages on their way on one connection.
    private static let windowMax = 64
    /// Messages that wait for a connection before the oldest goes: a device's memory is small.
    private static let waitingMax = 10_000

    init(_ settings: FleetSettings, _ source: any FleetSource) {
        self.settings = settings
        self.source = source
        progress = Progress("simulate", total: 0, countsBytes: false)
    }

    /// Connects every device, and publishes until the end.
    func run() throws(CommandFailure) {
        report.connections = source.connectionCount
        report.devices = source.deviceCount
        for _ in 0..<source.connectionCount { lanes.append(Lane()) }
        for number in lanes.indices { lanes[number].connection = try connection(number) }
        for signal in [2, 15] as [Int32] {
            interrupts.append(SignalWatcher(loop, signal: signal) { [unowned self] in end() })
        }
        timer = RepeatingTimer(loop, milliseconds: 2) { [unowned self] in tick() }
        loop.run()
        timer?.close()
        for watcher in interrupts { watcher.close() }
        lanes.removeAll()
        loop.drain()
        progress.clear()
        if let failure { throw CommandFailure(failure) }
    }

    private func connection(_ number: Int) throws(CommandFailure) -> BenchConnection {
        let will = source.will(of: number).map {
            ConnectPacket.Will(topic: $0.topic, payload: $0.payload, qos: .atLeastOnce, retain: false)
        }
        return try BenchConnection(number, settings.place, loop, self, will: will)
    }

    // MARK: Events

    func received(_ packet: Packet, _ bytes: Span<UInt8>, on connection: BenchConnection) {
        let lane = lanes[connection.number]
        guard lane.connection === connection else { return }
        switch packet {
        case .connack:
            lane.failures = 0
            let sentBefore = lane.inflight.values.sorted { $0.due < $1.due }
            lane.inflight.removeAll()
            lane.waiting = sentBefore + lane.waiting
            guard startedAt == 0 else { return begin(lane, connection.number) }
            openCount += 1
            if openCount == lanes.count { start() }
        case .acknowledgement(let acknowledgement): acknowledged(acknowledgement, lane)
        case .publish, .suback, .unsuback, .auth, .disconnect, .connect, .subscribe, .unsubscribe, .pingRequest,
            .pingResponse:
            return
        }
    }

    private func acknowledged(_ packet: Packet.Acknowledgement, _ lane: Lane) {
        switch packet.kind {
        case .pubrec where !packet.reason.isFailure:
            guard let connection = lane.connection else { return }
            PacketEncoder.acknowledgement(
                into: &connection.output, kind: .pubrel, packetID: packet.packetID, reason: .success, version: .v5)
        case .puback, .pubcomp, .pubrec:
            guard let message = lane.inflight.removeValue(forKey: packet.packetID.rawValue) else { return }
            let now = MonotonicClock.nanoseconds() - startedAt
            report.latency.record(UInt64(max(0, now - message.due)))
            report.acknowledged += 1
            if packet.reason.isFailure { report.refused += 1 }
            fill(lane)
        case .pubrel: return
        }
    }

    func drained(_ connection: BenchConnection) {
        let lane = lanes[connection.number]
        if lane.connection === connection { fill(lane) }
    }

    func lost(_ connection: BenchConnection, _ reason: String) {
        let lane = lanes[connection.number]
        guard lane.connection === connection else { return }
        lane.connection = nil
        lane.failures += 1
        guard startedAt > 0, lane.failures < 20 else {
            failure = "connection \(connection.number) is lost: \(reason)"
            return loop.stop()
        }
        report.reconnects += 1
        lane.connectsAt = MonotonicClock.nanoseconds() + Int64(min(lane.failures, 10)) * 500_000_000
    }

    private func start() {
        startedAt = MonotonicClock.nanoseconds()
        nextStorm = settings.stormNanoseconds ?? .max
        for (number, lane) in lanes.enumerated() { begin(lane, number) }
    }

    /// A connection is there: what its devices say first goes first.
    private func begin(_ lane: Lane, _ number: Int) {
        if let births = source.births(of: number, at: MonotonicClock.nanoseconds() - startedAt) {
            report.dropped += lane.waiting.count
            lane.waiting = births
        }
        fill(lane)
    }

    private func tick() {
        let now = MonotonicClock.nanoseconds()
        guard startedAt > 0 else { return }
        let elapsed = now - startedAt
        reconnect(now)
        if let since = endingSince { return finishIfDone(now, since) }
        if settings.nanoseconds.map({ elapsed >= $0 }) ?? false || source.nextDue == nil { return end() }
        if elapsed >= nextStorm { storm() }
        while let due = source.nextDue, due <= elapsed {
            for message in source.take(at: elapsed, into: &report) { put(message) }
        }
        for lane in lanes { lane.connection?.flush() }
        progress.reach(Int64(report.acknowledged))
    }

    /// Every connection is lost at once, as when a network comes back.
    private func storm() {
        nextStorm += settings.stormNanoseconds ?? 0
        for lane in lanes where lane.connection?.isOpen ?? false {
            lane.connection = nil
            report.reconnects += 1
        }
    }

    private func reconnect(_ now: Int64) {
        for (number, lane) in lanes.enumerated() where lane.connection == nil && lane.connectsAt <= now {
            do throws(CommandFailure) {
                lane.connection = try connection(number)
            } catch {
                lane.failures += 1
                lane.connectsAt = now + Int64(min(lane.failures, 10)) * 500_000_000
                guard lane.failures >= 20 else { continue }
                failure = "\(error)"
                return loop.stop()
            }
        }
    }

    private func end() {
        guard startedAt > 0, endingSince == nil else { return loop.stop() }
        let now = MonotonicClock.nanoseconds()
        endingSince = now
        elapsedNanoseconds = now - startedAt
    }

    /// What is on its way is waited for.
    private func finishIfDone(_ now: Int64, _ since: Int64) {
        let isDone = lanes.allSatisfy { $0.inflight.isEmpty && $0.waiting.isEmpty }
        if !isDone, now - since > 60_000_000_000 {
            let count = lanes.reduce(0) { $0 + $1.inflight.count + $1.waiting.count }
            failure = "\(count) messages are not acknowledged after a minute"
        }
        if isDone || failure != nil { loop.stop() }
    }

    // MARK: Messages

    private func put(_ message: FleetMessage) {
        let lane = lanes[message.connection]
        if lane.waiting.count >= Self.waitingMax {
            lane.waiting.removeFirst()
            report.dropped += 1
        }
        lane.waiting.append(message)
        fill(lane)
    }

    private func fill(_ lane: Lane) {
        guard let connection = lane.connection, connection.isOpen, !connection.isBlocked else { return }
        var sent = 0
        for message in lane.waiting {
            guard lane.inflight.count < Self.windowMax else { break }
            send(message, lane, connection)
            sent += 1
        }
        lane.waiting.removeFirst(sent)
    }

    private func send(_ message: FleetMessage, _ lane: Lane, _ connection: BenchConnection) {
        report.published += 1
        var id = PacketID(rawValue: 1)
        if settings.qos != .atMostOnce {
            repeat { lane.lastID = lane.lastID == .max ? 1 : lane.lastID + 1 } while lane.inflight[lane.lastID] != nil
            id = PacketID(rawValue: lane.lastID)
            lane.inflight[lane.lastID] = message
        } else {
            report.acknowledged += 1
        }
        _ = PacketEncoder.publish(
            into: &connection.output, topic: message.topic.span, payload: message.payload.span, packetID: id,
            qos: settings.qos, retain: false, duplicate: false, properties: Span(), version: .v5)
    }
}

/// Devices of profiles, each in its own time.
///
/// Isolation: its fleet's.
final class ProfileFleet: FleetSource {
    private let settings: FleetSettings
    private var devices: [(device: SimulatedDevice, interval: Int64, gateway: Int)] = []
    private var heap: [(due: Int64, device: Int)] = []
    /// Messages that were kept back, with when they come.
    private var late: [(due: Int64, message: FleetMessage)] = []
    private(set) var connectionCount = 0
    /// The edge nodes of Sparkplug, by their connections.
    private var nodes: [Int: Int] = [:]

    /// - Parameter count: devices of each profile.
    init(_ profiles: [DeviceProfile], count: Int, _ settings: FleetSettings) {
        self.settings = settings
        var gateways = 0
        var generator = SplitMix(settings.seed)
        for profile in profiles {
            let seconds = (profile.interval ?? .seconds(10)) / .seconds(1)
            let interval = max(1_000_000, Int64(seconds * 1e9 / settings.speed))
            // An edge node has one connection, whose will is its death.
            let isSparkplug = profile.messages.contains { $0.schema.format == .sparkplug }
            let perConnection = isSparkplug ? 1 : profile.devicesPerGateway
            for number in 0..<count {
                let connection = gateways + number / perConnection
                let name = "sim\(String(repeating: "0", count: max(0, 4 - String(number + 1).count)))\(number + 1)"
                devices.append(
                    (
                        SimulatedDevice(profile, name: name, seed: generator.next()), interval, connection
                    ))
                if isSparkplug { nodes[connection] = devices.count - 1 }
                push(Int64(generator.unit() * Double(interval)), devices.count - 1)
            }
            gateways += (count + perConnection - 1) / perConnection
        }
        connectionCount = gateways
    }

    func will(of connection: Int) -> FleetMessage? {
        guard let node = nodes[connection], let death = devices[node].device.death(clock: WallClock.milliseconds())
        else { return nil }
        return FleetMessage(connection: connection, topic: death.topic, payload: death.payload, due: 0)
    }

    func births(of connection: Int, at elapsed: Int64) -> [FleetMessage]? {
        guard let node = nodes[connection] else { return nil }
        let seconds = Double(elapsed) / 1e9 * settings.speed
        return devices[node].device.births(at: seconds, clock: WallClock.milliseconds()).map {
            FleetMessage(connection: connection, topic: $0.topic, payload: $0.payload, due: elapsed)
        }
    }

    var deviceCount: Int { devices.count }
    var nextDue: Int64? { min(heap.first?.due ?? .max, late.first?.due ?? .max) }

    func take(at elapsed: Int64, into report: inout FleetReport) -> [FleetMessage] {
        if let first = late.first, first.due <= elapsed {
            late.removeFirst()
            report.late += 1
            return [first.message]
        }
        guard let (due, index) = pop() else { return [] }
        push(due + devices[index].interval, index)
        let device = devices[index]
        let seconds = Double(due) / 1e9 * settings.speed
        var fault: SimulatedDevice.Fault?
        if devices[index].device.happens(settings.badPart) { fault = devices[index].device.anyFault() }
        let clock = WallClock.milliseconds()
        let messages = devices[index].device.next(at: seconds, clock: clock, fault: fault).map {
            FleetMessage(connection: device.gateway, topic: $0.topic, payload: $0.payload, due: due)
        }
        if devices[index].device.happens(settings.dropPart) {
            report.dropped += messages.count
            return []
        }
        if fault != nil { report.bad += messages.count }
        if devices[index].device.happens(settings.latePart) {
            for message in messages {
                var kept = message
                kept.due = due + 5 * device.interval
                let place = late.firstIndex { $0.due > kept.due } ?? late.count
                late.insert((kept.due, kept), at: place)
            }
            return []
        }
        guard devices[index].device.happens(settings.repeatPart) else { return messages }
        report.repeated += messages.count
        return messages + messages
    }

    // MARK: A heap of due times

    private func push(_ due: Int64, _ device: Int) {
        heap.append((due, device))
        var index = heap.count - 1
        while index > 0, heap[(index - 1) / 2].due > heap[index].due {
            heap.swapAt(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    private func pop() -> (due: Int64, device: Int)? {
        guard let first = heap.first, let last = heap.popLast() else { return nil }
        guard !heap.isEmpty else { return first }
        heap[0] = last
        var index = 0
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2] where child < heap.count && heap[child].due < heap[least].due {
                least = child
            }
            guard least != index else { return first }
            heap.swapAt(index, least)
            index = least
        }
    }
}

/// A captured window of a stream, at its own pace.
///
/// Isolation: its fleet's.
final class HistoryFleet: FleetSource {
    /// A record of the window.
    struct Record {
        var key: String
        var topic: [UInt8]
        var payload: [UInt8]
        /// Microseconds since 1970.
        var time: Int64
    }

    private var messages: [FleetMessage] = []
    private var next = 0
    let connectionCount: Int
    let deviceCount: Int

    /// - Parameter connectionsMax: devices beyond it share connections.
    init(_ records: [Record], speed: Double, connectionsMax: Int) {
        var connections: [String: Int] = [:]
        let sorted = records.sorted { $0.time < $1.time }
        let start = sorted.first?.time ?? 0
        for record in sorted {
            let connection = connections[record.key] ?? connections.count % connectionsMax
            connections[record.key] = connection
            messages.append(
                FleetMessage(
                    connection: connection, topic: record.topic, payload: record.payload,
                    due: Int64(Double(record.time - start) * 1000 / speed)))
        }
        deviceCount = connections.count
        connectionCount = min(connectionsMax, connections.count)
    }

    var nextDue: Int64? { next < messages.count ? messages[next].due : nil }

    func take(at elapsed: Int64, into report: inout FleetReport) -> [FleetMessage] {
        guard next < messages.count else { return [] }
        next += 1
        return [messages[next - 1]]
    }
}
