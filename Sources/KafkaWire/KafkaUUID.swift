/// What Kafka calls a topic, a directory or a member: 128 bits.
package struct KafkaUUID: Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
    /// The bits, as the sixteen bytes read most significant first.
    package var rawValue: UInt128

    /// Wraps the bits.
    package init(rawValue: UInt128) { self.rawValue = rawValue }

    /// No identifier.
    package static let zero = KafkaUUID(rawValue: 0)

    /// The identifier that is written as 22 characters of base64url; nil when `text` is something else.
    package init?(_ text: String) {
        let digits = Array(text.utf8)
        guard digits.count == 22 else { return nil }
        var bits: UInt128 = 0
        for (index, digit) in digits.enumerated() {
            guard let value = Self.value(digit) else { return nil }
            // Twenty-two digits are 132 bits; the last four are padding, and zero.
            if index < 21 {
                bits = bits << 6 | UInt128(value)
            } else {
                guard value & 0xF == 0 else { return nil }
                bits = bits << 2 | UInt128(value >> 4)
            }
        }
        rawValue = bits
    }

    /// 22 characters of base64url, as Kafka's tools print it.
    package var description: String {
        var digits: [UInt8] = []
        for index in 0..<21 { digits.append(Self.digit(UInt8(truncatingIfNeeded: rawValue >> (122 - 6 * index)) & 63)) }
        digits.append(Self.digit(UInt8(truncatingIfNeeded: rawValue & 3) << 4))
        return String(decoding: digits, as: UTF8.self)
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        switch value {
        case 0..<26: UInt8(ascii: "A") + value
        case 26..<52: UInt8(ascii: "a") + value - 26
        case 52..<62: UInt8(ascii: "0") + value - 52
        case 62: UInt8(ascii: "-")
        default: UInt8(ascii: "_")
        }
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): digit - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): digit - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0") + 52
        case UInt8(ascii: "-"): 62
        case UInt8(ascii: "_"): 63
        default: nil
        }
    }
}

extension KafkaUUID {
    /// A new one (RFC 9562, version 4).
    package static func random() -> KafkaUUID {
        var bits = UInt128.random(in: .min ... .max)
        bits = bits & ~(0xF << 76) | 0x4 << 76
        bits = bits & ~(0x3 << 62) | 0x2 << 62
        return KafkaUUID(rawValue: bits)
    }

    /// Groups of hexadecimal digits, as clients' identifiers have them.
    package var hyphenated: String {
        let digits = String(rawValue, radix: 16)
        let padded = String(repeating: "0", count: 32 - digits.count) + digits
        var groups: [Substring] = []
        var rest = padded[...]
        for count in [8, 4, 4, 4, 12] {
            groups.append(rest.prefix(count))
            rest = rest.dropFirst(count)
        }
        return groups.joined(separator: "-")
    }
}
