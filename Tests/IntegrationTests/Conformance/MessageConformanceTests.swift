import Foundation
import Testing

@Suite("Conformance: messages, subscriptions and retained messages")
struct MessageConformanceTests {
    private static let both: [UInt8] = [4, 5]

    @Test("properties of a message are passed on untouched and in order, also retained; its topic alias is not")
    func passesProperties() throws {
        let broker = try BrokerProcess()
        let user: [UInt8] = [0x26, 0, 1, 0x62, 0, 1, 0x32, 0x26, 0, 1, 0x61, 0, 1, 0x31, 0x26, 0, 1, 0x62, 0, 0]
        let rest: [UInt8] =
            [0x01, 1] + [0x03, 0, 1, 0x63] + [0x08, 0, 3, 0x72, 0x2F, 0x74] + [0x09, 0, 3, 0, 0xFF, 1] + user
        let client = try Peer(broker, 5, "c")
        for qos in [0, 1, 2] as [UInt8] {
            client.publish("t", "x", qos: qos, id: 9, properties: rest + [0x23, 0, 1])
            if qos == 1 { client.expect("puback 9") }
            if qos == 2 {
                client.expect("pubrec 9")
                client.pubrel(9)
                client.expect("pubcomp 9")
            }
        }
        let reader = try Peer(broker, 5, "r")
        reader.subscribed("$replay/earliest/t", 0)
        for _ in 0..<3 {
            reader.expect("t x q0")
            #expect(reader.properties.starts(with: rest), "\(reader.properties)")
            #expect(!reader.properties.dropFirst(rest.count).starts(with: [0x23]))
        }
        reader.stores("kept", "y", retain: true, properties: rest + [0x02, 0, 0, 1, 0])
        reader.subscribed("kept", 0)
        reader.expect("kept y q0 retain")
        #expect(reader.properties.starts(with: rest + [0x02, 0, 0]), "\(reader.properties)")
        // MQTT 3.1.1 gets the message without them.
        let old = try Peer(broker, 4, "o")
        old.subscribed("kept", 0)
        old.expectOnly("kept y q0 retain")
    }

    @Test("a client's topic aliases stand for what they were bound to last, on their connection only")
    func inboundAliases() throws {
        let broker = try BrokerProcess()
        let watcher = try Peer(broker, 5, "w")
        watcher.subscribed("#", 0)
        let client = try Peer(broker, 5, "c")
        #expect(client.properties.suffix(3) == [0x22, 0, 64], "\(client.properties)")
        client.stores("a", "1", properties: [0x23, 0, 64])
        client.stores("", "2", properties: [0x23, 0, 64])
        client.stores("b", "3", properties: [0x23, 0, 64])
        client.stores("", "4", properties: [0x23, 0, 64])
        client.stores("c", "5", properties: [0x23, 0, 1])
        client.stores("", "6", properties: [0x23, 0, 64])
        watcher.expectOnly("a 1 q0", "a 2 q0", "b 3 q0", "b 4 q0", "c 5 q0", "b 6 q0")
        #expect(watcher.properties.isEmpty)
        client.disconnect()
        for (alias, reason) in [(64, 130), (65, 148), (0, 148)] as [(UInt8, Int)] {
            let next = try Peer(broker, 5, "c")
            next.publish("", "x", qos: 1, properties: [0x23, 0, alias])
            next.expect("disconnect \(reason)", "closed")
        }
    }

    @Test("the broker's topic aliases stay within what the client takes, and start anew with each connection")
    func outboundAliases() throws {
        let broker = try BrokerProcess()
        let publisher = try Peer(broker, 5, "p")
        for _ in 0..<2 {
            let client = try Peer(broker, 5, "c", properties: [0x22, 0, 1])
            client.subscribed("#", 0)
            for topic in ["a", "a", "b", "a"] { publisher.stores(topic, "x") }
            let alias: [UInt8] = [0x23, 0, 1]
            for (text, properties) in [("a x q0", alias), (" x q0", alias), ("b x q0", []), (" x q0", alias)] {
                client.expect(text)
                #expect(client.properties == properties)
            }
            client.disconnect()
        }
        let without = try Peer(broker, 5, "none")
        without.subscribed("#", 0)
        publisher.stores("a", "x")
        publisher.stores("a", "x")
        without.expect("a x q0", "a x q0")
        #expect(without.properties.isEmpty)
    }

