import Foundation
import Testing

@Suite("Rules and profiles put to history")
struct DryRunTests {
    @Test("what would have been routed, refused or dead-lettered otherwise is said by reason, and nothing changes")
    func against() throws {
        let world = try DeviceBroker(["temperature": DeviceBroker.temperature])
        for payload in ["20", "90", "x", "500"] {
            _ = try world.publish("sensors/b/dev42/temperature", "{\"temperature\":\(payload)}")
        }
        #expect(try world.publish("meters/m1", "12").code == 0)
        let other = try TemporaryDirectory()
        let narrow = DeviceBroker.temperature.replacing("[-40, 125]", with: "[-40, 50]")
        try DeviceBroker.write(["temperature": narrow + "bad_payload: refuse\n"], to: other)
        try DeviceBroker.write(["meter": "stream: meters\ntopic: meters/{device}\n"], to: other)
        let file = try other.write("c.yaml", "devices: \(other.path)/devices\n")
        let result = try world.broker.sluice(["check", "--config", file, "--against", "1h", "--json"])
        let document = try #require(
            JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any], "\(result.errors)")
        #expect(document["messages"] as? Int == 5)
        let found = (document["differences"] as? [[String: Any]] ?? []).map { difference in
            "\(difference["count"] ?? 0) \(difference["was"] ?? "") -> \(difference["would_be"] ?? "")"
        }
        #expect(
            Set(found) == [
                "1 stored in sensors -> refused by temperature: out-of-range",
                "1 stored in mqtt -> stored in meters",
                "1 a dead letter of temperature: out-of-range -> refused by temperature: out-of-range",
                "1 a dead letter of temperature: not-json -> refused by temperature: not-json",
            ], "\(found)")
        let text = try world.broker.sluice(["check", "--config", file, "--against", "1h"]).output
        #expect(text.contains("sensors 0:1  sensors/b/dev42/temperature  out-of-range of 'temperature' at byte 15"))
        #expect(try world.payloads("sensors").count == 2 && world.payloads("meters").isEmpty)
    }
}
