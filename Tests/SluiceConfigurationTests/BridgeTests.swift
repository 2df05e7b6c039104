import SluiceConfiguration
import Testing

@Suite("Bridges in a configuration")
struct BridgeConfigurationTests {
    private static let minimal = """
        bridges:
          - name: up
            address: a.example.com b.example.com:1884 [::1]:1885
            topics:
              - topic: 'sensors/# out 1 "" plant1/'

        """

    @Test("what is left out has its default")
    func defaults() throws {
        let bridge = try #require(try read(Self.minimal).bridges.first)
        #expect(bridge.addresses.map(\.description) == ["a.example.com:1883", "b.example.com:1884", "[::1]:1885"])
        #expect(bridge.topics.map(\.text) == ["sensors/# out 1 \"\" plant1/"])
        #expect(bridge.topics.first?.location.line == 5)
        #expect(bridge.version == .v5 && bridge.overtaken == .hold && bridge.beginning == .latest)
        #expect(bridge.restart == .seconds(5) && bridge.restartMax == .seconds(30))
        #expect(bridge.tls == nil && bridge.password == nil)
    }

    @Test(
        "each fault has its place",
        arguments: [
            ("    addres: x", "'addres' is not a setting"), ("    start: later", "expected one of automatic, lazy"),
            ("    restart: 10s\n    restart_max: 5s", "'restart_max' is less than 'restart'"),
            ("    hold: 1GiB\n    overtaken: drop-and-count", "'hold' goes with 'overtaken: hold' only"),
            ("    password: a\n    password_file: b", "both given"),
            ("    tls:\n      certificate: a", "'certificate' and 'key' go together"),
            ("    tls:\n      psk: aa", "'psk_identity' and 'psk' go together"),
            ("    tls:\n      pins: abc", "expected SHA-256 hashes"),
            ("  - name: up\n    address: b\n    topics:\n      - topic: b", "already listed in line 2"),
        ])
    func faults(_ more: String, _ expected: String) throws {
        let found = complaints(Self.minimal + more + "\n")
        #expect(found.contains { $0.hasPrefix("c.yaml:") && $0.contains(expected) }, "\(found)")
    }

    @Test("a bridge without name, address or topics is refused")
    func missing() {
        let found = complaints("bridges:\n  - keep_alive: 10s\n")
        for name in ["'name' is missing", "'address' is missing", "'topics' is missing"] {
            #expect(found.contains { $0.contains(name) }, "\(found)")
        }
    }
}
