import Foundation
import Glibc
import Testing

@Suite(
    "retention, and a bridge whose upstream is gone",
    .enabled(if: Program.isInstalled("mosquitto"), "mosquitto is not installed")
)
struct BridgeRetentionTests {
    /// Segments of 1 MiB, of which a partition keeps 2 MiB; what is older than 1 MiB is in files alone.
    private static func configuration(_ port: Int, _ bridge: [String]) -> String {
        let stream = """
            log:
              tail_memory: 1MiB
            streams:
              - name: mqtt
                retention:
                  size: 2MiB
                segment_size: 1MiB

            """
        return stream + BridgeTests.configuration(port, ["q/# out 1"], bridge + ["notifications: false"])
    }

    private static let count = 8000

    /// Publishes messages of 1,000 bytes, numbered in front.
    private func publish(_ broker: BrokerProcess, _ numbers: Range<Int>) throws {
        let rest = String(repeating: "x", count: 992)
        let lines = numbers.map { String(format: "%07d ", $0) + rest + "\n" }.joined()
        let arguments = ["mosquitto_pub", "-p", String(broker.port), "-t", "q/a", "-q", "1", "-l"]
        let result = try Program.run(arguments, input: lines, within: 300)
        #expect(result.code == 0, "\(result.errors)")
    }

    private func earliest(_ broker: BrokerProcess) throws -> Int {
        let output = try broker.sluice(["streams", "describe", "mqtt", "--json"]).output
        let document = try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any]
        let partitions = document?["partitions"] as? [[String: Any]]
        return try #require(partitions?.first?["start"] as? Int, "\(output)")
    }

    private func numbers(_ messages: [MosquittoClient.Message]) -> [Int] {
        messages.compactMap { Int($0.payload.prefix(7)) }
    }

    @Test("hold: it warns, retention waits, and everything comes")
    func hold() throws {
        let port = try ReservedPort()
        let broker = try BrokerProcess(Self.configuration(port.port, ["hold: 64MiB"]))
        _ = try BridgeTests.waits(broker) { $0.contains("\"cause\":\"TCP\"") }
        try publish(broker, 0..<5000)
        let shown = try BridgeTests.waits(broker, { $0.contains("\"state\":\"held\"") })
        #expect(shown.contains("\"lag_records\":5000") && shown.contains("\"dropped\":0"), "\(shown)")
        #expect(broker.logs("retention is about to overtake it; retention waits for it, up to 67108864 bytes"))
        #expect(try earliest(broker) == 0)
        #expect(try broker.sluice(["bridges", "pause", "up"]).code == 0)
        let upstream = try MosquittoBroker(at: port)
        let collector = try MosquittoClient(id: "collector")
        try collector.connect(port: upstream.port)
        try collector.subscribe("q/#", qos: 1)
        #expect(try broker.sluice(["bridges", "resume", "up"]).code == 0)
        #expect(numbers(try collector.receive(5000, within: 60)) == Array(0..<5000))
        // What it waited with, retention does now.
        #expect(try broker.process.wait(within: 120) { try earliest(broker) > 0 })
        #expect(broker.stop() == 0)
    }

    @Test("hold: beyond its quota retention goes on, which is told and counted")
    func quota() throws {
        let port = try ReservedPort()
        let broker = try BrokerProcess(Self.configuration(port.port, ["hold: 6MiB"]))
        _ = try BridgeTests.waits(broker) { $0.contains("\"cause\":\"TCP\"") }
        try publish(broker, 0..<4000)
        _ = try BridgeTests.waits(broker, { $0.contains("\"state\":\"held\"") })
        try publish(broker, 4000..<Self.count)
        try lost(broker, port)
    }

    @Test("drop-and-count: it warns, and what retention took is counted")
    func dropAndCount() throws {
        let port = try ReservedPort()
        let broker = try BrokerProcess(Self.configuration(port.port, ["overtaken: drop-and-count"]))
        _ = try BridgeTests.waits(broker) { $0.contains("\"cause\":\"TCP\"") }
        try publish(broker, 0..<Self.count)
        #expect(broker.logs("retention is about to overtake it; what retention takes is lost to it and counted"))
        try lost(broker, port)
    }

    /// Retention has taken something; what is left comes, and what is not is counted, and shown.
    private func lost(_ broker: BrokerProcess, _ port: ReservedPort) throws {
        #expect(try broker.process.wait(within: 120) { try earliest(broker) > 0 })
        #expect(try broker.sluice(["bridges", "pause", "up"]).code == 0)
        let upstream = try MosquittoBroker(at: port)
        let collector = try MosquittoClient(id: "collector")
        try collector.connect(port: upstream.port)
        try collector.subscribe("q/#", qos: 1)
        #expect(try broker.sluice(["bridges", "resume", "up"]).code == 0)
        let shown = try BridgeTests.waits(broker) { $0.contains("\"lag_records\":0") && $0.contains("\"inflight\":0") }
        let dropped = try #require(shown.firstMatch(of: /"dropped":(\d+)/).flatMap { Int($0.1) })
        let forwarded = try #require(shown.firstMatch(of: /"forwarded":(\d+)/).flatMap { Int($0.1) })
        #expect(dropped > 0 && dropped + forwarded == Self.count, "\(shown)")
        let came = numbers(try collector.receive(forwarded, within: 60))
        #expect(came.count == forwarded && came.last == Self.count - 1 && came == came.sorted())
        #expect(broker.logs("retention took "))
        let table = try broker.sluice(["bridges", "describe", "up"]).output
        #expect(table.contains("lost to retention") && table.contains("\(dropped)"), "\(table)")
        #expect(broker.stop() == 0)
    }
}
