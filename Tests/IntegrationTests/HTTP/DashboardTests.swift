import Foundation
import Testing

/// The page to look at.
@Suite("Dashboard")
struct DashboardTests {
    private static let hasBrowser =
        Program.isInstalled("chromium") && Program.isInstalled("chromedriver") && Program.isInstalled("mosquitto_pub")
        && KafkaEndpoint.has("selenium")

    @Test("its files are served to everybody, with a policy that lets nothing come from elsewhere")
    func files() throws {
        let broker = try BrokerProcess(BrokerProcess.withHTTP)
        let page = try broker.ask("GET", "/")
        #expect(page.status == 200 && page.fields["content-type"] == "text/html; charset=utf-8")
        let policy = try #require(page.fields["content-security-policy"])
        #expect(policy.hasPrefix("default-src 'none'") && !policy.contains("unsafe") && !policy.contains("http"))
        var (pending, seen) = (["style.css", "app.js"], Set<String>())
        #expect(pending.allSatisfy { page.text.contains("/assets/\($0)") })
        while let name = pending.popLast() {
            guard seen.insert(name).inserted else { continue }
            let file = try broker.ask("GET", "/assets/\(name)")
            #expect(file.status == 200, "\(name)")
            #expect(!file.text.contains("https://"), "\(name) names another place")
            let tag = try #require(file.fields["etag"])
            #expect(try broker.ask("GET", "/assets/\(name)", fields: ["If-None-Match: \(tag)"]).status == 304)
            pending += file.text.matches(of: #/from '\.\/([a-z]+\.js)'/#).map { String($0.1) }
        }
        #expect(seen.count >= 12)
        #expect(try broker.ask("GET", "/assets/none.js").status == 404)
    }

    @Test(
        "in a browser: each page, each action, no console error, by keyboard, in both themes, at 360 pixels",
        .enabled(if: hasBrowser, "Chromium, its driver, mosquitto_pub or Python's selenium is not installed"))
    func browser() throws {
        let device = try DeviceBroker(
            ["temperature": DeviceBroker.temperature],
            more:
                "listeners:\n  mqtt: 127.0.0.1:0\n  http: 127.0.0.1:0\nstreams:\n  - name: sensors\n    partitions: 2\n"
        )
        let broker = device.broker
        // A group that has read something.
        #expect(
            try broker.ask("POST", "/v1/publish/sensors/plant1/dev0/temperature", body: "{\"temperature\": 1}").status
                == 204)
        let read = try broker.ask("GET", "/v1/streams/sensors/records?group=readers&from=earliest&wait=60000")
        #expect(try read.records.count == 1)
        #expect(broker.process.wait { (try? broker.ask("GET", "/v1/groups/readers").status) == 200 })
        let script = try #require(Bundle.module.url(forResource: "Scripts/dashboard", withExtension: "py"))
        let result = try Program.run(
            [KafkaEndpoint.python, script.path, "http://127.0.0.1:\(broker.http)", String(broker.port)], within: 900)
        #expect(result.code == 0, "\(result.output)\n\(result.errors)")
        #expect(result.output.hasSuffix("all\n"))
    }

    // MARK: Prometheus and Grafana

    private static func shipped(_ name: String) throws -> String {
        // Tests/IntegrationTests/HTTP/<this file>: four up is the package.
        var url = URL(filePath: #filePath)
        for _ in 0..<4 { url.deleteLastPathComponent() }
        return try String(contentsOf: url.appending(path: "config/\(name)"), encoding: .utf8)
    }

    @Test(
        "each alert fires by what it is about, and not without it",
        .enabled(if: Program.isInstalled("promtool"), "promtool is not installed"))
    func alerts() throws {
        let directory = try TemporaryDirectory()
        _ = try directory.write("alerts.yaml", try Self.shipped("alerts.yaml"))
        let script = try #require(Bundle.module.url(forResource: "Scripts/alerts", withExtension: "yaml"))
        let tests = try String(contentsOf: script, encoding: .utf8)
        _ = try directory.write("tests.yaml", tests)
        let result = try Program.run(["promtool", "test", "rules", "\(directory.path)/tests.yaml"])
        #expect(result.code == 0, "\(result)")
        for match in try Self.shipped("alerts.yaml").matches(of: #/alert: ([A-Za-z]+)/#) {
            #expect(tests.contains("alertname: \(match.1)\n        exp_alerts"), "\(match.1) is not tried")
        }
    }

    @Test("every figure that the alerts and the board ask for is told")
    func figures() throws {
        let device = try DeviceBroker(
            ["temperature": DeviceBroker.temperature],
            more: """
                listeners:
                  mqtt: 127.0.0.1:0
                  http: 127.0.0.1:0
                bridges:
                  - name: up
                    address: 127.0.0.1:1
                    topics: [{ topic: 'sensors/# out 1' }]

                """)
        let broker = device.broker
        #expect(
            try broker.ask("POST", "/v1/publish/sensors/a/dev0/temperature", body: "{\"temperature\": 1}").status == 204
        )
        #expect(
            try broker.ask("GET", "/v1/streams/sensors/records?group=readers&from=earliest&wait=60000").status == 200)
        let asked = try Self.shipped("alerts.yaml") + Self.shipped("grafana.json")
        let names = Set(asked.matches(of: #/\b(sluice_[a-z_]+|process_[a-z_]+)\b/#).map { String($0.1) })
        #expect(names.count > 20)
        #expect(
            try broker.process.wait {
                let told = try broker.ask("GET", "/metrics").text
                return names.allSatisfy { name in
                    told.contains("\n\(name){") || told.contains("\n\(name) ")
                }
            }, "\(names)")
    }
}
