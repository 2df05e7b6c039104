import Foundation
import Testing

@Suite("MQTT over TLS")
struct TLSTests {
    /// Arguments of mosquitto's programs for a TLS listener.
    private func secure(_ certificates: Certificates, _ broker: BrokerProcess, _ more: [String]) throws -> [String] {
        try ["-h", "localhost", "-p", String(broker.port("mqtts")), "--cafile", certificates.path("ca.pem")] + more
    }

    private func publish(
        _ certificates: Certificates, _ broker: BrokerProcess, _ more: [String] = []
    ) throws -> Program.Result {
        try broker.mosquitto("pub", secure(certificates, broker, ["-t", "t", "-q", "1", "-m", "x"] + more))
    }

    @Test("mosquitto_pub and mosquitto_sub publish and replay in each version", arguments: ["tlsv1.2", "tlsv1.3"])
    func mosquitto(version: String) throws {
        let certificates = try Certificates()
        let broker = try BrokerProcess(certificates.configuration())
        let publish = ["-t", "tls/a", "-q", "2", "-m", "hello", "--tls-version", version]
        #expect(try broker.mosquitto("pub", secure(certificates, broker, publish)).code == 0)
        let replay = ["-t", "$replay/earliest/tls/#", "-v", "-C", "1", "-W", "60", "--tls-version", version]
        #expect(try broker.mosquitto("sub", secure(certificates, broker, replay)).output == "tls/a hello\n")
        #expect(broker.stop() == 0)
    }

    @Test("messages of 1 MiB go both ways", arguments: ["tlsv1.2", "tlsv1.3"])
    func largePayloads(version: String) throws {
        let certificates = try Certificates()
        let broker = try BrokerProcess(certificates.configuration(more: "limits:\n  packet_size: 2MiB\n"))
        let client = try MosquittoClient(id: "large")
        try client.secure(certificates, version: version)
        #expect(try client.connect(port: broker.port("mqtts"), host: "localhost") == 0)
        try client.subscribe("large/#", qos: 1)
        let payloads = ["a", "b", "c"].map { String(repeating: $0, count: 1 << 20) }
        for payload in payloads { try client.waitForAcknowledgement(client.publish("large/x", payload, qos: 1)) }
        #expect(try client.receive(3).map(\.payload) == payloads)
    }

    @Test("a certificate that is revoked is refused from the reload on, and the log tells whose it is")
    func revokes() throws {
        let certificates = try Certificates()
        for name in ["dev1", "dev2"] { try certificates.make(name) }
        try certificates.revoke([], list: "revoked")
        let broker = try BrokerProcess(
            certificates.configuration([
                "client_ca: \(certificates.path("ca.pem"))", "crl: \(certificates.path("revoked.crl"))",
            ]))
        func connects(_ name: String) throws -> Bool {
            let own = ["--cert", certificates.path(name + ".pem"), "--key", certificates.path(name + ".key")]
            return try publish(certificates, broker, own).code == 0
        }
        #expect(try connects("dev1") && connects("dev2"))
        try certificates.revoke(["dev1"], list: "revoked")
        #expect(broker.reload(expecting: "changed: certificates of mqtts, certificates of wss"))
        #expect(try !connects("dev1") && connects("dev2"))
        #expect(broker.process.errors.contains("CN = dev1) is not accepted: certificate revoked"))
        // A list that is none keeps the one that is in force.
        _ = try certificates.directory.write("revoked.crl", "nothing")
        #expect(broker.reload(expecting: "'crl': '\(certificates.path("revoked.crl"))' holds no revocation list"))
        #expect(try !connects("dev1") && connects("dev2"))
    }

    @Test("a reload gives new connections the new certificate, and leaves those there are alone")
    func reloads() throws {
        let certificates = try Certificates()
        let broker = try BrokerProcess(certificates.configuration())
        let client = try MosquittoClient(id: "old")
        try client.secure(certificates)
        #expect(try client.connect(port: broker.port("mqtts"), host: "localhost") == 0)
        try client.subscribe("t", qos: 1)
        let before = try certificates.fingerprint("broker")
        #expect(try served(certificates, broker) == before)
        try certificates.make("next", host: "localhost")
        try certificates.install("next")
        #expect(broker.reload(expecting: "changed: certificates of mqtts, certificates of wss"))
        #expect(try certificates.fingerprint("broker") != before)
        #expect(try served(certificates, broker) == certificates.fingerprint("broker"))
        try client.waitForAcknowledgement(client.publish("t", "still here", qos: 1))
        #expect(try client.receive(1).map(\.payload) == ["still here"])
        #expect(broker.reload(expecting: "changed: nothing"))
    }

