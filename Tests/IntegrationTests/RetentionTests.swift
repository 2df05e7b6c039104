import Foundation
import Testing

@Suite("What is kept, and for how long")
struct RetentionTests {
    private static let small = "journal:\n  file_size: 1MiB\nlog:\n  segment_size: 1MiB\n"

    private func partition(_ broker: BrokerProcess) throws -> [String: Any] {
        let result = try broker.sluice(["streams", "describe", "mqtt", "--json"])
        let document = try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any]
        return try #require((document?["partitions"] as? [[String: Any]])?.first)
    }

    private func records(_ broker: BrokerProcess, _ options: String...) throws -> [[String: Any]] {
        let result = try broker.sluice(["consume", "mqtt", "--json"] + options)
        #expect(result.code == 0, "\(result)")
        return try result.lines.map { line in
            try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        }
    }

    @Test("SIGHUP changes a stream's retention; old segments go, the start moves, and readers go on there")
    func changesAtRunTime() throws {
        let broker = try BrokerProcess(Self.small)
        let bench = try broker.sluice(["bench", "pub", "-n", "6000", "-s", "1000", "-c", "4", "--topic", "t/%c"])
        #expect(bench.code == 0)
        #expect(try partition(broker)["start"] as? Int == 0)
        try broker.reload(with: Self.small + "streams:\n  - name: mqtt\n    retention:\n      size: 1\n")
        #expect(broker.logs("the configuration is not reloaded, the running one stays"), "\(broker.log)")
        try broker.reload(with: Self.small + "streams:\n  - name: mqtt\n    retention:\n      size: 2MiB\n")
        #expect(broker.logs("configuration reloaded; changed: stream mqtt"), "\(broker.log)")
        let isTrimmed = try broker.process.wait { try partition(broker)["start"] as? Int ?? 0 > 0 }
        #expect(isTrimmed)
        let start = try #require(try partition(broker)["start"] as? Int)
        let read = try records(broker)
        #expect(read.first?["offset"] as? Int ?? -1 >= start)
        #expect(read.last?["offset"] as? Int == 5999)
        #expect(broker.stop() == 0)
        #expect(try Program.sluice(["log", "verify", broker.data]).code == 0)
    }

    @Test("the total of all streams is bounded, too")
    func bounded() throws {
        let broker = try BrokerProcess(Self.small + "  retention_size: 3MiB\n")
        for _ in 0..<2 {
            let bench = try broker.sluice(["bench", "pub", "-n", "4000", "-s", "1000", "-c", "4", "--topic", "t/%c"])
            #expect(bench.code == 0)
        }
        #expect(try broker.process.wait { try partition(broker)["start"] as? Int ?? 0 > 2000 })
        #expect(broker.stop() == 0)
    }

    @Test("a message is not replayed when its time is over", .enabled(if: Program.isInstalled("mosquitto_pub")))
    func expires() throws {
        let broker = try BrokerProcess()
        for (payload, seconds) in [("short", "1"), ("long", "1000")] {
            let publish = try broker.mosquitto(
                "pub",
                ["-V", "5", "-q", "1", "-t", "e", "-m", payload, "-D", "publish", "message-expiry-interval", seconds])
            #expect(publish.code == 0, "\(publish)")
        }
        let isOver = try broker.process.wait {
            try records(broker).compactMap { $0["payload"] as? String } == ["long"]
        }
        #expect(isOver)
        // It is in the log as long as its segment is.
        #expect(try Program.sluice(["log", "export", broker.data]).lines.count == 2)
    }
}
