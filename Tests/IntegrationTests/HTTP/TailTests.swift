import Foundation
import Testing

/// Server-sent events.
@Suite("HTTP: tails")
struct HTTPTailTests {
    private func payload(_ data: String) throws -> String {
        let record = try JSONSerialization.jsonObject(with: Data(data.utf8)) as? [String: Any]
        return record?["payload"] as? String ?? "(none)"
    }

    private func open(_ broker: BrokerProcess, _ query: String, fields: [String] = []) throws -> HTTPClient {
        let client = try HTTPClient(port: broker.http)
        try client.send("GET", "/v1/streams/sensors/tail\(query)", fields: fields)
        let head = try client.head()
        #expect(head.status == 200 && head.fields["content-type"] == "text/event-stream")
        return client
    }

    private func publish(_ broker: BrokerProcess, _ payloads: Range<Int>, device: String = "dev1") throws {
        let client = try HTTPClient(port: broker.http)
        for number in payloads {
            try client.send("POST", "/v1/publish/sensors/a/\(device)/t", body: "\(number)")
            #expect(try client.answer().status == 204)
        }
    }

    @Test("a tail begins in history and goes on with what comes, each record once and in order")
    func follows() throws {
        let broker = try BrokerProcess(BrokerProcess.withHTTP)
        try publish(broker, 0..<20)
        let tail = try open(broker, "?from=earliest&filter=sensors/%2B/dev1/%23")
        for number in 0..<20 { #expect(try payload(tail.event().data) == "\(number)") }
        try publish(broker, 20..<40)
        try publish(broker, 0..<5, device: "other")
        try publish(broker, 40..<41)
        for number in 20..<41 { #expect(try payload(tail.event().data) == "\(number)") }
    }

    @Test("who comes back with Last-Event-ID goes on behind it, also on a node that was killed meanwhile")
    func resumes() throws {
        var broker = try BrokerProcess(BrokerProcess.withHTTP)
        for device in ["a", "b", "c", "d"] { try publish(broker, 0..<10, device: device) }
        let first = try open(broker, "?from=earliest")
        var (seen, last): ([String], String) = ([], "")
        for _ in 0..<17 {
            let event = try first.event()
            seen.append(event.data)
            last = try #require(event.id)
        }
        broker.crash()
        broker = try broker.restarted(BrokerProcess.withHTTP)
        for device in ["a", "d"] { try publish(broker, 10..<15, device: device) }
        let second = try open(broker, "", fields: ["Last-Event-ID: \(last)"])
        for _ in 0..<33 { seen.append(try second.event().data) }
        #expect(seen.count == 50 && Set(seen).count == 50)
    }

    @Test("who does not read holds a position and no memory, and loses nothing")
    func slow() throws {
        let broker = try BrokerProcess(BrokerProcess.withHTTP)
        let tail = try open(broker, "?from=earliest")
        // Its socket and its output are full after a few of the 40 MB.
        let payload = String(repeating: "x", count: 100_000)
        let client = try HTTPClient(port: broker.http)
        for number in 0..<400 {
            try client.send("POST", "/v1/publish/sensors/a/dev/t", body: "\(number) \(payload)")
            #expect(try client.answer().status == 204)
        }
        let held = try broker.ask("GET", "/v1/overview").object["clientMemoryBytes"] as? Int
        #expect(try #require(held) < 8 << 20)
        for number in 0..<400 {
            #expect(try self.payload(tail.event().data).hasPrefix("\(number) "))
        }
    }

    @Test("many tails get every record")
    func many() throws {
        let broker = try BrokerProcess(BrokerProcess.withHTTP)
        let tails = try (0..<100).map { _ in try open(broker, "?from=earliest") }
        try publish(broker, 0..<20)
        for tail in tails {
            for number in 0..<20 { #expect(try payload(tail.event().data) == "\(number)") }
        }
        #expect(try broker.ask("GET", "/metrics").text.contains("\nsluice_tails 100\n"))
    }

    @Test("tails end when the node stops, which waits for nobody")
    func stops() throws {
        let broker = try BrokerProcess(BrokerProcess.withHTTP)
        let tail = try open(broker, "")
        #expect(broker.stop() == 0)
        #expect(tail.isClosed())
    }
}
