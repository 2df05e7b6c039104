import Foundation
import Testing

/// What assistants and Grafana ask.
@Suite("HTTP: assistants, Grafana, the state of the past")
struct AssistantTests {
    private func call(_ broker: BrokerProcess, _ method: String, _ parameters: String = "{}") throws -> [String: Any] {
        let answer = try broker.ask(
            "POST", "/mcp",
            body: "{\"jsonrpc\": \"2.0\", \"id\": 7, \"method\": \"\(method)\", \"params\": \(parameters)}")
        #expect(answer.status == 200, "\(answer.text)")
        let object = try answer.object
        #expect(object["id"] as? Int == 7)
        return object
    }

    private func tool(_ broker: BrokerProcess, _ name: String, _ arguments: String = "{}") throws -> [String: Any] {
        let answer = try call(broker, "tools/call", "{\"name\": \"\(name)\", \"arguments\": \(arguments)}")
        return try #require(answer["result"] as? [String: Any], "\(answer)")
    }

    private func filled() throws -> BrokerProcess {
        let broker = try BrokerProcess(BrokerProcess.withHTTP)
        for number in 0..<5 {
            for device in ["a", "b"] {
                let answer = try broker.ask(
                    "POST", "/v1/publish/sensors/berlin/\(device)/t",
                    body: "{\"t\": \(20 + number), \"inner\": {\"h\": 1}}")
                #expect(answer.status == 204)
            }
        }
        return broker
    }

