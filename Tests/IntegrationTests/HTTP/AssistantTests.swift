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
        let stranger = try call(broker, "tools/call", "{\"name\": \"history\", \"arguments\": {\"strem\": \"x\"}}")
        #expect(((stranger["error"] as? [String: Any])?["message"] as? String)?.contains("'stream'") == true)
        let missing = try tool(broker, "history")
        #expect(missing["isError"] as? Bool == true)
        let content = (missing["content"] as? [[String: Any]])?.first?["text"] as? String
        #expect(content == "'stream' is missing")
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
