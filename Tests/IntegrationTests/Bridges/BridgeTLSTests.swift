import Foundation
import Glibc
import Testing

@Suite("bridges over TLS, and what their refusals say")
struct BridgeTLSTests {
    private static func listener(_ certificates: Certificates, _ name: String = "broker", _ more: String = "") -> String
    {
        """
        allow_anonymous true
        cafile \(certificates.path("ca.pem"))
        certfile \(certificates.path(name + ".pem"))
        keyfile \(certificates.path(name + ".key"))
        \(more)

        """
    }

    /// What `sluice bridges test` says of an upstream.
    private func test(
        _ upstream: MosquittoBroker, _ certificates: Certificates, _ tls: [String], host: String = "localhost",
        more: [String] = []
    ) throws -> Program.Result {
        let lines = ["tls:"] + tls.map { "  " + $0 } + more
        let text = BridgeTests.configuration(upstream.port, ["q/# out 1"], lines, host: host)
        let file = try certificates.directory.write("bridge.yaml", text)
        return try Program.sluice(["bridges", "test", "up", "--config", file])
    }

    private func pin(_ certificates: Certificates, _ name: String) throws -> String {
        let command =
            "openssl x509 -in \(certificates.path(name + ".pem")) -noout -pubkey"
            + " | openssl pkey -pubin -outform der | sha256sum"
        return try String(Program.run(["sh", "-c", command]).output.prefix(64))
    }

    @Test("an upstream is asked for the protocol that `alpn` names")
    func protocols() throws {
        let certificates = try Certificates()
        let reserved = try ReservedPort()
        let script = """
            import socket, ssl, sys
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(sys.argv[2], sys.argv[3])
            context.set_alpn_protocols(["http/1.1", "mqtt"])
            listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
            print("listening", flush=True)
            peer = context.wrap_socket(listener.accept()[0], server_side=True)
            print("selected", peer.selected_alpn_protocol(), flush=True)
            """
        let files = [certificates.path("broker.pem"), certificates.path("broker.key")]
        let server = try ChildProcess(
            ["python3", "-c", script, String(reserved.port)] + files, in: certificates.directory)
        #expect(server.wait { server.output.contains("listening") }, "\(server.errors)")
        let lines = ["tls:", "  ca: \(certificates.path("ca.pem"))", "  alpn: mqtt"]
        let text = BridgeTests.configuration(reserved.port, ["q/# out 1"], lines, host: "localhost")
        let file = try certificates.directory.write("bridge.yaml", text)
        // It answers no CONNECT.
        let test = try Program.sluice(["bridges", "test", "up", "--config", file])
        #expect(test.code == 1, "\(test)")
        #expect(server.exitCode() == 0 && server.output == "listening\nselected mqtt\n", "\(server.errors)")
    }

    @Test("check warns of two bridges with one identifier to one upstream")
    func sameIdentifier() throws {
        let directory = try TemporaryDirectory()
        func check(_ second: String) throws -> Program.Result {
            let bridge = "\n    topics:\n      - topic: a out\n    client_id: plant\n"
            let text =
                "bridges:\n  - name: a\n    address: h g:1884\(bridge)  - name: b\n    address: \(second)\(bridge)"
            return try Program.sluice(["check", "--config", directory.write("c.yaml", text)])
        }
        let same = try check("g:1884")
        #expect(same.code == 0, "\(same)")
        #expect(same.output.contains("c.yaml:7:5: the bridges 'a' and 'b' are both 'plant' to one upstream"), "\(same)")
        #expect(try !check("g:1885").output.contains("to one upstream"))
    }

    @Test("it connects, and a pin of the right key is accepted; each failed check is named")
    func checks() throws {
        let certificates = try Certificates()
        try certificates.makeAuthority("stranger")
        let upstream = try MosquittoBroker(Self.listener(certificates))
        let ca = "ca: \(certificates.path("ca.pem"))"
        let plain = try test(upstream, certificates, [ca])
        #expect(plain.output == "localhost:\(upstream.port): connected\n", "\(plain)")
        let right = try pin(certificates, "broker")
        #expect(try test(upstream, certificates, [ca, "pins: \(right)"]).code == 0)
        let wrong = String(repeating: "ab", count: 32)
        let pinned = try test(upstream, certificates, [ca, "pins: \(wrong)"])
        #expect(pinned.code == 1)
        #expect(pinned.output.contains("TLS: the upstream's public key is not pinned: sha256 \(right)"), "\(pinned)")
        let unknown = try test(upstream, certificates, ["ca: \(certificates.path("stranger.pem"))"])
        #expect(unknown.output.contains("TLS: the upstream's certificate"), "\(unknown)")
        #expect(unknown.output.contains("self-signed certificate in certificate chain"), "\(unknown)")
        let other = try test(upstream, certificates, [ca], host: "127.0.0.1")
        #expect(other.output.contains("IP address mismatch"), "\(other)")
        let any = try test(upstream, certificates, [ca, "accept_other_hosts: true"], host: "127.0.0.1")
        #expect(any.code == 0, "\(any)")
    }

