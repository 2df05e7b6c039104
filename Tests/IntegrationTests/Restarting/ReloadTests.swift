import Foundation
import Glibc
import SluiceConfiguration
import Testing

@Suite("What a reload says")
struct ReloadTests {
    /// A setting that a reload changes.
    struct Change {
        /// The section, at the top of the configuration.
        var section: String
        /// The name in the section; empty where the section is one value.
        var key: String
        /// What the section is then.
        var text: String
        /// What the reload says, behind `changed: ` or `needs a restart: `.
        var words: String
        /// Whether it waits for a restart.
        var waits = true
    }

    private static let stream = "{ name: s, retention: { age: 1d } }"

    /// The configuration that runs, by its sections.
    private static func base(_ certificates: Certificates) -> [String: String] {
        [
            "data": "data", "loops": "1", "journal": "{ file_size: 1MiB }",
            "listeners": listeners(certificates), "streams": "[ \(stream) ]",
        ]
    }

    private static func listeners(_ certificates: Certificates, _ more: String = "", tls: String = "") -> String {
        let files = "certificate: \(certificates.path("broker.pem")), key: \(certificates.path("broker.key"))"
        return "{ mqtt: '127.0.0.1:0', kafka: '127.0.0.1:0', \(more) tls: { \(files)\(tls) }, mqtts: '127.0.0.1:0' }"
    }

    /// Every listener, at another address or where it was not.
    private static func listenerChanges(_ certificates: Certificates) -> [Change] {
        let address = "127.0.0.2:0"
        var changes = ["ws", "wss", "kafkas", "http", "https"].map { kind in
            Change(
                section: "listeners", key: kind, text: listeners(certificates, "\(kind): '\(address)',"),
                words: "listeners")
        }
        changes += ["mqtt", "kafka", "mqtts"].map { kind in
            Change(
                section: "listeners", key: kind,
                text: listeners(certificates).replacing(" \(kind): '127.0.0.1:0'", with: " \(kind): '\(address)'"),
                words: "listeners")
        }
        let long: [(kind: String, key: String, value: String, words: String, waits: Bool)] = [
            ("kafka", "advertised", "'localhost:9'", "listeners: advertised", true),
            ("mqtt", "limits", "{ connections: 5 }", "limits of listeners", false),
            ("mqtt", "proxy_protocol", "[ 192.0.2.1 ]", "proxy_protocol of mqtt", false),
            ("mqtt", "allow_anonymous", "false", "users and rights", false),
        ]
        changes += long.map { kind, key, value, words, waits in
            let text = "{ address: '127.0.0.1:0', \(key): \(value) }"
            return Change(
                section: "listeners", key: "\(kind)_\(key)",
                text: listeners(certificates).replacing(" \(kind): '127.0.0.1:0'", with: " \(kind): \(text)"),
                words: words, waits: waits)
        }
        let tls: [(key: String, text: String)] = [
            ("min_version", ", min_version: '1.3'"), ("ciphers", ", ciphers: ECDHE-ECDSA-AES128-GCM-SHA256"),
            ("client_ca", ", client_ca: \(certificates.path("ca.pem"))"),
            ("require_certificate", ", client_ca: \(certificates.path("ca.pem")), require_certificate: true"),
            ("crl", ", client_ca: \(certificates.path("ca.pem")), crl: \(certificates.path("none.crl"))"),
        ]
        changes += tls.map { key, text in
            Change(
                section: "listeners", key: "tls_\(key)", text: listeners(certificates, tls: text),
                words: "certificates of mqtts", waits: false)
        }
        changes += ["certificate", "key"].map { key in
            Change(
                section: "listeners", key: "tls_\(key)",
                text: listeners(certificates).replacing("/broker.", with: "/other."),
                words: "certificates of mqtts", waits: false)
        }
        return changes
    }

    private static let limits: [(key: String, value: String)] = [
        ("packet_size", "1MiB"), ("topic_levels", "20"), ("topic_size", "1000B"), ("inflight", "10"), ("qos", "1"),
        ("retain", "false"), ("topic_aliases", "5"), ("keep_alive", "60s"), ("session_expiry", "1h"),
        ("connections", "100"), ("output_buffer", "128KiB"), ("subscriptions", "10"), ("connect_timeout", "5s"),
        ("user_properties", "10"), ("connections_per_address", "5"), ("connect_rate", "5/s"), ("publish_rate", "5/s"),
        ("publish_bytes", "1MiB/s"), ("client_memory", "1MiB"), ("retained", "10"), ("retained_size", "1MiB"),
    ]