    /// The fingerprint of the certificate that the listener shows.
    private func served(_ certificates: Certificates, _ broker: BrokerProcess) throws -> String {
        let port = try broker.port("mqtts")
        return try Program.run(
            ["sh", "-c", "openssl s_client -connect 127.0.0.1:\(port) </dev/null | openssl x509 -noout -fingerprint"]
        ).output
    }

    @Test("a reload of what does not fit is refused by file name, and the running certificate stays")
    func refusesReload() throws {
        let certificates = try Certificates()
        let broker = try BrokerProcess(certificates.configuration())
        let before = try served(certificates, broker)
        try certificates.make("next", host: "localhost")
        let key = certificates.path("broker.key")
        try Data(contentsOf: URL(filePath: certificates.path("next.key"))).write(to: URL(filePath: key))
        #expect(broker.reload(expecting: "'key': '\(key)' is not the key of the certificate"))
        #expect(broker.log.contains { $0.contains("the running one stays") })
        #expect(try served(certificates, broker) == before)
        #expect(try publish(certificates, broker).code == 0)
    }

    @Test("what does not fit is refused at the start, and by check, with file, line and column")
    func refusesStart() throws {
        let certificates = try Certificates()
        try certificates.make("next", host: "localhost")
        let files = ["broker.key": "missing.key", "broker.pem": "broker.key"]
        let complaints = [
            "7:10: 'key': '\(certificates.path("missing.key"))' cannot be read: No such file or directory",
            "6:18: 'certificate': '\(certificates.path("broker.key"))' holds no certificate "
                + "(PEM, '-----BEGIN CERTIFICATE-----')",
        ]
        for (file, complaint) in zip(files.keys.sorted(), complaints) {
            let text = certificates.configuration().replacing(
                certificates.path(file), with: certificates.path(files[file] ?? ""))
            let path = try certificates.directory.write("sluice.yaml", text)
            for command in ["serve", "check"] {
                let result = try Program.sluice([command, "--config", path])
                #expect(result.code == 1)
                #expect(result.errors.contains("\(path):\(complaint)"), "\(result)")
            }
        }
    }

    @Test("a certificate that has ended, or soon will, is told at the start and by check")
    func warnsOfEnd() throws {
        let certificates = try Certificates()
        try certificates.make("ending", host: "localhost", days: 3)
        try certificates.install("ending")
        let broker = try BrokerProcess(certificates.configuration())
        #expect(broker.logs("warning node: \(certificates.path("broker.pem")): the certificate ends at "))
        let path = try certificates.directory.write("sluice.yaml", certificates.configuration())
        let check = try Program.sluice(["check", "--config", path])
        #expect(check.output.contains("warning: \(certificates.path("broker.pem")): the certificate ends at "))
        #expect(check.output.contains("mqtts certificate  CN = ending, until "))
    }

    @Test("what a client does not accept in the broker's certificate is in the log")
    func clientsRefuse() throws {
        let certificates = try Certificates()
        try certificates.makeAuthority("other")
        let broker = try BrokerProcess(certificates.configuration())
        let pub = ["-h", "localhost", "-p", String(try broker.port("mqtts")), "-t", "t", "-m", "x"]
        #expect(try broker.mosquitto("pub", pub + ["--cafile", certificates.path("other.pem")]).code != 0)
        #expect(broker.logs("the client refused: alert '"))
        try certificates.make("elsewhere", host: "elsewhere.example")
        try certificates.install("elsewhere")
        #expect(broker.reload(expecting: "changed: certificates of mqtts"))
        #expect(try publish(certificates, broker).code != 0)
        #expect(try publish(certificates, broker, ["--insecure"]).code == 0)
        try certificates.make("ended", host: "localhost", days: -1)
        try certificates.install("ended")
        #expect(broker.reload(expecting: "changed: certificates of mqtts"))
        #expect(broker.logs("the certificate has ended at"))
        #expect(try publish(certificates, broker).code != 0)
        #expect(broker.logs("the client refused: alert 'certificate expired'"))
    }

