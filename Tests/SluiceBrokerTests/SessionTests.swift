import CommitLog
import LogInterface
import MQTTWire
import RecordFormat
import SluiceCore
import Testing

@testable import SluiceBroker

/// Sessions that stay: what they go on with after a connection, a takeover and a crash.
@Suite("A session that outlives its connection")
struct SessionTests {
    private func subscriber(_ test: TestShard, _ filter: String, qos: QoS) -> TestClient {
        let client = test.connect("s", .v311, clean: false)
        client.subscribe(filter, qos: qos)
        test.commit()
        #expect(client.take() == ["suback [\(qos.rawValue)]"])
        return client
    }

    private func publish(_ test: TestShard, _ topic: String, _ payloads: [String], qos: QoS = .atLeastOnce) {
        let publisher = test.connect("p")
        for (index, payload) in payloads.enumerated() {
            publisher.publish(topic, payload, qos: qos, id: PacketID(rawValue: UInt16(index + 1)))
        }
        test.commit()
        publisher.close()
    }

    @Test("its CONNACK and SUBACK wait until it is on record")
    func waits() {
        let test = TestShard()
        let client = TestClient(test, .v311)
        client.send { ConnectPacket(version: .v311, clientID: Array("s".utf8), cleanStart: false).encode(into: &$0) }
        #expect(client.take().isEmpty)
        test.commit()
        #expect(client.take() == ["connack 0"])
        client.subscribe("t", qos: .atLeastOnce)
        #expect(client.take().isEmpty)
        test.commit()
        #expect(client.take() == ["suback [1]"])
    }

    @Test("what was published while it was away comes in order, then what is live, with no gap and no repeat")
    func drains() {
        let test = TestShard()
        subscriber(test, "t/#", qos: .atLeastOnce).drop()
        publish(test, "t/1", ["a", "b"])
        publish(test, "u", ["x"])
        publish(test, "t/2", ["c"])
        let next = test.connect("s", .v311, clean: false, sessionPresent: true)
        test.tick()
        #expect(next.take() == ["t/1 a q1 #1", "t/1 b q1 #2", "t/2 c q1 #3"])
        publish(test, "t/1", ["d"])
        #expect(next.take() == ["t/1 d q1 #4"])
    }

    @Test("after a crash it goes on from what is on record, and what was not acknowledged comes again")
    func survivesCrash() {
        let test = TestShard()
        let first = subscriber(test, "t", qos: .atLeastOnce)
        publish(test, "t", ["a", "b"])
        #expect(first.take() == ["t a q1 #1", "t b q1 #2"])
        let restarted = TestShard(test.log.crashed())
        let next = restarted.connect("s", .v311, clean: false, sessionPresent: true)
        restarted.settle()
        #expect(next.take() == ["t a q1 #1", "t b q1 #2"])
    }

    @Test("unfinished deliveries come again with their identifiers and DUP, before anything new")
    func redelivers() {
        let test = TestShard()
        let first = subscriber(test, "t", qos: .exactlyOnce)
        publish(test, "t", ["a"], qos: .atLeastOnce)
        publish(test, "t", ["b"], qos: .exactlyOnce)
        publish(test, "t", ["c"], qos: .exactlyOnce)
        test.commit()
        #expect(first.take() == ["t a q1 #1", "t b q2 #2", "t c q2 #3"])
        first.acknowledge(.pubrec, 2)
        test.commit()
        #expect(first.take() == ["pubrel 2"])
        first.drop()
        publish(test, "t", ["d"])
        let next = test.connect("s", .v311, clean: false, sessionPresent: true)
        test.tick()
        #expect(next.take() == ["t a q1 #1 dup", "pubrel 2", "t c q2 #3 dup", "t d q1 #4"])
    }

    @Test("a QoS 2 delivery leaves when its step is on the device, and so does its PUBREL")
    func recordsSteps() {
        let test = TestShard()
        let client = subscriber(test, "t", qos: .exactlyOnce)
        publish(test, "t", ["a"], qos: .exactlyOnce)
        #expect(client.take().isEmpty)
        test.commit()
        #expect(client.take() == ["t a q2 #1"])
        client.acknowledge(.pubrec, 1)
        #expect(client.take().isEmpty)
        test.commit()
        #expect(client.take() == ["pubrel 1"])
    }

