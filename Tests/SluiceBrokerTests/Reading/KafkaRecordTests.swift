import Checksums
import Compression
import LogInterface
import MQTTWire
import RecordFormat
import SluiceCore
import Testing
import TopicRouting

@testable import SluiceBroker

@Suite("What Kafka clients produce, as MQTT clients see it")
struct KafkaRecordTests {
    private typealias Record = KafkaProducer.Record

    private static let codecs: [Codec] = [.none, .gzip, .snappy, .lz4, .zstd]

    private func record(_ topic: String, _ value: String?, key: String? = "k") -> Record {
        Record(key: key, value: value, headers: [("mqtt.topic", topic)])
    }

    /// Packets without their identifiers.
    private func messages(_ client: TestClient) -> [String] {
        client.take().filter { !$0.hasPrefix("suback") }.map { $0.split(separator: " #")[0].description }
    }

    @Test("a compressed batch reaches live subscribers of every QoS, in order", arguments: codecs)
    func deliversLive(_ codec: Codec) throws {
        let test = TestShard()
        let clients = try [QoS.atMostOnce, .atLeastOnce, .exactlyOnce].map { qos in
            let client = test.connect("c\(qos.rawValue)")
            client.subscribe("a/+", qos: qos)
            _ = try #require(client.takeFirst())
            return client
        }
        let records = (0..<20).map { record("a/\($0 % 2)", "value value value \($0)") }
        try KafkaProducer(test).produce(records + [record("b", "nobody's")], codec)
        for (client, qos) in zip(clients, [0, 1, 1]) {
            let expected = (0..<20).map { "a/\($0 % 2) value value value \($0) q\(qos)" }
            #expect(messages(client) == expected)
        }
    }

    @Test("a replay with a filter, across flushed history and what is in memory", arguments: codecs)
    func replays(_ codec: Codec) throws {
        let test = TestShard(FakeLog(tailBytesMax: 0))
        let producer = KafkaProducer(test)
        for round in 0..<3 {
            try producer.produce((0..<10).map { record("a/\($0)", "value value value \(round)") }, codec)
            if round < 2 { test.log.flush() }
        }
        let reader = test.connect("reader", .v311)
        reader.subscribe("$replay/earliest/a/7", qos: .atLeastOnce)
        test.settle()
        #expect(messages(reader) == (0..<3).map { "a/7 value value value \($0) q1" })
        try producer.produce([record("a/7", "live live live live"), record("a/8", "live live live live")], codec)
        #expect(messages(reader) == ["a/7 live live live live q1"])
    }

    @Test("a reader whose window is one goes through a compressed batch record by record")
    func waits() throws {
        let test = TestShard(FakeLog(tailBytesMax: 0))
        let producer = KafkaProducer(test)
        try producer.produce((0..<50).map { record("a", "value value value \($0)") }, .zstd)
        test.log.flush()
        let reader = test.connect("reader", properties: [0x21, 0, 1])
        reader.subscribe("$replay/earliest/a", qos: .atLeastOnce)
        test.settle()
        var seen: [String] = []
        for _ in 0..<60 {
            seen += messages(reader)
            reader.acknowledge(.puback, 1)
        }
        #expect(seen == (0..<50).map { "a value value value \($0) q1" })
    }

    @Test("marks of transactions' ends reach nobody, live or in a replay", arguments: [Int.max, 0])
    func passesMarks(tailBytesMax: Int) throws {
        let test = TestShard(FakeLog(tailBytesMax: tailBytesMax))
        let live = test.connect("live")
        live.subscribe("$stream/mqtt", qos: .atLeastOnce)
        let producer = KafkaProducer(test)
        try producer.produce([record("a", "1")])
        try producer.endTransaction()
        try producer.produce([record("a", "2")])
        test.log.flush()
        let reader = test.connect("reader")
        reader.subscribe("$stream/mqtt", qos: .atLeastOnce, offset: "earliest")
        test.settle()
        #expect(messages(live) == ["a 1 q1", "a 2 q1"])
        #expect(messages(reader) == ["a 1 q1", "a 2 q1"])
    }

    @Test("the topic may be in any header, and the first of its name counts")
    func findsTopic() throws {
        let test = TestShard()
        let client = test.connect("c")
        client.subscribe("#", qos: .atLeastOnce)
        let producer = KafkaProducer(test)
        let others = [("trace", "1"), ("mqtt.topicx", "no"), ("", "")]
        try producer.produce([
            Record(key: "k", value: "last", headers: others + [("mqtt.topic", "a")]),
            Record(key: "k", value: "first", headers: [("mqtt.topic", "a")] + others),
            Record(key: "k", value: "twice", headers: [("mqtt.topic", "a"), ("mqtt.topic", "b")]),
            Record(key: "k", value: "none", headers: others),
            Record(key: "k", value: "bad", headers: [("mqtt.topic", "a/#"), ("mqtt.topic", "b")]),
        ])
        #expect(messages(client) == ["a last q1", "a first q1", "a twice q1"])
    }

