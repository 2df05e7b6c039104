import Foundation
import Testing

/// Users, rights and the programs that people use, against a broker that asks who they are.
@Suite("Security, with mosquitto's clients and kcat", .enabled(if: Program.isInstalled("mosquitto_pub")))
struct SecurityTests {
    private let directory: TemporaryDirectory
    private static let passwords = ["alice": "wonder", "bob": "builder", "admin": "root"]

    private static let rules = """
        topic read public/#
        user alice
        topic readwrite sensors/#
        topic deny sensors/secret
        topic $stream/t1
        topic read $share/ga
        user bob
        topic read sensors/temp
        user admin
        topic readwrite #
        topic readwrite $sluice/#
        topic readwrite $stream/#
        pattern write dev/%u/#

        """

    init() throws {
        directory = try TemporaryDirectory()
        _ = try directory.write("passwords", "")
        for (user, password) in Self.passwords {
            let made = try Program.sluice(["passwd", "-b", "--scram", "\(directory.path)/passwords", user, password])
            #expect(made.code == 0, "\(made)")
        }
        _ = try directory.write("acl", Self.rules)
    }

    private func broker(_ more: String = "allow_anonymous: true\n") throws -> BrokerProcess {
        try BrokerProcess(
            """
            listeners: { mqtt: "127.0.0.1:0", kafka: "127.0.0.1:0" }
            password_file: \(directory.path)/passwords
            acl_file: \(directory.path)/acl
            \(more)
            """ + BrokerProcess.plain)
    }

    private func mosquitto(
        _ program: String, _ broker: BrokerProcess, _ user: String?, password: String? = nil, _ arguments: [String]
    ) throws -> Program.Result {
        var command = ["mosquitto_\(program)", "-h", "127.0.0.1", "-p", String(try broker.port("mqtt"))]
        if let user { command += ["-u", user, "-P", password ?? Self.passwords[user] ?? ""] }
        return try Program.run(command + arguments)
    }

    private func publish(
        _ broker: BrokerProcess, _ user: String?, password: String? = nil, _ topic: String, _ more: [String] = []
    ) throws -> Program.Result {
        try mosquitto("pub", broker, user, password: password, ["-q", "1", "-t", topic, "-m", "x"] + more)
    }

    /// The topics that a client gets, up to the last one that is published for it.
    private func topics(_ broker: BrokerProcess, _ user: String?, _ filter: String) throws -> [String] {
        let result = try mosquitto("sub", broker, user, ["-q", "1", "-t", filter, "-F", "%t", "-W", "3"])
        return result.output.split(separator: "\n").map(String.init)
    }

