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

    /// Writes one line: time, level, part, text, or the same as a JSON object. What is repeated without end is counted
    /// instead; errors never are.
    static func log(_ level: LogLevel, _ text: String, of part: LogPart = .node) {
        let now = MonotonicClock.nanoseconds()
        let (format, isWritten, leftOut) = state.withLock { state in
            guard level.rank >= state.level(of: part).rank else {
                return (state.settings.format, false, [(kind: String, count: Int)]())
            }
            let isAdmitted = level == .error || state.repeats.admits(text, at: now)
            return (state.settings.format, isAdmitted, state.repeats.takeLeftOut(at: now))
        }
        for (kind, count) in leftOut { line(.info, "\(count) lines were left out like: \(kind)", .node, format) }
        if isWritten { line(level, text, part, format) }
    }

    private static func line(_ level: LogLevel, _ text: String, _ part: LogPart, _ format: LogFormat) {
        let time = RFC3339.text(WallClock.milliseconds())
        switch format {
        case .text: write("\(time) \(level.rawValue) \(part.rawValue): \(harmless(text))")
        case .json:
            let line = JSON.members([
                "time": .string(time), "level": .string(level.rawValue), "part": .string(part.rawValue),
                "message": .string(text),
            ])
            write(line.compact)
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
        case .text: write("\(RFC3339.text(milliseconds)) info \(harmless(event.text))")
        case .json: write(event.json(milliseconds).compact)
        }
    }

    /// Line feeds and control characters of peers would be lines, or orders to a terminal.
    private static func harmless(_ text: String) -> String {
        var line = ""
        for scalar in text.unicodeScalars {
            line +=
                scalar.value < 0x20 || scalar.value == 0x7F ? "\\u{\(String(scalar.value, radix: 16))}" : String(scalar)
        }
        return line
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
                  \(CommandLine.arguments[0]) consume \(stream) --broker \(address)
                """)
        }
        for (kind, address) in addresses where kind == .http || kind == .https {
            print("A page to look at: \(kind.rawValue)://\(address)/")
        }
        fflush(nil)
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
