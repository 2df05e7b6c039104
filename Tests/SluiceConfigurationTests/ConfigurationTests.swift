import DeviceProfiles
import Foundation
import SluiceConfiguration
import SluiceCore
import Testing

@Suite("A configuration is read with every default filled in")
struct ConfigurationTests {
    @Test(
        "Nothing written is the defaults", arguments: ["", "# only a comment\n", "limits:\nstreams:\nrules:\n", "{}"])
    func empty(text: String) throws {
        let configuration = try read(text)
        #expect(configuration == Configuration())
        #expect(configuration.listeners.mqtt == ListenAddress(host: "127.0.0.1", port: 1883))
        #expect(configuration.limits == Limits())
        #expect(configuration.streams == [StreamSettings(name: "mqtt", segmentBytes: 256 << 20)])
        #expect(configuration.streams[0].partitionCount == 1)
        #expect(configuration.streams[0].durability == .fsync)
        #expect(configuration.streams[0].retention.age == .seconds(7 * 86_400))
    }

    @Test("Every setting is taken")
    func everything() throws {
        let configuration = try read(
            """
            listeners: { mqtt: "[::1]:0" }
            data: /srv/sluice
            loops: 3
            journal: { file_size: 32MiB, commit_delay: 2ms }
            log: { tail_memory: 1GB, segment_size: 8MiB }
            limits:
              packet_size: 64KiB
              topic_levels: 16
              topic_size: 65535
              inflight: 20
              qos: 1
              retain: false
              user_properties: 9
              connections: 50
              output_buffer: 128KiB
              subscriptions: 7
              connect_timeout: 1500ms
            streams:
              - name: sensors
                partitions: 4
                durability: interval
                interval: 250ms
                retention: { age: 7d, size: 10GiB }
                segment_size: 16MiB
              - name: mqtt
                partitions: 2
                durability: memory
                retention: { age: unlimited, size: unlimited }
            rules:
              - { from: "sensors/{site}/{device}/#", stream: sensors, key: "{device}" }
              - from: alarms/#
                stream: alarms
                retention: { age: 1d }
            logging: { level: debug }
            """)
        #expect(configuration.listeners.mqtt == ListenAddress(host: "::1", port: 0))
        #expect(configuration.dataDirectory == "/srv/sluice")
        #expect(configuration.loopCount == 3 && configuration.limits.userPropertiesMax == 9)
        #expect(configuration.journal.fileBytes == 32 << 20)
        #expect(configuration.journal.commitDelay == .milliseconds(2))
        #expect(configuration.log.tailBytes == 1_000_000_000)
        #expect(configuration.limits.packetBytesMax == 64 << 10)
        #expect(configuration.limits.topicLevelsMax == 16)
        #expect(configuration.limits.topicBytesMax == 65_535)
        #expect(configuration.limits.inflightInboundMax == 20 && configuration.limits.inflightOutboundMax == 20)
        #expect(configuration.limits.qosMax == 1)
        #expect(!configuration.limits.retainsMessages)
        #expect(configuration.limits.connectionsMax == 50)
        #expect(configuration.limits.outputBytesMax == 128 << 10)
        #expect(configuration.limits.subscriptionsMax == 7 && configuration.limits.connectSecondsMax == 2)
        #expect(configuration.logging.level == .debug)
        #expect(configuration.streams.map(\.name) == ["sensors", "mqtt", "alarms"])
        let sensors = configuration.streams[0]
        #expect(sensors.partitionCount == 4)
        #expect(sensors.durability == .interval(.milliseconds(250)))
        #expect(sensors.retention.byteCount == 10 << 30)
        #expect(sensors.segmentBytes == 16 << 20)
        #expect(configuration.streams[1].retention.age == nil)
        #expect(configuration.streams[1].retention.byteCount == nil)
        #expect(configuration.streams[1].durability == .memory)
        #expect(configuration.streams[2].segmentBytes == 8 << 20)
        #expect(configuration.rules.map(\.key) == ["{device}", "{topic}"])
        #expect(configuration.rules[1].fromLocation == SourceLocation(file: "c.yaml", line: 31, column: 11))
        #expect(configuration.rules[1].streamLocation.line == 32)
    }

    @Test("A rule may bring the settings of a stream that is not listed")
    func streamFromRule() throws {
        let configuration = try read(
            """
            rules:
              - { from: a/#, stream: a, partitions: 3, durability: memory }
              - { from: b/#, stream: a }
            """)
        #expect(configuration.streams.map(\.name) == ["a", "mqtt"])
        #expect(configuration.streams[0].partitionCount == 3)
        #expect(configuration.streams[0].durability == .memory)
    }

