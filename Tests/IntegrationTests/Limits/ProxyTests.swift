import Foundation
import Testing

@Suite("Connections by a proxy, with mosquitto's programs", .enabled(if: Program.isInstalled("mosquitto_pub")))
struct ProxyTests {
    private static let version2: [UInt8] =
        [0x0D, 0x0A, 0x0D, 0x0A, 0, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A, 0x21, 0x11, 0, 20]
        + [192, 0, 2, 77, 10, 0, 0, 1, 0x12, 0x34, 0x07, 0x5B] + [0x01, 0, 5, 0x6D, 0x71, 0x74, 0x74, 0x35]

    private static let headers = [
        ("192.0.2.7:4660", Array("PROXY TCP4 192.0.2.7 10.0.0.1 4660 1883\r\n".utf8)), ("192.0.2.77:4660", version2),
    ]

    @Test("TLS and plain MQTT behind a header: the client has the address that it says", arguments: headers)
    func address(_ address: String, _ header: [UInt8]) throws {
        let certificates = try Certificates()
        let broker = try BrokerProcess(
            """
            listeners:
              mqtt: { address: "127.0.0.1:0", proxy_protocol: [127.0.0.0/8, "::1"] }
              mqtts: { address: "127.0.0.1:0", proxy_protocol: 127.0.0.1 }
              tls: { certificate: \(certificates.path("broker.pem")), key: \(certificates.path("broker.key")) }
            audit: {}

            """ + BrokerProcess.plain)
        for (kind, more) in [("mqtt", []), ("mqtts", ["--cafile", certificates.path("ca.pem")])] {
            let relay = try Relay(to: try broker.port(kind), greeting: header)
            defer { relay.stop() }
            let sent = try Program.run(
                ["mosquitto_pub", "-h", "localhost", "-p", String(relay.port), "-i", "behind", "-q", "1", "-t", "t"]
                    + ["-m", "x"] + more)
            #expect(sent.code == 0, "\(sent)")
            #expect(
                broker.logs("audit connected listener=\(kind) address=\(address) client=behind"), "\(broker.log)")
        }
        #expect(broker.stop() == 0)
    }

    @Test("who says nothing of whose it is from there is closed, and counted; from elsewhere a header is nonsense")
    func without() throws {
        for trusted in ["127.0.0.1", "10.0.0.0/8"] {
            let broker = try BrokerProcess(
                "listeners: { mqtt: { address: \"127.0.0.1:0\", proxy_protocol: \(trusted) } }\n" + BrokerProcess.plain)
            let client = try RawClient(port: broker.port)
            client.send(
                trusted == "127.0.0.1"
                    ? RawPacket.connect(level: 5, id: "c") : Array("PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n".utf8))
            while case .packet = client.next() {}
            #expect(broker.logs(trusted == "127.0.0.1" ? "no PROXY header" : "closed, "), "\(broker.log)")
            #expect(broker.stop() == 0)
        }
    }
}
