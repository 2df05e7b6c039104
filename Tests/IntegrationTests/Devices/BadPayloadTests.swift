import Foundation
import Glibc
import Testing

@Suite("Payloads that nobody expects")
struct BadPayloadTests {
    /// The same numbers each time, for the same seed.
    private struct Random {
        var state: UInt64

        mutating func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
    }

    /// A payload of a kind that devices have sent, or somebody who wants trouble.
    private static func payload(_ random: inout Random) -> [UInt8] {
        let good = Array(#"{"temperature":21.5,"humidity":40,"seq":1}"#.utf8)
        switch random.next(10) {
        case 0: return good
        case 1: return Array(good.prefix(random.next(good.count)))
        case 2: return [UInt8](repeating: UInt8(ascii: "["), count: 1 + random.next(2000))
        case 3: return Array(#"{"temperature":1\#(String(repeating: "0", count: random.next(400)))}"#.utf8)
        case 4: return Array(#"{"temperature":1,"temperature":\#(random.next(9))}"#.utf8)
        case 5: return Array(#"{"temperature":"\#(random.next(2) == 0 ? "NaN" : "21.5")"}"#.utf8)
        case 6: return Array(#"{"temperature":NaN}"#.utf8)
        case 7: return (0..<random.next(64)).map { _ in UInt8(random.next(256)) }
        case 8:
            var bytes = good
            for _ in 0..<1 + random.next(4) { bytes[random.next(bytes.count)] = UInt8(random.next(256)) }
            return bytes
        default: return good + good
        }
    }

    @Test("each of 500 payloads ends stored, refused or as a dead letter, the ledger says which, and others go on")
    func rounds() throws {
        let refusing =
            DeviceBroker.temperature.replacing("sensors", with: "strict")
            .replacing("name: temperature", with: "name: strict") + "bad_payload: refuse\n"
        let sparkplug =
            "stream: spark\nkey: \"{g}/{n}\"\ntopic: spBv1.0/{g}/NDATA/{n}\nformat: sparkplug-b\n"
            + "fields: { temperature: number }\n"
        let world = try DeviceBroker([
            "temperature": DeviceBroker.temperature, "strict": refusing, "spark": sparkplug,
        ])
        let other = try MosquittoClient(id: "other", version: 5)
        _ = try other.connect(port: world.broker.port)
        _ = try other.subscribe("quiet/#", qos: 1)
        var random = Random(state: 20_261_129)
        let topics = ["sensors/b/dev1/temperature", "strict/b/dev1/temperature", "spBv1.0/g/NDATA/n"]
        let publisher = try RawClient(port: world.broker.port, level: 5, id: "publisher")
        var reasons: [UInt8: Int] = [:]
        for _ in 0..<500 {
            var packet: [UInt8] = []
            let (topic, payload) = (Array(topics[random.next(3)].utf8), Self.payload(&random))
            packet += [0, UInt8(topic.count)] + topic + [0, 1, 0] + payload
            publisher.send(RawPacket.frame(0x32, packet))
            guard case .packet(let puback) = publisher.next() else {
                Issue.record("expected a PUBACK of \(payload)")
                return
            }
            reasons[puback.count > 4 ? puback[4] : 0, default: 0] += 1
        }
        #expect(reasons.keys.allSatisfy { $0 == 0 || $0 == 0x10 || $0 == 0x99 }, "\(reasons)")
        let (refused, taken) = (reasons[0x99] ?? 0, 500 - (reasons[0x99] ?? 0))
        var sums = (published: 0, stored: 0, letters: 0, refused: 0)
        let isBalanced = try world.broker.process.wait {
            sums = (0, 0, 0, 0)
            for name in ["temperature", "strict", "spark"] {
                let line = try world.ledger(name)
                sums.published += line["published"] ?? 0
                sums.stored += line["stored"] ?? 0
                sums.letters += line["dead_lettered"] ?? 0
                sums.refused += line["refused"] ?? 0
            }
            return sums == (500, taken - sums.letters, sums.letters, refused)
        }
        #expect(isBalanced, "\(sums), \(reasons)")
        let streams = ["sensors", "strict", "spark", "sensors.dlq", "spark.dlq"]
        let counts = try streams.map { try world.broker.sluice(["consume", $0, "--json"]).lines.count }
        #expect(counts.reduce(0, +) == taken, "\(counts)")
        #expect(try world.publish("quiet/one", "1").code == 0)
        #expect(try other.receive(1).map(\.payload) == ["1"])
    }
}