    @Test("an assistant introduces itself, is told the tools, and asks them")
    func tools() throws {
        let broker = try filled()
        let hello = try call(broker, "initialize", "{\"protocolVersion\": \"2025-03-26\", \"capabilities\": {}}")
        #expect((hello["result"] as? [String: Any])?["protocolVersion"] as? String == "2025-03-26")
        #expect(
            try broker.ask("POST", "/mcp", body: "{\"jsonrpc\": \"2.0\", \"method\": \"notifications/initialized\"}")
                .status
                == 202)
        let list = try call(broker, "tools/list")["result"] as? [String: Any]
        let tools = try #require(list?["tools"] as? [[String: Any]])
        let names = tools.compactMap { $0["name"] as? String }
        #expect(
            Set(names).isSuperset(of: [
                "list_streams", "list_devices", "last_value", "history", "state_at", "lag", "explain",
            ]))
        #expect(tools.allSatisfy { (($0["inputSchema"] as? [String: Any])?["type"] as? String) == "object" })
        let streams = try tool(broker, "list_streams")["structuredContent"] as? [String: Any]
        #expect((streams?["streams"] as? [Any])?.isEmpty == false)
        let history = try tool(broker, "history", "{\"stream\": \"sensors\", \"key\": \"a\", \"from\": \"-1h\"}")
        let records = (history["structuredContent"] as? [String: Any])?["records"] as? [[String: Any]]
        #expect(records?.count == 5 && records?.allSatisfy { $0["key"] as? String == "a" } == true)
        let last = try tool(broker, "last_value", "{\"filter\": \"sensors/+/b/t\"}")
        let values = (last["structuredContent"] as? [String: Any])?["values"] as? [[String: Any]]
        #expect(values?.count == 1 && (values?[0]["payload"] as? String)?.contains("24") == true, "\(last)")
        let before = try tool(broker, "state_at", "{\"filter\": \"#\", \"time\": \"-1h\"}")
        #expect(((before["structuredContent"] as? [String: Any])?["values"] as? [Any])?.isEmpty == true)
        let explained = try tool(broker, "explain", "{\"topic\": \"sensors/berlin/a/t\"}")
        #expect((explained["structuredContent"] as? [String: Any])?["stream"] as? String == "sensors")
    }

    @Test("what an assistant gets wrong is told so that it can put it right")
    func mistakes() throws {
        let broker = try filled()
        #expect(try broker.ask("POST", "/mcp", body: "nonsense").status == 400)
        #expect(try broker.ask("GET", "/mcp").status == 405)
        #expect((try call(broker, "tools/burn")["error"] as? [String: Any])?["code"] as? Int == -32601)
        let unknown = try call(broker, "tools/call", "{\"name\": \"histori\"}")["error"] as? [String: Any]
        #expect((unknown?["message"] as? String)?.contains("did you mean 'history'?") == true)
        for (arguments, words) in [
            ("{}", "'stream' is missing"), ("{\"strem\": \"x\"}", "history has no 'strem'; did you mean 'stream'?"),
            ("{\"stream\": \"sensors\", \"limit\": 1001}", "'limit': expected 1 to 1000, found 1001"),
            ("{\"stream\": \"sensors\", \"limit\": \"all\"}", "'limit': expected 1 to 1000, found \"all\""),
            ("{\"stream\": [1]}", "'stream': expected text, found [1]"), ("7", "'arguments': expected an object"),
        ] {
            let result = try tool(broker, "history", arguments)
            #expect(result["isError"] as? Bool == true, "\(result)")
            #expect((result["content"] as? [[String: Any]])?.first?["text"] as? String == words)
        }
        // Numbers as text are understood.
        let text = try tool(broker, "history", "{\"stream\": \"sensors\", \"limit\": \"2\"}")
        #expect(((text["structuredContent"] as? [String: Any])?["records"] as? [Any])?.count == 2, "\(text)")
    }

    @Test("versions are agreed on, or said with each request, and one that is not spoken is told those that are")
    func versions() throws {
        let broker = try BrokerProcess(BrokerProcess.withHTTP)
        func error(_ body: String, _ fields: [String] = [], status: Int) throws -> [String: Any] {
            let answer = try broker.ask("POST", "/mcp", body: body, fields: fields)
            #expect(answer.status == status, "\(answer.text)")
            return try #require(try answer.object["error"] as? [String: Any], "\(answer.text)")
        }
        for (asked, agreed) in [("2025-11-25", "2025-11-25"), ("2025-03-26", "2025-03-26"), ("1999", "2025-11-25")] {
            let hello = try call(broker, "initialize", "{\"protocolVersion\": \"\(asked)\", \"capabilities\": {}}")
            #expect((hello["result"] as? [String: Any])?["protocolVersion"] as? String == agreed)
        }
        let list = "{\"jsonrpc\": \"2.0\", \"id\": 7, \"method\": \"tools/list\"}"
        for version in ["2025-11-25", "2025-06-18"] {
            let answer = try broker.ask("POST", "/mcp", body: list, fields: ["MCP-Protocol-Version: \(version)"])
            #expect(answer.status == 200 && !answer.text.contains("resultType"))
        }
        let unknown = try error(list, ["MCP-Protocol-Version: 1999-01-01"], status: 400)
        #expect(unknown["code"] as? Int == -32022)
        #expect(((unknown["data"] as? [String: Any])?["supported"] as? [String])?.contains("2026-07-28") == true)
        #expect(try error(list, ["MCP-Protocol-Version: 2026-07-28"], status: 400)["code"] as? Int == -32602)
        // Each request for itself: what the head says is what the body says.
        func own(_ method: String, _ rest: String = "", version: String = "2026-07-28") -> String {
            let meta = """
                "_meta": {"io.modelcontextprotocol/protocolVersion": "\(version)",
                 "io.modelcontextprotocol/clientCapabilities": {}}
                """
            return "{\"jsonrpc\": \"2.0\", \"id\": 7, \"method\": \"\(method)\", \"params\": {\(rest)\(meta)}}"
        }
        func head(_ method: String, version: String = "2026-07-28") -> [String] {
            ["MCP-Protocol-Version: \(version)", "Mcp-Method: \(method)"]
        }
        let found = try broker.ask("POST", "/mcp", body: own("server/discover"), fields: head("server/discover"))
        let result = try found.object["result"] as? [String: Any]
        #expect((result?["supportedVersions"] as? [String])?.first == "2026-07-28", "\(found.text)")
        #expect(result?["resultType"] as? String == "complete" && result?["ttlMs"] is Int)
        #expect(try error(own("server/discover"), head("tools/list"), status: 400)["code"] as? Int == -32020)
        #expect(try error(own("tools/list"), [], status: 400)["code"] as? Int == -32020)
        let named = own("tools/call", "\"name\": \"lag\", ")
        #expect(try error(named, head("tools/call"), status: 400)["code"] as? Int == -32020)
        let called = try broker.ask("POST", "/mcp", body: named, fields: head("tools/call") + ["Mcp-Name: lag"])
        #expect(called.status == 200 && called.text.contains(#""structuredContent":{"groups":[]}"#), "\(called.text)")
        let later = own("tools/list", version: "2099-01-01")
        #expect(try error(later, head("tools/list", version: "2099-01-01"), status: 400)["code"] as? Int == -32022)
        #expect(try error(own("initialize"), head("initialize"), status: 404)["code"] as? Int == -32601)
    }

    @Test("there are no sessions, no stream of the broker's own and no batches, and answers are heard")
    func transport() throws {
        let broker = try BrokerProcess(BrokerProcess.withHTTP)
        let hello = try broker.ask(
            "POST", "/mcp", body: "{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"initialize\", \"params\": {}}")
        #expect(hello.status == 200 && hello.fields["mcp-session-id"] == nil)
        #expect(hello.fields["content-type"] == "application/json")
        for method in ["GET", "DELETE"] {
            let answer = try broker.ask(method, "/mcp")
            #expect(answer.status == 405 && answer.fields["allow"] == "POST", "\(answer.text)")
        }
        #expect(
            try broker.ask("POST", "/mcp", body: "{\"jsonrpc\": \"2.0\", \"id\": 1, \"result\": {}}").status == 202)
        let batch = try broker.ask("POST", "/mcp", body: "[{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"ping\"}]")
        #expect(batch.status == 400 && batch.text.contains("-32600") && batch.text.contains("one at a time"))
    }

    @Test("the state of topics at a moment is that of the command line")
    func state() throws {
        let broker = try filled()
        let answer = try broker.ask("GET", "/v1/state?filter=sensors/%2B/a/t")
        let values = try #require(try answer.object["values"] as? [[String: Any]])
        #expect(values.count == 1 && (values[0]["payload"] as? String)?.contains("24") == true)
        #expect(try broker.ask("GET", "/v1/state?filter=a/%23/b").status == 400)
        #expect(try broker.ask("GET", "/v1/state?at=never").status == 400)
    }

    @Test("a panel of Grafana is filled with history at once")
    func grafana() throws {
        let broker = try filled()
        #expect(try broker.ask("GET", "/grafana").status == 200)
        let metrics = try broker.ask("POST", "/grafana/metrics", body: "{}").text
        #expect(metrics.contains("\"value\":\"sensors\""))
        func query(_ payload: String, most: Int = 1000) throws -> [[String: Any]] {
            let now = Date()
            let form = ISO8601DateFormatter()
            let body = """
                {"range": {"from": "\(form.string(from: now - 3600))", "to": "\(form.string(from: now + 3600))"},
                 "maxDataPoints": \(most), "targets": [{"target": "sensors", "payload": \(payload)}]}
                """
            let answer = try broker.ask("POST", "/grafana/query", body: body)
            #expect(answer.status == 200, "\(answer.text)")
            return try JSONSerialization.jsonObject(with: Data(answer.body)) as? [[String: Any]] ?? []
        }
        let all = try query("{\"key\": \"a\"}")
        #expect(all.compactMap { $0["target"] as? String } == ["inner.h", "t"])
        let one = try query("{\"key\": \"a\", \"field\": \"t\"}")
        let points = try #require(one.first?["datapoints"] as? [[Double]])
        #expect(one.count == 1 && points.map { $0[0] } == [20, 21, 22, 23, 24])
        #expect(try (query("{\"field\": \"t\"}", most: 4).first?["datapoints"] as? [Any])?.count ?? 99 <= 6)
        #expect(try broker.ask("POST", "/grafana/query", body: "{}").status == 400)
    }
}
