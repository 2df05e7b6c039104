import Foundation
import Testing

/// Consumer groups over HTTP, which are those of MQTT and Kafka.
@Suite("HTTP: groups")
struct HTTPGroupTests {
    private func publish(_ broker: BrokerProcess, _ count: Int) throws {
        let client = try HTTPClient(port: broker.http)
        for number in 0..<count {
            try client.send("POST", "/v1/publish/sensors/a/dev\(number % 7)/t", body: "\(number)")
            #expect(try client.answer().status == 204)
        }
    }

    /// Reads until `count` records have come, and acknowledges each answer.
    private func read(
        _ broker: BrokerProcess, _ count: Int, member: inout String?, acknowledging: Bool = true
    ) throws -> [String] {
        var seen: [String] = []
        let deadline = Deadline(180)
        while seen.count < count, !deadline.isOver {
            let name = member.map { "&member=\($0)" } ?? ""
            let answer = try broker.ask(
                "GET", "/v1/streams/sensors/records?group=readers&from=earliest&wait=2000\(name)")
            #expect(answer.status == 200, "\(answer.text)")
            member = answer.fields["sluice-member"]
            #expect(member != nil)
            let records = try answer.records
            seen += records.compactMap { $0["payload"] as? String }
            guard acknowledging, !records.isEmpty else { continue }
            let places = records.map { "\"\($0["partition"] ?? ""):\($0["offset"] ?? "")\"" }.joined(separator: ",")
            let ack = try broker.ask(
                "POST", "/v1/streams/sensors/ack",
                body: "{\"group\": \"readers\", \"member\": \"\(member ?? "")\", \"offsets\": [\(places)]}")
            #expect(ack.status == 200 && ack.text.contains("\"acknowledged\":\(records.count)"), "\(ack.text)")
        }
        return seen
    }

    @Test(
        "a group gets each record once; what it has acknowledged stays done after kill -9, what it has not comes again")
    func committed() throws {
        var broker = try BrokerProcess(BrokerProcess.withHTTP)
        try publish(broker, 30)
        var member: String?
        let first = try read(broker, 30, member: &member)
        #expect(Set(first).count == 30)
        #expect(
            broker.process.wait {
                let group = try? broker.ask("GET", "/v1/groups/readers").object["offsets"] as? [[String: Any]]
                return (group ?? []).reduce(0) { $0 + ($1["committed"] as? Int ?? 0) } == 30
            }, "acknowledgements are commits")
        try publish(broker, 6)
        let unacknowledged = try read(broker, 6, member: &member, acknowledging: false)
        broker.crash()
        broker = try broker.restarted(BrokerProcess.withHTTP)
        var other: String?
        let again = try read(broker, 6, member: &other)
        #expect(again.sorted() == unacknowledged.sorted())
    }

    @Test("members over HTTP and MQTT share a group's partitions")
    func shared() throws {
        let broker = try BrokerProcess(BrokerProcess.withHTTP)
        var member: String?
        _ = try read(broker, 0, member: &member)
        let answer = try broker.ask("GET", "/v1/streams/sensors/records?group=readers&from=earliest&wait=1")
        member = answer.fields["sluice-member"]
        let subscriber = try MosquittoClient(id: "mqtt-member", version: 5)
        _ = try subscriber.connect(port: broker.port)
        _ = try subscriber.subscribe("$share/readers/$stream/sensors", qos: 1)
        #expect(
            broker.process.wait {
                let group = try? broker.ask("GET", "/v1/groups/readers").object
                let members = group?["members"] as? [[String: Any]] ?? []
                return members.count == 2 && members.allSatisfy { !(($0["partitions"] as? [Any])?.isEmpty ?? true) }
            }, "both have a part")
        try publish(broker, 70)
        var seen: [String] = []
        let deadline = Deadline(180)
        while seen.count + subscriber.payloads.count < 70, !deadline.isOver {
            seen += try read(broker, 1, member: &member)
        }
        #expect(!seen.isEmpty && !subscriber.payloads.isEmpty)
        #expect(seen.count + subscriber.payloads.count == 70)
    }

    @Test("what a member gets wrong is named")
    func faults() throws {
        let broker = try BrokerProcess(BrokerProcess.withHTTP)
        let cases: [(String, String, String?, Int)] = [
            ("GET", "/v1/streams/sensors/records?group=a/b", nil, 400),
            ("GET", "/v1/streams/sensors/records?group=g&member=none", nil, 410),
            ("GET", "/v1/streams/sensors/records?group=g&to=now", nil, 400),
            ("GET", "/v1/streams/sensors/records?group=g&format=raw", nil, 400),
            ("GET", "/v1/streams/sensors/records?group=g&from=never", nil, 400),
            ("POST", "/v1/groups/nobody/reset", "{\"stream\": \"sensors\", \"to\": \"7:1\"}", 400),
            ("POST", "/v1/streams/sensors/ack", "{}", 400),
            ("POST", "/v1/streams/sensors/ack", "{\"group\": \"g\", \"member\": \"m\", \"offsets\": []}", 410),
            ("POST", "/v1/groups/nobody/reset", "{\"stream\": \"sensors\", \"to\": \"earlist\"}", 400),
            ("DELETE", "/v1/groups/nobody", nil, 404),
        ]
        for (method, target, body, status) in cases {
            let answer = try broker.ask(method, target, body: body)
            #expect(answer.status == status, "\(method) \(target): \(answer.text)")
        }
    }

    @Test("a group is moved, or only shown where it would be moved to")
    func reset() throws {
        let broker = try BrokerProcess(BrokerProcess.withHTTP)
        try publish(broker, 10)
        var member: String?
        _ = try read(broker, 10, member: &member)
        func committed() throws -> Int {
            let group = try broker.ask("GET", "/v1/groups/readers").object["offsets"] as? [[String: Any]]
            return (group ?? []).reduce(0) { $0 + ($1["committed"] as? Int ?? 0) }
        }
        #expect(broker.process.wait { (try? committed()) == 10 })
        let dry = try broker.ask(
            "POST", "/v1/groups/readers/reset",
            body: "{\"stream\": \"sensors\", \"to\": \"earliest\", \"dryRun\": true}")
        #expect(try dry.status == 200 && (try committed()) == 10)
        let moved = try broker.ask(
            "POST", "/v1/groups/readers/reset", body: "{\"stream\": \"sensors\", \"to\": \"-1h\"}")
        #expect(moved.status == 200, "\(moved.text)")
        #expect(broker.process.wait { (try? committed()) == 0 })
    }
}
