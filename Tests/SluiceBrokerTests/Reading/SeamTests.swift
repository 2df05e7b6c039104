import CommitLog
import MQTTWire
import SluiceCore
import Testing

@testable import SluiceBroker

/// History joins live at any moment: whatever is published, committed, flushed, acknowledged and left unread meanwhile.
@Suite("The seam between history and live")
struct SeamTests {
    private struct SplitMix: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var word = state
            word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
            word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
            return word ^ word >> 31
        }
    }

    /// Who reads, and how.
    private enum Subscriber: CaseIterable {
        case replay, replayAssured, session, group
    }

    @Test("no gap, no repeat, the order of each topic", arguments: 0..<10)
    func joins(_ block: UInt64) {
        // A hundred histories each: a thousand in all.
        for seed in block * 100..<(block + 1) * 100 { run(seed) }
    }

    private func run(_ seed: UInt64) {
        var random = SplitMix(state: seed)
        var limits = Limits()
        limits.outputBytesMax = Int.random(in: 100...2000, using: &random)
        let log = FakeLog(
            tailBytesMax: Int.random(in: 1...5000, using: &random),
            partitionCount: Int.random(in: 1...3, using: &random))
        let test = TestShard(log, limits: limits)
        let publisher = test.connect("p")
        var number = 0
        func publish() {
            let qos: QoS = Bool.random(using: &random) ? .atLeastOnce : .exactlyOnce
            let id = PacketID(rawValue: UInt16(number % 1000 + 1))
            publisher.publish("t/\(number % 4)", "\(number)", qos: qos, id: id)
            number += 1
        }
        for _ in 0..<Int.random(in: 0...40, using: &random) {
            publish()
            if Int.random(in: 0..<3, using: &random) == 0 { log.commit() }
            if Int.random(in: 0..<5, using: &random) == 0 { log.flush() }
        }
        test.commit()
        for id in 1...1000 where id <= number { publisher.acknowledge(.pubrel, PacketID(rawValue: UInt16(id))) }
        let kind = Subscriber.allCases.randomElement(using: &random) ?? .replay
        let reader = begin(kind, test, &random)
        var received: [(topic: Int, number: Int)] = []
        for _ in 0..<60 {
            switch Int.random(in: 0..<8, using: &random) {
            case 0, 1, 2: publish()
            case 3: log.commit()
            case 4: log.flush()
            case 5: reader.isBlocked = true
            case 6: reader.unblock()
            case _: take(reader, into: &received)
            }
            test.tick()
        }
        reader.unblock()
        for _ in 0..<400 {
            test.commit()
            take(reader, into: &received)
        }
        let context = "seed \(seed), \(kind), \(received.map(\.number)) of \(number)"
        #expect(received.map(\.number).sorted() == Array(0..<number), "\(context)")
        for topic in 0..<4 {
            let order = received.filter { $0.topic == topic }.map(\.number)
            #expect(order == order.sorted(), "\(context)")
        }
    }

    private func begin(_ kind: Subscriber, _ test: TestShard, _ random: inout SplitMix) -> TestClient {
        let window = UInt32.random(in: 1...20, using: &random)
        let expiry: UInt32 = kind == .session ? 100 : 0
        let properties = PropertyWriter.bytes {
            PropertyWriter.append(.receiveMaximum, window, to: &$0)
            PropertyWriter.append(.sessionExpiryInterval, expiry, to: &$0)
        }
        let reader = test.connect("r", .v5, properties: properties)
        switch kind {
        case .replay: reader.subscribe("$replay/earliest/t/#", qos: .atLeastOnce)
        case .replayAssured, .session: reader.subscribe("$stream/mqtt", qos: .exactlyOnce, offset: "earliest")
        case .group: reader.subscribe("$share/g/$stream/mqtt", qos: .atLeastOnce, offset: "earliest")
        }
        return reader
    }

    /// Takes what has come and acknowledges it.
    private func take(_ reader: TestClient, into received: inout [(topic: Int, number: Int)]) {
        for line in reader.take() {
            let words = line.split(separator: " ")
            if words[0] == "pubrel", let id = UInt16(words[1]) {
                reader.acknowledge(.pubcomp, PacketID(rawValue: id))
            }
            guard words[0].hasPrefix("t/"), let topic = Int(words[0].dropFirst(2)), let number = Int(words[1]),
                let id = UInt16(words[3].dropFirst())
            else { continue }
            received.append((topic, number))
            reader.acknowledge(words[2] == "q2" ? .pubrec : .puback, PacketID(rawValue: id))
        }
    }
}
