import Foundation
import KafkaWire
import Testing

@Suite("A foreign member with a pattern, through a crash")
struct KafkaPatternTests {
    /// Makes a topic with one record.
    private func produce(_ value: String, to topic: String, _ broker: BrokerProcess) throws {
        let client = try KafkaClient(port: broker.port("kafka"))
        try client.create(topic, partitions: 1)
        let (id, epoch) = try client.initProducer(nil)
        let batch = KafkaClient.batch([value], (id, epoch), sequence: 0, isTransactional: false)
        let response: ProduceResponse = try client.ask(KafkaClient.production(topic, 0, batch, name: nil), 9)
        #expect(response.responses.first?.partitionResponses.first?.errorCode == KafkaErrorCode.none)
    }

    @Test(
        "confluent-kafka goes on after kill -9: with its pattern, where it was, and with what is made afterwards",
        .enabled(if: KafkaEndpoint.has("confluent_kafka"), "confluent-kafka is not installed"))
    func crash() throws {
        let kafka = try ReservedPort()
        let configuration = BrokerProcess.plain + "listeners:\n  kafka: 127.0.0.1:\(kafka.port)\n"
        var broker = try BrokerProcess(configuration)
        try produce("1", to: "sensors-a", broker)
        try produce("1", to: "other", broker)
        let directory = try TemporaryDirectory()
        let script = try #require(
            Bundle.module.path(forResource: "kafka_pattern_member", ofType: "py", inDirectory: "Scripts"))
        let member = try ChildProcess(
            [KafkaEndpoint.python, "-W", "ignore", script, broker.kafka(), "^sensors-.*"], in: directory)
        #expect(member.wait { member.output == "sensors-a 1\n" }, "\(member.output) \(member.errors)")
        broker.crash()
        broker = try broker.restarted(configuration)
        try produce("2", to: "sensors-b", broker)
        #expect(member.wait { member.output.contains("sensors-b 2\n") }, "\(member.output) \(member.errors)")
        try produce("end", to: "sensors-c", broker)
        #expect(member.exitCode(within: 120) == 0, "\(member.output) \(member.errors)")
        #expect(member.output.hasSuffix("sensors-c end\n") && !member.output.contains("other"), "\(member.output)")
        #expect(broker.stop() == 0)
    }
}
