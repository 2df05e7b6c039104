import Foundation
import Testing

/// Those that no other suite has in this form: one client often speaks and listens at once. COMPAT.md says where each
/// of the others is.
@Suite("Conformance: conversations of the Paho project's interoperability tests")
struct PahoConformanceTests {
    private static let both: [UInt8] = [4, 5]
    private static let keep: [UInt8] = [0x11, 0, 0, 0, 99]
    private static let userProperties: [UInt8] = [0x26, 0, 1, 0x61, 0, 1, 0x32, 0x26, 0, 1, 0x63, 0, 1, 0x33]

    /// Acknowledges what comes as a client does, until `count` messages are there and `flowCount` of its own QoS 1 and
    /// 2 messages are done; then nothing more may be on its way.
    /// - Returns: the messages in words, without identifiers, and the properties of each.
    private func listen(
        _ client: Peer, for count: Int, own flowCount: Int = 0, sourceLocation: SourceLocation = #_sourceLocation
    ) -> (messages: [String], properties: [[UInt8]]) {
        var (messages, properties, done, isPinged) = ([String](), [[UInt8]](), 0, false)
        while true {
            if messages.count >= count, done >= flowCount, !isPinged {
                isPinged = true
                client.send([0xC0, 0])
            }
            let heard = client.next()
            let words = heard.split(separator: " ")
            let id = UInt8(words.dropFirst().first ?? "") ?? 0
            switch words.first {
            case "pingresp": return (messages, properties)
            case "pubrec": client.pubrel(id)
            case "puback", "pubcomp": done += 1
            case "pubrel": client.pubcomp(id)
            case "closed", "silence", "disconnect", nil:
                Issue.record("\(heard) after \(messages) and \(done) flows", sourceLocation: sourceLocation)
                return (messages, properties)
            case _:
                let number = words.first { $0.hasPrefix("#") }.flatMap { UInt8($0.dropFirst()) }
                if let number { words.contains("q1") ? client.puback(number) : client.pubrec(number) }
                messages.append(words.filter { !$0.hasPrefix("#") }.joined(separator: " "))
                properties.append(client.properties)
            }
        }
    }

    /// Publishes at QoS 0, 1 and 2.
    private func publishEach(_ client: Peer, _ topics: [String], retain: Bool = false, properties: [UInt8] = []) {
        for (qos, topic) in topics.enumerated() {
            client.publish(
                topic, "m\(qos)", qos: UInt8(qos), id: UInt16(qos + 10), retain: retain,
                properties: client.level == 5 ? properties : [])
        }
    }

    @Test("basic: a client hears itself at each QoS; a second CONNECT or another protocol closes", arguments: both)
    func basic(level: UInt8) throws {
        let broker = try BrokerProcess()
        let first = try Peer(broker, level, "myclientid")
        first.disconnect()
        first.expect("closed")
        let client = try Peer(broker, level, "myclientid")
        client.subscribed("TopicA", 2)
        publishEach(client, ["TopicA", "TopicA", "TopicA"])
        #expect(listen(client, for: 3, own: 2).messages == ["TopicA m0 q0", "TopicA m1 q1", "TopicA m2 q2"])
        client.connect("myclientid")
        if level == 5 { client.expect("disconnect 130") }
        client.expect("closed")
        let other = try Peer(broker, level)
        other.send(RawPacket.frame(0x10, RawPacket.string("hj") + [level, 2, 0, 0, 0, 1, 0x61]))
        other.expect("closed")
    }