    @Test("a crash at any step of a QoS 2 delivery repeats none of it", arguments: 0...3)
    func exactlyOnceThroughCrash(_ steps: Int) {
        let test = TestShard()
        let client = subscriber(test, "t", qos: .exactlyOnce)
        publish(test, "t", ["a", "b"], qos: .exactlyOnce)
        test.commit()
        #expect(client.take() == ["t a q2 #1", "t b q2 #2"])
        if steps >= 1 {
            client.acknowledge(.pubrec, 1)
            test.commit()
        }
        if steps >= 2 {
            client.acknowledge(.pubcomp, 1)
            test.commit()
        }
        if steps >= 3 {
            // The identifier is used again: what it stood for before must not be forgotten.
            publish(test, "t", ["c"], qos: .exactlyOnce)
            test.commit()
        }
        let restarted = TestShard(test.log.crashed())
        let next = restarted.connect("s", .v311, clean: false, sessionPresent: true)
        restarted.settle()
        let expected = [
            ["t a q2 #1 dup", "t b q2 #2 dup"], ["pubrel 1", "t b q2 #2 dup"], ["t b q2 #2 dup"],
            ["t b q2 #2 dup", "t c q2 #1 dup"],
        ]
        #expect(next.take() == expected[steps])
    }

    @Test("an identifier that is used again does not bring its first message back after a crash")
    func reusesIdentifiers() {
        let test = TestShard()
        let properties = PropertyWriter.bytes {
            PropertyWriter.append(.receiveMaximum, 1, to: &$0)
            PropertyWriter.append(.sessionExpiryInterval, 100, to: &$0)
        }
        let client = test.connect("s", .v5, clean: false, properties: properties)
        client.subscribe("t", qos: .exactlyOnce)
        test.commit()
        _ = client.take()
        publish(test, "t", ["a", "b", "c", "d"], qos: .exactlyOnce)
        for payload in ["a", "b", "c"] {
            test.commit()
            #expect(client.take() == ["t \(payload) q2 #1"])
            client.acknowledge(.pubrec, 1)
            test.commit()
            #expect(client.take() == ["pubrel 1"])
            client.acknowledge(.pubcomp, 1)
        }
        test.commit()
        #expect(client.take() == ["t d q2 #1"])
        let restarted = TestShard(test.log.crashed())
        let next = restarted.connect("s", .v5, clean: false, properties: properties, sessionPresent: true)
        restarted.settle()
        #expect(next.take() == ["t d q2 #1 dup"])
        next.acknowledge(.pubrec, 1)
        restarted.commit()
        #expect(next.take() == ["pubrel 1"])
        next.acknowledge(.pubcomp, 1)
        restarted.commit()
        #expect(next.take().isEmpty)
    }

    @Test("a clean start forgets it, also after a crash")
    func forgets() {
        let test = TestShard()
        subscriber(test, "t", qos: .atLeastOnce).drop()
        publish(test, "t", ["a"])
        let clean = test.connect("s", .v311, clean: true)
        test.tick()
        #expect(clean.take().isEmpty)
        clean.drop()
        let restarted = TestShard(test.log.crashed())
        #expect(restarted.peers.directory.parkedCount == 0)
        let next = restarted.connect("s", .v311, clean: false, sessionPresent: false)
        #expect(next.take().isEmpty)
    }

    @Test("it ends when its expiry is over, and not before, whether the broker ran on or not")
    func expires() {
        for crashes in [false, true] {
            var test = TestShard()
            let properties = PropertyWriter.bytes { PropertyWriter.append(.sessionExpiryInterval, 10, to: &$0) }
            test.connect("s", .v5, clean: false, properties: properties).drop()
            test.commit()
            if crashes { test = TestShard(test.log.crashed()) }
            test.pass(seconds: 9)
            #expect(test.peers.directory.parkedCount == 1)
            test.pass(seconds: 2)
            #expect(test.peers.directory.parkedCount == 0)
            test.commit()
            #expect(TestShard(test.log.crashed()).peers.directory.parkedCount == 0)
        }
    }

    @Test("DISCONNECT may change its expiry")
    func changesExpiry() {
        let test = TestShard()
        let properties = PropertyWriter.bytes { PropertyWriter.append(.sessionExpiryInterval, 10, to: &$0) }
        let client = test.connect("s", .v5, clean: false, properties: properties)
        let zero = PropertyWriter.bytes { PropertyWriter.append(.sessionExpiryInterval, 0, to: &$0) }
        client.send { DisconnectPacket(version: .v5, properties: zero).encode(into: &$0) }
        test.commit()
        #expect(test.peers.directory.parkedCount == 0)
        _ = test.connect("s", .v5, clean: false, sessionPresent: false)
    }