    private static let changes: [Change] =
        limits.map {
            Change(section: "limits", key: $0.key, text: "{ \($0.key): \($0.value) }", words: "limits", waits: false)
        } + [
            Change(section: "data", key: "", text: "elsewhere", words: "data"),
            Change(section: "loops", key: "", text: "2", words: "loops"),
            Change(section: "memory", key: "", text: "512MiB", words: "memory"),
            Change(section: "kafka", key: "auto_create", text: "{ auto_create: false }", words: "kafka: auto_create"),
            Change(section: "journal", key: "file_size", text: "{ file_size: 2MiB }", words: "journal: file_size"),
            Change(
                section: "journal", key: "commit_delay", text: "{ file_size: 1MiB, commit_delay: 1ms }",
                words: "journal: commit_delay"),
            Change(section: "log", key: "tail_memory", text: "{ tail_memory: 1MiB }", words: "log: tail_memory"),
            Change(section: "log", key: "segment_size", text: "{ segment_size: 4MiB }", words: "log: segment_size"),
            Change(section: "log", key: "reserve", text: "{ reserve: 1MiB }", words: "log: reserve"),
            Change(
                section: "log", key: "retention_size", text: "{ retention_size: 1GiB }",
                words: "log: retention_size, quota", waits: false),
            Change(
                section: "log", key: "quota", text: "{ quota: 100GiB, segment_size: 256MiB, reserve: 32MiB }",
                words: "log: retention_size, quota", waits: false),
            Change(section: "bans", key: "failures", text: "{ failures: 3 }", words: "bans", waits: false),
            Change(section: "bans", key: "within", text: "{ within: 3m }", words: "bans", waits: false),
            Change(section: "bans", key: "for", text: "{ for: 3m }", words: "bans", waits: false),
            Change(section: "logging", key: "level", text: "{ level: debug }", words: "logging: level", waits: false),
            Change(
                section: "logging", key: "parts", text: "{ parts: { mqtt: error } }", words: "logging: parts",
                waits: false),
            Change(section: "audit", key: "size", text: "{ size: 1MiB }", words: "audit", waits: false),
            Change(section: "audit", key: "keep", text: "{ keep: 1 }", words: "audit", waits: false),
            Change(section: "audit", key: "file", text: "{ file: audit.json }", words: "audit", waits: false),
            Change(section: "allow_anonymous", key: "", text: "false", words: "users and rights", waits: false),
            Change(section: "refuse", key: "", text: "[ { subscribe: x/# } ]", words: "refuse", waits: false),
            Change(section: "rules", key: "", text: "[ { from: a/#, stream: s } ]", words: "rules", waits: false),
            Change(
                section: "bridges", key: "",
                text: "[ { name: up, address: '127.0.0.1:1', topics: [ { topic: a/# } ] } ]", words: "bridges"),
            Change(
                section: "streams", key: "retention", text: "[ { name: s, retention: { age: 2d } } ]",
                words: "stream s", waits: false),
            Change(
                section: "streams", key: "partitions", text: "[ { name: s, retention: { age: 1d }, partitions: 2 } ]",
                words: "stream s (partitions)"),
            Change(
                section: "streams", key: "durability",
                text: "[ { name: s, retention: { age: 1d }, durability: memory } ]", words: "stream s (durability)"),
            Change(
                section: "streams", key: "name", text: "[ \(stream), { name: n } ]", words: "stream n (new)"),
        ]

    @Test("names each setting that differs, as changed or as waiting for a restart, and none is passed over")
    func saysAll() throws {
        let certificates = try Certificates()
        try certificates.make("other", host: "localhost")
        try certificates.revoke([], list: "none")
        let base = Self.base(certificates)
        var changes = Self.listenerChanges(certificates) + Self.changes
        changes.append(
            Change(section: "logging", key: "format", text: "{ format: json }", words: "logging: format", waits: false))
        changes += ["node", "network", "mqtt", "kafka", "http", "log", "bridges", "devices"].map { part in
            Change(
                section: "logging", key: "parts_\(part)", text: "{ parts: { \(part): info } }",
                words: "logging: parts", waits: false)
        }
        // Each that the environment can set is here, but for those that name files: users and rights are read again at
        // each reload, whether or not another file is named.
        var names = Set(changes.map { "SLUICE_" + "\($0.section)_\($0.key)".uppercased() })
        names.formUnion(["SLUICE_PASSWORD_FILE", "SLUICE_ACL_FILE", "SLUICE_PSK_FILE"])
        let missing = Configuration.environmentNames.filter { !names.contains($0) && !names.contains($0 + "_") }
        #expect(missing.isEmpty, "\(missing)")
        // Without the flags that hold against the file.
        let script = "cd \"${3%/*}\" && exec \"$0\" serve --config \"$3\" --ready-file \"$9\""
        let broker = try BrokerProcess(
            Self.text(base), port: 0, wrapper: ["sh", "-c", script], isSameProcess: true)
        for change in changes {
            var sections = base
            sections[change.section] = change.text
            let said = try reload(broker, sections)
            let list =
                said.split(separator: change.waits ? "needs a restart: " : "changed: ").last
                .map { change.waits ? $0[...] : $0.prefix { $0 != ";" } } ?? ""
            let isNamed = list.components(separatedBy: ", ").contains(change.words) || list.contains(change.words)
            #expect(isNamed && said.contains(change.waits ? "needs a restart: " : "changed: "), "\(change): \(said)")
            _ = try reload(broker, base)
        }
        #expect(try reload(broker, base).contains("changed: nothing"))
        #expect(broker.stop() == 0)
    }

    private static func text(_ sections: [String: String]) -> String {
        sections.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)\n" }.joined()
    }

    /// Reloads, and waits for what is said of it.
    private func reload(_ broker: BrokerProcess, _ sections: [String: String]) throws -> String {
        func outcomes() -> [String] {
            broker.log.filter { $0.contains("configuration reloaded") || $0.contains("is not reloaded") }
        }
        let count = outcomes().count
        try broker.reload(with: Self.text(sections))
        #expect(broker.process.wait { outcomes().count > count })
        return outcomes().last ?? ""
    }
}
