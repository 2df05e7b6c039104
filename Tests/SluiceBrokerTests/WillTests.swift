import CommitLog
import LogInterface
import MQTTWire
import SluiceCore
import Testing
import TopicRouting

@testable import SluiceBroker

@Suite("Wills")
struct WillTests {
    private let watcherID = "watcher"

    private func watcher(_ test: TestShard) -> TestClient {
        let client = test.connect(watcherID)
        client.subscribe("w", qos: .atLeastOnce)
        _ = client.take()
        return client
    }

    private func mortal(
        _ test: TestShard, delay: UInt32 = 0, expiry: UInt32 = 0, clean: Bool = true, retain: Bool = false
    ) -> TestClient {
        let properties = PropertyWriter.bytes { PropertyWriter.append(.sessionExpiryInterval, expiry, to: &$0) }
        let delayed = PropertyWriter.bytes { PropertyWriter.append(.willDelayInterval, delay, to: &$0) }
        let will = ConnectPacket.Will(
            topic: Array("w".utf8), payload: Array("gone".utf8), qos: .atLeastOnce, retain: retain, properties: delayed)
        return test.connect("m", .v5, clean: clean, properties: properties, will: will)
    }

    @Test("a lost connection publishes it, a DISCONNECT does not, one with reason 4 does")
    func publishes() {
        let test = TestShard()
        let watcher = watcher(test)
        mortal(test).drop()
        test.commit()
        #expect(watcher.take() == ["w gone q1 #1"])
        mortal(test).send { DisconnectPacket(version: .v5).encode(into: &$0) }
        test.commit()
        #expect(watcher.take().isEmpty)
        mortal(test).send { DisconnectPacket(version: .v5, reason: .disconnectWithWill).encode(into: &$0) }
        test.commit()
        #expect(watcher.take() == ["w gone q1 #2"])
    }

    @Test(
        "one that comes late, or after a crash, is judged by the rules of the listener that it came by",
        arguments: [true, false])
    func listener(_ crashes: Bool) throws {
        for (general, own, comes) in [("topic read #", "topic #", true), ("topic #", "topic read #", false)] {
            let desk = try RulesDesk(general)
            desk.byListener["inner"] = try RulesDesk.rules("topic #")
            var test = TestShard(access: desk)
            let properties = PropertyWriter.bytes {
                PropertyWriter.append(.sessionExpiryInterval, 100 as UInt32, to: &$0)
            }
            let delayed = PropertyWriter.bytes { PropertyWriter.append(.willDelayInterval, 5 as UInt32, to: &$0) }
            let will = ConnectPacket.Will(
                topic: Array("w".utf8), payload: Array("gone".utf8), qos: .atLeastOnce, retain: false,
                properties: delayed)
            let mortal = test.connect("m", .v5, properties: properties, will: will, listener: "inner")
            if crashes { test = TestShard(test.log.crashed(), access: desk) } else { mortal.drop() }
            desk.byListener["inner"] = try RulesDesk.rules(own)
            let watcher = watcher(test)
            for _ in 0..<4 { test.pass(seconds: 3) }
            test.settle()
            #expect(watcher.take() == (comes ? ["w gone q1 #1"] : []), "\(general), \(own)")
            #expect(test.reportLines.contains { $0.contains("the will of m is not published") } != comes)
        }
    }

    @Test("it is on record before the CONNACK, and comes after a crash, once")
    func survivesCrash() {
        let test = TestShard()
        _ = mortal(test)
        let restarted = TestShard(test.log.crashed())
        let watcher = watcher(restarted)
        restarted.pass(seconds: 1)
        restarted.commit()
        #expect(watcher.take() == ["w gone q1 #1"])
        let again = TestShard(restarted.log.crashed())
        let second = self.watcher(again)
        again.pass(seconds: 1)
        again.commit()
        #expect(second.take().isEmpty)
    }

    @Test("a delayed one comes when the delay is over, or the session, and not when the session goes on")
    func delays() {
        let test = TestShard()
        let watcher = watcher(test)
        mortal(test, delay: 5, expiry: 100).drop()
        test.pass(seconds: 4)
        test.commit()
        #expect(watcher.take().isEmpty)
        test.pass(seconds: 2)
        test.commit()
        #expect(watcher.take() == ["w gone q1 #1"])
        mortal(test, delay: 50, expiry: 3, clean: true).drop()
        test.pass(seconds: 4)
        test.commit()
        #expect(watcher.take() == ["w gone q1 #2"])
        mortal(test, delay: 5, expiry: 100, clean: true).drop()
        _ = mortal(test, delay: 5, expiry: 100, clean: false)
        test.pass(seconds: 10)
        test.commit()
        #expect(watcher.take().isEmpty)
    }

