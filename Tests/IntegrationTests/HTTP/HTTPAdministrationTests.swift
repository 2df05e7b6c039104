import Foundation
import Testing

/// What the command line does, over HTTP, and what monitoring asks.
@Suite("HTTP: administration and figures")
struct HTTPAdministrationTests {
    @Test("streams are made, changed, shown and deleted; an answer that has not changed says so")
    func streams() throws {
        let broker = try BrokerProcess(BrokerProcess.withHTTP)
        #expect(
            try broker.ask("PUT", "/v1/streams/made", body: "{\"partitions\": 2, \"cleanup\": \"compact\"}").status
                == 200)
        let made = try broker.ask("GET", "/v1/streams/made")
        #expect(try made.status == 200 && (try made.object["cleanup"] as? String) == "compact")
        #expect(try (made.object["partitions"] as? [Any])?.count == 2)
        let tag = try #require(made.fields["etag"])
        #expect(try broker.ask("GET", "/v1/streams/made", fields: ["If-None-Match: \(tag)"]).status == 304)
        #expect(try broker.ask("PATCH", "/v1/streams/made", body: "{\"partitions\": 4}").status == 200)
        let altered = try broker.ask("GET", "/v1/streams/made", fields: ["If-None-Match: \(tag)"])
        #expect(try altered.status == 200 && (try altered.object["partitions"] as? [Any])?.count == 4)
        #expect(try broker.ask("DELETE", "/v1/streams/made").status == 200)
        #expect(try broker.ask("GET", "/v1/streams/made").status == 404)
        let faults: [(String, String, String, Int)] = [
            ("PUT", "/v1/streams/made", "{\"partitons\": 1}", 400),
            ("PUT", "/v1/streams/made", "{\"partitions\": \"x\"}", 400),
            ("PUT", "/v1/streams/sensors", "{}", 422), ("PATCH", "/v1/streams/none", "{}", 404),
            ("PUT", "/v1/streams/made", "{\"cleanup\": \"burn\"}", 422), ("DELETE", "/v1/streams/none", "", 404),
        ]
        for (method, target, body, status) in faults {
            let answer = try broker.ask(method, target, body: body)
            #expect(answer.status == status, "\(method) \(target) \(body): \(answer.text)")
        }
    }

    @Test("everything that the description names is there")
    func described() throws {
        let broker = try BrokerProcess(BrokerProcess.withHTTP)
        let document = try broker.ask("GET", "/v1/openapi.json").object
        #expect(document["openapi"] as? String == "3.1.0")
        let paths = try #require(document["paths"] as? [String: [String: Any]])
        #expect(paths.count > 25)
        for (path, operations) in paths {
            for (method, operation) in operations {
                guard path != "/v1/events", !path.hasSuffix("/tail") else { continue }
                let operation = try #require(operation as? [String: Any])
                #expect((operation["summary"] as? String)?.isEmpty == false)
                #expect((operation["responses"] as? [String: Any])?["default"] != nil)
                let target = path.replacing("{stream}", with: "other").replacing(#/\{[a-z]+\}/#, with: "nothing")
                // With every parameter that the description has; the values are wrong, the names are not.
                let names = (operation["parameters"] as? [[String: Any]] ?? []).filter {
                    $0["in"] as? String == "query"
                }
                let query = names.compactMap { $0["name"] as? String }.map { "\($0)=0" }.joined(separator: "&")
                let answer = try broker.ask(
                    method.uppercased(), target + (query.isEmpty ? "" : "?" + query),
                    body: operation["requestBody"] == nil ? nil : "{}")
                #expect(answer.status != 405 && answer.status < 500, "\(method) \(target): \(answer.status)")
                #expect(!answer.text.contains("openapi.json says"), "\(method) \(target): \(answer.text)")
                #expect(!answer.text.contains("there is no parameter"), "\(method) \(target): \(answer.text)")
            }
        }
    }

    @Test("lists of sessions, groups, bridges, devices, refusals, bans and the ledger are what the command line prints")
    func lists() throws {
        let broker = try BrokerProcess(BrokerProcess.withHTTP)
        for name in ["sessions", "groups", "bridges", "devices", "refusals", "bans", "ledger", "streams"] {
            let answer = try broker.ask("GET", "/v1/\(name)")
            #expect(try answer.status == 200 && (try answer.object[name]) != nil, "\(name): \(answer.text)")
        }
        #expect(try broker.ask("PUT", "/v1/bans/192.0.2.0/24?seconds=60").status == 200)
        #expect(try broker.ask("GET", "/v1/bans").text.contains("192.0.2.0/24"))
        #expect(try broker.ask("DELETE", "/v1/bans/192.0.2.0/24").status == 200)
        #expect(try broker.ask("DELETE", "/v1/bans/192.0.2.0/24").status == 404)
    }

    @Test("figures count what happens, in the form that Prometheus reads")
    func figures() throws {
        let broker = try BrokerProcess(BrokerProcess.withHTTP)
        for _ in 0..<7 { _ = try broker.ask("POST", "/v1/publish/sensors/a/d/t", body: "21.5") }
        func value(_ line: String, _ text: String) -> Double? {
            text.split(separator: "\n").first { $0.hasPrefix(line + " ") }.flatMap {
                Double($0.dropFirst(line.count + 1))
            }
        }
        #expect(
            broker.process.wait {
                let text = try? broker.ask("GET", "/metrics").text
                return value("sluice_messages_total{direction=\"in\",qos=\"1\"}", text ?? "") == 7
            })
        let plain = try broker.ask("GET", "/metrics")
        #expect(plain.fields["content-type"]?.hasPrefix("text/plain; version=0.0.4") == true)
        #expect(value("sluice_stream_records{stream=\"sensors\"}", plain.text) == 7)
        let open = try broker.ask("GET", "/metrics", fields: ["Accept: application/openmetrics-text; version=1.0.0"])
        #expect(open.text.hasSuffix("# EOF\n"))
        #expect(open.fields["content-type"]?.hasPrefix("application/openmetrics-text") == true)
        // Every sample belongs to the family before it, and every family has words and a kind.
        var family = ""
        for line in plain.text.split(separator: "\n") {
            if line.hasPrefix("# TYPE ") { family = String(line.split(separator: " ")[2]) }
            guard !line.hasPrefix("#") else { continue }
            #expect(line.hasPrefix(family), "\(line)")
        }
    }

    @Test("what is refused is counted by its reason")
    func reasons() throws {
        let broker = try BrokerProcess(BrokerProcess.withHTTP)
        let client = try MosquittoClient(id: "meter", version: 5)
        try client.connect(port: broker.port)
        for _ in 0..<3 {
            #expect(try client.waitForAcknowledgement(try client.publish("$SYS/own", "x", qos: 1)) == 0x87)
        }
        let raw = try RawClient(port: broker.port, level: 5, id: "raw")
        raw.send([0x00, 0x00])
        let wanted = [
            "sluice_messages_refused_total{reason=\"not_authorized\"} 3",
            "sluice_connections_ended_total{reason=\"malformed_packet\"} 1",
        ]
        var text = ""
        #expect(
            try broker.process.wait {
                text = try broker.ask("GET", "/metrics").text
                return wanted.allSatisfy { text.split(separator: "\n").map(String.init).contains($0) }
            }, "\(text)")
    }

    @Test("promtool finds nothing to say of the figures", .enabled(if: Program.isInstalled("promtool")))
    func promtool() throws {
        let broker = try BrokerProcess(BrokerProcess.withHTTP)
        _ = try broker.ask("POST", "/v1/publish/sensors/a/d/t", body: "21.5")
        let text = try broker.ask("GET", "/metrics").text
        let checked = try Program.run(["promtool", "check", "metrics"], input: text)
        #expect(checked.code == 0 && checked.output.isEmpty && checked.errors.isEmpty, "\(checked)")
    }

    @Test("a full disk, a stop and the like make a node that is not ready")
    func overview() throws {
        let broker = try BrokerProcess(BrokerProcess.withHTTP)
        #expect(try broker.ask("GET", "/readyz").status == 200)
        let client = try HTTPClient(port: broker.http)
        try client.send("GET", "/v1/events")
        #expect(try client.head().fields["content-type"] == "text/event-stream")
        for _ in 0..<2 {
            let event = try client.event()
            let overview = try #require(try JSONSerialization.jsonObject(with: Data(event.data.utf8)) as? [String: Any])
            #expect(overview["streams"] as? Int == 3)
            #expect((overview["problems"] as? [Any])?.isEmpty == true)
        }
    }

    @Test("topics are explained as the command line explains them")
    func explained() throws {
        let broker = try BrokerProcess(BrokerProcess.withHTTP)
        let answer = try broker.ask("GET", "/v1/explain?topic=sensors/a/d/t").object
        #expect(answer["stream"] as? String == "sensors" && answer["key"] as? String == "d")
        #expect(try broker.ask("GET", "/v1/explain").status == 400)
        let configuration = try broker.ask("GET", "/v1/configuration").object
        #expect((configuration["streams"] as? [Any])?.count == 3)
    }
}
