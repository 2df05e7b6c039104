import Foundation
import Testing

/// Records over HTTP: written, read, followed.
@Suite("HTTP: records")
struct HTTPRecordTests {
    private func publish(_ broker: BrokerProcess, _ count: Int, device: String = "dev1") throws {
        let client = try HTTPClient(port: broker.http)
        for number in 0..<count {
            try client.send("POST", "/v1/publish/sensors/berlin/\(device)/t", body: "\(number)")
            #expect(try client.answer().status == 204)
        }
    }

    @Test(
        "what is published over HTTP or MQTT is read over HTTP, with its place, key, topic and time",
        .enabled(if: Program.isInstalled("mosquitto_pub")))
    func reads() throws {
        let broker = try BrokerProcess(BrokerProcess.withHTTP)
        #expect(
            try broker.ask(
                "POST", "/v1/publish/sensors/berlin/dev1/t", body: "21.5", fields: ["Content-Type: text/plain"]
            )
            .status == 204)
        #expect(
            try broker.mosquitto("pub", ["-q", "1", "-t", "sensors/berlin/dev1/t", "-m", "22.5"]).code == 0)
        let answer = try broker.ask("GET", "/v1/streams/sensors/records")
        #expect(answer.status == 200 && answer.fields["content-type"] == "application/json")
        let records = try answer.records
        #expect(records.compactMap { $0["payload"] as? String } == ["21.5", "22.5"])
        #expect(records.allSatisfy { $0["key"] as? String == "dev1" })
        #expect(records.allSatisfy { $0["topic"] as? String == "sensors/berlin/dev1/t" })
        #expect(records.compactMap { $0["offset"] as? Int } == [0, 1])
        let stamp = try #require(records[0]["timestamp"] as? Double)
        #expect(abs(stamp / 1_000_000 - Date().timeIntervalSince1970) < 600)
        // What the command line says of a record, HTTP says as well.
        let line = try Program.run([
            Program.sluice, "consume", "sensors", "--broker", broker.address, "--from", "earliest", "--json",
        ]).output.split(separator: "\n")[0]
        let told = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        for name in ["topic", "partition", "offset", "timestamp", "key", "payload"] {
            #expect("\(told[name] ?? "-")" == "\(records[0][name] ?? "-")", "\(name)")
        }
    }

    @Test("pages follow each other without a gap or a repetition, whatever their size", arguments: [1, 7, 100])
    func pages(_ limit: Int) throws {
        let broker = try BrokerProcess(BrokerProcess.withHTTP)
        for device in 0..<4 { try publish(broker, 10, device: "dev\(device)") }
        var (seen, next, requests): ([String], String, Int) = ([], "earliest", 0)
        repeat {
            let answer = try broker.ask("GET", "/v1/streams/sensors/records?limit=\(limit)&from=\(next)")
            let records = try answer.records
            #expect(records.count <= limit)
            seen += records.map { "\($0["partition"] ?? ""):\($0["offset"] ?? "")" }
            next = try #require(try answer.object["next"] as? String)
            requests += 1
            if try answer.object["isAtEnd"] as? Bool == true { break }
        } while requests < 200
        #expect(Set(seen).count == 40 && seen.count == 40)
        #expect(try broker.ask("GET", "/v1/streams/sensors/records?from=\(next)").records.isEmpty)
    }

    @Test("a filter, a key, a position and a time choose; forms tell the same")
    func selections() throws {
        let broker = try BrokerProcess(BrokerProcess.withHTTP)
        for device in ["a", "b"] { try publish(broker, 5, device: device) }
        func count(_ query: String) throws -> Int {
            try broker.ask("GET", "/v1/streams/sensors/records?\(query)").records.count
        }
        #expect(try count("filter=sensors/%2B/a/%23") == 5)
        #expect(try count("filter=sensors/+/b/t") == 5)
        #expect(try count("filter=other/%23") == 0)
        #expect(try count("key=a") == 5)
        #expect(try count("from=-1h") == 10)
        #expect(try count("from=-1h&to=-30m") == 0)
        #expect(try count("from=2020-01-01&to=now") >= 0)
        #expect(try count("from=latest") == 0)
        let lines = try broker.ask("GET", "/v1/streams/sensors/records?format=ndjson")
        #expect(lines.fields["content-type"] == "application/x-ndjson")
        #expect(lines.text.split(separator: "\n").count == 10)
        let document = try broker.ask("GET", "/v1/streams/sensors/records")
        #expect(lines.fields["sluice-next"] == document.fields["sluice-next"])
        let raw = try broker.ask("GET", "/v1/streams/sensors/records?format=raw&key=b")
        #expect(raw.text == "0" && raw.fields["sluice-key"] == "b")
        #expect(raw.fields["sluice-topic"] == "sensors%2Fberlin%2Fb%2Ft")
    }

    @Test("bytes that are no text come in base64, and a header of Kafka's with its name")
    func binary() throws {
        let broker = try BrokerProcess(BrokerProcess.withHTTP)
        let body = """
            {"key": "k", "payload": "/wA=", "encoding": "base64", "topic": "sensors/a/k/raw", "headers": [["h", "v"]]}
            """
        #expect(try broker.ask("POST", "/v1/streams/sensors/records", body: body).status == 201)
        let record = try #require(try broker.ask("GET", "/v1/streams/sensors/records").records.first)
        #expect(record["payload"] as? String == "/wA=" && record["encoding"] as? String == "base64")
        #expect((record["headers"] as? [[String]]) == [["h", "v"]])
        let raw = try broker.ask("GET", "/v1/streams/sensors/records?format=raw")
        #expect(raw.body == [0xFF, 0])
    }

    @Test("a request that waits is answered by the next record, or when its time is over")
    func waits() throws {
        let broker = try BrokerProcess(BrokerProcess.withHTTP)
        let client = try HTTPClient(port: broker.http)
        try client.send("GET", "/v1/streams/other/records?wait=1&from=latest")
        #expect(try client.answer().records.isEmpty)
        try client.send("GET", "/v1/streams/other/records?wait=120000&from=latest")
        // The publish may come first; then its record is behind the position, and so is the next one's.
        let other = try HTTPClient(port: broker.http)
        try other.send("GET", "/v1/streams/other/records?wait=120000&from=0:0")
        #expect(try broker.ask("POST", "/v1/publish/other/x", body: "1").status == 204)
        #expect(try other.answer().records.count == 1)
        #expect(try broker.ask("POST", "/v1/publish/other/x", body: "2").status == 204)
        #expect(try !client.answer().records.isEmpty)
    }

    @Test("what a request gets wrong is named, with what was expected")
    func faults() throws {
        let broker = try BrokerProcess(BrokerProcess.withHTTP)
        let cases: [(String, String, String?, Int, String)] = [
            ("GET", "/v1/streams/nope/records", nil, 404, "there is no stream 'nope'"),
            ("GET", "/v1/streams/__sessions/records", nil, 404, "there is no stream '__sessions'"),
            ("GET", "/v1/streams/sensors/records?from=never", nil, 400, "from 'never': expected earliest, latest"),
            ("GET", "/v1/streams/sensors/records?from=9:1", nil, 400, "has partitions 0 to 2, not 9"),
            ("GET", "/v1/streams/sensors/records?from=0:5", nil, 400, "partition 0 of 'sensors' ends at 0, before 5"),
            ("GET", "/v1/streams/sensors/records?limit=0", nil, 400, "limit '0': expected a whole number, 1 to 10000"),
            ("GET", "/v1/streams/sensors/records?limt=1", nil, 400, "did you mean 'limit'?"),
            ("GET", "/v1/streams/sensors/records?limit=1&limit=2", nil, 400, "'limit' is given twice"),
            ("GET", "/v1/streams/sensors/records?filter=a/%23/b", nil, 400, "filter 'a/#/b'"),
            ("GET", "/v1/streams/sensors/records?format=xml", nil, 400, "expected json, ndjson or raw"),
            ("POST", "/v1/streams/sensors/records", "{", 400, "no JSON document"),
            ("POST", "/v1/streams/sensors/records", "{\"paylod\": 1}", 400, "did you mean 'payload'?"),
            ("POST", "/v1/streams/sensors/records", "{\"topic\": \"a/+\", \"payload\": 1}", 400, "no topic name"),
            ("POST", "/v1/streams/sensors/records", "{\"records\": []}", 400, "'records' is empty"),
            (
                "POST", "/v1/streams/sensors/records", "{\"payload\": 1, \"timestamp\": 9223372036854775807}", 400,
                "more than an hour ahead"
            ),
            ("GET", "/v1/streams/sensors/tail?from=9:1", nil, 400, "has partitions 0 to 2, not 9"),
            ("POST", "/v1/publish/$SYS/x", "1", 403, "the broker's own"),
            ("POST", "/v1/publish/a/%2B", "1", 400, "topic 'a/+'"),
            ("GET", "/v1/nothing", nil, 404, "openapi.json"), ("DELETE", "/v1/streams", nil, 405, "here are GET"),
        ]
        for (method, target, body, status, words) in cases {
            let answer = try broker.ask(method, target, body: body)
            #expect(answer.status == status, "\(method) \(target): \(answer.text)")
            #expect(try answer.detail.contains(words), "\(method) \(target): \(answer.text)")
            #expect(answer.fields["content-type"] == "application/problem+json")
        }
    }

    @Test("HEAD says what GET would, without its body")
    func heads() throws {
        let broker = try BrokerProcess(BrokerProcess.withHTTP)
        let client = try HTTPClient(port: broker.http)
        for _ in 0..<2 {
            try client.send("HEAD", "/healthz")
            let head = try client.answer(isHead: true)
            #expect(head.status == 200 && head.fields["content-length"] == "3")
        }
    }
}
