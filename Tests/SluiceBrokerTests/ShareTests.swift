import CommitLog
import MQTTWire
import SluiceCore
import Testing

@testable import SluiceBroker

@Suite("Shared subscriptions")
struct ShareTests {
    private func member(_ test: TestShard, _ id: String, qos: QoS = .atLeastOnce, receiveMaximum: UInt32 = 100)
        -> TestClient
    {
        let properties = PropertyWriter.bytes { PropertyWriter.append(.receiveMaximum, receiveMaximum, to: &$0) }
        let client = test.connect(id, .v5, properties: properties)
        client.subscribe("$share/g/t/#", qos: qos)
        test.commit()
        #expect(client.takeFirst() == "suback [\(qos.rawValue)]")
        return client
    }

    private func publish(_ test: TestShard, _ payloads: [String], qos: QoS = .atLeastOnce) {
        let client = test.connect("p")
        for (index, payload) in payloads.enumerated() {
            client.publish("t/1", payload, qos: qos, id: PacketID(rawValue: UInt16(index + 1)))
        }
        test.commit()
        client.close()
    }

    private func payloads(_ client: TestClient) -> [String] {
        client.take().compactMap { $0.hasPrefix("t/1") ? String($0.split(separator: " ")[1]) : nil }
    }

    @Test("each message goes to one member, in turn")
    func deals() {
        let test = TestShard()
        let (a, b) = (member(test, "a"), member(test, "b"))
        publish(test, ["1", "2", "3", "4"])
        #expect(payloads(a) == ["1", "3"])
        #expect(payloads(b) == ["2", "4"])
    }

    @Test("what a lost member has not acknowledged goes to the others, in order, before what is newer")
    func takesBack() {
        let test = TestShard()
        let a = member(test, "a", receiveMaximum: 3)
        publish(test, ["1", "2", "3", "4", "5"])
        #expect(payloads(a) == ["1", "2", "3"])
        a.acknowledge(.puback, 2)
        #expect(payloads(a) == ["4"])
        let b = member(test, "b", receiveMaximum: 10)
        #expect(payloads(b) == ["5"])
        a.drop()
        test.tick()
        #expect(payloads(b) == ["1", "3", "4"])
    }

    @Test("a member that unsubscribes and comes back has what it had, and gets no more than its window")
    func rejoins() {
        let test = TestShard()
        let (a, b) = (member(test, "a", receiveMaximum: 2), member(test, "b", receiveMaximum: 2))
        publish(test, ["1", "2", "3", "4", "5"])
        #expect(payloads(a) == ["1", "3"])
        #expect(payloads(b) == ["2", "4"])
        a.unsubscribe("$share/g/t/#")
        a.subscribe("$share/g/t/#", qos: .atLeastOnce)
        test.commit()
        let group = test.shard.shareGroups.all[0]
        #expect(group.members.map(\.outstandingCount) == [2, 2])
        a.acknowledge(.puback, 1)
        a.acknowledge(.puback, 2)
        #expect(payloads(a) == ["5"])
        #expect(group.members.map(\.outstandingCount).sorted() == [1, 2])
    }

    @Test("while the node drains, publishes are left unread, and acknowledgements taken until nothing is in flight")
    func drains() {
        let test = TestShard()
        let a = member(test, "a", receiveMaximum: 2)
        publish(test, ["1", "2", "3"])
        #expect(payloads(a) == ["1", "2"])
        test.shard.beginDrain()
        let late = test.connect("late")
        late.publish("t/1", "4", qos: .atLeastOnce, id: 1)
        test.commit()
        #expect(late.take().isEmpty)
        a.acknowledge(.puback, 1)
        test.commit()
        #expect(!test.shard.isDrained)
        a.acknowledge(.puback, 2)
        test.commit()
        #expect(test.shard.isDrained && payloads(a).isEmpty)
        test.shard.shutDown()
        test.commit()
        let again = TestShard(test.log)
        #expect(payloads(member(again, "b")).isEmpty)
        #expect(late.take() == ["disconnect 139"])
    }

    @Test("a group without members loses nothing, also through a crash")
    func waits() {
        let test = TestShard()
        member(test, "a").drop()
        publish(test, ["1", "2"])
        let b = test.connect("b")
        b.subscribe("$share/g/t/#", qos: .atLeastOnce)
        test.commit()
        #expect(payloads(b) == ["1", "2"])
        b.drop()
        test.pass(seconds: 2)
        test.commit()
        publish(test, ["3"])
        let restarted = TestShard(test.log.crashed())
        let c = restarted.connect("c")
        c.subscribe("$share/g/t/#", qos: .atLeastOnce)
        restarted.settle()
        #expect(payloads(c) == ["1", "2", "3"])
    }

