import Foundation
import Testing

@Suite("Conventions of a command line")
struct ConventionTests {
    @Test("help and version answer to all of their usual names")
    func helpAndVersion() throws {
        let overview = try Program.sluice(["--help"]).output
        for words in [["help"], ["-h"]] { #expect(try Program.sluice(words).output == overview) }
        let version = try Program.sluice(["--version"])
        for words in [["-V"], ["version"]] { #expect(try Program.sluice(words).output == version.output) }
        let page = try Program.sluice(["bridges", "seek", "--help"])
        #expect(page.code == 0 && page.output.hasPrefix("usage: sluice bridges seek NAME WHERE"))
        for words in [["bridges", "seek", "-h"], ["help", "bridges", "seek"], ["bridges", "seek", "x", "-h"]] {
            let result = try Program.sluice(words)
            #expect(result.code == 0 && result.output == page.output, "\(words) \(result)")
        }
        for words in [["streams", "--help"], ["streams", "-h"], ["streams", "help"], ["help", "streams"]] {
            let group = try Program.sluice(words)
            #expect(group.code == 0, "\(words) \(group)")
            #expect(group.output.contains("  streams list ") && group.output.contains("  streams describe NAME "))
            #expect(!group.output.contains("  consume "))
        }
        // The value of an option asks for nothing.
        let value = try Program.sluice(["publish", "t", "-m", "--help", "-b", "127.0.0.1:1"])
        #expect(value.code == 1 && value.output.isEmpty, "\(value)")
        #expect(try Program.sluice(["help", "nothing"]).code == 2)
    }

    @Test("a host needs no port, and one that is not known is named with what the resolver says")
    func hosts() throws {
        for (host, told) in [
            ("127.0.0.2", "127.0.0.2:1883"), ("::1", "[::1]:1883"), ("[::1]:1", "[::1]:1"),
        ] {
            let result = try Program.sluice(["streams", "list", "-b", host])
            // Nobody may listen there, and somebody's broker may: what matters is where it went.
            #expect(result.code != 2, "\(result)")
            if result.code == 1 { #expect(result.errors.contains("\(told)"), "\(result)") }
        }
        let secure = try Program.sluice(["streams", "list", "-b", "no-such-host.invalid", "--tls"])
        #expect(secure.errors.contains("cannot connect to no-such-host.invalid:8883: "), "\(secure)")
        let unknown = try Program.sluice(["streams", "list"], environment: ["SLUICE_BROKER": "no-such-host.invalid"])
        #expect(unknown.code == 1, "\(unknown)")
        #expect(unknown.errors.hasPrefix("sluice: cannot connect to no-such-host.invalid:1883: "), "\(unknown)")
        #expect(unknown.errors.lowercased().contains("name"), "\(unknown)")
        for bad in ["a/b", "[::1", "host:0", ""] {
            #expect(try Program.sluice(["streams", "list", "-b", bad]).code == 2, "\(bad)")
        }
    }

    @Test("every command that connects does so over TLS, with a certificate where one is asked for")
    func tls() throws {
        let certificates = try Certificates()
        try certificates.make("client")
        try certificates.makeAuthority("other")
        let configuration = certificates.configuration(["client_ca: \(certificates.path("ca.pem"))"])
        let broker = try BrokerProcess(configuration)
        let place = ["-b", "localhost:\(try broker.port("mqtts"))", "--cafile", certificates.path("ca.pem")]
        let own = ["--cert", certificates.path("client.pem"), "--key", certificates.path("client.key")]
        let large = try certificates.directory.write("large", String(repeating: "x", count: 900_000))
        let published = try Program.sluice(["publish", "t", "-f", large, "-n", "20"] + place + own)
        #expect(published.code == 0, "\(published)")
        let consumed = try Program.sluice(["consume", "mqtt"] + place + own)
        #expect(consumed.code == 0 && consumed.lines.count == 20, "\(consumed.errors)")
        #expect(consumed.lines.allSatisfy { $0.utf8.count > 900_000 })
        for words in [
            ["streams", "list"], ["sessions", "list"], ["groups", "list"], ["bridges", "list"], ["refusals"],
        ] {
            let result = try Program.sluice(words + place + own)
            #expect(result.code == 0, "\(words) \(result)")
        }
        let load = try Program.sluice(["bench", "pub", "-c", "4", "-q", "1", "-n", "2000"] + place + own)
        #expect(load.code == 0, "\(load)")
        // Without a certificate, with another authority, with another host.
        for (options, reason) in [
            (place, "TLS: "), (["-b", place[1], "--cafile", certificates.path("other.pem")] + own, "TLS: "),
            (["-b", "127.0.0.1:\(try broker.port("mqtts"))", "--cafile", place[3]] + own, "TLS: "),
        ] {
            let result = try Program.sluice(["streams", "list"] + options)
            #expect(result.code == 1 && result.errors.contains(reason), "\(options) \(result)")
        }
        #expect(try Program.sluice(["streams", "list"] + place + Array(own.prefix(2))).code == 2)
    }

    @Test("a name and a password are sent as they are, the password from a file")
    func credentials() throws {
        let directory = try TemporaryDirectory()
        let passwords = directory.path + "/passwords"
        let made = try Program.run(["mosquitto_passwd", "-b", "-c", passwords, "ann", "p w"])
        #expect(made.code == 0, "\(made)")
        let upstream = try MosquittoBroker("allow_anonymous false\npassword_file \(passwords)\n")
        let right = try directory.write("right", "p w\n")
        let wrong = try directory.write("wrong", "pw\n")
        func publish(_ options: [String]) throws -> Program.Result {
            try Program.sluice(["publish", "t", "-m", "x", "-b", "127.0.0.1:\(upstream.port)"] + options)
        }
        #expect(try publish(["--username", "ann", "--password-file", right]).code == 0)
        for options in [[], ["-u", "ann"], ["-u", "ann", "--password-file", wrong]] {
            let result = try publish(options)
            #expect(result.code == 1 && result.errors.contains("refuses the connection"), "\(result)")
        }
        #expect(try publish(["--password-file", right]).code == 2)
    }

    @Test("commands that are connected are told from devices in the list of sessions")
    func sessions() throws {
        let broker = try BrokerProcess()
        let device = try RawClient(port: broker.port, level: 4, id: "sluice-cli", flags: 2)
        let list = try broker.sluice(["sessions", "list"])
        #expect(
            list.lines.contains { $0.hasPrefix("sluice-cli-sessions.list-") && $0.contains(" sluice sessions list ") })
        #expect(list.lines.contains { $0.hasPrefix("sluice-cli ") && $0.contains(" connected ") }, "\(list)")
        let json = try broker.sluice(["sessions", "list", "--json"])
        let document = try #require(JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
        let all = try #require(document["sessions"] as? [[String: Any]])
        #expect(Set(all.map { $0["command"] as? String }) == [nil, "sessions list"], "\(json)")
        device.send([0xE0, 0])
    }

    @Test("one long name pushes no other column off the screen")
    func longNames() throws {
        let broker = try BrokerProcess()
        let long = String(repeating: "k", count: 900)
        #expect(try broker.sluice(["publish", long, "-m", "x"]).code == 0)
        #expect(try broker.sluice(["publish", "short", "-m", "y"]).code == 0)
        let consumed = try broker.sluice(["consume", "mqtt"])
        #expect(consumed.lines.count == 2 && consumed.lines.allSatisfy { $0.count < 200 }, "\(consumed)")
        #expect(consumed.lines.allSatisfy { $0.hasSuffix(" x") || $0.hasSuffix(" y") })
        #expect(try broker.sluice(["consume", "mqtt", "--json"]).output.contains(long))
        let client = try RawClient(port: broker.port, level: 4, id: long, flags: 2)
        let list = try broker.sluice(["sessions", "list"])
        #expect(list.lines.allSatisfy { $0.count < 200 } && list.output.contains("kkk…kkk"), "\(list)")
        client.send([0xE0, 0])
    }

    @Test("a load that nothing came of is no success")
    func emptyLoad() throws {
        let broker = try BrokerProcess()
        let result = try broker.sluice(["bench", "sub", "--duration", "500ms"])
        #expect(result.code == 1 && result.errors.contains("no message came"), "\(result)")
    }

    @Test("check has what it says as JSON, errors with their places")
    func checkJSON() throws {
        let directory = try TemporaryDirectory()
        let good = try directory.write(
            "good.yaml", "rules:\n  - from: '#'\n    stream: mqtt\n  - from: a\n    stream: mqtt\n")
        let bad = try directory.write("bad.yaml", "loops: many\nlog:\n  qota: 1GiB\n")
        func read(_ file: String, _ code: Int32) throws -> [String: Any] {
            let result = try Program.sluice(["check", "--json", "--config", file])
            #expect(result.code == code && result.errors.isEmpty, "\(result)")
            return try #require(JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
        }
        let report = try read(good, 0)
        #expect(report["ok"] as? Bool == true && report["data"] as? String == "./data")
        let warnings = try #require(report["warnings"] as? [[String: Any]])
        #expect(warnings.map { $0["line"] as? Int } == [4], "\(warnings)")
        #expect((report["streams"] as? [[String: Any]])?.first?["name"] as? String == "mqtt")
        let refused = try read(bad, 1)
        let errors = try #require(refused["errors"] as? [[String: Any]])
        #expect(refused["ok"] as? Bool == false)
        #expect(
            errors.map { [$0["line"], $0["column"]].compactMap { $0 as? Int } } == [[1, 8], [3, 3]], "\(errors)")
        #expect(errors.allSatisfy { $0["file"] as? String == bad })
    }
}
