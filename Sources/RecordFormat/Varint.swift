public import SluiceCore

/// Zigzag base-128 integers, as Kafka's records hold lengths and deltas.
///
/// Source: Kafka message format v2, "varint"; the encoding is Protocol Buffers' sint32 and sint64.
@usableFromInline package enum Varint {
    /// The bytes that `value` takes: 1 to 10.
    @inlinable @inline(__always)
    package static func byteCount(_ value: Int) -> Int {
        let zigzag = UInt64(bitPattern: Int64((value << 1) ^ (value >> 63)))
        // One byte for each seven significant bits, at least one.
        return zigzag < 0x80 ? 1 : (70 - zigzag.leadingZeroBitCount) / 7
    }

    /// Appends `value`.
    @inlinable @inline(__always)
    package static func append(_ value: Int, to buffer: inout ByteBuffer) {
        var zigzag = UInt64(bitPattern: Int64((value << 1) ^ (value >> 63)))
        while zigzag >= 0x80 {
            buffer.append(UInt8(truncatingIfNeeded: zigzag) | 0x80)
            zigzag >>= 7
        }
        buffer.append(UInt8(truncatingIfNeeded: zigzag))
    }

    /// Reads a value at `index` and moves `index` behind it.
    /// - Returns: nil when the bytes end first or the value takes more than ten bytes.
    @inlinable @inline(__always)
    package static func read(_ bytes: Span<UInt8>, at index: inout Int) -> Int? {
        var result: UInt64 = 0
        var shift: UInt64 = 0
        while index < bytes.count, shift < 70 {
            let byte = bytes[index]
            index += 1
            result |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return Int(truncatingIfNeeded: Int64(bitPattern: (result >> 1)) ^ -Int64(result & 1)) }
            shift += 7
        }
        return nil
    }
}
