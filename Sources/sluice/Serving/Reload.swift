import CommitLog
import CommitLogPosix
import SluiceConfiguration
import SluiceTransport

/// What a running node takes over from a configuration that was read anew, on SIGHUP.
///
/// Isolation: the main thread.
final class Reload {
    private let log: LogRuntime
    private let server: Server
    private let read: () throws -> Configuration
    private var current: Configuration
    private var certificates: Certificates

    /// Reloads of a node that runs with `current`.
    init(
        log: LogRuntime, server: Server, current: Configuration, certificates: Certificates,
        read: @escaping () throws -> Configuration
    ) {
        self.log = log
        self.server = server
        self.current = current
        self.certificates = certificates
        self.read = read
    }

    /// Reads the configuration and applies what can change while the node runs; says what does, and what waits for a
    /// restart. A configuration with errors changes nothing.
    func run() {
        let next: Configuration
        let nextCertificates: Certificates
        do {
            next = try read()
            _ = try RuleTranslation.rules(next)
            nextCertificates = try Certificates(next.listeners)
            _ = try BridgeTranslation.settings(next)
        } catch {
            return Console.log(.error, "the configuration is not reloaded, the running one stays: \(error)")
        }
        var applied: [String] = []
        applyPolicies(next, &applied)
        applyCertificates(nextCertificates, &applied)
        if next.logging != current.logging {
            Console.level = next.logging.level
            current.logging = next.logging
            applied.append("logging")
        }
        let waiting = waitingForRestart(next)
        Console.log(
            .info,
            "configuration reloaded; changed: \(applied.isEmpty ? "nothing" : applied.joined(separator: ", "))"
                + (waiting.isEmpty ? "" : "; needs a restart: \(waiting.joined(separator: ", "))"))
    }

    /// New connections get the new certificates, also when only the files have changed; those there are keep theirs.
    private func applyCertificates(_ next: Certificates, _ applied: inout [String]) {
        for entry in next.entries {
            let before = certificates.entries.first { $0.kind == entry.kind }
            // A listener that is new comes with the next start.
            guard let before, before.material != entry.material else { continue }
            server.replaceContext(of: entry.kind, by: entry.context)
            applied.append("certificates of \(entry.kind.rawValue)")
        }
        for warning in next.warnings { Console.log(.warning, warning) }
        certificates = next
    }

    private func applyPolicies(_ next: Configuration, _ applied: inout [String]) {
        let policy = RuleTranslation.policy(next.log)
        if policy != RuleTranslation.policy(current.log) {
            log.setPolicy(policy)
            current.log.retentionBytes = next.log.retentionBytes
            current.log.quotaBytes = next.log.quotaBytes
            applied.append("log")
        }
        for (index, stream) in log.streams.enumerated() {
            guard let setting = next.streams.first(where: { $0.name == stream.settings.name }) else { continue }
            let policy = RuleTranslation.policy(setting)
            guard policy != log.policy(ofStream: index) else { continue }
            log.setPolicy(policy, ofStream: index)
            applied.append("stream \(setting.name)")
        }
    }

    /// The settings that differ and that only a new start takes over.
    private func waitingForRestart(_ next: Configuration) -> [String] {
        var names: [String] = []
        let places = next.listeners.addresses.map { "\($0.kind) \($0.address)" }
        if places != current.listeners.addresses.map({ "\($0.kind) \($0.address)" }) { names.append("listeners") }
        if next.dataDirectory != current.dataDirectory { names.append("data") }
        if next.loopCount != current.loopCount { names.append("loops") }
        if next.journal != current.journal { names.append("journal") }
        if next.log != current.log { names.append("log") }
        if next.limits != current.limits { names.append("limits") }
        if next.rules.map(Rule.init) != current.rules.map(Rule.init) { names.append("rules") }
        if next.bridges != current.bridges { names.append("bridges") }
        for setting in next.streams {
            let before = current.streams.first { $0.name == setting.name }
            if before.map({
                $0.partitionCount != setting.partitionCount || $0.durability != setting.durability
                    || $0.segmentBytes != setting.segmentBytes
            }) ?? true {
                names.append("stream \(setting.name)")
            }
        }
        for setting in current.streams where !next.streams.contains(where: { $0.name == setting.name }) {
            names.append("stream \(setting.name) (removed)")
        }
        return names
    }

    /// A rule without the place where it is written.
    private struct Rule: Equatable {
        var from: String
        var stream: String
        var key: String

        init(_ settings: RuleSettings) {
            from = settings.from
            stream = settings.stream
            key = settings.key
        }
    }
}
