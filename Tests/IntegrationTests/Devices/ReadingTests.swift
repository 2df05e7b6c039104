import Foundation
import Testing

@Suite("What a device has last said")
struct ReadingTests {
    private static let profile = """
        name: station
        stream: weather
        key: "{device}"
        topics:
          - topic: weather/{device}/air
            format: json
            fields:
              temperature: { type: number, unit: °C }
              pressure: { type: number, unit: hPa }
              humidity: { type: number, unit: "%" }
              wind: { type: number, unit: m/s }
              gust: { type: number, unit: m/s }
              state: text
              calm: boolean
              made: { type: time, as: ms, role: device-time }
              seq: { type: integer, role: sequence }
              dew: { type: number }
          - topic: weather/{device}/battery
            format: json
            fields:
              voltage: { type: number, unit: V }

        """

    private static func described(_ world: DeviceBroker, _ device: String) throws -> [String: [String: Any]] {
        let result = try world.broker.sluice(["devices", "describe", device, "--json"])
        // Until the follower has read its first message nothing is known of it.
        guard result.code == 0 else { return [:] }
        let reports = try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [[String: Any]] ?? []
        let values = reports.first?["reading"] as? [[String: Any]] ?? []
        return Dictionary(values.map { ($0["name"] as? String ?? "", $0) }) { $1 }
    }

    @Test("every field is shown with value, unit and time, of each message the last, also when memory has none of it")
    func everyField() throws {
        let before = Int(Date().timeIntervalSince1970 * 1000)
        var world = try DeviceBroker(["station": Self.profile])
        func publish(_ device: String, _ message: String, _ payload: String) throws {
            #expect(try world.publish("weather/\(device)/\(message)", payload).code == 0)
        }
        try publish("s1", "battery", #"{"voltage":3.25}"#)
        try publish("s1", "battery", #"{"voltage":3.5}"#)
        let air = #""pressure":1013,"humidity":40,"wind":2,"gust":7.25,"calm":false,"made":1790000000123"#
        try publish("s1", "air", #"{"temperature":1,"seq":8,"state":"old","# + air + "}")
        try publish("s2", "battery", #"{"voltage":1}"#)
        try publish("s1", "air", #"{"temperature":21.3,"seq":9,"state":"dry, warm","# + air + "}")
        try publish("s2", "air", #"{"temperature":-5,"seq":1,"state":"cold","# + air + "}")
        let due = [
            "temperature": "21.3", "pressure": "1013", "humidity": "40", "wind": "2", "gust": "7.25",
            "state": "dry, warm", "calm": "false", "made": "2026-09-21T14:13:20.123Z", "seq": "9", "dew": "",
            "voltage": "3.5",
        ]
        for _ in 0..<2 {
            let isKnown = try world.broker.process.wait {
                try Self.described(world, "s1").mapValues { $0["value"] as? String } == due
            }
            #expect(isKnown)
            let values = try Self.described(world, "s1")
            #expect(values["gust"]?["unit"] as? String == "m/s" && values["state"]?["unit"] is NSNull)
            #expect(values["gust"]?["from"] as? String == "weather/{device}/air")
            #expect(values["voltage"]?["from"] as? String == "weather/{device}/battery")
            let times = due.keys.filter { $0 != "dew" }.compactMap { values[$0]?["ts_ms"] as? Int }
            #expect(times.count == 10 && times.allSatisfy { $0 >= before })
            #expect(values["dew"]?["ts_ms"] is NSNull)
            let text = try world.broker.sluice(["devices", "describe", "s1"]).lines
            let gust = text.first { $0.hasPrefix("gust") }?.split(separator: " ").map(String.init) ?? []
            #expect(gust.count == 5 && gust[1] == "7.25" && gust[2] == "m/s" && gust[3].hasPrefix("20"), "\(text)")
            #expect(text.contains { $0.hasPrefix("FIELD") } && text.contains { $0.hasPrefix("dew ") })
            #expect(try Self.described(world, "s2")["temperature"]?["value"] as? String == "-5")
            world.broker.crash()
            world = try world.restarted()
        }
        // The ledger and the list go without.
        #expect(try world.device("s1")?["messages"] as? Int == 4)
        #expect(world.broker.stop() == 0)
    }
}
