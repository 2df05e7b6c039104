import Foundation
import Testing

@Suite("What the README shows")
struct TranscriptTests {
    @Test("a message of mosquitto_pub is replayed to mosquitto_sub, also after a restart and after a crash")
    func replaysHistory() throws {
        var broker = try BrokerProcess()
        let publish = ["-t", "sensors/plant1/dev42/temp", "-q", "1", "-m", "21.5"]
        #expect(try broker.mosquitto("pub", publish).code == 0)
        try expectReplay(broker)
        #expect(broker.stop() == 0)
        broker = try broker.restarted()
        try expectReplay(broker)
        broker.crash()
        broker = try broker.restarted()
        try expectReplay(broker)
        #expect(broker.stop() == 0)
    }

    private func expectReplay(_ broker: BrokerProcess) throws {
        let replay = try broker.mosquitto("sub", ["-t", "$replay/earliest/sensors/#", "-v", "-C", "1", "-W", "60"])
        #expect(replay.output == "sensors/plant1/dev42/temp 21.5\n")
        let stream = try broker.mosquitto(
            "sub",
            [
                "-V", "5", "-t", "$stream/mqtt", "-D", "subscribe", "user-property", "stream-offset", "earliest", "-v",
                "-C", "1", "-W", "60",
            ])
        #expect(stream.output == "sensors/plant1/dev42/temp 21.5\n")
    }

    @Test("mosquitto_rr asks for the streams and gets JSON", .enabled(if: Program.isInstalled("mosquitto_rr")))
    func answersRequests() throws {
        let broker = try BrokerProcess()
        let answer = try broker.mosquitto(
            "rr", ["-V", "5", "-t", "$sluice/streams", "-e", "answers/1", "-m", "", "-W", "60"])
        #expect(answer.code == 0)
        #expect(answer.output.contains("\"name\":\"mqtt\""))
    }
}
