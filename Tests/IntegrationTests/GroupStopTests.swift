import Foundation
import Glibc
import Testing

@Suite("Groups: a clean stop repeats nothing, and what is repeated says so")
struct GroupStopTests {
    private static let filters = ["$share/g/a/#", "$share/g/$stream/mqtt"]

    /// A PUBLISH to a raw client of MQTT 5, which must be the next packet.
    private func message(_ client: RawClient) throws -> (isRepeat: Bool, delivery: RawDelivery) {
        guard case .packet(let packet) = client.next() else { throw MosquittoClient.Failure(text: "no packet came") }
        let delivery = try #require(RawDelivery(packet, level: 5), "\(packet)")
        return (packet[0] & 8 != 0, delivery)
    }

    private func acknowledge(_ client: RawClient, _ id: UInt16, qos: UInt8) {
        let bytes = [UInt8(id >> 8), UInt8(id & 0xFF)]
        guard qos == 2 else { return client.send([0x40, 2] + bytes) }
        client.send([0x50, 2] + bytes)
        #expect(client.next() == .packet([0x62, 2] + bytes))
        client.send([0x70, 2] + bytes)
    }

    private func publish(_ client: RawClient, _ payload: String, id: UInt16) {
        client.send(RawPacket.publish(level: 4, topic: "a/b", payload: payload, qos: 1, id: id))
        #expect(client.next() == .packet([0x40, 2, UInt8(id >> 8), UInt8(id & 0xFF)]))
    }

    private func member(_ broker: BrokerProcess, _ name: String, _ filter: String, qos: UInt8) throws -> RawClient {
        // A Receive Maximum of one.
        let client = try RawClient(port: broker.port, level: 5, id: name, properties: [0x21, 0, 1])
        client.send(RawPacket.subscribe(level: 5, filter: filter, qos: qos))
        #expect(client.next() == .packet([0x90, 4, 0, 1, 0, qos]))
        return client
    }

    @Test(
        "a stop takes acknowledgements, and sends nothing new",
        arguments: filters, [1, 2] as [UInt8])
    func takesAcknowledgements(filter: String, qos: UInt8) throws {
        // A stop waits for a second, and a busy machine may give a member its turn later: then it is tried again.
        for _ in 0..<10 { if try isTaken(filter: filter, qos: qos) { return } }
        Issue.record("no acknowledgement came within the second that a stop waits")
    }

    /// - Returns: false when the acknowledgement left too late to say anything.
    private func isTaken(filter: String, qos: UInt8) throws -> Bool {
        let broker = try BrokerProcess()
        let first = try member(broker, "m", filter, qos: qos)
        let publisher = try RawClient(port: broker.port, level: 4, id: "p")
        for (id, payload) in ["one", "two"].enumerated() {
            publisher.send(
                RawPacket.publish(level: 4, topic: "a/b", payload: payload, qos: 2, id: UInt16(id + 1)))
            #expect(publisher.next() == .packet([0x50, 2, 0, UInt8(id + 1)]))
            publisher.send([0x62, 2, 0, UInt8(id + 1)])
            #expect(publisher.next() == .packet([0x70, 2, 0, UInt8(id + 1)]))
        }
        let one = try message(first)
        #expect(one.delivery.payload == "one" && !one.isRepeat)
        let clock = ContinuousClock()
        let stopped = clock.now
        kill(broker.pid, SIGTERM)
        // A listener that is closed refuses; then the stop has begun.
        #expect(broker.process.wait(within: 60) { (try? RawClient(port: broker.port)) == nil })
        if qos == 1 {
            acknowledge(first, one.delivery.id, qos: qos)
        } else {
            let id = [UInt8(one.delivery.id >> 8), UInt8(one.delivery.id & 0xFF)]
            first.send([0x50, 2] + id)
            guard case .packet(let pubrel) = first.next(), pubrel == [0x62, 2] + id else { return false }
            first.send([0x70, 2] + id)
        }
        guard stopped.duration(to: clock.now) < .milliseconds(500) else { return false }
        // The next packet is the DISCONNECT, and no message.
        guard case .packet(let goodbye) = first.next() else {
            Issue.record("expected a DISCONNECT")
            return true
        }
        #expect(goodbye[0] == 0xE0)
        #expect(broker.process.exitCode() == 0)
        let again = try broker.restarted()
        let second = try member(again, "m", filter, qos: qos)
        let two = try message(second)
        #expect(two.delivery.payload == "two" && !two.isRepeat)
        acknowledge(second, two.delivery.id, qos: qos)
        publish(try RawClient(port: again.port, level: 4, id: "p"), "three", id: 1)
        #expect(try message(second).delivery.payload == "three")
        // A member that does not acknowledge holds nothing up for long.
        #expect(again.stop() == 0)
        return true
    }

