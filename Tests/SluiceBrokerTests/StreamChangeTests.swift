import LogInterface
import MQTTWire
import RecordFormat
import SluiceCore
import Testing

@testable import SluiceBroker

@Suite("A shard whose streams change")
struct StreamChangeTests {
    private let test = TestShard()
    private let other: LoopID
    /// Its session stays for a thousand seconds.
    private static let stays = PropertyWriter.bytes { PropertyWriter.append(.sessionExpiryInterval, 1000, to: &$0) }

    init() { other = test.log.register(wake: {}) }

    private func administer(_ request: StreamRequest) throws -> StreamDescription {
        test.log.administer(request, number: 1, for: other)
        return try #require(test.log.takeAdministered(other).first).result.get()
    }

    /// Another loop stores a message.
    private func store(_ topic: String, _ payload: String, in partition: PartitionID) {
        var builder = RecordBatchBuilder()
        let (key, value) = (RecordFields.nullKey, Array(payload.utf8))
        let headers = RecordFields.headers([RecordHeader(name: TopicHeader.name, value: Array(topic.utf8))])
        builder.append(
            at: Timestamp(rawValue: 1_000_000), keyField: key.span, value: value.span, headersField: headers.span)
        let append = Append(partition: partition, batch: builder.finish(), isAwaited: true, topicHashes: nil)
        _ = test.log.append([append], from: other)
    }

    private func lines(_ client: TestClient) -> [String] {
        test.settle()
        return client.take().compactMap { line in
            let words = line.split(separator: " ", omittingEmptySubsequences: false)
            return words[0].hasPrefix("$") ? "end" : words[0].hasPrefix("t/") ? String(words[1]) : nil
        }
    }

    private func subscribe(
        _ id: String, _ filter: String, from: String? = nil, until: String? = nil, joins: Bool = false
    ) -> TestClient {
        let client = test.connect(id)
        client.subscribe(filter, qos: .atMostOnce, offset: from, until: until)
        // A group answers when its coordinator has.
        if joins { test.settle() }
        #expect(client.takeFirst() == "suback [0]")
        return client
    }

    @Test("a stream that is made is heard by those who subscribed before, read by name, and by nobody of another")
    func makes() throws {
        let (live, mqtt) = (subscribe("live", "t/#"), subscribe("mqtt", "$stream/mqtt", from: "earliest"))
        test.settle()
        let made = try administer(.create(StreamSettings(name: "made")))
        // Before the shard has had a tick to hear of it.
        store("t/1", "first", in: made.partitions[0])
        #expect(lines(live) == ["first"])
        let named = subscribe("named", "$stream/made", from: "earliest")
        #expect(lines(named) == ["first"])
        test.log.flush()
        store("t/2", "second", in: made.partitions[0])
        for client in [live, named] { #expect(lines(client) == ["second"]) }
        test.connect("p").publish("t/3", "third", qos: .atLeastOnce)
        #expect(lines(live) == ["third"])
        #expect(lines(mqtt) == ["third"])
        #expect(lines(named).isEmpty)
    }

    @Test("a stream that grows gets messages in its new partitions, and every one is delivered")
    func grows() throws {
        let live = subscribe("live", "t/#")
        test.settle()
        var change = StreamAlteration()
        change.partitionCount = 8
        let grown = try administer(.alter("mqtt", change))
        let publisher = test.connect("p")
        for number in 0..<40 { publisher.publish("t/\(number)", "\(number)", qos: .atLeastOnce, id: 1) }
        #expect(Set(lines(live)) == Set((0..<40).map(String.init)))
        let filled = grown.partitions.filter { test.log.bounds($0).end > .zero }
        #expect(filled.count > 4)
    }

    @Test("a group takes the partitions by which its stream has grown when the next member joins")
    func growsUnderGroup() throws {
        let filter = "$share/g/$stream/mqtt"
        let first = subscribe("first", filter, from: "earliest", joins: true)
        test.settle()
        var change = StreamAlteration()
        change.partitionCount = 8
        let grown = try administer(.alter("mqtt", change))
        test.settle()
        let second = subscribe("second", filter, from: "earliest", joins: true)
        test.settle()
        for (number, partition) in grown.partitions.enumerated() { store("t/\(number)", "\(number)", in: partition) }
        let (one, other) = (lines(first), lines(second))
        #expect(!one.isEmpty && !other.isEmpty)
        #expect((one + other).sorted() == (0..<8).map(String.init))
    }

    @Test("replays of a stream that is deleted end, and the others go on")
    func deletes() throws {
        let made = try administer(.create(StreamSettings(name: "made")))
        test.settle()
        store("t/1", "first", in: made.partitions[0])
        test.settle()
        test.log.flush()
        let bounded = subscribe("bounded", "$stream/made", from: "earliest", until: "2100-01-01T00:00:00Z")
        let live = subscribe("live", "t/#")
        #expect(lines(bounded) == ["first"])
        _ = try administer(.delete("made"))
        store("t/1", "lost", in: made.partitions[0])
        #expect(lines(bounded) == ["end"])
        test.connect("p").publish("t/2", "second", qos: .atLeastOnce)
        #expect(lines(live) == ["second"])
        #expect(lines(bounded).isEmpty)
        let late = test.connect("late")
        late.subscribe("$stream/made", qos: .atMostOnce, offset: "earliest")
        #expect(late.takeFirst()?.hasPrefix("suback [0]") == false)
    }

    @Test("a reader whose history is on its way when the stream is deleted ends there")
    func deletesWhileReading() throws {
        let made = try administer(.create(StreamSettings(name: "made")))
        test.settle()
        store("t/1", "first", in: made.partitions[0])
        test.settle()
        test.log.flush()
        test.log.holdsFetches = true
        let reader = subscribe("reader", "$stream/made", from: "earliest", until: "2100-01-01T00:00:00Z")
        _ = try administer(.delete("made"))
        test.log.releaseFetches()
        let found = lines(reader)
        #expect(found == ["end"] || found == ["first", "end"])
    }

    @Test("a session with a delivery of a deleted stream in flight is put on record, and goes on")
    func keepsSessions() throws {
        let made = try administer(.create(StreamSettings(name: "made")))
        let client = test.connect("c", clean: false, properties: Self.stays)
        client.subscribe("t/#", qos: .atLeastOnce)
        test.settle()
        #expect(client.takeFirst() == "suback [1]")
        store("t/1", "first", in: made.partitions[0])
        test.settle()
        #expect(client.take().count == 1)
        _ = try administer(.delete("made"))
        test.settle()
        client.close()
        test.settle()
        test.log.flush()
        let again = TestShard(test.log)
        let resumed = again.connect("c", clean: false, properties: Self.stays, sessionPresent: true)
        again.settle()
        _ = resumed.take()
        again.connect("p").publish("t/2", "second", qos: .atLeastOnce)
        again.settle()
        #expect(resumed.take().contains { $0.contains("second") })
    }
}
