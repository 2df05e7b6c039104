import Foundation
import Testing

/// Who clients are, shown by Paho's client and by scramp's exchange.
@Suite("Identities of foreign clients")
struct ForeignIdentityTests {
    private static let python = ProcessInfo.processInfo.environment["SLUICE_TEST_PYTHON"] ?? "python3"

    private static func has(_ module: String) -> Bool {
        do { return try Program.run([python, "-c", "import \(module)"]).code == 0 } catch { return false }
    }

    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        #expect(
            try Program.sluice(["passwd", "-c", "-b", "--scram", "\(directory.path)/p", "ada", "s3cret"]).code == 0)
    }

    private func run(_ arguments: [String]) throws -> [String] {
        let file = try #require(
            Bundle.module.path(forResource: "secure_clients", ofType: "py", inDirectory: "Scripts"))
        let result = try Program.run([Self.python, "-W", "ignore", file] + arguments, within: 300)
        #expect(result.code == 0, "\(result)")
        return result.output.split(separator: "\n").map(String.init)
    }

    @Test(
        "Paho is let in with the right password, and told so with a wrong one or none",
        .enabled(if: has("paho.mqtt.client"), "paho-mqtt is not installed"), arguments: [4, 5])
    func passwords(version: Int) throws {
        let broker = try BrokerProcess("password_file: \(directory.path)/p\n" + BrokerProcess.plain)
        let more = ["--version", String(version)]
        #expect(try run(["paho", String(broker.port), "ada", "s3cret"] + more) == ["0", "hello"])
        #expect(try run(["paho", String(broker.port), "ada", "wrong"] + more) == ["134"])
        #expect(try run(["paho", String(broker.port)] + more) == ["135"])
        #expect(broker.stop() == 0)
    }

    @Test(
        "a certificate's common name, subject or other name is Paho's user, by which its rights go",
        .enabled(if: has("paho.mqtt.client"), "paho-mqtt is not installed"))
    func certificates() throws {
        let certificates = try Certificates()
        try certificates.make("dev42", host: "dev42.plant")
        let own = [certificates.path("dev42.pem"), certificates.path("dev42.key")]
        for (choice, user) in [("cn", "dev42"), ("subject", "CN=dev42"), ("dns", "dev42.plant")] {
            let broker = try BrokerProcess(
                """
                listeners:
                  mqtt: "127.0.0.1:0"
                  mqtts:
                    address: "127.0.0.1:0"
                    certificate_user: \(choice)
                    tls:
                      certificate: \(certificates.path("broker.pem"))
                      key: \(certificates.path("broker.key"))
                      client_ca: \(certificates.path("ca.pem"))
                audit: {}
                access:
                  roles: { mine: { readwrite: "dev/#" } }
                  users: { "\(user)": mine }

                """ + BrokerProcess.plain)
            let port = String(try broker.port("mqtts"))
            let lines = try run(["paho", port, "--tls", certificates.path("ca.pem")] + own)
            #expect(lines == ["0", "hello"], "\(choice): \(broker.log)")
            #expect(broker.logs("user=\(user.contains("=") ? user.debugDescription : user) method=certificate"))
            let without = try run(["paho", port, "--tls", certificates.path("ca.pem")])
            #expect(without.first != "0", "\(without)")
            #expect(broker.stop() == 0)
        }
    }

    @Test(
        "scramp's SCRAM over AUTH is let in with the right secret, also again, and refused with a wrong one",
        .enabled(if: has("scramp"), "scramp is not installed"),
        arguments: ["SCRAM-SHA-256", "SCRAM-SHA-512"])
    func scram(mechanism: String) throws {
        let broker = try BrokerProcess("audit: {}\npassword_file: \(directory.path)/p\n" + BrokerProcess.plain)
        #expect(try run(["scram", String(broker.port), mechanism, "ada", "s3cret", "twice"]) == ["0", "0"])
        #expect(broker.logs("user=ada method=\(mechanism)"))
        #expect(try run(["scram", String(broker.port), mechanism, "ada", "wrong"]) == ["135"])
        #expect(try run(["scram", String(broker.port), mechanism, "nobody", "s3cret"]) == ["135"])
        #expect(broker.stop() == 0)
    }
}
