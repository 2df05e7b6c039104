import Foundation
import Glibc
import Testing

@Suite("What the documentation and the help give as examples")
struct ExampleTests {
    /// The example on each command's page, by the command's name, in the order of the help.
    private static func examples() throws -> [(command: String, example: String)] {
        let overview = try Program.sluice(["--help"]).output
        let commands = overview.split(separator: "\n").drop { $0 != "Commands:" }.dropFirst().prefix {
            $0.hasPrefix("  ")
        }
        return try commands.map { line in
            let words = line.split(separator: " ").prefix(2).map(String.init)
            let page = try Program.sluice(words + ["--help"]).output
            let alone = page.hasPrefix("usage: ") ? page : try Program.sluice([words[0], "--help"]).output
            let name = try #require(alone.split(separator: "\n").first).dropFirst("usage: sluice ".count)
            let command = name.split(separator: " ").prefix { $0.allSatisfy { $0.isLowercase || $0 == "-" } }
            let example = try #require(alone.components(separatedBy: "\nExample:\n  ").last)
            return (command.joined(separator: " "), example.trimmingCharacters(in: .newlines))
        }
    }

    /// A broker that every example means something to: streams, records, a session, a group, a bridge.
    private final class World {
        let examples: ShippedExamples
        let upstream: BrokerProcess
        let broker: BrokerProcess

        init() throws {
            examples = try ShippedExamples()
            upstream = try BrokerProcess(examples.certificates.configuration())
            let place = "localhost:\(try upstream.port("mqtts"))"
            let bridge = try examples.text("bridge.example.yaml", upstream: place)
            let directory = try TemporaryDirectory()
            for name in ["config", "fresh", "backup"] {
                try FileManager.default.createDirectory(
                    atPath: directory.path + "/" + name, withIntermediateDirectories: true)
            }
            let plain = try examples.text("sluice.yaml")
            _ = try directory.write("config/sluice.yaml", plain)
            _ = try directory.write("config/bridge.example.yaml", bridge)
            _ = try directory.write("mosquitto.conf", "listener 1883 127.0.0.1\nallow_anonymous true\n")
            let bridges = try #require(bridge.range(of: "\nbridges:")).lowerBound
            broker = try BrokerProcess(plain + bridge[bridges...], directory: directory)
            let published = try broker.sluice(["publish", "sensors/plant1/dev42/temp", "-m", "1", "-n", "3"])
            #expect(published.code == 0, "\(published.errors)")
            // Dead letters, and a device that has them.
            let letters = ["publish", "sensors/berlin/dev42/temperature", "-m", #"{"temperature":999}"#, "-n", "18"]
            #expect(try broker.sluice(letters).code == 0)
            let session = try broker.mosquitto("sub", ["-i", "dev42", "-c", "-q", "1", "-t", "commands/#", "-E"])
            #expect(session.code == 0, "\(session.errors)")
            let member = try MosquittoClient(id: "w1")
            #expect(try member.connect(port: broker.port) == 0)
            _ = try member.subscribe("$share/analytics/$stream/sensors", qos: 1)
        }

        /// The example as this broker's, and as a shell reads it.
        func line(_ command: String, _ example: String) -> String {
            var line =
                example
                .replacingOccurrences(of: "/tmp/", with: broker.directory.path + "/fresh/")
                .replacingOccurrences(of: "127.0.0.1:1883", with: broker.address)
                .replacingOccurrences(of: "/etc/mosquitto/", with: broker.directory.path + "/")
                .replacingOccurrences(of: "/backup/", with: broker.directory.path + "/backup/")
            // What writes to a data directory gets one that no broker uses.
            if ["log restore", "log repair", "serve"].contains(command) {
                line = "cd fresh && ln -sf ../config . && " + line
            }
            // The ports of the configuration may be anybody's on this machine.
            if command == "doctor" {
                line = "SLUICE_LISTENERS_MQTT=127.0.0.1:0 SLUICE_LISTENERS_KAFKA=127.0.0.1:0 \(line)"
            }
            return line
        }

        /// Runs an example in the directory of the broker's data, as whoever reads the help would.
        func start(_ command: String, _ example: String) throws -> ChildProcess {
            let program = URL(filePath: try Program.sluice).deletingLastPathComponent().path
            let line = "cd \(broker.directory.path) && PATH=\(program):$PATH && " + line(command, example)
            return try ChildProcess(
                ["sh", "-c", line], in: broker.directory, environment: ["SLUICE_BROKER": broker.address])
        }
    }

