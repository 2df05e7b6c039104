import Foundation
import Testing

/// Share groups of clients that know nothing of this broker.
@Suite(
    "Apache Kafka's share consumers",
    .enabled(if: KafkaEndpoint.hasTools, "needs ../shared/kafka or SLUICE_KAFKA_HOME, and java"))
struct KafkaShareTests {
    private static let tools = "org.apache.kafka.tools."

    private func tool(_ broker: BrokerProcess, _ arguments: [String], input: String? = nil) throws -> Program.Result {
        let result = try KafkaEndpoint.tool(
            arguments + ["--bootstrap-server", broker.kafka()], input: input)
        #expect(result.code == 0, "\(arguments): \(result)")
        return result
    }

    private func groups(_ broker: BrokerProcess, _ arguments: String...) throws -> Program.Result {
        try tool(broker, ["run-class", Self.tools + "consumer.group.ShareGroupCommand"] + arguments)
    }

    private func prepare(_ broker: BrokerProcess, _ group: String, partitions: Int) throws {
        _ = try tool(broker, ["topics", "--create", "--topic", "shared", "--partitions", "\(partitions)"])
        _ = try tool(
            broker,
            [
                "configs", "--alter", "--entity-type", "groups", "--entity-name", group, "--add-config",
                "share.auto.offset.reset=earliest",
            ])
    }

    @Test("the console shares records, and the tool for groups shows, moves and deletes the group")
    func console() throws {
        let broker = try BrokerProcess(KafkaEndpoint.configuration)
        try prepare(broker, "g", partitions: 1)
        _ = try tool(broker, ["console-producer", "--topic", "shared"], input: "one\ntwo\nthree\n")
        let consumed = try tool(
            broker, ["console-share-consumer", "--topic", "shared", "--group", "g", "--max-messages", "3"])
        #expect(Array(consumed.lines.prefix(3)) == ["one", "two", "three"])
        let row = try #require(try groups(broker, "--describe", "--group", "g").lines.first { $0.contains("shared") })
        #expect(row.split(separator: " ").map(String.init) == ["g", "shared", "0", "3", "0"])
        #expect(try tool(broker, ["groups", "--list", "--share"]).output.contains("Share"))
        let own = try broker.sluice(["groups", "describe", "g"])
        #expect(own.output.contains("kind        share"), "\(own)")

        _ = try groups(broker, "--reset-offsets", "--group", "g", "--topic", "shared", "--to-earliest", "--execute")
        let rejected = try tool(
            broker, ["console-share-consumer", "--topic", "shared", "--group", "g", "--max-messages", "3", "--reject"])
        #expect(Array(rejected.lines.prefix(3)) == ["one", "two", "three"])
        let settings = try tool(broker, ["configs", "--describe", "--entity-type", "groups", "--entity-name", "g"])
        #expect(settings.output.contains("share.auto.offset.reset=earliest"))
        _ = try groups(broker, "--delete", "--group", "g")
        #expect(try groups(broker, "--list").lines.isEmpty)
        #expect(broker.stop() == 0)
        let folder = broker.data + "/streams/__share_group_state-0/"
        let logs = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".log") }
        let dumps = try logs.map {
            try KafkaEndpoint.tool(["dump-log", "--share-group-state-decoder", "--files", folder + $0]).output
        }.joined()
        #expect(dumps.contains(#""startOffset":3,"deliveryCompleteCount":0"#) && dumps.contains("<DELETE>"), "\(dumps)")
    }

    @Test("the verifiable share consumer has every record", arguments: ["auto", "sync", "async"])
    func verifiable(_ mode: String) throws {
        let broker = try BrokerProcess(KafkaEndpoint.configuration)
        try prepare(broker, "v", partitions: 2)
        _ = try tool(broker, ["verifiable-producer", "--topic", "shared", "--max-messages", "2000", "--acks", "-1"])
        let consumed = try tool(
            broker,
            [
                "run-class", Self.tools + "VerifiableShareConsumer", "--topic", "shared", "--group-id", "v",
                "--max-messages", "2000", "--acknowledgement-mode", mode,
            ])
        let counts = try consumed.lines.compactMap { line -> Int? in
            let event = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            return event?["name"] as? String == "records_consumed" ? event?["count"] as? Int : nil
        }
        #expect(counts.reduce(0, +) == 2000)
        let rows = try groups(broker, "--describe", "--group", "v").lines.filter { $0.contains("shared") }
        #expect(rows.count == 2 && rows.allSatisfy { $0.hasSuffix(" 0") }, "\(rows)")
        #expect(broker.stop() == 0)
    }
}
