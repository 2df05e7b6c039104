import Foundation
import Testing

@Suite("Hostile clients")
struct HostileTests {
    /// Sessions of one run; `make soak` asks for 100,000.
    private static let sessionCount =
        ProcessInfo.processInfo.environment["SLUICE_SOAK_SESSIONS"].flatMap(Int.init) ?? 3000
    /// What the broker may take: its tail, its journal's buffers, and nothing that a peer chooses.
    private static let residentBytesMax = 400 << 20

    @Test("mutated conversations, bombs and silence neither crash the broker nor grow it, nor keep others waiting")
    func survives() throws {
        let seed =
            ProcessInfo.processInfo.environment["SLUICE_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 0..<1 << 32)
        let hint = Comment("again: SLUICE_SEED=\(seed) swift test --filter IntegrationTests.HostileTests")
        var generator = SeededGenerator(seed: seed)
        let broker = try BrokerProcess("limits:\n  connect_timeout: 1s\n" + BrokerProcess.plain)
        let good = try RawClient(port: broker.port, level: 5, id: "good", properties: [])
        good.send(RawPacket.subscribe(level: 5, filter: "good/#", qos: 1))
        guard case .packet = good.next() else {
            Issue.record("the well-behaved client was not served at all, \(hint)")
            return
        }
        var silent: [RawClient] = []
        for number in 0..<Self.sessionCount {
            let conversation = Conversation(&generator)
            do {
                let client = try RawClient(port: broker.port)
                client.sendSome(conversation.bytes)
                // Some stay and say nothing more; some do not even read.
                if conversation.isSilent { silent.append(client) }
                if silent.count > 100 { silent.removeFirst(50) }
            } catch {
                Issue.record("session \(number): the broker accepts nobody any more (\(error)), \(hint)")
                return
            }
            if number % 100 == 0 { expectService(good, number, hint) }
        }
        expectService(good, Self.sessionCount, hint)
        #expect(broker.process.isRunning, hint)
        let resident = try broker.residentBytes()
        // A sanitizer takes several times as much.
        let isSanitized = ProcessInfo.processInfo.environment["SLUICE_SANITIZED"] != nil
        #expect(isSanitized || resident < Self.residentBytesMax, "\(resident >> 20) MiB, \(hint)")
        silent = []
        #expect(broker.stop() == 0, hint)
    }

    /// The well-behaved client publishes to itself and must hear of it soon.
    private func expectService(_ good: RawClient, _ number: Int, _ hint: Comment) {
        good.send(RawPacket.publish(level: 5, topic: "good/\(number)", payload: "x", qos: 1, id: 7))
        var isAcknowledged = false
        var isDelivered = false
        while !isAcknowledged || !isDelivered {
            guard case .packet(let packet) = good.next() else {
                Issue.record("after \(number) hostile sessions a good client is not served, \(hint)")
                return
            }
            if packet[0] == 0x40 { isAcknowledged = true }
            guard packet[0] >> 4 == 3 else { continue }
            isDelivered = true
            let at = 4 + Int(packet[3])
            good.send([0x40, 2, packet[at], packet[at + 1]])
        }
    }
}

/// What one hostile client sends: a conversation that was valid once, or one of the known bombs.
private struct Conversation {
    var bytes: [UInt8] = []
    var isSilent = false

    init(_ generator: inout SeededGenerator) {
        let level = UInt8([3, 4, 5].randomElement(using: &generator) ?? 4)
        isSilent = Int.random(in: 0..<10, using: &generator) == 0
        switch Int.random(in: 0..<12, using: &generator) {
        case 0: bytes = [0x10, 0xFF, 0xFF, 0xFF, 0x7F] + [UInt8](repeating: 0, count: 64)
        case 1: bytes = [0x10]
        case 2: bytes = Self.connect(level) + Self.deepTopics(level)
        case 3: bytes = Self.connect(level) + Self.openFlows(level)
        case 4: bytes = Self.connect(5) + Self.propertyBomb()
        case 5:
            bytes = Self.connect(level) + RawPacket.subscribe(level: level, filter: "#", qos: 2)
            for _ in 0..<200 { bytes += RawPacket.publish(level: level, topic: "flood", payload: Self.kilobyte) }
            isSilent = true
        case 6: bytes = (0..<64).map { _ in UInt8.random(in: 0...255, using: &generator) }
        case _: bytes = Self.mutated(Self.conversation(level, &generator), &generator)
        }
    }

    private static let kilobyte = String(repeating: "k", count: 1024)

    private static func connect(_ level: UInt8) -> [UInt8] {
        RawPacket.connect(level: level, id: "hostile", flags: level == 5 ? 0 : 2)
    }

    private static func deepTopics(_ level: UInt8) -> [UInt8] {
        let deep = Array(repeating: "a", count: 5000).joined(separator: "/")
        return RawPacket.subscribe(level: level, filter: deep + "/#")
            + RawPacket.publish(level: level, topic: deep, payload: "x")
    }

    /// QoS 2 messages that are never released.
    private static func openFlows(_ level: UInt8) -> [UInt8] {
        (1...2000).flatMap { RawPacket.publish(level: level, topic: "q", payload: "x", qos: 2, id: $0) }
    }

    private static func propertyBomb() -> [UInt8] {
        var properties: [UInt8] = []
        for _ in 0..<5000 { properties += [0x26, 0, 1, 0x61, 0, 1, 0x62] }
        let length = [UInt8(properties.count & 0x7F) | 0x80, UInt8(properties.count >> 7 & 0x7F) | 0x80]
        let end = [UInt8(properties.count >> 14)]
        return RawPacket.frame(0x30, RawPacket.string("t") + length + end + properties + [0x78])
    }

    private static func conversation(_ level: UInt8, _ generator: inout SeededGenerator) -> [UInt8] {
        let topics = ["a/b", "a/#", "+/b", "$SYS/#", "$share/g/a/#", "$stream/mqtt", "$replay/earliest/#", "", "a+b"]
        let topic = topics.randomElement(using: &generator) ?? "a"
        let retained = RawPacket.publish(level: level, topic: topic, payload: "r", qos: 1, id: 5)
        let parts: [[UInt8]] = [
            RawPacket.subscribe(level: level, filter: topic, qos: UInt8.random(in: 0...2, using: &generator)),
            RawPacket.publish(level: level, topic: topic, payload: "x", qos: 0),
            RawPacket.publish(level: level, topic: topic, payload: "x", qos: 1, id: 3),
            RawPacket.publish(level: level, topic: topic, payload: "x", qos: 2, id: 4, duplicate: true),
            [retained[0] | 1] + retained.dropFirst(),
            [0x62, 2, 0, 4], [0x40, 2, 0, 1], [0x50, 2, 0, 1], [0x70, 2, 0, 1],
            RawPacket.frame(0xA2, [0, 9] + (level == 5 ? [0] : []) + RawPacket.string(topic)),
            [0xC0, 0], [0xE0, 0], [0xF0, 0], connect(level),
        ]
        var bytes = connect(level)
        for _ in 0..<Int.random(in: 1...12, using: &generator) { bytes += parts.randomElement(using: &generator) ?? [] }
        return bytes
    }

    private static func mutated(_ conversation: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
        var bytes = conversation
        for _ in 0..<Int.random(in: 0...4, using: &generator) where !bytes.isEmpty {
            let index = Int.random(in: 0..<bytes.count, using: &generator)
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 1: bytes[index] = UInt8.random(in: 0...255, using: &generator)
            case 2: bytes.removeSubrange(index...)
            case _: bytes.insert(contentsOf: bytes[index...].prefix(8), at: index)
            }
        }
        return bytes
    }
}
