import CommitLog
import MQTTWire
import SluiceCore
import Testing
import TopicRouting

@testable import SluiceBroker

@Suite("Retained messages")
struct RetainedTests {
    private func publish(_ test: TestShard, _ topic: String, _ payload: String, qos: QoS = .atLeastOnce) {
        let client = test.connect("p")
        client.publish(topic, payload, qos: qos, retain: true)
        test.commit()
        client.close()
    }

    private func subscribe(
        _ test: TestShard, _ filter: String, qos: QoS = .atLeastOnce,
        handling: SubscriptionOptions.RetainHandling = .send,
        client: TestClient? = nil
    ) -> [String] {
        let client = client ?? test.connect("s")
        client.subscribe(filter, qos: qos, handling: handling)
        test.settle()
        return client.take().filter { !$0.hasPrefix("suback") }
    }

    @Test("topics that start with $ and are not the broker's are topics, but for a leading wildcard")
    func dollar() {
        let test = TestShard()
        let live = test.connect("live")
        for filter in ["#", "+/x", "$foo/#"] { live.subscribe(filter, qos: .atLeastOnce) }
        test.settle()
        _ = live.take()
        publish(test, "$foo/x", "kept")
        test.settle()
        #expect(live.take().count == 1)
        #expect(subscribe(test, "$foo/+") == ["$foo/x kept q1 #1 retain"])
        #expect(subscribe(test, "#").isEmpty && subscribe(test, "+/x").isEmpty)
        publish(test, "$SYS/x", "refused")
        #expect(subscribe(test, "$SYS/x").isEmpty)
    }

    @Test("the newest of each topic comes to a new subscription, with RETAIN and the lower QoS")
    func comes() {
        let test = TestShard()
        publish(test, "a/1", "old")
        publish(test, "a/1", "new")
        publish(test, "a/2", "two", qos: .atMostOnce)
        publish(test, "b", "other")
        #expect(subscribe(test, "a/+") == ["a/1 new q1 #1 retain", "a/2 two q0 retain"])
        #expect(subscribe(test, "a/1", qos: .atMostOnce) == ["a/1 new q0 retain"])
        #expect(subscribe(test, "#").count == 3)
        #expect(subscribe(test, "c/#").isEmpty)
    }

    @Test(
        "a message that may have been seen live is retained for who subscribes then, though its shard is not that far",
        arguments: ["a", "#"], [QoS.atMostOnce, .atLeastOnce])
    func waitsForOtherShards(filter: String, qos: QoS) {
        let test = TestShard()
        let before = test.peers.retained
        publish(test, "a", "x")
        // As if another shard were between its append and the tree.
        test.peers.retained = before
        let append = test.peers.retained.beginAppend()
        let client = test.connect("s")
        client.subscribe(filter, qos: qos)
        test.settle()
        #expect(client.take() == ["suback [\(qos.rawValue)]"])
        #expect(test.takeWake())
        // What begins later is not waited for.
        let later = test.peers.retained.beginAppend()
        test.peers.retained.apply([97].span, at: .zero, isPresent: true)
        test.peers.retained.endAppend(append, end: nil)
        test.settle()
        #expect(client.take() == ["a x q\(qos.rawValue)" + (qos == .atMostOnce ? "" : " #1") + " retain"])
        test.peers.retained.endAppend(later, end: nil)
    }

    @Test("an empty payload takes it away, and is no message itself")
    func clears() {
        let test = TestShard()
        publish(test, "a", "x")
        publish(test, "a", "")
        #expect(subscribe(test, "a").isEmpty)
        #expect(test.peers.retained.count == 0)
        test.shard.elapsed()
        #expect(subscribe(TestShard(test.log.crashed()), "#").isEmpty)
    }

    @Test("it survives a crash")
    func survives() {
        let test = TestShard()
        for index in 0..<100 { publish(test, "a/\(index)", "v\(index)") }
        let restarted = TestShard(test.log.crashed())
        #expect(restarted.peers.retained.count == 100)
        #expect(Set(subscribe(restarted, "a/#", qos: .atMostOnce)) == Set((0..<100).map { "a/\($0) v\($0) q0 retain" }))
        #expect(subscribe(restarted, "a/77", qos: .atMostOnce) == ["a/77 v77 q0 retain"])
    }

    @Test("live subscribers get it without RETAIN, unless they want it as published")
    func live() {
        let test = TestShard()
        let plain = test.connect("plain")
        let exact = test.connect("exact")
        plain.subscribe("a", qos: .atMostOnce)
        exact.subscribe("a", qos: .atMostOnce, retainAsPublished: true)
        _ = (plain.take(), exact.take())
        publish(test, "a", "x")
        #expect(plain.take() == ["a x q0"])
        #expect(exact.take() == ["a x q0 retain"])
    }

