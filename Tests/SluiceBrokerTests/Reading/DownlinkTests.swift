import Compression
import LogInterface
import MQTTWire
import RecordFormat
import SluiceCore
import Testing
import TopicRouting

@testable import SluiceBroker

@Suite("Downlinks: topics made from keys")
struct DownlinkTests {
    private typealias Record = KafkaProducer.Record

    private func shard(_ template: String = "commands/{key}", tailBytesMax: Int = 64 << 20) throws -> TestShard {
        let rule = try Rule(from: "commands/{device}", stream: "commands", key: "{device}", limits: Limits())
        return TestShard(
            FakeLog(tailBytesMax: tailBytesMax, others: ["commands"]), rules: RuleSet([rule]),
            downlinks: ["commands": try DownlinkTemplate(template)])
    }

    private func messages(_ client: TestClient) -> [String] {
        client.take().filter { !$0.hasPrefix("suback") }.map { $0.split(separator: " #")[0].description }
    }

    @Test("a command reaches its device by its key, live, at QoS 0 and 1, and no other")
    func deliversLive() throws {
        let test = try shard()
        let (one, two) = (test.connect("one"), test.connect("two"))
        one.subscribe("commands/dev1", qos: .atLeastOnce)
        two.subscribe("commands/dev2", qos: .atMostOnce)
        let producer = KafkaProducer(test)
        let padding = String(repeating: "x", count: 50)
        try producer.produce(
            [
                Record(key: "dev1", value: padding), Record(key: "dev2", value: padding),
                Record(key: "dev/+", value: padding), Record(key: nil, value: padding),
                Record(key: "dev1", value: padding, headers: [("mqtt.topic", "elsewhere")]),
                Record(key: "dev1", value: padding, headers: [("mqtt.topic", "a/#")]),
            ], to: "commands", .lz4)
        #expect(messages(one) == ["commands/dev1 \(padding) q1", "commands/dev1 \(padding) q1"])
        #expect(messages(two) == ["commands/dev2 \(padding) q0"])
    }

    @Test("a replay with a filter finds commands in flushed history, and what MQTT wrote keeps its topic and order")
    func replays() throws {
        let test = try shard("cmd/{key}/do", tailBytesMax: 0)
        let producer = KafkaProducer(test)
        let publisher = test.connect("p")
        for round in 0..<3 {
            try producer.produce(
                [Record(key: "dev1", value: "k\(round)"), Record(key: "dev2", value: "k\(round)")], to: "commands")
            publisher.publish("commands/dev1", "m\(round)", qos: .atLeastOnce, id: 1)
            test.commit()
            if round < 2 { test.log.flush() }
        }
        let reader = test.connect("reader")
        reader.subscribe("$replay/earliest/cmd/dev1/do", qos: .atLeastOnce)
        test.settle()
        #expect(messages(reader) == (0..<3).map { "cmd/dev1/do k\($0) q1" })
        let whole = test.connect("whole")
        whole.subscribe("$stream/commands", qos: .exactlyOnce, offset: "earliest")
        test.settle()
        #expect(
            messages(whole)
                == (0..<3).flatMap { ["cmd/dev1/do k\($0) q1", "cmd/dev2/do k\($0) q1", "commands/dev1 m\($0) q1"] })
    }

    @Test("a share group hands commands on, and again when a member is lost")
    func shares() throws {
        let test = try shard()
        let a = test.connect("a")
        a.subscribe("$share/g/commands/#", qos: .atLeastOnce)
        test.commit()
        _ = a.take()
        let producer = KafkaProducer(test)
        let value = String(repeating: "v", count: 60)
        try producer.produce((1...4).map { Record(key: "dev\($0)", value: value) }, to: "commands", .zstd)
        test.settle()
        #expect(messages(a) == (1...4).map { "commands/dev\($0) \(value) q1" })
        let b = test.connect("b")
        b.subscribe("$share/g/commands/#", qos: .atLeastOnce)
        test.commit()
        _ = b.take()
        a.drop()
        test.settle()
        #expect(messages(b).map { $0.replacing(" dup", with: "") } == (1...4).map { "commands/dev\($0) \(value) q1" })
    }

    @Test("a consumer group gets every record of the stream, with a topic or without, and commits")
    func groups() throws {
        let test = try shard("commands/{key}", tailBytesMax: 0)
        let properties = PropertyWriter.bytes { PropertyWriter.append(.sessionExpiryInterval, 0, to: &$0) }
        let member = test.connect("m", properties: properties)
        member.subscribe("$share/g/$stream/commands", qos: .atLeastOnce, offset: "earliest")
        test.settle()
        #expect(member.takeFirst() == "suback [1]")
        let value = String(repeating: "v", count: 60)
        try KafkaProducer(test).produce(
            [Record(key: "dev1", value: value), Record(key: nil, value: value)], to: "commands", .snappy)
        test.settle()
        #expect(messages(member) == ["commands/dev1 \(value) q1", "commands \(value) q1"])
        member.acknowledge(.puback, 1)
        member.acknowledge(.puback, 2)
        test.settle()
        test.pass(seconds: 2)
        test.settle()
        let offsets = test.log.crashed().offsets()
        #expect("\(offsets)".contains("commands"))
    }

    @Test("a template is plain text and {key}, and makes topics that a message may have")
    func templates() throws {
        let template = try DownlinkTemplate("a/{key}/b/{key}")
        #expect(template.topic(ofKey: Array("x/y".utf8)) == Array("a/x/y/b/x/y".utf8))
        for key in ["", "a+", "#", "a\u{0}", String(repeating: "k", count: 4096)] {
            #expect(template.topic(ofKey: Array(key.utf8)) == nil)
        }
        #expect(template.topic(ofKey: [0xFF]) == nil)
        let bare = try DownlinkTemplate("{key}")
        #expect(bare.topic(ofKey: Array("$SYS/x".utf8)) == nil)
        #expect(bare.topic(ofKey: Array("x".utf8)) == Array("x".utf8))
        #expect(try DownlinkTemplate("all").topic(ofKey: Array("x".utf8)) == Array("all".utf8))
    }

    @Test(
        "a template that cannot be is refused with its reason",
        arguments: [
            ("", DownlinkError.empty), ("$SYS/{key}", .dollar), ("a/#", .wildcard(byteOffset: 2)),
            ("+/{key}", .wildcard(byteOffset: 0)), ("a/{key", .brace(byteOffset: 2)), ("a/key}", .brace(byteOffset: 5)),
            ("a/{device}", .placeholder("device")), ("a/{}", .placeholder("")), ("a\u{0}", .text),
            ("a/{{key}}", .brace(byteOffset: 2)),
        ])
    func refusesTemplates(_ text: String, _ expected: DownlinkError) {
        #expect(throws: expected) { try DownlinkTemplate(text) }
        #expect(!expected.description.isEmpty)
    }
}
