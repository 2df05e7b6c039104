import Foundation
import Testing

@Suite("Conformance: flow control, sizes and keep alive")
struct FlowConformanceTests {
    @Test("a receive maximum of 1 and 2 is kept, and each acknowledgement lets exactly the next message go")
    func receiveMaximum() throws {
        let broker = try BrokerProcess()
        let publisher = try Peer(broker, 5, "p")
        for window in [1, 2] as [UInt8] {
            let client = try Peer(broker, 5, "c", properties: [0x21, 0, window])
            client.subscribed("t", 1)
            for number in 1...5 { publisher.stores("t", "\(number)") }
            for number in 1...window { client.expect("t \(number) q1 #\(number)") }
            // Everything but PUBLISH goes on meanwhile.
            client.expectOnly()
            client.subscribe([Peer.Filter("other", 0)], id: 9)
            client.expectOnly("suback 9 [0]")
            for number in 1...(5 - window) {
                client.puback((number - 1) % window + 1)
                client.expectOnly("t \(number + window) q1 #\((number - 1) % window + 1)")
            }
            client.disconnect()
        }
    }

    @Test("at QoS 2 a place is free with PUBCOMP, and QoS 0 needs none")
    func receiveMaximumAtQoS2() throws {
        let broker = try BrokerProcess()
        let publisher = try Peer(broker, 5, "p")
        let client = try Peer(broker, 5, "c", properties: [0x21, 0, 1])
        client.subscribed("t", 2)
        client.subscribed("zero", 0)
        for id in [3, 4] as [UInt16] {
            publisher.publish("t", "\(id)", qos: 2, id: id)
            publisher.expect("pubrec \(id)")
        }
        client.expectOnly("t 3 q2 #1")
        publisher.stores("zero", "x")
        client.expectOnly("zero x q0")
        client.pubrec(1)
        client.expectOnly("pubrel 1")
        client.pubcomp(1)
        client.expectOnly("t 4 q2 #1")
    }

    @Test("the broker's own receive maximum is announced, and who sends more is served all the same, in order")
    func ownReceiveMaximum() throws {
        let broker = try BrokerProcess("limits:\n  inflight: 3\n" + BrokerProcess.plain)
        let client = try Peer(broker, 5, "c")
        #expect(client.properties.starts(with: [0x21, 0, 3]), "\(client.properties)")
        let ids = 1...3000 as ClosedRange<UInt16>
        for id in ids { client.publish("one", "\(id)", qos: 1, id: id) }
        for id in ids { client.expect("puback \(id)") }
        for id in ids { client.publish("two", "\(id)", qos: 2, id: id) }
        for id in ids { client.pubrel(id) }
        var answers: [String] = []
        while answers.count < 6000, answers.last != "silence", answers.last != "closed" {
            answers.append(client.next())
        }
        #expect(answers.filter { $0.hasPrefix("pubrec") } == ids.map { "pubrec \($0)" })
        #expect(answers.filter { $0.hasPrefix("pubcomp") } == ids.map { "pubcomp \($0)" })
        let stored = try broker.sluice(["consume", "mqtt", "--json", "--filter", "one"])
        #expect(stored.lines.count == 3000)
    }

    @Test("what is behind a message that waits is taken when it is, and in its order")
    func waitsInTheSocket() throws {
        let broker = try BrokerProcess(
            "limits:\n  inflight: 1\njournal:\n  file_size: 1MiB\n  commit_delay: 5ms\n")
        let client = try Peer(broker, 5, "c")
        for id in 1...50 as ClosedRange<UInt16> { client.publish("t", "\(id)", qos: 1, id: id) }
        #expect(client.takes([0xC0, 0]))
        let answers = (0...50).map { _ in client.next() }
        #expect(answers.filter { $0 != "pingresp" } == (1...50).map { "puback \($0)" })
        // It is answered at once when the last message was taken, which may be before its acknowledgement.
        #expect((answers.firstIndex(of: "pingresp") ?? 0) >= 49, "\(answers)")
    }

