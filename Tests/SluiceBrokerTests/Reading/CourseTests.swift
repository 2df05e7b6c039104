import CommitLog
import MQTTWire
import SluiceCore
import Testing

@testable import SluiceBroker

@Suite("Replays that end, keep a pace or go on")
struct CourseTests {
    /// A shard with the messages 0 to 9, a second apart, the first at 1,000,000 ms, in segments or in memory.
    private func world(inSegments: Bool, partitionCount: Int = 1) -> TestShard {
        let test = TestShard(FakeLog(tailBytesMax: inSegments ? 1 : 64 << 20, partitionCount: partitionCount))
        let publisher = test.connect("p")
        for number in 0..<10 {
            test.shard.wallClock = Timestamp(rawValue: 1_000_000 + Int64(number) * 1000)
            publisher.publish("t/\(number % 3)", "\(number)", qos: .atLeastOnce, id: 1)
            test.commit()
            if inSegments { test.log.flush() }
        }
        publisher.close()
        return test
    }

    private func replay(
        _ test: TestShard, from: String, until: String? = nil, speed: String? = nil, filter: String = "$stream/mqtt"
    ) -> TestClient {
        let client = test.connect("r")
        client.subscribe(filter, qos: .atMostOnce, offset: from, until: until, speed: speed)
        #expect(client.takeFirst() == "suback [0]")
        test.settle()
        return client
    }

    private func payloads(_ client: TestClient) -> [String] {
        client.take().compactMap { line in
            let words = line.split(separator: " ", omittingEmptySubsequences: false)
            return words[0].hasPrefix("t/") ? String(words[1]) : words[0].hasPrefix("$") ? "end" : nil
        }
    }

    private func numbers(_ range: Range<Int>) -> [String] { range.map(String.init) }

    @Test("a replay ends before its end, says so once, and stays silent", arguments: [false, true])
    func ends(_ inSegments: Bool) {
        let cases: [(String, String, Range<Int>)] = [
            ("earliest", "latest", 0..<10), ("earliest", "0:4", 0..<4), ("0:2", "0:4", 2..<4),
            ("earliest", "1970-01-01T00:16:43.500Z", 0..<4), ("1970-01-01T00:16:42Z", "latest", 2..<10),
            ("1970-01-01T00:16:42.001Z", "1970-01-01T00:16:45Z", 3..<5), ("earliest", "earliest", 0..<0),
        ]
        for (from, until, expected) in cases {
            let test = world(inSegments: inSegments)
            let client = replay(test, from: from, until: until)
            #expect(payloads(client) == numbers(expected) + ["end"], "\(from) to \(until)")
            let publisher = test.connect("p")
            publisher.publish("t/new", "new", qos: .atLeastOnce)
            test.settle()
            #expect(payloads(client).isEmpty, "\(from) to \(until)")
        }
    }

    @Test("a replay until a time to come goes on live until then")
    func endsLater() {
        let test = world(inSegments: false)
        let client = replay(test, from: "0:8", until: "1970-01-01T00:16:55Z")
        #expect(payloads(client) == numbers(8..<10))
        let publisher = test.connect("p")
        test.shard.wallClock = Timestamp(rawValue: 1_012_000)
        publisher.publish("t/0", "10", qos: .atLeastOnce)
        test.settle()
        #expect(payloads(client) == ["10"])
        test.shard.wallClock = Timestamp(rawValue: 1_015_000)
        test.settle()
        #expect(payloads(client) == ["end"])
    }

    @Test("a replay over several partitions ends when all are at their ends")
    func endsEverywhere() {
        let test = world(inSegments: true, partitionCount: 3)
        let client = replay(test, from: "earliest", until: "latest")
        let received = payloads(client)
        #expect(Set(received.dropLast()) == Set(numbers(0..<10)))
        #expect(received.last == "end")
    }

    @Test(
        "what a replay reads ahead of its client does not grow with the partitions",
        arguments: [(1, 256 << 10), (16, 128 << 10), (64, 32 << 10), (100, 32 << 10)])
    func readsAhead(_ partitionCount: Int, _ byteCount: Int) {
        let test = TestShard(FakeLog(tailBytesMax: 1, partitionCount: partitionCount))
        let publisher = test.connect("p")
        for number in 0..<partitionCount * 20 { publisher.publish("t/\(number)", "1", qos: .atLeastOnce, id: 1) }
        test.commit()
        test.log.flush()
        test.log.holdsFetches = true
        _ = replay(test, from: "earliest", until: "latest")
        #expect(test.log.fetchCount == partitionCount)
        #expect(test.log.fetchedByteCountMax == byteCount)
    }

