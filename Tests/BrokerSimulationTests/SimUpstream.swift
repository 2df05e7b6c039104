import Bridging
import MQTTWire
import SluiceCore
import SluiceTesting
import TopicRouting

/// The broker upstream of a bridge. Its sessions outlive connections, and the node's crashes.
final class SimUpstream {
    private let model: BrokerModel
    /// QoS 2 messages that it has taken and that were not released, by their identifiers.
    private var unreleased: Set<UInt16> = []
    /// Messages for the node that it has not acknowledged, oldest first.
    private(set) var outbox: [SimMessage] = []
    /// Told of what it takes, when somebody looks at one history.
    var trace: ((String) -> Void)?
    /// Whether it lets nobody in.
    var isDown = false

    init(_ model: BrokerModel) { self.model = model }

    func send() { outbox.append(model.message("upstream", "up/x", .atLeastOnce)) }

    func acknowledged(_ serials: Set<Int>) {
        for serial in serials { model.acknowledged(serial) }
        outbox.removeAll { serials.contains($0.serial) }
    }

    func take(_ packetID: UInt16, _ message: BridgeMessage) throws {
        guard let serial = Int(String(decoding: message.payload, as: UTF8.self)) else { return }
        trace?("the upstream takes \(serial) at QoS \(message.qos.rawValue) as \(packetID)")
        if message.qos == .exactlyOnce, !unreleased.insert(packetID).inserted { return }
        try model.forwarded(serial)
        if message.qos == .exactlyOnce, model.messages[serial].qos == .exactlyOnce, model.forwarded[serial] != 1 {
            throw BrokerModel.Violation("the upstream gets \(serial) at QoS 2 again")
        }
    }

    func release(_ packetID: UInt16) {
        trace?("the upstream releases \(packetID)")
        unreleased.remove(packetID)
    }
}

/// A bridge's end of the connection to its upstream, one for each life of the node.
///
/// Nothing leaves before `flush`, and what the upstream does with what has left is the simulation's to say.
final class SimUpstreamClient: UpstreamClient {
    private enum Sent {
        case publish(UInt16, BridgeMessage)
        case release(UInt16)
    }

    private let upstream: SimUpstream
    private let plant: Plant?
    private var isConnecting = false
    private var isConnected = false
    private var connected: UpstreamEvent?
    private var events: [UpstreamEvent] = []
    private var unsent: [Sent] = []
    private var sent: [Sent] = []
    private var lastID: UInt16 = 0
    /// Messages of the upstream that the bridge was given: what is flushed is acknowledged.
    private var given: Set<Int> = []
    private var announced: Set<Int> = []
    let flag = WakeFlag()
    let wake: @Sendable () -> Void

    init(_ upstream: SimUpstream, plant: Plant?) {
        self.upstream = upstream
        self.plant = plant
        let flag = self.flag
        wake = { flag.isSet = true }
    }

    // MARK: What the simulation does

    /// Whether the upstream has something to do.
    var hasNews: Bool {
        isConnecting || isConnected && (!sent.isEmpty || upstream.outbox.contains { !announced.contains($0.serial) })
    }

    /// The upstream does the next thing.
    func perform() throws {
        if isConnecting {
            isConnecting = false
            guard !upstream.isDown else { return lose(UpstreamFailure(.tcp, "refused")) }
            isConnected = true
            events.append(.connected(sessionPresent: true, inflightMax: nil, node: nil))
        } else if isConnected, !sent.isEmpty {
            switch sent.removeFirst() {
            case .publish(let packetID, let message):
                try upstream.take(packetID, message)
                events.append(
                    message.qos == .exactlyOnce
                        ? .received(packetID: packetID) : .finished(packetID: packetID, reason: 0))
            case .release(let packetID):
                upstream.release(packetID)
                events.append(.finished(packetID: packetID, reason: 0))
            }
        } else if isConnected, let next = upstream.outbox.first(where: { !announced.contains($0.serial) }) {
            announced.insert(next.serial)
            events.append(
                .message(
                    BridgeMessage(
                        topic: Array(next.topic.utf8), payload: Array("\(next.serial)".utf8), qos: .atLeastOnce,
                        isRetained: false)))
        }
        flag.isSet = true
    }

    /// The connection breaks.
    func breakConnection() {
        guard isConnected || isConnecting else { return }
        lose(UpstreamFailure(.tcp, "broken"))
        flag.isSet = true
    }

    private func lose(_ failure: UpstreamFailure) {
        forget()
        events.append(.lost(failure))
    }

    private func forget() {
        isConnecting = false
        isConnected = false
        unsent = []
        sent = []
        given = []
        announced = []
    }

    // MARK: The bridge's side

    func connect(_ attempt: UpstreamAttempt) {
        forget()
        events = []
        isConnecting = true
        upstream.trace?(
            "the bridge connects, \(attempt.unreceived.map(\.packetID)) unreceived, \(attempt.unreleased) unreleased")
        if !attempt.unreceived.isEmpty || !attempt.unreleased.isEmpty { lastID = attempt.lastPacketID }
        for (packetID, message) in attempt.unreceived { unsent.append(.publish(packetID, message)) }
        for packetID in attempt.unreleased { unsent.append(.release(packetID)) }
    }

    func disconnect() { drop() }

    func drop() {
        forget()
        events = []
    }

    func publish(_ message: borrowing BridgeMessage) -> PublishOutcome {
        guard isConnected else { return .unconnected }
        lastID = lastID == .max ? 1 : lastID + 1
        unsent.append(.publish(lastID, copy message))
        return .taken(packetID: lastID)
    }

    func subscribe(_ subscription: TopicMap.Subscription, noLocal: Bool) -> UInt16? {
        guard isConnected else { return nil }
        lastID = lastID == .max ? 1 : lastID + 1
        events.append(.subscribed(packetID: lastID, codes: [1]))
        flag.isSet = true
        return lastID
    }

    func receive(into events: inout [UpstreamEvent]) {
        for event in self.events {
            switch event {
            case .message(let message):
                if let serial = Int(String(decoding: message.payload, as: UTF8.self)) { given.insert(serial) }
            case .received(let packetID): unsent.append(.release(packetID))
            case .connected, .lost, .finished, .subscribed, .warning: break
            }
        }
        events += self.events
        self.events = []
        guard plant == .acknowledgesUpstreamEarly else { return }
        upstream.acknowledged(given)
        given = []
    }

    func flush() {
        guard isConnected else { return }
        sent += unsent
        unsent = []
        upstream.acknowledged(given)
        given = []
    }

    func wait(until deadline: Int64, isHeld: Bool) {}
}

/// A bridge's notes, which outlive a process and not a power cut.
final class SimNotebook: BridgeNotebook {
    var bytes: [UInt8] = []

    func contents() -> [UInt8] { bytes }

    func write(_ bytes: [UInt8], at byteIndex: Int) -> Bool {
        if self.bytes.count < byteIndex + bytes.count {
            self.bytes += [UInt8](repeating: 0, count: byteIndex + bytes.count - self.bytes.count)
        }
        self.bytes.replaceSubrange(byteIndex..<byteIndex + bytes.count, with: bytes)
        return true
    }
}
