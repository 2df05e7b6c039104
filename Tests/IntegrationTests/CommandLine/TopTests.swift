import Foundation
import Testing

@Suite("sluice top, and progress")
struct TopTests {
    private func script() throws -> String {
        try #require(Bundle.module.path(forResource: "terminal_run", ofType: "py", inDirectory: "Scripts"))
    }

    @Test("one picture has streams, clients, groups and bridges with what they have to do")
    func once() throws {
        let broker = try BrokerProcess()
        let member = try MosquittoClient(id: "worker-7", version: 5)
        try member.connect(port: broker.port)
        _ = try member.subscribe("$share/readers/$stream/mqtt", qos: 1)
        #expect(try broker.sluice(["publish", "a/b", "-m", "1", "-n", "3"]).code == 0)
        let top = try broker.sluice(["top", "--once", "--interval", "100ms"])
        #expect(top.code == 0, "\(top)")
        #expect(top.lines.first?.contains("1 clients") == true, "\(top)")
        #expect(top.lines.contains { $0.hasPrefix("mqtt ") && $0.contains(" 3 ") }, "\(top)")
        #expect(top.lines.contains { $0.hasPrefix("worker-7 ") && $0.contains("connected") }, "\(top)")
        #expect(top.lines.contains { $0.hasPrefix("readers ") && $0.contains("stable") }, "\(top)")
        let piped = try broker.sluice(["top"])
        #expect(piped.code == 1 && piped.errors.contains("use --once"), "\(piped)")
    }

    @Test("a terminal is redrawn until q is typed, and is then as it was", .enabled(if: Program.isInstalled("python3")))
    func live() throws {
        let broker = try BrokerProcess()
        let client = try MosquittoClient(id: "worker-7", version: 5)
        try client.connect(port: broker.port)
        let command = [try Program.sluice, "top", "--broker", broker.address, "--interval", "100ms"]
        for key in ["q", "\u{3}"] {
            // Two pictures: the second begins at the top of the screen as well.
            let result = try Program.run(
                ["python3", script(), "worker-7=,worker-7=\(key)"] + command, environment: ["TERM": "xterm"])
            #expect(result.code == 0, "\(result)")
            #expect(result.output.hasPrefix("\u{1B}[?1049h"), "\(result)")
            #expect(result.output.contains("\u{1B}[?1049l\nrestored=True"), "\(result)")
            #expect(result.output.components(separatedBy: "\u{1B}[H").count >= 3, "\(result)")
        }
    }

    @Test(
        "long work shows its progress on a terminal, and nothing of it elsewhere",
        .enabled(if: Program.isInstalled("python3")))
    func progress() throws {
        let broker = try BrokerProcess()
        let command = [
            "bench", "pub", "--connections", "2", "--rate", "500", "--duration", "1s", "--broker", broker.address,
        ]
        let shown = try Program.run(
            ["python3", script(), "", Program.sluice] + command, environment: ["TERM": "xterm"])
        #expect(shown.code == 0 && shown.output.contains("\r\u{1B}[Kpublishing  "), "\(shown)")
        let quiet = try Program.sluice(command)
        #expect(quiet.code == 0 && quiet.errors.isEmpty && !quiet.output.contains("\u{1B}"), "\(quiet)")
    }
}
