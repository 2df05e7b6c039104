package import SluiceCore

/// JSON written straight into a buffer.
///
/// Source: RFC 8259 §7.
package enum JSONText {
    private static let digits = Array("0123456789abcdef".utf8)

    /// Appends a string whose content is valid UTF-8, in its quotation marks.
    /// - Complexity: O(n); runs without anything to escape are copied as they are.
    package static func append(validUTF8 text: Span<UInt8>, to buffer: inout ByteBuffer) {
        buffer.append(UInt8(ascii: "\""))
        var start = 0
        for index in text.indices {
            let byte = text[index]
            guard byte < 0x20 || byte == 0x22 || byte == 0x5C || byte == 0x7F else { continue }
            if index > start { buffer.append(text.extracting(start..<index)) }
            start = index + 1
            buffer.append(UInt8(ascii: "\\"))
            switch byte {
            case 0x22, 0x5C: buffer.append(byte)
            case 0x0A: buffer.append(UInt8(ascii: "n"))
            case 0x0D: buffer.append(UInt8(ascii: "r"))
            case 0x09: buffer.append(UInt8(ascii: "t"))
            case _:
                buffer.append(utf8: "u00")
                buffer.append(digits[Int(byte >> 4)])
                buffer.append(digits[Int(byte & 15)])
            }
        }
        if text.count > start { buffer.append(text.extracting(start..<text.count)) }
        buffer.append(UInt8(ascii: "\""))
    }

    /// Appends a string.
    package static func append(_ text: String, to buffer: inout ByteBuffer) {
        let bytes = Array(text.utf8)
        append(validUTF8: bytes.span, to: &buffer)
    }

    /// Appends a whole number.
    package static func append(_ number: Int64, to buffer: inout ByteBuffer) {
        guard number >= 0 else { return buffer.append(utf8: String(number)) }
        // 19 digits at most, the last first.
        var text: InlineArray<20, UInt8> = .init(repeating: 0)
        var (left, count) = (number, 0)
        repeat {
            text[count] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: left % 10)
            left /= 10
            count += 1
        } while left > 0
        while count > 0 {
            count -= 1
            buffer.append(text[count])
        }
    }
}
