import Foundation
import Glibc
import Testing

@Suite(
    "Apache Kafka's own programs",
    .enabled(if: KafkaEndpoint.hasTools, "needs ../shared/kafka or SLUICE_KAFKA_HOME, and java"))
struct KafkaToolTests {
    private func tool(
        _ broker: BrokerProcess, _ arguments: [String], input: String? = nil
    ) throws -> Program.Result {
        let result = try KafkaEndpoint.tool(
            arguments + ["--bootstrap-server", broker.kafka()], input: input)
        #expect(result.code == 0, "\(arguments): \(result)")
        return result
    }

    @Test("the console's producer and consumer say hello, in a group")
    func console() throws {
        let broker = try BrokerProcess(KafkaEndpoint.configuration)
        _ = try tool(broker, ["console-producer", "--topic", "hello"], input: "Hello Kafka\nand again\n")
        let consumed = try tool(
            broker,
            ["console-consumer", "--topic", "hello", "--from-beginning", "--max-messages", "2", "--group", "console"])
        #expect(consumed.lines == ["Hello Kafka", "and again"])
        let group = try tool(broker, ["consumer-groups", "--describe", "--group", "console"])
        let row = try #require(group.lines.first { $0.contains("hello") })
        let fields = row.split(separator: " ").map(String.init)
        #expect(Array(fields[..<6]) == ["console", "hello", "0", "2", "2", "0"], "\(group)")
        #expect(try tool(broker, ["consumer-groups", "--list"]).lines == ["console"])
        _ = try tool(
            broker,
            [
                "consumer-groups", "--group", "console", "--topic", "hello", "--reset-offsets", "--to-earliest",
                "--execute",
            ])
        let again = try tool(
            broker, ["console-consumer", "--topic", "hello", "--max-messages", "2", "--group", "console"])
        #expect(again.lines == ["Hello Kafka", "and again"])
        _ = try tool(broker, ["consumer-groups", "--delete", "--group", "console"])
        #expect(try tool(broker, ["consumer-groups", "--list"]).lines.isEmpty)
        #expect(broker.stop() == 0)
    }

