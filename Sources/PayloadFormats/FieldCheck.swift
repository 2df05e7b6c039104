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
    /// An object, an array, bytes: nothing that a field can be.
    case other
}

/// A field as its values are compared with it.
struct FieldCheck: Sendable {
    let type: FieldType
    let isRequired: Bool
    let lower: Double
    let upper: Double
    let texts: [[UInt8]]
    let numbers: [Double]
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
        case nil: (texts, numbers) = ([], [])
        case .texts(let values):
            guard field.type == .text else { throw refuse("only a text is one of some texts") }
            (texts, numbers) = (values.map { Array($0.utf8) }, [])
        case .numbers(let values):
            guard isNumeric else { throw refuse("only a number is one of some numbers") }
            (texts, numbers) = ([], values)
        }
        if isEnumerated, texts.isEmpty, numbers.isEmpty { throw refuse("an enumeration without a value") }
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

    /// Whether a number is one of those that the field may have.
    @inline(__always)
    func fault(of value: Double) -> PayloadFault.Reason? {
        guard value >= lower, value <= upper else { return .outOfRange }
        return isEnumerated && !numbers.contains(value) ? .notInEnumeration : nil
    }

    /// Whether a text is one of those that the field may have.
    func fault(of text: Span<UInt8>) -> PayloadFault.Reason? {
        guard isEnumerated else { return nil }
        for candidate in texts where candidate.span.holdsBytes(of: text) { return nil }
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
