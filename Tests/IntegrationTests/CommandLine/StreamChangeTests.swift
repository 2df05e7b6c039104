import Foundation
import Testing

@Suite("What a changed configuration means for the data that is there")
struct StreamChangeTests {
    private static func configuration(partitions: Int, _ more: String = "") -> String {
        BrokerProcess.plain + """
            streams:
              - name: s
                partitions: \(partitions)
            \(more)
            rules:
              - { from: "s/{device}/#", stream: s, key: "{device}" }

            """
    }

    /// A data directory whose stream `s` has four partitions.
    private static func made() throws -> (directory: TemporaryDirectory, data: String) {
        let broker = try BrokerProcess(configuration(partitions: 4))
        #expect(try broker.sluice(["publish", "s/d/t", "-m", "x"]).code == 0)
        #expect(broker.stop() == 0)
        return (broker.directory, broker.data)
    }

    private static func run(_ command: [String], _ directory: TemporaryDirectory, partitions: Int) throws
        -> Program.Result
    {
        let file = try directory.write("other.yaml", configuration(partitions: partitions))
        return try Program.sluice(command + ["--config", file])
    }

    @Test("more partitions are refused by check and by the start, unless the start is told to let keys move")
    func grown() throws {
        let (directory, data) = try Self.made()
        let check = try Self.run(["check", "--data", data], directory, partitions: 8)
        #expect(check.code == 1)
        #expect(check.output.contains("error: stream 's' has 4 partitions and is configured with 8"), "\(check)")
        let json = try Self.run(["check", "--json", "--data", data], directory, partitions: 8)
        let object = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
        #expect(
            json.code == 1 && object?["ok"] as? Bool == false && (object?["errors"] as? [Any])?.count == 1, "\(json)")
        let start = try Self.run(["serve", "--data", data, "--mqtt", "127.0.0.1:0"], directory, partitions: 8)
        #expect(start.code == 1 && start.errors.contains("--grow-partitions"), "\(start)")

        let file = try directory.write("other.yaml", Self.configuration(partitions: 8))
        let ready = directory.path + "/grown.json"
        let broker = try ChildProcess(
            [
                Program.sluice, "serve", "--config", file, "--data", data, "--mqtt", "127.0.0.1:0", "--ready-file",
                ready,
                "--grow-partitions",
            ], in: directory)
        #expect(broker.wait { FileManager.default.fileExists(atPath: ready) }, "\(broker.errors)")
        #expect(broker.errors.contains("stream 's' has 4 partitions and is configured with 8"))
        broker.kill(SIGTERM)
        #expect(broker.exitCode() == 0)
        #expect(try Self.run(["check", "--data", data], directory, partitions: 8).code == 0)
    }

    @Test("fewer partitions keep those that are there: check, start and explain say the number that is used")
    func fewer() throws {
        let (directory, data) = try Self.made()
        let check = try Self.run(["check", "--data", data], directory, partitions: 2)
        #expect(check.code == 0)
        #expect(check.output.contains("warning: stream 's' has 4 partitions and is configured with 2"), "\(check)")
        #expect(check.lines.contains { $0.split(separator: " ").prefix(2).elementsEqual(["s", "4"]) }, "\(check)")
        let broker = try BrokerProcess(Self.configuration(partitions: 2), directory: directory)
        #expect(broker.logs("'partitions: 4' says what is so"), "\(broker.log)")
        // Explain names the partition that the broker uses, for keys that two partitions would put elsewhere.
        for device in ["a", "b", "c", "d", "e", "f"] {
            #expect(try broker.sluice(["publish", "s/\(device)/t", "-m", device]).code == 0)
            let file = try directory.write("other.yaml", Self.configuration(partitions: 2) + "data: \(data)\n")
            let told = try Program.sluice(["explain", "s/\(device)/t", "--config", file, "--json"])
            let object = try JSONSerialization.jsonObject(with: Data(told.output.utf8)) as? [String: Any]
            let consumed = try broker.sluice(["consume", "s", "--json", "--filter", "s/\(device)/t"])
            let line = Data((consumed.lines.first ?? "").utf8)
            let record = try JSONSerialization.jsonObject(with: line) as? [String: Any]
            #expect(object?["partition"] as? Int == record?["partition"] as? Int, "\(told) \(consumed)")
        }
        #expect(broker.stop() == 0)
    }

    @Test("a stream that is configured no more is named, and can still be read")
    func unnamed() throws {
        let (directory, data) = try Self.made()
        let file = try directory.write("sluice.yaml", BrokerProcess.plain)
        let check = try Program.sluice(["check", "--config", file, "--data", data])
        #expect(check.code == 0)
        #expect(check.output.contains("stream 's' with 4 partitions is in the data directory"), "\(check)")
        let broker = try BrokerProcess(directory: directory)
        #expect(broker.logs("is in the data directory and not in the configuration"))
        #expect(try broker.sluice(["consume", "s"]).lines.count == 1)
        #expect(broker.stop() == 0)
    }

    @Test("a size to keep is each partition's; who comes from a version where it was all of them together is told once")
    func retentionScope() throws {
        let (directory, data) = try Self.made()
        // As an older version has left it.
        try FileManager.default.removeItem(atPath: data + "/meta/retention-scope")
        let sized = Self.configuration(partitions: 4, "    retention: { size: 8MiB }")
        for isFirst in [true, false] {
            let broker = try BrokerProcess(sized, directory: directory)
            let line = broker.log.first { $0.contains("'retention: size' is for each partition now") }
            #expect((line != nil) == isFirst, "\(broker.log)")
            #expect(!isFirst || line?.contains("4 of 8.0 MiB keep 32.0 MiB") == true, "\(line ?? "")")
            #expect(broker.stop() == 0)
        }
    }

    @Test("a reload says as a warning what needs a restart, by the file's names, also when it lowers the level")
    func reload() throws {
        let broker = try BrokerProcess(Self.configuration(partitions: 4))
        try broker.reload(
            with: Self.configuration(partitions: 5, "    segment_size: 2MiB")
                + "refuse:\n  - subscribe: secret/#\nlogging: { level: error }\n"
                + "log: { tail_memory: 2MiB, retention_size: 1GiB }\n"
        )
        #expect(broker.logs("configuration reloaded"), "\(broker.log)")
        let line = try #require(broker.log.first { $0.contains("configuration reloaded") })
        #expect(line.contains(" warning "))
        #expect(line.contains("changed: log: retention_size, quota, refuse, logging: level"), "\(line)")
        #expect(
            line.contains("needs a restart: log: tail_memory, stream s (partitions, segment_size)"), "\(line)")
        #expect(broker.stop() == 0)
    }
}

