import Foundation
import Glibc
import Testing

@Suite("sluice doctor")
struct DoctorTests {
    private struct Finding: Decodable {
        let verdict: String
        let subject: String
        let found: String
        let advice: String?
    }

    private struct Document: Decodable { let findings: [Finding] }

    private func examine(
        _ configuration: String, in directory: TemporaryDirectory
    ) throws -> (code: Int32?, findings: [String: [Finding]]) {
        let file = try directory.write("sluice.yaml", configuration)
        let result = try Program.sluice(["doctor", "--config", file, "--json"])
        let document = try JSONDecoder().decode(Document.self, from: Data(result.output.utf8))
        return (result.code, Dictionary(grouping: document.findings, by: \.subject))
    }

    @Test("a machine without faults is one, with what was measured")
    func healthy() throws {
        let directory = try TemporaryDirectory()
        let (code, found) = try examine(
            "data: \(directory.path)/data\nlisteners: { mqtt: \"127.0.0.1:0\" }\n", in: directory)
        #expect(code == 0)
        for subject in ["data directory", "file system", "free space", "sync", "open files", "memory", "clock"] {
            #expect(found[subject]?.count == 1 && found[subject]?[0].verdict != "fault", "\(subject): \(found)")
        }
        #expect(found["sync"]?[0].found.contains("mostly") == true)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: directory.path).filter { $0.hasPrefix(".doctor") } == []
        )
    }

    @Test("a port that somebody has is a fault, and none when it is the broker's own")
    func ports() throws {
        let broker = try BrokerProcess()
        let listener = "listeners: { mqtt: \"127.0.0.1:\(broker.port)\" }\n"
        let other = try TemporaryDirectory()
        let (code, found) = try examine("data: \(other.path)/data\n" + listener, in: other)
        #expect(code == 1 && found["mqtt listener"]?[0].verdict == "fault", "\(found)")
        #expect(found["mqtt listener"]?[0].found.contains("in use by another process") == true)
        let (own, beside) = try examine("data: \(broker.data)\n" + listener, in: other)
        #expect(own == 0 && beside["broker"]?[0].found == "process \(broker.pid) has the data directory", "\(beside)")
        #expect(beside["mqtt listener"]?[0].found.contains("in use by the broker") == true)
    }

    @Test("a data directory that is a file, or open to others, is said")
    func directories() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write("data", "")
        let (code, found) = try examine("data: \(file)\nlisteners: { mqtt: \"127.0.0.1:0\" }\n", in: directory)
        #expect(code == 1 && found["data directory"]?[0].found.contains("is no directory") == true, "\(found)")
        let open = directory.path + "/open"
        #expect(mkdir(open, 0o777) == 0 && chmod(open, 0o777) == 0)
        let (warned, told) = try examine("data: \(open)\nlisteners: { mqtt: \"127.0.0.1:0\" }\n", in: directory)
        #expect(warned == 0 && told["data directory"]?[0].verdict == "warning", "\(told)")
    }

    @Test("a certificate that has ended is a fault, one that soon will a warning, and so is a key that all may read")
    func certificates() throws {
        let certificates = try Certificates()
        for (name, days) in [("ended", -1), ("soon", 3), ("good", 30)] {
            try certificates.make(name, host: "localhost", days: days)
        }
        var verdicts: [String: String] = [:]
        for name in ["ended", "soon", "good"] {
            let key = certificates.path(name + ".key")
            #expect(chmod(key, name == "soon" ? 0o644 : 0o600) == 0)
            let (code, found) = try examine(
                """
                data: \(certificates.directory.path)/data
                listeners:
                  mqtts:
                    address: 127.0.0.1:0
                    tls: { certificate: \(certificates.path(name + ".pem")), key: \(key) }

                """, in: certificates.directory)
            verdicts[name] = found["mqtts certificate"]?[0].verdict
            #expect(code == (name == "ended" ? 1 : 0), "\(found)")
            #expect((found["secrets"] != nil) == (name == "soon"), "\(found)")
        }
        #expect(verdicts == ["ended": "fault", "soon": "warning", "good": "ok"])
    }

    @Test(
        "people read words, painted on a terminal unless NO_COLOR says otherwise",
        .enabled(if: Program.isInstalled("python3")))
    func colors() throws {
        let script = try #require(
            Bundle.module.path(forResource: "terminal_run", ofType: "py", inDirectory: "Scripts"))
        let directory = try TemporaryDirectory()
        let file = try directory.write(
            "sluice.yaml", "data: \(directory.path)/data\nlisteners: { mqtt: \"127.0.0.1:0\" }\n")
        let words = ["python3", script, "", try Program.sluice, "doctor", "--config", file]
        let painted = try Program.run(words, environment: ["TERM": "xterm"])
        #expect(painted.output.contains("\u{1B}[32mok"), "\(painted)")
        let plain = try Program.run(words, environment: ["TERM": "xterm", "NO_COLOR": "1"])
        #expect(!plain.output.contains("\u{1B}[") && plain.output.contains("0 faults"), "\(plain)")
    }
}
