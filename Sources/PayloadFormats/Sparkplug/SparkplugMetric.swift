/// A metric of a Sparkplug B payload.
///
/// Source: Sparkplug 3.0.0 §6.4.
struct SparkplugMetric {
    /// The index of its first byte.
    let start: Int
    var name: Range<Int>?
    var alias: UInt64?
    var datatype: UInt64?
    var isNull = false
    var value = Value.none

    /// A metric's value as it is written.
    enum Value: Equatable {
        case none
        case int(UInt32)
        case long(UInt64)
        case float(Float)
        case double(Double)
        case boolean(Bool)
        case text(Range<Int>)
        /// Bytes, data sets, templates and extensions, of which no field can be made.
        case other
    }

    /// Reads the metric in `range`.
    init(_ payload: Span<UInt8>, _ range: Range<Int>) throws(PayloadFault) {
        start = range.lowerBound
        var reader = WireReader(payload, range)
        while let key = try reader.next() {
            switch (key.number, key.kind) {
            case (1, .delimited): name = try reader.text()
            case (2, .varint): alias = try reader.varint()
            case (4, .varint): datatype = try reader.varint()
            case (7, .varint): isNull = try reader.varint() != 0
            case (3, .varint), (5, .varint), (6, .varint), (8, .delimited), (9, .delimited): try reader.skip(key.kind)
            case (10, .varint): value = .int(UInt32(truncatingIfNeeded: try reader.varint()))
            case (11, .varint): value = .long(try reader.varint())
            case (12, .fixed32): value = .float(Float(bitPattern: try reader.fixed32()))
            case (13, .fixed64): value = .double(Double(bitPattern: try reader.fixed64()))
            case (14, .varint): value = .boolean(try reader.varint() != 0)
            case (15, .delimited): value = .text(try reader.text())
            case (16...19, .delimited):
                try reader.skip(key.kind)
                value = .other
            case (1...19, _): throw PayloadFault(.notSparkplug, at: reader.position)
            default: try reader.skip(key.kind)
            }
        }
    }

    /// What the value is, read as its type says.
    /// - Parameter datatype: the type that the birth has given, where the metric has none itself; nil or 0 when nobody
    ///   says.
    /// - Returns: nil when the value is none of its type.
    func token(datatype: UInt64?) -> PayloadToken? {
        if isNull { return .null }
        switch (SparkplugType(datatype), value) {
        case (_, .none): return nil
        case (.int8, .int(let bits)): return .integer(Int64(Int8(truncatingIfNeeded: bits)))
        case (.int16, .int(let bits)): return .integer(Int64(Int16(truncatingIfNeeded: bits)))
        case (.int32, .int(let bits)): return .integer(Int64(Int32(bitPattern: bits)))
        case (.int64, .long(let bits)): return .integer(Int64(bitPattern: bits))
        case (.unsigned, .int(let bits)): return .integer(Int64(bits))
        case (.unsigned, .long(let bits)): return Int64(exactly: bits).map { .integer($0) } ?? .large(bits)
        case (.number, .float(let value)): return .number(Double(value))
        case (.number, .double(let value)): return .number(value)
        case (.boolean, .boolean(let value)): return .boolean(value)
        case (.text, .text(let range)): return Self.text(range)
        case (.dateTime, .long(let bits)):
            return .moment(Moment(milliseconds: bits)?.nanoseconds)
        case (.other, .other): return .other
        case (.unknown, .int(let bits)): return .integer(Int64(bits))
        case (.unknown, .long(let bits)): return Int64(exactly: bits).map { .integer($0) } ?? .large(bits)
        case (.unknown, .float(let value)): return .number(Double(value))
        case (.unknown, .double(let value)): return .number(value)
        case (.unknown, .boolean(let value)): return .boolean(value)
        case (.unknown, .text(let range)): return Self.text(range)
        case (.unknown, .other): return .other
        case (.int8, _), (.int16, _), (.int32, _), (.int64, _), (.unsigned, _), (.number, _), (.boolean, _),
            (.text, _), (.dateTime, _), (.other, _):
            return nil
        }
    }

    private static func text(_ range: Range<Int>) -> PayloadToken {
        .text(FieldText(start: UInt32(range.lowerBound), byteCount: UInt32(range.count), isInPayload: true))
    }
}

/// Sparkplug's types, as far as their values are written differently.
enum SparkplugType {
    case int8, int16, int32, int64, unsigned, number, boolean, text, dateTime, other, unknown

    init(_ number: UInt64?) {
        switch number ?? 0 {
        case 1: self = .int8
        case 2: self = .int16
        case 3: self = .int32
        case 4: self = .int64
        case 5, 6, 7, 8: self = .unsigned
        case 9, 10: self = .number
        case 11: self = .boolean
        case 12, 14, 15: self = .text
        case 13: self = .dateTime
        case 16...34: self = .other
        default: self = .unknown
        }
    }
}
