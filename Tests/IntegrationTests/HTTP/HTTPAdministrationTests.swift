import Foundation
import Testing

/// What the command line does, over HTTP, and what monitoring asks.
@Suite("HTTP: administration and figures")
struct HTTPAdministrationTests {
    /// The value of a sample, given as its name with its labels.
    private static func value(_ sample: String, _ text: String) -> Double? {
        text.split(separator: "\n").first { $0.hasPrefix(sample + " ") }.flatMap {
            Double($0.dropFirst(sample.count + 1))
        }
    }

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
        #expect(
            broker.process.wait {
                let text = try? broker.ask("GET", "/metrics").text
                return Self.value("sluice_messages_total{direction=\"in\",qos=\"1\"}", text ?? "") == 7
            })
        let plain = try broker.ask("GET", "/metrics")
        #expect(plain.fields["content-type"]?.hasPrefix("text/plain; version=0.0.4") == true)
        #expect(Self.value("sluice_stream_records{stream=\"sensors\"}", plain.text) == 7)
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

    @Test("what groups have not done with is told in records, bytes and seconds, now and since a while")
    func lag() throws {
        let broker = try BrokerProcess(BrokerProcess.withHTTP)
        for _ in 0..<3 { _ = try broker.ask("POST", "/v1/publish/sensors/a/d/t", body: "21.5") }
        let read = try broker.ask("GET", "/v1/streams/sensors/records?group=slow&from=earliest&wait=60000")
        let member = try #require(read.fields["sluice-member"])
        let first = try #require(try read.records.first)
        let offset = "\(try #require(first["partition"])):\(try #require(first["offset"]))"
        let acknowledged = try broker.ask(
            "POST", "/v1/streams/sensors/ack",
            body: "{\"group\": \"slow\", \"member\": \"\(member)\", \"offsets\": [\"\(offset)\"]}")
        #expect(acknowledged.status < 300, "\(acknowledged.text)")
        let labels = "{group=\"slow\",stream=\"sensors\"}"
        var text = ""
        #expect(
            try broker.process.wait {
                text = try broker.ask("GET", "/metrics").text
                return Self.value("sluice_group_lag_records\(labels)", text) == 2
                    && Self.value("sluice_group_lag_bytes\(labels)", text) ?? 0 > 0
                    && Self.value("sluice_group_lag_seconds\(labels)", text) ?? 0 > 0
            }, "\(text)")
        var points: [[Int]] = []
        #expect(
            try broker.process.wait {
                let groups = try broker.ask("GET", "/v1/lag").object["groups"] as? [[String: Any]] ?? []
                points = groups.first { $0["group"] as? String == "slow" }?["points"] as? [[Int]] ?? []
                return points.contains { $0[1] == 2 && $0[2] > 0 }
            }, "\(points)")
        let traffic = try broker.ask("GET", "/v1/traffic").object["points"] as? [[String: Any]]
        #expect(traffic?.isEmpty == false && traffic?[0]["messagesInPerSecond"] != nil)
    }

    @Test("the age of what a group has not done with is found in files, too")
    func lagInFiles() throws {
        let broker = try BrokerProcess(
            BrokerProcess.withHTTP + "log: { tail_memory: 1MiB }\n")
        let payload = String(repeating: "x", count: 100_000)
        _ = try broker.ask("POST", "/v1/publish/sensors/a/d/t", body: payload)
        let read = try broker.ask("GET", "/v1/streams/sensors/records?group=slow&from=earliest&wait=60000")
        #expect(try read.records.count == 1)
        // The member has taken the first and says nothing of it; what follows pushes it out of the log's memory.
        for _ in 0..<60 { _ = try broker.ask("POST", "/v1/publish/sensors/a/d/t", body: payload) }
        var text = ""
        #expect(
            try broker.process.wait {
                text = try broker.ask("GET", "/metrics").text
                return Self.value("sluice_group_lag_seconds{group=\"slow\",stream=\"sensors\"}", text) ?? 0 > 0
            }, "\(text)")
    }

    @Test("how long publishes and deliveries take is counted, each once")
    func latencies() throws {
        let broker = try BrokerProcess(BrokerProcess.withHTTP)
        let subscriber = try MosquittoClient(id: "meter", version: 5)
        try subscriber.connect(port: broker.port)
        #expect(try subscriber.subscribe("sensors/#", qos: 1).code == 1)
        for number in 0..<5 {
            _ = try broker.ask("POST", "/v1/publish/sensors/a/d/t", body: "\(number)")
        }
        var text = ""
        #expect(
            try broker.process.wait {
                text = try broker.ask("GET", "/metrics").text
                return Self.value("sluice_delivery_seconds_count", text) == 5
                    && Self.value("sluice_publish_seconds_count", text) == 5
            }, "\(text)")
        for name in ["delivery", "publish"] {
            let sum = try #require(Self.value("sluice_\(name)_seconds_sum", text))
            #expect(sum > 0 && sum < 60, "\(name): \(sum)")
        }
    }

    @Test("memory is told by what it is for")
    func memory() throws {
        let broker = try BrokerProcess(BrokerProcess.withHTTP)
        do {
            let client = try MosquittoClient(id: "away", clean: false)
            try client.connect(port: broker.port)
            #expect(try client.subscribe("sensors/#", qos: 1).code == 1)
            let id = try client.publish("sensors/a/d/t", String(repeating: "x", count: 1000), qos: 1)
            #expect(try client.waitForAcknowledgement(id) == 0)
        }
        var text = ""
        func bytes(_ purpose: String) -> Double {
            Self.value("sluice_memory_bytes{purpose=\"\(purpose)\"}", text) ?? -1
        }
        #expect(
            try broker.process.wait {
                text = try broker.ask("GET", "/metrics").text
                return bytes("sessions") > 0 && bytes("log_tail") > 1000 && bytes("topics") > 0
            }, "\(text)")
        #expect(bytes("retained") > 0 && bytes("devices") >= 0 && bytes("clients") >= 0 && bytes("other") > 0)
        #expect(Self.value("sluice_stream_retention_seconds{stream=\"sensors\"}", text) == 604_800)
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
