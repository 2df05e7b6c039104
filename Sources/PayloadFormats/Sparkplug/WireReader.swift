/// Protocol Buffers' wire format: numbered fields, one after the other, in a part of a payload.
///
/// Source: protobuf.dev, Encoding.
struct WireReader: ~Escapable {
    private let bytes: Span<UInt8>
    /// The index of the next byte.
    private(set) var position: Int
    private let end: Int

    /// How a field is written.
    enum Kind: UInt64 {
        case varint = 0
        case fixed64 = 1
        case delimited = 2
        case fixed32 = 5
    }

    /// A field's number and how it is written.
    struct Key {
        let number: UInt64
        let kind: Kind
    }

    @_lifetime(copy bytes)
    init(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        self.bytes = bytes
        position = range.lowerBound
        end = range.upperBound
    }

    /// The next field; nil at the end.
    @_lifetime(self: copy self)
    mutating func next() throws(PayloadFault) -> Key? {
        guard position < end else { return nil }
        let start = position
        let key = try varint()
        // The kinds 3 and 4 are groups, which no Sparkplug payload has.
        guard let kind = Kind(rawValue: key & 7), key >> 3 != 0 else { throw PayloadFault(.notSparkplug, at: start) }
        return Key(number: key >> 3, kind: kind)
    }

    /// Ten bytes or fewer, seven bits each.
    @_lifetime(self: copy self)
    mutating func varint() throws(PayloadFault) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        let start = position
        while shift < 64 {
            guard position < end else { throw PayloadFault(.truncated, at: position) }
            let byte = bytes[position]
            position += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        throw PayloadFault(.notSparkplug, at: start)
    }

    @_lifetime(self: copy self)
    mutating func fixed32() throws(PayloadFault) -> UInt32 { UInt32(truncatingIfNeeded: try fixed(4)) }

    @_lifetime(self: copy self)
    mutating func fixed64() throws(PayloadFault) -> UInt64 { try fixed(8) }

    @_lifetime(self: copy self)
    private mutating func fixed(_ byteCount: Int) throws(PayloadFault) -> UInt64 {
        guard end - position >= byteCount else { throw PayloadFault(.truncated, at: end) }
        var value: UInt64 = 0
        for index in 0..<byteCount { value |= UInt64(bytes[position + index]) << UInt64(8 * index) }
        position += byteCount
        return value
    }

    /// The range of a text, of bytes, or of a message.
    @_lifetime(self: copy self)
    mutating func delimited() throws(PayloadFault) -> Range<Int> {
        let byteCount = try varint()
        guard byteCount <= UInt64(end - position) else { throw PayloadFault(.truncated, at: end) }
        let range = position..<position + Int(byteCount)
        position = range.upperBound
        return range
    }

    /// A text.
    @_lifetime(self: copy self)
    mutating func text() throws(PayloadFault) -> Range<Int> {
        let range = try delimited()
        if let flaw = bytes.extracting(range).utf8Flaw { throw PayloadFault(.notUTF8, at: range.lowerBound + flaw) }
        return range
    }

    @_lifetime(self: copy self)
    mutating func skip(_ kind: Kind) throws(PayloadFault) {
        switch kind {
        case .varint: _ = try varint()
        case .fixed64: _ = try fixed64()
        case .fixed32: _ = try fixed32()
        case .delimited: _ = try delimited()
        }
    }
}
