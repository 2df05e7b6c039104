import Foundation
import Testing

@Suite("A device's own time")
struct BackfillTests {
    private static let tracker = """
        name: tracker
        stream: positions
        topic: track/{device}
        format: json
        fields:
          time: { type: time, as: ms, role: device-time, path: t, required: true }
          lat: { type: number, range: [-90, 90] }
        max_skew: 7d

        """

    private func records(_ world: DeviceBroker, _ more: [String] = []) throws -> [(time: Int, payload: String)] {
        try world.broker.sluice(["consume", "positions", "--json"] + more).lines.map { line in
            let record = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            return (record?["timestamp"] as? Int ?? 0, record?["payload"] as? String ?? "")
        }
    }

    @Test("a record has the device's time within its bounds, else that of its arrival, also after kill -9")
    func times() throws {
        let world = try DeviceBroker(["tracker": Self.tracker])
        let now = Int(Date().timeIntervalSince1970 * 1000)
        let hour = 3_600_000
        // Live, kept back for two hours, and a clock that is a month behind.
        let times = [now, now - 2 * hour, now - 720 * hour]
        for time in times { #expect(try world.publish("track/van7", "{\"t\":\(time),\"lat\":1}").code == 0) }
        world.broker.crash()
        let again = try world.restarted()
        let found = try records(again)
        #expect(found.map(\.payload) == times.map { "{\"t\":\($0),\"lat\":1}" })
        #expect(found[0].time == times[0] * 1000 && found[1].time == times[1] * 1000)
        #expect(found[2].time / 1000 >= now)
        let isKnown = try again.broker.process.wait { try again.device("van7")?["messages"] as? Int == 3 }
        let device = try #require(try again.device("van7"))
        // It was last seen when its last message came, whatever that says.
        #expect(isKnown && device["last_ms"] as? Int ?? 0 >= now, "\(device)")
        #expect(device["skew_ms"] as? Int ?? 0 < -500 * hour, "\(device)")
        let subscribed = try again.broker.mosquitto(
            "sub",
            [
                "-V", "5", "-t", "$stream/positions", "-D", "subscribe", "user-property", "stream-offset", "0:1", "-C",
                "1", "-F", "%P",
            ])
        #expect(subscribed.output.contains("sluice.arrival:"), "\(subscribed.output)")
    }

    @Test("a replay from a time has everything of that time or later, however late it came")
    func replay() throws {
        let world = try DeviceBroker(["tracker": Self.tracker])
        let now = Int(Date().timeIntervalSince1970 * 1000)
        let minutes = [50, 40, 30, 20, 45, 10, 35, 5]
        for (index, ago) in minutes.enumerated() {
            let payload = "{\"t\":\(now - ago * 60_000),\"lat\":\(index)}"
            #expect(try world.publish("track/van7", payload).code == 0)
        }
        let from = Date(timeIntervalSince1970: Double(now - 32 * 60_000) / 1000)
        let text = from.ISO8601Format(.init(includingFractionalSeconds: true))
        let found = try records(world, ["--from", text]).map(\.payload)
        for (index, ago) in minutes.enumerated() where ago < 32 {
            #expect(found.contains { $0.hasSuffix("\"lat\":\(index)}") }, "\(ago) minutes ago: \(found)")
        }
        // It begins with the first of that time, in the order of the log.
        #expect(found.first?.hasSuffix("\"lat\":2}") ?? false, "\(found)")
    }
}