    @Test("topics, settings, offsets, records that are deleted, and the segments on disk")
    func administration() throws {
        let broker = try BrokerProcess(KafkaEndpoint.configuration)
        _ = try tool(
            broker, ["topics", "--create", "--topic", "made", "--partitions", "3", "--config", "retention.ms=60000"])
        let described = try tool(broker, ["topics", "--describe", "--topic", "made"])
        #expect(described.output.contains("PartitionCount: 3") && described.output.contains("retention.ms=60000"))
        _ = try tool(broker, ["topics", "--alter", "--topic", "made", "--partitions", "4"])
        _ = try tool(
            broker,
            ["configs", "--alter", "--entity-type", "topics", "--entity-name", "made", "--add-config", "flush.ms=7"])
        let settings = try tool(
            broker, ["configs", "--describe", "--entity-type", "topics", "--entity-name", "made"])
        #expect(settings.output.contains("flush.ms=7") && settings.output.contains("retention.ms=60000"))
        let lines = (0..<100).map { "line \($0)" }.joined(separator: "\n") + "\n"
        _ = try tool(broker, ["topics", "--create", "--topic", "one"])
        _ = try tool(broker, ["console-producer", "--topic", "one", "--compression-codec", "zstd"], input: lines)
        #expect(try tool(broker, ["get-offsets", "--topic", "one"]).lines == ["one:0:100"])
        let file = try broker.directory.write(
            "delete.json", #"{"version":1,"partitions":[{"topic":"one","partition":0,"offset":40}]}"#)
        let deleted = try tool(broker, ["delete-records", "--offset-json-file", file])
        #expect(deleted.output.contains("low_watermark: 40"), "\(deleted)")
        #expect(try tool(broker, ["get-offsets", "--topic", "one", "--time", "earliest"]).lines == ["one:0:40"])
        let transactions = try KafkaEndpoint.tool(["transactions", "--bootstrap-server", broker.kafka(), "list"])
        #expect(transactions.code == 0, "\(transactions)")
        _ = try tool(broker, ["topics", "--delete", "--topic", "made"])
        #expect(!(try tool(broker, ["topics", "--list"]).lines.contains("made")))
        #expect(broker.stop() == 0)
        let folder = broker.data + "/streams/one-0/"
        let logs = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".log") }
        #expect(!logs.isEmpty)
        for log in logs {
            let dump = try KafkaEndpoint.tool(["dump-log", "--files", folder + log, "--deep-iteration"])
            #expect(dump.code == 0 && dump.output.contains("isvalid: true"), "\(dump)")
            #expect(!dump.output.contains("isvalid: false") && dump.errors.isEmpty, "\(dump)")
        }
    }

    @Test("the verifiable producer's records all come to the verifiable consumer")
    func verifiable() throws {
        let broker = try BrokerProcess(KafkaEndpoint.configuration)
        _ = try tool(broker, ["topics", "--create", "--topic", "verified", "--partitions", "2"])
        let produced = try tool(
            broker, ["verifiable-producer", "--topic", "verified", "--max-messages", "2000", "--acks", "-1"])
        #expect(produced.output.contains(#""acked":2000"#), "\(produced.lines.suffix(2))")
        let consumed = try tool(
            broker,
            [
                "verifiable-consumer", "--topic", "verified", "--group-id", "v", "--max-messages", "2000",
                "--reset-policy", "earliest",
            ])
        let counts = try consumed.lines.compactMap { line -> Int? in
            let event = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            return event?["name"] as? String == "records_consumed" ? event?["count"] as? Int : nil
        }
        #expect(counts.reduce(0, +) == 2000)
        #expect(broker.stop() == 0)
    }

    @Test("the perf tools' transactions, each of another epoch, are what a reader of committed records gets")
    func transactions() throws {
        let broker = try BrokerProcess(KafkaEndpoint.configuration)
        let features = try KafkaEndpoint.tool(["features", "--bootstrap-server", broker.kafka(), "describe"])
        #expect(features.output.contains("transaction.version"), "\(features)")
        _ = try tool(broker, ["topics", "--create", "--topic", "paid"])
        let count = 20_000
        _ = try tool(
            broker,
            [
                "producer-perf", "--topic", "paid", "--num-records", "\(count)", "--record-size", "100", "--throughput",
                "20000", "--transactional-id", "till", "--transaction-duration-ms", "50",
            ])
        let listed = try KafkaEndpoint.tool(["transactions", "--bootstrap-server", broker.kafka(), "list"])
        #expect(listed.lines.contains { $0.hasPrefix("till") && $0.contains("CompleteCommit") }, "\(listed)")
        let described = try KafkaEndpoint.tool(
            ["transactions", "--bootstrap-server", broker.kafka(), "describe", "--transactional-id", "till"])
        // CoordinatorId, TransactionalId, ProducerId, ProducerEpoch, ...: the epoch tells how many have ended.
        let row = try #require(described.lines.first { $0.contains("till") }, "\(described)")
        let epoch = try #require(
            row.split(whereSeparator: \.isWhitespace).dropFirst(3).first.flatMap { Int($0) }, "\(described)")
        #expect(epoch >= 2, "\(described)")
        let consumed = try tool(
            broker, ["consumer-perf", "--topic", "paid", "--num-records", "\(count)", "--timeout", "60000"])
        #expect(consumed.output.contains("\(count)"), "\(consumed)")
        let read = try KafkaClient(port: broker.port("kafka")).readCommitted("paid", 0)
        #expect(read.count == count)
        #expect(broker.stop() == 0)
    }

    @Test("a consumer's SubscriptionPattern is matched by the broker", .enabled(if: Program.isInstalled("javac")))
    func pattern() throws {
        let broker = try BrokerProcess(KafkaEndpoint.configuration)
        for topic in ["sensors-a", "sensors-b", "my-sensors-c"] {
            _ = try tool(broker, ["console-producer", "--topic", topic], input: "1\n2\n")
        }
        let source = try #require(
            Bundle.module.path(forResource: "PatternConsumer", ofType: "java", inDirectory: "Scripts"))
        let consumed = try KafkaEndpoint.tool(["run-class", source, broker.kafka(), "sensors-.*", "4"])
        #expect(consumed.lines == ["sensors-a", "sensors-b"], "\(consumed)\n\(broker.log.suffix(20))")
        #expect(broker.stop() == 0)
    }

    @Test("Connect copies a file into a topic, and the topic into a file")
    func connect() throws {
        let broker = try BrokerProcess(KafkaEndpoint.configuration)
        let (source, sink) = (broker.directory.path + "/source.txt", broker.directory.path + "/sink.txt")
        try Data("first\nsecond\nthird\n".utf8).write(to: URL(filePath: source))
        let converter = "org.apache.kafka.connect.storage.StringConverter"
        let worker = try broker.directory.write(
            "worker.properties",
            """
            bootstrap.servers=\(try broker.kafka())
            key.converter=\(converter)
            value.converter=\(converter)
            offset.storage.file.filename=\(broker.directory.path)/offsets
            offset.flush.interval.ms=1000
            listeners=http://127.0.0.1:0

            """)
        let kind = "org.apache.kafka.connect.file.FileStream"
        let reader = try broker.directory.write(
            "source.properties",
            "name=source\nconnector.class=\(kind)SourceConnector\ntasks.max=1\nfile=\(source)\ntopic=lines\n")
        let writer = try broker.directory.write(
            "sink.properties",
            "name=sink\nconnector.class=\(kind)SinkConnector\ntasks.max=1\nfile=\(sink)\ntopics=lines\n")
        let connect = try ChildProcess(
            [KafkaEndpoint.home + "/bin/kafka", "connect-standalone", worker, reader, writer], in: broker.directory,
            environment: KafkaEndpoint.toolEnvironment)
        let isCopied = try connect.wait(within: 120) {
            guard FileManager.default.fileExists(atPath: sink) else { return false }
            return try String(contentsOfFile: sink, encoding: .utf8) == "first\nsecond\nthird\n"
        }
        #expect(isCopied, "\(connect.output.suffix(2000)) \(connect.errors.suffix(2000))")
        connect.kill(SIGTERM)
        #expect(connect.exitCode(within: 60) != nil)
        #expect(broker.stop() == 0)
    }
}
