import Foundation
import Testing

@Suite("bench pub and bench sub")
struct BenchCommandTests {
    private func object(_ result: Program.Result) throws -> [String: Any] {
        try #require(
            try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any], "\(result)")
    }

    /// Quantiles that cannot be: out of order, or outside of the extremes.
    private func expectSound(_ value: Any?, count: Int) throws {
        let latency = try #require(value as? [String: Any])
        #expect(latency["count"] as? Int == count)
        let quantiles = try ["min", "p50", "p90", "p99", "p99.9", "max"].map { try #require(latency[$0] as? Int) }
        #expect(quantiles == quantiles.sorted(), "\(quantiles)")
        #expect(quantiles[0] > 0)
    }

    @Test(
        "each QoS publishes as many messages as asked and measures every acknowledgement", arguments: ["0", "1", "2"])
    func publishes(qos: String) throws {
        let broker = try BrokerProcess()
        let result = try broker.sluice(
            ["bench", "pub", "-n", "2000", "-c", "5", "-q", qos, "-s", "32", "--topic", "b/%c/%m", "--json"])
        #expect(result.code == 0, "\(result)")
        let report = try object(result)
        #expect(report["messages"] as? Int == 2000)
        if qos == "0" {
            #expect(report["acknowledgement"] is NSNull)
        } else {
            try expectSound(report["acknowledgement"], count: 2000)
        }
        let consumed = try broker.sluice(["consume", "mqtt", "--json"]).lines
        #expect(consumed.count == 2000)
        // Each client and each of its messages has a topic of its own.
        let topics = Set(consumed.compactMap { $0.split(separator: "\"").dropFirst(3).first })
        #expect(topics.count == 2000)
        #expect(topics.contains("b/4/399"))
    }

    @Test("bench sub counts what bench pub sends and measures the way from end to end")
    func subscribes() throws {
        let broker = try BrokerProcess()
        let subscriber = try ChildProcess(
            [Program.sluice, "bench", "sub", "-n", "2000", "-q", "1", "--json", "--broker", broker.address],
            in: broker.directory)
        #expect(subscriber.wait { subscriber.errors.contains("subscribed") })
        #expect(try broker.sluice(["bench", "pub", "-n", "2000", "-c", "3", "--rate", "4000"]).code == 0)
        #expect(subscriber.exitCode() == 0)
        let report = try object(Program.Result(code: 0, output: subscriber.output, errors: subscriber.errors))
        #expect(report["messages"] as? Int == 2000)
        #expect(report["bytes"] as? Int == 2000 * 64)
        try expectSound(report["end_to_end"], count: 2000)
    }

    @Test("a rate is kept")
    func keepsRate() throws {
        let broker = try BrokerProcess()
        let report = try object(
            try broker.sluice(["bench", "pub", "-n", "500", "-c", "2", "--rate", "1000", "--json"]))
        let seconds = try #require(report["seconds"] as? Double)
        // 500 messages at 1000 a second take half a second; a busy machine may take longer, none less.
        #expect(seconds > 0.45)
    }

    @Test("a load whose broker goes away fails")
    func reportsLoss() throws {
        let broker = try BrokerProcess()
        let load = try ChildProcess(
            [Program.sluice, "bench", "pub", "-t", "600s", "-c", "2", "-r", "100", "--broker", broker.address],
            in: broker.directory)
        #expect(broker.process.wait { (try? broker.sluice(["consume", "mqtt", "--limit", "1"]).lines.count) == 1 })
        broker.crash()
        #expect(load.exitCode() == 1)
        #expect(load.errors.contains("is lost"))
    }
}
