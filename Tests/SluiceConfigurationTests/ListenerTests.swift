import SluiceConfiguration
import Testing

@Suite("Listeners and their certificates")
struct ListenerTests {
    @Test("without any there is MQTT on loopback, and any other takes its place")
    func plainIsOptional() throws {
        #expect(try read("listeners:\n").listeners.mqtt?.description == "127.0.0.1:1883")
        let configuration = try read("listeners: { ws: 127.0.0.1:8080 }")
        #expect(configuration.listeners.mqtt == nil)
        #expect(configuration.listeners.ws == ListenAddress(host: "127.0.0.1", port: 8080))
        let both = try read("listeners: { ws: { address: 127.0.0.1:8080 }, mqtt: { address: \"[::1]:1\" } }")
        #expect(both.listeners.mqtt == ListenAddress(host: "::1", port: 1))
        #expect(both.listeners.ws == ListenAddress(host: "127.0.0.1", port: 8080))
    }

    @Test("certificates are shared, or a listener's own")
    func certificates() throws {
        let configuration = try read(
            """
            listeners:
              mqtts: 0.0.0.0:8883
              wss:
                address: 0.0.0.0:8084
                tls:
                  certificate: own.pem
                  key: own.key
                  client_ca: devices.pem
                  min_version: 1.3
                  ciphers: ECDHE+AESGCM
              tls: { certificate: shared.pem, key: shared.key, client_ca: all.pem, require_certificate: false }
            """)
        let mqtts = try #require(configuration.listeners.mqtts)
        #expect(mqtts.address == ListenAddress(host: "0.0.0.0", port: 8883))
        #expect(mqtts.tls?.certificate.path == "shared.pem")
        #expect(mqtts.tls?.key.location == SourceLocation(file: "c.yaml", line: 11, column: 40))
        #expect(mqtts.tls?.leastVersion == .v12)
        #expect(mqtts.tls != nil && mqtts.tls?.ciphers == nil)
        // Clients may then come with a certificate or without.
        #expect(mqtts.tls?.clientAuthorities?.path == "all.pem")
        #expect(mqtts.tls?.requiresCertificate == false)
        let wss = try #require(configuration.listeners.wss)
        #expect(wss.tls?.certificate.path == "own.pem")
        #expect(wss.tls?.requiresCertificate == true)
        #expect(wss.tls?.leastVersion == .v13)
        #expect(wss.tls?.ciphers == "ECDHE+AESGCM")
        #expect(configuration.listeners.mqtt == nil)
    }

    @Test("the environment overrides an address, however it is written, and leaves its certificates")
    func environment() throws {
        let short = try read(
            "listeners: { mqtts: 1.2.3.4:5, tls: { certificate: c, key: k } }",
            ["SLUICE_LISTENERS_MQTTS": "127.0.0.1:0"])
        let long = try read(
            "listeners: { mqtts: { address: 1.2.3.4:5, tls: { certificate: c, key: k } } }",
            ["SLUICE_LISTENERS_MQTTS": "127.0.0.1:0"])
        #expect(short.listeners.mqtts?.address == ListenAddress(host: "127.0.0.1", port: 0))
        #expect(short.listeners == long.listeners)
    }

    @Test("listeners of Kafka's protocol say where clients are told to connect")
    func advertised() throws {
        let configuration = try Configuration.read(
            Array(
                """
                listeners:
                  kafka: { address: 0.0.0.0:9092, advertised: broker.plant.example:9092 }
                  kafkas:
                    address: "[::]:9093"
                    advertised: broker.plant.example:9093
                    tls: { certificate: a, key: b }
                """.utf8), file: "c.yaml", environment: [:])
        let listeners = configuration.listeners
        #expect(listeners.kafka == ListenAddress(host: "0.0.0.0", port: 9092))
        #expect(listeners.kafkas?.address == ListenAddress(host: "::", port: 9093))
        #expect(listeners.advertised.kafka == ListenAddress(host: "broker.plant.example", port: 9092))
        #expect(listeners.advertised.kafkas == ListenAddress(host: "broker.plant.example", port: 9093))
        #expect(listeners.mqtt != nil, "MQTT is spoken beside it")
    }

    @Test(
        "what is wrong is told with its place",
        arguments: [
            (
                "listeners: { mqtts: 0.0.0.0:8883 }",
                "c.yaml:1:14: 'mqtts' needs 'tls' with a certificate and its key, here or under 'listeners', or a "
                    + "'psk_file'"
            ),
            (
                "listeners: { wss: { address: 0.0.0.0:8883, tls: { certificate: a } } }",
                "c.yaml:1:49: 'key' is missing: expected a file with the certificate's private key, PEM"
            ),
            (
                "listeners: { wss: { tls: { certificate: a, key: b } } }",
                "c.yaml:1:19: 'address' is missing: expected HOST:PORT, such as 127.0.0.1:1883"
            ),
            (
                "listeners: { mqtts: 0.0.0.0:1, tls: { certificate: a, key: b, min_version: 1.1 } }",
                "c.yaml:1:76: 'min_version': expected one of 1.2, 1.3, found '1.1'; did you mean '1.2'?"
            ),
            (
                "listeners: { mqtts: 0.0.0.0:1, tls: { certificate: a, key: b, require_certificate: true } }",
                "c.yaml:1:63: 'require_certificate' needs 'client_ca': the authorities whose certificates are accepted"
            ),
            (
                "listeners: { mqtts: 0.0.0.0:1, tls: { certificate: a, key: b, crl: c } }",
                "c.yaml:1:63: 'crl' needs 'client_ca': the authorities whose certificates are accepted"
            ),
            (
                "listeners: { mqtts: 0.0.0.0:1, tls: { certificate: a, key: b, require_certificate: yes } }",
                "c.yaml:1:84: 'require_certificate': expected true or false, found 'yes'"
            ),
            (
                "listeners: { mqtts: 0.0.0.0:1, tls: { certificat: a, key: b, certificate: a } }",
                "c.yaml:1:39: 'certificat' is not a setting; did you mean 'certificate'?"
            ),
            (
                "listeners: { ws: 0.0.0.0:1, tls: { certificate: a, key: b } }",
                "c.yaml:1:29: 'tls' is for 'mqtts', 'wss', 'kafkas' and 'https', and none of them is given"
            ),
            (
                "listeners: { kafka: 0.0.0.0:9092 }",
                "c.yaml:1:14: 'kafka' on 0.0.0.0 needs 'advertised', the HOST:PORT that clients can connect to: "
                    + "they are told it by the broker"
            ),
            (
                "listeners: { kafka: { address: 127.0.0.1:1, advertise: a:1 } }",
                "c.yaml:1:45: 'advertise' is not a setting; did you mean 'advertised'?"
            ),
            (
                "listeners: { ws: { address: 127.0.0.1:1, advertised: a:1 } }",
                "c.yaml:1:42: 'advertised' is not a setting; known here: acl_file, address, allow_anonymous, "
                    + "certificate_user, jwt, limits, password_file, proxy_protocol, psk_file"
            ),
            ("listeners: { mqttt: 0.0.0.0:1 }", "c.yaml:1:14: 'mqttt' is not a setting; did you mean 'mqtt'?"),
            ("listeners: { ws: 80 }", "c.yaml:1:18: 'ws': expected HOST:PORT, such as 127.0.0.1:1883, found '80'"),
        ])
    func complains(text: String, complaint: String) {
        #expect(complaints(text) == [complaint])
    }
}
