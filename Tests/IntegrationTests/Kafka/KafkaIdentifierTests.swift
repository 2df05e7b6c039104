import Foundation
import Testing

@Suite("Who may use which transactional identifier, with foreign clients")
struct KafkaIdentifierTests {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        _ = try directory.write("passwords", "")
        for user in ["alice", "bob"] {
            let made = try Program.sluice(["passwd", "-b", "--scram", "\(directory.path)/passwords", user, "secret"])
            #expect(made.code == 0, "\(made)")
        }
    }

    private func broker(_ transactions: String) throws -> BrokerProcess {
        try BrokerProcess(
            """
            listeners: { mqtt: "127.0.0.1:0", kafka: "127.0.0.1:0" }
            password_file: \(directory.path)/passwords
            streams:
              - name: payments
            access:
              roles:
                payer: { write_streams: payments\(transactions) }
                other: { write_streams: payments }
              users: { alice: payer, bob: other }

            """ + BrokerProcess.plain)
    }

    private func produce(_ broker: BrokerProcess, _ user: String, _ identifier: String) throws -> [String] {
        let script = try #require(
            Bundle.module.path(forResource: "kafka_identifiers", ofType: "py", inDirectory: "Scripts"))
        let result = try Program.run(
            [KafkaEndpoint.python, "-W", "ignore", script, broker.kafka(), user, "secret", identifier], within: 120)
        #expect(result.code == 0, "\(result)\n\(broker.log.suffix(20))")
        return result.lines
    }

    @Test(
        "confluent-kafka: who is given an identifier commits, others hear 53, and the log names the rule",
        .enabled(if: KafkaEndpoint.has("confluent_kafka"), "confluent-kafka is not installed"))
    func given() throws {
        let broker = try broker(", transactions: [\"pay-*\"]")
        #expect(try produce(broker, "alice", "pay-1") == ["committed"])
        let refused = ["TRANSACTIONAL_ID_AUTHORIZATION_FAILED 53"]
        #expect(try produce(broker, "bob", "pay-1") == refused)
        #expect(try produce(broker, "alice", "other") == refused)
        let line = "user bob may not use the transactional identifier 'pay-1': no rule allows it"
        #expect(broker.log.contains { $0.contains(line) }, "\(broker.log)")
        #expect(broker.stop() == 0)
    }

    @Test(
        "confluent-kafka: with rules that say nothing of identifiers everybody uses them",
        .enabled(if: KafkaEndpoint.has("confluent_kafka"), "confluent-kafka is not installed"))
    func free() throws {
        let broker = try broker("")
        #expect(try produce(broker, "alice", "pay-1") == ["committed"])
        #expect(try produce(broker, "bob", "pay-1") == ["committed"])
        #expect(broker.stop() == 0)
    }
}