    @Test("retained message: one of each QoS comes to a wildcard, with its properties, until cleared", arguments: both)
    func retained(level: UInt8) throws {
        let broker = try BrokerProcess()
        let topics = ["TopicA/B", "Topic/C", "TopicA/C"]
        let client = try Peer(broker, level, "myclientid")
        publishEach(client, topics, retain: true, properties: Self.userProperties)
        #expect(listen(client, for: 0, own: 2).messages == [])
        client.subscribed("+/+", 2)
        let heard = listen(client, for: 3)
        #expect(
            heard.messages.sorted() == ["Topic/C m1 q1 retain", "TopicA/B m0 q0 retain", "TopicA/C m2 q2 retain"])
        #expect(heard.properties == Array(repeating: level == 5 ? Self.userProperties : [], count: 3))
        client.disconnect()
        let cleaner = try Peer(broker, level, "cleaner")
        for (qos, topic) in topics.enumerated() {
            cleaner.publish(topic, "", qos: UInt8(qos), id: UInt16(qos + 10), retain: true)
        }
        #expect(listen(cleaner, for: 0, own: 2).messages == [])
        cleaner.subscribed("+/+", 2)
        cleaner.expectOnly()
    }

    @Test("offline message queueing: what is published meanwhile is there on the next connection", arguments: both)
    func offline(level: UInt8) throws {
        let broker = try BrokerProcess()
        let properties = level == 5 ? Self.keep : []
        let keeper = try Peer(broker, level, "myclientid", clean: false, properties: properties)
        keeper.subscribed("+/+", 2)
        keeper.disconnect()
        keeper.expect("closed")
        let publisher = try Peer(broker, level, "myclientid2")
        publishEach(publisher, ["TopicA/B", "Topic/C", "TopicA/C"])
        #expect(listen(publisher, for: 0, own: 2).messages == [])
        let again = try Peer(broker, level, "myclientid", clean: false, properties: properties, isPresent: true)
        let heard = listen(again, for: 3).messages.sorted()
        #expect(heard == ["Topic/C m1 q1", "TopicA/B m0 q0", "TopicA/C m2 q2"])
    }

    @Test("overlapping subscriptions of one SUBSCRIBE bring one message at the higher QoS", arguments: both)
    func overlapping(level: UInt8) throws {
        let broker = try BrokerProcess()
        let client = try Peer(broker, level, "myclientid")
        client.subscribe([Peer.Filter("TopicA/#", 2), Peer.Filter("TopicA/+", 1)])
        client.expect("suback 1 [2, 1]")
        client.publish("TopicA/C", "overlapping", qos: 2, id: 10)
        #expect(listen(client, for: 1, own: 1).messages == ["TopicA/C overlapping q2"])
    }

    @Test("unsubscribe: the other subscriptions stay", arguments: both)
    func unsubscribe(level: UInt8) throws {
        let broker = try BrokerProcess()
        let client = try Peer(broker, level, "myclientid2")
        for topic in ["TopicA", "TopicA/B", "Topic/C"] { client.subscribed(topic, 2) }
        client.unsubscribe(["TopicA"])
        client.expect(level == 5 ? "unsuback 2 [0]" : "unsuback 2 []")
        let publisher = try Peer(broker, level, "myclientid")
        for topic in ["TopicA", "TopicA/B", "Topic/C"] { publisher.stores(topic, "x") }
        #expect(listen(client, for: 2).messages == ["TopicA/B x q1", "Topic/C x q1"])
    }

    @Test("shared subscriptions beside others in one SUBSCRIBE: one member gets a message, others all")
    func shared() throws {
        let broker = try BrokerProcess()
        let members = try ["myclientid", "myclientid2"].map { try Peer(broker, 5, $0) }
        for member in members {
            member.subscribe([Peer.Filter("$share/sharename/x", 2), Peer.Filter("TopicA", 2)])
            member.expect("suback 1 [2, 2]")
        }
        members[1].publish("TopicA", "all")
        for member in members { #expect(listen(member, for: 1).messages == ["TopicA all q0"]) }
        let publisher = try Peer(broker, 5, "publisher")
        for number in 0..<10 { publisher.stores("x", "\(number)") }
        let heard = [listen(members[0], for: 5).messages, listen(members[1], for: 5).messages]
        #expect(Set(heard.joined()) == Set((0..<10).map { "x \($0) q1" }))
        #expect(heard.joined().count == 10)
    }

    @Test("subscribe identifiers: a message has those of all its subscriptions, of up to four bytes")
    func identifiers() throws {
        let broker = try BrokerProcess()
        let other = try Peer(broker, 5, "myclientid")
        other.subscribed("TopicA", 2, properties: [0x0B, 0xD5, 0xF0, 0x1B])
        let client = try Peer(broker, 5, "myclientid2")
        client.subscribed("TopicA", 2, properties: [0x0B, 2])
        client.subscribed("TopicA/#", 2, properties: [0x0B, 3])
        client.publish("TopicA", "x", qos: 1, id: 10)
        let heard = listen(client, for: 1, own: 1)
        #expect(heard.messages == ["TopicA x q1"])
        #expect([[0x0B, 2, 0x0B, 3], [0x0B, 3, 0x0B, 2]].contains(heard.properties[0]))
        #expect(listen(other, for: 1).properties == [[0x0B, 0xD5, 0xF0, 0x1B]])
    }

    @Test("request and response over one topic, each side without its own messages")
    func requestResponse() throws {
        let broker = try BrokerProcess()
        let requester = try Peer(broker, 5, "myclientid")
        let responder = try Peer(broker, 5, "myclientid2")
        for client in [requester, responder] { client.subscribed("TopicA", 2 | 4) }
        let properties: [UInt8] = [0x08, 0, 6] + Array("TopicA".utf8) + [0x09, 0, 3, 0x33, 0x33, 0x34]
        requester.publish("TopicA", "request", qos: 1, id: 10, properties: properties)
        let request = listen(responder, for: 1)
        #expect(request.messages == ["TopicA request q1"])
        #expect(request.properties == [properties])
        responder.publish("TopicA", "response", qos: 1, id: 10, properties: request.properties[0])
        #expect(listen(requester, for: 1, own: 1).messages == ["TopicA response q1"])
        #expect(listen(responder, for: 0, own: 1).messages == [])
    }

    @Test("server topic alias: the first message names its topic, those behind it at each QoS only the alias")
    func serverAlias() throws {
        let broker = try BrokerProcess()
        for (most, expected) in [
            ([0x22, 0, 1], ["TopicA m0 q0", "m1 q1", "m2 q2"]), ([], ["TopicA m0 q0", "TopicA m1 q1", "TopicA m2 q2"]),
            ([0x22, 0, 0], ["TopicA m0 q0", "TopicA m1 q1", "TopicA m2 q2"]),
        ] as [([UInt8], [String])] {
            let client = try Peer(broker, 5, "myclientid", properties: most)
            client.subscribed("TopicA", 2)
            publishEach(client, ["TopicA", "TopicA", "TopicA"])
            let heard = listen(client, for: 3, own: 2)
            #expect(heard.messages == expected)
            let hasAlias = most == [0x22, 0, 1]
            #expect(heard.properties == Array(repeating: hasAlias ? [0x23, 0, 1] : [], count: 3))
            client.disconnect()
        }
    }

    @Test("flow control: a receive maximum of 2 bounds deliveries, not the acknowledgements of what the client sends")
    func flowControl() throws {
        let broker = try BrokerProcess()
        let client = try Peer(broker, 5, "myclientid", properties: [0x21, 0, 2])
        client.subscribed("TopicA", 2)
        for number in 1...3 as ClosedRange<UInt16> { client.publish("TopicA", "\(number)", qos: 1, id: number + 10) }
        let heard = (0..<5).map { _ in client.next() }
        #expect(
            Set(heard) == ["TopicA 1 q1 #1", "TopicA 2 q1 #2", "puback 11", "puback 12", "puback 13"], "\(heard)")
        client.expectOnly()
        client.puback(1)
        client.expectOnly("TopicA 3 q1 #1")
    }
}
