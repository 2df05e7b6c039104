/// Fields that are text on its own: a payload, or a column.
enum PlainText {
    /// What a text is for a field of this type. White space around anything but text is no part of it; nothing is no
    /// value.
    static func token(_ text: FieldText, in bytes: Span<UInt8>, for type: FieldType) -> PayloadToken {
        if type == .text { return .text(text) }
        let trimmed = trim(bytes, text.indices)
        if trimmed.isEmpty { return .absent }
        switch type {
        case .text, .time(.rfc3339), .time(.datetimeUTC):
            return .text(
                FieldText(
                    start: UInt32(trimmed.lowerBound), byteCount: UInt32(trimmed.count), isInPayload: text.isInPayload))
        case .boolean: return boolean(bytes.extracting(trimmed))
        case .number, .integer, .time(.seconds), .time(.milliseconds), .time(.microseconds), .time(.nanoseconds):
            return DecimalNumber.read(bytes, trimmed)
        }
    }

    private static func boolean(_ text: Span<UInt8>) -> PayloadToken {
        if isWord(text, "true") || isWord(text, "on") || isWord(text, "1") { return .boolean(true) }
        if isWord(text, "false") || isWord(text, "off") || isWord(text, "0") { return .boolean(false) }
        return .other
    }

    /// Whether the text is the word, whatever the case of its letters.
    private static func isWord(_ text: Span<UInt8>, _ word: StaticString) -> Bool {
        guard text.count == word.utf8CodeUnitCount else { return false }
        for index in 0..<text.count {
            let letter = unsafe word.utf8Start[index]
            guard text[index] == letter || letter >= UInt8(ascii: "a") && text[index] == letter - 0x20 else {
                return false
            }
        }
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
