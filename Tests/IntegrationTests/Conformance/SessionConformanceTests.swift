import Foundation
import Testing

@Suite("Conformance: sessions and unfinished deliveries")
struct SessionConformanceTests {
    private static let keep: [UInt8] = [0x11, 0, 0, 0x0E, 0x10]
    private static let forEver: [UInt8] = [0x11, 0xFF, 0xFF, 0xFF, 0xFF]

    private func properties(_ level: UInt8) -> [UInt8] { level == 5 ? Self.keep : [] }

    /// A client whose session stays, with a subscription.
    private func keeper(_ broker: BrokerProcess, _ level: UInt8, _ filter: String, _ qos: UInt8) throws -> Peer {
        let client = try Peer(broker, level, "keeper", clean: false, properties: properties(level))
        client.subscribed(filter, qos)
        return client
    }

    @Test("session present follows the clean flag of MQTT 3.1.1 through every change of mind")
    func cleanSession() throws {
        let broker = try BrokerProcess()
        var isThere = false
        for clean in [true, false, false, true, true, false, true, false, false] {
            let client = try Peer(broker, 4, "flip", clean: clean, isPresent: isThere && !clean)
            if !clean, !isThere { client.subscribed("t", 1) }
            client.disconnect()
            client.expect("closed")
            isThere = !clean
        }
    }

    @Test("session present follows clean start and session expiry, and an expiry of for ever does not overflow")
    func cleanStart() throws {
        let broker = try BrokerProcess()
        var isThere = false
        let steps: [(clean: Bool, properties: [UInt8])] = [
            (false, []), (false, Self.keep), (false, []), (false, Self.forEver), (true, Self.keep), (false, Self.keep),
            (true, []), (false, [0x11, 0, 0, 0, 0]), (true, Self.forEver), (false, Self.forEver), (false, []),
        ]
        for step in steps {
            let client = try Peer(
                broker, 5, "flip", clean: step.clean, properties: step.properties, isPresent: isThere && !step.clean)
            client.disconnect()
            client.expect("closed")
            isThere = !step.properties.isEmpty && step.properties != [0x11, 0, 0, 0, 0]
        }
    }

    @Test("a clean start drops subscriptions, what is queued, and what is unfinished", arguments: [4, 5] as [UInt8])
    func forgets(level: UInt8) throws {
        let broker = try BrokerProcess()
        let publisher = try Peer(broker, level, "p")
        let first = try keeper(broker, level, "t", 1)
        publisher.stores("t", "unfinished")
        first.expect("t unfinished q1 #1")
        first.fade()
        publisher.stores("t", "queued")
        let second = try Peer(broker, level, "keeper", properties: properties(level))
        publisher.stores("t", "later")
        second.subscribed("t", 1)
        publisher.stores("t", "new")
        second.expectOnly("t new q1 #1")
    }

    @Test("DISCONNECT changes the expiry; one where there was none is a protocol error")
    func changesExpiry() throws {
        let broker = try BrokerProcess()
        let short = try Peer(broker, 5, "x", clean: false, properties: [0x11, 0, 0, 0, 1])
        short.disconnect([0, 5] + Self.keep)
        short.expect("closed")
        let none = try Peer(broker, 5, "x", clean: false, properties: Self.keep, isPresent: true)
        none.disconnect([0, 5, 0x11, 0, 0, 0, 0])
        none.expect("closed")
        let bad = try Peer(broker, 5, "x", clean: false, isPresent: false)
        bad.disconnect([0, 5] + Self.keep)
        bad.expect("disconnect 130", "closed")
    }

    @Test(
        "what is unfinished comes again on reconnection, in order, by its identifier: PUBLISH with DUP, or PUBREL",
        arguments: [4, 5] as [UInt8])
    func redelivers(level: UInt8) throws {
        let broker = try BrokerProcess()
        let publisher = try Peer(broker, level, "p")
        let first = try keeper(broker, level, "t", 2)
        publisher.stores("t", "one")
        for (payload, id) in [("two", 2), ("three", 3)] as [(String, UInt16)] {
            publisher.publish("t", payload, qos: 2, id: id)
            publisher.expect("pubrec \(id)")
            publisher.pubrel(UInt8(id))
            publisher.expect("pubcomp \(id)")
        }
        first.expect("t one q1 #1", "t two q2 #2", "t three q2 #3")
        first.pubrec(2)
        first.expect("pubrel 2")
        first.fade()
        publisher.stores("t", "four")
        let second = try Peer(
            broker, level, "keeper", clean: false, properties: properties(level), isPresent: true)
        second.expect("t one q1 #1 dup", "pubrel 2", "t three q2 #3 dup", "t four q1 #4")
        second.puback(1)
        second.pubcomp(2)
        second.pubrec(3)
        second.expect("pubrel 3")
        second.pubcomp(3)
        second.puback(4)
        // Nothing is sent again while a connection lasts, and nothing that was acknowledged on the next.
        second.expectOnly()
        second.fade()
        let third = try Peer(
            broker, level, "keeper", clean: false, properties: properties(level), isPresent: true)
        third.expectOnly()
    }

    @Test("a message at QoS 2 that comes again is delivered once; its identifier is free after PUBCOMP")
    func exactlyOnce() throws {
        let broker = try BrokerProcess()
        for level in [4, 5] as [UInt8] {
            let subscriber = try Peer(broker, level, "s")
            subscriber.subscribed("t", 1)
            let publisher = try Peer(broker, level, "p")
            publisher.publish("t", "a", qos: 2, id: 7)
            publisher.publish("t", "a", qos: 2, id: 7, duplicate: true)
            publisher.publish("t", "b", qos: 2, id: 7)
            publisher.expect("pubrec 7", "pubrec 7", "pubrec 7")
            publisher.pubrel(7)
            publisher.expect("pubcomp 7")
            publisher.publish("t", "c", qos: 2, id: 7)
            publisher.expect("pubrec 7")
            publisher.pubrel(7)
            publisher.expect("pubcomp 7")
            // After a PUBACK, DUP says nothing.
            publisher.stores("t", "d", id: 8)
            publisher.publish("t", "d", qos: 1, id: 8, duplicate: true)
            publisher.expect("puback 8")
            subscriber.expectOnly("t a q1 #1", "t c q1 #2", "t d q1 #3", "t d q1 #4")
        }
    }

