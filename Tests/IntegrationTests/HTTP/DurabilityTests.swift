import Foundation
import Testing

/// What HTTP promises holds through a crash.
@Suite("HTTP: durable before 2xx")
struct HTTPDurabilityTests {
    @Test("every record that was answered with 2xx is there after kill -9")
    func crash() throws {
        var broker = try BrokerProcess(BrokerProcess.withHTTP)
        var answered: [String] = []
        for round in 0..<3 {
            let client = try HTTPClient(port: broker.http)
            for number in 0..<40 {
                let payload = "\(round)-\(number)"
                let isPublish = number.isMultiple(of: 2)
                try client.send(
                    "POST", isPublish ? "/v1/publish/sensors/a/dev/t" : "/v1/streams/sensors/records",
                    body: isPublish ? payload : "{\"key\": \"dev\", \"payload\": \"\(payload)\"}")
                let status = try client.answer().status
                #expect(status == (isPublish ? 204 : 201))
                answered.append(payload)
            }
            broker.crash()
            broker = try broker.restarted(BrokerProcess.withHTTP)
        }
        let records = try broker.ask("GET", "/v1/streams/sensors/records?limit=1000").records
        #expect(records.compactMap { $0["payload"] as? String } == answered)
    }

    @Test("a repetition with the same idempotency key stores nothing, also after kill -9, and says where it is")
    func idempotent() throws {
        var broker = try BrokerProcess(BrokerProcess.withHTTP)
        let body = """
            {"records": [{"key": "a", "payload": "1"}, {"key": "b", "payload": "2"}, {"key": "a", "payload": "3"}]}
            """
        func post(_ key: String, _ body: String) throws -> HTTPAnswer {
            try broker.ask("POST", "/v1/streams/sensors/records", body: body, fields: ["Idempotency-Key: \(key)"])
        }
        func places(_ answer: HTTPAnswer) throws -> [[Int]] {
            let stored = try #require(try answer.object["stored"] as? [[String: Any]])
            return stored.map {
                [$0["partition"] as? Int ?? -1, $0["offset"] as? Int ?? -1, $0["count"] as? Int ?? -1]
            }
        }
        let first = try post("key-1", body)
        #expect(first.status == 201)
        let again = try post("key-1", body)
        #expect(try again.status == 201 && (try places(again)) == (try places(first)))
        broker.crash()
        broker = try broker.restarted(BrokerProcess.withHTTP)
        let later = try post("key-1", body)
        #expect(try later.status == 201 && (try places(later)) == (try places(first)))
        #expect(later.text.contains("\"isDuplicate\":true"))
        #expect(try broker.ask("GET", "/v1/streams/sensors/records").records.count == 3)
        // Another key is another request; the same key with other records is a mistake.
        #expect(try post("key-2", body).status == 201)
        #expect(try post("key-1", "{\"records\": [{\"key\": \"a\", \"payload\": \"9\"}]}").status == 422)
        #expect(try broker.ask("GET", "/v1/streams/sensors/records").records.count == 6)
    }

    @Test("what a message's profile or the broker does not take is refused by name")
    func refused() throws {
        let device = try DeviceBroker(
            ["t": DeviceBroker.temperature + "bad_payload: refuse\n"],
            more: "listeners:\n  mqtt: 127.0.0.1:0\n  http: 127.0.0.1:0\n")
        let answer = try device.broker.ask("POST", "/v1/publish/sensors/a/dev/temperature", body: "nonsense")
        #expect(answer.status == 422, "\(answer.text)")
        #expect(
            try device.broker.ask(
                "POST", "/v1/publish/sensors/a/dev/temperature", body: "{\"temperature\": 20}"
            ).status == 204)
    }

    @Test("what is appended goes through the profiles of its stream: a bad record is a dead letter, and counted as one")
    func profiles() throws {
        let device = try DeviceBroker(
            ["t": DeviceBroker.temperature], more: "listeners:\n  mqtt: 127.0.0.1:0\n  http: 127.0.0.1:0\n")
        let broker = device.broker
        func record(_ payload: String) -> String {
            "{\"topic\": \"sensors/a/dev/temperature\", \"key\": \"dev\", \"payload\": \(payload)}"
        }
        let records = ["{\"temperature\": 20}", "\"nonsense\"", "{\"temperature\": 21}"].map(record)
        let body = "{\"records\": [\(records.joined(separator: ", "))]}"
        let fields = ["Idempotency-Key: one"]
        let answer = try broker.ask("POST", "/v1/streams/sensors/records", body: body, fields: fields)
        #expect(answer.status == 201 && answer.text.contains("\"deadLetters\":1"), "\(answer.text)")
        #expect(try broker.ask("POST", "/v1/streams/sensors/records", body: body, fields: fields).status == 201)
        #expect(try broker.ask("GET", "/v1/streams/sensors/records").records.count == 2)
        let letters = try broker.ask("GET", "/v1/streams/sensors.dlq/records").records
        #expect(letters.count == 1 && letters[0]["payload"] as? String == "nonsense")
        #expect(
            broker.process.wait {
                let ledger = try? broker.ask("GET", "/v1/ledger").object["ledger"] as? [[String: Any]]
                return ledger?.first?["published"] as? Int == 3 && ledger?.first?["stored"] as? Int == 2
                    && ledger?.first?["dead_lettered"] as? Int == 1
            }, "what comes again counts once")
    }

    @Test("a profile that refuses refuses the whole request, and nothing of it is stored")
    func refusedAppend() throws {
        let device = try DeviceBroker(
            ["t": DeviceBroker.temperature + "bad_payload: refuse\n"],
            more: "listeners:\n  mqtt: 127.0.0.1:0\n  http: 127.0.0.1:0\n")
        let good = "{\"topic\": \"sensors/a/dev/temperature\", \"payload\": {\"temperature\": 20}}"
        let bad = "{\"topic\": \"sensors/a/dev/temperature\", \"payload\": {\"temperature\": 999}}"
        let answer = try device.broker.ask(
            "POST", "/v1/streams/sensors/records", body: "{\"records\": [\(good), \(bad)]}")
        #expect(answer.status == 422)
        #expect(try answer.detail.contains("number 2: "), "\(answer.text)")
        #expect(try device.broker.ask("GET", "/v1/streams/sensors/records").records.isEmpty)
    }
}
