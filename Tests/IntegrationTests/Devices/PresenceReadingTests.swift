import Foundation
import Testing

/// Who is there, read by others than the node.
@Suite("Reading who is there", .enabled(if: Program.isInstalled("kcat"), "kcat is not installed"))
struct PresenceReadingTests {
    private static let quick = DeviceBroker.temperature + "interval: 200ms\nsilent_after: 2\n"
    private static let listener = "listeners:\n  kafka: 127.0.0.1:0\n"
    private static let topic = "sensors/b/dev42/temperature"

    private func kcat(_ broker: BrokerProcess, _ arguments: [String], input: String? = nil) throws -> Program.Result {
        try Program.run(["kcat", "-b", broker.kafka()] + arguments, input: input)
    }

    @Test("groups of MQTT clients read it by its name, whole or by key, and nobody else gets it")
    func groups() throws {
        let world = try DeviceBroker(["temperature": Self.quick])
        let others = try MosquittoClient(id: "others", version: 5)
        _ = try others.connect(port: world.broker.port)
        for filter in ["#", "$replay/earliest/#", "$share/g/#"] { try others.subscribe(filter, qos: 1) }
        let devices = try MosquittoClient(id: "devices", version: 5, clean: false)
        _ = try devices.connect(port: world.broker.port)
        #expect(try devices.subscribe("$share/news/$stream/__presence/device/#", qos: 1).code == 1)
        #expect(try world.publish(Self.topic, #"{"temperature":1}"#).code == 0)
        let event = try devices.receive(1)[0]
        #expect(event.topic == "__presence/device/dev42" && event.qos == 1, "\(event)")
        #expect(event.payload.contains(#""event":"silent""#), "\(event)")
        // A real client, from the beginning: clients are there, and the device.
        let all = try world.broker.mosquitto(
            "sub",
            [
                "-V", "5", "-q", "1", "-i", "reader", "-t", "$share/all/$stream/__presence", "-D", "subscribe",
                "user-property", "stream-offset", "earliest", "-C", "3", "-F", "%t",
            ])
        #expect(all.lines.first == "__presence/others", "\(all)")
        #expect(all.lines.allSatisfy { $0.hasPrefix("__presence/") }, "\(all)")
        let consumed = try world.broker.sluice(["consume", "__presence", "--filter", "device/#", "--json"])
        #expect(consumed.output.contains("dev42") && !consumed.output.contains("clientid"), "\(consumed)")
        // Once each for its three subscriptions, and nothing of the events before the last.
        #expect(try world.publish("marker/one", "end").code == 0)
        let seen = try others.receive(until: "end", times: 3, within: 60)
        #expect(Set(seen.map(\.topic)) == [Self.topic, "marker/one"], "\(seen)")
    }

    @Test("Kafka's consumers and their groups read it, what a group has committed included, and nobody writes")
    func kafka() throws {
        let world = try DeviceBroker(["temperature": Self.quick], more: Self.listener)
        let watcher = try MosquittoClient(id: "watcher", version: 5)
        _ = try watcher.connect(port: world.broker.port)
        _ = try watcher.subscribe("$SYS/broker/devices/#")
        #expect(try world.publish(Self.topic, #"{"temperature":1}"#).code == 0)
        _ = try watcher.receive(1)
        let plain = try kcat(
            world.broker, ["-C", "-t", "__presence", "-o", "beginning", "-e", "-q", "-f", "%k %s\\n"])
        #expect(plain.lines.contains { $0.hasPrefix("watcher ") }, "\(plain)")
        #expect(
            plain.lines.contains { $0.hasPrefix("device/dev42 ") && $0.contains(#""event":"silent""#) }, "\(plain)")
        let arguments = [
            "-G", "news", "-X", "auto.offset.reset=earliest", "-c", "1", "-q", "-f", "%k\\n", "__presence",
        ]
        let first = try kcat(world.broker, arguments)
        #expect(first.output == "watcher\n", "\(first)")
        let second = try kcat(world.broker, arguments)
        #expect(second.code == 0 && second.output != "watcher\n" && !second.output.isEmpty, "\(second)")
        let written = try kcat(world.broker, ["-P", "-t", "__presence", "-k", "watcher"], input: "gone\n")
        #expect(written.errors.contains("Broker: Invalid topic"), "\(written)")
        #expect(try world.publish("$stream/__presence/watcher", "gone").errors.contains("Not authorized"))
        #expect(try world.broker.sluice(["streams", "delete", "__presence"]).code == 1)
    }

    @Test("reading it takes the right to read the stream")
    func rights() throws {
        let directory = try TemporaryDirectory()
        let rules = try directory.write(
            "acl",
            "user reader\ntopic read $stream/__presence\nuser other\ntopic read $stream/sensors\ntopic readwrite a/#\n")
        let configuration =
            BrokerProcess.plain + "acl_file: \(rules)\nallow_anonymous: true\npassword_file: \(directory.path)/users\n"
        _ = try directory.write("users", "")
        for name in ["reader", "other"] {
            let result = try Program.sluice(["passwd", "-b", directory.path + "/users", name, "pw"])
            #expect(result.code == 0, "\(result)")
        }
        let broker = try BrokerProcess(configuration)
        func subscribe(_ user: String, _ filter: String) throws -> Program.Result {
            try broker.mosquitto(
                "sub",
                [
                    "-V", "5", "-q", "1", "-i", user, "-u", user, "-P", "pw", "-t", filter, "-D", "subscribe",
                    "user-property", "stream-offset", "earliest", "-C", "1", "-F", "%t",
                ], within: 60)
        }
        #expect(try subscribe("reader", "$share/g/$stream/__presence").output.hasPrefix("__presence/"))
        let refused = try subscribe("other", "$share/h/$stream/__presence")
        #expect((refused.output + refused.errors).contains("denied"), "\(refused)")
    }
}
