import Foundation
import Testing

@Suite("kcat", .enabled(if: Program.isInstalled("kcat"), "kcat is not installed"))
struct KcatTests {
    private func kcat(_ broker: BrokerProcess, _ arguments: [String], input: String? = nil) throws -> Program.Result {
        try Program.run(["kcat", "-b", broker.kafka()] + arguments, input: input)
    }

    @Test("produces and consumes with every codec, keys and headers")
    func codecs() throws {
        let broker = try BrokerProcess(KafkaEndpoint.configuration)
        var expected: [String] = []
        for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
            let lines = (0..<200).map { "key\($0 % 5):\(codec) value \($0) " + String(repeating: "again ", count: 10) }
            let produced = try kcat(
                broker, ["-P", "-t", "codecs", "-K:", "-z", codec, "-H", "codec=\(codec)", "-H", "empty="],
                input: lines.joined(separator: "\n") + "\n")
            #expect(produced.code == 0, "\(codec): \(produced)")
            expected += lines.map { line in
                let parts = line.split(separator: ":", maxSplits: 1)
                return "\(parts[0])|\(parts[1])|codec=\(codec),empty="
            }
        }
        let consumed = try kcat(broker, ["-C", "-t", "codecs", "-o", "beginning", "-e", "-q", "-f", "%k|%s|%h\\n"])
        #expect(consumed.code == 0, "\(consumed)")
        #expect(consumed.output.split(separator: "\n").map(String.init) == expected)
        #expect(broker.stop() == 0)
    }

    @Test("lists topics, and finds offsets by time")
    func lists() throws {
        let broker = try BrokerProcess(KafkaEndpoint.configuration)
        #expect(try kcat(broker, ["-P", "-t", "listed"], input: "a\nb\nc\n").code == 0)
        let list = try kcat(broker, ["-L", "-J"])
        let document = try #require(try JSONSerialization.jsonObject(with: Data(list.output.utf8)) as? [String: Any])
        let topics = try #require(document["topics"] as? [[String: Any]])
        #expect(topics.contains { $0["topic"] as? String == "listed" })
        let end = try kcat(broker, ["-Q", "-t", "listed:0:-1"])
        #expect(end.output.contains("offset 3"), "\(end)")
        let start = try kcat(broker, ["-Q", "-t", "listed:0:1"])
        #expect(start.output.contains("offset 0"), "\(start)")
        #expect(broker.stop() == 0)
    }

    @Test("what a client of MQTT publishes is a record, and the other way round what is produced stays")
    func beside() throws {
        let broker = try BrokerProcess(KafkaEndpoint.configuration)
        #expect(try broker.sluice(["publish", "a/b", "-m", "hello"]).code == 0)
        let consumed = try kcat(
            broker, ["-C", "-t", "mqtt", "-o", "beginning", "-e", "-q", "-f", "%k|%s\\n"])
        #expect(consumed.output == "a/b|hello\n", "\(consumed)")
        #expect(try kcat(broker, ["-P", "-t", "kept", "-X", "acks=all"], input: "one\n").code == 0)
        broker.crash()
        let next = try broker.restarted(KafkaEndpoint.configuration)
        let again = try kcat(next, ["-C", "-t", "kept", "-o", "beginning", "-e", "-q"])
        #expect(again.output == "one\n", "\(again)")
        #expect(next.stop() == 0)
    }

    @Test("over TLS it produces and consumes, segments on disk too, with a certificate that it checks")
    func secure() throws {
        let certificates = try Certificates()
        // Clients are told to connect to the address, so that the certificate has to have it.
        try certificates.make("kafka", host: "localhost,IP:127.0.0.1")
        try certificates.make("reader")
        let configuration = """
            \(BrokerProcess.plain)
            log: { segment_size: 1MiB, tail_memory: 1MiB }
            listeners:
              kafkas: 127.0.0.1:0
              tls:
                certificate: \(certificates.path("kafka.pem"))
                key: \(certificates.path("kafka.key"))
                client_ca: \(certificates.path("ca.pem"))

            """
        let broker = try BrokerProcess(configuration)
        let address = "localhost:\(try broker.port("kafkas"))"
        func kcat(_ arguments: [String], input: String? = nil) throws -> Program.Result {
            try Program.run(
                [
                    "kcat", "-b", address, "-X", "security.protocol=ssl", "-X",
                    "ssl.ca.location=\(certificates.path("ca.pem"))",
                ] + arguments, input: input)
        }
        let own = [
            "-X", "ssl.certificate.location=\(certificates.path("reader.pem"))", "-X",
            "ssl.key.location=\(certificates.path("reader.key"))",
        ]
        let lines = (0..<30_000).map { "value \($0) " + String(repeating: "again ", count: 20) }
        let produced = try kcat(own + ["-P", "-t", "secure"], input: lines.joined(separator: "\n") + "\n")
        #expect(produced.code == 0, "\(produced)")
        let consumed = try kcat(own + ["-C", "-t", "secure", "-o", "beginning", "-e", "-q"])
        #expect(consumed.lines == lines, "\(consumed.errors)")
        // Without a certificate, where one is asked for, and without TLS nobody is answered.
        let stranger = try kcat(["-L", "-m", "5"])
        #expect(stranger.code != 0, "\(stranger)")
        let plain = try Program.run(["kcat", "-b", address, "-L", "-m", "5"])
        #expect(plain.code != 0, "\(plain)")
        #expect(broker.stop() == 0)
    }
}