    @Test("the end marker counts what was delivered, and goes to the replay's own topic")
    func marks() {
        let test = world(inSegments: false)
        let client = test.connect("r")
        client.subscribe("$stream/mqtt/t/1", qos: .atMostOnce, offset: "earliest", until: "latest")
        test.settle()
        let packets = client.takePackets()
        guard let (packet, bytes) = packets.last, case .publish(let publish) = packet else {
            Issue.record("expected a message")
            return
        }
        #expect(String(decoding: bytes.span.copy(publish.topic), as: UTF8.self) == "$stream/mqtt")
        #expect(publish.payload.isEmpty)
        var properties = PropertyReader(bytes.span, publish.properties)
        guard case .pair(let name, let value)? = properties.next()?.value else {
            Issue.record("expected a user property")
            return
        }
        #expect(bytes.span.copy(name).elementsEqual("stream-end".utf8))
        #expect(bytes.span.copy(value).elementsEqual("3".utf8))
    }

    @Test("a record that has expired is not delivered, and not counted as if it were")
    func countsNothingExpired() {
        let test = TestShard()
        let publisher = test.connect("p")
        let expiry = PropertyWriter.bytes { PropertyWriter.append(.messageExpiryInterval, 1, to: &$0) }
        publisher.publish("t", "old", qos: .atLeastOnce, properties: expiry)
        publisher.publish("t", "kept", qos: .atLeastOnce, id: 2)
        test.commit()
        test.pass(seconds: 10)
        let client = test.connect("r")
        client.subscribe("$stream/mqtt/t", qos: .atMostOnce, offset: "earliest", until: "latest")
        test.settle()
        let packets = client.takePackets()
        guard let (packet, bytes) = packets.last, case .publish(let publish) = packet else {
            Issue.record("expected a message")
            return
        }
        var properties = PropertyReader(bytes.span, publish.properties)
        guard case .pair(_, let value)? = properties.next()?.value else {
            Issue.record("expected a user property")
            return
        }
        #expect(packets.count == 3, "SUBACK, the record that is left, the end")
        #expect(bytes.span.copy(value).elementsEqual("1".utf8))
    }

    @Test("a paced replay delivers each record when its time has come", arguments: [false, true])
    func paces(_ inSegments: Bool) {
        let test = world(inSegments: inSegments)
        let client = replay(test, from: "earliest", until: "latest", speed: "10x")
        #expect(payloads(client) == ["0"])
        #expect(test.shard.isPacing)
        func pass(milliseconds: Int64) {
            test.shard.now += milliseconds * 1_000_000
            test.shard.pace()
            test.settle()
        }
        pass(milliseconds: 99)
        #expect(payloads(client).isEmpty)
        pass(milliseconds: 1)
        #expect(payloads(client) == ["1"])
        pass(milliseconds: 350)
        #expect(payloads(client) == ["2", "3", "4"])
        pass(milliseconds: 1000)
        #expect(payloads(client) == numbers(5..<10) + ["end"])
        #expect(!test.shard.isPacing)
    }

    @Test("a session that stays goes on with its replay where it was, to its end")
    func goesOn() {
        let test = world(inSegments: true)
        let properties = PropertyWriter.bytes {
            PropertyWriter.append(.sessionExpiryInterval, 100, to: &$0)
            PropertyWriter.append(.receiveMaximum, 2, to: &$0)
        }
        let client = test.connect("r", .v5, clean: false, properties: properties)
        client.subscribe("$stream/mqtt", qos: .atLeastOnce, offset: "earliest", until: "0:5")
        test.settle()
        #expect(payloads(client) == ["0", "1"])
        client.acknowledge(.puback, 1)
        test.settle()
        #expect(payloads(client) == ["2"])
        client.drop()
        let next = test.connect("r", .v5, clean: false, properties: properties, sessionPresent: true)
        next.subscribe("$stream/mqtt", qos: .atLeastOnce, offset: "committed")
        test.settle()
        #expect(payloads(next) == ["1", "2"])
        next.acknowledge(.puback, 2)
        next.acknowledge(.puback, 1)
        test.settle()
        #expect(payloads(next) == ["3", "4", "end"])
    }

    @Test("a bad end or speed is refused with a failing code")
    func refuses() {
        let test = world(inSegments: false)
        for (until, speed) in [("tomorrow", nil), ("committed", nil), (nil, "fast"), (nil, "0x"), (nil, "-1x")] {
            let client = test.connect("r")
            client.subscribe("$stream/mqtt", qos: .atMostOnce, offset: "earliest", until: until, speed: speed)
            #expect(client.take() == ["suback [131]"], "\(until ?? "") \(speed ?? "")")
        }
    }
}
