import Foundation
import Glibc
import Testing

@Suite("Listeners with pre-shared keys")
struct SharedKeyListenerTests {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        _ = try directory.write("psk", "dev1:00ff\ndev2:aabb\n")
        _ = try directory.write("acl", "user dev1\ntopic own/dev1\n")
    }

    private func publish(
        _ broker: BrokerProcess, _ identity: String, _ key: String, topic: String = "own/dev1"
    ) throws -> Program.Result {
        // MQTT 5: a refusal of the publish has its reason.
        try Program.run([
            "mosquitto_pub", "-V", "5", "-h", "127.0.0.1", "-p", String(broker.port("mqtts")), "-q", "1", "-r", "-t",
            topic,
            "-m", "x", "--psk-identity", identity, "--psk", key,
        ])
    }

    @Test(
        "mosquitto's own client gets in with its key, as its identity, and keys change with a reload",
        .enabled(if: Program.isInstalled("mosquitto_pub")))
    func keys() throws {
        let broker = try BrokerProcess(
            """
            listeners:
              mqtt: 127.0.0.1:0
              mqtts: { address: "127.0.0.1:0", psk_file: \(directory.path)/psk }
            acl_file: \(directory.path)/acl

            """ + BrokerProcess.plain)
        #expect(try publish(broker, "dev1", "00ff").code == 0)
        #expect(try publish(broker, "dev1", "00fe").code != 0)
        #expect(try publish(broker, "dev3", "00ff").code != 0)
        #expect(try publish(broker, "dev2", "aabb").errors.contains("uthori"))
        let listening = try ChildProcess(
            [
                "mosquitto_sub", "-h", "127.0.0.1", "-p", String(broker.port("mqtts")), "-t", "own/dev1", "-i", "stays",
                "--psk-identity", "dev1", "--psk", "00ff",
            ], in: directory)
        defer { listening.kill(SIGKILL) }
        // What is retained comes when it is subscribed.
        #expect(listening.wait(until: { listening.output.contains("x") }))
        _ = try directory.write("psk", "dev2:aabb\n")
        #expect(broker.reload(expecting: "pre-shared keys of mqtts"))
        #expect(try publish(broker, "dev1", "00ff").code != 0)
        #expect(broker.logs("the key of 'dev1' is no longer taken"))
        _ = try directory.write("psk", "dev1:zz\n")
        #expect(broker.reload(expecting: "psk:1:1: expected IDENTITY:KEY"))
        #expect(broker.stop() == 0)
    }

    @Test("a listener without certificate and keys is refused, and a file of keys that is none with its line")
    func faults() throws {
        let bare = try directory.write("bare.yaml", "listeners: { mqtts: 127.0.0.1:0 }\n")
        let missing = try Program.sluice(["check", "--config", bare])
        #expect(missing.code == 1 && missing.errors.contains("or a 'psk_file'"), "\(missing)")
        _ = try directory.write("psk", "dev1\n")
        let keyed = try directory.write(
            "keyed.yaml", "psk_file: \(directory.path)/psk\nlisteners: { mqtts: 127.0.0.1:0 }\n")
        let bad = try Program.sluice(["check", "--config", keyed])
        #expect(bad.code == 1 && bad.errors.contains("psk:1:1: expected IDENTITY:KEY, found no ':'"), "\(bad)")
        _ = try directory.write("psk", "dev1:00\n")
        let good = try Program.sluice(["check", "--config", keyed])
        #expect(good.code == 0 && good.output.contains("mqtts pre-shared keys  1 identities"), "\(good)")
    }
}
