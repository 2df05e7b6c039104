import Administration
import CommitLogPosix
import Glibc
import SluiceBroker
import SluiceConfiguration
import SluiceCore
import SluiceNode
import Speaking
import Synchronization

/// Log lines on standard error, and what a person sees when the broker starts.
enum Console {
    private struct State {
        var settings = LoggingSettings()
        /// What somebody has asked for since the configuration was read.
        var changed: [LogPart: LogLevel] = [:]
        /// A burst of what somebody can make happen again and again, and then a line in ten seconds.
        var repeats = RepeatLimiter(burst: 200, nanosecondsPerLine: 10_000_000_000)

        func level(of part: LogPart) -> LogLevel { changed[part] ?? settings.parts[part] ?? settings.level }
    }

    private static let state = Mutex(State())

    /// Writes by these settings from now on, and by nothing that was asked for before.
    static func follow(_ logging: LoggingSettings) {
        state.withLock { state in
            state.settings = logging
            state.changed = [:]
        }
    }

    /// Writes one line. What is repeated without end is counted instead; errors never are.
    static func log(_ event: LogEvent, _ words: LogWords) {
        let now = MonotonicClock.nanoseconds()
        let (format, isWritten, leftOut) = state.withLock { state in
            guard event.severity.level.rank >= state.level(of: event.part).rank else {
                return (state.settings.format, false, [RepeatLimiter.LeftOut]())
            }
            let isAdmitted = event.severity == .error || state.repeats.admits(event, words.text, at: now)
            return (state.settings.format, isAdmitted, state.repeats.takeLeftOut(at: now))
        }
        for one in leftOut {
            let line = LogLine(
                .linesLeftOut,
                "\(one.count, as: .leftOut) lines were left out like: \(one.kind) [\(one.event.rawValue, as: .of)]")
            write(line, format)
        }
        if isWritten { write(LogLine(event, words), format) }
    }

    /// Writes one line.
    static func log(_ line: LogLine) { log(line.event, line.words) }

    /// Writes what is hardly meant in a configuration, with its place.
    static func log(_ warning: ConfigurationError) {
        guard warning.line > 0 else {
            return log(.configurationDoubtful, "\(warning.file, as: .path): \(warning.message, as: .reason)")
        }
        log(
            .configurationDoubtful,
            "\(warning.file, as: .path):\(warning.line, as: .line):\(warning.column): \(warning.message, as: .reason)")
    }

    private static func write(_ line: LogLine, _ format: LogFormat) {
        let time = RFC3339.text(WallClock.milliseconds())
        switch format {
        case .text: write(line.text(at: time))
        case .json: write(line.json(at: time).compact)
        }
    }

    /// The level that lines of a part are written from, and the configured one.
    static func levels(of part: LogPart) -> (now: LogLevel, configured: LogLevel) {
        state.withLock { ($0.level(of: part), $0.settings.parts[part] ?? $0.settings.level) }
    }

    /// Writes lines of a part, or of all, from a level on; without one as it is configured.
    static func change(_ part: LogPart?, to level: LogLevel?) {
        state.withLock { state in
            for one in part.map({ [$0] }) ?? LogPart.allCases { state.changed[one] = level }
        }
    }

    /// Writes an event of the record.
    static func log(_ event: AuditEvent, _ milliseconds: Int64) {
        switch state.withLock({ $0.settings.format }) {
        case .text: write("\(RFC3339.text(milliseconds)) info \(LogLine.harmless(event.text))")
        case .json: write(event.json(milliseconds).compact)
        }
    }

    private static func write(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        _ = bytes.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    /// Says where the broker listens and what to try; `stream` holds what the first command publishes.
    static func greet(_ addresses: [(kind: ListenerKind, address: String)], stream: String) {
        let places = addresses.map { "\($0.kind.title) on \($0.address)" }
        let plain = addresses.first { $0.kind == .mqtt }
        print("Sluice listens for \(places.joined(separator: ", ")).\(plain == nil ? "" : " Try:")")
        if let address = plain?.address {
            let port = address.split(separator: ":").last ?? "1883"
            print(
                """
                  mosquitto_pub -p \(port) -t sensors/plant1/dev42/temp -q 1 -m 21.5
                  mosquitto_sub -p \(port) -t '$replay/earliest/sensors/#' -v
                  \(CommandLine.arguments[0]) consume \(stream) --broker \(reachable(address))
                """)
        }
        for (kind, address) in addresses where kind == .http || kind == .https {
            print("A page to look at: \(kind.rawValue)://\(reachable(address))/")
        }
        fflush(nil)
    }

    /// Where this machine finds what listens on an address: the unspecified one is none to connect to.
    private static func reachable(_ address: String) -> String {
        for (unspecified, loopback) in [("0.0.0.0:", "127.0.0.1:"), ("[::]:", "[::1]:")]
        where address.hasPrefix(unspecified) { return loopback + address.dropFirst(unspecified.count) }
        return address
    }
}

/// Which lines are written, for clients of the node.
final class ConsoleDesk: LogDesk {
    /// See `LogDesk`.
    var levels: [LogLevelReport] {
        LogPart.allCases.map { part in
            var report = LogLevelReport()
            let (level, configured) = Console.levels(of: part)
            (report.part, report.level) = (part.rawValue, level.rawValue)
            report.configured = level == configured ? nil : configured.rawValue
            return report
        }
    }

    /// See `LogDesk`.
    func set(part: String?, level: String?) -> String? {
        let known = part.flatMap { LogPart(rawValue: $0) }
        if let part, known == nil {
            return "there is no part '\(part)', but \(LogPart.allCases.map(\.rawValue).joined(separator: ", "))"
        }
        let wanted = level.flatMap { LogLevel(rawValue: $0) }
        if let level, wanted == nil {
            return "there is no level '\(level)', but \(LogLevel.allCases.map(\.rawValue).joined(separator: ", "))"
        }
        Console.change(known, to: wanted)
        return nil
    }
}

extension ListenerKind {
    /// What is spoken there, for people.
    var title: String {
        switch self {
        case .mqtt: "MQTT"
        case .mqtts: "MQTT over TLS"
        case .ws: "MQTT over WebSocket"
        case .wss: "MQTT over WebSocket and TLS"
        case .kafka: "Kafka"
        case .kafkas: "Kafka over TLS"
        case .http: "HTTP"
        case .https: "HTTP over TLS"
        }
    }
}

extension LogSeverity {
    /// The level of its lines.
    var level: LogLevel {
        switch self {
        case .info: .info
        case .warning: .warning
        case .error: .error
        }
    }
}

extension LogLevel {
    /// How severe it is.
    var rank: Int { LogLevel.allCases.firstIndex(of: self) ?? 0 }
}
