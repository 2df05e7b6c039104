import Foundation
import Testing

@Suite("sluice import-mosquitto")
struct ImportTests {
    /// What a conversion came to.
    private struct Conversion {
        let directory: TemporaryDirectory
        let result: Program.Result
        let notes: [String]
        /// What `check` says of it.
        let check: Program.Result

        var yaml: String { result.output }
        func secret(_ name: String) throws -> String {
            try String(contentsOfFile: directory.path + "/secrets/" + name, encoding: .utf8)
        }
    }

    private func convert(_ text: String, code: Int32 = 0, _ options: [String] = []) throws -> Conversion {
        let directory = try TemporaryDirectory()
        let file = try directory.write("mosquitto.conf", text)
        let secrets = directory.path + "/secrets"
        try FileManager.default.createDirectory(atPath: secrets, withIntermediateDirectories: true)
        let result = try Program.sluice(["import-mosquitto", file, "--secrets", secrets] + options)
        #expect(result.code == code, "\(text)\n\(result.errors)")
        let yaml = try directory.write("sluice.yaml", result.output)
        // With a line; what is said of the file as a whole has none.
        let notes = result.errors.split(separator: "\n").filter { $0.hasPrefix(file + ":") }.map {
            String($0.dropFirst(file.count + 1))
        }.filter { $0.first?.isNumber == true }
        let check = try Program.sluice(["check", "--config", yaml])
        #expect(check.code == 0, "\(text)\n\(result.output)\n\(check.errors)")
        return Conversion(directory: directory, result: result, notes: notes, check: check)
    }

    @Test("the bridge of the manual page works unchanged")
    func manualPage() throws {
        let conversion = try convert(
            """
            connection test-mosquitto-org
            address test.mosquitto.org
            cleansession true
            topic clients/total in 0 test/mosquitto/org/ $SYS/broker/
            """)
        let (yaml, notes) = (conversion.yaml, conversion.notes)
        #expect(notes.isEmpty, "\(notes)")
        #expect(yaml.contains("address: \"test.mosquitto.org:1883\""))
        #expect(yaml.contains("topic: \"clients/total in 0 test/mosquitto/org/ $SYS/broker/\""))
        #expect(yaml.contains("clean_session: true"))
        #expect(yaml.contains("protocol: \"3.1.1\""))
    }

    @Test("every option of a bridge becomes a setting, or is named with its line")
    func everyOption() throws {
        let conversion = try convert(
            """
            # a comment
            connection everything
            addresses a.example.com:1884 b.example.com ::1:1885
            round_robin true
            bridge_bind_address 192.168.1.10
            bridge_max_packet_size 1000
            bridge_outgoing_retain false
            bridge_protocol_version mqttv50
            cleansession false
            keepalive_interval 30
            idle_timeout 20
            local_clientid l
            notifications true
            notifications_local_only true
            notification_topic bridge/state
            remote_clientid rc
            remote_password p"w\\d
            remote_username ru
            restart_timeout 10 30
            start_type lazy
            threshold 5
            topic # out 2 local/topic/ remote/topic/
            topic "" out 0 local remote
            try_private false
            bridge_capath /etc/ssl/certs
            bridge_insecure true
            bridge_tls_version tlsv1.3
            bridge_alpn mqtt
            topic x sideways
            """)
        let (yaml, notes) = (conversion.yaml, conversion.notes)
        #expect(notes.count == 1, "\(notes)")
        #expect(notes.last?.hasPrefix("29: 'topic': expected out, in or both") == true, "\(notes)")
        for line in [
            "address: \"a.example.com:1884 b.example.com:1883 [::1]:1885\"", "round_robin: true",
            "bind_address: \"192.168.1.10\"", "packet_size: 1000", "outgoing_retain: false", "protocol: \"5\"",
            "clean_session: false", "keep_alive: 30s", "idle_timeout: 20s", "local_client_id: \"l\"",
            "notifications: true", "notifications_local_only: true", "notification_topic: \"bridge/state\"",
            "client_id: \"rc\"", "/secrets/everything.password\"", "username: \"ru\"", "restart: 10s",
            "restart_max: 30s",
            "start: lazy", "threshold: 5", "try_private: false", "ca_path: \"/etc/ssl/certs\"",
            "accept_other_hosts: true", "min_version: 1.3", "alpn: \"mqtt\"",
        ] {
            #expect(yaml.contains(line), "\(line) is not in \(yaml)")
        }
        #expect(try conversion.secret("everything.password") == "p\"w\\d\n")
    }

