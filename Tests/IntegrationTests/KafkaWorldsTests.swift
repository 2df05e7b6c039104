import Foundation
import Testing

@Suite(
    "One log, both worlds: Kafka clients and MQTT clients",
    .enabled(if: Program.isInstalled("kcat"), "kcat is not installed"))
struct KafkaWorldsTests {
    private static let configuration =
        BrokerProcess.plain + """
            listeners:
              kafka: 127.0.0.1:0
            streams:
              - name: commands
                partitions: 3
                downlink: commands/{key}
            rules:
              - from: commands/{device}
                stream: commands
                key: "{device}"

            """

    private static let padding = String(repeating: "x", count: 100)

    /// Produces lines of key and value, in one batch for each partition.
    private func produce(
        _ broker: BrokerProcess, _ lines: [String], to stream: String, _ options: [String] = []
    ) throws {
        let result = try Program.run(
            [
                "kcat", "-P", "-b", "127.0.0.1:\(try broker.port("kafka"))", "-t", stream, "-K", ":", "-X",
                "partitioner=murmur2_random",
            ] + options, input: lines.map { $0 + "\n" }.joined())
        #expect(result.code == 0, "\(result)")
    }

    /// What a stream has, a line for each record.
    private func consume(_ broker: BrokerProcess, _ stream: String, _ format: String) throws -> [String] {
        let result = try Program.run([
            "kcat", "-C", "-q", "-e", "-b", "127.0.0.1:\(try broker.port("kafka"))", "-t", stream, "-o", "beginning",
            "-f", format + "\n",
        ])
        #expect(result.code == 0, "\(result)")
        return result.lines
    }

    private func subscriber(_ broker: BrokerProcess, _ id: String, _ filter: String) throws -> MosquittoClient {
        let client = try MosquittoClient(id: id, version: 5)
        try client.connect(port: broker.port)
        #expect(try client.subscribe(filter, qos: 1).code == 1)
        return client
    }

    @Test(
        "what is produced with a topic reaches subscribers, live and replayed, compressed or not",
        arguments: ["none", "gzip", "snappy", "lz4", "zstd"])
    func producesTopics(codec: String) throws {
        let broker = try BrokerProcess(Self.configuration)
        let live = try subscriber(broker, "live", "from/+")
        let values = (0..<50).map { "\($0) \(Self.padding)" }
        try produce(
            broker, values.map { "key:\($0)" }, to: "mqtt",
            ["-z", codec, "-H", "trace=1", "-H", "mqtt.topic=from/kafka", "-H", "mqtt.user.site=berlin"])
        let expected = values.map {
            MosquittoClient.Message(topic: "from/kafka", payload: $0, qos: 1, user: ["site": "berlin"])
        }
        #expect(try live.receive(values.count) == expected)
        let replay = try subscriber(broker, "replay", "$replay/earliest/from/kafka")
        let replayed = try replay.receive(values.count)
        #expect(replayed.map(\.payload) == values)
        #expect(replayed.allSatisfy { $0.topic == "from/kafka" && $0.qos == 1 && $0.user["key"] == "key" })
        #expect(broker.stop() == 0)
        // From segment files, by the topic.
        let again = try broker.restarted(Self.configuration)
        let history = try subscriber(again, "history", "$replay/earliest/from/#")
        #expect(try history.receive(values.count).map(\.payload) == values)
        #expect(again.stop() == 0)
    }

    @Test("commands go to devices by their keys, in one order with what MQTT publishes")
    func downlinks() throws {
        let broker = try BrokerProcess(Self.configuration)
        let devices = try (0..<3).map { try subscriber(broker, "dev\($0)", "commands/dev\($0)") }
        let whole = try subscriber(broker, "whole", "$stream/commands")
        let publisher = try MosquittoClient(id: "publisher")
        try publisher.connect(port: broker.port)
        for round in 0..<5 {
            try produce(broker, (0..<3).map { "dev\($0):kafka \(round)" }, to: "commands", ["-z", "zstd"])
            for device in 0..<3 {
                try publisher.waitForAcknowledgement(
                    try publisher.publish("commands/dev\(device)", "mqtt \(round)", qos: 1))
            }
        }
        let expected = (0..<5).flatMap { ["kafka \($0)", "mqtt \($0)"] }
        for (number, device) in devices.enumerated() {
            let messages = try device.receive(10)
            #expect(messages.map(\.payload) == expected)
            #expect(messages.allSatisfy { $0.topic == "commands/dev\(number)" && $0.qos == 1 })
        }
        #expect(try whole.receive(30).count == 30)
        let stored = try consume(broker, "commands", "%k %s")
        for device in 0..<3 {
            #expect(stored.filter { $0.hasPrefix("dev\(device) ") } == expected.map { "dev\(device) \($0)" })
        }
        let replay = try subscriber(broker, "replay", "$replay/earliest/commands/dev1")
        #expect(try replay.receive(10).map(\.payload) == expected)
        // Without a key there is no topic: only whoever reads the stream gets it.
        try produce(broker, ["no key"], to: "commands", ["-K", "|"])
        let last = try #require(try whole.receive(31).last)
        #expect(last.topic == "commands" && last.payload == "no key")
        #expect(broker.stop() == 0)
    }

