import CommitLogPosix
import Glibc
import SluiceBroker
import SluiceConfiguration

/// Log lines on standard error, and what a person sees when the broker starts.
enum Console {
    /// The least severe level that is written. Set before threads start.
    nonisolated(unsafe) static var level = LogLevel.info

    /// Writes one line: time, level, text. Line feeds and control characters of peers are made harmless.
    static func log(_ level: LogLevel, _ text: String) {
        guard level.rank >= self.level.rank else { return }
        var line = "\(RFC3339.text(WallClock.milliseconds())) \(level.rawValue) "
        for scalar in text.unicodeScalars {
            line +=
                scalar.value < 0x20 || scalar.value == 0x7F ? "\\u{\(String(scalar.value, radix: 16))}" : String(scalar)
        }
        line += "\n"
        let bytes = Array(line.utf8)
        _ = bytes.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    /// Says where the broker listens and what to try; `stream` holds what the first command publishes.
    static func greet(address: String, stream: String) {
        let port = address.split(separator: ":").last ?? "1883"
        print(
            """
            Sluice listens for MQTT on \(address). Try:
              mosquitto_pub -p \(port) -t sensors/plant1/dev42/temp -q 1 -m 21.5
              mosquitto_sub -p \(port) -t '$replay/earliest/sensors/#' -v
              \(CommandLine.arguments[0]) consume \(stream) --broker \(address)
            """)
        fflush(nil)
    }
}

extension LogLevel {
    /// How severe it is.
    var rank: Int { LogLevel.allCases.firstIndex(of: self) ?? 0 }
}
