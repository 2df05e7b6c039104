import KafkaWire
import Testing

@Suite("Share groups on the command line")
struct ShareGroupCommandTests {
    private func row(_ result: Program.Result, _ word: String) throws -> [String] {
        try #require(result.lines.first { $0.hasPrefix(word) }, "\(result)").split(separator: " ").map(String.init)
    }

    private func heartbeat(_ client: KafkaClient, epoch: Int32) throws {
        let response: ShareGroupHeartbeatResponse = try client.ask(
            ShareGroupHeartbeatRequest(
                groupID: SharingCrashClient.group, memberID: "m", memberEpoch: epoch,
                subscribedTopicNames: epoch == 0 ? ["plain"] : nil), 1)
        #expect(response.errorCode == .none)
    }

    @Test("A share group is listed, described with what it has left, moved and deleted when nobody is in it")
    func lifecycle() throws {
        let broker = try BrokerProcess(KafkaEndpoint.configuration)
        let client = try KafkaClient(port: broker.port("kafka"))
        try client.create("plain", partitions: 1)
        try SharingCrashClient.prepare(client)
        let batch = KafkaClient.batch(
            (0..<5).map { "\($0)" }, try client.initProducer(nil), sequence: 0, isTransactional: false)
        let produced: ProduceResponse = try client.ask(KafkaClient.production("plain", 0, batch, name: nil), 9)
        #expect(produced.responses.first?.partitionResponses.first?.errorCode == KafkaErrorCode.none)
        try heartbeat(client, epoch: 0)
        let topic = try SharingCrashClient.topicID(client)
        let fetched: ShareFetchResponse = try client.ask(
            ShareFetchRequest(
                groupID: SharingCrashClient.group, memberID: "m", maxRecords: 10, batchSize: 10,
                topics: [.init(topicID: topic, partitions: [.init(partitionIndex: 0)])]), 2)
        #expect(fetched.responses.first?.partitions.first?.acquiredRecords.map(\.lastOffset) == [4])
        let said: ShareAcknowledgeResponse = try client.ask(
            ShareAcknowledgeRequest(
                groupID: SharingCrashClient.group, memberID: "m", shareSessionEpoch: 1,
                topics: [
                    .init(
                        topicID: topic,
                        partitions: [
                            .init(
                                partitionIndex: 0,
                                acknowledgementBatches: [
                                    .init(firstOffset: 0, lastOffset: 3, acknowledgeTypes: [1, 1, 2, 1])
                                ])
                        ])
                ]), 2)
        #expect(said.responses.first?.partitions.map(\.errorCode) == [.none])

        let list = try broker.sluice(["groups", "list"])
        #expect(try row(list, "sharing") == ["sharing", "stable", "1", "plain", "2"])
        let described = try broker.sluice(["groups", "describe", "sharing"])
        #expect(try row(described, "kind") == ["kind", "share"])
        #expect(Array(try row(described, "plain")[..<5]) == ["plain", "0", "2", "5", "2"])
        #expect(try broker.sluice(["groups", "delete", "sharing"]).errors.contains("has members"))
        let early = ["groups", "reset", "sharing", "--to-earliest"]
        #expect(try broker.sluice(early + ["--execute"]).code == 1)

        try heartbeat(client, epoch: -1)
        #expect(try broker.sluice(early).output.contains("is moved"))
        #expect(
            Array(try row(try broker.sluice(["groups", "describe", "sharing"]), "plain")[..<5])
                == ["plain", "0", "0", "5", "5"])
        #expect(try broker.sluice(["groups", "delete", "sharing"]).output.contains("is deleted"))
        #expect(!(try broker.sluice(["groups", "list"]).output.contains("sharing")))
        #expect(broker.stop() == 0)
    }
}
