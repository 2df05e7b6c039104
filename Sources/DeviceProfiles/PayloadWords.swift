package import PayloadFormats

extension PayloadSchema {
    /// A fault in a sentence: what, of which field, where, and what was expected.
    package func explain(_ fault: PayloadFault) -> String {
        guard let index = fault.field else { return "\(fault.reason.rawValue) at byte \(fault.offset)" }
        let field = fields[index]
        let expected =
            switch fault.reason {
            case .outOfRange: field.range.map { ", expected \($0.lowerBound) to \($0.upperBound)" } ?? ""
            case .wrongType, .missingField: ", expected \(field.type.word)"
            default: ""
            }
        return "\(fault.reason.rawValue) of '\(field.name)' at byte \(fault.offset)\(expected)"
    }
}

extension FieldType {
    /// The word that profiles have for it.
    package var word: String {
        switch self {
        case .number: "number"
        case .integer: "integer"
        case .boolean: "boolean"
        case .text: "text"
        case .time(let unit): "time as \(unit.rawValue)"
        }
    }
}
