import Foundation
import Testing

@Suite("Connections, right and wrong")
struct ConnectionTests {
    @Test("MQTT 3.1, 3.1.1 and 5 get in, with an empty identifier where the version has one")
    func acceptsVersions() throws {
        let broker = try BrokerProcess()
        for level in [3, 4, 5] as [UInt8] {
            #expect(try RawClient(port: broker.port, level: level, id: "c\(level)").answersPing())
        }
        #expect(try RawClient(port: broker.port, level: 4, id: "").answersPing())
        let client = try RawClient(port: broker.port)
        client.send(RawPacket.connect(level: 5, id: ""))
        guard case .packet(let connack) = client.next() else {
            Issue.record("no CONNACK")
            return
        }
        // The identifier that was made up is told, property 0x12.
        #expect(connack[3] == 0 && connack.contains(0x12))
    }

    /// A CONNECT that is refused, and the CONNACK's code; nil when the connection is closed without one.
    struct Refusal: CustomStringConvertible, Sendable {
        var description: String
        var bytes: [UInt8]
        var code: UInt8?
    }

    static let refusals: [Refusal] = [
        Refusal(
            description: "3.1 without an identifier", bytes: RawPacket.connect(level: 3, id: ""), code: 2),
        Refusal(
            description: "3.1.1 without an identifier, for a session that stays",
            bytes: RawPacket.connect(level: 4, id: "", flags: 0), code: 2),
        Refusal(
            description: "a level of the future",
            bytes: RawPacket.frame(0x10, RawPacket.string("MQTT") + [6, 2, 0, 0, 0] + RawPacket.string("x")), code: 0x84
        ),
        Refusal(
            description: "another protocol",
            bytes: RawPacket.frame(0x10, RawPacket.string("MQTX") + [4, 2, 0, 0] + RawPacket.string("x")), code: nil),
        Refusal(
            description: "5 with the reserved flag", bytes: RawPacket.connect(level: 5, id: "x", flags: 3), code: 0x81),
        Refusal(
            description: "5 with an authentication method",
            bytes: RawPacket.connect(level: 5, id: "x", properties: [0x15, 0, 1, 0x41]), code: 0x8C),
        Refusal(
            description: "PUBLISH first", bytes: RawPacket.publish(level: 4, topic: "a"), code: nil),
        Refusal(description: "no MQTT at all", bytes: Array("GET / HTTP/1.1\r\n\r\n".utf8), code: nil),
    ]

    @Test("a CONNECT that cannot be is refused with its code, and the connection closed", arguments: refusals)
    func refusesConnect(_ refusal: Refusal) throws {
        let broker = try BrokerProcess()
        let client = try RawClient(port: broker.port)
        client.send(refusal.bytes)
        if let code = refusal.code {
            guard case .packet(let connack) = client.next() else {
                Issue.record("no CONNACK")
                return
            }
            #expect(connack[0] == 0x20 && connack[3] == code)
        }
        #expect(client.next() == .closed)
        #expect(try RawClient(port: broker.port, level: 4, id: "next").answersPing())
    }

    /// What an open connection must not send; the reason code is what MQTT 5 is told.
    struct Offence: CustomStringConvertible, Sendable {
        var description: String
        var level: UInt8 = 5
        var bytes: [UInt8]
        var reason: UInt8

        init(_ description: String, level: UInt8 = 5, _ bytes: [UInt8], reason: UInt8) {
            self.description = description
            self.level = level
            self.bytes = bytes
            self.reason = reason
        }
    }

    private static let invalidUTF8 = RawPacket.frame(0x30, RawPacket.string([0x61, 0xC3, 0x28]) + [0, 0x78])

