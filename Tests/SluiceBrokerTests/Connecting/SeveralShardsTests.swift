import Administration
import GroupCoordination
import LogInterface
import MQTTSession
import MQTTWire
import SluiceCore
import Testing

@testable import SluiceBroker

/// What loops tell each other comes when a test lets it come.
@Suite("Several shards, and who comes first")
struct SeveralShardsTests {
    private let log = FakeLog()
    private let peers = FakePeers(shardCount: 2)
    private let one: TestShard
    private let two: TestShard

    init() {
        one = TestShard(log, index: 0, of: peers)
        two = TestShard(log, index: 1, of: peers)
    }

    private func settle() {
        for _ in 0..<10 {
            log.commit()
            one.tick()
            two.tick()
        }
    }

    /// The bytes of a CONNECT, which its shard has taken and its tick has not ended.
    private func connect(
        _ shard: TestShard, _ id: String, clean: Bool = false, will: String? = nil
    ) -> TestClient {
        let client = TestClient(shard, .v5)
        let properties = PropertyWriter.bytes { buffer in
            if !clean { PropertyWriter.append(.sessionExpiryInterval, 3600, to: &buffer) }
        }
        let message = will.map {
            ConnectPacket.Will(topic: Array("w".utf8), payload: Array($0.utf8), qos: .atLeastOnce, retain: false)
        }
        let bytes = PropertyWriter.bytes {
            ConnectPacket(
                version: .v5, clientID: Array(id.utf8), cleanStart: clean, will: message, properties: properties
            ).encode(into: &$0)
        }
        if let speaker = client.client { _ = shard.shard.received(speaker, bytes.span) }
        return client
    }

    /// The connection is lost; its shard's tick has not ended.
    private func lose(_ client: TestClient, of shard: TestShard) {
        if let speaker = client.client { shard.shard.disconnected(speaker) }
    }

    @Test("a connection that is lost in the row for an identifier keeps its place: the next one finds the session")
    func row() {
        let first = connect(one, "s")
        settle()
        #expect(first.take() == ["connack 0"])
        first.subscribe("t", qos: .atLeastOnce)
        settle()
        let waiter = connect(two, "s")
        lose(waiter, of: two)
        two.tick()
        let next = connect(two, "s")
        two.tick()
        settle()
        #expect(next.take() == ["connack 0 present"])
        #expect(peers.directory.parkedCount == 0 && peers.directory.clientCount == 1)
    }

    @Test("three in a row, of whom two are lost, let the last one in")
    func longRow() {
        let first = connect(one, "s")
        settle()
        #expect(first.take() == ["connack 0"])
        let waiters = [connect(two, "s"), connect(one, "s")]
        lose(waiters[0], of: two)
        lose(waiters[1], of: one)
        let next = connect(two, "s")
        settle()
        #expect(next.take() == ["connack 0 present"])
        lose(next, of: two)
        settle()
        #expect(peers.directory.parkedCount == 1 && peers.directory.clientCount == 0)
    }

    @Test("what a lost connection's shard has still to say of its will is in the log before the next one's will")
    func wills() {
        let first = connect(one, "s", will: "old")
        settle()
        #expect(first.take() == ["connack 0"])
        lose(first, of: one)
        let next = connect(two, "s", will: "new")
        // The other shard is the faster one.
        two.tick()
        settle()
        #expect(next.take() == ["connack 0 present"])
        // After a crash the newer will is on record, which the older one's end must not have taken away.
        let restarted = TestShard(log.crashed())
        let observer = restarted.connect("o")
        observer.subscribe("w", qos: .atLeastOnce)
        restarted.settle()
        restarted.pass(seconds: 4000)
        restarted.settle()
        #expect(observer.take() == ["suback [1]", "w new q1 #1"])
    }

    @Test("a session that the next connection has ended does not come back by what the former one's shard says late")
    func sessions() {
        let first = connect(one, "s")
        settle()
        #expect(first.take() == ["connack 0"])
        first.subscribe("t", qos: .atLeastOnce)
        settle()
        lose(first, of: one)
        let next = connect(two, "s", clean: true)
        two.tick()
        settle()
        #expect(next.take() == ["connack 0"])
        let restarted = TestShard(log.crashed())
        _ = restarted.connect("s", .v5, clean: false, sessionPresent: false)
    }

