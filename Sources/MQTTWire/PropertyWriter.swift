package import SluiceCore

/// Writes properties, one after another, without the length in front.
///
/// The caller keeps to the form that `PropertyID.form` names; each function asserts it.
package enum PropertyWriter {
    /// Appends a property of one, two or four bytes or a variable byte integer.
    package static func append(_ id: PropertyID, _ value: UInt32, to buffer: inout ByteBuffer) {
        buffer.append(id.rawValue)
        switch id.form {
        case .byte: buffer.append(UInt8(value))
        case .twoByteInteger: buffer.append(bigEndian: UInt16(value))
        case .fourByteInteger: buffer.append(bigEndian: value)
        case .variableByteInteger: VariableInteger.append(Int(value), to: &buffer)
        case .string, .binary, .stringPair: preconditionFailure("Cannot write an integer as \(id)")
        }
    }

    /// Appends a string or binary property of at most 65,535 bytes.
    package static func append(_ id: PropertyID, _ value: Span<UInt8>, to buffer: inout ByteBuffer) {
        precondition(id.form == .string || id.form == .binary)
        buffer.append(id.rawValue)
        PacketEncoder.append(field: value, to: &buffer)
    }

    /// Appends a user property; name and value have at most 65,535 bytes each.
    package static func append(userProperty name: Span<UInt8>, _ value: Span<UInt8>, to buffer: inout ByteBuffer) {
        buffer.append(PropertyID.userProperty.rawValue)
        PacketEncoder.append(field: name, to: &buffer)
        PacketEncoder.append(field: value, to: &buffer)
    }

    /// Appends a copy of a property that was decoded from `bytes`.
    package static func append(_ property: Property, of bytes: Span<UInt8>, to buffer: inout ByteBuffer) {
        switch property.value {
        case .integer(let value): append(property.id, value, to: &buffer)
        case .bytes(let range): append(property.id, bytes.extracting(range), to: &buffer)
        case .pair(let name, let value):
            append(userProperty: bytes.extracting(name), bytes.extracting(value), to: &buffer)
        }
    }

    /// The properties that `body` appends, as bytes of their own, for packets that are not on the hot path.
    package static func bytes(_ body: (inout ByteBuffer) -> Void) -> [UInt8] {
        var buffer = ByteBuffer()
        body(&buffer)
        return buffer.bytes.copy(ByteRange(start: 0, byteCount: buffer.count))
    }
}

/// Variable byte integers: seven bits a byte, the least significant first, one to four bytes.
///
/// Source: MQTT 5.0 §1.5.5.
package enum VariableInteger {
    /// The largest value that four bytes hold: 268,435,455.
    package static let max = 1 << 28 - 1

    /// The bytes that `value` takes.
    @inline(__always)
    package static func encodedSize(_ value: Int) -> Int {
        if value < 1 << 7 { return 1 }
        if value < 1 << 14 { return 2 }
        return value < 1 << 21 ? 3 : 4
    }

    /// Appends `value`, which must be in `0...max`.
    @inline(__always)
    package static func append(_ value: Int, to buffer: inout ByteBuffer) {
        precondition(value >= 0 && value <= max)
        var rest = value
        while rest >= 0x80 {
            buffer.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        buffer.append(UInt8(truncatingIfNeeded: rest))
    }
}