    @Test("sluice consume and a consumer group read what Kafka clients produce")
    func otherReaders() throws {
        let broker = try BrokerProcess(Self.configuration)
        let values = (0..<30).map { "\($0) \(Self.padding)" }
        try produce(broker, values.map { "dev1:\($0)" }, to: "commands", ["-z", "lz4"])
        let consumed = try broker.sluice(["consume", "commands"])
        #expect(consumed.code == 0)
        for value in values { #expect(consumed.output.contains(value), "\(consumed)") }
        let member = try MosquittoClient(id: "member", version: 5)
        try member.connect(port: broker.port)
        try member.subscribe("$share/g/$stream/commands", qos: 1, user: [("stream-offset", "earliest")])
        #expect(try member.receive(values.count).map(\.payload) == values)
        #expect(broker.stop() == 0)
    }

    @Test("a bridge passes on what Kafka clients produce, under its topics, and nothing that has none")
    func bridges() throws {
        let upstream = try MosquittoBroker()
        let broker = try BrokerProcess(
            Self.configuration + "bridges:\n  - name: up\n    address: 127.0.0.1:\(upstream.port)\n"
                + "    topics:\n      - topic: '# out 1'\n")
        let collector = try MosquittoClient(id: "collector")
        try collector.connect(port: upstream.port)
        try collector.subscribe("#", qos: 1)
        let values = (0..<30).map { "\($0) \(Self.padding)" }
        try produce(broker, ["no key"], to: "commands", ["-K", "|"])
        try produce(broker, values.map { "dev1:\($0)" }, to: "commands", ["-z", "snappy"])
        let expected = values.map { MosquittoClient.Message(topic: "commands/dev1", payload: $0, qos: 1) }
        #expect(try collector.receive(values.count) == expected)
        #expect(broker.stop() == 0)
    }

    @Test("what MQTT publishes is a record with key, headers and time")
    func consumesMessages() throws {
        let broker = try BrokerProcess(Self.configuration)
        let before = Int64(Date().timeIntervalSince1970 * 1000)
        let publisher = try MosquittoClient(id: "publisher")
        try publisher.connect(port: broker.port)
        for number in 0..<3 {
            try publisher.waitForAcknowledgement(
                try publisher.publish("commands/dev\(number)", "value\(number)", qos: Int32(max(1, number))))
        }
        let records = try consume(broker, "commands", "%k %s %h %T").sorted()
        let after = Int64(Date().timeIntervalSince1970 * 1000)
        try #require(records.count == 3)
        for (number, record) in records.enumerated() {
            let words = record.split(separator: " ").map(String.init)
            let headers = "mqtt.topic=commands/dev\(number),mqtt.qos=\(max(1, number))"
            #expect(Array(words.dropLast()) == ["dev\(number)", "value\(number)", headers])
            let time = try #require(Int64(words[3]))
            #expect((before - 1000...after + 1000).contains(time))
        }
        #expect(broker.stop() == 0)
    }
}

@Suite("A downlink in the configuration")
struct DownlinkConfigurationTests {
    @Test("check and explain say it, and refuse one that cannot be with its place")
    func checks() throws {
        let directory = try TemporaryDirectory()
        let good = try directory.write("good.yaml", "streams:\n  - name: mqtt\n    downlink: commands/{key}\n")
        for arguments in [["check"], ["check", "--json"], ["explain", "a/b"], ["explain", "a/b", "--json"]] {
            let result = try Program.sluice(arguments + ["--config", good])
            #expect(result.code == 0 && result.output.contains("commands/{key}"), "\(result)")
        }
        for (template, reason) in [
            ("a/{device}", "uses '{device}'"), ("a/#", "no wildcards"), ("\"$SYS/{key}\"", "begin with '$'"),
        ] {
            let bad = try directory.write("bad.yaml", "streams:\n  - name: mqtt\n    downlink: \(template)\n")
            let result = try Program.sluice(["check", "--config", bad])
            #expect(result.code == 1, "\(result)")
            #expect(result.errors.contains("\(bad):3:15: 'downlink'") && result.errors.contains(reason), "\(result)")
        }
    }
}
