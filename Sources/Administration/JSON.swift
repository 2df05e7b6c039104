/// A JSON document: what `--json` prints and what the broker answers requests with.
///
/// Source: RFC 8259.
package enum JSON: Equatable, Sendable {
    /// `null`
    case null
    /// `true` or `false`
    case bool(Bool)
    /// A number that is whole and fits.
    case integer(Int64)
    /// Any other number.
    case number(Double)
    /// Text.
    case string(String)
    /// Values in their order.
    case array([JSON])
    /// Names and values in their order.
    case object([Member])

    /// A name and its value; members keep their order.
    package struct Member: Equatable, Sendable {
        /// The name.
        package let name: String
        /// The value.
        package let value: JSON

        /// A member from its parts.
        package init(name: String, value: JSON) {
            self.name = name
            self.value = value
        }
    }

    /// An object of the members in the order given.
    package static func members(_ members: KeyValuePairs<String, JSON>) -> JSON {
        .object(members.map { Member(name: $0.key, value: $0.value) })
    }

    /// A number, or null.
    package static func optional(_ value: Int64?) -> JSON { value.map { .integer($0) } ?? .null }

    /// The value of a boolean.
    package var flag: Bool? {
        guard case .bool(let value) = self else { return nil }
        return value
    }

    /// Text when `bytes` are UTF-8, else their base64.
    package static func bytes(_ bytes: [UInt8]) -> (value: JSON, isText: Bool) {
        guard let text = String(validating: bytes, as: UTF8.self) else { return (.string(Base64.text(bytes)), false) }
        return (.string(text), true)
    }

    // MARK: Queries

    /// The value of a member; nil when there is none, or this is no object.
    package subscript(_ name: String) -> JSON? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    /// The value of a string.
    package var text: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    /// The value of a whole number.
    package var integer: Int64? {
        guard case .integer(let value) = self else { return nil }
        return value
    }

    /// The values of an array.
    package var elements: [JSON]? {
        guard case .array(let elements) = self else { return nil }
        return elements
    }
}

extension JSON: CustomStringConvertible {
    /// The document in one line, for people.
    package var description: String {
        var text = ""
        write(to: &text, space: " ")
        return text
    }

    /// The document without a space that it does not need, for the wire.
    package var compact: String {
        var text = ""
        write(to: &text, space: "")
        return text
    }

    private func write(to text: inout String, space: String) {
        switch self {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .integer(let value): text += String(value)
        case .number(let value): text += value.isFinite ? String(value) : "null"
        case .string(let value): Self.write(value, to: &text)
        case .array(let elements):
            text += "["
            for (index, element) in elements.enumerated() {
                if index > 0 { text += "," + space }
                element.write(to: &text, space: space)
            }
            text += "]"
        case .object(let members):
            text += "{"
            for (index, member) in members.enumerated() {
                if index > 0 { text += "," + space }
                Self.write(member.name, to: &text)
                text += ":" + space
                member.value.write(to: &text, space: space)
            }
            text += "}"
        }
    }

    private static func write(_ value: String, to text: inout String) {
        text += "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            // Beyond what RFC 8259 asks for: what other programs take for the end of a line, or terminals for an order.
            case _ where scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value), "\u{2028}", "\u{2029}":
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}

