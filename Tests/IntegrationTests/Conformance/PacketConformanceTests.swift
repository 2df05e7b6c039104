import Foundation
import Testing

@Suite("Conformance: packets that must not be")
struct PacketConformanceTests {
    /// Bytes that close a connection; the reason is what MQTT 5 is told, nil where it is not asked.
    struct Case {
        var name: String
        var old: String?
        var new: String?
        var reason: Int

        init(_ name: String, old: String?, new: String?, _ reason: Int) {
            self.name = name
            self.old = old
            self.new = new
            self.reason = reason
        }
    }

    static let cases: [Case] = [
        Case("second CONNECT", old: "10 0d 0004 4d515454 04 02 0000 0001 61", new: "10 00", 130),
        Case("CONNACK", old: "20 02 0000", new: "20 03 000000", 130),
        Case("SUBACK", old: "90 03 000100", new: "90 04 00010000", 130),
        Case("UNSUBACK", old: "b0 02 0001", new: "b0 04 00010000", 130),
        Case("PINGRESP", old: "d0 00", new: "d0 00", 130),
        Case("type 0", old: "00 00", new: "00 00", 129),
        Case("AUTH before 5, its flags in 5", old: "f0 00", new: "f1 00", 129),
        Case("flags of PUBACK", old: "41 02 0001", new: "41 02 0001", 129),
        Case("flags of PUBREC", old: "52 02 0001", new: "52 02 0001", 129),
        Case("flags of PUBREL", old: "60 02 0001", new: "60 02 0001", 129),
        Case("flags of PUBCOMP", old: "78 02 0001", new: "78 02 0001", 129),
        Case("flags of SUBSCRIBE", old: "80 06 0001 0001 61 00", new: "80 07 0001 00 0001 61 00", 129),
        Case("flags of UNSUBSCRIBE", old: "a0 05 0001 0001 61", new: "a0 06 0001 00 0001 61", 129),
        Case("flags of PINGREQ", old: "c1 00", new: "c1 00", 129),
        Case("flags of DISCONNECT", old: "e1 00", new: "e1 00", 129),
        Case("five bytes of length", old: "30 ffffffff 01", new: "30 ffffffff 01", 129),
        Case("longer length than needed", old: nil, new: "c0 8000", 129),
        Case("a packet above the limit", old: "30 ffffff7f", new: "30 ffffff7f", 149),
        Case("QoS 3", old: "36 05 0001 61 0001", new: "36 06 0001 61 0001 00", 129),
        Case("DUP at QoS 0", old: "38 03 0001 61", new: "38 04 0001 61 00", 129),
        Case("identifier 0: PUBLISH", old: "32 05 0001 61 0000", new: "32 06 0001 61 0000 00", 130),
        Case("identifier 0: SUBSCRIBE", old: "82 06 0000 0001 61 00", new: "82 07 0000 00 0001 61 00", 130),
        Case("identifier 0: UNSUBSCRIBE", old: "a2 05 0000 0001 61", new: "a2 06 0000 00 0001 61", 130),
        Case("surrogate in a topic", old: "30 05 0003 eda080", new: "30 06 0003 eda080 00", 129),
        Case("overlong topic", old: "30 04 0002 c0af", new: "30 05 0002 c0af 00", 129),
        Case("U+0000 in a topic", old: "30 04 0002 6100", new: "30 05 0002 6100 00", 129),
        Case("surrogate in a filter", old: "82 08 0001 0003 eda080 00", new: "82 09 0001 00 0003 eda080 00", 129),
        Case("U+0000 in a filter", old: "a2 06 0001 0002 6100", new: "a2 07 0001 00 0002 6100", 129),
        Case("+ in a topic", old: "30 05 0003 612f2b", new: "30 06 0003 612f2b 00", 144),
        Case("# in a topic", old: "30 03 0001 23", new: "30 04 0001 23 00", 144),
        Case("empty topic", old: "30 02 0000", new: "30 03 0000 00", 130),
        Case("a#", old: "82 07 0001 0002 6123 00", new: "82 08 0001 00 0002 6123 00", 143),
        Case("#/a", old: "82 08 0001 0003 232f61 00", new: "82 09 0001 00 0003 232f61 00", 143),
        Case("a+", old: "a2 06 0001 0002 612b", new: "a2 07 0001 00 0002 612b", 143),
        Case("empty filter", old: "82 05 0001 0000 00", new: "82 06 0001 00 0000 00", 143),
        Case("SUBSCRIBE to nothing", old: "82 02 0001", new: "82 03 0001 00", 130),
        Case("UNSUBSCRIBE of nothing", old: "a2 02 0001", new: "a2 03 0001 00", 130),
        Case("subscription at QoS 3", old: "82 06 0001 0001 61 03", new: "82 07 0001 00 0001 61 03", 130),
        Case("reserved options", old: "82 06 0001 0001 61 04", new: "82 07 0001 00 0001 61 40", 129),
        Case("retain handling 3", old: nil, new: "82 07 0001 00 0001 61 30", 130),
        Case("no local in a group", old: nil, new: "82 10 0001 00 000a 2473686172652f672f61 04", 130),
        Case("$share//a", old: nil, new: "82 0f 0001 00 0009 2473686172652f2f61 00", 143),
        Case("$share/g", old: nil, new: "82 0e 0001 00 0008 2473686172652f67 00", 143),
        Case("$share/g+/a", old: nil, new: "82 11 0001 00 000b 2473686172652f672b2f61 00", 143),
        Case("identifier of a subscription from a client", old: nil, new: "30 06 0001 61 02 0b01", 130),
        Case("identifier 0 of a subscription", old: nil, new: "82 09 0001 02 0b00 0001 61 00", 130),
        Case("wildcard in a response topic", old: nil, new: "30 08 0001 61 04 08 0001 2b", 130),
        Case("response topic not UTF-8", old: nil, new: "30 08 0001 61 04 08 0001 ff", 129),
        Case("U+0000 in a content type", old: nil, new: "30 08 0001 61 04 03 0001 00", 129),
        Case("overlong user property", old: nil, new: "30 0b 0001 61 07 26 0002 c080 0000", 129),
        Case("unknown property", old: nil, new: "30 06 0001 61 02 7e00", 129),
        Case("property of another packet", old: nil, new: "30 07 0001 61 03 210001", 129),
        Case("property twice", old: nil, new: "30 08 0001 61 04 0100 0100", 130),
        Case("boolean 2", old: nil, new: "30 06 0001 61 02 0102", 130),
        Case("properties past the packet", old: nil, new: "30 04 0001 61 05", 129),
        Case("no properties", old: nil, new: "30 03 0001 61", 129),
        Case("reason that does not exist", old: "40 03 0001 01", new: "40 03 0001 01", 130),
        Case("bytes left over", old: "c0 01 00", new: "c0 01 00", 129),
        Case("field past the packet", old: "30 04 0003 6161", new: "30 04 0003 6161", 129),
    ]