    @Test("a stop under load repeats nothing that members acknowledge", arguments: filters)
    func stopsUnderLoad(filter: String) throws {
        let broker = try BrokerProcess()
        let names = ["m0", "m1", "m2"]
        let members = try names.map { try loadMember(broker, $0, filter) }
        // At QoS 2 and in a session that stays, so that the log has each message once.
        let publisher = try MosquittoClient(id: "publisher", clean: false)
        try publisher.connect(port: broker.port)
        let count = 8000
        let ids = try (0..<count).map { try publisher.publish("a/\($0 % 7)", String($0), qos: 2) }
        try #require(broker.process.wait(within: 120) { members.flatMap { $0.payloads }.count > 500 })
        #expect(broker.stop() == 0)
        let again = try broker.restarted()
        let successors = try names.map { try loadMember(again, $0, filter) }
        try publisher.waitForAcknowledgement(ids[count - 1], within: 240)
        let all = members + successors
        try #require(again.process.wait(within: 120) { Set(all.flatMap { $0.payloads }).count == count })
        let repeated = Dictionary(grouping: all.flatMap { $0.payloads }, by: { $0 }).filter { $1.count > 1 }
        #expect(repeated.isEmpty, "\(repeated.keys.sorted().prefix(10))")
        #expect(again.stop() == 0)
    }

    private func loadMember(_ broker: BrokerProcess, _ name: String, _ filter: String) throws -> MosquittoClient {
        let client = try MosquittoClient(id: name, version: 5)
        try client.connect(port: broker.port)
        #expect(try client.subscribe(filter, qos: 1).code == 1)
        return client
    }

    @Test("what a lost member has not acknowledged carries DUP when another one gets it", arguments: filters)
    func marksRepeats(filter: String) throws {
        let broker = try BrokerProcess()
        let publisher = try RawClient(port: broker.port, level: 4, id: "p")
        do {
            let lost = try member(broker, "lost", filter, qos: 1)
            publish(publisher, "one", id: 1)
            publish(publisher, "two", id: 2)
            let one = try message(lost)
            #expect(one.delivery.payload == "one" && !one.isRepeat)
        }
        let heir = try member(broker, "heir", filter, qos: 1)
        let one = try message(heir)
        #expect(one.delivery.payload == "one" && one.isRepeat)
        acknowledge(heir, one.delivery.id, qos: 1)
        let two = try message(heir)
        #expect(two.delivery.payload == "two" && !two.isRepeat)
        #expect(broker.stop() == 0)
    }

    @Test("a repeat at QoS 2 to a session that stays carries DUP, and is recorded as any other")
    func marksExactlyOnce() throws {
        let broker = try BrokerProcess()
        let publisher = try MosquittoClient(id: "p")
        try publisher.connect(port: broker.port)
        let filter = "$share/g/$stream/mqtt"
        do {
            let lost = try member(broker, "lost", filter, qos: 2)
            try publisher.waitForAcknowledgement(try publisher.publish("a/b", "one", qos: 2))
            #expect(try message(lost).isRepeat == false)
        }
        let heir = try RawClient(
            port: broker.port, level: 5, id: "heir", flags: 0, properties: [0x11, 0, 0, 1, 0])
        heir.send(RawPacket.subscribe(level: 5, filter: filter, qos: 2))
        #expect(heir.next() == .packet([0x90, 4, 0, 1, 0, 2]))
        let one = try message(heir)
        #expect(one.delivery.payload == "one" && one.isRepeat)
        acknowledge(heir, one.delivery.id, qos: 2)
        try publisher.waitForAcknowledgement(try publisher.publish("a/b", "two", qos: 2))
        let two = try message(heir)
        #expect(two.delivery.payload == "two" && !two.isRepeat)
        #expect(broker.stop() == 0)
    }
}
