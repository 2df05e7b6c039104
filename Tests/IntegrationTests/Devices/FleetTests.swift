import Foundation
import Glibc
import Testing

@Suite("A simulated fleet")
struct FleetTests {
    /// A sensor that publishes twenty times a second, with everything that can be simulated.
    private static let profile =
        DeviceBroker.temperature.replacing(
            "required: true }", with: "required: true, signal: { sine: { mean: 20, amplitude: 5, period: 1m } } }")
        + "interval: 50ms\nsilent_after: 200\n"

    private static func simulate(_ world: DeviceBroker, _ more: [String]) throws -> ChildProcess {
        try ChildProcess(
            [
                Program.sluice, "simulate", "--config", world.directory.path + "/sluice.yaml", "--broker",
                world.broker.address, "--json",
            ] + more, in: world.directory)
    }

    private static func report(_ process: ChildProcess) throws -> [String: Any] {
        #expect(process.exitCode(within: 120) == 0, "\(process.errors)")
        return try #require(
            JSONSerialization.jsonObject(with: Data(process.output.utf8)) as? [String: Any], "\(process.output)")
    }

    @Test("every message of a fleet with faults is in the ledger, and each device has its own connection")
    func faults() throws {
        let world = try DeviceBroker(["temperature": Self.profile])
        let report = try Self.report(
            Self.simulate(
                world,
                [
                    "--devices", "10", "--for", "3s", "--bad", "0.1", "--drop-outs", "0.1", "--duplicates", "0.1",
                    "--late", "0.05", "--storm", "1s",
                ]))
        #expect(report["connections"] as? Int == 10 && report["refused"] as? Int == 0, "\(report)")
        for name in ["bad", "left_out", "sent_twice", "reconnects"] {
            #expect(report[name] as? Int ?? 0 > 0, "\(name): \(report)")
        }
        let acknowledged = try #require(report["acknowledged"] as? Int)
        var ledger: [String: Int] = [:]
        let isBalanced = try world.broker.process.wait {
            ledger = try world.ledger("temperature")
            return ledger["published"] == (ledger["stored"] ?? 0) + (ledger["dead_lettered"] ?? 0)
        }
        #expect(isBalanced, "\(ledger)")
        // What was on its way when a connection was lost may have been stored and goes again.
        #expect(ledger["published"] ?? 0 >= acknowledged, "\(ledger) \(report)")
        #expect(ledger["dead_lettered"] ?? 0 > 0)
        #expect(try world.payloads("sensors").count == ledger["stored"])
        let missed = try (1...10).reduce(0) { sum, number in
            let name = "sim" + String(repeating: "0", count: number < 10 ? 3 : 2) + String(number)
            return sum + (try world.device(name)?["missed"] as? Int ?? 0)
        }
        #expect(missed > 0)
    }

    @Test("a window of a stream is published again, at its own pace")
    func history() throws {
        let world = try DeviceBroker(["temperature": Self.profile])
        _ = try Self.report(Self.simulate(world, ["--devices", "3", "--for", "1s"]))
        let before = try world.payloads("sensors")
        let report = try Self.report(
            Self.simulate(world, ["--from-history", "sensors", "--window", "earliest", "--speed", "10"]))
        #expect(report["published"] as? Int == before.count && report["devices"] as? Int == 3, "\(report)")
        let after = try world.payloads("sensors")
        #expect(after.count == 2 * before.count && Set(after) == Set(before))
    }

    /// The shipped profile of an edge node, twenty times a second.
    private static func edgeNode() throws -> String {
        let text = try ShippedExamples.document("devices/sparkplug-edge-node.yaml")
        return text.replacing("interval: 1m", with: "interval: 50ms")
    }

    @Test("edge nodes of Sparkplug B are born, send aliases and die, and the broker has their readings")
    func sparkplug() throws {
        let world = try DeviceBroker(["edge": try Self.edgeNode()])
        let watcher = try MosquittoClient(id: "watcher", version: 5)
        _ = try watcher.connect(port: world.broker.port)
        _ = try watcher.subscribe("spBv1.0/+/NDEATH/#", qos: 1)
        let report = try Self.report(
            Self.simulate(world, ["--devices", "3", "--for", "2s", "--storm", "700ms", "--bad", "0.1"]))
        #expect(report["connections"] as? Int == 3 && report["refused"] as? Int == 0, "\(report)")
        #expect(report["bad"] as? Int ?? 0 > 0 && report["reconnects"] as? Int ?? 0 >= 3, "\(report)")
        var device: [String: Any] = [:]
        let isKnown = try world.broker.process.wait {
            device = try world.device("group1/sim0001") ?? [:]
            return device["messages"] as? Int ?? 0 > 20
        }
        let reading = device["reading"] as? [[String: Any]] ?? []
        let names = reading.prefix(2).compactMap { $0["name"] as? String }
        #expect(isKnown && names == ["temperature", "pressure"], "\(device)")
        #expect(reading.first?["unit"] as? String == "°C", "\(device)")
        // Each connection of each node ends with its own death: that of a storm, and the last.
        let deaths = try watcher.receive(6)
        #expect(Set(deaths.map(\.topic)) == Set((1...3).map { "spBv1.0/group1/NDEATH/sim000\($0)" }))
        let letters = try world.broker.sluice(["deadletters", "list", "sparkplug", "--json"])
        #expect(!letters.output.contains("unknown-alias"), "\(letters.output)")
        let topics = try world.broker.sluice(["consume", "sparkplug", "--json"]).lines.map { line in
            let record = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            return record?["topic"] as? String ?? ""
        }
        for kind in ["NBIRTH", "NDATA", "NDEATH", "DBIRTH", "DDATA"] {
            #expect(topics.contains { $0.contains("/\(kind)/sim0002") }, "\(kind): \(Set(topics))")
        }
    }

    @Test("a profile that is not there, or cannot be simulated, is said")
    func refusals() throws {
        let world = try DeviceBroker(["temperature": Self.profile])
        let wrong = try Self.simulate(world, ["--profile", "temprature", "--for", "1s"])
        #expect(wrong.exitCode() == 1)
        #expect(
            wrong.errors.contains("there is no profile 'temprature'; did you mean 'temperature'?"), "\(wrong.errors)")
        let nothing = try Self.simulate(world, ["--from-history", "mqtt"])
        #expect(nothing.exitCode() == 1 && nothing.errors.contains("no records"), "\(nothing.errors)")
    }

    /// SLUICE_SOAK_ROUNDS asks for more of them.
    private static var rounds: Int {
        ProcessInfo.processInfo.environment["SLUICE_SOAK_ROUNDS"].flatMap(Int.init) ?? 5
    }

    @Test("what is known of devices is what the streams say, after each kill -9")
    func crashes() throws {
        var world = try DeviceBroker(["temperature": Self.profile])
        let fleet = try Self.simulate(
            world, ["--devices", "8", "--for", "10m", "--bad", "0.1", "--drop-outs", "0.05"])
        for round in 0..<Self.rounds {
            let before = try world.device("sim0001")?["messages"] as? Int ?? 0
            // Until something was stored after the start, and at another moment each time.
            let goesOn = try world.broker.process.wait {
                try world.device("sim0001")?["messages"] as? Int ?? 0 > before + round % 7
            }
            #expect(goesOn, "\(fleet.errors)")
            world.broker.crash()
            world = try world.restarted()
        }
        fleet.kill(SIGINT)
        #expect(fleet.exitCode(within: 120) == 0, "\(fleet.errors)")
        var counts: [String: [Int]] = [:]
        for (place, stream) in ["sensors", "sensors.dlq"].enumerated() {
            for line in try world.broker.sluice(["consume", stream, "--json"]).lines {
                let record = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
                counts[try #require(record?["key"] as? String), default: [0, 0]][place] += 1
            }
        }
        #expect(counts.count == 8)
        for (key, expected) in counts {
            let isRight = try world.broker.process.wait {
                let device = try world.device(key)
                return device?["messages"] as? Int == expected[0] && device?["bad"] as? Int == expected[1]
            }
            let found = try world.device(key)
            #expect(isRight, "\(key): \(expected), \(String(describing: found))")
        }
    }
}
