import CommitLog
import LogInterface
import MQTTWire
import SluiceCore
import Testing

@testable import SluiceBroker

@Suite("A shard on a log whose disk obeys the test")
struct ShardTests {
    @Test("a PUBACK waits for what its stream's durability promises")
    func acknowledgesWhenDurable() {
        for (durability, steps) in [(Durability.fsync, 2), (.interval, 1), (.memory, 0)] {
            let test = TestShard(FakeLog(durability: durability))
            let client = test.connect("c")
            client.publish("t", "1", qos: .atLeastOnce, id: 5)
            for step in 0..<steps {
                #expect(client.take().isEmpty, "\(durability) after \(step) steps")
                if step == 0 { test.log.write() } else { test.log.synchronize() }
                test.tick()
            }
            #expect(client.take() == ["puback 5"], "\(durability)")
        }
    }

    @Test("a QoS 2 message that was refused is stored when it comes again, also from a client that cannot be told why")
    func storesRefusedAgain() {
        let test = TestShard()
        let client = test.connect("c", .v311, clean: false)
        test.log.refusal = .full
        client.publish("t", "1", qos: .exactlyOnce, id: 5)
        test.commit()
        #expect(client.isClosed)
        test.log.refusal = nil
        let next = test.connect("c", .v311, clean: false)
        next.publish("t", "1", qos: .exactlyOnce, id: 5, duplicate: true)
        test.settle()
        #expect(next.take() == ["pubrec 5"])
        test.log.flush()
        #expect(test.log.flushedCount == 1)
    }

    @Test("a client that releases a QoS 2 message before it hears of it, and whose message is refused, is told so")
    func refusesReleased() throws {
        let test = TestShard()
        let client = test.connect("c")
        let (topic, none) = (Array("t".utf8), [UInt8]())
        test.log.refusal = .full
        client.send { buffer in
            PacketEncoder.publish(
                into: &buffer, topic: topic.span, payload: topic.span, packetID: 5, qos: .exactlyOnce, retain: false,
                duplicate: false, properties: none.span, version: .v5)
            PacketEncoder.acknowledgement(
                into: &buffer, kind: .pubrel, packetID: 5, reason: .success, version: .v5)
        }
        test.settle()
        #expect(client.take() == ["pubcomp 5", "pubrec 5 151"])
    }

    @Test("what comes beside a repetition is acknowledged by its own append, which may be refused")
    func refusesBesideRepetitions() throws {
        let test = TestShard()
        let client = test.connect("c")
        client.publish("t", "1", qos: .exactlyOnce, id: 5)
        test.commit()
        #expect(client.take() == ["pubrec 5"])
        test.log.refusal = .full
        let (topic, none) = (Array("t".utf8), [UInt8]())
        client.send { buffer in
            for (id, qos) in [(PacketID(rawValue: 5), QoS.exactlyOnce), (PacketID(rawValue: 6), .atLeastOnce)] {
                PacketEncoder.publish(
                    into: &buffer, topic: topic.span, payload: topic.span, packetID: id, qos: qos, retain: false,
                    duplicate: id == 5, properties: none.span, version: .v5)
            }
        }
        test.settle()
        #expect(client.take() == ["pubrec 5", "puback 6 151"])
    }

    @Test("what was put out for a client that ends in the same tick is not counted as held by anybody")
    func countsNothingForTheGone() throws {
        let test = TestShard()
        let watcher = test.connect("w")
        test.tick()
        watcher.isBlocked = true
        let speaker = try #require(watcher.client)
        let ping: [UInt8] = [0xC0, 0]
        _ = test.shard.received(speaker, ping.span)
        #expect(speaker.hasWaitingOutput)
        test.shard.disconnected(speaker)
        test.tick()
        test.tick()
        #expect(test.peers.memoryUse == 0)
    }

    @Test("QoS 2 gets its PUBREC when durable, and its PUBCOMP at once when nobody will come back to the session")
    func completesQoS2() {
        let test = TestShard()
        let client = test.connect("c")
        client.publish("t", "1", qos: .exactlyOnce, id: 5)
        #expect(client.take().isEmpty)
        test.commit()
        #expect(client.take() == ["pubrec 5"])
        client.acknowledge(.pubrel, 5)
        #expect(client.take() == ["pubcomp 5"])
        client.acknowledge(.pubrel, 5)
        #expect(client.take() == ["pubcomp 5 146"])
    }

    @Test("a session that stays gets its PUBCOMP only when the freed identifier is durable")
    func waitsForRelease() {
        let test = TestShard()
        let client = test.connect("c", .v311, clean: false)
        client.publish("t", "1", qos: .exactlyOnce, id: 5)
        test.commit()
        #expect(client.take() == ["pubrec 5"])
        client.acknowledge(.pubrel, 5)
        #expect(client.take().isEmpty)
        test.commit()
        #expect(client.take() == ["pubcomp 5"])
    }