    @Test("retain handling: always, when the subscription is new, never")
    func handling() {
        let test = TestShard()
        publish(test, "a", "x")
        let client = test.connect("s")
        #expect(subscribe(test, "a", qos: .atMostOnce, handling: .doNotSend, client: client).isEmpty)
        #expect(subscribe(test, "a", qos: .atMostOnce, handling: .sendIfNew, client: client).isEmpty)
        #expect(subscribe(test, "a", qos: .atMostOnce, handling: .send, client: client) == ["a x q0 retain"])
        let other = test.connect("t")
        #expect(subscribe(test, "a", qos: .atMostOnce, handling: .sendIfNew, client: other) == ["a x q0 retain"])
    }

    @Test("more than a place list holds come all the same, at the subscriber's pace")
    func paced() {
        let test = TestShard()
        let client = test.connect("p")
        let count = 3000
        for index in 0..<count {
            client.publish("r/\(index)", "v", qos: .atMostOnce, retain: true)
            if index % 500 == 0 { client.publish("r/7", "w\(index)", qos: .atMostOnce, retain: true) }
        }
        test.commit()
        let properties = PropertyWriter.bytes { PropertyWriter.append(.receiveMaximum, 20, to: &$0) }
        let publisher = test.connect("q")
        for index in 0..<50 {
            publisher.publish(
                "q/\(index)", "v", qos: .atLeastOnce, id: PacketID(rawValue: UInt16(index + 1)), retain: true)
        }
        test.commit()
        let reader = test.connect("s", .v5, properties: properties)
        reader.subscribe("#", qos: .atLeastOnce)
        var topics: [String] = []
        var isDone = false
        while !isDone {
            test.commit()
            let packets = reader.take().filter { $0.contains("retain") }
            topics += packets.compactMap { $0.split(separator: " ").first.map(String.init) }
            let unacknowledged = packets.compactMap { $0.split(separator: "#").dropFirst().first }
                .compactMap { UInt16($0.split(separator: " ")[0]) }
            for id in unacknowledged { reader.acknowledge(.puback, PacketID(rawValue: id)) }
            isDone = packets.isEmpty
        }
        #expect(topics.count == count + 50)
        #expect(Set(topics).count == count + 50)
    }

    @Test("a session that stays gets the rest when it comes back, also after a crash")
    func goesOn() {
        for crashes in [false, true] {
            var test = TestShard()
            for index in 0..<50 { publish(test, "a/\(index)", "v") }
            let properties = PropertyWriter.bytes {
                PropertyWriter.append(.receiveMaximum, 5, to: &$0)
                PropertyWriter.append(.sessionExpiryInterval, 100, to: &$0)
            }
            let first = test.connect("s", .v5, clean: false, properties: properties)
            first.subscribe("a/#", qos: .atLeastOnce)
            test.settle()
            let taken = first.take().filter { $0.hasPrefix("a/") }
            #expect(taken.count == 5)
            for id in 1...5 { first.acknowledge(.puback, PacketID(rawValue: UInt16(id))) }
            test.pass(seconds: 2)
            test.settle()
            var topics = Set((taken + first.take()).map { $0.split(separator: " ")[0] })
            first.drop()
            if crashes { test = TestShard(test.log.crashed()) }
            let next = test.connect("s", .v5, clean: false, properties: properties, sessionPresent: true)
            for _ in 0..<20 {
                test.settle()
                for line in next.take() {
                    let words = line.split(separator: " ")
                    topics.insert(words[0])
                    #expect(words.contains("retain"))
                    next.acknowledge(.puback, PacketID(rawValue: UInt16(words[3].dropFirst()) ?? 0))
                }
            }
            #expect(topics.count == 50, "crash: \(crashes)")
        }
    }

    @Test("an expired one is not sent, and is taken away")
    func expires() {
        let test = TestShard()
        let client = test.connect("p")
        let expiry = PropertyWriter.bytes { PropertyWriter.append(.messageExpiryInterval, 5, to: &$0) }
        client.publish("a", "x", qos: .atMostOnce, retain: true, properties: expiry)
        test.commit()
        #expect(subscribe(test, "a", qos: .atMostOnce) == ["a x q0 retain"])
        test.pass(seconds: 6)
        #expect(subscribe(test, "a", qos: .atMostOnce).isEmpty)
        test.pass(seconds: 20)
        test.commit()
        #expect(test.peers.retained.count == 0)
    }
}