    @Test("overlapping subscriptions bring one copy at the highest QoS, with the identifiers of all")
    func overlaps() throws {
        let broker = try BrokerProcess()
        let client = try Peer(broker, 5, "c")
        client.subscribed("a/#", 0, properties: [0x0B, 1])
        client.subscribed("a/+", 1, properties: [0x0B, 0xC8, 0x01])
        client.subscribed("a/b", 1)
        client.subscribed("other", 1, properties: [0x0B, 3])
        let publisher = try Peer(broker, 5, "p")
        publisher.stores("a/b", "x", retain: true)
        client.expectOnly("a/b x q1 #1")
        #expect(client.properties.isEmpty)
        publisher.stores("a/b", "y")
        client.expect("a/b y q1 #2")
        let identifiers = client.properties
        #expect(identifiers == [0x0B, 1, 0x0B, 0xC8, 0x01] || identifiers == [0x0B, 0xC8, 0x01, 0x0B, 1])
        publisher.stores("a/b/c", "z")
        client.expect("a/b/c z q0")
        #expect(client.properties == [0x0B, 1])
        // A retained message carries that of the subscription that it comes for.
        client.subscribed("+/b", 1, properties: [0x0B, 9])
        client.expect("a/b x q1 #3 retain")
        #expect(client.properties == [0x0B, 9])
        let old = try Peer(broker, 4, "o")
        old.subscribe([Peer.Filter("q/#", 0), Peer.Filter("q/+", 2), Peer.Filter("q/b", 1)])
        old.expect("suback 1 [0, 2, 1]")
        publisher.stores("q/b", "x")
        old.expectOnly("q/b x q1 #1")
    }

    @Test("the QoS of a delivery is the lower of both, whatever the pair", arguments: both)
    func lowerQoS(level: UInt8) throws {
        let broker = try BrokerProcess()
        let client = try Peer(broker, level, "c")
        client.subscribe([Peer.Filter("0", 0), Peer.Filter("1", 1), Peer.Filter("2", 2)], id: 77)
        client.expect("suback 77 [0, 1, 2]")
        let publisher = try Peer(broker, level, "p")
        var id = 0
        for granted in 0...2 {
            for qos in 0...2 {
                publisher.publish("\(granted)", "\(qos)", qos: UInt8(qos), id: 5)
                if qos == 1 { publisher.expect("puback 5") }
                if qos == 2 {
                    publisher.expect("pubrec 5")
                    publisher.pubrel(5)
                    publisher.expect("pubcomp 5")
                }
                let lower = min(granted, qos)
                if lower > 0 { id += 1 }
                client.expect("\(granted) \(qos) q\(lower)" + (lower > 0 ? " #\(id)" : ""))
            }
        }
        client.expectOnly()
    }

    @Test("subscribing again replaces a subscription, loses nothing, and brings what is retained again")
    func replaces() throws {
        let broker = try BrokerProcess()
        for level in Self.both {
            let publisher = try Peer(broker, level, "p")
            publisher.stores("t", "kept", retain: true)
            let client = try Peer(broker, level, "c")
            client.subscribed("t", 1)
            client.expect("t kept q1 #1 retain")
            client.subscribed("t", 0)
            client.expect("t kept q0 retain")
            publisher.stores("t", "x")
            client.expectOnly("t x q0")
        }
    }

