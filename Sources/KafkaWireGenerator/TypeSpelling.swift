extension Message.Field {
    /// The property's type.
    var swiftType: String {
        let plain = isErrorCode ? "KafkaErrorCode" : Self.swiftType(type)
        return isNullable && type != .records ? "\(plain)?" : plain
    }

    private static func swiftType(_ type: FieldType) -> String {
        switch type {
        case .bool: "Bool"
        case .int8: "Int8"
        case .int16: "Int16"
        case .int32: "Int32"
        case .int64: "Int64"
        case .uint16: "UInt16"
        case .uint32: "UInt32"
        case .float64: "Double"
        case .uuid: "KafkaUUID"
        case .string: "String"
        case .bytes: "[UInt8]"
        case .records: "KafkaRecords"
        case .array(let element): "[\(swiftType(element))]"
        case .structure(let name): name
        }
    }

    /// The value of a field that is not there.
    var swiftDefault: String {
        if literal == "null" { return type == .records ? ".null" : "nil" }
        if isErrorCode { return literal.map { "KafkaErrorCode(rawValue: \($0))" } ?? ".none" }
        switch type {
        case .bool: return literal ?? "false"
        case .int8, .int16, .int32, .int64, .uint16, .uint32: return literal ?? "0"
        case .float64: return literal ?? "0"
        case .uuid: return ".zero"
        case .string: return "\"\(literal ?? "")\""
        case .bytes, .array: return "[]"
        case .records: return ".null"
        case .structure(let name): return "\(name)()"
        }
    }

    /// The condition that the property has another value than its default.
    var isSet: String {
        let name = Spelling.escaped(name)
        switch swiftDefault {
        case "[]": return isNullable ? "\(name) != []" : "!\(name).isEmpty"
        case "\"\"": return isNullable ? "\(name) != \"\"" : "!\(name).isEmpty"
        case "false": return name
        case "true": return "!\(name)"
        default: return "\(name) != \(swiftDefault)"
        }
    }
}