    @Test("each command's example does what it says against a broker that has what it names")
    func examplesRun() throws {
        let world = try World()
        let examples = try Self.examples()
        #expect(examples.count >= 30)
        var load: ChildProcess?
        for (command, example) in examples.sorted(by: { order($0.command) < order($1.command) }) {
            let process = try world.start(command, example)
            if command == "bench sub" {
                // It is to hear the load of `bench pub`, which comes next.
                #expect(process.wait { process.errors.contains("subscribed") }, "\(process.errors)")
                load = process
                continue
            }
            if command == "serve" {
                let ready = world.broker.directory.path + "/fresh/sluice.json"
                #expect(process.wait { FileManager.default.fileExists(atPath: ready) }, "\(process.errors)")
                try kill(#require(child(of: process.pid)), SIGTERM)
            }
            let code = process.exitCode(within: 300)
            #expect(code == 0, "\(example)\n\(process.output)\n\(process.errors)")
        }
        let subscriber = try #require(load)
        kill(try #require(child(of: subscriber.pid)), SIGTERM)
        #expect(subscriber.exitCode() != 2, "\(subscriber.errors)")
    }

    /// Those that end something come last, and whoever listens is there first.
    private func order(_ command: String) -> Int {
        switch command {
        case "bench sub": 0
        case "serve": 3
        case _ where command.hasSuffix("delete"): 2
        case _: 1
        }
    }

    /// A shell's own child, which some shells become themselves.
    private func child(of pid: pid_t) -> pid_t? {
        do {
            let list = try String(contentsOfFile: "/proc/\(pid)/task/\(pid)/children", encoding: .utf8)
            return list.split(separator: " ").first.flatMap { pid_t($0) } ?? pid
        } catch { return nil }
    }

    @Test(
        "check takes every configuration that is shipped, once its files are there",
        arguments: try ShippedExamples.names)
    func configurations(_ name: String) throws {
        let examples = try ShippedExamples()
        let file = try examples.certificates.directory.write(name, examples.text(name))
        let result = try Program.sluice(["check", "--config", file])
        #expect(result.code == 0, "\(result.errors)")
        #expect(try ShippedExamples.names.count >= 4)
    }

    @Test("check takes the configurations that the documents show", arguments: ["README.md", "docs/OPERATE.md"])
    func documents(_ name: String) throws {
        let examples = try ShippedExamples()
        let blocks = try ShippedExamples.document(name).components(separatedBy: "\n```yaml\n").dropFirst().map { text in
            text.components(separatedBy: "\n```")[0] + "\n"
        }
        #expect(!blocks.isEmpty)
        for block in blocks {
            let file = try examples.certificates.directory.write("block.yaml", examples.standIn(block))
            let result = try Program.sluice(["check", "--config", file], environment: ["PLANT1_TOKEN": "x"])
            #expect(result.code == 0, "\(block)\n\(result.errors)")
        }
    }

    @Test("the names below $SYS that the documents give are those that the broker tells")
    func systemTopics() throws {
        let broker = try BrokerProcess()
        let client = try MosquittoClient(id: "watcher")
        try client.connect(port: broker.port)
        _ = try client.subscribe("$SYS/broker/#")
        let text = try ShippedExamples.document("docs/OPERATE.md")
        let told = Set(try client.receive(40).map(\.topic))
        for topic in told.sorted() {
            let levels = topic.split(separator: "/").dropFirst(2).map(String.init)
            guard let last = levels.last else { continue }
            let isNamed = levels[0] == "load" ? text.contains("`load/NAME/1min`") : text.contains("\(last)`")
            #expect(isNamed, "\(topic)")
        }
    }

    @Test("a word that begins with a minus sign and a digit is a value, wherever it stands")
    func negativeWords() throws {
        for words in [
            ["bridges", "seek", "cloud", "-24h"], ["bridges", "seek", "-24h", "x"], ["consume", "-5"],
            ["consume", "s", "--from", "-1h"], ["groups", "reset", "g", "--stream", "s", "--shift-by", "-100"],
        ] {
            // Nobody listens there: whatever is understood fails to connect.
            let result = try Program.sluice(words + ["--broker", "127.0.0.1:1"])
            if words.last == "x" {
                #expect(result.code == 2 && result.errors.contains("'x': expected earliest"), "\(result.errors)")
            } else {
                #expect(result.code == 1 && result.errors.contains("cannot connect"), "\(words) \(result.errors)")
            }
        }
    }
}