    @Test("a clean start ends the session that a delayed one waits for")
    func cleanStart() {
        let test = TestShard()
        let watcher = watcher(test)
        mortal(test, delay: 50, expiry: 100).drop()
        _ = test.connect("m", .v5, clean: true)
        test.commit()
        #expect(watcher.take() == ["w gone q1 #1"])
    }

    @Test("a takeover publishes it, unless it is delayed and the session goes on")
    func takeover() {
        let test = TestShard()
        let watcher = watcher(test)
        let first = mortal(test, expiry: 100)
        let second = mortal(test, delay: 5, expiry: 100, clean: false)
        #expect(first.isClosed)
        test.commit()
        #expect(watcher.take() == ["w gone q1 #1"])
        _ = mortal(test, expiry: 100, clean: false)
        #expect(second.isClosed)
        test.pass(seconds: 10)
        test.commit()
        #expect(watcher.take().isEmpty)
    }

    @Test("a retained one is kept")
    func retains() {
        let test = TestShard()
        mortal(test, retain: true).drop()
        test.commit()
        let watcher = test.connect("late")
        watcher.subscribe("w", qos: .atLeastOnce)
        test.commit()
        #expect(watcher.take() == ["suback [1]", "w gone q1 #1 retain"])
    }

    @Test("one whose append is refused for the sake of a deleted stream's record is stored by itself, once")
    func storedAlone() throws {
        let test = TestShard(
            FakeLog(others: ["other"]), rules: RuleSet([try Rule(from: "o/#", stream: "other", key: "topic")]))
        let watcher = watcher(test)
        let (mortal, publisher) = (mortal(test), test.connect("p"))
        // In one tick: a record for a stream that is deleted meanwhile, and the end of a connection.
        let (topic, none) = (Array("o/1".utf8), [UInt8]())
        let bytes = PropertyWriter.bytes { buffer in
            PacketEncoder.publish(
                into: &buffer, topic: topic.span, payload: topic.span, packetID: 1, qos: .atLeastOnce, retain: false,
                duplicate: false, properties: none.span, version: .v5)
        }
        _ = test.shard.received(try #require(publisher.client), bytes.span)
        test.log.administer(.delete("other"), number: 1, for: test.shard.loop)
        mortal.drop()
        test.settle()
        #expect(publisher.take() == ["puback 1 128"])
        #expect(watcher.take() == ["w gone q1 #1"])
        #expect(test.shard.counters.willsPublished == 1)
        test.log.flush()
        var directory = test.log.sessions(now: 0, wallClock: Timestamp(rawValue: 0))
        #expect(directory.takeWill(of: Array("m".utf8)) == nil, "it is off the record")
        #expect(test.peers.directory.owner(of: Array("m".utf8)) == nil)
    }

    @Test("one that the log has no room for is counted as refused, and stays on record")
    func refusedFull() {
        let test = TestShard()
        let mortal = mortal(test)
        test.log.refusal = .full
        mortal.drop()
        test.log.refusal = nil
        test.settle()
        #expect(test.shard.counters.willsPublished == 0 && test.shard.counters.messagesRefused == 1)
        test.log.flush()
        var directory = test.log.sessions(now: 0, wallClock: Timestamp(rawValue: 0))
        #expect(directory.takeWill(of: Array("m".utf8)) != nil)
    }

    @Test("one for a topic of the broker is refused with the connection")
    func refusesReserved() {
        let test = TestShard()
        for topic in ["$SYS/x", "$share/g/t"] {
            let client = TestClient(test, .v5)
            let will = ConnectPacket.Will(topic: Array(topic.utf8), payload: [1], qos: .atMostOnce, retain: false)
            client.send {
                ConnectPacket(version: .v5, clientID: Array("x".utf8), will: will).encode(into: &$0)
            }
            #expect(client.take() == ["connack 135"])
            #expect(client.isClosed)
        }
    }
}
