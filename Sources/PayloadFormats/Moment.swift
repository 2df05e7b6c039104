/// A moment in nanoseconds since 1970: from 1677 to 2262.
struct Moment: Equatable {
    let nanoseconds: Int64

    /// So many units; nil when no moment is that far away.
    @inline(__always)
    init?(_ count: Int64, nanosecondsEach: Int64) {
        let (product, isTooFar) = count.multipliedReportingOverflow(by: nanosecondsEach)
        guard !isTooFar else { return nil }
        nanoseconds = product
    }

    /// So many units; nil when no moment is that far away.
    init?(_ count: Double, nanosecondsEach: Int64) {
        let whole = count.rounded(.down)
        guard let units = Int64(exactly: whole) else { return nil }
        let (product, isTooFar) = units.multipliedReportingOverflow(by: nanosecondsEach)
        let rest = Int64(((count - whole) * Double(nanosecondsEach)).rounded())
        let (sum, isSumTooFar) = product.addingReportingOverflow(rest)
        guard !isTooFar, !isSumTooFar else { return nil }
        nanoseconds = sum
    }

    /// What a text can be as a moment.
    enum Reading: Equatable {
        case moment(Moment)
        case tooFar
        case notTime
    }

    /// Reads `2026-09-01T03:00:00.25+02:00`; the seconds' fraction is cut behind nanoseconds.
    ///
    /// Source: RFC 3339 §5.6.
    static func read(_ text: Span<UInt8>, needsZone: Bool) -> Reading {
        guard text.count >= 19, let year = number(text, 0..<4), text[4] == UInt8(ascii: "-"),
            let month = number(text, 5..<7), text[7] == UInt8(ascii: "-"), let day = number(text, 8..<10),
            text[10] | 0x20 == UInt8(ascii: "t") || text[10] == UInt8(ascii: " "),
            let hour = number(text, 11..<13), text[13] == UInt8(ascii: ":"),
            let minute = number(text, 14..<16), text[16] == UInt8(ascii: ":"),
            let second = number(text, 17..<19), (1...12).contains(month), hour < 24, minute < 60, second <= 60,
            day >= 1, day <= days(in: month, of: year)
        else { return .notTime }
        var position = 19
        var fraction: Int64 = 0
        if position < text.count, text[position] == UInt8(ascii: ".") {
            position += 1
            let start = position
            var scale: Int64 = 100_000_000
            while position < text.count, let digit = digit(text[position]) {
                fraction += Int64(digit) * scale
                scale /= 10
                position += 1
            }
            if position == start { return .notTime }
        }
        guard let zoneSeconds = zone(text, from: position, isNeeded: needsZone) else { return .notTime }
        let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - zoneSeconds
        guard let whole = Moment(Int64(seconds), nanosecondsEach: 1_000_000_000) else { return .tooFar }
        let (nanoseconds, isTooFar) = whole.nanoseconds.addingReportingOverflow(fraction)
        return isTooFar ? .tooFar : .moment(Moment(nanoseconds: nanoseconds))
    }

    private init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// The seconds that a zone is east of UTC.
    private static func zone(_ text: Span<UInt8>, from position: Int, isNeeded: Bool) -> Int? {
        guard position < text.count else { return isNeeded ? nil : 0 }
        let mark = text[position]
        if mark | 0x20 == UInt8(ascii: "z") { return position + 1 == text.count ? 0 : nil }
        guard mark == UInt8(ascii: "+") || mark == UInt8(ascii: "-"), text.count == position + 6,
            let hours = number(text, position + 1..<position + 3), text[position + 3] == UInt8(ascii: ":"),
            let minutes = number(text, position + 4..<position + 6), hours < 24, minutes < 60
        else { return nil }
        return (hours * 3600 + minutes * 60) * (mark == UInt8(ascii: "-") ? -1 : 1)
    }

    private static func number(_ text: Span<UInt8>, _ range: Range<Int>) -> Int? {
        var value = 0
        for index in range {
            guard let digit = digit(text[index]) else { return nil }
            value = value * 10 + digit
        }
        return value
    }

    private static func digit(_ byte: UInt8) -> Int? {
        let digit = byte &- UInt8(ascii: "0")
        return digit < 10 ? Int(digit) : nil
    }

    private static func days(in month: Int, of year: Int) -> Int {
        switch month {
        case 4, 6, 9, 11: 30
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        default: 31
        }
    }

    /// Days since 1970, of the proleptic Gregorian calendar; years begin in March, so that the leap day is the last.
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let shifted = month > 2 ? year : year - 1
        let monthFromMarch = (month + 9) % 12
        let before = shifted * 365 + floor(shifted, 4) - floor(shifted, 100) + floor(shifted, 400)
        // 719,468 days lie between 0000-03-01 and 1970-01-01.
        return before + (153 * monthFromMarch + 2) / 5 + day - 1 - 719_468
    }

    private static func floor(_ value: Int, _ divisor: Int) -> Int {
        value >= 0 ? value / divisor : -((divisor - 1 - value) / divisor)
    }
}
