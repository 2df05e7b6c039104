import Foundation
import Testing

@Suite("Kafka clients for Python")
struct KafkaPythonTests {
    private func run(_ script: String, expecting steps: [String]) throws {
        let broker = try BrokerProcess(KafkaEndpoint.configuration)
        let file = try #require(Bundle.module.path(forResource: script, ofType: "py", inDirectory: "Scripts"))
        let result = try Program.run(
            [KafkaEndpoint.python, "-W", "ignore", file, broker.kafka()], within: 400)
        #expect(result.code == 0, "\(result.output)\n\(result.errors.suffix(4000))\n\(broker.log.suffix(20))")
        #expect(result.lines == steps)
        #expect(!broker.log.contains { $0.contains("malformed") }, "\(broker.log)")
        #expect(broker.stop() == 0)
    }

    @Test(
        "kafka-python: codecs, groups, offsets, administration",
        .enabled(if: KafkaEndpoint.has("kafka"), "kafka-python is not installed"))
    func kafkaPython() throws {
        try run("kafka_python", expecting: ["codecs", "group", "offsets", "times", "administration"])
    }

    @Test(
        "aiokafka: codecs with idempotence, a group, a transaction",
        .enabled(if: KafkaEndpoint.has("aiokafka"), "aiokafka is not installed"))
    func aiokafka() throws {
        try run("kafka_aio", expecting: ["codecs", "group", "transactions"])
    }

    @Test(
        "confluent-kafka: codecs with idempotence, static members, offsets, administration",
        .enabled(if: KafkaEndpoint.has("confluent_kafka"), "confluent-kafka is not installed"))
    func confluent() throws {
        try run("kafka_confluent", expecting: ["codecs", "static", "times", "transactions", "administration"])
    }

    @Test(
        "confluent-kafka: a group of 1, 3 and 2 members under load, of either protocol, loses nothing",
        .enabled(if: KafkaEndpoint.has("confluent_kafka"), "confluent-kafka is not installed"))
    func rebalances() throws {
        try run("kafka_rebalance", expecting: ["classic", "cooperative", "consumer"])
    }

    @Test(
        "confluent-kafka: a member's pattern is matched by the broker, also when topics are made later",
        .enabled(if: KafkaEndpoint.has("confluent_kafka"), "confluent-kafka is not installed"))
    func patterns() throws {
        try run("kafka_patterns", expecting: ["matched", "later", "changed", "refused"])
    }

    @Test(
        "confluent-kafka: three members of a share group read one partition, and nothing comes twice",
        .enabled(
            if: KafkaEndpoint.has("confluent_kafka; from confluent_kafka import ShareConsumer"),
            "confluent-kafka with share consumers is not installed"))
    func shares() throws {
        try run(
            "kafka_share",
            expecting: [
                "each record comes to one of three members of one partition", "what was accepted does not come again",
            ])
    }
}
