/// Writes the fields of Kafka's records: big-endian integers, strings and byte strings with their length in front.
struct KafkaWriter {
    private(set) var bytes: [UInt8] = []

    mutating func put<Value: FixedWidthInteger>(_ value: Value) {
        for shift in stride(from: Value.bitWidth - 8, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> Value(shift)))
        }
    }

    mutating func put(_ text: String) {
        // A string's length is an i16; names here are far shorter, and what is longer is cut.
        let utf8 = text.utf8.prefix(Int(Int16.max))
        put(Int16(utf8.count))
        bytes += utf8
    }

    mutating func put(nullable text: String?) {
        guard let text else { return put(Int16(-1)) }
        put(text)
    }

    mutating func put(varint value: UInt32) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    mutating func put(bytes field: [UInt8]) {
        put(Int32(field.count))
        bytes += field
    }
}

/// Reads what Kafka writes; every step answers nil when the bytes do not fit.
struct KafkaReader {
    private let bytes: [UInt8]
    private var index = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func int<Value: FixedWidthInteger>(_ type: Value.Type) -> Value? {
        let count = Value.bitWidth / 8
        guard bytes.count - index >= count else { return nil }
        var value: Value = 0
        for offset in 0..<count { value = value << 8 | Value(truncatingIfNeeded: bytes[index + offset]) }
        index += count
        return value
    }

    mutating func string() -> String? {
        guard let count = int(Int16.self), count >= 0 else { return nil }
        return take(Int(count)).map { String(decoding: $0, as: UTF8.self) }
    }

    /// A string that may be null: nil when the bytes do not fit, nil inside when it is.
    mutating func nullableString() -> String?? {
        guard let count = int(Int16.self), count >= -1 else { return nil }
        guard count >= 0 else { return .some(nil) }
        return take(Int(count)).map { String(decoding: $0, as: UTF8.self) }
    }

    /// A number of at most 35 bits without sign.
    mutating func varint() -> Int? {
        var value = 0
        var shift = 0
        while index < bytes.count, shift < 35 {
            let byte = bytes[index]
            index += 1
            value |= Int(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        return nil
    }

    mutating func compactString() -> String? {
        guard let length = varint(), length > 0 else { return nil }
        return take(length - 1).map { String(decoding: $0, as: UTF8.self) }
    }

    mutating func byteString() -> [UInt8]? {
        guard let count = int(Int32.self), count >= 0 else { return nil }
        return take(Int(count)).map { Array($0) }
    }

    private mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
        guard count <= bytes.count - index else { return nil }
        defer { index += count }
        return bytes[index..<index + count]
    }
}
