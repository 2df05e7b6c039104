import Foundation
import Glibc
import Testing

@Suite("sluice passwd")
struct PasswordCommandTests {
    private let directory: TemporaryDirectory
    private var path: String { directory.path + "/passwords" }

    init() throws { directory = try TemporaryDirectory() }

    private func passwd(_ words: [String], input: String? = nil) throws -> Program.Result {
        try Program.run([Program.sluice, "passwd"] + words, input: input)
    }

    private func text() throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

    private func mode() throws -> Int {
        try #require(FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
    }

    /// Whether mosquitto lets a user of the file in.
    private func lets(_ broker: MosquittoBroker, _ user: String, _ password: String) throws -> Bool {
        let result = try Program.run(
            ["mosquitto_pub", "-p", "\(broker.port)", "-u", user, "-P", password, "-t", "a", "-m", "1"])
        return result.code == 0
    }

    @Test(
        "mosquitto reads what it writes, and it changes what mosquitto_passwd has written",
        .enabled(if: Program.isInstalled("mosquitto_passwd")))
    func bothWays() throws {
        #expect(try passwd(["-c", "-b", path, "alice", "secret"]).output == "Adding password for user alice\n")
        #expect(try mode() == 0o600)
        #expect(try passwd(["-b", "-H", "sha512", path, "bob", "secret"]).code == 0)
        #expect(try passwd(["-b", "-I", "150", path, "carol", "pass word"]).code == 0)
        #expect(try text().contains("\ncarol:$7$150$"))
        // mosquitto_passwd adds one of its own, and changes one of ours.
        for words in [["dave", "theirs"], ["bob", "changed"]] {
            #expect(try Program.run(["mosquitto_passwd", "-b", path] + words).code == 0)
        }
        #expect(try passwd(["-b", path, "dave", "ours"]).output == "Updating password for user dave\n")
        #expect(try passwd(["-b", path, "gone", "x"]).code == 0)
        #expect(try passwd(["-D", path, "gone"]).code == 0)
        #expect(try !text().contains("gone"))
        let broker = try MosquittoBroker("password_file \(path)\n")
        for (user, password) in [("alice", "secret"), ("bob", "changed"), ("carol", "pass word"), ("dave", "ours")] {
            #expect(try lets(broker, user, password), "\(user)")
            #expect(try !lets(broker, user, password + "x"), "\(user)")
        }
        #expect(try !lets(broker, "bob", "secret") && !lets(broker, "gone", "x"))
    }

    @Test(
        "-U hashes passwords in plain text, and leaves what is hashed", .enabled(if: Program.isInstalled("mosquitto")))
    func upgrade() throws {
        _ = try directory.write("passwords", "# devices\nalice:secret\n")
        #expect(try passwd(["-b", path, "bob", "other"]).code == 0)
        let bob = try #require(try text().split(separator: "\n").last)
        #expect(try passwd(["-U", path]).code == 0)
        #expect(try text().hasPrefix("# devices\nalice:$7$20000$"))
        #expect(try text().hasSuffix("\n\(bob)\n"))
        #expect(try !text().contains("secret"))
        let broker = try MosquittoBroker("password_file \(path)\n")
        #expect(try lets(broker, "alice", "secret") && lets(broker, "bob", "other"))
    }

    @Test("lines for SCRAM are made and renewed with the password, and mosquitto is not disturbed by other forms")
    func scram() throws {
        #expect(try passwd(["-c", "--scram", path, "alice"], input: "first\n").code == 0)
        let first = try text().split(separator: "\n")
        #expect(
            first.map { $0.prefix(20) }.elementsEqual([
                "alice:$7$20000$", "alice:SCRAM-SHA-256$", "alice:SCRAM-SHA-512$",
            ]) {
                $0.hasPrefix($1)
            })
        #expect(try passwd([path, "alice"], input: "second\n").output == "Updating password for user alice\n")
        let second = try text().split(separator: "\n")
        #expect(second.count == 3 && second[2].hasPrefix("alice:SCRAM-SHA-512$20000:"))
        for (old, new) in zip(first, second) { #expect(old != new) }
        #expect(try passwd(["-b", "-H", "argon2id", path, "bob", "x"]).code == 0)
        #expect(try text().contains("\nbob:$argon2id$v=19$m=47104,t=1,p=1$"))
    }