    @Test("clients prove themselves where that is asked, and the log says which check failed")
    func mutual() throws {
        let certificates = try Certificates()
        let broker = try BrokerProcess(certificates.configuration(["client_ca: \(certificates.path("ca.pem"))"]))
        func identity(_ name: String) -> [String] {
            ["--cert", certificates.path(name + ".pem"), "--key", certificates.path(name + ".key")]
        }
        try certificates.make("device")
        #expect(try publish(certificates, broker, identity("device")).code == 0)
        #expect(try publish(certificates, broker).code != 0)
        #expect(broker.logs("the client sent no certificate, which this listener requires"))
        try certificates.makeAuthority("other")
        try certificates.make("stranger", authority: "other")
        #expect(try publish(certificates, broker, identity("stranger")).code != 0)
        #expect(broker.logs("the client's certificate (CN = stranger) is not accepted: unable to get local issuer"))
        try certificates.make("former", days: -1)
        #expect(try publish(certificates, broker, identity("former")).code != 0)
        #expect(broker.logs("the client's certificate (CN = former) is not accepted: certificate has expired"))
        #expect(try broker.mosquitto("pub", ["-t", "end", "-q", "1", "-m", "x"]).code == 0)
        let replay = try broker.mosquitto("sub", ["-t", "$replay/earliest/#", "-F", "%t", "-C", "2", "-W", "60"])
        #expect(replay.lines == ["t", "end"], "only the device's message is there")
    }

    @Test("a client may come without a certificate where it is optional, but not with a wrong one")
    func optionalCertificate() throws {
        let certificates = try Certificates()
        let broker = try BrokerProcess(
            certificates.configuration(["client_ca: \(certificates.path("ca.pem"))", "require_certificate: false"]))
        #expect(try publish(certificates, broker).code == 0)
        try certificates.makeAuthority("other")
        try certificates.make("stranger", authority: "other")
        let wrong = ["--cert", certificates.path("stranger.pem"), "--key", certificates.path("stranger.key")]
        #expect(try publish(certificates, broker, wrong).code != 0)
        #expect(broker.logs("the client's certificate (CN = stranger) is not accepted"))
    }

    @Test("versions before 1.2, or before the one that is set, are refused")
    func refusesOldVersions() throws {
        let certificates = try Certificates()
        var broker = try BrokerProcess(certificates.configuration())
        func connects(_ version: String) throws -> Bool {
            try Program.run(
                [
                    "sh", "-c",
                    "openssl s_client -\(version) -cipher DEFAULT@SECLEVEL=0 -connect 127.0.0.1:\(broker.port("mqtts"))"
                        + " </dev/null",
                ]
            ).code == 0
        }
        #expect(try !connects("tls1"))
        #expect(try !connects("tls1_1"))
        #expect(broker.logs("TLS failed: the client offers no version of TLS that is spoken here"))
        #expect(try connects("tls1_2"))
        broker = try BrokerProcess(certificates.configuration(["min_version: 1.3"]))
        #expect(try !connects("tls1_2"))
        #expect(broker.logs("the client offers no version of TLS that is spoken here"))
        #expect(try publish(certificates, broker).code == 0)
    }

    @Test("another protocol at a TLS listener is refused and named")
    func refusesOthers() throws {
        let certificates = try Certificates()
        let broker = try BrokerProcess(certificates.configuration())
        let plain = try RawClient(port: broker.port("mqtts"))
        plain.send(RawPacket.connect(level: 4, id: "plain"))
        #expect(plain.next() != .silence)
        #expect(broker.logs("TLS failed: what came is not TLS"))
        let http = try RawClient(port: broker.port("wss"))
        http.send(Array("GET /mqtt HTTP/1.1\r\n\r\n".utf8))
        _ = http.bytes()
        #expect(broker.logs("TLS failed: plain HTTP came instead of TLS"))
    }