    @Test("a PUBREL that comes again on a resumed session is answered with success, after kill -9 too")
    func repeatedPubrel() throws {
        var broker = try BrokerProcess()
        let stay: [UInt8] = [0x11, 0, 0, 0, 99]
        let first = try Peer(broker, 5, "c", properties: stay)
        first.publish("t", "x", qos: 2, id: 7)
        first.expect("pubrec 7")
        first.pubrel(7)
        first.expect("pubcomp 7")
        let second = try Peer(broker, 5, "c", clean: false, properties: stay, isPresent: true)
        second.pubrel(7)
        second.expect("pubcomp 7")
        broker.crash()
        broker = try broker.restarted()
        let third = try Peer(broker, 5, "c", clean: false, properties: stay, isPresent: true)
        third.pubrel(7)
        third.expect("pubcomp 7")
        let fresh = try Peer(broker, 5, "other")
        fresh.pubrel(7)
        fresh.expect("pubcomp 7 146")
    }

    @Test("a payload of 1 MiB is taken unless the configuration says otherwise")
    func mebibyte() throws {
        let broker = try BrokerProcess()
        for level in [4, 5] as [UInt8] {
            let client = try Peer(broker, level, "c\(level)")
            client.publish("t", String(repeating: "x", count: 1 << 20), qos: 1, id: 1)
            client.expect("puback 1")
        }
    }

