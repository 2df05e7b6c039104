import Foundation

/// A subscriber with a session that stays, to the letter of MQTT 3.1.1: it comes back after each crash and keeps book
/// of what it gets.
///
/// Not a libmosquitto client: that one keeps a QoS 2 message twice when it comes again with DUP, and delivers the wrong
/// one of them later (`message__queue` of 2.0), so that it cannot tell what a broker repeats.
/// Isolation: its thread, until `join`; then whoever joined.
// Sendable: other threads read only after `join`.
final class CrashSubscriber: @unchecked Sendable {
    let qos: UInt8
    let name: String
    private let stage: CrashStage
    private let done = DispatchSemaphore(value: 0)
    private var client: RawClient?
    /// QoS 2 messages that wait for their PUBREL: they were delivered, and must not be again.
    private var held: Set<[UInt8]> = []
    /// The payloads' first two words, in the order of their arrival.
    private(set) var received: [(publisher: String, number: Int)] = []
    /// Whether each CONNACK said that the session was there.
    private(set) var presence: [Bool] = []
    private var isComplete = false

    /// The message that ends it: in the log behind all others, so that they have come before.
    static let last = RawPacket.publish(level: 4, topic: "crash/last", payload: "last 0", qos: 1)

    private let seconds: Double

    init(name: String, qos: UInt8, _ stage: CrashStage, within seconds: Double) {
        self.seconds = seconds
        self.name = name
        self.qos = qos
        self.stage = stage
    }

    /// Connects for the first time and subscribes, then goes on by itself until `last` comes.
    func start() -> Bool {
        guard connect(), let client else { return false }
        client.send(RawPacket.subscribe(level: 4, filter: "crash/#", qos: qos))
        guard client.next() == .packet([0x90, 3, 0, 1, qos]) else { return false }
        Thread.detachNewThread {
            self.run()
            self.done.signal()
        }
        return true
    }

    /// Waits for its end.
    func join(within seconds: Double) -> Bool { done.wait(timeout: .now() + seconds) == .success }

    private func connect() -> Bool {
        do {
            let client = try RawClient(port: stage.port)
            client.send(RawPacket.connect(level: 4, id: name, flags: 0))
            guard case .packet(let connack) = client.next(), connack.count == 4, connack[3] == 0 else { return false }
            presence.append(connack[2] == 1)
            self.client = client
            stage.noteConnection(name)
            return true
        } catch {
            return false
        }
    }

    private func run() {
        let deadline = Deadline(seconds)
        while !deadline.isOver {
            guard let client else {
                if stage.waitUntilUp() { _ = connect() }
                continue
            }
            switch client.next(within: 0.5) {
            case .packet(let packet): take(packet, client)
            case .closed: self.client = nil
            case .silence: continue
            }
            if isComplete { return client.send([0xE0, 0]) }
        }
    }

    private func take(_ packet: [UInt8], _ client: RawClient) {
        switch packet[0] >> 4 {
        case 3: deliver(packet, client)
        case 6:
            held.remove(Array(packet[2...3]))
            client.send([0x70, 2, packet[2], packet[3]])
        case _: break
        }
    }

    private func deliver(_ packet: [UInt8], _ client: RawClient) {
        let level = packet[0] >> 1 & 3
        var index = 1
        while packet[index] >= 0x80 { index += 1 }
        index += 1
        index += 2 + (Int(packet[index]) << 8 | Int(packet[index + 1]))
        let id = level > 0 ? Array(packet[index..<index + 2]) : []
        index += id.count
        let isNew = level < 2 || held.insert(id).inserted
        if level > 0 { client.send([level == 1 ? 0x40 : 0x50, 2] + id) }
        guard isNew else { return }
        let words = String(decoding: packet[index...], as: UTF8.self).split(separator: " ")
        received.append((String(words[0]), Int(words[1]) ?? -1))
        if words[0] == "last" { isComplete = true }
    }
}