/// Reads JSON documents: strictly, no deeper than 32, and without names that come twice in an object, of which other
/// programs would see another one.
package struct JSONReader {
    private let bytes: [UInt8]
    private var index = 0
    private var depth = 0

    /// Deeper than any document of ours.
    private static let depthMax = 32

    /// The document in `bytes`; nil when they are none.
    package static func read(_ bytes: [UInt8]) -> JSON? {
        var reader = JSONReader(bytes: bytes)
        guard let value = reader.value() else { return nil }
        reader.skipSpace()
        return reader.index == bytes.count ? value : nil
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private mutating func skipSpace() {
        while index < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[index]) { index += 1 }
    }

    private mutating func take(_ word: StaticString) -> Bool {
        let matches = word.withUTF8Buffer { unsafe bytes[index...].starts(with: $0) }
        if matches { index += word.utf8CodeUnitCount }
        return matches
    }

    private mutating func value() -> JSON? {
        skipSpace()
        guard index < bytes.count, depth < Self.depthMax else { return nil }
        switch bytes[index] {
        case UInt8(ascii: "{"): return object()
        case UInt8(ascii: "["): return array()
        case UInt8(ascii: "\""): return string().map { .string($0) }
        case UInt8(ascii: "t"): return take("true") ? .bool(true) : nil
        case UInt8(ascii: "f"): return take("false") ? .bool(false) : nil
        case UInt8(ascii: "n"): return take("null") ? .null : nil
        default: return number()
        }
    }

    private mutating func object() -> JSON? {
        depth += 1
        defer { depth -= 1 }
        index += 1
        var members: [JSON.Member] = []
        var names: Set<[UInt8]> = []
        skipSpace()
        if take("}") { return .object([]) }
        while true {
            skipSpace()
            guard index < bytes.count, bytes[index] == UInt8(ascii: "\""), let name = string() else { return nil }
            skipSpace()
            guard names.insert(Array(name.utf8)).inserted, take(":"), let value = value() else { return nil }
            members.append(JSON.Member(name: name, value: value))
            skipSpace()
            if take("}") { return .object(members) }
            guard take(",") else { return nil }
        }
    }

    private mutating func array() -> JSON? {
        depth += 1
        defer { depth -= 1 }
        index += 1
        var elements: [JSON] = []
        skipSpace()
        if take("]") { return .array([]) }
        while true {
            guard let element = value() else { return nil }
            elements.append(element)
            skipSpace()
            if take("]") { return .array(elements) }
            guard take(",") else { return nil }
        }
    }

    private mutating func number() -> JSON? {
        let start = index
        if index < bytes.count, bytes[index] == UInt8(ascii: "-") { index += 1 }
        let first = index
        guard takeDigits() > 0 else { return nil }
        // No zero stands in front.
        if bytes[first] == UInt8(ascii: "0"), index > first + 1 { return nil }
        if index < bytes.count, bytes[index] == UInt8(ascii: ".") {
            index += 1
            guard takeDigits() > 0 else { return nil }
        }
        if index < bytes.count, bytes[index] | 0x20 == UInt8(ascii: "e") {
            index += 1
            if index < bytes.count, bytes[index] == UInt8(ascii: "+") || bytes[index] == UInt8(ascii: "-") {
                index += 1
            }
            guard takeDigits() > 0 else { return nil }
        }
        let text = String(decoding: bytes[start..<index], as: UTF8.self)
        if let integer = Int64(text) { return .integer(integer) }
        return Double(text).map { .number($0) }
    }

    private mutating func takeDigits() -> Int {
        let start = index
        while index < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[index]) { index += 1 }
        return index - start
    }

    private mutating func string() -> String? {
        index += 1
        var units: [UInt8] = []
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            switch byte {
            case UInt8(ascii: "\""): return String(validating: units, as: UTF8.self)
            case UInt8(ascii: "\\"):
                guard let character = escape() else { return nil }
                units += Array(String(character).utf8)
            case ..<0x20: return nil
            default: units.append(byte)
            }
        }
        return nil
    }

    /// The character behind a backslash; of two surrogates the one that they stand for.
    private mutating func escape() -> Unicode.Scalar? {
        guard index < bytes.count else { return nil }
        defer { index += 1 }
        switch bytes[index] {
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "u"):
            guard let unit = codeUnit() else { return nil }
            guard 0xD800..<0xDC00 ~= unit else { return Unicode.Scalar(unit) }
            guard index + 2 < bytes.count, bytes[index + 1] == UInt8(ascii: "\\"),
                bytes[index + 2] == UInt8(ascii: "u")
            else { return nil }
            index += 2
            guard let low = codeUnit(), 0xDC00..<0xE000 ~= low else { return nil }
            return Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00))
        case let other: return other == 0x22 || other == 0x5C || other == 0x2F ? Unicode.Scalar(other) : nil
        }
    }

    /// Four digits behind the `u` at `index`, which stands on the last of them then.
    private mutating func codeUnit() -> UInt32? {
        guard index + 4 < bytes.count else { return nil }
        var unit: UInt32 = 0
        for digit in bytes[index + 1...index + 4] {
            guard let value = Character(Unicode.Scalar(digit)).hexDigitValue else { return nil }
            unit = unit << 4 | UInt32(value)
        }
        index += 4
        return unit
    }
}
