import Foundation
import Testing

/// Limits of listeners, addresses and users against a running broker.
@Suite("Limits, with raw packets and mosquitto's clients")
struct LimitTests {
    /// The CONNACK's code of a connection of MQTT 5; nil when it is closed without one.
    private func code(_ port: Int, _ id: String, _ clients: inout [RawClient]) throws -> UInt8? {
        let client = try RawClient(port: port)
        clients.append(client)
        client.send(RawPacket.connect(level: 5, id: id))
        guard case .packet(let packet) = client.next(), packet.count > 3 else { return nil }
        return packet[3]
    }

    @Test("connections of an address are bounded; who is one too many is told, listed and logged by the setting")
    func perAddress() throws {
        let broker = try BrokerProcess("limits: { connections_per_address: 2 }\n" + BrokerProcess.plain)
        var clients: [RawClient] = []
        #expect(try code(broker.port, "a", &clients) == 0)
        #expect(try code(broker.port, "b", &clients) == 0)
        #expect(try code(broker.port, "c", &clients) == 0x97)
        let words = "'limits: connections_per_address' is 2, and as many of 127.0.0.1 are open"
        #expect(broker.logs(words), "\(broker.log)")
        // A reload gives room, and nobody is dropped by it.
        try broker.reload(with: "limits: { connections_per_address: 4 }\n" + BrokerProcess.plain)
        #expect(broker.logs("changed: limits"))
        #expect(try code(broker.port, "d", &clients) == 0)
        #expect(clients[0].answersPing() && clients[1].answersPing())
        let refusals = try broker.sluice(["refusals"])
        #expect(refusals.output.contains(words), "\(refusals)")
        try broker.reload(with: "limits: { connections_per_address: 1 }\n" + BrokerProcess.plain)
        #expect(broker.process.wait { broker.log.filter { $0.contains("changed: limits") }.count == 2 })
        #expect(clients[0].answersPing() && clients[3].answersPing())
        #expect(try code(broker.port, "e", &clients) == 0x97)
        #expect(broker.stop() == 0)
    }

    @Test("a listener has its own number of connections, and another one is free")
    func perListener() throws {
        let broker = try BrokerProcess(
            """
            listeners:
              mqtt: { address: "127.0.0.1:0", limits: { max_connections: 1 } }
              ws: 127.0.0.1:0

            """ + BrokerProcess.plain)
        var clients: [RawClient] = []
        #expect(try code(broker.port, "a", &clients) == 0)
        #expect(try code(broker.port, "b", &clients) == 0x97)
        #expect(broker.logs("'limits: connections' is 1, and as many of listener mqtt are open"))
        #expect(broker.stop() == 0)
    }

    @Test("an address that connects too fast is told so by MQTT 5's reason, and by 3 before")
    func connectRate() throws {
        let broker = try BrokerProcess("limits: { connect_rate: 3/h }\n" + BrokerProcess.plain)
        var clients: [RawClient] = []
        var codes = try (0..<5).map { try code(broker.port, "c\($0)", &clients) }
        #expect(codes.removeFirst() == 0 && codes.last == 0x9F, "\(codes)")
        let old = try RawClient(port: broker.port)
        old.send(RawPacket.connect(level: 4, id: "old"))
        #expect(old.next() == .packet([0x20, 2, 0, 3]))
        #expect(broker.logs("'limits: connect_rate' is 3/h, and 127.0.0.1 connects faster"))
        #expect(broker.stop() == 0)
    }

    @Test("QoS 1 beyond the rate is slowed and complete; QoS 0 is dropped, counted and listed")
    func publishRate() throws {
        let broker = try BrokerProcess("limits: { publish_rate: 20/s }\n" + BrokerProcess.plain)
        let client = try RawClient(port: broker.port, level: 4, id: "slow")
        let started = ContinuousClock.now
        for id in 1...60 as ClosedRange<UInt16> {
            client.send(RawPacket.publish(level: 4, topic: "t", payload: "\(id)", qos: 1, id: id))
        }
        for id in 1...60 as ClosedRange<UInt16> {
            #expect(client.next() == .packet([0x40, 2, UInt8(id >> 8), UInt8(id & 0xFF)]))
        }
        // 20 at once, the other 40 at their rate.
        #expect(ContinuousClock.now - started > .milliseconds(1900))
        for _ in 0..<500 { client.send(RawPacket.publish(level: 4, topic: "t", payload: "x")) }
        #expect(client.answersPing(), "nobody is held up by what is dropped")
        #expect(broker.logs("slow at 127.0.0.1:"))
        #expect(broker.logs("messages of QoS 0 are dropped; 'limits: publish_rate' is 20/s, and more came"))
        #expect(
            broker.process.wait(within: 60) {
                (try? broker.sluice(["refusals"]).output.contains("'limits: publish_rate' is 20/s")) == true
            })
        #expect(broker.stop() == 0)
    }

    @Test("users have limits by their roles, and keep them through a reload")
    func identities() throws {
        let directory = try TemporaryDirectory()
        for user in ["ada", "bob"] {
            let flags = user == "ada" ? ["-c", "-b"] : ["-b"]
            #expect(try Program.sluice(["passwd"] + flags + [directory.path + "/p", user, "x"]).code == 0)
        }
        func configuration(_ size: String) -> String {
            """
            password_file: \(directory.path)/p
            access:
              roles:
                device: { readwrite: "#", limits: { connections: 1, packet_size: \(size), retained: 1 } }
                other: { readwrite: "#" }
              users: { ada: device, bob: other }

            """ + BrokerProcess.plain
        }
        let broker = try BrokerProcess(configuration("100"))
        let credentials = RawPacket.string("ada") + RawPacket.string("x")
        func connect(_ id: String) throws -> (RawClient, UInt8?) {
            let client = try RawClient(port: broker.port)
            client.send(RawPacket.connect(level: 5, id: id, flags: 0xC2, payload: credentials))
            guard case .packet(let packet) = client.next(), packet.count > 3 else { return (client, nil) }
            return (client, packet[3])
        }
        let (first, code) = try connect("a")
        #expect(code == 0)
        let (_, second) = try connect("b")
        #expect(second == 0x97)
        #expect(broker.logs("'limits: connections' of user ada is 1, and as many are open"))
        first.send(RawPacket.frame(0x33, RawPacket.string("t/1") + [0, 1, 0, 1]))
        guard case .packet(let stored) = first.next() else { return }
        #expect(Array(stored.prefix(4)) == [0x40, 2, 0, 1] || stored.count > 4 && stored[4] == 0, "\(stored)")
        first.send(RawPacket.frame(0x33, RawPacket.string("t/2") + [0, 2, 0, 1]))
        guard case .packet(let refused) = first.next() else { return }
        #expect(refused.count > 4 && refused[4] == 0x97, "\(refused)")
        // A smaller packet holds for the connection that is there.
        try broker.reload(with: configuration("50"))
        #expect(broker.logs("changed: users and rights"))
        first.send(RawPacket.publish(level: 5, topic: "t", payload: String(repeating: "x", count: 80)))
        guard case .packet(let goodbye) = first.next() else { return }
        #expect(goodbye.count > 2 && goodbye[0] == 0xE0 && goodbye[2] == 0x95, "\(goodbye)")
        #expect(broker.logs("'limits: packet_size' is 50 bytes"))
        #expect(broker.stop() == 0)
    }
}
