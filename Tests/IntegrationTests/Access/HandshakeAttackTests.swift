import Foundation
import Testing

@Suite("Handshakes that attack")
struct HandshakeAttackTests {
    @Test("byte by byte, or not at all: each has its time, and others come in meanwhile")
    func slowLoris() throws {
        let certificates = try Certificates()
        let broker = try BrokerProcess(
            """
            listeners:
              mqtt: "127.0.0.1:0"
              ws: "127.0.0.1:0"
              mqtts: { address: "127.0.0.1:0", limits: { connect_timeout: 1s } }
              tls: { certificate: \(certificates.path("broker.pem")), key: \(certificates.path("broker.key")) }
            limits: { connect_timeout: 2s }

            """ + BrokerProcess.plain)
        // A record of TLS that says 512 bytes, a request of WebSocket, and a CONNECT, all without an end.
        let beginnings: [(String, [UInt8])] = [
            ("mqtts", [0x16, 3, 1, 2, 0, 1, 0, 1, 0xFC]), ("ws", Array("GET /mqtt HTTP/1.1\r\nHost: ".utf8)),
            ("mqtt", [0x10, 0x80, 0x01, 0, 4, 0x4D]), ("mqtts", []), ("mqtt", []),
        ]
        var slow: [(String, RawClient)] = []
        for (kind, bytes) in beginnings {
            for _ in 0..<40 {
                let client = try RawClient(port: try broker.port(kind))
                client.send(bytes)
                slow.append((kind, client))
            }
        }
        for number in 0..<20 {
            let other = try RawClient(port: broker.port, level: 4, id: "other\(number)")
            #expect(other.answersPing())
            for (_, client) in slow { client.sendSome([0x61]) }
        }
        for (kind, client) in slow { #expect(client.bytes(within: 60).isEmpty, "\(kind)") }
        #expect(broker.logs("TLS handshake not finished within 1 s ('limits: connect_timeout')"))
        #expect(broker.logs("WebSocket upgrade not finished within 2 s ('limits: connect_timeout')"))
        #expect(broker.logs("'limits: connect_timeout' is 2s"))
        #expect(broker.stop() == 0)
    }

    @Test("a client that wants to negotiate TLS again is refused, and the broker goes on")
    func renegotiation() throws {
        let certificates = try Certificates()
        let broker = try BrokerProcess(certificates.configuration())
        let port = try broker.port("mqtts")
        // openssl's client begins anew at a line that is 'R'.
        let client = try Program.run(
            [
                "openssl", "s_client", "-connect", "localhost:\(port)", "-CAfile", certificates.path("ca.pem"),
                "-tls1_2",
            ], input: "R\n")
        let said = (client.output + client.errors).lowercased()
        #expect(said.contains("renegotiat"), "\(client)")
        #expect(said.contains("no renegotiation") || said.contains("no_renegotiation") || client.code != 0, "\(client)")
        let sent = try Program.run([
            "mosquitto_pub", "-h", "localhost", "-p", String(port), "--cafile", certificates.path("ca.pem"), "-t", "t",
            "-m", "x", "-q", "1",
        ])
        #expect(sent.code == 0, "\(sent)")
        #expect(broker.stop() == 0)
    }
}
