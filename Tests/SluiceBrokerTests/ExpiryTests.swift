import CommitLog
import MQTTWire
import SluiceCore
import Testing

@testable import SluiceBroker

@Suite("Messages that expire")
struct ExpiryTests {
    private static let stays = PropertyWriter.bytes { PropertyWriter.append(.sessionExpiryInterval, 900, to: &$0) }

    private func expiry(_ seconds: UInt32) -> [UInt8] {
        PropertyWriter.bytes { PropertyWriter.append(.messageExpiryInterval, seconds, to: &$0) }
    }

    /// What came, with the seconds that are left.
    private func take(_ client: TestClient) -> [String] {
        client.takePackets().compactMap { packet, bytes in
            guard case .publish(let publish) = packet else { return nil }
            var text = String(decoding: bytes.span.copy(publish.payload), as: UTF8.self)
            var reader = PropertyReader(bytes.span, publish.properties)
            while let property = reader.next() {
                if property.id == .messageExpiryInterval, let seconds = property.integer { text += " \(seconds)s" }
            }
            return text
        }
    }

    @Test("they go from a session's queue and from what is retained; others have what is left, also after a crash")
    func everywhere() {
        let test = TestShard()
        let sleeper = test.connect("s", .v5, clean: false, properties: Self.stays)
        sleeper.subscribe("t", qos: .atLeastOnce)
        test.commit()
        sleeper.drop()
        let publisher = test.connect("p")
        publisher.publish("t", "short", qos: .atLeastOnce, id: 1, properties: expiry(10))
        publisher.publish("t", "long", qos: .atLeastOnce, id: 2, properties: expiry(100))
        publisher.publish("kept/short", "short", qos: .atLeastOnce, id: 3, retain: true, properties: expiry(10))
        publisher.publish("kept/long", "long", qos: .atLeastOnce, id: 4, retain: true, properties: expiry(100))
        test.commit()
        let restarted = TestShard(test.log.crashed())
        for next in [test, restarted] {
            next.pass(seconds: 20)
            let woken = next.connect("s", .v5, clean: false, properties: Self.stays, sessionPresent: true)
            next.settle()
            #expect(take(woken) == ["long 80s"])
            woken.subscribe("kept/#", qos: .atMostOnce)
            next.settle()
            #expect(take(woken) == ["long 80s"])
        }
    }

    @Test("what was sent once is sent again after its time, and a QoS 2 flow from a client goes on to its end")
    func unfinished() {
        let test = TestShard()
        let first = test.connect("s", .v5, clean: false, properties: Self.stays)
        first.subscribe("t", qos: .exactlyOnce)
        test.commit()
        let publisher = test.connect("p")
        publisher.publish("t", "x", qos: .exactlyOnce, id: 1, properties: expiry(10))
        test.commit()
        test.commit()
        #expect(publisher.take() == ["pubrec 1"])
        #expect(first.take() == ["suback [2]", "t x q2 #1"])
        first.drop()
        test.pass(seconds: 20)
        let second = test.connect("s", .v5, clean: false, properties: Self.stays, sessionPresent: true)
        test.settle()
        #expect(second.take() == ["t x q2 #1 dup"])
        publisher.acknowledge(.pubrel, 1)
        #expect(publisher.take() == ["pubcomp 1"])
    }
}
