import Foundation
import Testing

@Suite("The command line")
struct CommandLineTests {
    static let commands = [
        "serve", "check", "explain", "publish", "consume", "streams list", "streams describe", "log dump", "log verify",
        "bench pub", "bench sub",
    ]

    @Test("help names every command, and each one's page has its options and an example")
    func helps() throws {
        let help = try Program.sluice(["--help"])
        #expect(help.code == 0)
        for command in Self.commands {
            #expect(help.output.contains("  \(command) "), "\(command)")
            let page = try Program.sluice(command.split(separator: " ").map(String.init) + ["--help"])
            #expect(page.code == 0)
            #expect(page.output.hasPrefix("usage: sluice \(command)"))
            #expect(page.output.contains("\nExample:\n  sluice \(command) "), "\(page.output)")
        }
        #expect(try Program.sluice(["--version"]).output.hasPrefix("sluice "))
    }

    /// A command line that is not understood, and what is said of it.
    struct Mistake: Sendable {
        var words: [String]
        var message: String
        init(_ words: String, _ message: String) {
            self.words = words.split(separator: " ").map(String.init)
            self.message = message
        }
    }

    static let mistakes = [
        Mistake("pubish", "there is no command 'pubish'; did you mean 'publish'?"),
        Mistake("log", "'log' needs one of: dump, verify"),
        Mistake(
            "log verfy x",
            "there is no command 'log verfy', but dump, verify, stats, export, backup, restore, "
                + "repair; did you mean 'verify'?"
        ),
        Mistake("publish t --mesage x", "there is no option '--mesage'; did you mean '--message'?"),
        Mistake("publish t -z", "there is no option '-z'"),
        Mistake("publish", "TOPIC is missing"),
        Mistake("publish a b -m x", "'b' is one argument too many"),
        Mistake("publish t", "say what to publish with one of --message, --file and --stdin-lines"),
        Mistake("publish t -m x --qos 3", "--qos '3': expected a whole number from 0 to 2"),
        Mistake("publish t -m", "--message needs a value: TEXT"),
        Mistake("publish t -m x -m y", "--message is given twice"),
        Mistake("publish t --retain=yes -m x", "--retain takes no value"),
        Mistake("publish t -m x --broker a/b", "--broker 'a/b': expected HOST or HOST:PORT"),
        Mistake("consume s --from yesterday", "--from 'yesterday': expected earliest, latest"),
        Mistake("consume s --filter a/#/b", "--filter 'a/#/b': "),
        Mistake("serve --loops -1", "--loops '-1': expected a whole number"),
        Mistake("bench pub --duration 10", "--duration '10': expected a time such as 500ms"),
    ]

    @Test("a command line that is not understood exits with 2 and says what there is", arguments: mistakes)
    func refusesMistakes(_ mistake: Mistake) throws {
        let result = try Program.sluice(mistake.words)
        #expect(result.code == 2)
        #expect(result.output.isEmpty)
        #expect(result.errors.hasPrefix("sluice: \(mistake.message)"), "\(result.errors)")
    }

    private static let configuration = """
        streams:
          - name: sensors
            partitions: 4
          - name: plants
        rules:
          - from: plants/{plant}/#
            stream: plants
            key: "{plant}"
          - from: sensors/{site}/{device}/#
            stream: sensors
            key: "{device}"

        """