    private static let invalid: [String] =
        ["", "a/+", "#", "a\u{0}b", "$SYS/x", "$aws/x", "a\nb", "\u{FFFE}"]
        + [String(repeating: "a", count: 4097), String(repeating: "/", count: 200)]

    @Test("a topic that is none reaches no filter, and whoever reads the stream gets it under the stream's name")
    func ignoresInvalidTopics() throws {
        let test = TestShard()
        let (all, whole, dollar) = (test.connect("all"), test.connect("whole"), test.connect("dollar"))
        all.subscribe("#", qos: .atLeastOnce)
        dollar.subscribe("$aws/#", qos: .atLeastOnce)
        whole.subscribe("$stream/mqtt", qos: .atLeastOnce)
        let producer = KafkaProducer(test)
        for topic in Self.invalid { try producer.produce([record(topic, "v")]) }
        #expect(messages(all) == [])
        #expect(messages(dollar) == [])
        #expect(messages(whole) == Self.invalid.map { _ in "mqtt/k v q1" })
        try producer.produce([
            Record(key: nil, value: "null"), Record(key: "", value: "empty"), Record(key: "a/#", value: "wild"),
            Record(key: "site/dev", value: "levels"), Record(key: "$x", value: "dollar"),
        ])
        #expect(
            messages(whole) == [
                "mqtt null q1", "mqtt empty q1", "mqtt wild q1", "mqtt/site/dev levels q1", "mqtt/$x dollar q1",
            ])
    }

    @Test("bytes that are not UTF-8 are no topic, and no part of one")
    func ignoresBadText() {
        for bytes: [UInt8] in [[0xFF], [0x61, 0xC0, 0x80], [0xED, 0xA0, 0x80], [0xC2]] {
            let isTopic = TopicHeader.isTopicName(bytes.span)
            let isText = TopicHeader.isTopicText(bytes.span)
            #expect(!isTopic && !isText)
        }
        let good = Array("plant/é/温度/😀".utf8)
        let isGood = TopicHeader.isTopicName(good.span)
        #expect(isGood)
    }

    @Test("a record without a value is delivered with an empty payload")
    func deliversTombstones() throws {
        let test = TestShard()
        let client = test.connect("c")
        client.subscribe("a", qos: .atLeastOnce)
        try KafkaProducer(test).produce([record("a", nil)])
        #expect(messages(client) == ["a  q1"])
    }

    @Test("a session that stays gets what was produced while its client was away")
    func keepsForSessions() throws {
        let test = TestShard()
        let properties = PropertyWriter.bytes { PropertyWriter.append(.sessionExpiryInterval, 100, to: &$0) }
        let client = test.connect("c", clean: false, properties: properties)
        client.subscribe("a", qos: .exactlyOnce)
        test.commit()
        client.drop()
        let producer = KafkaProducer(test)
        let twice = [("mqtt.qos", "2"), ("mqtt.topic", "a")]
        try producer.produce(
            [record("a", "one one one one"), Record(key: "k", value: "two two two two", headers: twice)], .gzip)
        let again = test.connect("c", clean: false, properties: properties, sessionPresent: true)
        test.settle()
        #expect(messages(again) == ["a one one one one q1", "a two two two two q2"])
        // What is in flight comes once more to the next connection, found by its place.
        again.drop()
        let third = test.connect("c", clean: false, properties: properties, sessionPresent: true)
        test.settle()
        #expect(third.take().map { $0.contains("dup") } == [true, true])
    }

    @Test("headers that MQTT knows count when they are valid, and are not there when they are not")
    func honoursHeaders() throws {
        let test = TestShard()
        let client = test.connect("c")
        client.subscribe("a", qos: .exactlyOnce, retainAsPublished: true)
        _ = client.take()
        let given = [
            ("mqtt.user.", "empty"), ("mqtt.content_type", "text/plain"), ("mqtt.qos", "0"), ("mqtt.retained", "1"),
            ("mqtt.response_topic", "r/1"), ("mqtt.correlation_data", "c"), ("mqtt.payload_format", "1"),
            ("mqtt.expiry", "60"), ("mqtt.user.site", "berlin"), ("mqtt.user.site", "bonn"), ("mqtt.topic", "a"),
            ("mqtt.content_type", "second"),
        ]
        let wrong = [
            ("mqtt.qos", "3"), ("mqtt.qos", "x"), ("mqtt.qos", ""), ("mqtt.retained", "yes"),
            ("mqtt.response_topic", "r/#"), ("mqtt.payload_format", "2"), ("mqtt.expiry", "-1"),
            ("mqtt.expiry", "99999999999"), ("mqtt.user.\u{0}", "x"), ("mqtt.content_type", "a\u{0}"),
            ("mqtt.topic", "a"),
        ]
        try KafkaProducer(test).produce([
            Record(key: "k", value: "v", headers: given), Record(key: "k", value: "v", headers: wrong),
        ])
        let packets = client.takePackets()
        try #require(packets.count == 2)
        #expect(
            properties(packets[0]).sorted() == [
                "contentType text/plain", "correlationData c", "messageExpiryInterval 60", "payloadFormatIndicator 1",
                "responseTopic r/1", "userProperty =empty", "userProperty site=berlin", "userProperty site=bonn",
            ])
        #expect(properties(packets[1]) == [])
        guard case .publish(let first) = packets[0].packet, case .publish(let second) = packets[1].packet else {
            Issue.record("expected two messages")
            return
        }
        #expect(first.qos == .atMostOnce && first.retain)
        #expect(second.qos == .atLeastOnce && !second.retain)
    }

    private func properties(_ packet: (packet: Packet, bytes: [UInt8])) -> [String] {
        guard case .publish(let publish) = packet.packet else { return [] }
        var reader = PropertyReader(packet.bytes.span, publish.properties)
        var found: [String] = []
        func text(_ range: ByteRange) -> String { String(decoding: packet.bytes.span.copy(range), as: UTF8.self) }
        while let property = reader.next() {
            switch property.value {
            case .integer(let value): found.append("\(property.id) \(value)")
            case .bytes(let range): found.append("\(property.id) \(text(range))")
            case .pair(let name, let value): found.append("\(property.id) \(text(name))=\(text(value))")
            }
        }
        return found
    }

    @Test("times of any kind do no harm, and the time of the append counts where the stream says so")
    func takesAnyTime() throws {
        let test = TestShard()
        let producer = KafkaProducer(test)
        let times = [Int64.min, -1, 0, .max, .max - 5, 1_700_000_000_000]
        for time in times {
            var record = record("a", "\(time)")
            record.time = time
            record.headers.append(("mqtt.expiry", "4294967295"))
            try producer.produce([record])
        }
        let reader = test.connect("reader")
        reader.subscribe("$stream/mqtt", qos: .atLeastOnce, offset: "earliest")
        test.settle()
        #expect(messages(reader).count == times.count)
        var stamped = try KafkaProducer.batch([record("a", "v")]).header
        stamped.stamp(Timestamp(rawValue: 5000))
        let source = try KafkaProducer.batch([record("a", "v")])
        let bytes = source.bytes
        let batch = RecordBatch(copying: bytes, checksumming: stamped)
        var records = RecordReader(batch)
        let batchBytes = batch.bytes
        let next = try records.next(batchBytes)
        let first = try #require(next)
        #expect(KafkaMessage.time(of: first, in: batch).rawValue == 5000)
    }

    @Test("a batch that does not decompress is reported and passed over, and what follows is delivered")
    func passesOverDamage() throws {
        let test = TestShard()
        let client = test.connect("c")
        client.subscribe("a", qos: .atLeastOnce)
        _ = client.take()
        let good = try KafkaProducer.batch([record("a", "value value value value")], .zstd)
        let goodBytes = good.bytes
        var bytes = goodBytes.indices.map { goodBytes[$0] }
        for index in BatchLayout.headerByteCount..<bytes.count { bytes[index] ^= 0x55 }
        let broken = RecordBatch(copying: bytes.span, checksumming: good.header)
        let loop = test.log.register {}
        let partition = test.log.streams[0].partitions[0]
        _ = test.log.append(
            [Append(partition: partition, batch: broken, isAwaited: true, topicHashes: nil)], from: loop)
        test.commit()
        try KafkaProducer(test).produce([record("a", "next")])
        #expect(messages(client) == ["a next q1"])
        #expect(test.reportLines.contains { $0.contains("a batch is passed over") })
    }

    @Test("a batch whose topics nobody wants is not looked into, and one with a record without a topic always is")
    func goesByHashes() throws {
        let test = TestShard(downlinks: ["mqtt": try DownlinkTemplate("a/{key}")])
        let client = test.connect("c")
        client.subscribe("a/k", qos: .atLeastOnce)
        let producer = KafkaProducer(test)
        let topic = Array("b".utf8)
        try producer.produce([record("b", "nobody's")], hashes: [XXH3.hash(topic.span)])
        try producer.produce([record("b", "nobody's"), Record(key: "k", value: "by key")], hashes: nil)
        #expect(messages(client) == ["a/k by key q1"])
    }
}
