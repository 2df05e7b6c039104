import Foundation
import Glibc
import Testing

@Suite("Starting and stopping the broker")
struct LifecycleTests {
    @Test(
        "SIGTERM and SIGINT tell MQTT 5 clients, put everything into segment files and leave the mark of a clean stop",
        arguments: [SIGTERM, SIGINT])
    func stopsCleanly(_ signal: Int32) throws {
        let broker = try BrokerProcess()
        let client = try RawClient(port: broker.port, level: 5, id: "c")
        for number in 0..<100 {
            client.send(
                RawPacket.publish(level: 5, topic: "t", payload: String(number), qos: 1, id: UInt16(number + 1)))
        }
        for number in 0..<100 { #expect(client.next() == .packet([0x40, 2, 0, UInt8(number + 1)])) }
        broker.process.kill(signal)
        #expect(client.next() == .packet(RawPacket.disconnect(0x8B, "the broker stops")))
        #expect(client.next() == .closed)
        #expect(broker.process.exitCode() == 0)
        #expect(FileManager.default.fileExists(atPath: broker.data + "/meta/clean-shutdown"))
        #expect(!FileManager.default.fileExists(atPath: broker.directory.path + "/ready.json"))
        let dump = try Program.sluice(["log", "dump", broker.data + "/streams/mqtt-0", "--deep", "--json"])
        #expect(dump.lines.count { $0.contains("\"record\"") } == 100)
        let verify = try Program.sluice(["log", "verify", broker.data])
        #expect(verify.code == 0, "\(verify)")
        let next = try broker.restarted()
        #expect(!FileManager.default.fileExists(atPath: broker.data + "/meta/clean-shutdown"))
        #expect(!next.log.contains { $0.contains("recovery") })
    }

    @Test("the ready file names the port that the system chose, and a clean stop takes it away")
    func writesReadyFile() throws {
        let broker = try BrokerProcess(port: 0)
        #expect(broker.port > 0)
        let text = try String(contentsOfFile: broker.directory.path + "/ready.json", encoding: .utf8)
        #expect(text == "{\"mqtt\": \"127.0.0.1:\(broker.port)\"}\n")
    }

    @Test("a data directory in use is refused by name")
    func refusesDirectoryInUse() throws {
        let broker = try BrokerProcess()
        let second = try Program.sluice(["serve", "--data", broker.data, "--mqtt", "127.0.0.1:0"])
        #expect(second.code == 1)
        #expect(second.errors == "sluice: data directory '\(broker.data)' is in use by another process\n")
        #expect(try RawClient(port: broker.port, level: 4, id: "c").answersPing())
    }

    @Test("an address in use is refused by name")
    func refusesAddressInUse() throws {
        let broker = try BrokerProcess()
        let directory = try TemporaryDirectory()
        let second = try Program.sluice(["serve", "--data", directory.path + "/data", "--mqtt", broker.address])
        #expect(second.code == 1)
        #expect(second.errors.contains("cannot listen on \(broker.address): Address already in use"), "\(second)")
    }

    @Test("a data directory that is a file, or lies in none, is refused by name")
    func refusesUnwritableDirectory() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write("data", "not a directory")
        for path in [file, directory.path + "/missing/data"] {
            let result = try Program.sluice(["serve", "--data", path, "--mqtt", "127.0.0.1:0"])
            #expect(result.code == 1)
            #expect(result.errors.hasPrefix("sluice: data directory '\(path)' is not writable: "), "\(result)")
        }
    }

    @Test("a data directory that may not be written is refused by name", .enabled(if: geteuid() != 0))
    func refusesReadOnlyDirectory() throws {
        let directory = try TemporaryDirectory()
        chmod(directory.path, 0o500)
        defer { chmod(directory.path, 0o700) }
        let result = try Program.sluice(["serve", "--data", directory.path, "--mqtt", "127.0.0.1:0"])
        #expect(result.code == 1)
        #expect(result.errors.contains("is not writable"), "\(result)")
    }

    @Test("a data directory of another format version is refused, and left as it is")
    func refusesOtherFormat() throws {
        let broker = try BrokerProcess()
        #expect(broker.stop() == 0)
        let path = broker.data + "/meta/format"
        try Data("sluice-format 99\n".utf8).write(to: URL(filePath: path))
        let result = try Program.sluice(["serve", "--data", broker.data, "--mqtt", "127.0.0.1:0"])
        #expect(result.code == 1)
        #expect(result.errors.contains("is of another format"), "\(result)")
        #expect(result.errors.contains("sluice-format 99"))
        #expect(FileManager.default.fileExists(atPath: broker.data + "/meta/clean-shutdown"))
    }

    @Test("a bad configuration is refused with file, line and column, every error, and the nearest setting")
    func refusesBadConfiguration() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write(
            "sluice.yaml",
            "journal:\n  file_siez: 1MiB\nrules:\n  - from: a/{b}\n    stream: s\n    key: \"{c}\"\nloops: many\n")
        for command in ["serve", "check"] {
            let result = try Program.sluice([command, "--config", file])
            #expect(result.code == 1)
            #expect(result.errors.contains("\(file):2:3: 'file_siez' is not a setting; did you mean 'file_size'?"))
            #expect(result.errors.contains("\(file):7:8: "), "\(result)")
        }
    }

    @Test("the environment overrides the file, flags override both, and an unknown variable is refused")
    func readsEnvironment() throws {
        let directory = try TemporaryDirectory()
        let check = try Program.sluice(["check"], environment: ["SLUICE_LISTENERS_MQTT": "127.0.0.1:4711"])
        #expect(check.output.contains("127.0.0.1:4711"))
        let unknown = try Program.sluice(["check"], environment: ["SLUICE_LISTENER_MQTT": "127.0.0.1:4711"])
        #expect(unknown.code == 1)
        #expect(unknown.errors.contains("did you mean SLUICE_LISTENERS_MQTT?"))
        let file = try directory.write("sluice.yaml", "loops: many\n")
        let named = try Program.sluice(["check"], environment: ["SLUICE_CONFIG": file])
        #expect(named.errors.contains("\(file):1:8: "))
    }
}
