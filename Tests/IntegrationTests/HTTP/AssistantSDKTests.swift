import Foundation
import Testing

/// What programs that are made with the official SDK get of `/mcp`.
@Suite("HTTP: the SDK of the Model Context Protocol")
struct AssistantSDKTests {
    private let files: TemporaryDirectory

    init() throws { files = try TemporaryDirectory() }

    /// A broker that knows admin and alice, and two devices.
    private func filled() throws -> DeviceBroker {
        try files.writeUsers()
        let world = try DeviceBroker(
            ["temperature": DeviceBroker.temperature],
            more: """
                listeners:
                  mqtt: 127.0.0.1:0
                  http: 127.0.0.1:0
                streams:
                  - name: sensors
                    partitions: 3
                password_file: \(files.path)/passwords
                acl_file: \(files.path)/acl

                """)
        for value in 20..<25 {
            for topic in ["sensors/a/d1/temperature", "sensors/b/d2/temperature"] {
                let sent = try world.broker.mosquitto(
                    "pub",
                    ["-u", "admin", "-P", "root", "-q", "1", "-t", topic, "-m", "{\"temperature\": \(value)}"])
                #expect(sent.code == 0, "\(sent)")
            }
        }
        let admin = ["Authorization: Basic \(Data("admin:root".utf8).base64EncodedString())"]
        let isKnown = try world.broker.process.wait {
            try (world.broker.ask("GET", "/v1/devices", fields: admin).object["devices"] as? [Any])?.count == 2
        }
        #expect(isKnown, "\(world.broker.log)")
        return world
    }

    @Test(
        "it agrees on a version, is told the tools, asks each, and hears what was wrong and what it may not have",
        .enabled(if: KafkaEndpoint.has("mcp; from mcp import Client"), "the SDK (mcp, version 2) is not installed"))
    func sdk() throws {
        let world = try filled()
        let file = try #require(Bundle.module.path(forResource: "mcp_sdk", ofType: "py", inDirectory: "Scripts"))
        let port = String(try world.broker.port("http"))
        let result = try Program.run([KafkaEndpoint.python, "-W", "ignore", file, port], within: 120)
        #expect(result.code == 0, "\(result.output)\n\(result.errors.suffix(4000))\n\(world.broker.log.suffix(20))")
        #expect(result.lines == ["auto 2026-07-28", "legacy 2025-11-25", "rights"])
        #expect(world.broker.stop() == 0)
    }
}
