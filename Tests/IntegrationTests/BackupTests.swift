import Foundation
import Testing

@Suite("log backup and log restore")
struct BackupTests {
    private static let small = """
        journal:
          file_size: 1MiB
        log:
          tail_memory: 1MiB
          segment_size: 1MiB
        streams:
          - name: state
            cleanup: compact
            compression: lz4
            segment_size: 1MiB
        rules:
          - from: state/#
            stream: state

        """

    /// What `sluice log export` prints of a stream, by partition and offset.
    private func exported(_ data: String, _ options: String...) throws -> [[String: Any]] {
        let result = try Program.sluice(["log", "export", data] + options, within: 600)
        #expect(result.code == 0, "\(result.errors)")
        return try result.lines.map { line in
            try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any], "\(line)")
        }
    }

    private func payloads(_ data: String, _ options: String...) throws -> [String] {
        let result = try Program.sluice(["log", "export", data] + options, within: 600)
        #expect(result.code == 0, "\(result.errors)")
        return try result.lines.map { line in
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            return try #require(object?["payload"] as? String)
        }
    }

    @Test("beside a running broker: all that was acknowledged before, a prefix of the rest, and it opens and verifies")
    func consistent() throws {
        let broker = try BrokerProcess(Self.small)
        let stage = CrashStage(port: broker.port)
        let clients = try (0..<6).map { try CrashClient(name: "c\($0)", qos: $0 % 2 == 0 ? 1 : 2, stage) }
        stage.set(isUp: true)
        for client in clients { client.start() }
        #expect(stage.wait(forCount: 1, ofEach: clients.map(\.name)))
        let world = try TemporaryDirectory()
        let states = (0..<400).map { "state \($0 % 50) \($0)" }.joined(separator: "\n")
        for round in 0..<3 {
            // Until journal files are used again, and beyond.
            #expect(stage.wait(forCount: (round + 1) * 4000, within: 300))
            let marks = (0..<50).map { "mark \(round) \($0)" }.joined(separator: "\n")
            #expect(try broker.sluice(["publish", "marks", "-l"], input: marks).code == 0)
            #expect(try broker.sluice(["publish", "state/x", "-l"], input: states).code == 0)
            let target = "\(world.path)/backup\(round)"
            let backup = try Program.sluice(["log", "backup", broker.data, target], within: 600)
            #expect(backup.code == 0, "\(backup)")
            let restored = "\(world.path)/restored\(round)"
            let restore = try Program.sluice(["log", "restore", target, restored + "/data"], within: 120)
            #expect(restore.code == 1, "the directory above is missing: \(restore)")
            try FileManager.default.createDirectory(atPath: restored, withIntermediateDirectories: true)
            let again = try Program.sluice(["log", "restore", target, restored + "/data"], within: 120)
            #expect(again.code == 0, "\(again)")
            #expect(try exported(target, "--stream", "__sessions").count > 0)
            try check(restored + "/data", round)
            #expect(try Program.sluice(["log", "verify", broker.data]).code == 0)
        }
        stage.close()
        for client in clients { #expect(client.join(within: 120)) }
        #expect(broker.stop() == 0)
    }

    /// Compares what is restored, in files and as a broker serves it, with what was published.
    private func check(_ data: String, _ round: Int) throws {
        let inFiles = try payloads(data, "--stream", "mqtt")
        try check(inFiles, round)
        #expect(try payloads(data, "--stream", "state").last == "state 49 399")
        let directory = try TemporaryDirectory()
        try FileManager.default.moveItem(atPath: data, toPath: directory.path + "/data")
        let broker = try BrokerProcess(Self.small, directory: directory)
        #expect(!broker.log.contains { $0.contains("damage") }, "\(broker.log)")
        #expect(try broker.sluice(["publish", "marks", "-m", "behind"]).code == 0)
        #expect(broker.stop() == 0)
        let verify = try Program.sluice(["log", "verify", broker.data])
        #expect(verify.code == 0, "\(verify)")
        var served = try OfflineLog.values(broker.data, stream: "mqtt")
        #expect(served.popLast() == "behind")
        #expect(served == inFiles)
    }

    private func check(_ values: [String], _ round: Int) throws {
        let marks = values.filter { $0.hasPrefix("mark ") }
        #expect(marks == (0...round).flatMap { round in (0..<50).map { "mark \(round) \($0)" } })
        var numbers: [Substring: [Int]] = [:]
        for value in values where !value.hasPrefix("mark ") {
            let words = value.split(separator: " ")
            numbers[words[0], default: []].append(try #require(Int(words[1])))
        }
        #expect(numbers.count == 6)
        // Nothing crashed, so each client's messages came in order and once: a prefix has no gap and no repeat.
        for (name, found) in numbers { #expect(found == Array(0..<found.count), "\(name)") }
        #expect(numbers.values.reduce(0) { $0 + $1.count } >= (round + 1) * 4000)
    }

    @Test("of a stopped and of a crashed broker: everything, also what only the journal has", arguments: [true, false])
    func atRest(isClean: Bool) throws {
        let broker = try BrokerProcess(Self.small)
        let lines = (0..<3000).map { "line \($0)" }
        #expect(try broker.sluice(["publish", "l", "-l"], input: lines.joined(separator: "\n")).code == 0)
        if isClean { #expect(broker.stop() == 0) } else { broker.crash() }
        let world = try TemporaryDirectory()
        #expect(try Program.sluice(["log", "backup", broker.data, world.path + "/b"]).code == 0)
        #expect(try payloads(broker.data) == lines)
        #expect(try payloads(world.path + "/b") == lines)
        #expect(try Program.sluice(["log", "restore", world.path + "/b", world.path + "/data"]).code == 0)
        let restored = try BrokerProcess(Self.small, directory: world)
        #expect(try restored.sluice(["publish", "l", "-m", "behind"]).code == 0)
        #expect(restored.stop() == 0)
        #expect(try OfflineLog.values(restored.data, stream: "mqtt") == lines + ["behind"])
    }

    @Test("places that cannot be are refused by name, and nothing is written there")
    func refusesPlaces() throws {
        let broker = try BrokerProcess()
        #expect(try broker.sluice(["publish", "a", "-m", "x"]).code == 0)
        let world = try TemporaryDirectory()
        let file = try world.write("file", "x")
        func refused(_ arguments: [String], _ text: String) throws {
            let result = try Program.sluice(["log"] + arguments)
            #expect(result.code == 1 && result.errors.contains(text), "\(arguments): \(result)")
        }
        try refused(["backup", broker.data, world.path], "is not empty")
        try refused(["backup", broker.data, file], "is no directory")
        try refused(["backup", broker.data, broker.data + "/b"], "apart from it")
        #expect(!FileManager.default.fileExists(atPath: broker.data + "/b"))
        try refused(["backup", broker.data, world.path + "/no/b"], "No such file")
        try refused(["backup", world.path, world.path + "/b"], "neither a data directory")
        try refused(["backup", broker.data + "/streams/mqtt-0", world.path + "/b"], "is one partition")
        try refused(["restore", broker.data, world.path + "/d"], "it is no backup")
        try refused(["restore", file, world.path + "/d"], "is a file")
        #expect(!FileManager.default.fileExists(atPath: world.path + "/d"))
        #expect(try Program.sluice(["log", "backup", broker.data, world.path + "/b"]).code == 0)
        try refused(["restore", world.path + "/b", world.path], "is not empty")
        try refused(["restore", world.path + "/b", broker.data], "is not empty")
    }

    @Test("a damaged backup is refused by the name of the file, and what came of it starts no broker")
    func refusesDamage() throws {
        let broker = try BrokerProcess()
        #expect(try broker.sluice(["publish", "a", "-m", "x"]).code == 0)
        #expect(broker.stop() == 0)
        let world = try TemporaryDirectory()
        #expect(try Program.sluice(["log", "backup", broker.data, world.path + "/b"]).code == 0)
        let log = "streams/mqtt-0/00000000000000000000.log"
        func damage(_ name: String, _ body: (inout Data) -> Void) throws {
            let copy = world.path + "/copy"
            try? FileManager.default.removeItem(atPath: copy)
            try FileManager.default.copyItem(atPath: world.path + "/b", toPath: copy)
            let url = URL(filePath: copy + "/" + name)
            var bytes = try Data(contentsOf: url)
            body(&bytes)
            if bytes.isEmpty { try FileManager.default.removeItem(at: url) } else { try bytes.write(to: url) }
            try? FileManager.default.removeItem(atPath: world.path + "/data")
            let result = try Program.sluice(["log", "restore", copy, world.path + "/data"])
            #expect(result.code == 1 && result.errors.contains(copy), "\(result)")
            #expect(result.errors.contains("\(name)") || name == "backup", "\(result)")
            let start = try Program.sluice(["serve", "--data", world.path + "/data", "--mqtt", "127.0.0.1:0"])
            #expect(start.code == 1 || name == "backup", "\(start)")
        }
        try damage(log) { $0[70] ^= 1 }
        try damage(log) { $0.removeLast() }
        try damage(log) { $0.removeAll() }
        try damage("meta/format") { $0[0] ^= 1 }
        let manifest = world.path + "/b/backup"
        let bytes = try Data(contentsOf: URL(filePath: manifest))
        for body in [bytes.dropLast(20), bytes + bytes, Data(bytes.map { $0 ^ 1 })] {
            try body.write(to: URL(filePath: manifest))
            let result = try Program.sluice(["log", "restore", world.path + "/b", world.path + "/none"])
            #expect(result.code == 1 && result.errors.contains("is damaged"), "\(result)")
        }
        #expect(!FileManager.default.fileExists(atPath: world.path + "/none"))
    }

    @Test("damage of the original is left out and said, and the rest is copied")
    func leavesDamageOut() throws {
        let broker = try BrokerProcess(Self.small)
        let bench = try broker.sluice(["bench", "pub", "-n", "4000", "-s", "1000", "-c", "4", "--topic", "t/%c"])
        #expect(bench.code == 0)
        #expect(broker.stop() == 0)
        let log = "streams/mqtt-0/00000000000000000000.log"
        let url = URL(filePath: broker.data + "/" + log)
        var bytes = try Data(contentsOf: url)
        bytes[try #require(bytes.payloadIndex(from: 5000))] ^= 1
        try bytes.write(to: url)
        let world = try TemporaryDirectory()
        let backup = try Program.sluice(["log", "backup", broker.data, world.path + "/b"])
        #expect(backup.code == 1 && backup.errors.contains("damage: \(log): "), "\(backup)")
        let restore = try Program.sluice(["log", "restore", world.path + "/b", world.path + "/data"])
        #expect(restore.code == 0, "\(restore)")
        let left = try exported(world.path + "/data").map { $0["offset"] as? Int ?? -1 }
        #expect(left.count < 4000 && left.count > 3900)
        #expect(left == left.sorted() && left.last == 3999)
        let export = try Program.sluice(["log", "export", broker.data])
        #expect(export.code == 1 && export.errors.contains(log))
        #expect(export.lines.count == left.count)
    }
}