    @Test("a QoS 2 message that comes again is answered again, no sooner than the first, and not stored")
    func suppressesDuplicates() {
        let test = TestShard()
        let client = test.connect("c")
        client.publish("t", "1", qos: .exactlyOnce, id: 5)
        client.publish("t", "1", qos: .exactlyOnce, id: 5, duplicate: true)
        #expect(client.take().isEmpty)
        test.commit()
        #expect(client.take() == ["pubrec 5", "pubrec 5"])
        #expect(test.shard.counters.duplicatesSuppressed == 1)
        test.log.flush()
        #expect(test.log.flushedCount == 1)
    }

    @Test("a session that stays knows its QoS 2 messages on its next connection")
    func remembersDuplicates() {
        let test = TestShard()
        let first = test.connect("c", .v311, clean: false)
        first.publish("t", "1", qos: .exactlyOnce, id: 5)
        test.commit()
        let second = test.connect("c", .v311, clean: false)
        #expect(first.isClosed)
        second.publish("t", "1", qos: .exactlyOnce, id: 5, duplicate: true)
        test.commit()
        #expect(second.take() == ["pubrec 5"])
        test.log.flush()
        #expect(test.log.flushedCount == 1)
    }

    @Test("a full disk is told to MQTT 5 with 0x97, and closes older clients, who would not hear of it otherwise")
    func refusesWhenFull() {
        let test = TestShard()
        let modern = test.connect("modern", .v5)
        let old = test.connect("old", .v311)
        test.log.refusal = .full
        modern.publish("t", "1", qos: .atLeastOnce, id: 5)
        modern.publish("t", "2", qos: .exactlyOnce, id: 6)
        #expect(modern.take() == ["puback 5 151", "pubrec 6 151"])
        #expect(!modern.isClosed)
        old.publish("t", "1", qos: .atLeastOnce, id: 5)
        #expect(old.take().isEmpty)
        #expect(old.isClosed)
        test.log.refusal = nil
        modern.publish("t", "2", qos: .exactlyOnce, id: 6)
        test.commit()
        #expect(modern.take() == ["pubrec 6"])
    }

    @Test("a new subscription at QoS 1 gets nothing of QoS 0 that was published before and is not durable yet")
    func beginsWithNews() {
        let test = TestShard()
        let publisher = test.connect("publisher")
        publisher.publish("t", "old", qos: .atMostOnce)
        let subscriber = test.connect("subscriber")
        publisher.publish("t", "older", qos: .atMostOnce)
        subscriber.subscribe("t", qos: .atLeastOnce)
        publisher.publish("t", "new", qos: .atLeastOnce)
        test.commit()
        #expect(subscriber.take() == ["suback [1]", "t new q1 #1"])
    }

    @Test("QoS 0 subscribers get what is appended, others what is durable")
    func deliversByLevel() {
        let test = TestShard()
        let fast = test.connect("fast")
        let safe = test.connect("safe")
        fast.subscribe("t/#", qos: .atMostOnce)
        safe.subscribe("t/+", qos: .exactlyOnce)
        #expect(fast.take() == ["suback [0]"])
        #expect(safe.take() == ["suback [2]"])
        let publisher = test.connect("publisher", .v311)
        publisher.publish("t/1", "a", qos: .atLeastOnce)
        publisher.publish("u/1", "b", qos: .atLeastOnce, id: 2)
        #expect(fast.take() == ["t/1 a q0"])
        #expect(safe.take().isEmpty)
        test.commit()
        #expect(safe.take() == ["t/1 a q1 #1"])
        #expect(fast.take().isEmpty)
    }

    @Test(
        "a reader with a full window goes on when it acknowledges, from memory or segments, with no gap and no repeat"
    )
    func resumesLaggingReader() {
        for isFlushed in [false, true] {
            let test = TestShard(FakeLog(tailBytesMax: isFlushed ? 0 : 64 << 20))
            let properties = PropertyWriter.bytes { PropertyWriter.append(.receiveMaximum, 2, to: &$0) }
            let reader = test.connect("reader", .v5, properties: properties)
            reader.subscribe("t", qos: .atLeastOnce)
            _ = reader.take()
            let publisher = test.connect("publisher")
            for number in 0..<20 {
                publisher.publish("t", String(number), qos: .atLeastOnce, id: PacketID(rawValue: UInt16(number + 1)))
                test.commit()
                if isFlushed { test.log.flush() }
            }
            var seen: [String] = []
            while true {
                let packets = reader.take()
                #expect(packets.count <= 2)
                guard !packets.isEmpty else { break }
                for packet in packets {
                    let words = packet.split(separator: " ")
                    seen.append(String(words[1]))
                    reader.acknowledge(.puback, PacketID(rawValue: UInt16(words[3].dropFirst()) ?? 0))
                }
                // A fetch from segments is answered one tick later.
                for _ in 0..<3 { test.tick() }
            }
            #expect(seen == (0..<20).map(String.init))
            #expect((test.log.fetchCount > 0) == isFlushed)
            publisher.publish("t", "live", qos: .atLeastOnce, id: 100)
            test.commit()
            #expect(reader.take().count == 1)
        }
    }

