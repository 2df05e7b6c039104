import Foundation
import Testing

@Suite("Watching connections")
struct TraceTests {
    /// A trace that goes on, and the packets that it has shown.
    private struct Watch {
        let process: ChildProcess

        init(_ broker: BrokerProcess, _ arguments: [String]) throws {
            process = try ChildProcess(
                [Program.sluice, "trace"] + arguments + ["--json", "--broker", broker.address], in: broker.directory)
            #expect(process.wait { process.errors.contains("tracing for") }, "\(process.errors)")
        }

        func packets() throws -> [[String: Any]] {
            // The last line may be half written.
            try process.output.split(separator: "\n").compactMap { line in
                line.hasSuffix("}") ? try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] : nil
            }
        }

        func wait(for name: String, _ direction: String) throws -> Bool {
            try process.wait {
                try packets().contains { $0["packet"] as? String == name && $0["direction"] as? String == direction }
            }
        }
    }

    private func names(_ packets: [[String: Any]]) -> [String] {
        packets.map { "\($0["direction"] as? String ?? "") \($0["packet"] as? String ?? "")" }
    }

    @Test(
        "each packet of a client is shown both ways, from its connection to its end, without payloads",
        arguments: [1, 2])
    func client(_ loops: Int) throws {
        let broker = try BrokerProcess(loops: loops)
        let watch = try Watch(broker, ["client", "dev42", "--for", "10m"])
        let other = try MosquittoClient(id: "other", version: 5)
        try other.connect(port: broker.port)
        _ = try other.subscribe("a/#", qos: 1)
        do {
            let client = try MosquittoClient(id: "dev42", version: 5)
            try client.connect(port: broker.port)
            _ = try client.subscribe("a/+", qos: 1)
            try client.waitForAcknowledgement(client.publish("a/b", "secret", qos: 1))
            _ = try client.receive(1)
            // The library answers on a thread of its own, behind what it hands over.
            #expect(try watch.wait(for: "PUBACK", "in"))
        }
        #expect(try watch.wait(for: "CLOSED", "in"))
        let packets = try watch.packets()
        let shown = names(packets)
        for name in [
            "in CONNECT", "out CONNACK", "in SUBSCRIBE", "out SUBACK", "in PUBLISH", "out PUBACK", "out PUBLISH",
            "in PUBACK", "in CLOSED",
        ] {
            #expect(shown.count { $0 == name } == 1, "\(name): \(shown)")
        }
        #expect(shown.first == "in CONNECT" && shown.last == "in CLOSED", "\(shown)")
        #expect(packets.allSatisfy { $0["client"] as? String == "dev42" && $0["ts"] is Int }, "\(packets)")
        let publish = try #require(packets.first { $0["packet"] as? String == "PUBLISH" })
        #expect(publish["topic"] as? String == "a/b" && publish["bytes"] as? Int == 6 && publish["qos"] as? Int == 1)
        #expect(!watch.process.output.contains("secret"))
        // Nobody who watches is left: the client goes the short way again.
        watch.process.kill(SIGINT)
        _ = watch.process.exitCode()
        #expect(try broker.mosquitto("pub", ["-i", "dev42", "-t", "a/b", "-q", "1", "-m", "x"]).code == 0)
        #expect(try other.receive(2).count == 2)
    }

    @Test("messages of topics are shown with who sends and gets them, and their payloads where that is asked for")
    func topic() throws {
        let broker = try BrokerProcess()
        let reader = try MosquittoClient(id: "reader", version: 4)
        try reader.connect(port: broker.port)
        _ = try reader.subscribe("#", qos: 0)
        let watch = try Watch(broker, ["topic", "plant/+/temp", "--payloads", "--for", "10m"])
        for topic in ["plant/1/other", "plant/1/temp"] {
            #expect(try broker.mosquitto("pub", ["-i", "sender", "-t", topic, "-q", "1", "-m", "21.5"]).code == 0)
        }
        #expect(try watch.wait(for: "PUBLISH", "out"))
        let packets = try watch.packets()
        #expect(packets.count == 2, "\(packets)")
        let seen = Set(packets.map { "\($0["client"] as? String ?? "") \($0["direction"] as? String ?? "")" })
        #expect(seen == ["sender in", "reader out"], "\(packets)")
        #expect(packets.allSatisfy { $0["payload"] as? String == "21.5" && $0["topic"] as? String == "plant/1/temp" })
    }

    @Test("a trace ends with its time, prints lines for people, and what cannot be watched is said")
    func ends() throws {
        let broker = try BrokerProcess()
        let process = try ChildProcess(
            [Program.sluice, "trace", "client", "dev7", "--for", "3s", "--broker", broker.address], in: broker.directory
        )
        #expect(process.wait { process.errors.contains("tracing for 3s") }, "\(process.errors)")
        #expect(try broker.mosquitto("pub", ["-i", "dev7", "-t", "a/b", "-m", "x"]).code == 0)
        #expect(process.exitCode() == 0)
        #expect(process.output.contains("dev7 -> PUBLISH"), "\(process.output)")
        #expect(process.output.contains("a/b") && process.output.contains("1 B"), "\(process.output)")
        #expect(try broker.sluice(["trace", "topic", "a/#/b"]).code == 2)
        #expect(try broker.sluice(["trace", "client", "x", "--for", "2d"]).code == 2)
    }
}
