import Foundation
import Testing

@Suite("log dump and log verify")
struct LogCommandTests {
    private static let small = "journal:\n  file_size: 1MiB\nlog:\n  segment_size: 1MiB\n"

    /// A data directory of a broker that was stopped, with records in several segments.
    private func filled() throws -> BrokerProcess {
        let broker = try BrokerProcess(Self.small)
        let bench = try broker.sluice(["bench", "pub", "-n", "4000", "-s", "1000", "-c", "4", "--topic", "t/%c"])
        #expect(bench.code == 0, "\(bench)")
        return broker
    }

    private func partition(_ broker: BrokerProcess) -> String { broker.data + "/streams/mqtt-0" }

    private func segments(_ broker: BrokerProcess, _ suffix: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: partition(broker)).filter { $0.hasSuffix(suffix) }.sorted()
            .map { partition(broker) + "/" + $0 }
    }

    /// Flips a bit of the byte at `position`.
    private func damage(_ path: String, at position: Int) throws {
        var bytes = try Data(contentsOf: URL(filePath: path))
        bytes[position] ^= 0x10
        try bytes.write(to: URL(filePath: path))
    }

    @Test("a running broker's directory and a stopped one's are whole")
    func verifiesWhole() throws {
        let broker = try filled()
        let running = try Program.sluice(["log", "verify", broker.data])
        #expect(running.code == 0, "\(running)")
        #expect(broker.stop() == 0)
        let stopped = try Program.sluice(["log", "verify", broker.data, "--json"])
        #expect(stopped.code == 0, "\(stopped)")
        let document = try #require(try JSONSerialization.jsonObject(with: Data(stopped.output.utf8)) as? [String: Any])
        #expect(document["damaged"] as? Bool == false)
        let partitions = try #require(document["partitions"] as? [[String: Any]])
        let mqtt = try #require(partitions.first { $0["name"] as? String == "mqtt-0" })
        #expect(mqtt["records"] as? Int == 4000)
        #expect(mqtt["segments"] as? Int ?? 0 > 3)
        let one = try Program.sluice(["log", "verify", partition(broker)])
        #expect(one.code == 0)
        #expect(one.output.contains("mqtt-0") && !one.output.contains("__sessions-0"))
    }

    @Test("a crashed broker's directory is whole: what the crash left is the next start's to settle")
    func verifiesCrashed() throws {
        let broker = try filled()
        broker.crash()
        let result = try Program.sluice(["log", "verify", broker.data])
        #expect(result.code == 0, "\(result)")
    }

    @Test("a flipped bit in a batch, an index or the catalogue is damage, with its file and place")
    func findsDamage() throws {
        let broker = try filled()
        #expect(broker.stop() == 0)
        let log = try #require(try segments(broker, ".log").first)
        let payload = try #require(try Data(contentsOf: URL(filePath: log)).payloadIndex(from: 5000))
        try damage(log, at: payload)
        let index = try #require(try segments(broker, ".index").dropFirst().first)
        try damage(index, at: 6)
        let times = try #require(try segments(broker, ".timeindex").dropFirst(2).first)
        try damage(times, at: 7)
        try damage(broker.data + "/meta/catalogue", at: 30)
        let result = try Program.sluice(["log", "verify", broker.data])
        #expect(result.code == 1)
        let name = { (path: String) in "streams/mqtt-0/" + URL(filePath: path).lastPathComponent }
        for part in ["\(name(log)): ", "\(name(index)): entry 0 ", "\(name(times)): entry 0 ", "meta/catalogue: "] {
            #expect(result.output.contains("damage: \(part)"), "\(part) in \(result.output)")
        }
        #expect(result.output.hasSuffix("DAMAGED\n"))
        let dump = try Program.sluice(["log", "dump", log])
        #expect(dump.code == 1)
        #expect(dump.output.contains("DAMAGE at "))
    }

    @Test("a clean directory whose newest segment was cut is damaged")
    func findsTruncation() throws {
        let broker = try filled()
        #expect(broker.stop() == 0)
        let newest = try #require(try segments(broker, ".log").last)
        let bytes = try Data(contentsOf: URL(filePath: newest))
        try bytes.dropLast(10).write(to: URL(filePath: newest))
        let result = try Program.sluice(["log", "verify", broker.data])
        #expect(result.code == 1)
        #expect(result.output.contains("not a whole batch"), "\(result.output)")
    }

    @Test("a damaged frame of a crashed broker's journal is damage when a later one shows that it was durable")
    func findsJournalDamage() throws {
        let broker = try BrokerProcess()
        for number in 0..<5 { #expect(try broker.sluice(["publish", "j", "-m", "m\(number)"]).code == 0) }
        broker.crash()
        let frames = try Program.sluice(["log", "dump", broker.data + "/journal/00000000000000000001.wal", "--json"])
        #expect(frames.code == 0, "\(frames)")
        #expect(frames.lines.count >= 5)
        // What is in a frame, and so where the next begins, depends on what came together; its header is always there.
        let third = try JSONSerialization.jsonObject(with: Data(frames.lines[2].utf8)) as? [String: Any]
        let position = try #require(third?["position"] as? Int)
        try damage(broker.data + "/journal/00000000000000000001.wal", at: position + 20)
        let result = try Program.sluice(["log", "verify", broker.data])
        #expect(result.code == 1, "\(result)")
        #expect(result.output.contains("damage: journal/"), "\(result.output)")
    }

    @Test("dump prints batches, records, index entries and frames")
    func dumps() throws {
        let broker = try BrokerProcess(Self.small)
        #expect(try broker.sluice(["publish", "a/b", "-m", "payload"]).code == 0)
        let journal = try Program.sluice(["log", "dump", broker.data, "--deep"])
        #expect(journal.output.contains("journal/00000000000000000001.wal"))
        #expect(journal.output.contains("    partition 0  offset 0  records 1"), "\(journal.output)")
        #expect(broker.stop() == 0)
        let deep = try Program.sluice(["log", "dump", partition(broker), "--deep"])
        #expect(deep.code == 0)
        #expect(deep.output.contains(#"key "a/b"  value "payload"  mqtt.topic="a/b" mqtt.qos="1""#), "\(deep.output)")
        let json = try Program.sluice(["log", "dump", partition(broker), "--deep", "--json"])
        let kinds = try json.lines.map { line in
            (try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])?["kind"] as? String
        }
        #expect(kinds == ["batch", "record"])
    }

    @Test("a path that is no log is refused")
    func refusesOtherPaths() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write("x.txt", "x")
        for path in [directory.path, file, directory.path + "/missing"] {
            #expect(try Program.sluice(["log", "dump", path]).code == 1)
            #expect(try Program.sluice(["log", "verify", path]).code == 1)
        }
    }
}