    @Test("a subscription that is made again and again while messages come loses none and repeats none")
    func replacesWhileBusy() throws {
        let broker = try BrokerProcess()
        for (level, qos) in [(4, 1), (5, 0), (5, 2)] as [(UInt8, UInt8)] {
            let client = try Peer(broker, level, "c")
            client.subscribed("t", qos)
            let publisher = try Peer(broker, level, "p")
            for number in 1...200 {
                publisher.publish("t", "\(number)", qos: 1, id: UInt16(number))
                if number.isMultiple(of: 10) { client.subscribe([Peer.Filter("t", qos)]) }
            }
            var (payloads, grants) = ([String](), 0)
            while payloads.count < 200 || grants < 20 {
                let heard = client.next()
                if heard == "suback 1 [\(qos)]" {
                    grants += 1
                } else if heard.hasPrefix("t ") {
                    payloads.append(String(heard.split(separator: " ")[1]))
                } else {
                    Issue.record("\(heard) after \(payloads.count) messages and \(grants) grants at QoS \(qos)")
                    break
                }
            }
            #expect(payloads == (1...200).map(String.init))
            client.expectOnly()
        }
    }

    @Test("a subscription whose QoS goes up and down while messages come loses none")
    func changesQoSWhileBusy() throws {
        let broker = try BrokerProcess()
        let client = try Peer(broker, 4, "c")
        client.subscribed("t", 1)
        let publisher = try Peer(broker, 4, "p")
        for number in 1...200 {
            publisher.publish("t", "\(number)", qos: 1, id: UInt16(number))
            if number.isMultiple(of: 10) { client.subscribe([Peer.Filter("t", UInt8(number / 10 % 2))]) }
        }
        var (payloads, grants) = (Set<String>(), 0)
        while payloads.count < 200 || grants < 20 {
            let heard = client.next()
            if heard.hasPrefix("suback") {
                grants += 1
            } else if heard.hasPrefix("t ") {
                payloads.insert(String(heard.split(separator: " ")[1]))
            } else {
                Issue.record("\(heard) after \(payloads.count) messages and \(grants) grants")
                break
            }
        }
        #expect(payloads == Set((1...200).map(String.init)))
    }

    @Test("a shared message goes to one member, on whatever loop, and to another when that is lost; retained to none")
    func shares() throws {
        let broker = try BrokerProcess()
        let publisher = try Peer(broker, 4, "p")
        publisher.stores("s/t", "kept", retain: true)
        let members = try (0..<3).map { try Peer(broker, $0 == 0 ? 4 : 5, "m\($0)") }
        for member in members {
            member.subscribed("$share/g/s/#", 1)
            member.expectOnly()
        }
        // A word from each loop behind the last subscription: each knows all members by now.
        for member in members { member.expectOnly() }
        for number in 0..<9 { publisher.stores("s/t", "\(number)") }
        var seen: [String] = []
        for member in members {
            for id in 1...3 {
                let heard = member.next()
                #expect(heard.hasSuffix("q1 #\(id)"), "\(heard)")
                seen.append(String(heard.dropFirst(4).prefix(1)))
            }
            member.expectOnly()
        }
        #expect(Set(seen) == Set((0..<9).map(String.init)) && seen.count == 9)
        // The first member acknowledged nothing; what it had comes to the others, in order.
        for member in members.dropFirst() { for id in 1...3 as ClosedRange<UInt8> { member.puback(id) } }
        members[2].unsubscribe(["$share/g/s/#"])
        members[2].expectOnly("unsuback 2 [0]")
        members[0].fade()
        for number in seen.prefix(3) {
            let heard = members[1].next()
            #expect(heard.hasPrefix("s/t \(number) q1 #"), "\(heard)")
        }
        members[1].expectOnly()
    }

