import Foundation
import Synchronization
import Testing

@Suite("what an upstream refuses, and what becomes of it")
struct BridgeRefusalTests {
    private static func configuration(_ port: Int, _ topics: [String], _ more: [String] = []) -> String {
        BridgeTests.configuration(port, topics, more + ["notifications: false"], inflight: 20)
    }

    /// The first refusal of a PUBLISH, and of PUBLISHes with one of `payloads` only.
    private static func refusing(_ reason: UInt8, _ payloads: Set<String>) -> FakeUpstream.Answer {
        { packet in
            guard packet.kind == 3, payloads.contains(packet.payload(level: 5)) else { return nil }
            let head: [UInt8] = [packet.qos == 1 ? 0x40 : 0x50, 3]
            return head + packet.packetID + [reason]
        }
    }

    @Test(
        "a CONNACK that says no: its cause is shown while the bridge runs",
        arguments: [
            ("5", [0x20, 3, 0, 0x84, 0], "protocol version", "does not speak MQTT 5"),
            ("5", [0x20, 2, 0, 1], "protocol version", "does not speak MQTT 5"),
            ("3.1.1", [0x20, 2, 0, 1], "protocol version", "does not speak MQTT 3.1.1"),
            ("5", [0x20, 3, 0, 0x86, 0], "credentials", "user name or password are wrong"),
            ("3.1.1", [0x20, 2, 0, 4], "credentials", "user name or password are wrong"),
            ("5", [0x20, 3, 0, 0x85, 0], "credentials", "does not take the client identifier"),
            ("5", [0x20, 3, 0, 0x97, 0], "upstream full", "quota is used up"),
            ("5", [0x20, 3, 0, 0x89, 0], "upstream full", "busy"),
            ("3.1.1", [0x20, 2, 0, 3], "upstream full", "not available"),
        ] as [(String, [UInt8], String, String)])
    func connack(version: String, answer: [UInt8], cause: String, text: String) throws {
        let upstream = try FakeUpstream(level: version == "5" ? 5 : 4) { $0.kind == 1 ? answer : nil }
        let broker = try BrokerProcess(
            Self.configuration(upstream.port, ["q/# out 1"], ["protocol: \"\(version)\""]))
        let shown = try BridgeTests.waits(broker) { $0.contains("\"cause\":\"\(cause)\"") }
        #expect(shown.contains(text) && shown.contains("\"state\":\"failed\""), "\(shown)")
        #expect(broker.logs("bridge up: \(cause): "), "\(broker.log)")
        #expect(broker.stop() == 0)
    }

    @Test("a name without an address, while the bridge runs")
    func name() throws {
        let broker = try BrokerProcess(
            BridgeTests.configuration(1883, ["q/# out 1"], host: "no-such-host.invalid"))
        let shown = try BridgeTests.waits(broker) { $0.contains("\"cause\":\"DNS\"") }
        #expect(shown.contains("the host name has no address"), "\(shown)")
        #expect(broker.stop() == 0)
    }