    @Test("A stream's downlink is taken with its place, listed or by a rule")
    func downlinks() throws {
        let configuration = try read(
            """
            streams:
              - name: commands
                downlink: commands/{key}
            rules:
              - { from: a/#, stream: a, downlink: "x/{key}" }
            """)
        #expect(configuration.streams.map(\.downlink) == ["commands/{key}", "x/{key}", nil])
        #expect(
            configuration.streams[0].downlinkLocation == SourceLocation(file: "c.yaml", line: 3, column: 15))
        #expect(
            complaints("streams:\n  - name: c\n    downlink: [a]\n") == [
                "c.yaml:3:15: 'downlink': expected a topic, such as \"commands/{key}\", found a list"
            ])
    }

    @Test("A rule's stream is one that there is, and a slip of the pen gets the nearest name")
    func undeclaredStreams() {
        let rule = "rules:\n  - from: a/#\n    stream: "
        #expect(
            complaints("streams:\n  - name: sensors\n" + rule + "sensor\n") == [
                "c.yaml:5:13: the stream 'sensor' is not under 'streams'; did you mean 'sensors'?"
            ])
        #expect(
            complaints(rule + "alarms\n") == [
                "c.yaml:3:13: the stream 'alarms' is not under 'streams'; list it there: '- name: alarms'"
            ])
        for text in [rule + "mqtt\n", rule + "a\n    partitions: 2\n", rule + "s\nstreams:\n  - name: s\n"] {
            #expect(complaints(text) == [])
        }
    }

    @Test("Cleanup, tombstones and bounds of the whole log")
    func cleanup() throws {
        let configuration = try read(
            """
            log: { retention_size: 2GiB, quota: 3GiB, reserve: 1MiB }
            streams:
              - { name: last, cleanup: compact, tombstones: 2h, segment_age: 1h }
              - { name: both, cleanup: "compact,delete", retention: { age: 30d } }
            """)
        #expect(configuration.log.retentionBytes == 2 << 30)
        #expect(configuration.log.quotaBytes == 3 << 30)
        #expect(configuration.log.reserveBytes == 1 << 20)
        #expect(configuration.streams[0].cleanup == .compact)
        #expect(configuration.streams[0].tombstoneAge == .seconds(7200))
        #expect(configuration.streams[0].segmentAge == .seconds(3600))
        #expect(configuration.streams[1].cleanup == .compactAndDelete)
        #expect(configuration.streams[1].tombstoneAge == .seconds(86_400))
        #expect(complaints("streams: [{ name: a, tombstones: 1h }]") != [])
        #expect(complaints("streams: [{ name: a, cleanup: compact, retention: { age: 1d } }]") != [])
        #expect(complaints("streams: [{ name: a, cleanup: shrink }]") != [])
    }

    @Test("The environment overrides single settings")
    func environment() throws {
        let configuration = try read(
            "data: /a\njournal: { file_size: 32MiB }\n",
            [
                "SLUICE_DATA": "/b", "SLUICE_LISTENERS_MQTT": "0.0.0.0:0", "SLUICE_JOURNAL_COMMIT_DELAY": "1ms",
                "PATH": "/bin", "SLUICE_CONFIG": "c.yaml",
            ])
        #expect(configuration.dataDirectory == "/b")
        #expect(configuration.listeners.mqtt == ListenAddress(host: "0.0.0.0", port: 0))
        #expect(configuration.journal.commitDelay == .milliseconds(1))
        #expect(configuration.journal.fileBytes == 32 << 20)
    }

    @Test("Every variable that may override overrides a setting that exists")
    func variables() throws {
        var values = [
            "SLUICE_ALLOW_ANONYMOUS": "true", "SLUICE_PASSWORD_FILE": "a", "SLUICE_ACL_FILE": "a",
            "SLUICE_PSK_FILE": "a",
            "SLUICE_LISTENERS_MQTT": "127.0.0.1:1", "SLUICE_LISTENERS_MQTTS": "127.0.0.1:2",
            "SLUICE_LISTENERS_WS": "127.0.0.1:3", "SLUICE_LISTENERS_WSS": "127.0.0.1:4",
            "SLUICE_LISTENERS_KAFKA": "127.0.0.1:5", "SLUICE_LISTENERS_KAFKAS": "127.0.0.1:6",
            "SLUICE_LISTENERS_HTTP": "127.0.0.1:7", "SLUICE_LISTENERS_HTTPS": "127.0.0.1:8",
            "SLUICE_KAFKA_AUTO_CREATE": "false",
            "SLUICE_LISTENERS_TLS_CERTIFICATE": "a", "SLUICE_LISTENERS_TLS_KEY": "b",
            "SLUICE_LISTENERS_TLS_CLIENT_CA": "c", "SLUICE_LISTENERS_TLS_REQUIRE_CERTIFICATE": "false",
            "SLUICE_LISTENERS_TLS_CRL": "d",
            "SLUICE_LISTENERS_TLS_MIN_VERSION": "1.3", "SLUICE_LISTENERS_TLS_CIPHERS": "DEFAULT", "SLUICE_DATA": "/x",
            "SLUICE_LOOPS": "1", "SLUICE_MEMORY": "64MiB",
            "SLUICE_JOURNAL_FILE_SIZE": "1MiB", "SLUICE_JOURNAL_COMMIT_DELAY": "1ms",
            "SLUICE_LOG_TAIL_MEMORY": "1MiB", "SLUICE_LOG_SEGMENT_SIZE": "1MiB",
            "SLUICE_LOG_RETENTION_SIZE": "1GiB", "SLUICE_LOG_QUOTA": "1GiB", "SLUICE_LOG_RESERVE": "0",
            "SLUICE_LIMITS_PACKET_SIZE": "10000", "SLUICE_LIMITS_TOPIC_LEVELS": "1", "SLUICE_LIMITS_TOPIC_SIZE": "9",
            "SLUICE_LIMITS_INFLIGHT": "1",
            "SLUICE_LIMITS_CONNECTIONS": "1", "SLUICE_LIMITS_OUTPUT_BUFFER": "64KiB",
            "SLUICE_LIMITS_QOS": "1", "SLUICE_LIMITS_RETAIN": "false", "SLUICE_LIMITS_TOPIC_ALIASES": "1",
            "SLUICE_LIMITS_KEEP_ALIVE": "1m", "SLUICE_LIMITS_SESSION_EXPIRY": "1d",
            "SLUICE_LIMITS_USER_PROPERTIES": "1",
            "SLUICE_LIMITS_SUBSCRIPTIONS": "1", "SLUICE_LIMITS_CONNECT_TIMEOUT": "1s", "SLUICE_LOGGING_LEVEL": "error",
            "SLUICE_LOGGING_FORMAT": "json", "SLUICE_AUDIT_FILE": "a", "SLUICE_AUDIT_SIZE": "1MiB",
            "SLUICE_AUDIT_KEEP": "1",
            "SLUICE_LIMITS_CONNECTIONS_PER_ADDRESS": "1", "SLUICE_LIMITS_CONNECT_RATE": "1/s",
            "SLUICE_LIMITS_PUBLISH_RATE": "1/s", "SLUICE_LIMITS_PUBLISH_BYTES": "1KiB/s",
            "SLUICE_LIMITS_CLIENT_MEMORY": "1MiB", "SLUICE_LIMITS_RETAINED": "1", "SLUICE_LIMITS_RETAINED_SIZE": "1KiB",
            "SLUICE_BANS_FAILURES": "1", "SLUICE_BANS_WITHIN": "2s", "SLUICE_BANS_FOR": "1s",
        ]
        for part in LogPart.allCases { values["SLUICE_LOGGING_PARTS_\(part.rawValue.uppercased())"] = "error" }
        #expect(Set(values.keys) == Set(Configuration.environmentNames))
        for (name, value) in values {
            let text =
                name.contains("_TLS_") || name.hasSuffix("S")
                ? "listeners: { mqtts: 1.2.3.4:5, tls: { certificate: 1, key: 2, client_ca: 3 } }" : ""
            #expect(complaints(text, [name: value]) == [])
            #expect(try read(text, [name: value]) != read(text), "\(name)")
        }
    }

    @Test("Every file in config/ is taken")
    func examples() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let folder = root.appending(path: "config")
        // `alerts.yaml` is Prometheus'.
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            .filter { $0.hasSuffix(".yaml") && $0 != "alerts.yaml" }
        #expect(files.count >= 2)
        for file in files {
            let configuration = try Configuration.load(path: folder.appending(path: file).path)
            #expect(configuration.streams.contains { $0.name == "mqtt" }, "\(file)")
        }
    }

    @Test("The example that `make run` uses listens on loopback and routes sensors by device")
    func runExample() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let configuration = try Configuration.load(path: root.appending(path: "config/sluice.yaml").path)
        #expect(configuration.listeners.mqtt?.description == "127.0.0.1:1883")
        #expect(configuration.rules.map(\.from) == ["sensors/{site}/{device}/#"])
        #expect(configuration.rules.map(\.key) == ["{device}"])
        #expect(configuration.streams.first?.name == "sensors" && configuration.streams.first?.partitionCount == 4)
        #expect(configuration.profiles.contains { $0.name == "temperature" && $0.stream == "sensors" })
    }

    @Test("A file that is not there is an error in its name")
    func missingFile() {
        #expect {
            _ = try Configuration.load(path: "no/such/file.yaml")
        } throws: { error in
            "\(error)" == "no/such/file.yaml: cannot be read: No such file or directory"
        }
    }
}
