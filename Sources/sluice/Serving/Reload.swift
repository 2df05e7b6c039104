import CommitLog
import CommitLogPosix
import DeviceProfiles
import LogInterface
import SluiceBroker
import SluiceConfiguration
import SluiceCore
import SluiceNode
import Speaking
import TopicRouting

/// What the process can take, which a configuration does not change.
struct Capacity {
    /// Bytes that clients together may hold.
    let clientMemoryMax: Int
    /// Connections that there are descriptors for.
    let connectionsMax: Int
}

/// What a running node takes over from a configuration that was read anew, on SIGHUP.
///
/// Isolation: the main thread.
final class Reload {
    private let log: LogRuntime
    private let server: BrokerNode
    private let read: () throws -> Configuration
    private var current: Configuration
    private var certificates: Certificates
    private var policy: NodePolicy
    private var routing: Routing
    private let bridges: BridgeService
    private let devices: DeviceService
    private lazy var maker = StreamMaker(log)
    private let audit: AuditLog
    private let capacity: Capacity
    /// Hears of each configuration that is in force from now on.
    var changed: (Configuration) -> Void = { _ in }

    /// Reloads of a node that runs with `current`.
    init(
        log: LogRuntime, server: BrokerNode, current: Configuration, certificates: Certificates, policy: NodePolicy,
        routing: Routing, bridges: BridgeService, devices: DeviceService, audit: AuditLog, capacity: Capacity,
        read: @escaping () throws -> Configuration
    ) {
        self.log = log
        self.server = server
        self.current = current
        self.certificates = certificates
        self.policy = policy
        self.routing = routing
        self.bridges = bridges
        self.devices = devices
        self.audit = audit
        self.capacity = capacity
        self.read = read
    }

    /// Reads the configuration and applies what can change while the node runs; says what does, and what waits for a
    /// restart. A configuration with errors changes nothing.
    func run() {
        let next: Configuration
        let nextCertificates: Certificates
        let nextPolicy: NodePolicy
        let nextRouting: Routing
        do {
            next = try read()
            nextRouting = Routing(
                rules: try RuleTranslation.rules(next), profiles: try RuleTranslation.profiles(next))
            _ = try RuleTranslation.downlinks(next)
            nextCertificates = try Certificates(next)
            nextPolicy = try SecurityTranslation.policy(next)
            _ = try BridgeTranslation.settings(next)
        } catch {
            note(fault: "\(error)")
            return Console.log(
                .reloadRefused, "the configuration is not reloaded, the running one stays: \(error, as: .reason)")
        }
        var applied: [String] = []
        applyPolicies(next, &applied)
        applyCertificates(nextCertificates, &applied)
        // Also when only the files have changed, which nobody compares.
        if !nextPolicy.isOpen || !policy.isOpen {
            server.replacePolicy(by: nextPolicy)
            applied.append("users and rights")
        }
        policy = nextPolicy
        for warning in SecurityTranslation.warnings(next, nextPolicy) { Console.log(warning) }
        applyLimits(next, &applied)
        applied += loggingChanges(next.logging)
        if next.audit != current.audit { applied.append("audit") }
        current.audit = next.audit
        var waiting = waitingForRestart(next)
        applyRouting(nextRouting, next, &applied, &waiting)
        // At the level that was in force, and as a warning when something was not done: one that says less must not
        // hide what became of the reload that brought it.
        let changes = applied.isEmpty ? "nothing" : applied.joined(separator: ", ")
        if waiting.isEmpty {
            Console.log(.reloadApplied, "configuration reloaded; changed: \(changes, as: .applied)")
        } else {
            Console.log(
                .reloadIncomplete,
                "configuration reloaded; changed: \(changes, as: .applied); "
                    + "needs a restart: \(waiting.joined(separator: ", "), as: .waiting)")
        }
        Console.follow(next.logging)
        current.logging = next.logging
        // Also when nothing of it has changed: whoever has moved the file away wants another one.
        audit.follow(next.audit)
        changed(next)
        note(applied, waiting)
    }

    private func loggingChanges(_ next: LoggingSettings) -> [String] {
        [
            ("logging: level", next.level != current.logging.level),
            ("logging: format", next.format != current.logging.format),
            ("logging: parts", next.parts != current.logging.parts),
        ].filter(\.1).map(\.0)
    }

    private func note(_ applied: [String], _ waiting: [String]) {
        var event = AuditEvent(.changed)
        event.request = "reload"
        event.subject = applied.isEmpty ? "nothing" : applied.joined(separator: ", ")
        if !waiting.isEmpty { event.reason = "needs a restart: \(waiting.joined(separator: ", "))" }
        audit.note(event)
    }

    private func note(fault: String) {
        var event = AuditEvent(.changed)
        event.request = "reload"
        event.reason = "refused: \(fault)"
        audit.note(event)
    }