    @Test("a QoS 2 message is known again on the next connection of its session", arguments: [4, 5] as [UInt8])
    func remembersReceived(level: UInt8) throws {
        let broker = try BrokerProcess()
        let watcher = try Peer(broker, level, "w")
        watcher.subscribed("t", 1)
        let first = try Peer(broker, level, "p", clean: false, properties: properties(level))
        first.publish("t", "once", qos: 2, id: 5)
        first.expect("pubrec 5")
        first.fade()
        let second = try Peer(broker, level, "p", clean: false, properties: properties(level), isPresent: true)
        second.publish("t", "once", qos: 2, id: 5, duplicate: true)
        second.expect("pubrec 5")
        second.pubrel(5)
        second.expect("pubcomp 5")
        second.stores("t", "end")
        watcher.expectOnly("t once q1 #1", "t end q1 #2")
    }

    @Test("PUBREC and PUBREL of an unknown identifier are answered, PUBACK and PUBCOMP are not")
    func unknownIdentifiers() throws {
        let broker = try BrokerProcess()
        for (level, reason) in [(4, ""), (5, " 146")] as [(UInt8, String)] {
            let client = try Peer(broker, level, "c")
            client.pubrec(9)
            client.expect("pubrel 9\(reason)")
            client.pubrel(9)
            client.expect("pubcomp 9\(reason)")
            client.puback(9)
            client.pubcomp(9)
            client.expectOnly()
        }
    }

    @Test("acknowledgements of MQTT 5 are taken in each of their forms: 2, 3 and 4 or more bytes")
    func acknowledgementForms() throws {
        let broker = try BrokerProcess()
        let publisher = try Peer(broker, 5, "p")
        let client = try Peer(broker, 5, "c", properties: [0x21, 0, 1])
        client.subscribed("t", 2)
        let reason: [UInt8] = [0x1F, 0, 2, 0x6F, 0x6B, 0x26, 0, 1, 0x61, 0, 1, 0x62]
        for (number, rest) in [[], [0], [0, 0], [0, UInt8(reason.count)] + reason].enumerated() {
            publisher.stores("t", "one \(number)")
            client.expect("t one \(number) q1 #1")
            client.puback(1, rest)
            publisher.publish("t", "two \(number)", qos: 2, id: 5)
            publisher.expect("pubrec 5")
            client.expect("t two \(number) q2 #1")
            client.pubrec(1, rest)
            client.expect("pubrel 1")
            client.pubcomp(1, rest)
            publisher.pubrel(5, rest)
            publisher.expect("pubcomp 5")
        }
        client.expectOnly()
    }

    @Test("a PUBREC or PUBACK of failure ends a delivery: its place is free, and it does not come again")
    func refusedDeliveries() throws {
        let broker = try BrokerProcess()
        let publisher = try Peer(broker, 5, "p")
        let client = try Peer(broker, 5, "keeper", clean: false, properties: Self.keep + [0x21, 0, 1])
        client.subscribed("t", 2)
        publisher.stores("t", "one")
        publisher.publish("t", "two", qos: 2, id: 5)
        publisher.expect("pubrec 5")
        publisher.stores("t", "three")
        client.expectOnly("t one q1 #1")
        client.puback(1, [0x80])
        client.expectOnly("t two q2 #1")
        client.pubrec(1, [0x97])
        client.expectOnly("t three q1 #1")
        client.puback(1)
        client.expectOnly()
        client.fade()
        try Peer(broker, 5, "keeper", clean: false, isPresent: true).expectOnly()
    }

    @Test("an acknowledgement of the wrong kind closes")
    func wrongKind() throws {
        let broker = try BrokerProcess()
        let publisher = try Peer(broker, 4, "p")
        for (level, qos, type) in [
            (5, 1, 0x50), (5, 1, 0x70), (5, 2, 0x40), (5, 2, 0x70), (4, 1, 0x50), (4, 2, 0x40),
        ] as [(UInt8, UInt8, UInt8)] {
            let client = try Peer(broker, level, "c")
            client.subscribed("t", qos)
            publisher.publish("t", "x", qos: 2, id: 3)
            publisher.expect("pubrec 3")
            publisher.pubrel(3)
            publisher.expect("pubcomp 3")
            client.expect("t x q\(qos) #1")
            client.send([type, 2, 0, 1])
            if level == 5 { client.expect("disconnect 130") }
            client.expect("closed")
        }
    }

    @Test("UNSUBSCRIBE lets what was sent finish, and nothing new comes", arguments: [4, 5] as [UInt8])
    func unsubscribesInFlight(level: UInt8) throws {
        let broker = try BrokerProcess()
        let publisher = try Peer(broker, level, "p")
        let client = try keeper(broker, level, "t", 2)
        publisher.publish("t", "x", qos: 2, id: 3)
        publisher.expect("pubrec 3")
        client.expect("t x q2 #1")
        client.unsubscribe(["t"])
        client.expect(level == 5 ? "unsuback 2 [0]" : "unsuback 2 []")
        publisher.stores("t", "y")
        client.pubrec(1)
        client.expect("pubrel 1")
        client.pubcomp(1)
        client.expectOnly()
    }
}
