import CommitLog
import MQTTWire
import SluiceCore
import Testing

@testable import SluiceBroker

@Suite("Reason strings")
struct ReasonStringTests {
    private func properties(
        problemInformation: UInt32? = nil, packetSizeMax: UInt32? = nil, expiry: UInt32? = nil
    ) -> [UInt8] {
        PropertyWriter.bytes { buffer in
            if let expiry { PropertyWriter.append(.sessionExpiryInterval, expiry, to: &buffer) }
            if let problemInformation {
                PropertyWriter.append(.requestProblemInformation, problemInformation, to: &buffer)
            }
            if let packetSizeMax { PropertyWriter.append(.maximumPacketSize, packetSizeMax, to: &buffer) }
        }
    }

    /// What makes the broker answer with a failure, and the answer with its text.
    private static let failures: [(name: String, answer: String, text: String)] = [
        ("subscribe", "suback [143]", "there is no stream 'nothing'"),
        ("publish 1", "puback 5 135", "the topic is the broker's own"),
        ("publish 2", "pubrec 6 135", "the topic is the broker's own"),
        ("pubrel", "pubcomp 7 146", "no message from the client waits for this PUBREL"),
        ("pubrec", "pubrel 8 146", "no message to the client waits for this PUBREC"),
    ]

    private func fail(_ client: TestClient, _ name: String) {
        switch name {
        case "subscribe": client.subscribe("$stream/nothing", qos: .atMostOnce)
        case "publish 1": client.publish("$SYS/x", "", qos: .atLeastOnce, id: 5)
        case "publish 2": client.publish("$SYS/x", "", qos: .exactlyOnce, id: 6)
        case "pubrel": client.acknowledge(.pubrel, 7)
        case _: client.acknowledge(.pubrec, 8)
        }
    }

    @Test("go with every acknowledgement of failure, unless the client wants none or has no room")
    func acknowledgements() {
        let test = TestShard()
        let (talker, silent) = (test.connect("a"), test.connect("b", properties: properties(problemInformation: 0)))
        let terse = test.connect("c", properties: properties(packetSizeMax: 30))
        let old = test.connect("d", .v311)
        for failure in Self.failures {
            fail(talker, failure.name)
            #expect(talker.takeReasons() == [failure.text], "\(failure.name)")
            for client in [talker, silent, terse] {
                fail(client, failure.name)
                #expect(client.take() == [failure.answer], "\(failure.name)")
            }
            for client in [silent, terse] {
                fail(client, failure.name)
                #expect(client.takeReasons() == [nil], "\(failure.name)")
            }
            fail(old, failure.name)
            #expect(old.take().count == 1)
        }
        // Nothing to explain.
        talker.subscribe("t", qos: .atLeastOnce)
        talker.publish("t", "x", qos: .exactlyOnce, id: 9)
        test.commit()
        talker.acknowledge(.pubrel, 9)
        talker.unsubscribe("t")
        talker.unsubscribe("t")
        #expect(talker.takeReasons() == [String?](repeating: nil, count: 6))
    }

    @Test("go with every DISCONNECT of the broker, also to clients that want none in acknowledgements")
    func farewells() {
        for problemInformation in [nil, 0] as [UInt32?] {
            let test = TestShard()
            func client(_ name: String, keepAlive: UInt16 = 0) -> TestClient {
                let client = TestClient(test, .v5)
                let properties = properties(problemInformation: problemInformation)
                client.send {
                    ConnectPacket(
                        version: .v5, clientID: Array(name.utf8), keepAliveSeconds: keepAlive, properties: properties
                    ).encode(into: &$0)
                }
                #expect(client.take() == ["connack 0"])
                return client
            }
            let (wrong, silent, former, last) = (client("a"), client("b", keepAlive: 10), client("c"), client("d"))
            wrong.send {
                $0.append(UInt8(0xC1)); $0.append(UInt8(0))
            }
            #expect(wrong.takeReasons() == ["reserved flags of the first byte set at byte 0 [MQTT-2.1.3-1]"])
            _ = client("c")
            #expect(former.takeReasons() == ["another connection took the session over [MQTT-3.1.4-3]"])
            test.pass(seconds: 15)
            #expect(silent.takeReasons() == ["keep alive exceeded [MQTT-3.1.2-22]"])
            test.shard.shutDown()
            #expect(last.takeReasons() == ["the broker stops"])
        }
    }

    @Test("go with a CONNACK that refuses, as far as the client has room for them")
    func refusals() {
        let test = TestShard()
        func reasons(_ packetSizeMax: UInt32) -> [String?] {
            let client = TestClient(test, .v5)
            let properties = properties(problemInformation: 0, packetSizeMax: packetSizeMax)
            let topic = Array("$SYS/x".utf8)
            client.send {
                ConnectPacket(
                    version: .v5, clientID: [97],
                    will: ConnectPacket.Will(topic: topic, payload: [], qos: .atMostOnce, retain: false),
                    properties: properties
                ).encode(into: &$0)
            }
            return client.takeReasons()
        }
        let text = "its will may not go to a topic of the broker"
        #expect(reasons(100) == [text])
        let size = UInt32(8 + text.utf8.count)
        #expect(reasons(size) == [text])
        #expect(reasons(size - 1) == [nil])
        #expect(reasons(5) == [nil])
        #expect(reasons(4) == [])
    }

    @Test("a text that quotes its client is cut after a whole character")
    func cut() {
        let test = TestShard()
        let client = test.connect("c")
        client.subscribe("$stream/" + String(repeating: "é", count: 600), qos: .atMostOnce)
        let text = client.takeReasons().first ?? nil
        #expect(text == "there is no stream '" + String(repeating: "é", count: 502))
    }
}