    @Test("check says what a configuration means")
    func checks() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write("sluice.yaml", Self.configuration)
        let result = try Program.sluice(["check", "--config", file])
        #expect(result.code == 0)
        for line in [
            "127.0.0.1:1883", "sensors           4  fsync", "   2  sensors/{site}/{device}/#  sensors  {device}",
        ] {
            #expect(result.output.contains(line), "\(line) in \(result.output)")
        }
    }

    @Test("check reports every rule that cannot be")
    func checksRules() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write(
            "sluice.yaml",
            "rules:\n  - from: a/#/b\n    stream: mqtt\n  - from: a/{b}\n    stream: mqtt\n    key: \"{c}\"\n")
        let result = try Program.sluice(["check", "--config", file])
        #expect(result.code == 1)
        #expect(result.errors.contains("\(file):2:11: "), "\(result.errors)")
        #expect(result.errors.contains("\(file):6:10: the key uses '{c}'"), "\(result.errors)")
    }

    @Test("explain says which rules were tried, which matched, and where the topic goes")
    func explains() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write("sluice.yaml", Self.configuration)
        let text = try Program.sluice(["explain", "sensors/berlin/dev42/temp", "--config", file])
        #expect(text.code == 0)
        #expect(text.output.contains("no: level 1 is 'sensors', not 'plants'"), "\(text.output)")
        #expect(text.output.contains("{device}                   dev42"), "\(text.output)")
        let json = try Program.sluice(["explain", "sensors/berlin/dev42/temp", "--config", file, "--json"])
        let object = try #require(
            JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
        #expect(object["stream"] as? String == "sensors")
        #expect(object["key"] as? String == "dev42")
        #expect(object["rule"] as? Int == 2)
        #expect(object["partitions"] as? Int == 4)
        let other = try Program.sluice(["explain", "a/b", "--config", file])
        #expect(other.output.contains("catch-all"))
        #expect(try Program.sluice(["explain", "a/+", "--config", file]).code == 1)
    }

    @Test("explain says who may do what with a topic, and which line decides")
    func explainsAccess() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write(
            "sluice.yaml",
            Self.configuration + """
                access:
                  roles:
                    device:
                      publish: ["sensors/%u/#"]
                    reader:
                      read: ["sensors/#"]
                      deny: ["sensors/secret/#"]
                  users:
                    berlin: device
                    alice: [reader, device]
                  anonymous: reader

                """)
        let line = Self.configuration.split(separator: "\n", omittingEmptySubsequences: false).count
        func explain(_ words: [String]) throws -> [[String: Any]] {
            let result = try Program.sluice(["explain", "--config", file, "--json"] + words)
            #expect(result.code == 0, "\(result.errors)")
            let object = try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any]
            return try #require(object?["access"] as? [[String: Any]])
        }
        func allowed(_ row: [String: Any], _ right: String) -> Bool? {
            (row[right] as? [String: Any])?["allowed"] as? Bool
        }
        let all = try explain(["sensors/berlin/dev42/temp"])
        #expect(all.map { $0["user"] as? String } == [nil, "alice", "berlin", "*"])
        #expect(all.map { allowed($0, "read") } == [true, true, false, false])
        #expect(all.map { allowed($0, "publish") } == [false, false, true, false])
        let rule = (all[2]["publish"] as? [String: Any])?["rule"] as? String
        #expect(rule == "\(file):\(line + 3): role 'device', publish: sensors/%u/#")
        let one = try explain(["sensors/secret/x/y", "-u", "alice", "-i", "c1"])
        #expect(one.count == 1 && allowed(one[0], "read") == false)
        #expect(((one[0]["read"] as? [String: Any])?["rule"] as? String)?.hasSuffix("deny: sensors/secret/#") == true)
        let text = try Program.sluice(["explain", "sensors/secret/x/y", "--config", file, "--user", "alice"])
        #expect(text.output.contains("role 'reader', deny: sensors/secret/#"), "\(text.output)")
        let open = try directory.write("open.yaml", Self.configuration)
        let nobody = try Program.sluice(["explain", "a", "--config", open, "-u", "alice"])
        #expect(nobody.output.contains("there are no rules"), "\(nobody.output)")
    }

    @Test("a broker that is not there is named")
    func namesMissingBroker() throws {
        let result = try Program.sluice(["publish", "t", "-m", "x", "--broker", "127.0.0.1:1"])
        #expect(result.code == 1)
        #expect(result.errors == "sluice: cannot connect to 127.0.0.1:1: Connection refused\n")
    }
}
