/// Numbers with units as people write them: `64MiB`, `1GB`, `4096`, `100ms`, `7d`.
package enum Quantity {
    private static let byteUnits: [(name: String, bytes: Int)] = [
        ("B", 1), ("kB", 1000), ("KB", 1000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000),
        ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40),
    ]
    private static let durationUnits: [(name: String, milliseconds: Int)] = [
        ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
    ]

    /// Digits only, no sign, no separators; nil when there are others or too many.
    static func wholeNumber(_ text: some StringProtocol) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            return nil
        }
        return Int(text)
    }

    /// Bytes, with or without a unit.
    package static func byteCount(_ text: String) -> Int? {
        guard let (number, unit) = split(text) else { return nil }
        if unit.isEmpty { return number }
        guard let factor = byteUnits.first(where: { $0.name == unit })?.bytes else { return nil }
        return multiplied(number, factor)
    }

    /// A duration, always with a unit: a bare number would be guessed wrong.
    package static func duration(_ text: String) -> Duration? {
        guard let (number, unit) = split(text),
            let factor = durationUnits.first(where: { $0.name == unit })?.milliseconds,
            let milliseconds = multiplied(number, factor)
        else { return nil }
        return .milliseconds(milliseconds)
    }

    /// The shortest exact way to write `byteCount` with a binary unit.
    static func describe(byteCount: Int) -> String {
        for unit in byteUnits.reversed() where unit.name.hasSuffix("iB") && byteCount > 0 {
            if byteCount.isMultiple(of: unit.bytes) { return "\(byteCount / unit.bytes)\(unit.name)" }
        }
        return "\(byteCount)"
    }

    /// The shortest exact way to write whole milliseconds.
    static func describe(_ duration: Duration) -> String {
        let milliseconds = Int(duration / .milliseconds(1))
        for unit in durationUnits.reversed() where milliseconds > 0 && milliseconds.isMultiple(of: unit.milliseconds) {
            return "\(milliseconds / unit.milliseconds)\(unit.name)"
        }
        return "\(milliseconds)ms"
    }

    private static func split(_ text: String) -> (number: Int, unit: String)? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let number = wholeNumber(digits) else { return nil }
        let unit = text.dropFirst(digits.count).drop { $0 == " " }
        return (number, String(unit))
    }

    private static func multiplied(_ number: Int, _ factor: Int) -> Int? {
        let (product, overflows) = number.multipliedReportingOverflow(by: factor)
        return overflows ? nil : product
    }
}
