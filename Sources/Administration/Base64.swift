package import SluiceCore

/// Bytes as text. Source: RFC 4648 §4.
package enum Base64 {
    private static let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

    /// The text of bytes, with padding.
    package static func text(_ bytes: [UInt8]) -> String {
        var text = ByteBuffer(capacity: (bytes.count + 2) / 3 * 4)
        append(bytes.span, to: &text)
        return String(decoding: Array(copying: text.bytes), as: UTF8.self)
    }

    /// Appends the text of bytes, with padding.
    /// - Complexity: O(n), one reservation.
    package static func append(_ bytes: Span<UInt8>, to buffer: inout ByteBuffer) {
        let byteCount = (bytes.count + 2) / 3 * 4
        unsafe buffer.append(upTo: byteCount) { target in
            var (start, written) = (0, 0)
            while start + 3 <= bytes.count {
                let word = UInt32(bytes[start]) << 16 | UInt32(bytes[start + 1]) << 8 | UInt32(bytes[start + 2])
                unsafe put(word, digitCount: 4, target, written)
                start += 3
                written += 4
            }
            if start < bytes.count {
                let left = bytes.count - start
                let word = UInt32(bytes[start]) << 16 | (left > 1 ? UInt32(bytes[start + 1]) << 8 : 0)
                unsafe put(word, digitCount: left + 1, target, written)
            }
            return byteCount
        }
    }

    /// Writes a group of 24 bits; digits that it does not have are padding.
    @inline(__always)
    private static func put(_ word: UInt32, digitCount: Int, _ target: UnsafeMutableRawBufferPointer, _ at: Int) {
        for digit in 0..<4 {
            let value = Int(word >> (18 - 6 * UInt32(digit)) & 63)
            unsafe target[at + digit] = digit < digitCount ? alphabet.utf8Start[value] : UInt8(ascii: "=")
        }
    }

    /// The bytes that a text of §4 stands for; nil when it is none: with letters of another alphabet, blanks, padding
    /// that is missing or too much, or bits that stand for nothing.
    package static func bytes(_ text: some Collection<UInt8>) -> [UInt8]? {
        guard text.count % 4 == 0 else { return nil }
        let padding = text.suffix(2).reversed().prefix { $0 == UInt8(ascii: "=") }.count
        return decode(text.dropLast(padding), UInt8(ascii: "+"), UInt8(ascii: "/"))
    }

    /// The bytes that a text of §5, for names in URLs, stands for; it has no padding. Nil when it is none.
    package static func urlBytes(_ text: some Collection<UInt8>) -> [UInt8]? {
        decode(text.dropLast(0), UInt8(ascii: "-"), UInt8(ascii: "_"))
    }

    private static func decode(
        _ digits: some Collection<UInt8>, _ letter62: UInt8, _ letter63: UInt8
    ) -> [UInt8]? {
        guard digits.count % 4 != 1 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count / 4 * 3 + 2)
        var word: UInt32 = 0
        var bitCount = 0
        for digit in digits {
            guard let value = value(of: digit, letter62, letter63) else { return nil }
            word = word << 6 | UInt32(value)
            bitCount += 6
            if bitCount >= 8 {
                bitCount -= 8
                bytes.append(UInt8(truncatingIfNeeded: word >> UInt32(bitCount)))
            }
        }
        // One text for each run of bytes: what is left over is zero.
        return word & (1 << UInt32(bitCount) - 1) == 0 ? bytes : nil
    }

    private static func value(of digit: UInt8, _ letter62: UInt8, _ letter63: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): digit - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): digit - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0") + 52
        case letter62: 62
        case letter63: 63
        default: nil
        }
    }
}
