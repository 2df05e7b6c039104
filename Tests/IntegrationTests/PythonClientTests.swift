import Foundation
import Testing

@Suite("Clients for Python")
struct PythonClientTests {
    /// The interpreter to ask; SLUICE_PYTHON names another than the system's.
    private static var python: String { ProcessInfo.processInfo.environment["SLUICE_PYTHON"] ?? "python3" }

    private static func has(_ module: String) -> Bool {
        do { return try Program.run([python, "-c", "import \(module)"]).code == 0 } catch { return false }
    }

    private func run(_ script: String, _ arguments: [String]) throws -> Program.Result {
        let file = try #require(Bundle.module.path(forResource: script, ofType: "py", inDirectory: "Scripts"))
        return try Program.run([Self.python, "-W", "ignore", file] + arguments, within: 300)
    }

    @Test(
        "Paho: request and response, retained, shared, offline",
        .enabled(if: has("paho.mqtt.client"), "paho-mqtt is not installed"))
    func paho() throws {
        let broker = try BrokerProcess()
        let result = try run("paho_features", [String(broker.port)])
        #expect(result.code == 0, "\(result)")
        #expect(result.lines == ["request_and_response", "retained", "shared", "offline"])
        #expect(broker.stop() == 0)
    }

    @Test("aiomqtt publishes to itself", .enabled(if: has("aiomqtt"), "aiomqtt is not installed"))
    func aiomqtt() throws {
        let broker = try BrokerProcess()
        #expect(try run("asyncio_clients", [String(broker.port), "aiomqtt"]).lines == ["aio/1 hello 1"])
        #expect(broker.stop() == 0)
    }

    @Test("gmqtt publishes to itself", .enabled(if: has("gmqtt"), "gmqtt is not installed"))
    func gmqtt() throws {
        let broker = try BrokerProcess()
        #expect(try run("asyncio_clients", [String(broker.port), "gmqtt"]).lines == ["gmqtt/1 hello 1"])
        #expect(broker.stop() == 0)
    }
}