    @Test("a file keeps its mode, a link stays one, and one that cannot be replaced stays as it is")
    func places() throws {
        _ = try directory.write("passwords", "a:x\n")
        #expect(chmod(path, 0o640) == 0)
        let link = directory.path + "/link"
        #expect(symlink(path, link) == 0)
        #expect(try passwd(["-b", link, "b", "y"]).code == 0)
        #expect(try mode() == 0o640)
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == path)
        #expect(try text().hasPrefix("a:x\nb:$7$"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).contains("passwords"))
        #expect(
            try !FileManager.default.contentsOfDirectory(atPath: directory.path).contains { $0.hasPrefix("passwords.") }
        )
        let missing = try passwd(["-b", directory.path + "/no/where", "a", "b"])
        #expect(missing.code == 1 && missing.errors.contains("No such file"), "\(missing)")
        let nobody = try passwd(["-D", path, "nobody"])
        #expect(nobody.code == 1 && nobody.errors.contains("'nobody' is not in"), "\(nobody)")
    }

    @Test("what is not understood changes nothing, and no message tells a password")
    func misuse() throws {
        _ = try directory.write("passwords", "a:x\n")
        for (words, reason) in [
            (["-c", "-D", path, "a"], "cannot be used together"), (["-D", "-b", path, "a"], "cannot be used together"),
            (["-U", path, "a"], "-U takes a file alone"), (["-b", path, "a"], "PASSWORD is missing"),
            ([path], "USER is missing"), ([path, "a", "hunter2"], "needs -b"),
            (["-b", "-H", "md5", path, "a", "hunter2"], "expected sha512-pbkdf2, argon2id or sha512"),
            (["-b", "-I", "0", path, "a", "hunter2"], "expected a whole number from 1"),
            (["-b", path, "a:b", "hunter2"], "no ':'"), (["-b", path, "#a", "hunter2"], "no '#' in front"),
        ] {
            let result = try passwd(words)
            #expect(result.code == 2 && result.errors.contains(reason), "\(words) \(result)")
            #expect(!result.errors.contains("hunter2"))
            #expect(try text() == "a:x\n")
        }
        let empty = try passwd([path, "a"], input: "\n")
        #expect(empty.code == 1 && empty.errors.contains("none was entered"))
        let bad = try passwd(["-U", directory.write("plain", "hunter2\n")])
        #expect(bad.code == 1 && bad.errors.contains("plain:1: expected USER:HASH") && !bad.errors.contains("hunter2"))
    }

    @Test("a terminal is asked twice and shows nothing of the password", .enabled(if: Program.isInstalled("python3")))
    func terminal() throws {
        let script = try #require(
            Bundle.module.path(forResource: "terminal_passwd", ofType: "py", inDirectory: "Scripts"))
        func type(_ answers: String) throws -> Program.Result {
            try Program.run(["python3", script, answers, Program.sluice, "passwd", "-c", path, "alice"])
        }
        let done = try type("hunter2,hunter2")
        #expect(done.code == 0, "\(done)")
        #expect(done.output.contains("Password: ") && done.output.contains("Reenter password: "))
        #expect(!done.output.contains("hunter2"))
        let line = try text()
        #expect(line.hasPrefix("alice:$7$"))
        let other = try type("hunter2,hunter3")
        #expect(other.code == 1 && other.output.contains("do not match") && !other.output.contains("hunter"))
        let interrupted = try type("\u{3},x")
        #expect(interrupted.code == 1 && interrupted.output.contains("interrupted"))
        #expect(try text() == line)
    }
}