    static let offences: [Offence] = [
        Offence("a second CONNECT", RawPacket.connect(level: 5, id: "x"), reason: 0x82),
        Offence("a reserved packet type", level: 4, [0x00, 0x00], reason: 0x81),
        Offence("a packet that only servers send", [0x20, 0x03, 0, 0, 0], reason: 0x82),
        Offence("PUBREL with wrong flags", [0x60, 0x02, 0, 1], reason: 0x81),
        Offence("QoS 3", [0x36, 0x06, 0, 1, 0x61, 0, 1, 0], reason: 0x81),
        Offence("a packet identifier of 0", RawPacket.publish(level: 5, topic: "a", qos: 1, id: 0), reason: 0x82),
        Offence("a remaining length of five bytes", [0x30, 0xFF, 0xFF, 0xFF, 0xFF, 0x01], reason: 0x81),
        Offence("a packet above the limit", [0x30, 0xFF, 0xFF, 0xFF, 0x7F], reason: 0x95),
        Offence("a topic that is not UTF-8", invalidUTF8, reason: 0x81),
        Offence("a topic with a wildcard", RawPacket.publish(level: 5, topic: "a/+"), reason: 0x90),
        Offence("an empty topic without an alias", RawPacket.publish(level: 5, topic: ""), reason: 0x82),
        Offence("an empty topic", level: 4, RawPacket.publish(level: 4, topic: ""), reason: 0),
        Offence("an alias that stands for nothing", [0x30, 0x06, 0, 0, 3, 0x23, 0, 1], reason: 0x82),
        Offence("an alias above the maximum", [0x30, 0x07, 0, 1, 0x61, 3, 0x23, 0xFF, 0xFF], reason: 0x94),
        Offence("a filter with # inside", RawPacket.subscribe(level: 5, filter: "a/#/b"), reason: 0x8F),
        Offence("a filter with + in a level", level: 4, RawPacket.subscribe(level: 4, filter: "a/b+"), reason: 0),
        Offence("SUBSCRIBE without a filter", RawPacket.frame(0x82, [0, 1, 0]), reason: 0x82),
        Offence("a subscription at QoS 3", RawPacket.subscribe(level: 5, filter: "a", qos: 3), reason: 0x82),
        Offence("a property that does not exist", RawPacket.frame(0x30, [0, 1, 0x61, 2, 0x7E, 0]), reason: 0x81),
        Offence("a property twice", RawPacket.frame(0x30, [0, 1, 0x61, 4, 0x01, 0, 0x01, 0]), reason: 0x82),
        Offence("bytes behind a PINGREQ", [0xC0, 0x01, 0x00], reason: 0x81),
        Offence("AUTH without a method", [0xF0, 0x00], reason: 0x8C),
    ]

    @Test("a packet that must not be closes its connection with a reason, one log line, and nobody else disturbed")
    func closesOffenders() throws {
        let broker = try BrokerProcess()
        let bystander = try RawClient(port: broker.port, level: 4, id: "bystander")
        bystander.send(RawPacket.subscribe(level: 4, filter: "still/here"))
        #expect(bystander.next() == .packet([0x90, 3, 0, 1, 0]))
        for (number, offence) in Self.offences.enumerated() {
            let client = try RawClient(port: broker.port, level: offence.level, id: "offender-\(number)-")
            client.send(offence.bytes)
            var reply = client.next()
            if offence.level == 5 {
                guard case .packet(let packet) = reply else {
                    Issue.record("\(offence): \(reply)")
                    continue
                }
                #expect(packet[0] == 0xE0, "\(offence): \(packet)")
                #expect(packet.count > 2 && packet[2] == offence.reason, "\(offence): \(packet)")
                reply = client.next()
            }
            #expect(reply == .closed, "\(offence)")
            #expect(broker.logs("offender-\(number)-"), "\(offence)")
            let lines = broker.log.filter { $0.contains("offender-\(number)-") }
            #expect(lines.count == 1, "\(offence): \(lines)")
            let publisher = try RawClient(port: broker.port, level: 4, id: "publisher")
            publisher.send(RawPacket.publish(level: 4, topic: "still/here", payload: "\(number)"))
            #expect(bystander.next() == .packet(RawPacket.publish(level: 4, topic: "still/here", payload: "\(number)")))
        }
        #expect(broker.stop() == 0)
    }