    @Test("an ended certificate is refused; one that soon ends is warned of")
    func expiry() throws {
        let certificates = try Certificates()
        try certificates.make("ended", host: "localhost", days: -1)
        try certificates.make("soon", host: "localhost", days: 3)
        let ca = "ca: \(certificates.path("ca.pem"))"
        let ended = try test(try MosquittoBroker(Self.listener(certificates, "ended")), certificates, [ca])
        #expect(ended.output.contains("certificate has expired"), "\(ended)")
        let soon = try test(try MosquittoBroker(Self.listener(certificates, "soon")), certificates, [ca])
        #expect(soon.code == 0)
        // Whole days that are left: a second later they are two.
        #expect(soon.output.contains("ends in 3 days") || soon.output.contains("ends in 2 days"), "\(soon)")
    }

    @Test("mutual TLS: without a certificate it is refused, with one it is not")
    func mutual() throws {
        let certificates = try Certificates()
        try certificates.make("plant1")
        let upstream = try MosquittoBroker(Self.listener(certificates, "broker", "require_certificate true"))
        let ca = "ca: \(certificates.path("ca.pem"))"
        let without = try test(upstream, certificates, [ca])
        #expect(without.code == 1 && without.output.contains("certificate required"), "\(without)")
        let own = ["certificate: \(certificates.path("plant1.pem"))", "key: \(certificates.path("plant1.key"))"]
        #expect(try test(upstream, certificates, [ca] + own).code == 0)
    }

    @Test("a pre-shared key, right and wrong")
    func sharedKey() throws {
        let certificates = try Certificates()
        let keys = try certificates.directory.write("psk", "plant1:0123456789abcdef\n")
        let upstream = try MosquittoBroker("allow_anonymous true\npsk_file \(keys)\npsk_hint hint\n")
        let right = try test(upstream, certificates, ["psk_identity: plant1", "psk: \"0123456789abcdef\""])
        #expect(right.code == 0, "\(right)")
        let wrong = try test(upstream, certificates, ["psk_identity: plant1", "psk: \"00\""])
        #expect(wrong.code == 1 && wrong.output.contains("TLS: "), "\(wrong)")
    }

    @Test("plain MQTT against TLS, no listener, no name, wrong password")
    func others() throws {
        let certificates = try Certificates()
        let plain = try MosquittoBroker("allow_anonymous false\n")
        let ca = "ca: \(certificates.path("ca.pem"))"
        let noTLS = try test(plain, certificates, [ca])
        #expect(noTLS.code == 1 && !noTLS.output.contains("connected"), "\(noTLS)")
        func untold(_ host: String, _ port: Int) throws -> Program.Result {
            let text = BridgeTests.configuration(port, ["q/# out 1"], host: host)
            return try Program.sluice(
                ["bridges", "test", "up", "--config", try certificates.directory.write("b.yaml", text)])
        }
        let noName = try untold("no-such-host.invalid", 1883)
        #expect(noName.output.contains("DNS: the host name has no address"), "\(noName)")
        let nobody = try ReservedPort()
        let noListener = try untold("127.0.0.1", nobody.port)
        #expect(noListener.output.contains("TCP: no connection: Connection refused"), "\(noListener)")
        let noUser = try untold("127.0.0.1", plain.port)
        #expect(noUser.output.contains("credentials: the bridge is not authorised"), "\(noUser)")
    }

    @Test("messages go both ways over TLS, large ones too")
    func messages() throws {
        let certificates = try Certificates()
        let upstream = try MosquittoBroker(Self.listener(certificates))
        let tls = ["tls:", "  ca: \(certificates.path("ca.pem"))"]
        let broker = try BrokerProcess(
            BridgeTests.configuration(upstream.port, ["q/# out 2", "w/# in 1"], tls, host: "localhost"))
        let client = try MosquittoClient(id: "collector")
        try client.secure(certificates)
        try client.connect(port: upstream.port, host: "localhost")
        try client.subscribe("q/#", qos: 2)
        _ = try BridgeTests.waits(broker) { $0.contains("\"state\":\"live\"") }
        let large = String(repeating: "x", count: 500_000)
        let file = try certificates.directory.write("large", large)
        #expect(try broker.mosquitto("pub", ["-t", "q/a", "-q", "2", "-f", file]).code == 0)
        #expect(try client.receive(1).first?.payload == large)
        for number in 0..<20 { try client.waitForAcknowledgement(client.publish("w/a", "\(number)", qos: 1)) }
        #expect(
            try broker.process.wait {
                try BridgeLoopTests.payloads(broker).filter { $0.count < 3 }.count == 20
            })
        #expect(broker.stop() == 0)
    }
}
