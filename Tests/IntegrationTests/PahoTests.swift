import Foundation
import Testing

@Suite("Eclipse Paho for Python")
struct PahoTests {
    /// The interpreter to ask; SLUICE_PYTHON names another than the system's.
    private static var python: String { ProcessInfo.processInfo.environment["SLUICE_PYTHON"] ?? "python3" }

    private static var isInstalled: Bool {
        do { return try Program.run([python, "-c", "import paho.mqtt.client"]).code == 0 } catch { return false }
    }

    /// Subscribes, publishes ten messages at the QoS, and prints what comes. The library has two ways to make a client.
    private static let script = """
        import sys, threading
        import paho.mqtt.client as mqtt
        port, version, qos = (int(word) for word in sys.argv[1:4])
        transport, authority = sys.argv[4:]
        options = dict(client_id="paho", protocol=version, transport=transport)
        if hasattr(mqtt, "CallbackAPIVersion"):
            options["callback_api_version"] = mqtt.CallbackAPIVersion.VERSION1
        client = mqtt.Client(**options)
        if authority: client.tls_set(authority)
        subscribed, done, received = threading.Event(), threading.Event(), []
        client.on_subscribe = lambda *_: subscribed.set()
        def on_message(client, data, message):
            received.append(f"{message.topic} {message.payload.decode()} {message.qos}")
            if len(received) == 10: done.set()
        client.on_message = on_message
        client.connect("localhost" if authority else "127.0.0.1", port)
        client.loop_start()
        client.subscribe("paho/#", qos)
        assert subscribed.wait(60)
        for number in range(10):
            client.publish(f"paho/{number}", str(number), qos).wait_for_publish(60)
        assert done.wait(60)
        client.disconnect()
        client.loop_stop()
        print("\\n".join(received))
        """

    private func expectRoundTrip(
        _ port: Int, version: Int, qos: Int, transport: String = "tcp", authority: String = ""
    ) throws {
        let result = try Program.run(
            [
                Self.python, "-W", "ignore", "-c", Self.script, String(port), String(version), String(qos), transport,
                authority,
            ], within: 300)
        #expect(result.code == 0, "\(result)")
        #expect(result.lines == (0..<10).map { "paho/\($0) \($0) \(qos)" })
    }

    @Test(
        "publishes and receives at each QoS in each version", .enabled(if: isInstalled, "paho-mqtt is not installed"),
        arguments: [3, 4, 5], [0, 1, 2])
    func roundTrip(version: Int, qos: Int) throws {
        let broker = try BrokerProcess()
        try expectRoundTrip(broker.port, version: version, qos: qos)
        #expect(broker.stop() == 0)
    }

    @Test(
        "does so over TLS, over WebSocket and over both", .enabled(if: isInstalled, "paho-mqtt is not installed"),
        arguments: ["mqtts", "ws", "wss"], [(version: 3, qos: 1), (4, 2), (5, 0), (5, 2)])
    func transports(kind: String, style: (version: Int, qos: Int)) throws {
        let certificates = try Certificates()
        let broker = try BrokerProcess(certificates.configuration())
        try expectRoundTrip(
            broker.port(kind), version: style.version, qos: style.qos,
            transport: kind == "mqtts" ? "tcp" : "websockets",
            authority: kind == "ws" ? "" : certificates.path("ca.pem"))
        #expect(broker.stop() == 0)
    }
}
