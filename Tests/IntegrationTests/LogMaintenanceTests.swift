import Foundation
import Testing

@Suite("log stats, log export and log repair")
struct LogMaintenanceTests {
    private static let small = "journal:\n  file_size: 1MiB\nlog:\n  segment_size: 1MiB\n"

    private func objects(_ text: String) throws -> [[String: Any]] {
        try text.split(separator: "\n").map { line in
            try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any], "\(line)")
        }
    }

    private func filled() throws -> BrokerProcess {
        let broker = try BrokerProcess(Self.small)
        let bench = try broker.sluice(["bench", "pub", "-n", "4000", "-s", "1000", "-c", "4", "--topic", "t/%c"])
        #expect(bench.code == 0, "\(bench)")
        return broker
    }

    private func damage(_ path: String, _ body: (inout Data) throws -> Void) throws {
        var bytes = try Data(contentsOf: URL(filePath: path))
        try body(&bytes)
        try bytes.write(to: URL(filePath: path))
    }

    @Test("stats counts records, batches, sizes, codecs and times, of one partition too")
    func counts() throws {
        let broker = try BrokerProcess(
            Self.small
                + "streams:\n  - name: packed\n    compression: zstd\nrules:\n  - from: p/#\n    stream: packed\n")
        let lines = (0..<2000).map { "the same text again and again, number \($0)" }.joined(separator: "\n")
        for topic in ["p/1", "q"] { #expect(try broker.sluice(["publish", topic, "-l"], input: lines).code == 0) }
        let running = try Program.sluice(["log", "stats", broker.data])
        #expect(running.code == 0 && running.output.contains("PARTITION"), "\(running)")
        #expect(broker.stop() == 0)
        let result = try Program.sluice(["log", "stats", broker.data, "--deep", "--json"])
        let document = try #require(try objects(result.output).first)
        let partitions = try #require(document["partitions"] as? [[String: Any]])
        for (name, codec) in [("packed-0", "zstd"), ("mqtt-0", "none")] {
            let counts = try #require(partitions.first { $0["name"] as? String == name })
            #expect(counts["records"] as? Int == 2000)
            #expect(counts["next"] as? Int == 2000)
            // A batch that gets no smaller stays as it is, and how many are so small depends on how they came in.
            #expect((counts["codecs"] as? [String: Int])?[codec] ?? 0 > 0, "\(counts)")
            let (stored, plain) = (counts["bytes"] as? Int ?? 0, counts["uncompressed_bytes"] as? Int ?? 0)
            #expect(codec == "none" ? stored == plain : stored < plain, "\(counts)")
            #expect(counts["oldest"] as? Int ?? .max <= counts["newest"] as? Int ?? .min)
        }
        let one = try Program.sluice(["log", "stats", broker.data + "/streams/packed-0"])
        #expect(one.code == 0 && one.output.contains("packed-0") && !one.output.contains("mqtt-0"), "\(one)")
        // Compressed batches are whole to the other tools, too.
        #expect(try Program.sluice(["log", "verify", broker.data]).code == 0)
        let dump = try Program.sluice(["log", "dump", broker.data + "/streams/packed-0", "--deep"])
        #expect(dump.code == 0 && dump.output.contains("number 1999"))
    }

    @Test(
        "long work shows on a terminal how far it has come, and nowhere else",
        .enabled(if: Program.isInstalled("script"), "script is not installed"))
    func progress() throws {
        let broker = try BrokerProcess()
        let bench = try broker.sluice(
            ["bench", "pub", "-n", "30000", "-s", "300", "-c", "4", "--topic", "t/%c"])
        #expect(bench.code == 0, "\(bench)")
        #expect(broker.stop() == 0)
        let quiet = try Program.sluice(["log", "export", broker.data])
        #expect(quiet.code == 0 && quiet.lines.count == 30_000 && quiet.errors.isEmpty, "\(quiet.errors)")
        let command = "'\(try Program.sluice)' log export '\(broker.data)' > /dev/null"
        let shown = try Program.run(["script", "-qec", command, "/dev/null"])
        // Shown in between, with a share and an amount, and taken away in the end.
        let pattern = /\r\x1B\[K[^\r]*?[0-9]+ %  [0-9.]+ [KM]iB of [0-9.]+ MiB/
        #expect(shown.code == 0 && shown.output.contains(pattern), "\(shown)")
        #expect(shown.output.ranges(of: "\r\u{1B}[K").count >= 2)
    }

    @Test(
        "export has what was acknowledged, chooses by stream, topic, time and offset, and keeps bytes that are no text")
    func exports() throws {
        let broker = try BrokerProcess(
            Self.small + "streams:\n  - name: other\nrules:\n  - from: o/#\n    stream: other\n")
        let lines = (0..<20).map(String.init).joined(separator: "\n")
        #expect(try broker.sluice(["publish", "even", "-l"], input: lines).code == 0)
        #expect(try broker.sluice(["publish", "o/1", "-m", "elsewhere", "-q", "2"]).code == 0)
        let binary = try broker.directory.write("binary", "")
        try Data([0xFF, 0]).write(to: URL(filePath: binary))
        #expect(try broker.sluice(["publish", "odd", "-f", binary]).code == 0)
        func export(_ options: String...) throws -> [[String: Any]] {
            // At once: the records are in the journal, and not in their segments yet.
            let result = try Program.sluice(["log", "export", broker.data] + options)
            #expect(result.code == 0, "\(result)")
            return try objects(result.output)
        }
        func payloads(_ records: [[String: Any]]) -> [String] { records.compactMap { $0["payload"] as? String } }
        #expect(try export().count == 22)
        #expect(payloads(try export("--stream", "other")) == ["elsewhere"])
        #expect(payloads(try export("--from", "0:5", "--until", "0:8", "--stream", "mqtt")) == ["5", "6", "7"])
        #expect(payloads(try export("--filter", "o/+")) == ["elsewhere"])
        #expect(try export("--from", "-1h").count == 22)
        #expect(try export("--until", "2020-01-01T00:00:00Z").isEmpty)
        #expect(payloads(try export("--limit", "2", "--stream", "mqtt")) == ["0", "1"])
        let odd = try #require(try export("--filter", "odd").first)
        #expect(odd["payload"] as? String == "/wA=" && odd["encoding"] as? String == "base64")
        #expect(odd["topic"] as? String == "odd" && odd["offset"] as? Int == 20)
        let unknown = try Program.sluice(["log", "export", broker.data, "--stream", "othe"])
        #expect(unknown.code == 1 && unknown.errors.contains("did you mean 'other'?"), "\(unknown)")
        #expect(try Program.sluice(["log", "export", broker.data, "--from", "never"]).code == 2)
        #expect(broker.stop() == 0)
        #expect(try export().count == 22)
    }

    @Test("repair leaves damage out, keeps the damaged file, makes metadata anew, and offsets stay")
    func repairs() throws {
        let broker = try filled()
        let inUse = try Program.sluice(["log", "repair", broker.data])
        #expect(inUse.code == 1 && inUse.errors.contains("in use by another process"), "\(inUse)")
        #expect(broker.stop() == 0)
        let partition = broker.data + "/streams/mqtt-0/"
        let names = try FileManager.default.contentsOfDirectory(atPath: partition).sorted()
        let logs = names.filter { $0.hasSuffix(".log") }
        let (first, newest) = (try #require(logs.first), try #require(logs.last))
        #expect(logs.count > 3)
        try damage(partition + first) { $0[try #require($0.payloadIndex(from: 5000))] ^= 1 }
        try damage(partition + newest) { $0[try #require($0.payloadIndex(from: 100))] ^= 1 }
        try damage(partition + logs[1].replacing(".log", with: ".index")) { $0[6] ^= 1 }
        try damage(partition + logs[2].replacing(".log", with: ".timeindex")) { $0[7] ^= 1 }
        try damage(broker.data + "/meta/catalogue") { $0[30] ^= 1 }
        try damage(broker.data + "/meta/format") { $0.removeAll() }
        #expect(try Program.sluice(["log", "verify", broker.data]).code == 1)
        let repair = try Program.sluice(["log", "repair", broker.data])
        #expect(repair.code == 0, "\(repair)")
        for text in ["mqtt-0/\(first): ", "mqtt-0/\(newest): ", "meta/catalogue: ", "meta/format: "] {
            #expect(repair.output.contains(text), "\(text) in \(repair)")
        }
        #expect(FileManager.default.fileExists(atPath: partition + first + ".damaged"))
        #expect(try Program.sluice(["log", "verify", broker.data]).code == 0)
        let offsets = try objects(try Program.sluice(["log", "export", broker.data]).output).map {
            $0["offset"] as? Int
        }
        #expect(offsets.count < 4000 && offsets.count > 3800)
        #expect(try Program.sluice(["log", "repair", broker.data]).output == "nothing to repair\n")
        let again = try broker.restarted(Self.small)
        #expect(!again.log.contains { $0.contains("damage") })
        #expect(try again.sluice(["publish", "t", "-m", "behind"]).code == 0)
        let last = try objects(try Program.sluice(["log", "export", broker.data, "--filter", "t"]).output).last
        #expect(last?["offset"] as? Int == 4000)
    }

    @Test("repair does not touch a directory of another version, a file, or one partition")
    func refusesRepair() throws {
        let broker = try BrokerProcess()
        #expect(broker.stop() == 0)
        for path in [broker.data + "/meta/format", broker.data + "/streams/mqtt-0", broker.data + "/none"] {
            #expect(try Program.sluice(["log", "repair", path]).code == 1, "\(path)")
        }
        try damage(broker.data + "/meta/format") { $0 = Data("sluice-format 3\n".utf8) }
        let newer = try Program.sluice(["log", "repair", broker.data])
        #expect(newer.code == 1 && newer.errors.contains("sluice-format 3"), "\(newer)")
        let backup = try Program.sluice(["log", "backup", broker.data, broker.directory.path + "/b"])
        #expect(backup.code == 1 && backup.errors.contains("sluice-format 3"), "\(backup)")
    }
}
