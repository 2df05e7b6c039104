/// The value of a field in one payload.
package enum FieldValue: Equatable, Sendable, BitwiseCopyable {
    /// The payload does not have the field.
    case absent
    /// The payload says that there is no value.
    case null
    /// A number, finite.
    case number(Double)
    /// A whole number.
    case integer(Int64)
    /// True or false.
    case boolean(Bool)
    /// Text; where it is.
    case text(FieldText)
    /// A moment, in nanoseconds since 1970.
    case time(Int64)

    /// The value as a number; nil when it is none. A boolean is 0 or 1, a moment is seconds.
    package var number: Double? {
        switch self {
        case .number(let value): value
        case .integer(let value): Double(value)
        case .boolean(let value): value ? 1 : 0
        case .time(let nanoseconds): Double(nanoseconds) / 1e9
        case .absent, .null, .text: nil
        }
    }
}

/// Where the text of a field is: in the payload, or in the reader's memory, when it had escapes.
///
/// Invariants: meaningless once the reader has been given another payload. `PayloadReader.text` makes a copy.
package struct FieldText: Equatable, Sendable, BitwiseCopyable {
    /// The index of the first byte.
    let start: UInt32
    /// The number of bytes.
    package let byteCount: UInt32
    /// Whether the index is one of the payload.
    let isInPayload: Bool

    /// The indices in the memory that it is in.
    var indices: Range<Int> { Int(start)..<Int(start) + Int(byteCount) }
}
