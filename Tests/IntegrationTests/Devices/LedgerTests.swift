import Foundation
import Testing

@Suite("The ledger")
struct LedgerTests {
    /// A device's line of the ledger.
    private static func line(_ world: DeviceBroker, _ device: String) throws -> [String: Int] {
        let result = try world.broker.sluice(["ledger", "--device", device, "--json"])
        // Until the follower has read its first message nothing is known of it.
        guard result.code == 0 else { return [:] }
        let document = try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any]
        let lines = document?["devices"] as? [[String: Any]] ?? []
        return (lines.first ?? [:]).compactMapValues { $0 as? Int }
    }

    @Test("what a device has published is what became of it, redrives counted once, also after a restart")
    func devices() throws {
        let world = try DeviceBroker(["temperature": DeviceBroker.temperature])
        for value in ["20", "21", "22", "500", "999"] {
            #expect(try world.publish("sensors/b/dev42/temperature", "{\"temperature\":\(value)}").code == 0)
        }
        #expect(try world.broker.process.wait { try Self.line(world, "dev42")["published"] == 5 })
        let wider = DeviceBroker.temperature.replacing("[-40, 125]", with: "[-40, 550]")
        try DeviceBroker.write(["temperature": wider], to: world.directory)
        #expect(world.broker.reload(expecting: "changed: device profiles"))
        #expect(try world.broker.sluice(["deadletters", "redrive", "sensors"]).output.hasPrefix("1 of 2 passed"))
        #expect(try world.broker.process.wait { try Self.line(world, "dev42")["redriven"] == 1 })
        let due = ["published": 5, "messages": 4, "dead_lettered": 2, "redriven": 1, "refused": 0, "bad": 2]
        #expect(try Self.line(world, "dev42").filter { due[$0.key] != nil } == due)
        let text = try world.broker.sluice(["ledger", "--device", "dev42"]).lines
        #expect(text.first?.contains("PUBLISHED") == true)
        #expect(
            text.last?.split(separator: " ").prefix(8).map(String.init)
                == ["dev42", "temperature", "5", "4", "2", "0", "1", "2"])
        #expect(world.broker.stop() == 0)
        let again = try world.restarted()
        #expect(try again.broker.process.wait { try Self.line(again, "dev42")["published"] == 5 })
        #expect(try Self.line(again, "dev42").filter { due[$0.key] != nil } == due)
        #expect(again.broker.stop() == 0)
    }

    @Test("with --since it has what came in since then, says since when, and its sum is exact")
    func since() throws {
        let before = Int(Date().timeIntervalSince1970 * 1000)
        let world = try DeviceBroker(["temperature": DeviceBroker.temperature])
        for value in ["20", "999", "x"] {
            #expect(try world.publish("sensors/b/dev42/temperature", "{\"temperature\":\(value)}", qos: 2).code == 0)
        }
        func ledger(_ since: String) throws -> (line: [String: Int], start: Int) {
            let document = try world.json(["ledger", "--since", since])
            let lines = document["ledger"] as? [[String: Any]] ?? []
            return ((lines.first ?? [:]).compactMapValues { $0 as? Int }, document["since_ms"] as? Int ?? 0)
        }
        #expect(try world.broker.process.wait { try ledger("1h").line["dead_lettered"] == 2 })
        let (line, start) = try ledger("1h")
        #expect(line["published"] == 3 && line["stored"] == 1 && line["refused"] == 0)
        // The broker is younger than that.
        #expect(start >= before)
        #expect(try ledger("-1d").line == line)
        let text = try world.broker.sluice(["ledger", "--since", "1h"]).lines
        #expect(text.last?.hasPrefix("of what came in since 20") == true, "\(text)")
        for (arguments, words) in [
            (["--since", "40d"], "counts are kept for 31 days"), (["--since", "soon"], "expected a time"),
            (["--since", "1h", "--device", "dev42"], "does not go with --device"),
        ] {
            let result = try world.broker.sluice(["ledger"] + arguments)
            #expect(result.code == 2 && result.errors.contains(words), "\(result)")
        }
        #expect(world.broker.stop() == 0)
    }
}
