import PayloadFormats
import SluiceTesting
import Testing

/// Reads payloads as tests do: with and without readable memory behind them, which must come to the same.
struct Payloads {
    let schema: PayloadSchema
    let reader = PayloadReader()

    init(
        _ format: PayloadFormat, _ fields: [PayloadField], delimiters: Delimiters = Delimiters()
    ) throws {
        schema = try PayloadSchema(format: format, fields: fields, delimiters: delimiters)
    }

    /// The fault of a payload.
    func fault(_ text: String) -> PayloadFault? { fault(Array(text.utf8)) }

    /// The fault of a payload.
    func fault(_ bytes: [UInt8]) -> PayloadFault? {
        let copied = reader.check(bytes.span, slack: 0, schema: schema)
        let values = schema.fields.indices.map { reader[$0] }
        let padded = bytes + [UInt8](repeating: UInt8(ascii: "]"), count: 64)
        let inPlace = reader.check(padded.span.extracting(0..<bytes.count), slack: 64, schema: schema)
        #expect(inPlace == copied)
        if copied == nil { #expect(values == schema.fields.indices.map { reader[$0] }) }
        return copied
    }

    /// Reason, field and place of a payload's fault in a line; "ok" when there is none.
    func verdict(_ text: String) -> String { verdict(Array(text.utf8)) }

    /// Reason, field and place of a payload's fault in a line; "ok" when there is none.
    func verdict(_ bytes: [UInt8]) -> String {
        guard let fault = fault(bytes) else { return "ok" }
        let field = fault.field.map { " " + schema.fields[$0].name } ?? ""
        return "\(fault.reason.rawValue)\(field) @\(fault.offset)"
    }

    /// The values of a payload that is right, as text.
    func values(_ bytes: [UInt8]) -> [String] {
        guard fault(bytes) == nil else { return [verdict(bytes)] }
        return schema.fields.indices.map { index in
            switch reader[index] {
            case .absent: "absent"
            case .null: "null"
            case .number(let value): "\(value)"
            case .integer(let value): "\(value)"
            case .boolean(let value): "\(value)"
            case .text(let text): reader.text(text, in: bytes.span)
            case .time(let nanoseconds): "\(nanoseconds)ns"
            }
        }
    }

    /// The values of a payload that is right, as text.
    func values(_ text: String) -> [String] { values(Array(text.utf8)) }
}

extension PayloadField {
    /// A field whose path is its name.
    static func at(
        _ path: String, _ type: FieldType, range: ClosedRange<Double>? = nil, oneOf: Enumeration? = nil,
        isRequired: Bool = false, role: FieldRole = .value
    ) -> PayloadField {
        PayloadField(
            name: path, path: path, type: type, range: range, enumeration: oneOf, isRequired: isRequired, role: role)
    }
}

/// Changes payloads at random, a few bytes at a time.
struct Mutator {
    var random: SeededGenerator

    mutating func mutate(_ bytes: [UInt8], with alphabet: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for _ in 0...random.below(3) {
            let place = random.below(bytes.count + 1)
            let byte = random.once(in: 2) ? alphabet[random.below(alphabet.count)] : UInt8(random.below(256))
            switch random.below(4) {
            case 0: bytes.insert(byte, at: place)
            case 1: if place < bytes.count { bytes[place] = byte }
            case 2: if place < bytes.count { bytes.remove(at: place) }
            default: bytes.removeLast(min(bytes.count, random.below(4)))
            }
        }
        return bytes
    }
}
