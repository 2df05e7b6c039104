import Foundation
import Testing

@Suite("publish, consume and streams")
struct DataCommandTests {
    private func objects(_ result: Program.Result) throws -> [[String: Any]] {
        try result.lines.map { line in
            try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any], "\(line)")
        }
    }

    private func payloads(_ result: Program.Result) throws -> [String] {
        try objects(result).map { try #require($0["payload"] as? String) }
    }

    @Test("what publish sends at each QoS, consume prints", arguments: ["0", "1", "2"])
    func roundTrip(qos: String) throws {
        let broker = try BrokerProcess()
        let publish = try broker.sluice(["publish", "a/b", "--message", "21.5", "--qos", qos])
        #expect(publish.code == 0 && publish.errors.isEmpty, "\(publish)")
        let consume = try broker.sluice(["consume", "mqtt", "--json"])
        #expect(consume.code == 0, "\(consume)")
        let record = try #require(try objects(consume).first)
        #expect(record["topic"] as? String == "a/b")
        #expect(record["key"] as? String == "a/b")
        #expect(record["partition"] as? Int == 0)
        #expect(record["offset"] as? Int == 0)
        #expect(record["payload"] as? String == "21.5")
        #expect(record["timestamp"] as? Int ?? 0 > 1_700_000_000_000_000)
    }

    @Test("a record has the time at which it came, also to a broker that was idle until then")
    func timestamps() throws {
        let broker = try BrokerProcess()
        let peer = try Peer(broker, 4, "p")
        for _ in 1...3 {
            // Idle for less than the half second after which the broker looks at the clock by itself.
            #expect(peer.next(within: 0.45) == "silence")
            peer.stores("t", "\(Int(Date.now.timeIntervalSince1970 * 1000))")
        }
        for record in try objects(try broker.sluice(["consume", "mqtt", "--json"])) {
            let sent = try #require((record["payload"] as? String).flatMap { Int($0) })
            let stored = try #require(record["timestamp"] as? Int) / 1000
            // The kernel's cheap clock is one of its ticks behind.
            #expect(stored >= sent - 20)
        }
    }

    @Test("lines, files and repetitions are published in order")
    func publishesManyWays() throws {
        let broker = try BrokerProcess()
        let lines = (0..<3000).map { "line \($0)" }
        let input = lines.joined(separator: "\n") + "\n"
        #expect(try broker.sluice(["publish", "l", "--stdin-lines"], input: input).code == 0)
        #expect(try payloads(try broker.sluice(["consume", "mqtt", "--json"])) == lines)
        let directory = try TemporaryDirectory()
        let file = directory.path + "/payload"
        try Data([0xFF, 0x00, 0x01]).write(to: URL(filePath: file))
        #expect(try broker.sluice(["publish", "f", "--file", file, "--count", "3"]).code == 0)
        let records = try objects(try broker.sluice(["consume", "mqtt", "--filter", "f", "--json"]))
        #expect(records.count == 3)
        #expect(records.allSatisfy { $0["payload"] as? String == "/wAB" && $0["encoding"] as? String == "base64" })
    }

    @Test("a publish that the broker refuses exits with 1 and says why")
    func reportsRefusals() throws {
        let broker = try BrokerProcess()
        let reserved = try broker.sluice(["publish", "$SYS/x", "-m", "1"])
        #expect(reserved.code == 1)
        #expect(reserved.errors.contains("reason 135 (not allowed)"), "\(reserved)")
        #expect(try broker.sluice(["publish", "a/+", "-m", "1"]).code == 1)
    }

    @Test("consume starts, stops, filters and limits as it is told")
    func consumesRanges() throws {
        let broker = try BrokerProcess()
        let lines = (0..<20).map(String.init)
        #expect(try broker.sluice(["publish", "even", "-l"], input: lines.joined(separator: "\n")).code == 0)
        #expect(try broker.sluice(["publish", "odd", "-m", "last"]).code == 0)
        func consume(_ options: String...) throws -> [String] {
            let result = try broker.sluice(["consume", "mqtt", "--json"] + options)
            #expect(result.code == 0, "\(result)")
            return try payloads(result)
        }
        #expect(try consume("--from", "0:5", "--until", "0:8") == ["5", "6", "7"])
        #expect(try consume("--from", "0:19") == ["19", "last"])
        #expect(try consume("--limit", "2") == ["0", "1"])
        #expect(try consume("--from", "latest").isEmpty)
        #expect(try consume("--until", "earliest").isEmpty)
        #expect(try consume("--filter", "odd") == ["last"])
        #expect(try consume("--filter", "+/x").isEmpty)
        #expect(try consume("--from", "-1h", "--until", "latest").count == 21)
        #expect(try consume("--until", "2020-01-01T00:00:00Z").isEmpty)
        #expect(try consume("--from", "earliest", "--until", "2099-01-01T00:00:00Z").count == 21)
    }

    @Test("consume --follow goes on with what comes, and stops at its limit")
    func follows() throws {
        let broker = try BrokerProcess()
        #expect(try broker.sluice(["publish", "a", "-m", "old"]).code == 0)
        let follower = try ChildProcess(
            [
                Program.sluice, "consume", "mqtt", "--follow", "--json", "--filter", "a", "--limit", "3", "--broker",
                broker.address,
            ], in: broker.directory)
        for payload in ["new", "newer"] { #expect(try broker.sluice(["publish", "a", "-m", payload]).code == 0) }
        #expect(follower.exitCode() == 0)
        let found = try payloads(Program.Result(code: 0, output: follower.output, errors: ""))
        #expect(found == ["old", "new", "newer"])
    }

    @Test("people get aligned columns, with control characters made harmless")
    func printsColumns() throws {
        let broker = try BrokerProcess()
        #expect(try broker.sluice(["publish", "a", "-m", "x\u{1B}[31m"]).code == 0)
        let result = try broker.sluice(["consume", "mqtt"])
        #expect(result.lines.count == 1)
        #expect(result.output.contains("  0:0     a         a                 x\\u{1b}[31m"), "\(result.output)")
    }

    @Test("streams lists and describes, as a table and as JSON")
    func listsStreams() throws {
        let broker = try BrokerProcess(
            "streams:\n  - name: sensors\n    partitions: 3\n    durability: memory\n" + BrokerProcess.plain)
        let list = try broker.sluice(["streams", "list"])
        #expect(list.code == 0)
        #expect(list.lines.first?.hasPrefix("STREAM ") == true)
        let rows = list.lines.map { $0.split(separator: " ").joined(separator: " ") }
        #expect(rows.contains("sensors 3 0 0 B memory 7d"), "\(list.output)")
        let json = try broker.sluice(["streams", "list", "--json"])
        let document = try #require(try objects(json).first)
        let names = (document["streams"] as? [[String: Any]])?.compactMap { $0["name"] as? String }
        let own = [
            "__bridges", "__cluster", "__consumer_offsets", "__devices", "__presence", "__retained", "__sessions",
            "__share_group_state", "__transaction_state",
        ]
        #expect(names?.sorted() == own + ["mqtt", "sensors"])
        #expect(try broker.sluice(["publish", "t", "-m", "x"]).code == 0)
        let described = try broker.sluice(["streams", "describe", "mqtt", "--json"])
        let stream = try #require(try objects(described).first)
        let partition = try #require((stream["partitions"] as? [[String: Any]])?.first)
        #expect(partition["durable"] as? Int == 1)
        #expect(try broker.sluice(["streams", "describe", "mqtt"]).output.contains("PARTITION"))
        let missing = try broker.sluice(["streams", "describe", "sensor"])
        #expect(missing.code == 1)
        #expect(missing.errors == "sluice: the broker has no stream 'sensor'; did you mean 'sensors'?\n")
        #expect(try broker.sluice(["consume", "nothing"]).code == 1)
        #expect(try broker.sluice(["consume", "__sessions"]).code == 1)
    }
}