    @Test("a replay at QoS 0 larger than the output goes on without an event: the shard wakes itself")
    func refillsOutput() {
        var limits = Limits()
        limits.outputBytesMax = 1000
        let test = TestShard(limits: limits)
        let publisher = test.connect("publisher")
        let payload = String(repeating: "x", count: 100)
        for number in 0..<100 {
            publisher.publish("t", "\(number)\(payload)", qos: .atLeastOnce, id: PacketID(rawValue: UInt16(number + 1)))
        }
        test.commit()
        let reader = test.connect("reader", .v311)
        reader.subscribe("$replay/earliest/#", qos: .atMostOnce)
        var count = reader.take().count { $0.hasPrefix("t ") }
        while test.takeWake() {
            test.tick()
            count += reader.take().count
        }
        #expect(count == 100)
    }

    @Test(
        "a QoS 0 subscriber that does not read loses what has left the memory, which is counted; a replay loses none",
        arguments: [false, true])
    func dropsForSlowReader(_ fits: Bool) {
        var limits = Limits()
        limits.outputBytesMax = 1000
        let test = TestShard(FakeLog(tailBytesMax: fits ? 64 << 20 : 1000), limits: limits)
        let live = test.connect("live")
        let replay = test.connect("replay")
        live.subscribe("t", qos: .atMostOnce)
        replay.subscribe("$stream/mqtt/t", qos: .atMostOnce, offset: "latest")
        _ = (live.take(), replay.take())
        live.isBlocked = true
        replay.isBlocked = true
        let publisher = test.connect("publisher")
        for number in 0..<50 {
            publisher.publish("t", "\(number) \(String(repeating: "x", count: 100))", qos: .atMostOnce)
        }
        test.commit()
        test.log.flush()
        live.unblock()
        replay.unblock()
        for _ in 0..<100 { test.tick() }
        let received = live.take().count
        #expect((received == 50) == fits)
        #expect(received > 0)
        #expect(test.shard.counters.deliveriesDropped == UInt64(50 - received))
        #expect(replay.take().count == 50)
    }

    @Test("a message that has expired is not delivered, and what is left of its time goes with it")
    func expires() {
        let test = TestShard()
        let reader = test.connect("reader")
        let publisher = test.connect("publisher")
        test.shard.wallClock = Timestamp(rawValue: 100_000)
        let properties = PropertyWriter.bytes { PropertyWriter.append(.messageExpiryInterval, 10, to: &$0) }
        let (topic, payload) = (Array("t".utf8), Array("1".utf8))
        publisher.send {
            PacketEncoder.publish(
                into: &$0, topic: topic.span, payload: payload.span, packetID: 1, qos: .atLeastOnce, retain: false,
                duplicate: false, properties: properties.span, version: .v5)
        }
        test.commit()
        test.shard.wallClock = Timestamp(rawValue: 105_000)
        reader.subscribe("$replay/earliest/#", qos: .atLeastOnce)
        #expect(reader.take() == ["suback [1]", "t 1 q1 #1"])
        test.shard.wallClock = Timestamp(rawValue: 110_000)
        let late = test.connect("late")
        late.subscribe("$replay/earliest/#", qos: .atLeastOnce)
        #expect(late.take() == ["suback [1]"])
        #expect(test.shard.counters.deliveriesSkipped == 1)
    }

    @Test("topics of the broker are refused, and what they carry is not stored")
    func refusesReservedTopics() {
        let test = TestShard()
        let client = test.connect("c")
        client.publish("$SYS/x", "1", qos: .atLeastOnce, id: 5)
        client.publish("$sluice/streams", "1", qos: .exactlyOnce, id: 6)
        #expect(client.take() == ["puback 5 135", "pubrec 6 135"])
        #expect(test.shard.counters.messagesStored == 0)
        #expect(test.reportLines.count == 2)
    }

    @Test("a stop tells MQTT 5 clients and closes everybody")
    func shutsDown() {
        let test = TestShard()
        let modern = test.connect("modern", .v5)
        let old = test.connect("old", .v31)
        test.shard.shutDown()
        #expect(modern.take() == ["disconnect 139"])
        #expect(old.take().isEmpty)
        #expect(modern.isClosed && old.isClosed)
    }
}
