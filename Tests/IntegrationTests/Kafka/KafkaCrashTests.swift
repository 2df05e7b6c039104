import Foundation
import Testing

@Suite("kill -9 under Kafka's clients")
struct KafkaCrashTests {
    private static let configuration = """
        journal:
          file_size: 1MiB
        log:
          tail_memory: 1MiB
          segment_size: 1MiB
        listeners:
          kafka: 127.0.0.1:0

        """
    /// `SLUICE_CRASH_ROUNDS` asks for more than the normal 5.
    private static let roundCount =
        ProcessInfo.processInfo.environment["SLUICE_CRASH_ROUNDS"].flatMap { Int($0) } ?? 5

    @Test(
        "nothing acknowledged is lost or comes twice, nothing that was given up is seen, offsets and shares stay")
    func losesNothing() throws {
        let seed =
            ProcessInfo.processInfo.environment["SLUICE_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 0..<1 << 32)
        let hint = Comment("again: SLUICE_SEED=\(seed) swift test --filter IntegrationTests.KafkaCrashTests")
        var generator = SeededGenerator(seed: seed)
        var broker = try BrokerProcess(Self.configuration)
        let first = try KafkaClient(port: broker.port("kafka"))
        try first.create("plain", partitions: 3)
        try first.create("transacted", partitions: 2)
        let stage = KafkaCrashStage()
        let idempotent = (Int32(0)..<3).map { IdempotentCrashClient($0, stage) }
        let transactional = [
            TransactionalCrashClient("t0", stage), TransactionalCrashClient("t1", stage), EpochCrashClient("e0", stage),
            EpochCrashClient("e1", stage),
        ]
        let committing = CommittingCrashClient("offsets", stage)
        let ledger = ShareLedger()
        try SharingCrashClient.prepare(first)
        let sharing = (0..<2).map { SharingCrashClient("s\($0)", stage, ledger, seed: seed &+ UInt64($0)) }
        let clients: [KafkaCrashClient] = idempotent + transactional + [committing] + sharing
        let names = clients.map(\.name)
        stage.set(port: try broker.port("kafka"))
        for client in clients { client.start() }
        for round in 0..<Self.roundCount {
            #expect(stage.wait(more: 3, of: names), "round \(round), \(hint): \(clients.compactMap(\.fault))")
            let moment = Double.random(in: 0...0.2, using: &generator)
            #expect(broker.process.exitCode(within: moment) == nil, "round \(round): \(broker.process.errors)")
            stage.set(port: nil)
            broker.crash()
            while Int.random(in: 0..<4, using: &generator) == 0 {
                try broker.killDuringStart(Self.configuration, after: Double.random(in: 0...0.06, using: &generator))
            }
            broker = try broker.restarted(Self.configuration)
            #expect(!broker.log.contains { $0.contains("damage") }, "round \(round), \(hint): \(broker.log)")
            stage.set(port: try broker.port("kafka"))
        }
        #expect(stage.wait(more: 3, of: names), hint)
        stage.close()
        for client in clients {
            #expect(client.join(within: 120), hint)
            #expect(client.fault == nil, hint)
        }
        let reader = try KafkaClient(port: broker.port("kafka"))
        for client in idempotent { try check(client, reader, hint) }
        try check(transactional, reader, hint)
        #expect(committing.faults.isEmpty, hint)
        try sharing[0].drain(reader)
        check(ledger, idempotent, hint)
        #expect(broker.stop() == 0, hint)
        let verify = try Program.sluice(["log", "verify", broker.data])
        #expect(verify.code == 0, "\(verify)")
    }

    private func check(_ client: IdempotentCrashClient, _ reader: KafkaClient, _ hint: Comment) throws {
        let values = try reader.readCommitted("plain", client.partition)
        #expect(client.acknowledgedCount == client.sentCount, hint)
        #expect(values == (0..<client.sentCount).map { "\(client.name) \($0)" }, hint)
    }

    /// Every record was accepted by some member, and came to nobody after that had been answered.
    private func check(_ ledger: ShareLedger, _ clients: [IdempotentCrashClient], _ hint: Comment) {
        #expect(ledger.faults.isEmpty, hint)
        for client in clients {
            let missing = ledger.missing(client.partition, before: Int64(client.sentCount))
            #expect(missing.isEmpty, hint)
        }
    }

    private func check(_ clients: [TransactionalCrashClient], _ reader: KafkaClient, _ hint: Comment) throws {
        for partition in Int32(0)...1 {
            let values = try reader.readCommitted("transacted", partition)
            for client in clients {
                let committed = client.outcomes.enumerated().filter { $0.element == .committed }.map(\.offset)
                let expected = committed.flatMap { number in (0..<3).map { "\(client.name) \(number) \($0)" } }
                #expect(values.filter { $0.hasPrefix(client.name + " ") } == expected, hint)
            }
        }
        for client in clients {
            #expect(!client.outcomes.contains(.unknown), hint)
            let last = client.outcomes.lastIndex(of: .committed) ?? -1
            #expect(try CommittingCrashClient.committed(client.group, reader) == Int64(last), hint)
        }
    }
}
