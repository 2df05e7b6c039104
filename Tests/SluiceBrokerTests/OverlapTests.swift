import CommitLog
import MQTTWire
import SluiceCore
import Testing

@testable import SluiceBroker

@Suite("Subscriptions that are made while messages are on their way")
struct OverlapTests {
    @Test("a QoS 1 filter over one of QoS 0 brings no second copy of what was delivered and is not on the device yet")
    func higherOverLower() {
        for order in [("#", "t"), ("t", "#"), ("+", "t")] {
            let test = TestShard()
            let client = test.connect("c")
            let publisher = test.connect("p")
            client.subscribe(order.0, qos: .atMostOnce)
            publisher.publish("t", "before", qos: .atLeastOnce, id: 1)
            client.subscribe(order.1, qos: .atLeastOnce)
            publisher.publish("t", "after", qos: .atLeastOnce, id: 2)
            test.settle()
            #expect(client.take() == ["suback [0]", "t before q0", "suback [1]", "t after q1 #1"], "\(order)")
        }
    }

    @Test("what a full socket has not taken at QoS 0 still comes, once, when a QoS 1 filter is laid over it")
    func postponed() {
        var limits = Limits()
        limits.outputBytesMax = 256
        let test = TestShard(limits: limits)
        let client = test.connect("c")
        let publisher = test.connect("p")
        client.subscribe("#", qos: .atMostOnce)
        client.isBlocked = true
        let payload = String(repeating: "x", count: 300)
        for name in ["1", "2", "3"] { publisher.publish("t", payload + name, qos: .atLeastOnce) }
        client.subscribe("t", qos: .atLeastOnce)
        client.unblock()
        test.settle()
        let copies = client.take().filter { $0.hasPrefix("t ") }
        #expect(copies == ["1", "2", "3"].map { "t \(payload)\($0) q0" })
    }

    @Test(
        "the first of two QoS 1 filters brings what was published before the second was made",
        arguments: [("#", "t"), ("t", "#"), ("+", "t"), ("t", "+")])
    func equals(first: String, second: String) {
        let test = TestShard()
        let client = test.connect("c")
        let publisher = test.connect("p")
        // Something that is not on the device yet keeps the scan behind.
        publisher.publish("t", "old", qos: .atLeastOnce, id: 1)
        client.subscribe(first, qos: .atLeastOnce)
        publisher.publish("t", "one", qos: .atLeastOnce, id: 2)
        client.subscribe(second, qos: .atLeastOnce)
        publisher.publish("t", "two", qos: .atLeastOnce, id: 3)
        test.settle()
        #expect(client.take() == ["suback [1]", "suback [1]", "t one q1 #1", "t two q1 #2"])
    }

    @Test("what the same connection published before its SUBSCRIBE does not come with it", arguments: QoS.allCases)
    func publishedBefore(qos: QoS) {
        let test = TestShard()
        let watcher = test.connect("w")
        watcher.subscribe("#", qos: .atMostOnce)
        let client = test.connect("c")
        let (topic, payload) = (Array("t".utf8), Array("x".utf8))
        let request = SubscribePacket.Request(filter: topic, options: SubscriptionOptions(qos: qos))
        // In one read, and so in one tick.
        client.send { buffer in
            PacketEncoder.publish(
                into: &buffer, topic: topic.span, payload: payload.span, packetID: .none, qos: .atMostOnce,
                retain: false, duplicate: false, properties: Span(), version: .v5)
            SubscribePacket(version: .v5, packetID: 9, filters: [request], properties: []).encode(into: &buffer)
        }
        test.settle()
        #expect(client.take() == ["suback [\(qos.rawValue)]"])
        #expect(watcher.take() == ["suback [0]", "t x q0"])
    }
}
