package import SluiceCore

/// Where in history a reader starts or stops: one grammar for MQTT and the command line.
///
///     earliest                         the oldest record kept
///     latest                           behind the newest record
///     committed                        where the session or the group has got to; else latest
///     now                              the time at which it is read
///     -24h  24h  @-24h                 that long ago; s, m, h, d, w
///     2026-09-01  @...                 a day's beginning, UTC
///     2026-09-01T00:00:00Z  @...       a time of RFC 3339, with Z or an offset; fractions allowed,
///                                      seconds not needed
///     2026-09-01T00:00:00e02:00  @...  the same with an offset to the east as a filter takes it, where + is a wildcard
///     1767225600000000                 microseconds since 1970 (as EMQX writes it)
///     3:1200  #3:1200                  offset 1200 of partition 3; other partitions are not read
package enum ReplayPosition: Sendable, Equatable {
    /// The oldest record kept.
    case earliest
    /// Behind the newest record.
    case latest
    /// Where the session or the group has got to.
    case committed
    /// The first record of this time or later.
    case time(Timestamp)
    /// An offset of one partition.
    case offset(partition: Int, Offset)

    /// What a value that is no position is answered with.
    package static let expectation =
        "expected earliest, latest, \(timeExpectation), microseconds since 1970, or PARTITION:OFFSET"
    /// What a value that is no time is answered with, behind `expected`.
    package static let timeExpectation =
        "now, a span such as -24h (s, m, h, d, w), a date such as 2026-09-01 (UTC), an RFC 3339 time such as "
        + "2026-09-01T00:00:00Z (in a filter e02:00 stands for +02:00)"

    /// Reads a position.
    /// - Parameter now: what relative times count from.
    /// - Returns: nil for everything else.
    package init?(_ text: some StringProtocol, now: Timestamp) {
        switch text {
        case "earliest": self = .earliest
        case "latest": self = .latest
        case "committed": self = .committed
        case "now", "@now": self = .time(now)
        default:
            guard let position = Self.parse(Array(text.utf8), now: now) else { return nil }
            self = position
        }
    }

    private static func parse(_ bytes: [UInt8], now: Timestamp) -> ReplayPosition? {
        guard let first = bytes.first else { return nil }
        let rest = bytes.dropFirst()
        switch first {
        case UInt8(ascii: "@"): return time(rest, now: now)
        case UInt8(ascii: "#"): return offset(rest)
        default:
            if let time = time(bytes[...], now: now) { return time }
            if let offset = offset(bytes[...]) { return offset }
            guard let microseconds = number(bytes[...]) else { return nil }
            return .time(Timestamp(rawValue: Int64(microseconds / 1000)))
        }
    }

    private static func time(_ bytes: ArraySlice<UInt8>, now: Timestamp) -> ReplayPosition? {
        let length = bytes.first == UInt8(ascii: "-") ? bytes.dropFirst() : bytes
        if let span = span(length) { return .time(Timestamp(rawValue: now.rawValue - span)) }
        return RFC3339.milliseconds(bytes).map { .time(Timestamp(rawValue: $0)) }
    }

    /// The milliseconds of a span such as `24h`; nil for everything else.
    package static func span(_ bytes: ArraySlice<UInt8>) -> Int64? {
        guard let unit = bytes.last, let count = number(bytes.dropLast()) else { return nil }
        let milliseconds: Int
        switch unit {
        case UInt8(ascii: "s"): milliseconds = 1000
        case UInt8(ascii: "m"): milliseconds = 60_000
        case UInt8(ascii: "h"): milliseconds = 3_600_000
        case UInt8(ascii: "d"): milliseconds = 86_400_000
        case UInt8(ascii: "w"): milliseconds = 604_800_000
        default: return nil
        }
        let (product, overflow) = count.multipliedReportingOverflow(by: milliseconds)
        return overflow ? nil : Int64(product)
    }

    private static func offset(_ bytes: ArraySlice<UInt8>) -> ReplayPosition? {
        let parts = bytes.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let partition = number(parts[0]), partition <= Int(Int32.max),
            let offset = number(parts[1])
        else { return nil }
        return .offset(partition: partition, Offset(rawValue: Int64(offset)))
    }

    /// A decimal number of 1 to 18 digits.
    static func number(_ bytes: ArraySlice<UInt8>) -> Int? {
        guard !bytes.isEmpty, bytes.count <= 18 else { return nil }
        var value = 0
        for byte in bytes {
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
            value = value * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return value
    }
}

/// Times as RFC 3339 §5.6 writes them, dates alone, and offsets to the east as `e02:00`.
package enum RFC3339 {
    /// Milliseconds since 1970; nil when `bytes` are no such time.
    package static func milliseconds(_ bytes: ArraySlice<UInt8>) -> Int64? {
        let text = Array(bytes)
        guard text.count >= 10, text[4] == UInt8(ascii: "-"), text[7] == UInt8(ascii: "-"),
            let year = field(text, 0..<4), let month = field(text, 5..<7), let day = field(text, 8..<10),
            (1...12).contains(month), (1...daysIn(month, year)).contains(day)
        else { return nil }
        if text.count == 10 { return Int64(days(year, month, day)) * 86_400_000 }
        guard text.count >= 17, text[10] == UInt8(ascii: "T") || text[10] == UInt8(ascii: "t"),
            text[13] == UInt8(ascii: ":"),
            let hour = field(text, 11..<13), let minute = field(text, 14..<16), hour < 24, minute < 60
        else { return nil }
        var index = 16
        var second = 0
        var fraction = 0
        if text[index] == UInt8(ascii: ":") {
            guard let read = field(text, 17..<19), read <= 60 else { return nil }
            second = read
            index = 19
        }
        if index == 19, index < text.count, text[index] == UInt8(ascii: ".") {
            index += 1
            var weight = 100
            let start = index
            while index < text.count, let digit = field(text, index..<index + 1) {
                fraction += digit * weight
                weight /= 10
                index += 1
            }
            guard index > start else { return nil }
        }
        guard let zone = zoneMinutes(text, from: index) else { return nil }
        let minutes = (days(year, month, day) * 24 + hour) * 60 + minute - zone
        return Int64(minutes * 60_000 + second * 1000 + fraction)
    }

    /// `milliseconds` since 1970 as a UTC time.
    package static func text(_ milliseconds: Int64) -> String {
        let daysMilliseconds: Int64 = 86_400_000
        var day = milliseconds / daysMilliseconds
        var rest = milliseconds % daysMilliseconds
        if rest < 0 {
            day -= 1
            rest += daysMilliseconds
        }
        let (year, month, dayOfMonth) = civil(Int(day))
        func pad(_ value: Int, _ width: Int) -> String {
            let text = String(value)
            return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
        }
        let seconds = Int(rest / 1000)
        return "\(pad(year, 4))-\(pad(month, 2))-\(pad(dayOfMonth, 2))T\(pad(seconds / 3600, 2)):"
            + "\(pad(seconds / 60 % 60, 2)):\(pad(seconds % 60, 2)).\(pad(Int(rest % 1000), 3))Z"
    }

    private static func field(_ text: [UInt8], _ range: Range<Int>) -> Int? {
        range.upperBound <= text.count ? ReplayPosition.number(text[range]) : nil
    }

    private static func zoneMinutes(_ text: [UInt8], from index: Int) -> Int? {
        guard index < text.count else { return nil }
        if text[index] == UInt8(ascii: "Z") || text[index] == UInt8(ascii: "z") {
            return index + 1 == text.count ? 0 : nil
        }
        guard ["+", "-", "e", "E"].contains(Character(Unicode.Scalar(text[index]))), index + 6 == text.count,
            text[index + 3] == UInt8(ascii: ":"), let hours = field(text, index + 1..<index + 3),
            let minutes = field(text, index + 4..<index + 6), hours < 24, minutes < 60
        else { return nil }
        return (text[index] == UInt8(ascii: "-") ? -1 : 1) * (hours * 60 + minutes)
    }

    private static func daysIn(_ month: Int, _ year: Int) -> Int {
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        return month == 2 ? (isLeap ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31
    }

    /// Days since 1970-01-01 in the proleptic Gregorian calendar: years begin in March, so that the leap day comes
    /// last.
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        assert((1...12).contains(month) && (1...31).contains(day), "what is no date was refused before")
        let year = month <= 2 ? year - 1 : year
        let era = year / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func civil(_ days: Int) -> (Int, Int, Int) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        assert(dayOfEra >= 0 && dayOfEra < 146_097 && dayOfYear >= 0 && dayOfYear < 366)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
    }
}
