import Foundation
import SluiceNode
import Testing

@testable import AccessControl

/// Tokens in place of passwords, against a running broker.
@Suite("Connections by token")
struct TokenConnectionTests {
    private static let secret = "a secret of thirty-two bytes, or more"
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        _ = try directory.write("jwt.key", Self.secret + "\n")
    }

    private func encoded(_ bytes: [UInt8]) -> String {
        Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    /// A token of these claims, signed as its header says, or with another secret.
    private func token(_ claims: String, algorithm: String = "HS256", secret: String = secret) -> String {
        let text =
            encoded(Array(#"{"alg":"\#(algorithm)","typ":"JWT"}"#.utf8)) + "." + encoded(Array(claims.utf8))
        guard algorithm == "HS256" else { return text + "." }
        let code = SystemHashing().authenticationCode(.sha256, key: Array(secret.utf8), Array(text.utf8))
        return text + "." + encoded(code)
    }

    private func claims(_ user: String, seconds: Int, _ more: String = "") -> String {
        let now = Int(Date().timeIntervalSince1970)
        return #"{"sub":"\#(user)","iat":\#(now),"exp":\#(now + seconds)\#(more)}"#
    }

    private func broker(_ claim: String = "roles_claim: roles") throws -> BrokerProcess {
        try BrokerProcess(
            """
            jwt: { key_file: \(directory.path)/jwt.key, leeway: 0s, \(claim) }
            access: { roles: { device: { readwrite: "dev/%u/#" } } }
            audit: {}

            """ + BrokerProcess.plain)
    }

    private func connect(_ broker: BrokerProcess, _ token: String, user: String = "") throws -> (RawClient, UInt8?) {
        let client = try RawClient(port: broker.port)
        client.send(
            RawPacket.connect(
                level: 5, id: "c", flags: 0xC2, payload: RawPacket.string(user) + RawPacket.string(token)))
        guard case .packet(let packet) = client.next(), packet.count > 3 else { return (client, nil) }
        return (client, packet[3])
    }

    @Test("a good one is let in; one that is wrong, over, of another's name or unsigned is not")
    func judged() throws {
        let broker = try broker()
        #expect(try connect(broker, token(claims("ada", seconds: 600))).1 == 0)
        #expect(try connect(broker, token(claims("ada", seconds: 600)), user: "ada").1 == 0)
        for (bad, user) in [
            (token(claims("ada", seconds: 600), secret: "another secret of thirty-two bytes"), ""),
            (token(claims("ada", seconds: -5)), ""), (token(claims("ada", seconds: 600)), "bob"),
            (token(claims("ada", seconds: 600), algorithm: "none"), ""), (token(#"{"sub":"ada"}"#), ""),
        ] {
            #expect(try connect(broker, bad, user: user).1 == 0x86)
        }
        #expect(broker.logs("user=ada method=token"))
        #expect(!broker.log.contains { $0.contains("eyJ") }, "no token is in the log")
        #expect(broker.stop() == 0)
    }

    @Test("its roles and filters say what its owner may do")
    func rights() throws {
        for (claim, more, topic, expected) in [
            ("roles_claim: roles", #","roles":["device"]"#, "dev/ada/x", UInt8(0)),
            ("roles_claim: roles", #","roles":["device"]"#, "dev/bob/x", 0x87),
            ("roles_claim: roles", "", "dev/ada/x", 0x87), ("publish_claim: pub", #","pub":["only/#"]"#, "only/x", 0),
            ("publish_claim: pub", #","pub":["only/#"]"#, "dev/ada/x", 0x87),
        ] {
            let broker = try broker(claim)
            let (client, code) = try connect(broker, token(claims("ada", seconds: 600, more)))
            #expect(code == 0)
            client.send(RawPacket.publish(level: 5, topic: topic, payload: "x", qos: 1, id: 7))
            guard case .packet(let packet) = client.next() else { continue }
            #expect((packet.count > 4 ? packet[4] : 0) == expected, "\(more) \(topic): \(packet)")
            #expect(broker.stop() == 0)
        }
    }

    @Test("when it ends, the connection ends with a reason")
    func ends() throws {
        let broker = try broker()
        let (client, code) = try connect(broker, token(claims("ada", seconds: 3)))
        #expect(code == 0)
        guard case .packet(let packet) = client.next() else {
            Issue.record("expected a DISCONNECT")
            return
        }
        #expect(packet[0] == 0xE0 && packet[2] == 0x87, "\(packet)")
        #expect(String(decoding: packet, as: UTF8.self).contains("its token has ended"))
        #expect(client.next() == .closed)
        #expect(broker.logs("audit disconnected"))
        #expect(broker.logs(#"reason="its token has ended""#))
        #expect(broker.stop() == 0)
    }
}
