import SluiceCore

/// How a log line is written.
///
/// Whatever a peer has put into it, a line stays one line, and none of it is an order to a terminal.
extension LogLine {
    /// `time level part: message [event]`. The last word is the event, whatever is in the message.
    /// - Parameter time: as it is written.
    package func text(at time: String) -> String {
        let message = Self.harmless(words.text)
        return "\(time) \(event.severity.rawValue) \(event.part.rawValue): \(message) [\(event.rawValue)]"
    }

    /// `time`, `level`, `part`, `event`, `message` and the facts.
    /// - Parameter time: as it is written.
    package func json(at time: String) -> JSON {
        let head: [(String, String)] = [
            ("time", time), ("level", event.severity.rawValue), ("part", event.part.rawValue),
            ("event", event.rawValue), ("message", words.text),
        ]
        let facts = words.all.map { key, fact in JSON.Member(name: key.rawValue, value: Self.json(fact)) }
        return .object(head.map { JSON.Member(name: $0, value: .string($1)) } + facts)
    }

    private static func json(_ fact: LogWords.Fact) -> JSON {
        switch fact {
        case .text(let text): .string(text)
        case .number(let number): .integer(number)
        }
    }

    /// Text with what would begin a line, be an order to a terminal, or turn the rest of the line around as `\u{…}`.
    package static func harmless(_ text: String) -> String {
        var line = ""
        line.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            if isHarmless(scalar) {
                line.unicodeScalars.append(scalar)
            } else {
                line += "\\u{\(String(scalar.value, radix: 16))}"
            }
        }
        return line
    }

    /// Source: Unicode, the categories Cc, Zl and Zp, and the explicit directional formatting characters of UAX #9.
    private static func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F...0x9F, 0x2028...0x202E, 0x2066...0x2069: false
        default: true
        }
    }
}
