import Foundation
import Testing

@Suite("What a running broker logs")
struct LogLevelTests {
    private func connect(_ broker: BrokerProcess, _ id: String) throws {
        // A packet that no client may send: a line about the client.
        let client = try RawClient(port: broker.port, level: 4, id: id)
        client.send([0xF0, 0x00])
        _ = client.next()
    }

    @Test("lines of a part go and come back by a command, and a reload puts the configuration in force")
    func levels() throws {
        let broker = try BrokerProcess(BrokerProcess.plain + "logging: { parts: { kafka: error } }\n")
        try connect(broker, "loud1")
        #expect(broker.logs("loud1"))
        #expect(broker.log.contains { $0.contains(" info mqtt: ") && $0.contains("loud1") }, "\(broker.log)")
        let shown = try broker.sluice(["log-level"])
        #expect(shown.lines.contains { $0.hasPrefix("kafka") && $0.contains("error") }, "\(shown)")
        #expect(shown.lines.contains { $0.hasPrefix("mqtt") && $0.contains("info") }, "\(shown)")
        #expect(try broker.sluice(["log-level", "mqtt", "warning"]).code == 0)
        try connect(broker, "quiet1")
        #expect(try broker.sluice(["log-level", "mqtt", "configured"]).code == 0)
        try connect(broker, "loud2")
        #expect(broker.logs("loud2"))
        #expect(!broker.log.contains { $0.contains("quiet1") }, "\(broker.log)")
        #expect(try broker.sluice(["log-level", "all", "error"]).code == 0)
        let document = try broker.sluice(["log-level", "--json"]).output.replacing(" ", with: "")
        #expect(document.contains(#""configured":"info""#), "\(document)")
        let plain = BrokerProcess.plain + "logging: { parts: { mqtt: warning } }\n"
        try broker.reload(with: plain)
        let isBack = try broker.process.wait {
            let lines = try broker.sluice(["log-level"]).lines
            return lines.contains { $0.hasPrefix("node") && $0.contains("info") }
                && lines.contains { $0.hasPrefix("mqtt") && $0.contains("warning") }
        }
        #expect(isBack, "\(broker.log)")
    }

    @Test("a part or a level that there is not is refused with those that there are")
    func refusals() throws {
        let broker = try BrokerProcess()
        let part = try broker.sluice(["log-level", "mqqt", "info"])
        #expect(part.code == 1 && part.errors.contains("node, network, mqtt"), "\(part)")
        let level = try broker.sluice(["log-level", "mqtt", "loud"])
        #expect(level.code == 1 && level.errors.contains("trace, debug, info, warning, error"), "\(level)")
        #expect(try broker.sluice(["log-level", "mqtt"]).code == 2)
    }

    @Test("as JSON each line is an object with its time, level, part, event and message, and the facts by their keys")
    func json() throws {
        let broker = try BrokerProcess(BrokerProcess.plain + "logging: { format: json }\n")
        let name = "some\"one\\"
        try connect(broker, name)
        let isLogged = broker.logs("client_closed")
        #expect(isLogged, "\(broker.log)")
        var events: [String: [String: Any]] = [:]
        for line in broker.log {
            let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            #expect(Set(object.keys).isSuperset(of: ["time", "level", "part", "event", "message"]), "\(line)")
            events[try #require(object["event"] as? String)] = object
        }
        let opened = try #require(events["listener_opened"])
        #expect(opened["listener"] as? String == "mqtt" && opened["part"] as? String == "node", "\(opened)")
        #expect((opened["address"] as? String)?.hasSuffix(":\(broker.port)") == true, "\(opened)")
        let closed = try #require(events["client_closed"])
        #expect(closed["client"] as? String == name && closed["part"] as? String == "mqtt", "\(closed)")
        #expect((closed["address"] as? String)?.hasPrefix("127.0.0.1:") == true, "\(closed)")
        let (message, reason) = (closed["message"] as? String, closed["reason"] as? String)
        #expect(try #require(message).hasSuffix(try #require(reason)), "\(closed)")
        #expect(events["data_opened"]?["loops"] is Int, "\(events)")
    }

    @Test("in words each line ends with its event, whatever a client calls itself")
    func words() throws {
        let broker = try BrokerProcess()
        try connect(broker, "some\u{2028}one [node_stopped]")
        #expect(broker.logs("[client_closed]"))
        #expect(broker.logs("some\\u{2028}one [node_stopped] at 127.0.0.1:"), "\(broker.log)")
        for line in broker.log { #expect(line.hasSuffix("]") && line.contains(" ["), "\(line)") }
        #expect(!broker.log.contains { $0.hasSuffix("[node_stopped]") }, "\(broker.log)")
    }
}
