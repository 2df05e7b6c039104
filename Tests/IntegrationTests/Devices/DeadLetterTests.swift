import Foundation
import Testing

@Suite("Dead letters")
struct DeadLetterTests {
    @Test("a bad payload is acknowledged and kept with its reason; nobody who subscribes to its topic gets it")
    func kept() throws {
        let world = try DeviceBroker(["temperature": DeviceBroker.temperature])
        let watcher = try MosquittoClient(id: "watcher", version: 5)
        _ = try watcher.connect(port: world.broker.port)
        _ = try watcher.subscribe("sensors/#", qos: 1)
        let topic = "sensors/b/dev42/temperature"
        #expect(try world.publish(topic, #"{"temperature":999}"#).code == 0)
        #expect(try world.publish(topic, #"{"temperature":21.5,"humidity":40}"#).code == 0)
        #expect(try watcher.receive(1).map(\.payload) == [#"{"temperature":21.5,"humidity":40}"#])
        #expect(try world.payloads("sensors") == [#"{"temperature":21.5,"humidity":40}"#])
        let letters = try world.broker.sluice(["deadletters", "list", "sensors", "--json"])
        #expect(letters.lines.count == 1)
        let letter = try #require(
            JSONSerialization.jsonObject(with: Data(letters.output.utf8)) as? [String: Any])
        #expect(letter["payload"] as? String == #"{"temperature":999}"#)
        #expect(letter["topic"] as? String == topic && letter["device"] as? String == "dev42")
        #expect(letter["profile"] as? String == "temperature" && letter["reason"] as? String == "out-of-range")
        #expect(letter["field"] as? String == "temperature" && letter["offset"] as? Int == 15)
        let text = try world.broker.sluice(["deadletters", "describe", "sensors", "0:0"]).output
        #expect(text.contains("out-of-range of 'temperature' at byte 15, expected -40.0 to 125.0"), "\(text)")
    }

    @Test("with `refuse` an MQTT 5 client hears why, and with `accept` it is stored and counted")
    func dispositions() throws {
        let refusing = DeviceBroker.temperature.replacing("sensors", with: "strict") + "bad_payload: refuse\n"
        let accepting = DeviceBroker.temperature.replacing("sensors", with: "lax") + "bad_payload: accept\n"
        let world = try DeviceBroker([
            "strict": refusing.replacing("name: temperature", with: "name: strict"),
            "lax": accepting.replacing("name: temperature", with: "name: lax"),
        ])
        let refused = try world.publish("strict/b/d/temperature", "21.5")
        #expect(refused.errors.contains("Payload format invalid"), "\(refused.errors)")
        #expect(refused.errors.contains("profile strict: "), "\(refused.errors)")
        #expect(try world.publish("lax/b/d/temperature", "21.5").code == 0)
        #expect(try world.payloads("strict") == [] && world.payloads("lax") == ["21.5"])
        // What is stored is counted as the log is read, a little later than what was refused.
        let isCounted = try world.broker.process.wait {
            let (lax, strict) = (try world.ledger("lax"), try world.ledger("strict"))
            return strict["refused"] == 1 && strict["stored"] == 0 && lax["accepted_bad"] == 1 && lax["stored"] == 1
        }
        #expect(isCounted)
    }

    @Test("what passes the profile as it is now is redriven once, with its own time, also across a crash")
    func redrive() throws {
        let world = try DeviceBroker(["temperature": DeviceBroker.temperature])
        for value in ["500", "600", "x"] {
            #expect(try world.publish("sensors/b/dev42/temperature", "{\"temperature\":\(value)}").code == 0)
        }
        let former = try world.broker.sluice(["consume", "sensors.dlq", "--json"]).lines
        let wider = DeviceBroker.temperature.replacing("[-40, 125]", with: "[-40, 550]")
        try DeviceBroker.write(["temperature": wider], to: world.directory)
        #expect(world.broker.reload(expecting: "changed: device profiles"))
        let dry = try world.broker.sluice(["deadletters", "redrive", "sensors", "--dry-run"]).output
        #expect(dry.hasPrefix("1 of 3 would pass; 2 stay"), "\(dry)")
        #expect(try world.payloads("sensors") == [])
        let first = try world.broker.sluice(["deadletters", "redrive", "sensors"]).output
        #expect(first.hasPrefix("1 of 3 passed; 2 stay: not-json 1, out-of-range 1"), "\(first)")
        world.broker.crash()
        let second = try world.restarted()
        let again = try second.broker.sluice(["deadletters", "redrive", "sensors"]).output
        #expect(again.hasPrefix("0 of 2 passed"), "\(again)")
        let records = try second.broker.sluice(["consume", "sensors", "--json"]).lines
        #expect(records.count == 1)
        #expect(Self.time(records.first) == Self.time(former.first) && Self.time(former.first) != nil)
        #expect(try second.broker.sluice(["deadletters", "discard", "sensors"]).output.hasPrefix("2 discarded"))
        #expect(try second.broker.sluice(["deadletters", "list", "sensors"]).output == "no dead letters\n")
        #expect(try second.broker.sluice(["deadletters", "list", "sensors", "--all", "--json"]).lines.count == 3)
    }

    private static func time(_ line: String?) -> Int? {
        guard let line, let json = try? JSONSerialization.jsonObject(with: Data(line.utf8)) else { return nil }
        return (json as? [String: Any])?["timestamp"] as? Int
    }

    @Test("nobody publishes to the topics of dead letters, and a stream without any is named")
    func reserved() throws {
        let world = try DeviceBroker(["temperature": DeviceBroker.temperature])
        #expect(try world.publish("$dlq/sensors/b/d/temperature", "1").errors.contains("Not authorized"))
        let result = try world.broker.sluice(["deadletters", "list", "mqtt"])
        #expect(result.code == 1 && result.errors.contains("has no dead letters: there is no 'mqtt.dlq'"))
        #expect(try world.broker.sluice(["deadletters", "redrive", "sensor"]).code == 1)
    }
}
