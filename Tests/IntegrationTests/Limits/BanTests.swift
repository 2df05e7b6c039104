import Foundation
import Testing

/// Addresses that are kept out, for their failures and by request.
@Suite("Bans")
struct BanTests {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        for (user, flags) in [("ada", ["-c", "-b"]), ("root", ["-b"])] {
            #expect(try Program.sluice(["passwd"] + flags + ["\(directory.path)/p", user, "right"]).code == 0)
        }
        _ = try directory.write("secret", "right\n")
    }

    private func configuration(_ bans: String) -> String {
        """
        password_file: \(directory.path)/p
        listeners: { mqtt: { address: "127.0.0.1:0", proxy_protocol: 127.0.0.1 } }
        access:
          roles: { admin: { admin: true, readwrite: "#" }, user: { read: "#" } }
          users: { root: admin, ada: user }
        bans: \(bans)

        """ + BrokerProcess.plain
    }

    /// What the broker answers to a CONNECT that comes by a proxy from `address`; nil when it closes without a word.
    private func connect(_ broker: BrokerProcess, from address: String, password: String) throws -> UInt8? {
        let client = try RawClient(port: broker.port)
        client.send(Array("PROXY TCP4 \(address) 10.0.0.1 1000 1883\r\n".utf8))
        client.send(
            RawPacket.connect(
                level: 5, id: "c", flags: 0xC2, payload: RawPacket.string("ada") + RawPacket.string(password)))
        guard case .packet(let packet) = client.next(), packet.count > 3 else { return nil }
        return packet[3]
    }

    @Test("wrong passwords ban the address that a proxy gives, others come in, and time lets it in again")
    func failures() throws {
        let broker = try BrokerProcess(configuration("{ failures: 3, within: 1m, for: 3s }"))
        for _ in 0..<3 { #expect(try connect(broker, from: "192.0.2.7", password: "wrong") == 0x86) }
        #expect(broker.logs("warning network: 192.0.2.7 is banned: 3 failures within 60 s ('bans: failures')"))
        #expect(try connect(broker, from: "192.0.2.7", password: "right") == nil)
        #expect(try connect(broker, from: "192.0.2.8", password: "right") == 0)
        #expect(broker.logs("192.0.2.7:1000: refused, its address is banned: 3 failures"))
        let deadline = Deadline(60)
        var code: UInt8?
        while code == nil, !deadline.isOver { code = try connect(broker, from: "192.0.2.7", password: "right") }
        #expect(code == 0)
        // Settings change with a reload.
        try broker.reload(with: configuration("{ failures: 1000, exempt: 192.0.2.0/24 }"))
        #expect(broker.logs("changed: users and rights, bans") || broker.logs("bans"), "\(broker.log)")
        for _ in 0..<5 { #expect(try connect(broker, from: "192.0.2.7", password: "wrong") == 0x86) }
        #expect(broker.stop() == 0)
    }

    @Test("bans are listed, added and removed by who may administer, and by nobody else")
    func byRequest() throws {
        let broker = try BrokerProcess(configuration("{}"))
        let relay = try Relay(
            to: broker.port, greeting: Array("PROXY TCP4 198.51.100.1 10.0.0.1 1 2\r\n".utf8))
        defer { relay.stop() }
        func sluice(_ words: [String], as user: String) throws -> Program.Result {
            try Program.sluice(
                words + [
                    "-b", "127.0.0.1:\(relay.port)", "--username", user, "--password-file", directory.path + "/secret",
                ])
        }
        let denied = try sluice(["bans", "add", "203.0.113.0/24"], as: "ada")
        #expect(denied.code != 0, "\(denied)")
        let added = try sluice(["bans", "add", "203.0.113.0/24", "--for", "1h"], as: "root")
        #expect(added.code == 0 && added.output == "203.0.113.0/24 is banned\n", "\(added)")
        #expect(try connect(broker, from: "203.0.113.99", password: "right") == nil)
        #expect(try connect(broker, from: "203.0.114.99", password: "right") == 0)
        let list = try sluice(["bans", "list"], as: "root")
        #expect(list.output.contains("203.0.113.0/24") && list.output.contains("by request"), "\(list)")
        let document = try sluice(["bans", "list", "--json"], as: "root")
        #expect(document.output.contains(#""refused":1"#) || document.output.contains(#""refused": 1"#), "\(document)")
        #expect(try sluice(["bans", "remove", "203.0.113.0/24"], as: "root").code == 0)
        #expect(try sluice(["bans", "remove", "203.0.113.0/24"], as: "root").code == 1)
        #expect(try connect(broker, from: "203.0.113.99", password: "right") == 0)
        #expect(try Program.sluice(["bans", "add", "300.1.1.1", "-b", "127.0.0.1:1"]).code == 2)
        #expect(broker.stop() == 0)
    }
}