    @Test("a subscription that is refused, in both versions", arguments: [("5", 0x87), ("3.1.1", 0x80)])
    func subscription(version: String, code: UInt8) throws {
        let isNew = version == "5"
        let upstream = try FakeUpstream(level: isNew ? 5 : 4) { packet in
            guard packet.kind == 8 else { return nil }
            let properties: [UInt8] = isNew ? [0] : []
            return [0x90, isNew ? 4 : 3] + packet.packetID + properties + [code]
        }
        let broker = try BrokerProcess(Self.configuration(upstream.port, ["x/# in 1"], ["protocol: \"\(version)\""]))
        let shown = try BridgeTests.waits(broker) { $0.contains("topic refused: ") }
        #expect(shown.contains("the upstream refuses the subscription 'x/#'"), "\(shown)")
        if isNew { #expect(shown.contains("not authorised (reason 0x87)"), "\(shown)") }
        #expect(broker.stop() == 0)
    }

    @Test("a topic that is refused for good is passed over, counted and named; the others come", arguments: [1, 2])
    func passedOver(qos: Int) throws {
        let upstream = try FakeUpstream(level: 5, Self.refusing(0x87, ["3", "4"]))
        let broker = try BrokerProcess(Self.configuration(upstream.port, ["q/# out \(qos)"]))
        try BridgeTests.publish(broker, 0..<30, qos: qos)
        let shown = try BridgeTests.waits(broker) {
            $0.contains("\"refused\":2") && $0.contains("\"forwarded\":28") && $0.contains("\"lag_records\":0")
        }
        #expect(shown.contains("topic refused: 'q/k0' is passed over: not authorised (reason 0x87)"), "\(shown)")
        let taken = upstream.received.compactMap { Int($0) }
        let wanted = (0..<30).filter { $0 != 3 && $0 != 4 }
        #expect(taken.sorted() == wanted)
        #expect(broker.stop() == 0)
    }

    @Test("what the upstream says that it does not take is not sent: a packet too large, a QoS, retained messages")
    func limits() throws {
        // Maximum Packet Size 100, Maximum QoS 1, Retain Available 0.
        let retains = Mutex(0)
        let upstream = try FakeUpstream(level: 5) { packet in
            if packet.kind == 3, packet.first & 1 == 1 { retains.withLock { $0 += 1 } }
            return packet.kind == 1 ? [0x20, 12, 0, 0, 9, 0x27, 0, 0, 0, 100, 0x24, 1, 0x25, 0] : nil
        }
        let broker = try BrokerProcess(Self.configuration(upstream.port, ["q/# out 1"]))
        let large = String(repeating: "x", count: 200)
        for payload in ["1", large, "2"] {
            let result = try broker.mosquitto("pub", ["-t", "q/a", "-q", "2", "-r", "-m", payload])
            #expect(result.code == 0, "\(result)")
        }
        let shown = try BridgeTests.waits(broker) { $0.contains("\"forwarded\":2") && $0.contains("\"refused\":1") }
        #expect(shown.contains("topic refused: 'q/a' is passed over: it is larger than the upstream takes"), "\(shown)")
        #expect(upstream.received == ["1", "2"] && retains.withLock { $0 } == 0)
        #expect(broker.stop() == 0)
    }

    @Test("with `refused: hold` the bridge waits before it, and goes on when it is taken", arguments: [1, 2])
    func held(qos: Int) throws {
        let upstream = try FakeUpstream(level: 5, Self.refusing(0x87, ["3"]))
        let broker = try BrokerProcess(Self.configuration(upstream.port, ["q/# out \(qos)"], ["refused: hold"]))
        try BridgeTests.publish(broker, 0..<30, qos: qos)
        let shown = try BridgeTests.waits(broker) { $0.contains("\"cause\":\"topic refused\"") }
        #expect(shown.contains("'q/k0' is not taken, and is tried again: not authorised"), "\(shown)")
        #expect(!upstream.received.contains("3"))
        // It tries more than once before it is let.
        #expect(broker.process.wait { refusedCount(broker) > 3 })
        upstream.answers { _ in nil }
        try complete(broker, upstream, qos: qos)
    }

    @Test("what a full upstream refuses is tried again until it is taken, in order", arguments: [1, 2])
    func full(qos: Int) throws {
        let all = Set((0..<60).map(String.init))
        let upstream = try FakeUpstream(level: 5, Self.refusing(0x97, all))
        let broker = try BrokerProcess(Self.configuration(upstream.port, ["q/# out \(qos)"]))
        try BridgeTests.publish(broker, 0..<30, qos: qos)
        let shown = try BridgeTests.waits(broker) { $0.contains("\"cause\":\"upstream full\"") }
        #expect(shown.contains("the upstream's quota is used up (reason 0x97)"), "\(shown)")
        #expect(upstream.received.isEmpty)
        upstream.answers { _ in nil }
        try complete(broker, upstream, qos: qos)
    }

    private func refusedCount(_ broker: BrokerProcess) -> Int {
        broker.log.count { $0.contains("is not taken, and is tried again") }
    }

    /// Everything has come, in order per key, and what came twice was on its way.
    private func complete(_ broker: BrokerProcess, _ upstream: FakeUpstream, qos: Int) throws {
        let shown = try BridgeTests.waits(broker) { $0.contains("\"lag_records\":0") && $0.contains("\"inflight\":0") }
        #expect(shown.contains("\"refused\":0"), "\(shown)")
        let numbers = upstream.received.compactMap { Int($0) }
        #expect(Set(numbers) == Set(0..<30), "\(numbers)")
        // However often it was tried: twice came what was on its way behind the first refusal, at QoS 2 nothing.
        #expect(numbers.count <= (qos == 2 ? 30 : 30 + 20), "\(numbers)")
        // At QoS 2 what was taken behind a refused one is not sent again, so that one comes after it.
        if qos == 1 {
            for key in 0..<3 {
                // Whatever comes twice comes in order behind what was refused.
                var seen: Set<Int> = []
                let last = numbers.reversed().filter { $0 % 3 == key && seen.insert($0).inserted }
                #expect(last == last.sorted(by: >), "\(numbers)")
            }
        }
        #expect(broker.stop() == 0)
    }

    @Test("a topic in at QoS 2 is subscribed to at QoS 1, and check and describe say so")
    func assuredIn() throws {
        let asked = Mutex<[UInt8]>([])
        let upstream = try FakeUpstream(level: 5) { packet in
            if packet.kind == 8, let options = packet.body.last { asked.withLock { $0.append(options & 3) } }
            return nil
        }
        let configuration = Self.configuration(upstream.port, ["x/# in 2", "y/# in 1"])
        let broker = try BrokerProcess(configuration)
        let shown = try BridgeTests.waits(broker) { $0.contains("\"state\":\"live\"") }
        #expect(shown.contains("'x/#' is subscribed to at QoS 1, not 2"), "\(shown)")
        #expect(broker.process.wait { asked.withLock { $0 } == [1, 1] })
        let file = try broker.directory.write("check.yaml", configuration)
        let check = try Program.sluice(["check", "--config", file])
        #expect(check.output.contains("note: bridge up: 'x/#' is subscribed to at QoS 1, not 2"), "\(check)")
        #expect(broker.stop() == 0)
    }

    @Test("an upstream that acknowledges nothing, and answers pings, is left and tried again")
    func silent() throws {
        let upstream = try FakeUpstream(level: 4) { packet in packet.kind == 3 ? [] : nil }
        let more = ["protocol: \"3.1.1\"", "keep_alive: 5s"]
        let broker = try BrokerProcess(Self.configuration(upstream.port, ["q/# out 1"], more))
        try BridgeTests.publish(broker, 0..<30, qos: 1)
        #expect(broker.logs("timeout: the upstream has acknowledged nothing for 10 s", within: 120))
        upstream.answers { _ in nil }
        try complete(broker, upstream, qos: 1)
    }

    @Test("acknowledgements come in pieces, with other packets and a large message among them")
    func pieces() throws {
        let upstream = try FakeUpstream(level: 5) { packet in packet.kind == 3 ? [] : nil }
        let broker = try BrokerProcess(Self.configuration(upstream.port, ["q/# out 1", "x/# in 1"]))
        _ = try BridgeTests.waits(broker) { $0.contains("\"state\":\"live\"") }
        try BridgeTests.publish(broker, 0..<15, qos: 1)
        _ = try BridgeTests.waits(broker) { $0.contains("\"inflight\":15") }
        // The first ones have the identifiers that a bridge begins with.
        func acknowledgement(_ index: Int) -> [UInt8] { [0x40, 2, 0x80, UInt8(index)] }
        let large = RawPacket.publish(level: 5, topic: "x/a", payload: String(repeating: "y", count: 100_000), qos: 1)
        for byte in acknowledgement(0) + acknowledgement(1) { upstream.send([byte]) }
        upstream.send(acknowledgement(2) + [0xD0, 0] + acknowledgement(3) + [0x40])
        let restOfFifth: [UInt8] = [2, 0x80, 4]
        upstream.send(restOfFifth + large.prefix(50_000))
        upstream.send(large.dropFirst(50_000) + acknowledgement(5))
        let shown = try BridgeTests.waits(broker) {
            $0.contains("\"forwarded\":6") && $0.contains("\"received\":1") && $0.contains("\"inflight\":9")
        }
        #expect(shown.contains("\"state\":\"live\""), "\(shown)")
        #expect(broker.stop() == 0)
    }
}