    private func bytes(_ text: String) -> [UInt8] {
        let digits = text.filter { $0 != " " }.map { UInt8($0.hexDigitValue ?? 0) }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    @Test("each closes its connection, in MQTT 5 with its reason")
    func closes() throws {
        let broker = try BrokerProcess()
        let witness = try Peer(broker, 4, "witness")
        for wrong in Self.cases {
            if let text = wrong.old {
                let client = try Peer(broker, 4, "c")
                client.send(bytes(text))
                #expect(client.next() == "closed", "\(wrong.name)")
            }
            if let text = wrong.new {
                let client = try Peer(broker, 5, "c")
                client.send(bytes(text))
                #expect(client.next() == "disconnect \(wrong.reason)", "\(wrong.name)")
                #expect(client.next() == "closed", "\(wrong.name)")
            }
        }
        witness.expectOnly()
    }

    /// A CONNECT and what comes of it.
    struct Greeting {
        var name: String
        var text: String
        var level: UInt8
        var answer: String

        init(_ name: String, _ text: String, _ level: UInt8, _ answer: String) {
            self.name = name
            self.text = text
            self.level = level
            self.answer = answer
        }
    }

    static let greetings: [Greeting] = [
        Greeting("will QoS without a will", "10 0d 0004 4d515454 04 0a 0000 0001 61", 4, "closed"),
        Greeting("will retain without a will", "10 0d 0004 4d515454 04 22 0000 0001 61", 4, "closed"),
        Greeting("will QoS without a will", "10 0e 0004 4d515454 05 0a 0000 00 0001 61", 5, "connack 129"),
        Greeting("will retain without a will", "10 0e 0004 4d515454 05 22 0000 00 0001 61", 5, "connack 129"),
        Greeting("will QoS 3", "10 12 0004 4d515454 04 1e 0000 0001 61 0001 61 0000", 4, "closed"),
        Greeting("will QoS 3", "10 14 0004 4d515454 05 1e 0000 00 0001 61 00 0001 61 0000", 5, "connack 129"),
        Greeting("no will in the payload", "10 0d 0004 4d515454 04 06 0000 0001 61", 4, "closed"),
        Greeting("empty will", "10 12 0004 4d515454 04 06 0000 0001 61 0001 61 0000", 4, "connack 0"),
        Greeting("empty will", "10 14 0004 4d515454 05 06 0000 00 0001 61 00 0001 61 0000", 5, "connack 0"),
        Greeting("will topic with U+0000", "10 12 0004 4d515454 04 06 0000 0001 61 0001 00 0000", 4, "closed"),
        Greeting("will topic with #", "10 14 0004 4d515454 05 06 0000 00 0001 61 00 0001 23 0000", 5, "connack 144"),
        Greeting("reserved flag", "10 0d 0004 4d515454 04 03 0000 0001 61", 4, "closed"),
        Greeting("reserved flag", "10 0e 0004 4d515454 05 03 0000 00 0001 61", 5, "connack 129"),
        Greeting("password alone", "10 10 0004 4d515454 04 42 0000 0001 61 0001 61", 4, "closed"),
        Greeting("password alone", "10 11 0004 4d515454 05 42 0000 00 0001 61 0001 61", 5, "connack 0"),
        Greeting("user name alone", "10 10 0004 4d515454 04 82 0000 0001 61 0001 61", 4, "connack 0"),
        Greeting("user name missing", "10 0d 0004 4d515454 04 82 0000 0001 61", 4, "closed"),
        Greeting("user name not asked for", "10 10 0004 4d515454 04 02 0000 0001 61 0001 61", 4, "closed"),
        Greeting("password missing", "10 10 0004 4d515454 04 c2 0000 0001 61 0001 61", 4, "closed"),
        Greeting("password not asked for", "10 13 0004 4d515454 04 82 0000 0001 61 0001 61 0001 61", 4, "closed"),
        Greeting("user name missing", "10 0e 0004 4d515454 05 82 0000 00 0001 61", 5, "connack 129"),
        Greeting("user name not asked for", "10 11 0004 4d515454 05 02 0000 00 0001 61 0001 61", 5, "connack 129"),
        Greeting("password missing", "10 11 0004 4d515454 05 c2 0000 00 0001 61 0001 61", 5, "connack 129"),
        Greeting("user name not UTF-8", "10 11 0004 4d515454 05 82 0000 00 0001 61 0001 ff", 5, "connack 129"),
        Greeting("will topic not UTF-8", "10 14 0004 4d515454 05 06 0000 00 0001 61 00 0001 ff 0000", 5, "connack 129"),
        Greeting("user name with U+0000", "10 10 0004 4d515454 04 82 0000 0001 61 0001 00", 4, "closed"),
        Greeting("client identifier not UTF-8", "10 0d 0004 4d515454 04 02 0000 0001 ff", 4, "closed"),
        Greeting("client identifier with U+0000", "10 0e 0004 4d515454 05 02 0000 00 0001 00", 5, "connack 129"),
        Greeting("no client identifier", "10 0a 0004 4d515454 04 02 0000", 4, "closed"),
        Greeting("empty identifier, to be kept", "10 0c 0004 4d515454 04 00 0000 0000", 4, "connack 2"),
        Greeting("empty identifier", "10 0c 0004 4d515454 04 02 0000 0000", 4, "connack 0"),
        Greeting("empty identifier in 3.1", "10 0e 0006 4d5149736470 03 02 0000 0000", 3, "connack 2"),
        Greeting("level 3 of MQTT", "10 0d 0004 4d515454 03 02 0000 0001 61", 4, "connack 1"),
        Greeting("level 6", "10 0d 0004 4d515454 06 02 0000 0001 61", 5, "connack 132"),
        Greeting("another protocol", "10 0c 0003 4d5151 04 02 0000 0001 61", 4, "closed"),
        Greeting("flags of CONNECT", "11 0d 0004 4d515454 04 02 0000 0001 61", 4, "closed"),
        Greeting("not CONNECT", "c0 00", 4, "closed"),
        Greeting("receive maximum 0", "10 11 0004 4d515454 05 02 0000 03 210000 0001 61", 5, "connack 130"),
        Greeting("packet size 0", "10 13 0004 4d515454 05 02 0000 05 2700000000 0001 61", 5, "connack 130"),
        Greeting("boolean 2", "10 10 0004 4d515454 05 02 0000 02 1702 0001 61", 5, "connack 130"),
        Greeting("expiry twice", "10 18 0004 4d515454 05 02 0000 0a 1100000001 1100000001 0001 61", 5, "connack 130"),
        Greeting("property of PUBLISH", "10 10 0004 4d515454 05 02 0000 02 0101 0001 61", 5, "connack 129"),
        Greeting("unknown method", "10 12 0004 4d515454 05 02 0000 04 15000178 0001 61", 5, "connack 140"),
        Greeting("data without method", "10 12 0004 4d515454 05 02 0000 04 16000178 0001 61", 5, "connack 130"),
        Greeting(
            "will to a topic of the broker", "10 19 0004 4d515454 05 06 0000 00 0001 61 00 0006 245359532f78 0000", 5,
            "connack 135"),
    ]

    @Test("a CONNECT is taken or refused in the form of its version; what follows a refused one counts for nothing")
    func greets() throws {
        let broker = try BrokerProcess()
        let watcher = try Peer(broker, 4, "watcher")
        watcher.subscribed("x", 0)
        for greeting in Self.greetings {
            let client = try Peer(broker, greeting.level)
            client.send(bytes(greeting.text))
            let isTaken = greeting.answer == "connack 0"
            if !isTaken { client.publish("x", "follows a refusal") }
            #expect(client.next() == greeting.answer, "\(greeting.name)")
            if isTaken {
                client.expectOnly()
            } else if greeting.answer != "closed" {
                #expect(client.next() == "closed", "\(greeting.name)")
            }
        }
        watcher.expectOnly()
    }

    @Test("first packets that say they are huge cost nothing until their bytes come")
    func hugeFirstPackets() throws {
        let broker = try BrokerProcess("limits:\n  packet_size: 256MiB\n" + BrokerProcess.plain)
        let witness = try Peer(broker, 4, "witness")
        witness.expectOnly()
        let before = try residentBytes(broker)
        let peers = try (0..<14).map { _ in try Peer(broker, 4) }
        for peer in peers { peer.send(bytes("10 80c2d72f 0004 4d515454 04 02 0000")) }
        for _ in 0..<20 { witness.expectOnly() }
        #expect(try residentBytes(broker) - before < 16 << 20)
    }

    private func residentBytes(_ broker: BrokerProcess) throws -> Int {
        let fields = try String(contentsOfFile: "/proc/\(broker.pid)/statm", encoding: .utf8).split(separator: " ")
        return (Int(fields[1]) ?? 0) * 4096
    }

    @Test("client identifiers of 1 to 23 letters and digits are taken, longer ones too")
    func identifiers() throws {
        let broker = try BrokerProcess()
        let letters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
        for level in [3, 4, 5] as [UInt8] {
            for id in ["a", String(letters.prefix(23)), String(letters.suffix(23)), letters] {
                try Peer(broker, level, id).expectOnly()
            }
        }
    }

    @Test("an identifier that the broker makes is new each time, told in MQTT 5, and holds for a session that stays")
    func assigned() throws {
        let broker = try BrokerProcess()
        var names: Set<[UInt8]> = []
        for clean in [true, false, true, false] {
            let client = try Peer(broker, 5, "", clean: clean, properties: [0x11, 0, 0, 0, 60])
            let start = try #require(client.properties.firstIndex(of: 0x12))
            let count = Int(client.properties[start + 2])
            let name = Array(client.properties[(start + 3)...].prefix(count))
            #expect(names.insert(name).inserted)
            client.fade()
            let again = try Peer(
                broker, 5, String(decoding: name, as: UTF8.self), clean: false, properties: [], isPresent: true)
            again.disconnect()
        }
    }

    @Test("what is sent right behind CONNECT, without waiting for its answer, is done after it")
    func impatient() throws {
        let broker = try BrokerProcess()
        for level in [4, 5] as [UInt8] {
            let client = try Peer(broker, level)
            client.connect("hasty", clean: false, properties: level == 5 ? [0x11, 0, 0, 0, 60] : [])
            client.subscribe([Peer.Filter("t", 0)])
            client.publish("t", "x", qos: 1, id: 2)
            client.expect("connack 0")
            #expect(Set((0..<3).map { _ in client.next() }) == ["suback 1 [0]", "t x q0", "puback 2"])
            client.disconnect()
            let end = try Peer(broker, level, "hasty")
            end.disconnect()
            end.expect("closed")
        }
    }

    @Test("a CONNACK of MQTT 5 says what is offered, and nothing that is not")
    func offers() throws {
        let broker = try BrokerProcess()
        let client = try Peer(broker, 5, "c")
        // Receive Maximum 1024, Maximum Packet Size 2 MiB, Topic Alias Maximum 64; what is not said is available.
        #expect(client.properties == [0x21, 4, 0, 0x27, 0, 0x20, 0, 0, 0x22, 0, 64])
    }

    @Test("a broker with a lower QoS and without retained messages says so, grants no more and takes no more")
    func offersLess() throws {
        let broker = try BrokerProcess("limits: { qos: 1, retain: false }\n" + BrokerProcess.plain)
        for level in [4, 5] as [UInt8] {
            for (qos, retain, reason) in [(2, false, 155), (0, true, 154), (2, true, 154)] as [(UInt8, Bool, Int)] {
                let client = try Peer(broker, level, "c")
                if level == 5 { #expect(client.properties.contains([0x24, 1, 0x25, 0])) }
                client.subscribe([Peer.Filter("t", 2), Peer.Filter("u", 0)])
                client.expect("suback 1 [1, 0]")
                client.stores("other", "x")
                client.publish("t", "x", qos: qos, retain: retain)
                if level == 5 { client.expect("disconnect \(reason)") }
                client.expect("closed")
            }
            for (qos, retain, reason) in [(2, false, 155), (0, true, 154), (1, false, 0)] as [(UInt8, Bool, Int)] {
                let client = try Peer(broker, level)
                client.connect("c", will: Peer.Will(topic: "t", payload: "x", qos: qos, retain: retain))
                client.expect("connack \(level == 5 || reason == 0 ? reason : 3)")
            }
        }
    }
}
