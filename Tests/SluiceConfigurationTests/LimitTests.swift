import AccessControl
import SluiceConfiguration
import SluiceCore
import Speaking
import Testing

@Suite("Limits in the configuration")
struct LimitTests {
    private static let second: Int64 = 1_000_000_000

    @Test("a listener, a role and a user have limits of their own, the rest is as for all")
    func places() throws {
        let configuration = try read(
            """
            limits: { packet_size: 1KiB, connections: 500, publish_rate: 10/s, retained: 7, retained_size: 1MiB }
            listeners:
              mqtt:
                address: 127.0.0.1:0
                limits:
                  connections: 20
                  connections_per_address: 3
                  connect_rate: 6/m
                  publish_rate: unlimited
                  publish_bytes: 1MiB/s
                  client_memory: 1MiB
                  connect_timeout: 2s
                proxy_protocol: [10.0.0.0/8, "::1"]
              kafka: { address: "127.0.0.1:0", limits: { connections: 5 } }
            access:
              roles:
                device: { readwrite: "devices/%u/#", limits: { publish_rate: 1/s, max_packet_size: 100 } }
              users:
                ada: device
                bob: { roles: [device], limits: { max_connections: 2, retained: 3 } }
            bans: { failures: 5, within: 30s, for: 1h, exempt: 127.0.0.0/8 }
            """)
        #expect(configuration.limits.packetBytesMax == 1024 && configuration.limits.publishRate == Rate(10))
        #expect(configuration.limits.retainedMax == 7 && configuration.limits.retainedBytesMax == 1 << 20)
        let mqtt = try #require(configuration.listeners.limits["mqtt"])
        #expect(mqtt.packetBytesMax == 1024 && mqtt.connectionsMax == 20 && mqtt.addressConnectionsMax == 3)
        #expect(mqtt.connectRate == Rate(6, per: 60 * Self.second) && mqtt.publishRate == nil)
        #expect(mqtt.publishByteRate == Rate(1 << 20) && mqtt.connectionBytesMax == 1 << 20)
        #expect(mqtt.connectSecondsMax == 2 && configuration.limits.connectSecondsMax == 10)
        #expect(configuration.listeners.limits["kafka"]?.connectionsMax == 5)
        #expect(configuration.listeners.proxies["mqtt"]?.map(\.description) == ["10.0.0.0/8", "::1"])
        let table = try #require(configuration.access?.limits)
        #expect(table.limits(of: .user("ada"), granted: [])?.publishRate == Rate(1))
        #expect(table.limits(of: .user("bob"), granted: [])?.packetBytesMax == 100)
        #expect(table.limits(of: .user("bob"), granted: [])?.connectionsMax == 2)
        #expect(configuration.bans?.failureCount == 5 && configuration.bans?.duration == .seconds(3600))
        #expect(configuration.bans?.exempt.map(\.description) == ["127.0.0.0/8"])
        #expect(try read("bans: {}").bans?.failureCount == 10)
        #expect(try read("").bans == nil)
    }

    @Test(
        "what is wrong is named with its line and what is meant",
        arguments: [
            (
                "limits: { publish_rate: 10 }",
                "'publish_rate': expected a rate, such as 100/s, 6/m or 10/h, or unlimited, found '10'"
            ),
            ("limits: { publish_rate: 0/s }", "expected a rate"), ("limits: { publish_rate: 10/d }", "expected a rate"),
            ("limits: { publish_bytes: 10MB }", "'publish_bytes': expected bytes in a time, such as 1MiB/s"),
            (
                "limits: { packet_size: 1KiB, max_packet_size: 1KiB }",
                "'max_packet_size' is mosquitto's word for 'packet_size'"
            ),
            ("limits: { conections_per_address: 1 }", "did you mean 'connections_per_address'?"),
            ("limits: { client_memory: 1KiB }", "'client_memory': expected a size from 64KiB"),
            (
                "listeners: { mqtt: { address: \"127.0.0.1:0\", limits: { topic_levels: 3 } } }",
                "'topic_levels' is not a setting"
            ),
            (
                "listeners: { mqtt: { address: \"127.0.0.1:0\", proxy_protocol: 10.0.0.1/8 } }",
                "'proxy_protocol': expected an address or a network"
            ),
            (
                "listeners: { kafka: { address: \"127.0.0.1:0\", limits: { publish_rate: 1/s } } }",
                "'publish_rate' is not a setting"
            ),
            ("access: { roles: { r: { limits: { connect_rate: 1/s } } } }", "'connect_rate' is not a setting"),
            ("bans: { failures: 0 }", "'failures': expected a whole number from 1"),
            ("bans: { exempt: [x] }", "'exempt': expected an address or a network"),
            ("bans: { form: 1h }", "did you mean 'for'?"),
        ])
    func faults(_ text: String, _ expected: String) {
        let found = complaints(text)
        #expect(found.contains { $0.contains("c.yaml:1:") && $0.contains(expected) }, "\(found)")
    }

    @Test("the environment overrides limits and bans")
    func environment() throws {
        let configuration = try read(
            "bans: { failures: 2 }", ["SLUICE_LIMITS_PUBLISH_RATE": "5/m", "SLUICE_BANS_FAILURES": "3"])
        #expect(configuration.limits.publishRate == Rate(5, per: 60 * Self.second))
        #expect(configuration.bans?.failureCount == 3)
    }
}