    @Test("the will that the first shard publishes when it is due is off the record before the next one's is on it")
    func dueWills() {
        let first = connect(two, "s", will: "old")
        settle()
        #expect(first.take() == ["connack 0"])
        // As after a crash: the will waits for its time, and nobody has the identifier.
        let restarted = log.crashed()
        let peers = FakePeers(shardCount: 2)
        let (one, two) = (TestShard(restarted, index: 0, of: peers), TestShard(restarted, index: 1, of: peers))
        one.shard.elapsed()
        let next = connect(two, "s", will: "new")
        two.tick()
        for _ in 0..<10 {
            restarted.commit()
            one.tick()
            two.tick()
        }
        #expect(next.take() == ["connack 0 present"])
        let last = TestShard(restarted.crashed())
        let observer = last.connect("o")
        observer.subscribe("w", qos: .atLeastOnce)
        last.settle()
        last.pass(seconds: 4000)
        last.settle()
        #expect(observer.take() == ["suback [1]", "w new q1 #1"])
    }

    @Test(
        "a QoS 2 message is known on the session's next connection when it is stored, and not when it is refused",
        arguments: [true, false], [true, false])
    func unsettledReceipts(isRefused: Bool, isLost: Bool) {
        let (first, publisher) = (connect(one, "s"), connect(one, "p", clean: true))
        settle()
        #expect(first.take() == ["connack 0"])
        // What settles behind this settles with it.
        publisher.publish("t", "x", qos: .atLeastOnce)
        log.refusal = isRefused ? .full : nil
        first.publish("t", "1", qos: .exactlyOnce, id: 5)
        log.refusal = nil
        if isLost { lose(first, of: one) }
        let next = connect(two, "s")
        for _ in 0..<3 {
            two.tick()
            one.tick()
        }
        settle()
        #expect(next.take() == ["connack 0 present"])
        next.publish("t", "1", qos: .exactlyOnce, id: 5, duplicate: true)
        settle()
        #expect(next.take() == ["pubrec 5"])
        log.flush()
        #expect(log.flushedCount == 2, "it is in the log, and once")
        #expect(peers.directory.clientCount == 2 && one.shard.clients.unsettled.isEmpty)
    }

    @Test("a connection that is lost while its session waits for what is unsettled leaves it to the next one")
    func unsettledRow() {
        let (first, publisher) = (connect(one, "s"), connect(one, "p", clean: true))
        settle()
        publisher.publish("t", "x", qos: .atLeastOnce)
        log.refusal = .full
        first.publish("t", "1", qos: .exactlyOnce, id: 5)
        log.refusal = nil
        let waiter = connect(two, "s")
        two.tick()
        one.tick()
        lose(waiter, of: two)
        two.tick()
        #expect(one.shard.clients.unsettled.count == 1)
        let next = connect(one, "s")
        settle()
        #expect(next.take() == ["connack 0 present"])
        #expect(next.client?.session.storedFlows.unreleased == [])
        lose(next, of: one)
        settle()
        #expect(peers.directory.parkedCount == 1 && peers.directory.clientCount == 1)
    }

    @Test("a share group that ends while somebody joins it from another shard is there for who joins")
    func joinedAtTheEnd() {
        let (a, b) = (connect(one, "a", clean: true), connect(two, "b", clean: true))
        settle()
        a.subscribe("$share/g/t", qos: .atLeastOnce)
        settle()
        b.subscribe("$share/g/t", qos: .atLeastOnce)
        // The group's shard hears that its only member leaves before it hears of the new one.
        a.unsubscribe("$share/g/t")
        settle()
        let publisher = connect(one, "p", clean: true)
        settle()
        publisher.publish("t", "x", qos: .atLeastOnce)
        settle()
        #expect(b.take() == ["connack 0", "suback [1]", "t x q1 #1"])
    }

    @Test("what a member of a group that was deleted meanwhile has let go of is not the new group's of that name")
    func refounded() {
        let name = "g"
        let (a, b) = (connect(one, "a", clean: true), connect(two, "b", clean: true))
        settle()
        for client in [a, b] { client.subscribe("$share/g/$stream/mqtt", qos: .atLeastOnce) }
        settle()
        a.drop()
        b.drop()
        settle()
        #expect(one.shard.deleteGroup(name) == .deleted(true))
        settle()
        let c = connect(one, "c", clean: true)
        settle()
        c.subscribe("$share/g/$stream/mqtt", qos: .atLeastOnce)
        settle()
        c.drop()
        settle()
        // Nobody has the partition now: what is taken in of it is what its next owner begins with.
        let partition = StreamPartition(stream: "mqtt", number: 0)
        let late = GroupHandover(partition: partition, acknowledged: [.zero], sentEnd: Offset(rawValue: 1))
        one.shard.received(.groupReleased(name, member: "b", late))
        let d = connect(one, "d", clean: true)
        settle()
        d.subscribe("$share/g/$stream/mqtt", qos: .atLeastOnce)
        let publisher = connect(two, "p", clean: true)
        settle()
        publisher.publish("t", "x", qos: .atLeastOnce)
        settle()
        #expect(d.take() == ["connack 0", "suback [1]", "t x q1 #1"])
    }
}