    @Test("a subscription made while it is behind does not get what came before")
    func subscribesBehind() {
        let test = TestShard()
        subscriber(test, "t", qos: .atLeastOnce).drop()
        publish(test, "t", ["a"])
        publish(test, "u", ["old"])
        let next = TestClient(test, .v311)
        next.send { ConnectPacket(version: .v311, clientID: Array("s".utf8), cleanStart: false).encode(into: &$0) }
        test.log.write()
        test.log.synchronize()
        // CONNACK and SUBSCRIBE in one tick: the session is behind when it subscribes.
        test.shard.endTick()
        next.subscribe("u", qos: .atLeastOnce)
        test.commit()
        publish(test, "u", ["new"])
        #expect(
            next.take().filter { !$0.hasPrefix("connack") && !$0.hasPrefix("suback") }
                == ["t a q1 #1", "u new q1 #2"])
    }

    @Test("QoS 0 messages that were published while it was away come, though the device does not have them yet")
    func drainsWhatIsNotDurable() {
        let test = TestShard()
        subscriber(test, "t", qos: .atLeastOnce).drop()
        let publisher = test.connect("p")
        publisher.publish("t", "a", qos: .atMostOnce)
        let next = TestClient(test, .v311)
        next.send { ConnectPacket(version: .v311, clientID: Array("s".utf8), cleanStart: false).encode(into: &$0) }
        publisher.publish("t", "b", qos: .atMostOnce)
        test.settle()
        #expect(next.take() == ["connack 0 present", "t a q0", "t b q0"])
    }

    @Test("parked sessions share one vector of positions")
    func sharesPositions() {
        let test = TestShard()
        for name in ["a", "b", "c"] {
            let client = test.connect(name, .v311, clean: false)
            client.subscribe("t", qos: .atLeastOnce)
            test.commit()
            client.drop()
        }
        let vectors = test.peers.directory.parkedSessions.compactMap { $0.session.positions?.base }
        #expect(vectors.count == 3)
        #expect(vectors.allSatisfy { $0 === vectors[0] })
    }

    @Test("records of the stream's first version are understood, and written anew")
    func readsFirstVersion() {
        let old = FakeLog()
        var builder = RecordBatchBuilder()
        let (key, headers) = (RecordFields.key(Array("c".utf8)), RecordFields.headers([]))
        for value: [UInt8] in [[1, 0, 5], [1, 0, 6], [2, 0, 5]] {
            builder.append(
                at: Timestamp(rawValue: 1), keyField: key.span, value: value.span, headersField: headers.span)
        }
        let append = Append(
            partition: old.streams[1].partitions[0], batch: builder.finish(), isAwaited: true, topicHashes: nil)
        _ = old.append([append], from: old.register(wake: {}))
        old.commit()
        let test = TestShard(old.crashed())
        test.shard.rewriteSessions()
        test.commit()
        let client = test.connect("c", .v311, clean: false, sessionPresent: true)
        client.publish("t", "again", qos: .exactlyOnce, id: 6, duplicate: true)
        test.commit()
        #expect(client.take() == ["pubrec 6"])
        #expect(test.shard.counters.duplicatesSuppressed == 1)
        client.publish("t", "new", qos: .exactlyOnce, id: 5)
        test.commit()
        #expect(client.take() == ["pubrec 5"])
        #expect(test.shard.counters.duplicatesSuppressed == 1)
    }

    @Test("nothing of a client is left in memory when its connection is gone, whatever it had subscribed to")
    func freesClients() {
        let test = TestShard()
        publish(test, "t", ["a"])
        weak var client: Client?
        do {
            let link = test.connect("c")
            for filter in ["t", "$stream/mqtt", "$share/g/t", "$share/g/$stream/mqtt"] {
                link.subscribe(filter, qos: .atLeastOnce, offset: "earliest")
            }
            link.subscribe("q", qos: .atMostOnce)
            publish(test, "t", ["b", "c"])
            client = test.shard.clients.all.first { $0.clientID == Array("c".utf8) }
            #expect(client != nil)
            link.drop()
        }
        test.settle()
        #expect(client == nil)
    }
}
