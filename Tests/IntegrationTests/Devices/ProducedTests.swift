import Foundation
import Testing

/// What Kafka clients produce into the streams of device profiles.
@Suite("Profiles of what is produced", .enabled(if: Program.isInstalled("kcat"), "kcat is not installed"))
struct ProducedTests {
    private static let listener = "listeners:\n  kafka: 127.0.0.1:0\n"
    private static let topic = "sensors/b/dev42/temperature"

    private func produce(
        _ world: DeviceBroker, _ payloads: [String], to stream: String = "sensors", topic: String? = Self.topic,
        _ more: [String] = []
    ) throws -> Program.Result {
        let header = topic.map { ["-H", "mqtt.topic=\($0)"] } ?? []
        // All lines are one batch, whatever the machine does meanwhile.
        let batching = ["-X", "linger.ms=500", "-X", "acks=all"]
        return try Program.run(
            ["kcat", "-b", world.broker.kafka(), "-P", "-t", stream] + header + batching + more,
            input: payloads.joined(separator: "\n") + "\n")
    }

    private func offsets(_ world: DeviceBroker, _ stream: String) throws -> [String] {
        let consumed = try Program.run(
            ["kcat", "-b", world.broker.kafka(), "-C", "-t", stream, "-o", "beginning", "-e", "-q", "-f", "%o %s\\n"])
        #expect(consumed.code == 0, "\(consumed)")
        return consumed.lines
    }

    private func isBalanced(
        _ world: DeviceBroker, _ profile: String = "temperature", published: Int, stored: Int, letters: Int,
        refused: Int = 0
    ) throws -> Bool {
        try world.broker.process.wait {
            let line = try world.ledger(profile)
            return line["published"] == published && line["stored"] == stored && line["dead_lettered"] == letters
                && line["refused"] == refused
        }
    }

    @Test("bad records become dead letters, good ones keep their offsets, and both outlive kill -9")
    func deadLetters() throws {
        let world = try DeviceBroker(["temperature": DeviceBroker.temperature], more: Self.listener)
        let watcher = try MosquittoClient(id: "watcher", version: 5)
        _ = try watcher.connect(port: world.broker.port)
        _ = try watcher.subscribe("sensors/#", qos: 1)
        let good = (1...3).map { #"{"temperature":\#($0)}"# }
        let bad = #"{"temperature":999}"#
        let idempotent = ["-X", "enable.idempotence=true", "-z", "gzip"]
        #expect(try produce(world, [good[0], bad, good[1]], idempotent).code == 0)
        // A batch of which nothing is stored.
        #expect(try produce(world, [bad, "nonsense"]).code == 0)
        #expect(try produce(world, [good[2]]).code == 0)
        #expect(try watcher.receive(3).map(\.payload) == good)
        let stored = ["0 \(good[0])", "2 \(good[1])", "5 \(good[2])"]
        #expect(try offsets(world, "sensors") == stored)
        #expect(try isBalanced(world, published: 6, stored: 3, letters: 3))
        let device = try #require(try world.device("dev42"))
        #expect(device["messages"] as? Int == 3 && device["bad"] as? Int == 3, "\(device)")
        world.broker.crash()
        let again = try world.restarted(more: Self.listener)
        #expect(try offsets(again, "sensors") == stored)
        #expect(try again.payloads("sensors") == good)
        let letters = try again.broker.sluice(["deadletters", "list", "sensors", "--json"]).lines.map { line in
            try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] ?? [:]
        }
        #expect(letters.map { $0["payload"] as? String } == [bad, bad, "nonsense"])
        #expect(letters.map { $0["reason"] as? String } == ["out-of-range", "out-of-range", "not-json"])
        #expect(letters.allSatisfy { $0["topic"] as? String == Self.topic && $0["device"] as? String == "dev42" })
    }

    @Test("a dead letter of a producer is redriven with its own headers and time")
    func redriven() throws {
        let world = try DeviceBroker(["temperature": DeviceBroker.temperature], more: Self.listener)
        #expect(try produce(world, [#"{"temperature":500}"#], ["-H", "trace=abc", "-k", "other"]).code == 0)
        let former = try world.broker.sluice(["consume", "sensors.dlq", "--json"]).lines
        try DeviceBroker.write(
            ["temperature": DeviceBroker.temperature.replacing("[-40, 125]", with: "[-40, 550]")], to: world.directory)
        #expect(world.broker.reload(expecting: "changed: device profiles"))
        #expect(try world.broker.sluice(["deadletters", "redrive", "sensors"]).output.hasPrefix("1 of 1 passed"))
        let consumed = try Program.run(
            [
                "kcat", "-b", world.broker.kafka(), "-C", "-t", "sensors", "-o", "beginning", "-e", "-q", "-f",
                "%k %T %s %h\\n",
            ])
        let line = try #require(consumed.lines.first)
        #expect(line.contains("dev42 ") && line.contains("trace=abc") && line.contains(#"{"temperature":500}"#))
        let json = try JSONSerialization.jsonObject(with: Data((former.first ?? "").utf8)) as? [String: Any]
        let time = try #require(json?["timestamp"] as? Int) / 1000
        #expect(line.contains(" \(time) "), "\(time): \(line)")
    }

    @Test("with `refuse` the batch is refused and with `accept` it is stored and counted; other topics pass")
    func dispositions() throws {
        let refusing = DeviceBroker.temperature.replacing("sensors", with: "strict") + "bad_payload: refuse\n"
        let accepting = DeviceBroker.temperature.replacing("sensors", with: "lax") + "bad_payload: accept\n"
        let world = try DeviceBroker(
            [
                "strict": refusing.replacing("name: temperature", with: "name: strict"),
                "lax": accepting.replacing("name: temperature", with: "name: lax"),
            ], more: Self.listener)
        let good = #"{"temperature":1}"#
        let refused = try produce(world, [good, "21.5"], to: "strict", topic: "strict/b/d/temperature")
        #expect(refused.errors.contains("failed to validate record"), "\(refused)")
        #expect(try produce(world, ["21.5"], to: "lax", topic: "lax/b/d/temperature").code == 0)
        // Of no profile: without a topic, and with another one.
        #expect(try produce(world, ["free"], to: "strict", topic: nil).code == 0)
        #expect(try produce(world, ["free"], to: "strict", topic: "elsewhere").code == 0)
        #expect(try world.payloads("strict") == ["free", "free"])
        #expect(try world.payloads("lax") == ["21.5"])
        #expect(try isBalanced(world, "strict", published: 2, stored: 0, letters: 0, refused: 2))
        #expect(try isBalanced(world, "lax", published: 1, stored: 1, letters: 0))
        #expect(try world.ledger("lax")["accepted_bad"] == 1)
    }

    @Test("a topic that the stream's downlink makes of the key is one of the profile's as well")
    func downlinks() throws {
        let streams = "streams:\n  - { name: sensors, downlink: \"sensors/b/{key}/temperature\" }\n"
        let world = try DeviceBroker(["temperature": DeviceBroker.temperature], more: Self.listener + streams)
        let good = #"{"temperature":1}"#
        #expect(try produce(world, [good, "bad"], topic: nil, ["-k", "dev7"]).code == 0)
        #expect(try world.payloads("sensors") == [good])
        #expect(try isBalanced(world, published: 2, stored: 1, letters: 1))
        #expect(try world.device("dev7")?["messages"] as? Int == 1)
    }
}