@Suite("A quota of the data directory")
struct QuotaTests {
    private func bytes(under directory: String) throws -> Int {
        let result = try Program.run(["du", "-s", "--block-size=1", directory])
        return try #require(Int(result.output.prefix { $0.isNumber }))
    }

    @Test("bounds all that is in the directory, journal and reserve included", arguments: ["8MiB", "24MiB", "120MiB"])
    func bounds(quota: String) throws {
        let broker = try BrokerProcess("log:\n  quota: \(quota)\n")
        let client = try MosquittoClient(id: "publisher", version: 5)
        try client.connect(port: broker.port)
        var generator = SystemRandomNumberGenerator()
        // What does not compress.
        let payload = String(
            decoding: (0..<100_000).map { _ in UInt8.random(in: 33...126, using: &generator) }, as: UTF8.self)
        var acknowledgedCount = 0
        while try client.waitForAcknowledgement(try client.publish("t", payload, qos: 1)) == 0 {
            acknowledgedCount += 1
        }
        #expect(acknowledgedCount >= 5, "\(acknowledgedCount)")
        #expect(broker.logs("has reached its quota"))
        let most = try #require(Int(quota.dropLast(3))) << 20
        let used = try bytes(under: broker.data)
        #expect(used <= most, "\(used >> 10) KiB")
        // Whatever comes later stays within as well.
        #expect(broker.stop() == 0)
        #expect(try bytes(under: broker.data) <= most)
    }

    @Test("one that could store nothing is refused with the least that works, and an empty broker takes what it says")
    func least() throws {
        let directory = try TemporaryDirectory()
        let small = try directory.write("small.yaml", "log:\n  quota: 100MiB\njournal:\n  file_size: 64MiB\n")
        let check = try Program.sluice(["check", "--config", small])
        #expect(check.code == 1)
        // Six files of 64 MiB, a reserve of 6.25 MiB and 1 MiB.
        #expect(
            check.errors.contains("2:10: 'quota'")
                && check.errors.contains("the least that works is 410255360"), "\(check)")
        let broker = try BrokerProcess("log:\n  quota: 8MiB\n")
        #expect(try bytes(under: broker.data) < 4 << 20)
        #expect(broker.stop() == 0)
    }
}
