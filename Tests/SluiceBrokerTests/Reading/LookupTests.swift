import LogInterface
import MQTTSession
import MQTTWire
import RecordFormat
import SluiceCore
import Testing
import TopicRouting

@testable import SluiceBroker

/// Deliveries that are made again, whose records are history.
@Suite("Single records by their place")
struct LookupTests {
    /// Nothing stays in memory once it is in segment files; topics below `o/` are in a stream of their own.
    private let test: TestShard

    init() throws {
        test = TestShard(
            FakeLog(tailBytesMax: 0, others: ["other"]),
            rules: RuleSet([try Rule(from: "o/#", stream: "other", key: "topic")]))
    }

    private func publish(_ topic: String, _ payload: String, qos: QoS = .atLeastOnce, retain: Bool = false) {
        let publisher = test.connect("p")
        publisher.publish(topic, payload, qos: qos, retain: retain)
        test.settle()
        publisher.drop()
        flush()
    }

    private func flush() {
        test.log.flush()
        test.tick()
    }

    /// A session that leaves with what it was sent unacknowledged.
    private func leave(_ messages: [(topic: String, payload: String)]) {
        let client = test.connect("s", .v311, clean: false)
        client.subscribe("#", qos: .atLeastOnce)
        test.settle()
        #expect(client.take() == ["suback [1]"])
        for (topic, payload) in messages { publish(topic, payload) }
        #expect(client.take().count == messages.count)
        client.drop()
        flush()
    }

    @Test("a record is not looked for in another partition's batch, also while its own is awaited")
    func partitions() {
        leave([("t", "a"), ("o/1", "b")])
        test.log.holdsFetches = true
        let next = test.connect("s", .v311, clean: false, sessionPresent: true)
        test.tick()
        // The first record is read, and the second, at the same offset of another partition, is asked for.
        test.log.releaseFetches()
        test.log.holdsFetches = true
        test.tick()
        #expect(next.take() == ["t a q1 #1 dup"])
        // Whatever makes it look again meanwhile finds the batch of the first in hand.
        next.unblock()
        next.acknowledge(.puback, 1)
        #expect(next.take().isEmpty)
        test.log.releaseFetches()
        test.settle()
        #expect(next.take() == ["o/1 b q1 #2 dup"])
    }

    @Test("what cannot be read now is not gone: it is looked for again in a while, and sent once")
    func failures() {
        leave([("t", "a"), ("o/1", "b")])
        test.log.failsReads = true
        let next = test.connect("s", .v311, clean: false, sessionPresent: true)
        test.settle()
        let fetchCount = test.log.fetchCount
        test.settle()
        #expect(test.log.fetchCount == fetchCount, "nobody asks again and again")
        #expect(next.take().isEmpty)
        #expect(test.shard.counters.deliveriesSkipped == 0)
        test.log.failsReads = false
        test.pass(seconds: 1)
        test.settle()
        #expect(next.take() == ["t a q1 #1 dup", "o/1 b q1 #2 dup"])
    }

    @Test("a look-up whose read has failed knows nothing; of one that found nothing the record is gone")
    func answers() {
        let token = DeliveryToken(PartitionID(rawValue: 1), .zero)
        var lookup = RecordLookup()
        lookup.asked(token, awaited: 1, nil)
        var read = PartitionRead(nextOffset: .zero)
        read.isFailed = true
        lookup.received(read)
        #expect(lookup.answer(for: token) == nil, "it is to be asked for again")
        lookup.asked(token, awaited: 2, nil)
        read.isFailed = false
        lookup.received(read)
        guard case .gone? = lookup.answer(for: token) else {
            Issue.record("a record that is nowhere is gone")
            return
        }
        #expect(lookup.answer(for: DeliveryToken(PartitionID(rawValue: 2), .zero)) == nil, "nobody asked for this one")
    }

    @Test("what a share group gets back and cannot read now is handed out later")
    func shares() {
        let one = PropertyWriter.bytes { PropertyWriter.append(.receiveMaximum, 1, to: &$0) }
        let lost = test.connect("m", properties: one)
        lost.subscribe("$share/g/#", qos: .atLeastOnce)
        test.settle()
        publish("t", "a")
        #expect(lost.take() == ["suback [1]", "t a q1 #1"])
        lost.drop()
        flush()
        test.log.failsReads = true
        let next = test.connect("n")
        next.subscribe("$share/g/#", qos: .atLeastOnce)
        test.settle()
        #expect(next.take() == ["suback [1]"])
        test.log.failsReads = false
        test.pass(seconds: 1)
        test.settle()
        #expect(next.take() == ["t a q1 #1 dup"])
    }

    @Test("an identifier whose QoS 2 message was compacted away is released before it stands for another one")
    func releases() {
        let client = test.connect("s", .v311, clean: false)
        publish("r", "old", qos: .exactlyOnce, retain: true)
        client.subscribe("r", qos: .exactlyOnce)
        test.settle()
        #expect(client.take() == ["suback [2]", "r old q2 #1 retain"])
        client.drop()
        flush()
        test.log.compactAway(RetainedReplay.stream)
        let next = test.connect("s", .v311, clean: false, sessionPresent: true)
        test.settle()
        #expect(next.take() == ["pubrel 1"])
        publish("r", "new", qos: .exactlyOnce)
        #expect(next.take() == ["r new q2 #2"], "the identifier is not free before the client says so")
        next.acknowledge(.pubcomp, 1)
        test.settle()
        #expect(next.client?.session.inflightCount == 1)
    }
}
