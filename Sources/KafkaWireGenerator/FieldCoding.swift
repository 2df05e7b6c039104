/// The expressions that read and write one field.
struct FieldCoding {
    var field: Message.Field
    /// The field with its struct's name, for errors.
    var place: String
    /// The versions of the struct.
    var versions: VersionRange
    var flexibleVersions: VersionRange

    /// Whether lengths are compact: `true`, `false` or `isFlexible`.
    private var compact: String {
        if field.isNeverCompact { return "false" }
        if field.tag != nil || flexibleVersions.contains(versions) { return "true" }
        return flexibleVersions.intersection(versions).isEmpty ? "false" : "isFlexible"
    }

    /// The argument for a field that may be null in some versions, or is `KafkaRecords`, which always has the case.
    private var nullable: String {
        let isAlways = field.nullableVersions.contains(field.versions)
        if isAlways { return field.type == .records ? ", nullable: true" : "" }
        let here = VersionTest.expression(field.nullableVersions, in: field.versions)
        return field.isNullable || field.type == .records ? ", nullable: \(here)" : ""
    }

    /// The expression that reads the field.
    var reading: String {
        let optional = field.isNullable ? "Nullable" : ""
        if field.isErrorCode { return "try reader.readErrorCode(\"\(place)\")" }
        switch field.type {
        case .bool: return "try reader.readBool(\"\(place)\")"
        case .int8: return "try reader.readInt8(\"\(place)\")"
        case .int16: return "try reader.readInt16(\"\(place)\")"
        case .int32: return "try reader.readInt32(\"\(place)\")"
        case .int64: return "try reader.readInt64(\"\(place)\")"
        case .uint16: return "try reader.readUInt16(\"\(place)\")"
        case .uint32: return "try reader.readUInt32(\"\(place)\")"
        case .float64: return "try reader.readFloat64(\"\(place)\")"
        case .uuid: return "try reader.readUUID(\"\(place)\")"
        case .string: return "try reader.read\(optional)String(compact: \(compact)\(nullable), \"\(place)\")"
        case .bytes: return "try reader.read\(optional)Bytes(compact: \(compact)\(nullable), \"\(place)\")"
        case .records: return "try reader.readRecords(compact: \(compact)\(nullable), \"\(place)\")"
        case .array:
            return "try reader.read\(optional)Array(compact: \(compact)\(nullable), version: version, \"\(place)\")"
        case .structure(let name):
            if field.isNullable { return "try reader.readNullableStructure(version: version, \"\(place)\")" }
            return "try \(name)(from: &reader, version: version)"
        }
    }

    /// The statement that writes the field to `writer`.
    func writing(to writer: String) -> String {
        let name = Spelling.escaped(field.name)
        switch field.type {
        case .bool, .int8, .int16, .int32, .int64, .uint16, .uint32, .float64, .uuid:
            return "\(writer).write(\(name))"
        case .string, .bytes, .records:
            return "try \(writer).write(\(name), compact: \(compact)\(nullable), \"\(place)\")"
        case .array:
            return "try \(writer).write(\(name), compact: \(compact)\(nullable), version: version, \"\(place)\")"
        case .structure:
            if field.isNullable { return "try \(writer).writeNullable(\(name), version: version)" }
            return "try \(name).encode(to: &\(writer), version: version)"
        }
    }
}
