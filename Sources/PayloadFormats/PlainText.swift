/// Fields that are text on its own: a payload, or a column.
enum PlainText {
    /// What the bytes of `range` are for a field of this type. White space around anything but text is no part of it;
    /// nothing is no value.
    static func token(_ bytes: Span<UInt8>, _ range: Range<Int>, for type: FieldType) -> PayloadToken {
        let text = PayloadToken.text(
            FieldText(start: UInt32(range.lowerBound), byteCount: UInt32(range.count), isInPayload: true))
        switch type {
        case .text: return text
        case .time(.rfc3339), .time(.datetimeUTC):
            let trimmed = trim(bytes, range)
            guard !trimmed.isEmpty else { return .absent }
            return .text(
                FieldText(start: UInt32(trimmed.lowerBound), byteCount: UInt32(trimmed.count), isInPayload: true))
        case .boolean:
            let trimmed = trim(bytes, range)
            if trimmed.isEmpty { return .absent }
            return boolean(bytes.extracting(trimmed)).map { .boolean($0) } ?? text
        case .number, .integer, .time(.seconds), .time(.milliseconds), .time(.microseconds), .time(.nanoseconds):
            let trimmed = trim(bytes, range)
            return trimmed.isEmpty ? .absent : DecimalNumber.read(bytes, trimmed)
        }
    }

    private static func boolean(_ text: Span<UInt8>) -> Bool? {
        switch (text.count, text[0] | 0x20) {
        case (1, UInt8(ascii: "1")): true
        case (1, UInt8(ascii: "0")): false
        case (4, UInt8(ascii: "t")): isWord(text, "true") ? true : nil
        case (5, UInt8(ascii: "f")): isWord(text, "false") ? false : nil
        default: nil
        }
    }

    /// Whether the text is the word, whatever its case.
    private static func isWord(_ text: Span<UInt8>, _ word: StaticString) -> Bool {
        for index in 0..<text.count where unsafe text[index] | 0x20 != word.utf8Start[index] { return false }
        return true
    }

    /// The range without white space at its ends.
    static func trim(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Range<Int> {
        var lower = range.lowerBound
        var upper = range.upperBound
        while lower < upper, isSpace(bytes[lower]) { lower += 1 }
        while upper > lower, isSpace(bytes[upper - 1]) { upper -= 1 }
        return lower..<upper
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
}

/// Decimal numbers as devices write them: a sign or none, digits, a point, an exponent.
enum DecimalNumber {
    /// The number that the bytes of `range` are; `.other` when they are none, a number that is infinite when they are
    /// one that is too large.
    static func read(_ bytes: Span<UInt8>, _ range: Range<Int>) -> PayloadToken {
        var position = range.lowerBound
        var isNegative = false
        if position < range.upperBound, bytes[position] == UInt8(ascii: "-") || bytes[position] == UInt8(ascii: "+") {
            isNegative = bytes[position] == UInt8(ascii: "-")
            position += 1
        }
        var digits = Digits()
        while position < range.upperBound, digits.take(bytes[position]) { position += 1 }
        var isWhole = true
        if position < range.upperBound, bytes[position] == UInt8(ascii: ".") {
            isWhole = false
            position += 1
            let before = digits.count
            while position < range.upperBound, digits.take(bytes[position]) { position += 1 }
            digits.exponent -= digits.count - before
        }
        guard digits.count > 0 else { return .other }
        if position < range.upperBound, bytes[position] | 0x20 == UInt8(ascii: "e") {
            isWhole = false
            guard digits.takeExponent(bytes, &position, range.upperBound) else { return .other }
        }
        guard position == range.upperBound else { return .other }
        if isWhole, digits.isExact {
            if let value = digits.integer(isNegative: isNegative) { return .integer(value) }
            if !isNegative { return .large(digits.value) }
        }
        return .number(digits.number(isNegative: isNegative) ?? slow(bytes, range))
    }

    /// The nearest number to any number of digits.
    private static func slow(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Double {
        let isSigned = bytes[range.lowerBound] == UInt8(ascii: "+")
        let text = String(copying: bytes.extracting(range.lowerBound + (isSigned ? 1 : 0)..<range.upperBound))
        // Grammar has been checked: what the standard library does not take is beyond what it can represent.
        return Double(text) ?? .infinity
    }

    /// The digits of a number, while they are read.
    private struct Digits {
        var value: UInt64 = 0
        var count = 0
        /// Powers of ten that the value is to be multiplied by.
        var exponent = 0
        /// Whether the value holds all digits.
        var isExact = true

        mutating func take(_ byte: UInt8) -> Bool {
            let digit = byte &- UInt8(ascii: "0")
            guard digit < 10 else { return false }
            count += 1
            let (product, isOver) = value.multipliedReportingOverflow(by: 10)
            let (sum, isSumOver) = product.addingReportingOverflow(UInt64(digit))
            if isOver || isSumOver { isExact = false } else { value = sum }
            return true
        }

        mutating func takeExponent(_ bytes: Span<UInt8>, _ position: inout Int, _ end: Int) -> Bool {
            position += 1
            var sign = 1
            if position < end, bytes[position] == UInt8(ascii: "-") || bytes[position] == UInt8(ascii: "+") {
                sign = bytes[position] == UInt8(ascii: "-") ? -1 : 1
                position += 1
            }
            let start = position
            var power = 0
            while position < end, bytes[position] &- UInt8(ascii: "0") < 10 {
                power = min(power * 10 + Int(bytes[position] &- UInt8(ascii: "0")), 1_000_000)
                position += 1
            }
            exponent += sign * power
            return position > start
        }

        func integer(isNegative: Bool) -> Int64? {
            isNegative
                ? (value <= UInt64(Int64.max) + 1 ? Int64(truncatingIfNeeded: 0 &- value) : nil) : Int64(exactly: value)
        }

        /// The exact result where digits and power of ten are exact in floating point; nil elsewhere.
        func number(isNegative: Bool) -> Double? {
            guard isExact, value <= 1 << 53, abs(exponent) <= 22 else { return nil }
            var power = 1.0
            for _ in 0..<abs(exponent) { power *= 10 }
            let magnitude = exponent < 0 ? Double(value) / power : Double(value) * power
            return isNegative ? -magnitude : magnitude
        }
    }
}