    @Test("a half packet and a lost connection trouble nobody")
    func survivesHalfPackets() throws {
        let broker = try BrokerProcess()
        for count in 1..<20 {
            let client = try RawClient(port: broker.port)
            client.send(Array(RawPacket.connect(level: 5, id: "half").prefix(count)))
        }
        #expect(try RawClient(port: broker.port, level: 5, id: "whole").answersPing())
    }

    @Test(
        "a client that connects again takes over from its first connection, on the same loop and on the other",
        arguments: [1, 2])
    func takesOver(loops: Int) throws {
        let takenOver = RawClient.Reply.packet(
            RawPacket.disconnect(0x8E, "another connection took the session over [MQTT-3.1.4-3]"))
        let broker = try BrokerProcess(loops: loops)
        let first = try RawClient(port: broker.port, level: 5, id: "twin")
        let second = try RawClient(port: broker.port, level: 5, id: "twin")
        #expect(first.next() == takenOver)
        #expect(first.next() == .closed)
        #expect(second.answersPing())
        let third = try RawClient(port: broker.port, level: 4, id: "twin")
        #expect(second.next() == takenOver)
        #expect(third.answersPing())
    }

    @Test("a client that is silent for one and a half times its keep alive is closed, one that pings is not")
    func enforcesKeepAlive() throws {
        let broker = try BrokerProcess()
        // Nine seconds are more than this test should be held up for between two pings.
        let alive = try RawClient(port: broker.port, level: 5, id: "alive", keepAlive: 6)
        let lives = Deadline(9.5)
        let silent = try RawClient(port: broker.port, level: 5, id: "silent", keepAlive: 1)
        let deadline = Deadline(60)
        var reply = RawClient.Reply.silence
        while !lives.isOver || reply == .silence && !deadline.isOver {
            #expect(alive.answersPing())
            #expect(alive.next(within: 0.3) == .silence)
            if reply == .silence { reply = silent.next(within: 0) }
        }
        #expect(reply == .packet(RawPacket.disconnect(0x8D, "keep alive exceeded [MQTT-3.1.2-22]")))
        #expect(silent.next() == .closed)
        #expect(alive.answersPing())
    }

    @Test("a connection that never sends its CONNECT is closed")
    func enforcesConnectTimeout() throws {
        let broker = try BrokerProcess("limits:\n  connect_timeout: 1s\n" + BrokerProcess.plain)
        let client = try RawClient(port: broker.port)
        #expect(client.next() == .closed)
    }

    @Test("a packet as large as the limit is taken, a larger one is not")
    func limitsPacketSize() throws {
        let broker = try BrokerProcess("limits:\n  packet_size: 16KiB\n" + BrokerProcess.plain)
        let client = try RawClient(port: broker.port, level: 5, id: "large")
        let fits = String(repeating: "x", count: (16 << 10) - 3 - 3 - 2 - 1)
        client.send(RawPacket.publish(level: 5, topic: "a", payload: fits, qos: 1))
        #expect(client.next() == .packet([0x40, 2, 0, 1]))
        client.send(RawPacket.publish(level: 5, topic: "a", payload: fits + "x", qos: 1))
        let text = "packet larger than the limit at byte 1 [MQTT-3.2.2-15]"
        #expect(client.next() == .packet(RawPacket.disconnect(0x95, text)))
        #expect(client.next() == .closed)
    }

    @Test("a QoS 2 publish that comes again before its PUBREL is stored once")
    func suppressesDuplicates() throws {
        let broker = try BrokerProcess()
        let client = try RawClient(port: broker.port, level: 4, id: "twice", flags: 0)
        client.send(RawPacket.publish(level: 4, topic: "q", payload: "1", qos: 2, id: 7))
        #expect(client.next() == .packet([0x50, 2, 0, 7]))
        client.send(RawPacket.publish(level: 4, topic: "q", payload: "1", qos: 2, id: 7, duplicate: true))
        #expect(client.next() == .packet([0x50, 2, 0, 7]))
        client.send([0x62, 2, 0, 7])
        #expect(client.next() == .packet([0x70, 2, 0, 7]))
        let lines = try broker.sluice(["consume", "mqtt", "--json"]).lines
        #expect(lines.count == 1)
    }
}