    @Test("listeners, persistence and limits; what is not converted is named with its line")
    func general() throws {
        let conversion = try convert(
            """
            listener 1883 127.0.0.1
            allow_anonymous true
            persistence true
            persistence_location /var/lib/mosquitto/
            max_inflight_messages 40
            persistent_client_expiration 2w
            retain_available false
            pid_file /run/mosquitto.pid
            listener 9001
            protocol websockets
            listener 1884
            """, code: 1)
        let (yaml, notes) = (conversion.yaml, conversion.notes)
        #expect(conversion.result.errors.hasSuffix("listeners and connections that are left out: 1\n"))
        #expect(yaml.contains("mqtt: \"127.0.0.1:1883\"") && yaml.contains("ws: \"0.0.0.0:9001\""))
        #expect(yaml.contains("data: \"/var/lib/mosquitto/\"") && yaml.contains("inflight: 40"))
        #expect(yaml.contains("session_expiry: 14d") && yaml.contains("retain: false"))
        #expect(notes.map { $0.prefix(2) } == ["8:", "11"], "\(notes)")
    }

    @Test("a limit of packets that is lower than the file's is said, with the setting that raises it")
    func packetSize() throws {
        let head = "listener 1883 127.0.0.1\nallow_anonymous true\n"
        let silent = try convert(head)
        #expect(silent.result.errors.contains("no 'max_packet_size': mosquitto takes packets of 256 MiB"))
        #expect(silent.result.errors.contains("more than 2097152 bytes, unless 'limits: packet_size' is larger"))
        let unbounded = try convert(head + "max_packet_size 0\n")
        #expect(unbounded.notes.count == 1 && unbounded.notes[0].hasPrefix("3: 'max_packet_size': mosquitto takes"))
        let bounded = try convert(head + "max_packet_size 5000000\n")
        #expect(bounded.yaml.contains("packet_size: 5000000") && bounded.result.errors.isEmpty)
    }

    @Test("one listener: its highest QoS is the node's, and authorities that clients may be shown are spoken of")
    func oneListener() throws {
        let certificates = try Certificates()
        let conversion = try convert(
            """
            listener 8883
            allow_anonymous true
            certfile \(certificates.path("broker.pem"))
            keyfile \(certificates.path("broker.key"))
            cafile chain.crt
            max_qos 0
            """)
        let (yaml, notes) = (conversion.yaml, conversion.notes)
        #expect(yaml.contains("  qos: 0\n"))
        #expect(notes.count == 1 && notes[0].hasPrefix("5: 'cafile': "), "\(notes)")
        let several = try convert(
            "allow_anonymous true\nlistener 1883\nmax_qos 1\nlistener 9001\nprotocol websockets\n")
        #expect(
            several.yaml.contains("  mqtt:\n    address: \"0.0.0.0:1883\"\n    limits:\n      qos: 1\n"),
            "\(several.yaml)")
        #expect(several.notes.isEmpty, "\(several.notes)")
    }

    @Test("limits go with the node or the listener that has them, and what has no like is listed")
    func limits() throws {
        let conversion = try convert(
            """
            max_inflight_messages 50
            max_queued_messages 1000
            message_size_limit 100000
            max_keepalive 120
            memory_limit 100000000
            listener 1883 127.0.0.1
            allow_anonymous true
            max_connections 100
            max_topic_alias 5
            listener 9001
            protocol websockets
            max_connections 7
            max_connections -1
            enable_proxy_protocol 2
            """)
        for text in [
            "limits:\n", "  inflight: 50\n", "  keep_alive: 120s\n", "  packet_size: 165536\n", "memory: 100000000\n",
            "    limits:\n      connections: 100\n      topic_aliases: 5\n",
            "    proxy_protocol: [0.0.0.0/0, \"::/0\"]\n",
        ] {
            #expect(conversion.yaml.contains(text), "\(text) in \(conversion.yaml)")
        }
        #expect(!conversion.yaml.contains("connections: 7"), "the last of a listener's holds")
        let lines = Set(conversion.notes.map { String($0.prefix { $0 != ":" }) })
        #expect(lines == ["2", "3", "14"], "\(conversion.notes)")
    }

    @Test("a file that is not there, or is no text, is an error that says so")
    func unreadable() throws {
        let missing = try Program.sluice(["import-mosquitto", "/nowhere/mosquitto.conf"])
        #expect(missing.code == 1 && missing.errors.contains("cannot be read"), "\(missing)")
    }

    @Test("a bridge's faults in YAML have their line")
    func faults() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write(
            "s.yaml",
            """
            bridges:
              - name: up
                address: h
                topics:
                  - topic: 'a# out 1'
                tls:
                  psk_identity: x
            """)
        let check = try Program.sluice(["check", "--config", file])
        #expect(check.code == 1)
        #expect(check.errors.contains(":7:"), "\(check.errors)")
    }
}
