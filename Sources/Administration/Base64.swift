/// Bytes as text. Source: RFC 4648 §4.
package enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// The text of bytes, with padding.
    package static func text(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let word = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << (8 * UInt32(3 - group.count))
            for digit in 0..<4 {
                let isPadding = digit > group.count
                text.append(isPadding ? UInt8(ascii: "=") : alphabet[Int(word >> (18 - 6 * UInt32(digit)) & 63)])
            }
        }
        return String(decoding: text, as: UTF8.self)
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