    @Test("no local, retain as published and the three kinds of retain handling")
    func options() throws {
        let broker = try BrokerProcess()
        let publisher = try Peer(broker, 5, "p")
        publisher.stores("t", "kept", retain: true)
        let client = try Peer(broker, 5, "c")
        client.subscribed("t", 0x20)
        client.subscribed("t", 0x10)
        client.expectOnly()
        client.unsubscribe(["t"])
        client.expect("unsuback 2 [0]")
        client.subscribed("t", 0x10)
        client.expectOnly("t kept q0 retain")
        client.subscribed("t", 0x00)
        client.expectOnly("t kept q0 retain")
        publisher.stores("t", "1", retain: true)
        client.expectOnly("t 1 q0")
        client.subscribed("t", 0x28)
        publisher.stores("t", "2", retain: true)
        publisher.stores("t", "3")
        client.expectOnly("t 2 q0 retain", "t 3 q0")
        client.subscribed("own", 0x04)
        client.publish("own", "mine")
        client.stores("own", "mine")
        publisher.stores("own", "theirs")
        client.expectOnly("own theirs q0")
        // Before MQTT 5 those bits are reserved.
        let old = try Peer(broker, 4, "o")
        old.subscribe([Peer.Filter("t", 0x04)])
        old.expect("closed")
    }

    @Test("RETAIN is not set for who was there, keeps the newest of each topic, and goes with an empty payload")
    func retains() throws {
        let broker = try BrokerProcess()
        for level in Self.both {
            let publisher = try Peer(broker, level, "p")
            let there = try Peer(broker, level, "there")
            there.subscribed("r/#", 0)
            publisher.publish("r/0", "a", retain: true)
            publisher.stores("r/1", "b", retain: true)
            publisher.publish("r/0", "c", qos: 2, id: 3, retain: true)
            publisher.expect("pubrec 3")
            publisher.pubrel(3)
            publisher.expect("pubcomp 3")
            publisher.stores("r/1", "not kept")
            there.expectOnly("r/0 a q0", "r/1 b q0", "r/0 c q0", "r/1 not kept q0")
            let late = try Peer(broker, level, "late")
            late.subscribed("r/0", 1)
            late.expect("r/0 c q1 #1 retain")
            late.subscribed("r/1", 0)
            late.expectOnly("r/1 b q0 retain")
            publisher.stores("r/0", "", retain: true)
            publisher.stores("r/1", "", retain: true)
            there.expectOnly("r/0  q0", "r/1  q0")
            let last = try Peer(broker, level, "last")
            last.subscribed("r/#", 1)
            last.expectOnly()
        }
    }

    @Test("retained messages outlive their publisher's session, and the broker, with their properties")
    func retainedSurvive() throws {
        let broker = try BrokerProcess()
        let publisher = try Peer(broker, 5, "p")
        publisher.stores("r", "kept", retain: true, properties: [0x03, 0, 1, 0x63])
        publisher.disconnect()
        publisher.expect("closed")
        broker.crash()
        let next = try broker.restarted()
        let client = try Peer(next, 5, "c")
        client.subscribed("r", 1)
        client.expectOnly("r kept q1 #1 retain")
        client.subscribed("r", 0)
        client.expect("r kept q0 retain")
        #expect(client.properties == [0x03, 0, 1, 0x63])
    }

    @Test("DUP of a publisher is not passed on")
    func duplicateFlag() throws {
        let broker = try BrokerProcess()
        for level in Self.both {
            let client = try Peer(broker, level, "c")
            client.subscribed("t", 1)
            let publisher = try Peer(broker, level, "p")
            publisher.publish("t", "x", qos: 1, id: 4, duplicate: true)
            publisher.expect("puback 4")
            client.expectOnly("t x q1 #1")
        }
    }

    @Test("SUBACK and UNSUBACK have the identifier that was asked with and one code a filter, in order")
    func codes() throws {
        let broker = try BrokerProcess("refuse:\n- subscribe: test/nosubscribe\n" + BrokerProcess.plain)
        for level in Self.both {
            let client = try Peer(broker, level, "c")
            client.subscribe(
                [Peer.Filter("a", 2), Peer.Filter("test/nosubscribe", 1), Peer.Filter("b", 0), Peer.Filter("c", 1)],
                id: 200)
            client.expect("suback 200 [2, 128, 0, 1]")
            client.unsubscribe(["b", "b", "never", "A", "a", "+"], id: 201)
            client.expect(level == 5 ? "unsuback 201 [0, 17, 17, 17, 0, 17]" : "unsuback 201 []")
            client.unsubscribe(["nothing"], id: 202)
            client.expect(level == 5 ? "unsuback 202 [17]" : "unsuback 202 []")
            let publisher = try Peer(broker, level, "p")
            for topic in ["a", "test/nosubscribe", "b", "c"] { publisher.stores(topic, "x") }
            client.expectOnly("c x q1 #1")
        }
    }

