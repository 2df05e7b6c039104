/// The line of columns that was read last.
///
/// Source: RFC 4180, for quotes.
final class DelimitedLine {
    /// The bytes of columns with doubled quotes.
    private(set) var texts: [UInt8] = []
    /// The index of the next byte.
    private(set) var position = 0

    // MARK: Commands

    /// Starts a line: answers where it ends, which is before the line feed that may end it.
    func begin(_ payload: Span<UInt8>) -> Int {
        texts.removeAll(keepingCapacity: texts.capacity <= PayloadLimits.keptBytesMax)
        position = 0
        var end = payload.count
        if end > 0, payload[end - 1] == UInt8(ascii: "\n") { end -= 1 }
        if end > 0, payload[end - 1] == UInt8(ascii: "\r") { end -= 1 }
        return end
    }

    /// Reads the next column.
    /// - Returns: its text, and whether it is the last.
    func next(
        _ payload: Span<UInt8>, end: Int, delimiters: Delimiters
    ) throws(PayloadFault) -> (text: FieldText, isLast: Bool) {
        let start = position
        let text: FieldText
        if let quote = delimiters.quote, start < end, payload[start] == quote {
            text = try quoted(payload, end: end, quote)
        } else {
            while position < end, payload[position] != delimiters.separator {
                if payload[position] == UInt8(ascii: "\n") { throw PayloadFault(.trailingBytes, at: position + 1) }
                position += 1
            }
            text = FieldText(start: UInt32(start), byteCount: UInt32(position - start), isInPayload: true)
        }
        guard position < end else { return (text, true) }
        guard payload[position] == delimiters.separator else { throw PayloadFault(.badQuotes, at: position) }
        position += 1
        return (text, false)
    }

    /// A column in quotes; of those in it only every second is meant.
    private func quoted(_ payload: Span<UInt8>, end: Int, _ quote: UInt8) throws(PayloadFault) -> FieldText {
        let start = position
        let textStart = texts.count
        var isPlain = true
        position += 1
        while true {
            guard position < end else { throw PayloadFault(.badQuotes, at: start) }
            if payload[position] == quote {
                guard position + 1 < end, payload[position + 1] == quote else { break }
                if isPlain { for index in start + 1..<position { texts.append(payload[index]) } }
                isPlain = false
                position += 1
            }
            if !isPlain { texts.append(payload[position]) }
            position += 1
        }
        let byteCount = position - start - 1
        position += 1
        return isPlain
            ? FieldText(start: UInt32(start + 1), byteCount: UInt32(byteCount), isInPayload: true)
            : FieldText(start: UInt32(textStart), byteCount: UInt32(texts.count - textStart), isInPayload: false)
    }
}