    /// Messages go by the new rules and profiles at once, all of them or none: their streams are made first.
    private func applyRouting(
        _ routing: Routing, _ next: Configuration, _ applied: inout [String], _ waiting: inout [String]
    ) {
        guard routing != self.routing else { return }
        let needed = routing.rules.streams + routing.profiles.deadLetterStreams
        let known = Set(log.streams.map(\.settings.name))
        for stream in RuleTranslation.streams(next) where needed.contains(stream.name) && !known.contains(stream.name) {
            if let reason = maker.make(stream) {
                waiting.append("rules and profiles (the stream \(stream.name) cannot be made: \(reason))")
                return
            }
            applied.append("stream \(stream.name) made")
            waiting.removeAll { $0 == "stream \(stream.name) (new)" }
        }
        devices.route(by: routing)
        server.route(by: routing)
        bridges.route(by: routing)
        if routing.profiles != self.routing.profiles { applied.append("device profiles") }
        if next.rules.map(Rule.init) != current.rules.map(Rule.init) { applied.append("rules") }
        self.routing = routing
        current.rules = next.rules
    }

    /// New connections get the new certificates, also when only the files have changed; those there are keep theirs.
    private func applyCertificates(_ next: Certificates, _ applied: inout [String]) {
        for entry in next.entries {
            let before = certificates.entries.first { $0.kind == entry.kind }
            // A listener that is new comes with the next start.
            guard let before, before.evidence != entry.evidence else { continue }
            server.replaceContext(of: entry.kind, by: entry.context)
            applied.append("\(entry.plural) of \(entry.kind.rawValue)")
        }
        for warning in next.warnings { Console.log(warning) }
        certificates = next
    }

    private func applyPolicies(_ next: Configuration, _ applied: inout [String]) {
        let policy = RuleTranslation.policy(next.log)
        if policy != RuleTranslation.policy(current.log) {
            log.setPolicy(policy)
            current.log.retentionBytes = next.log.retentionBytes
            current.log.quotaBytes = next.log.quotaBytes
            applied.append("log: retention_size, quota")
        }
        for stream in log.streams {
            guard let setting = next.streams.first(where: { $0.name == stream.settings.name }) else { continue }
            var policy = RuleTranslation.policy(setting)
            // The files that are open have the size that they were made for.
            policy.granuleBytesMax = stream.settings.policy.granuleBytesMax
            guard policy != stream.settings.policy else { continue }
            log.setPolicy(policy, of: stream.settings.name)
            applied.append("stream \(setting.name)")
        }
    }

    /// Limits, bans and proxies hold at once; what MQTT 5 clients were offered holds until they connect again.
    private func applyLimits(_ next: Configuration, _ applied: inout [String]) {
        var own = next.limits
        own.refusedFilters = current.limits.refusedFilters
        let isOtherwise = own != current.limits
        let names = [
            ("limits", isOtherwise), ("refuse", next.limits.refusedFilters != current.limits.refusedFilters),
            ("bans", next.bans != current.bans),
            ("limits of listeners", next.listeners.limits != current.listeners.limits),
        ].filter(\.1).map(\.0)
        if !names.isEmpty {
            var limits = next.limits
            limits.clientMemoryMax = capacity.clientMemoryMax
            // More connections than there are descriptors for would take those of the log.
            limits.connectionsMax = min(limits.connectionsMax, capacity.connectionsMax)
            server.replaceLimits(
                by: LimitBook(limits, listeners: next.listeners.limits), bans: next.bans?.settings)
            applied += names
        }
        for kind in ListenerKind.allCases {
            let proxies = next.listeners.proxies[kind.rawValue] ?? []
            guard proxies != current.listeners.proxies[kind.rawValue] ?? [] else { continue }
            server.replaceProxies(of: kind, by: proxies)
            applied.append("proxy_protocol of \(kind.rawValue)")
        }
        current.limits = next.limits
        current.bans = next.bans
        current.listeners.limits = next.listeners.limits
        current.listeners.proxies = next.listeners.proxies
    }

    /// The settings that differ and that only a new start takes over.
    private func waitingForRestart(_ next: Configuration) -> [String] {
        var names: [String] = []
        let places = next.listeners.addresses.map { "\($0.kind) \($0.address)" }
        if places != current.listeners.addresses.map({ "\($0.kind) \($0.address)" }) { names.append("listeners") }
        if next.listeners.advertised != current.listeners.advertised { names.append("listeners: advertised") }
        if next.listeners.names != current.listeners.names { names.append("listeners: names") }
        if next.kafka != current.kafka { names.append("kafka: auto_create") }
        if next.memoryBytes != current.memoryBytes { names.append("memory") }
        if next.dataDirectory != current.dataDirectory { names.append("data") }
        if next.loopCount != current.loopCount { names.append("loops") }
        if next.journal.fileBytes != current.journal.fileBytes { names.append("journal: file_size") }
        if next.journal.commitDelay != current.journal.commitDelay { names.append("journal: commit_delay") }
        if next.log.tailBytes != current.log.tailBytes { names.append("log: tail_memory") }
        if next.log.segmentBytes != current.log.segmentBytes { names.append("log: segment_size") }
        if next.log.reserveBytes != current.log.reserveBytes { names.append("log: reserve") }
        if next.bridges != current.bridges { names.append("bridges") }
        for setting in next.streams {
            guard let before = current.streams.first(where: { $0.name == setting.name }) else {
                names.append("stream \(setting.name) (new)")
                continue
            }
            let differing = [
                ("partitions", setting.partitionCount != before.partitionCount),
                ("durability", setting.durability != before.durability),
                ("downlink", setting.downlink != before.downlink),
                ("segment_size", setting.segmentBytes != before.segmentBytes),
            ].filter(\.1).map(\.0)
            if !differing.isEmpty {
                names.append("stream \(setting.name) (\(differing.joined(separator: ", ")))")
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