    @Test("filters and names match byte for byte: nothing is normalised, U+FEFF is a character")
    func characters() throws {
        let broker = try BrokerProcess()
        let client = try Peer(broker, 5, "c")
        let publisher = try Peer(broker, 4, "p")
        for filter in ["caf\u{E9}", "/a", "b/", "\u{FEFF}c", "d d"] { client.subscribed(filter, 0) }
        for topic in ["cafe\u{301}", "a", "b", "c", "D d"] { publisher.stores(topic, "x") }
        for topic in ["caf\u{E9}", "/a", "b/", "\u{FEFF}c", "d d"] {
            publisher.stores(topic, "y")
            #expect(Array(client.next().utf8) == Array("\(topic) y q0".utf8))
        }
        client.expectOnly()
    }

    @Test("some topics that begin with $ are nobody's but the broker's, and no leading wildcard matches any of them")
    func dollarTopics() throws {
        let broker = try BrokerProcess()
        let client = try Peer(broker, 5, "c")
        for filter in ["#", "+/A", "+/broker/#"] { client.subscribed(filter, 0) }
        let named = try Peer(broker, 4, "n")
        named.subscribed("$TopicA/#", 0)
        for level in Self.both {
            let publisher = try Peer(broker, level, "p")
            publisher.stores("$TopicA/A", "x")
            named.expectOnly("$TopicA/A x q0")
            publisher.publish("$SYS/broker/uptime", "x", qos: 1, id: 5)
            publisher.expect(level == 5 ? "puback 5 135" : "puback 5")
            publisher.publish("$share/g/A", "x", qos: 2, id: 6)
            publisher.expect(level == 5 ? "pubrec 6 135" : "pubrec 6")
            publisher.stores("A/A", "x")
            client.expectOnly("A/A x q0")
        }
        let watcher = try Peer(broker, 5, "w")
        watcher.subscribed("$SYS/broker/version", 0)
        #expect(watcher.next().hasSuffix(" q0 retain"))
    }

    @Test("messages of one publisher and one topic keep their order at each QoS")
    func order() throws {
        let broker = try BrokerProcess()
        for qos in [0, 1, 2] as [UInt8] {
            let client = try Peer(broker, 4, "c")
            client.subscribed("t", qos)
            let publisher = try Peer(broker, 4, "p")
            for number in 1...50 { publisher.publish("t", "\(number)", qos: qos, id: UInt16(number)) }
            for number in 1...50 {
                client.expect("t \(number) q\(qos)" + (qos > 0 ? " #\(number)" : ""))
                if qos > 0 { publisher.expect(qos == 1 ? "puback \(number)" : "pubrec \(number)") }
            }
            for number in 1...50 where qos == 2 { publisher.pubrel(UInt8(number)) }
            for number in 1...50 where qos == 2 { publisher.expect("pubcomp \(number)") }
        }
    }

    @Test("a request finds its responder, and the response its way back")
    func requestResponse() throws {
        let broker = try BrokerProcess()
        let responder = try Peer(broker, 5, "responder")
        responder.subscribed("request", 1)
        let asker = try Peer(broker, 5, "asker", properties: [0x19, 1])
        #expect(!asker.properties.contains(0x1A))
        asker.subscribed("response", 0)
        let correlation: [UInt8] = [0x09, 0, 2, 0xAB, 0xCD]
        asker.stores("request", "?", properties: [0x08, 0, 8] + Array("response".utf8) + correlation)
        responder.expect("request ? q1 #1")
        #expect(responder.properties == [0x08, 0, 8] + Array("response".utf8) + correlation)
        responder.publish("response", "!", properties: correlation)
        asker.expect("response ! q0")
        #expect(asker.properties == correlation)
    }
}