    @Test("whoever unsubscribes last ends the group")
    func ends() {
        let test = TestShard()
        let a = member(test, "a")
        a.unsubscribe("$share/g/t/#")
        test.commit()
        publish(test, ["1"])
        let b = member(test, "b")
        #expect(payloads(b).isEmpty)
    }

    @Test("a member whose socket is full keeps nothing from the others")
    func skipsBlocked() {
        let test = TestShard(
            limits: {
                var limits = Limits(); limits.outputBytesMax = 64; return limits
            }())
        let a = member(test, "a")
        let b = member(test, "b")
        a.isBlocked = true
        publish(test, (0..<20).map { "message-\($0)" })
        for _ in 0..<20 { test.tick() }
        let taken = payloads(b)
        a.unblock()
        for _ in 0..<20 { test.tick() }
        #expect(Set(taken + payloads(a) + payloads(b)) == Set((0..<20).map { "message-\($0)" }))
        #expect(taken.count > 10)
    }

    @Test("none gets retained messages, and each its own QoS")
    func options() {
        let test = TestShard()
        let publisher = test.connect("p")
        publisher.publish("t/1", "kept", qos: .atLeastOnce, retain: true)
        test.commit()
        let (a, b) = (member(test, "a", qos: .atMostOnce), member(test, "b", qos: .exactlyOnce))
        #expect(payloads(a).isEmpty && payloads(b).isEmpty)
        publisher.publish("t/1", "1", qos: .exactlyOnce, id: 2)
        publisher.publish("t/1", "2", qos: .exactlyOnce, id: 3)
        test.commit()
        #expect(a.take() == ["t/1 1 q0"])
        #expect(b.take() == ["t/1 2 q2 #1"])
    }

    @Test("what a member was sent at QoS 2 is its session's to finish, and nobody's when that ends")
    func keepsQoS2() {
        let test = TestShard()
        let stays = PropertyWriter.bytes { PropertyWriter.append(.sessionExpiryInterval, 60, to: &$0) }
        let a = test.connect("a", .v5, clean: false, properties: stays)
        a.subscribe("$share/g/t/#", qos: .exactlyOnce)
        test.commit()
        publish(test, ["1"], qos: .exactlyOnce)
        test.commit()
        #expect(a.take() == ["suback [2]", "t/1 1 q2 #1"])
        let b = member(test, "b", qos: .exactlyOnce)
        a.drop()
        test.settle()
        let again = test.connect("a", .v5, clean: false, properties: stays, sessionPresent: true)
        test.settle()
        #expect(again.take() == ["t/1 1 q2 #1 dup"])
        again.drop()
        test.pass(seconds: 100)
        test.settle()
        #expect(payloads(b).isEmpty)
        publish(test, ["2"])
        #expect(payloads(b) == ["2"])
    }

    @Test("a message that its member refuses goes to nobody else")
    func discardsRefused() {
        let test = TestShard()
        let (a, b) = (member(test, "a", qos: .exactlyOnce), member(test, "b", qos: .exactlyOnce))
        publish(test, ["1", "2"])
        #expect(payloads(a) == ["1"] && payloads(b) == ["2"])
        a.send {
            PacketEncoder.acknowledgement(
                into: &$0, kind: .puback, packetID: 1, reason: .unspecifiedError, version: .v5)
        }
        b.acknowledge(.puback, 1)
        publish(test, ["3", "4"], qos: .exactlyOnce)
        #expect(payloads(a) == ["3"] && payloads(b) == ["4"])
        a.send {
            PacketEncoder.acknowledgement(into: &$0, kind: .pubrec, packetID: 1, reason: .quotaExceeded, version: .v5)
        }
        test.settle()
        a.drop()
        test.settle()
        #expect(payloads(b).isEmpty)
    }

    @Test("no-local, and history behind the group's name, are refused")
    func refuses() {
        let test = TestShard()
        let client = test.connect("a")
        client.subscribe("$share/g/$SYS/#", qos: .atMostOnce)
        client.subscribe("$share/g/$replay/earliest/#", qos: .atMostOnce)
        #expect(client.take() == ["suback [143]", "suback [143]"])
    }
}
