package import SluiceCore

/// JSON written straight into a buffer.
///
/// Source: RFC 8259 §7.
package enum JSONText {
    private static let digits = Array("0123456789abcdef".utf8)

    /// Appends a string whose content is valid UTF-8, in its quotation marks.
    /// - Complexity: O(n); runs without anything to escape are looked at eight bytes at a time, and copied as they are.
    package static func append(validUTF8 text: Span<UInt8>, to buffer: inout ByteBuffer) {
        buffer.append(UInt8(ascii: "\""))
        var (start, index) = (0, 0)
        while index < text.count {
            if index + 8 <= text.count, isPlain(text, at: index) {
                index += 8
                continue
            }
            let byte = text[index]
            index += 1
            guard byte < 0x20 || byte == 0x22 || byte == 0x5C || byte == 0x7F else { continue }
            if index - 1 > start { buffer.append(text.extracting(start..<index - 1)) }
            start = index
            appendEscaped(byte, to: &buffer)
        }
        if text.count > start { buffer.append(text.extracting(start..<text.count)) }
        buffer.append(UInt8(ascii: "\""))
    }

    /// Whether none of eight bytes is to be escaped.
    ///
    /// A byte is zero in `x` where `(x - 0x01…) & ~x` has its highest bit; a borrow may mark the one above it too, so
    /// that these are looked at one by one.
    @inline(__always)
    private static func isPlain(_ text: Span<UInt8>, at index: Int) -> Bool {
        let (ones, highs): (UInt64, UInt64) = (0x0101_0101_0101_0101, 0x8080_8080_8080_8080)
        let word = unsafe text.withUnsafeBytes { view in
            unsafe view.loadUnaligned(fromByteOffset: index, as: UInt64.self)
        }
        let (quote, backslash, delete) = (word ^ (ones &* 0x22), word ^ (ones &* 0x5C), word ^ (ones &* 0x7F))
        let controls = (word &- ones &* 0x20) & ~word
        let marks = (quote &- ones) & ~quote | (backslash &- ones) & ~backslash | (delete &- ones) & ~delete
        return (controls | marks) & highs == 0
    }

    private static func appendEscaped(_ byte: UInt8, to buffer: inout ByteBuffer) {
        buffer.append(UInt8(ascii: "\\"))
        switch byte {
        case 0x22, 0x5C: buffer.append(byte)
        case 0x0A: buffer.append(UInt8(ascii: "n"))
        case 0x0D: buffer.append(UInt8(ascii: "r"))
        case 0x09: buffer.append(UInt8(ascii: "t"))
        case _:
            buffer.append(literal: "u00")
            buffer.append(digits[Int(byte >> 4)])
            buffer.append(digits[Int(byte & 15)])
        }
    }

    /// Appends a string.
    package static func append(_ text: String, to buffer: inout ByteBuffer) {
        let bytes = Array(text.utf8)
        append(validUTF8: bytes.span, to: &buffer)
    }

    /// Appends a whole number.
    package static func append(_ number: Int64, to buffer: inout ByteBuffer) {
        guard number >= 0 else { return buffer.append(utf8: String(number)) }
        // 19 digits at most, the last one first.
        var text: InlineArray<20, UInt8> = .init(repeating: 0)
        var (left, start) = (UInt64(number), 20)
        repeat {
            start -= 1
            text[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: left % 10)
            left /= 10
        } while left > 0
        buffer.append(text.span.extracting(start..<20))
    }
}
