import Testing

@Suite("Conformance: topics as long as the protocol has them")
struct LongTopicTests {
    @Test("65,535 bytes pass live, retained, after kill -9 and replayed; one more level than allowed does not")
    func longest() throws {
        let configuration = "limits: { topic_size: 65535, topic_levels: 4 }\n" + BrokerProcess.plain
        let broker = try BrokerProcess(configuration)
        let topic = "long/" + String(repeating: "x", count: 65_530)
        let subscriber = try Peer(broker, 4, "s")
        subscriber.subscribed("long/#", 1)
        subscriber.subscribed(topic, 1)
        let publisher = try Peer(broker, 5, "p")
        publisher.stores(topic, "1", retain: true)
        #expect(subscriber.next().hasPrefix(topic + " 1 q1"))
        publisher.publish("a/b/c/d/e", "too deep")
        publisher.expect("disconnect 144")
        broker.crash()
        let restarted = try broker.restarted(configuration)
        let again = try Peer(restarted, 5, "s2")
        again.subscribed("+/" + topic.dropFirst(5), 1)
        #expect(again.next().hasPrefix(topic + " 1 q1"))
        let replay = try Peer(restarted, 4, "r")
        replay.subscribed("$replay/earliest/long/#", 0)
        #expect(replay.next().hasSuffix(topic + " 1 q0"))
        #expect(restarted.stop() == 0)
    }
}