    @Test("passwords let in who has them; what is refused says so by MQTT's reason", arguments: ["311", "5"])
    func passwords(_ version: String) throws {
        let broker = try broker("")
        #expect(try publish(broker, "alice", "sensors/temp", ["-V", version]).code == 0)
        for (user, password) in [("alice", "no"), ("alice", ""), ("nobody", "x")] {
            let refused = try publish(broker, user, password: password, "sensors/temp", ["-V", version])
            #expect(
                refused.code != 0 && refused.errors.lowercased().contains("bad user name or password"), "\(refused)")
        }
        let anonymous = try publish(broker, nil, "sensors/temp", ["-V", version])
        #expect(anonymous.code != 0 && anonymous.errors.lowercased().contains("not authori"), "\(anonymous)")
        for password in Self.passwords.values {
            #expect(!broker.log.contains { $0.contains(password) }, "no secret in the log")
        }
        #expect(broker.stop() == 0)
    }

    @Test("retained messages, history and streams give a client what it may read, whatever it asks for")
    func reading() throws {
        let broker = try broker()
        for topic in ["public/x", "sensors/temp", "sensors/secret"] {
            #expect(try publish(broker, "admin", topic, ["-r"]).code == 0)
        }
        #expect(try Set(topics(broker, "alice", "#")) == ["sensors/temp"])
        #expect(try Set(topics(broker, "bob", "$replay/earliest/#")) == ["sensors/temp"])
        #expect(try Set(topics(broker, nil, "$replay/earliest/#")) == ["public/x"])
        #expect(try topics(broker, "bob", "$share/g/sensors/secret").isEmpty)
        #expect(try Set(topics(broker, "admin", "$replay/earliest/#")).count == 3)
        let denied = try publish(broker, "bob", "sensors/temp", ["-V", "5"])
        #expect(denied.errors.contains("Not authorized"), "\(denied)")
        #expect(try publish(broker, "bob", "dev/bob/1", ["-V", "5"]).errors.isEmpty)
        #expect(broker.stop() == 0)
    }

    @Test("rights and users change with SIGHUP, and a file that is none changes nothing")
    func reloads() throws {
        let broker = try broker()
        #expect(try publish(broker, "bob", "dev/bob/1", ["-V", "5"]).errors.isEmpty)
        _ = try directory.write("acl", "user bob\ntopic raed x\n")
        #expect(broker.reload(expecting: "acl:2:1: expected 'read', 'write', 'readwrite' or 'deny'"))
        #expect(try publish(broker, "bob", "dev/bob/1", ["-V", "5"]).errors.isEmpty, "the old rules are in force")
        _ = try directory.write("acl", "user bob\ntopic read x\n")
        #expect(broker.reload(expecting: "changed: users and rights"))
        #expect(try publish(broker, "bob", "dev/bob/1", ["-V", "5"]).errors.contains("Not authorized"))
        #expect(try Program.sluice(["passwd", "-D", "\(directory.path)/passwords", "bob"]).code == 0)
        #expect(broker.reload(expecting: "changed: users and rights"))
        #expect(try publish(broker, "bob", "dev/bob/1").code != 0)
        #expect(broker.stop() == 0)
    }

    @Test("a broker may write no core file, whatever the limit was when it was started")
    func coreFiles() throws {
        let script = "cd \"$0\" && ulimit -c unlimited && exec \"$@\""
        let directory = try TemporaryDirectory()
        // What the limit is without the broker's doing.
        let other = try ChildProcess(["sh", "-c", script, directory.path, "sleep", "600"], in: directory)
        #expect(other.wait { (try? Self.limit(of: other.pid)) == "unlimited" })
        let broker = try BrokerProcess(
            wrapper: ["sh", "-c", script, directory.path], isSameProcess: true)
        #expect(try Self.limit(of: broker.pid) == "0")
    }

    /// The size of core files that a process may write.
    private static func limit(of pid: pid_t) throws -> String? {
        let limits = try String(contentsOfFile: "/proc/\(pid)/limits", encoding: .utf8)
        return limits.split(separator: "\n").first { $0.hasPrefix("Max core file size") }
            .flatMap { $0.split(separator: " ").dropFirst(4).first.map(String.init) }
    }

    @Test(
        "kcat shows who it is by every mechanism, and gets what its user may", .enabled(if: Program.isInstalled("kcat"))
    )
    func kcat() throws {
        let broker = try broker("")
        let password = try directory.write("admin-password", "root\n")
        let made = try broker.sluice(["streams", "create", "t1", "--username", "admin", "--password-file", password])
        #expect(made.code == 0, "\(made)")
        func kcat(_ mechanism: String, _ password: String, _ arguments: [String], input: String? = nil) throws
            -> Program.Result
        {
            try Program.run(
                [
                    "kcat", "-b", broker.kafka(), "-X", "security.protocol=SASL_PLAINTEXT", "-X",
                    "sasl.mechanisms=\(mechanism)", "-X", "sasl.username=alice", "-X", "sasl.password=\(password)",
                ] + arguments, input: input)
        }
        let mechanisms = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
        for mechanism in mechanisms {
            let sent = try kcat(mechanism, "wonder", ["-P", "-t", "t1"], input: mechanism + "\n")
            #expect(sent.code == 0, "\(mechanism): \(sent)")
            let refused = try kcat(mechanism, "wrong", ["-L", "-m", "1"])
            #expect(refused.code != 0 && refused.errors.contains("Authentication failed"), "\(mechanism): \(refused)")
        }
        let got = try kcat("SCRAM-SHA-512", "wonder", ["-C", "-t", "t1", "-o", "beginning", "-e", "-q"])
        #expect(got.output.split(separator: "\n").map(String.init) == mechanisms)
        let denied = try kcat("PLAIN", "wonder", ["-P", "-t", "mqtt"], input: "x\n")
        #expect(denied.errors.contains("Topic authorization failed"), "\(denied)")
        let stranger = try Program.run(["kcat", "-b", broker.kafka(), "-L", "-m", "1"])
        #expect(stranger.code != 0)
        #expect(broker.stop() == 0)
    }
}