    @Test("a client that is told why it is closed can go on sending until it has read that")
    func sendsAfterDisconnect() throws {
        let broker = try BrokerProcess("limits:\n  inflight: 1\n" + BrokerProcess.plain)
        let client = try Peer(broker, 5, "c")
        // The broker waits two seconds for the client to hang up; a test that got no processor meanwhile shows nothing.
        let deadline = Deadline(1)
        // SUBSCRIBE without a filter.
        #expect(client.takes(RawPacket.frame(0x82, [0, 1, 0])))
        client.expect("disconnect 130", "closed")
        // A socket that is closed answers the first packet with a reset, and the second fails.
        for _ in 1...3 { #expect(client.takes(RawPacket.frame(0x62, [0, 1])) || deadline.isOver) }
    }

    @Test("what is larger than the client takes is not sent and counts as done, at every QoS, also when it comes again")
    func maximumPacketSize() throws {
        let broker = try BrokerProcess()
        let publisher = try Peer(broker, 5, "p")
        let keep: [UInt8] = [0x11, 0, 0, 0, 99]
        let client = try Peer(
            broker, 5, "c", clean: false, properties: keep + [0x27, 0, 0, 0, 60, 0x21, 0, 1])
        client.subscribed("t", 2)
        let large = String(repeating: "x", count: 60)
        publisher.publish("t", large)
        publisher.stores("t", large)
        publisher.publish("t", large, qos: 2, id: 3)
        publisher.expect("pubrec 3")
        // The first byte, the remaining length, topic, identifier and property length take 8 bytes.
        let fits = String(repeating: "y", count: 52)
        publisher.stores("t", fits)
        publisher.stores("t", fits + "y")
        publisher.stores("t", "end")
        client.expectOnly("t \(fits) q1 #1")
        client.fade()
        // The next connection takes less, so that what was unfinished cannot be sent again.
        let next = try Peer(
            broker, 5, "c", clean: false, properties: keep + [0x27, 0, 0, 0, 40], isPresent: true)
        next.expectOnly("t end q1 #1")
    }

    @Test("no answer is larger than the client takes: a reason is left out, a CONNACK that cannot be is a refusal")
    func maximumAnswerSize() throws {
        let broker = try BrokerProcess("refuse:\n- subscribe: secret/#\n" + BrokerProcess.plain)
        let talker = try Peer(broker, 5, "talker", properties: [0x27, 0, 0, 1, 0])
        talker.subscribe([Peer.Filter("secret/x", 0)])
        talker.expect("suback 1 [128]")
        #expect(talker.properties.first == 0x1F)
        let terse = try Peer(broker, 5, "terse", properties: [0x27, 0, 0, 0, 30])
        terse.subscribe([Peer.Filter("secret/x", 0)])
        terse.expect("suback 1 [128]")
        #expect(terse.properties.isEmpty)
        terse.subscribe(Array(repeating: Peer.Filter("a", 1), count: 40))
        terse.unsubscribe(Array(repeating: "a", count: 40))
        terse.expectOnly()
        let silent = try Peer(broker, 5, "silent", properties: [0x17, 0])
        silent.subscribe([Peer.Filter("secret/x", 0)])
        silent.expect("suback 1 [128]")
        #expect(silent.properties.isEmpty)
        for (client, hears) in [(talker, true), (terse, false), (silent, false)] {
            client.publish("$SYS/no", "x", qos: 1, id: 5)
            client.expect("puback 5 135")
            #expect(client.properties.first == (hears ? 0x1F : nil))
            client.publish("$SYS/no", "x", qos: 2, id: 6)
            client.expect("pubrec 6 135")
            #expect(client.properties.first == (hears ? 0x1F : nil))
        }
        let tiny = try Peer(broker, 5)
        tiny.connect("tiny", properties: [0x27, 0, 0, 0, 9])
        tiny.expect("connack 149", "closed")
        let nothing = try Peer(broker, 5)
        nothing.connect("nothing", properties: [0x27, 0, 0, 0, 4])
        nothing.expect("closed")
    }

    @Test("a keep alive above the cap, or none, is cut and told in MQTT 5, and honoured before")
    func serverKeepAlive() throws {
        let broker = try BrokerProcess("limits:\n  keep_alive: 60s\n" + BrokerProcess.plain)
        for asked in [120, 61, 0] as [UInt8] {
            let client = try Peer(broker, 5, "c\(asked)", keepAlive: asked)
            #expect(client.properties.suffix(3) == [0x13, 0, 60], "\(client.properties)")
        }
        let client = try Peer(broker, 5, "fits", keepAlive: 60)
        #expect(client.properties.suffix(3) != [0x13, 0, 60], "\(client.properties)")
        try Peer(broker, 4, "old", keepAlive: 120).expectOnly()
    }

    @Test("an expired keep alive publishes the will; any packet keeps a connection")
    func keepAliveWithWill() throws {
        let broker = try BrokerProcess()
        for level in [4, 5] as [UInt8] {
            let watcher = try Peer(broker, level, "w")
            watcher.subscribed("will", 0)
            let silent = try Peer(
                broker, level, "silent", keepAlive: 1, will: Peer.Will(topic: "will", payload: "gone"))
            try keepsBusyConnection(broker, level)
            watcher.expect("will gone q0")
            silent.expect(level == 5 ? "disconnect 141" : "closed")
        }
    }

    /// A client with a keep alive of a second says something every 0.3 s, for twice the time that it may be silent. On
    /// a machine that keeps it from that it may be closed, if it has been silent for that long, and begins anew.
    private func keepsBusyConnection(_ broker: BrokerProcess, _ level: UInt8) throws {
        let deadline = Deadline(60)
        while !deadline.isOver {
            let client = try Peer(broker, level, "busy", keepAlive: 1, isPresent: nil)
            let start = ContinuousClock.now
            var (lastSent, wordCount, isOpen) = (start, 0, true)
            while isOpen, ContinuousClock.now - start < .seconds(3) {
                let sent = ContinuousClock.now
                client.publish("other", "x", qos: 1, id: 99)
                isOpen = client.next() == "puback 99"
                guard isOpen else { break }
                (lastSent, wordCount) = (sent, wordCount + 1)
                isOpen = client.next(within: 0.3) == "silence"
            }
            if isOpen, wordCount > 5 { return }
            #expect(isOpen || ContinuousClock.now - lastSent >= .milliseconds(1500), "it was closed while it spoke")
        }
        Issue.record("it was never heard in time")
    }
}
