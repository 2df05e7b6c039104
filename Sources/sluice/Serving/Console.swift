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
    private static let settings = Mutex(LoggingSettings())

    /// Writes by these settings from now on.
    static func follow(_ logging: LoggingSettings) { settings.withLock { $0 = logging } }

    /// Writes one line: time, level, text, or the same as a JSON object.
    static func log(_ level: LogLevel, _ text: String) {
        let settings = settings.withLock { $0 }
        guard level.rank >= settings.level.rank else { return }
        let time = RFC3339.text(WallClock.milliseconds())
        switch settings.format {
        case .text: write("\(time) \(level.rawValue) \(harmless(text))")
        case .json:
            let line = JSON.members([
                "time": .string(time), "level": .string(level.rawValue), "message": .string(text),
            ])
            write(line.compact)
        }
    }

    /// Writes an event of the record.
    static func log(_ event: AuditEvent, _ milliseconds: Int64) {
        switch settings.withLock({ $0.format }) {
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
