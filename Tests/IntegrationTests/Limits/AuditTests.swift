import Foundation
import Testing

@Suite("The record of who came, went and changed what")
struct AuditTests {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        #expect(try Program.sluice(["passwd", "-c", "-b", "\(directory.path)/p", "ada", "s3cret"]).code == 0)
        _ = try directory.write("secret", "s3cret\n")
    }

    private var file: String { directory.path + "/audit.json" }

    private func configuration(_ audit: String, more: String = "") -> String {
        """
        password_file: \(directory.path)/p
        access: { roles: { admin: { admin: true, readwrite: "#" } }, users: { ada: admin } }
        audit: \(audit)

        """ + more + BrokerProcess.plain
    }

    private func events(in path: String) throws -> [[String: String]] {
        guard FileManager.default.fileExists(atPath: path) else { return [] }
        let text = try String(contentsOfFile: path, encoding: .utf8)
        return try text.split(separator: "\n").map { line in
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] ?? [:]
            return object.mapValues { "\($0)" }
        }
    }

    /// Waits for an event in the file.
    private func waits(
        _ broker: BrokerProcess, for kind: String, _ fields: [String: String], in path: String? = nil
    ) -> Bool {
        broker.process.wait(within: 60) {
            guard let events = try? events(in: path ?? file) else { return false }
            return events.contains { event in
                event["event"] == kind && fields.allSatisfy { event[$0.key]?.contains($0.value) == true }
            }
        }
    }

    private func client(_ broker: BrokerProcess, _ id: String, _ password: String) throws -> RawClient {
        let client = try RawClient(port: broker.port)
        client.send(
            RawPacket.connect(
                level: 5, id: id, flags: 0xC2, payload: RawPacket.string("ada") + RawPacket.string(password)))
        return client
    }

    @Test("who was let in and how, was refused, left and why, asked for a change, and what a reload changed")
    func events() throws {
        let broker = try BrokerProcess(configuration("{ file: \(file) }"))
        let first = try client(broker, "a \"quoted\"", "s3cret")
        guard case .packet = first.next() else { return }
        #expect(
            waits(
                broker, for: "connected",
                [
                    "client": "a \"quoted\"", "user": "ada", "method": "password", "listener": "mqtt",
                    "address": "127.0.0.1:",
                ]))
        _ = try client(broker, "b", "wrong").next()
        #expect(waits(broker, for: "refused", ["client": "b", "reason": "is not right"]))
        first.send([0xE0, 0])
        _ = first.next()
        #expect(waits(broker, for: "disconnected", ["user": "ada", "reason": "the client said goodbye"]))
        do {
            let lost = try client(broker, "c", "s3cret")
            guard case .packet = lost.next() else { return }
        }
        #expect(waits(broker, for: "disconnected", ["client": "c", "reason": "the connection was lost"]))
        let ban = try broker.sluice(
            ["bans", "add", "203.0.113.7", "--username", "ada", "--password-file", directory.path + "/secret"])
        #expect(ban.code == 0, "\(ban)")
        #expect(waits(broker, for: "changed", ["request": "bans/add", "subject": "203.0.113.7", "user": "ada"]))
        try broker.reload(with: configuration("{ file: \(file) }", more: "limits: { qos: 1 }\n"))
        #expect(waits(broker, for: "changed", ["request": "reload", "subject": "limits"]))
        try broker.reload(with: "limits: { qos: 7 }\n")
        #expect(waits(broker, for: "changed", ["request": "reload", "reason": "refused: "]))
        #expect(broker.stop() == 0)
        let text = try String(contentsOfFile: file, encoding: .utf8)
        #expect(!text.contains("s3cret") && !text.contains("wrong"), "no secret is in it")
        let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }

    @Test("files are of a bounded size and number, and one that was moved away is left alone after SIGHUP")
    func rotates() throws {
        let broker = try BrokerProcess(configuration("{ file: \(file), size: 4KiB, keep: 2 }"))
        for number in 0..<60 { _ = try client(broker, "client-\(number)", "wrong").next() }
        #expect(waits(broker, for: "refused", ["client": "client-59"]))
        let manager = FileManager.default
        #expect(manager.fileExists(atPath: file + ".1") && manager.fileExists(atPath: file + ".2"))
        #expect(!manager.fileExists(atPath: file + ".3"))
        for path in [file, file + ".1", file + ".2"] {
            let size = try manager.attributesOfItem(atPath: path)[.size] as? Int
            #expect(try #require(size) <= 4096)
            #expect(try !events(in: path).isEmpty, "whole lines")
        }
        try manager.moveItem(atPath: file, toPath: file + ".moved")
        kill(broker.pid, SIGHUP)
        #expect(waits(broker, for: "changed", ["request": "reload"]))
        _ = try client(broker, "after", "wrong").next()
        #expect(waits(broker, for: "refused", ["client": "after"]))
        #expect(broker.stop() == 0)
    }

    @Test(
        "a place that takes nothing holds nobody up: it is said once, and what is lost is counted when it takes again")
    func trouble() throws {
        let broken = directory.path + "/not-there"
        let broker = try BrokerProcess(configuration("{ file: \(broken)/audit.json }"))
        for number in 0..<20 {
            guard case .packet(let packet) = try client(broker, "c\(number)", "s3cret").next() else { return }
            #expect(packet[3] == 0)
        }
        #expect(broker.logs("audit: cannot open \(broken)/audit.json: No such file or directory"))
        #expect(broker.log.filter { $0.contains("audit: cannot open") }.count == 1)
        try FileManager.default.createDirectory(atPath: broken, withIntermediateDirectories: false)
        _ = try client(broker, "later", "s3cret").next()
        #expect(waits(broker, for: "connected", ["client": "later"], in: broken + "/audit.json"))
        // What was on its way to the place when that was made is in the file; all else is counted.
        let events = try events(in: broken + "/audit.json")
        let lost = events.filter { $0["event"] == "dropped" }.compactMap { $0["count"].flatMap { Int($0) } }
        let written = events.filter { $0["event"] == "connected" && $0["client"] != "later" }
        #expect(lost.reduce(0, +) > 0 && lost.reduce(0, +) + written.count >= 20, "\(lost) and \(written.count)")
        #expect(broker.stop() == 0)
    }

    @Test("log lines are JSON objects with stable names when that is asked for, the record among them")
    func json() throws {
        for (more, flags) in [("logging: { format: json }\n", []), ("", ["--log", "json"])] as [(String, [String])] {
            let broker = try BrokerProcess(configuration("{}", more: more), flags: flags)
            guard case .packet = try client(broker, "a", "s3cret").next() else { return }
            #expect(broker.logs(#""event":"connected""#), "\(broker.log)")
            _ = try client(broker, "b", "wrong").next()
            #expect(broker.logs("b at 127.0.0.1:"))
            #expect(broker.stop() == 0)
            for line in broker.log {
                let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
                #expect(object?["time"] is String, "\(line)")
                #expect(object?["event"] is String || object?["level"] is String && object?["message"] is String)
            }
        }
    }

    @Test("Kafka's clients are on the record as others are", .enabled(if: Program.isInstalled("kcat")))
    func kafka() throws {
        let broker = try BrokerProcess(
            configuration("{ file: \(file) }", more: "listeners: { mqtt: \"127.0.0.1:0\", kafka: \"127.0.0.1:0\" }\n"))
        for (password, kind) in [("s3cret", "connected"), ("wrong", "refused")] {
            _ = try Program.run([
                "kcat", "-b", broker.kafka(), "-X", "security.protocol=SASL_PLAINTEXT", "-X", "sasl.mechanisms=PLAIN",
                "-X", "sasl.username=ada", "-X", "sasl.password=\(password)", "-L", "-m", "2",
            ])
            #expect(waits(broker, for: kind, ["listener": "kafka", "address": "127.0.0.1:"]))
        }
        #expect(waits(broker, for: "connected", ["listener": "kafka", "user": "ada", "method": "password"]))
        #expect(waits(broker, for: "disconnected", ["listener": "kafka", "user": "ada"]))
        #expect(broker.stop() == 0)
    }
}
