/// What a payload has at the place of a field, before it is compared with the field's type.
enum PayloadToken: BitwiseCopyable {
    case absent
    case null
    case boolean(Bool)
    case integer(Int64)
    /// A whole number from 2^63.
    case large(UInt64)
    case number(Double)
    case text(FieldText)
    /// A moment that says itself that it is one, in nanoseconds since 1970; nil when it is too far away.
    case moment(Int64?)
    /// An object, an array, bytes: nothing that a field can be.
    case other
}

/// A field as its values are compared with it.
///
/// Layout: no references, so that comparing counts none; the values of an enumeration are the schema's.
struct FieldCheck: Sendable, BitwiseCopyable {
    let type: FieldType
    let isRequired: Bool
    let lower: Double
    let upper: Double
    /// Whether there is an enumeration.
    let isEnumerated: Bool

    /// - Throws: what of the field does not go together.
    init(_ field: PayloadField, index: Int, format: PayloadFormat) throws(SchemaFault) {
        func refuse(_ description: String) -> SchemaFault { SchemaFault(field: index, description) }
        type = field.type
        isRequired = field.isRequired
        lower = field.range?.lowerBound ?? -.infinity
        upper = field.range?.upperBound ?? .infinity
        isEnumerated = field.enumeration != nil
        let isNumeric = field.type == .number || field.type == .integer
        if field.range != nil, !isNumeric { throw refuse("only numbers have a range") }
        switch field.enumeration {
        case nil: break
        case .texts(let values):
            guard field.type == .text else { throw refuse("only a text is one of some texts") }
            if values.isEmpty { throw refuse("an enumeration without a value") }
        case .numbers(let values):
            guard isNumeric else { throw refuse("only a number is one of some numbers") }
            if values.isEmpty { throw refuse("an enumeration without a value") }
        }
        switch field.role {
        case .value: break
        case .deviceTime:
            guard case .time = field.type else { throw refuse("the device's time is of the type 'time'") }
        case .sequence:
            guard field.type == .integer else { throw refuse("a sequence number is of the type 'integer'") }
        }
        guard format == .number else { return }
        switch field.type {
        case .number, .integer, .time(.seconds), .time(.milliseconds), .time(.microseconds), .time(.nanoseconds): return
        case .boolean, .text, .time(.rfc3339), .time(.datetimeUTC): throw refuse("a number is no such type")
        }
    }
}

/// The values that a field may have.
struct FieldChoice: Sendable {
    let texts: [[UInt8]]
    let numbers: [Double]

    init(_ enumeration: PayloadField.Enumeration?) {
        switch enumeration {
        case nil: (texts, numbers) = ([], [])
        case .texts(let values): (texts, numbers) = (values.map { Array($0.utf8) }, [])
        case .numbers(let values): (texts, numbers) = ([], values)
        }
    }
}

extension PayloadSchema {
    /// Whether a number is one of those that a field may have.
    @inline(__always)
    func fault(of value: Double, field: Int, _ check: FieldCheck) -> PayloadFault.Reason? {
        guard value >= check.lower, value <= check.upper else { return .outOfRange }
        guard check.isEnumerated else { return nil }
        return choices[field].numbers.contains(value) ? nil : .notInEnumeration
    }

    /// Whether a text is one of those that a field may have.
    func fault(of text: Span<UInt8>, field: Int) -> PayloadFault.Reason? {
        for candidate in choices[field].texts where candidate.span.holdsBytes(of: text) { return nil }
        return .notInEnumeration
    }
}

extension Span<UInt8> {
    /// Whether both have the same bytes.
    func holdsBytes(of other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        for index in 0..<count where self[index] != other[index] { return false }
        return true
    }
}
