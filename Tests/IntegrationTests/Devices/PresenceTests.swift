import Foundation
import Testing

@Suite("What is known of devices")
struct PresenceTests {
    private static let quick = DeviceBroker.temperature + "interval: 200ms\nsilent_after: 2\n"

    @Test("a device has its last reading, its gaps and its bad payloads, and they survive kill -9")
    func known() throws {
        var world = try DeviceBroker(["temperature": DeviceBroker.temperature])
        for number in [1, 2, 5] {
            let payload = "{\"temperature\":2\(number).5,\"seq\":\(number)}"
            #expect(try world.publish("sensors/b/dev42/temperature", payload).code == 0)
        }
        #expect(try world.publish("sensors/b/dev42/temperature", "{").code == 0)
        #expect(try world.publish("sensors/b/dev43/temperature", #"{"temperature":1}"#).code == 0)
        for _ in 0..<2 {
            let isKnown = try world.broker.process.wait {
                let device = try world.device("dev42")
                return try device?["bad"] as? Int == 1 && device?["messages"] as? Int == 3
                    && world.device("dev43") != nil
            }
            #expect(isKnown)
            let device = try #require(try world.device("dev42"))
            #expect(device["messages"] as? Int == 3 && device["missed"] as? Int == 2, "\(device)")
            #expect(device["sequence"] as? Int == 5 && device["offset"] as? Int == 2, "\(device)")
            let reading = device["reading"] as? [[String: Any]] ?? []
            #expect(reading.first?["value"] as? String == "25.5" && reading.first?["unit"] as? String == "°C")
            world.broker.crash()
            world = try world.restarted()
        }
        let text = try world.broker.sluice(["devices", "describe", "dev42"]).output
        #expect(text.contains("5, 2 missed, 0 repeated"), "\(text)")
        #expect(try world.broker.sluice(["devices", "forget", "dev43"]).code == 0)
        #expect(try world.device("dev43") == nil)
        #expect(try world.broker.sluice(["devices", "describe", "dev43"]).code == 1)
    }

    @Test("a device that falls silent is told once, and again when it is back")
    func silence() throws {
        let world = try DeviceBroker(["temperature": Self.quick])
        let watcher = try MosquittoClient(id: "watcher", version: 5)
        _ = try watcher.connect(port: world.broker.port)
        _ = try watcher.subscribe("$SYS/broker/devices/#")
        let topic = "sensors/b/dev42/temperature"
        #expect(try world.publish(topic, #"{"temperature":1,"seq":1}"#).code == 0)
        #expect(try watcher.receive(1).map(\.topic) == ["$SYS/broker/devices/dev42/silent"])
        let silent = try world.broker.sluice(["devices", "silent"])
        #expect(silent.code == 0 && silent.output.contains("dev42"), "\(silent.output)")
        #expect(try world.publish(topic, #"{"temperature":1,"seq":4}"#).code == 0)
        let events = try watcher.receive(3).map(\.topic)
        #expect(events == ["silent", "back", "silent"].map { "$SYS/broker/devices/dev42/\($0)" })
        #expect(world.broker.stop() == 0)
        let told = try OfflineLog.values(world.broker.data, stream: "__presence")
        for name in ["silent", "back"] {
            #expect(told.contains { $0.contains("\"event\":\"\(name)\"") && $0.contains("\"dev42\"") }, "\(told)")
        }
    }

    @Test("profiles change while the broker runs, all of them or none")
    func reload() throws {
        let world = try DeviceBroker(["temperature": DeviceBroker.temperature])
        let second = "stream: meters\ntopic: meters/{device}\nformat: number\nfields: { reading: number }\n"
        try DeviceBroker.write(["meter": second.replacing("number }", with: "nunber }")], to: world.directory)
        #expect(world.broker.reload(expecting: "the configuration is not reloaded, the running one stays"))
        #expect(world.broker.log.contains { $0.contains("did you mean 'number'?") })
        #expect(try world.publish("meters/m1", "12").code == 0)
        try DeviceBroker.write(["meter": second], to: world.directory)
        #expect(world.broker.reload(expecting: "stream meters made, stream meters.dlq made, device profiles"))
        #expect(try world.publish("meters/m1", "13").code == 0)
        #expect(try world.publish("meters/m1", "thirteen").code == 0)
        #expect(try world.payloads("mqtt") == ["12"] && world.payloads("meters") == ["13"])
        let isKnown = try world.broker.process.wait { try world.device("m1")?["bad"] as? Int == 1 }
        #expect(isKnown)
    }
}