    /// Sends the end of its handshake, a whole MQTT conversation and its goodbye at once.
    private static let hasty = """
        import socket, ssl, sys
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = ssl.create_default_context(cafile=sys.argv[2])
        tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
        wire = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                wire.sendall(outgoing.read())
                incoming.write(wire.recv(65536))
        tls.write(bytes.fromhex("100d00044d5154540402000000016830080005686173747921e000"))
        try: tls.unwrap()
        except ssl.SSLWantReadError: pass
        wire.sendall(outgoing.read())
        while wire.recv(65536): pass
        """

    @Test("what a client says with the end of its handshake counts, also when it leaves at once")
    func takesHaste() throws {
        let certificates = try Certificates()
        let broker = try BrokerProcess(certificates.configuration())
        let result = try Program.run(
            ["python3", "-c", Self.hasty, String(broker.port("mqtts")), certificates.path("ca.pem")])
        #expect(result.code == 0, "\(result)")
        let replay = try broker.mosquitto("sub", ["-t", "$replay/earliest/#", "-v", "-C", "1", "-W", "60"])
        #expect(replay.output == "hasty !\n")
    }

    /// Opens a thousand connections that send the head of a record that never becomes whole, or part of an upgrade, or
    /// nothing at all; then waits until the broker has closed them all. A process of its own: libmosquitto's select(2)
    /// takes no descriptor above 1023.
    private static let halfHandshakes = """
        import resource, select, socket, sys
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        mqtts, ws, wss = (int(word) for word in sys.argv[1:])
        record, request = bytes([0x16, 3, 1, 2, 0, 1, 0]), b"GET /mqtt HTTP/1.1\\r\\nHost:"
        starts = [(mqtts, record), (ws, request), (wss, b""), (mqtts, b"")]
        clients, poll = {}, select.poll()
        for number in range(1000):
            port, start = starts[number % 4]
            client = socket.create_connection(("127.0.0.1", port))
            client.sendall(start)
            clients[client.fileno()] = client
            poll.register(client, select.POLLIN)
        print("open", flush=True)
        while clients:
            ready = poll.poll(60000)
            assert ready, f"{len(clients)} are still open"
            for number, _ in ready:
                try: assert clients[number].recv(100) == b""
                except ConnectionResetError: pass
                poll.unregister(number)
                clients.pop(number).close()
        print("closed")
        """

    /// A client that gets in however often it is too slow for the broker.
    private func patientClient(_ certificates: Certificates, _ broker: BrokerProcess) throws -> MosquittoClient {
        var connected: MosquittoClient?
        let port = try broker.port("mqtts")
        _ = try broker.process.wait {
            let client = try MosquittoClient(id: "steady")
            try client.secure(certificates)
            do { if try client.connect(port: port, host: "localhost") == 0 { connected = client } } catch {
                return false
            }
            return connected != nil
        }
        return try #require(connected)
    }

    @Test("a thousand half handshakes end in time and disturb nobody")
    func endsHalfHandshakes() throws {
        let certificates = try Certificates()
        let broker = try BrokerProcess(certificates.configuration(more: "limits:\n  connect_timeout: 2s\n"))
        let steady = try patientClient(certificates, broker)
        try steady.subscribe("t", qos: 1)
        let ports = try ["mqtts", "ws", "wss"].map { String(try broker.port($0)) }
        let halves = try ChildProcess(["python3", "-c", Self.halfHandshakes] + ports, in: broker.directory)
        #expect(halves.wait { halves.output.contains("open") })
        for number in 0..<20 {
            try steady.waitForAcknowledgement(steady.publish("t", String(number), qos: 1))
        }
        #expect(try steady.receive(20).map(\.payload) == (0..<20).map(String.init))
        #expect(halves.exitCode() == 0, "\(halves.errors)")
        #expect(halves.output == "open\nclosed\n")
        #expect(broker.logs("not finished within 2 s"))
        #expect(broker.logs("more connections failed meanwhile"))
        try steady.waitForAcknowledgement(steady.publish("t", "after", qos: 1))
        #expect(broker.stop() == 0)
    }
}
