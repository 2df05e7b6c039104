import Foundation
import Testing

@Suite("Live delivery to libmosquitto clients")
struct DeliveryTests {
    /// Connections are dealt out to two loops in turn, so clients that connect one after the other live on both.
    private func pair(_ broker: BrokerProcess, version: Int32 = 4) throws -> (MosquittoClient, MosquittoClient) {
        let subscriber = try MosquittoClient(id: "subscriber", version: version)
        let publisher = try MosquittoClient(id: "publisher", version: version)
        #expect(try subscriber.connect(port: broker.port) == 0)
        #expect(try publisher.connect(port: broker.port) == 0)
        return (subscriber, publisher)
    }

    @Test(
        "each QoS reaches a subscriber on the other loop, in order", arguments: [0, 1, 2] as [Int32],
        [3, 4, 5] as [Int32])
    func delivers(qos: Int32, version: Int32) throws {
        let broker = try BrokerProcess()
        let (subscriber, publisher) = try pair(broker, version: version)
        #expect(try subscriber.subscribe("a/+/c", qos: qos).code == Int(qos))
        var last: Int32 = 0
        for number in 0..<200 { last = try publisher.publish("a/b/c", String(number), qos: qos) }
        let messages = try subscriber.receive(200)
        #expect(messages.map(\.payload) == (0..<200).map(String.init))
        #expect(messages.allSatisfy { $0.qos == Int(qos) && $0.topic == "a/b/c" })
        try publisher.waitForAcknowledgement(last)
        #expect(broker.stop() == 0)
    }

    @Test("a delivery has the lower of the publisher's and the subscriber's QoS")
    func lowersQoS() throws {
        let broker = try BrokerProcess()
        let (subscriber, publisher) = try pair(broker)
        try subscriber.subscribe("one", qos: 1)
        try subscriber.subscribe("two", qos: 0)
        for (topic, qos) in [("one", 0), ("one", 2), ("two", 2)] as [(String, Int32)] {
            _ = try publisher.waitForAcknowledgement(try publisher.publish(topic, "\(qos)", qos: qos))
        }
        let found = try subscriber.receive(3).map { "\($0.topic) \($0.payload) \($0.qos)" }.sorted()
        #expect(found == ["one 0 0", "one 2 1", "two 2 0"])
    }

    @Test("overlapping filters deliver a message once, at the highest QoS")
    func mergesOverlaps() throws {
        let broker = try BrokerProcess()
        let (subscriber, publisher) = try pair(broker)
        try subscriber.subscribe("s/#", qos: 0)
        try subscriber.subscribe("s/+/t", qos: 1)
        try subscriber.subscribe("s/1/t", qos: 2)
        for payload in ["a", "b"] {
            try publisher.waitForAcknowledgement(try publisher.publish("s/1/t", payload, qos: 2))
        }
        try publisher.waitForAcknowledgement(try publisher.publish("s/end", "end", qos: 1))
        let messages = try subscriber.receive(3)
        #expect(messages.map(\.payload).sorted() == ["a", "b", "end"])
        #expect(messages.filter { $0.topic == "s/1/t" }.allSatisfy { $0.qos == 2 })
    }

    @Test("wildcards match as MQTT says, and never the broker's own topics")
    func matchesWildcards() throws {
        let broker = try BrokerProcess()
        let subscriber = try MosquittoClient(id: "subscriber")
        try subscriber.connect(port: broker.port)
        for filter in ["sport/#", "+/tennis/+", "/+", "end"] { try subscriber.subscribe(filter, qos: 1) }
        let publisher = try MosquittoClient(id: "publisher")
        try publisher.connect(port: broker.port)
        for topic in ["sport", "sport/tennis", "x/tennis/y", "x/tennis", "/finance", "finance", "other", "end"] {
            try publisher.waitForAcknowledgement(try publisher.publish(topic, topic, qos: 1))
        }
        let messages = try subscriber.receive(5)
        #expect(messages.map(\.topic) == ["sport", "sport/tennis", "x/tennis/y", "/finance", "end"])
    }

    @Test("what is unsubscribed comes no more")
    func unsubscribes() throws {
        let broker = try BrokerProcess()
        let (subscriber, publisher) = try pair(broker)
        try subscriber.subscribe("a", qos: 1)
        try subscriber.subscribe("b", qos: 1)
        try publisher.waitForAcknowledgement(try publisher.publish("a", "1", qos: 1))
        _ = try subscriber.receive(1)
        try subscriber.unsubscribe("a")
        try publisher.waitForAcknowledgement(try publisher.publish("a", "2", qos: 1))
        try publisher.waitForAcknowledgement(try publisher.publish("b", "3", qos: 1))
        #expect(try subscriber.receive(2).map(\.payload) == ["1", "3"])
    }

    @Test("properties of MQTT 5 arrive with the message")
    func passesProperties() throws {
        let broker = try BrokerProcess()
        let publish = try broker.mosquitto(
            "pub",
            [
                "-V", "5", "-t", "p", "-m", "x", "-q", "1", "-D", "publish", "user-property", "site", "berlin", "-D",
                "publish", "content-type", "text/plain",
            ])
        #expect(publish.code == 0)
        let subscribe = try broker.mosquitto(
            "sub", ["-V", "5", "-t", "$replay/earliest/p", "-C", "1", "-W", "60", "-F", "%p %C %P"])
        #expect(subscribe.output.hasPrefix("x text/plain site:berlin"), "\(subscribe)")
    }
}
