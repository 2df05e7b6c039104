/// What the payloads of a kind of device are: the format and the fields, prepared for a reader.
///
/// Isolation: immutable; shared by all loops.
package final class PayloadSchema: Sendable {
    /// The format.
    package let format: PayloadFormat
    /// The fields, in the order in which their values are answered.
    package let fields: [PayloadField]
    /// How columns are separated.
    package let delimiters: Delimiters
    /// The field with the device's own time.
    package let deviceTimeField: Int?
    /// The field with the device's count of its messages.
    package let sequenceField: Int?
    /// What is compared for each field.
    let checks: [FieldCheck]
    /// Where the fields are, for formats with names.
    let tree: PathTree
    /// For each column, from the first, the field that is in it, or -1.
    let columns: [Int]

    /// Prepares a schema.
    /// - Throws: what is wrong with which field; see `SchemaFault`.
    package init(format: PayloadFormat, fields: [PayloadField], delimiters: Delimiters = Delimiters())
        throws(SchemaFault)
    {
        guard fields.count <= PayloadLimits.fieldsMax else {
            throw SchemaFault(field: PayloadLimits.fieldsMax, "more than \(PayloadLimits.fieldsMax) fields")
        }
        try Self.checkCount(fields.count, of: format)
        var checks: [FieldCheck] = []
        var names = Set<String>()
        for (index, field) in fields.enumerated() {
            guard names.insert(field.name).inserted else {
                throw SchemaFault(field: index, "'\(field.name)' is the name of another field, too")
            }
            checks.append(try FieldCheck(field, index: index, format: format))
        }
        self.format = format
        self.fields = fields
        self.delimiters = delimiters
        self.checks = checks
        deviceTimeField = try Self.only(.deviceTime, in: fields)
        sequenceField = try Self.only(.sequence, in: fields)
        tree = try PathTree(Self.paths(of: fields, format: format))
        columns = format == .delimited ? try Self.columns(of: fields) : []
    }

    private static func checkCount(_ count: Int, of format: PayloadFormat) throws(SchemaFault) {
        switch format {
        case .json, .cbor, .sparkplug, .delimited: return
        case .number: if count != 1 { throw SchemaFault(field: nil, "a number is one field, here are \(count)") }
        case .text: if count > 1 { throw SchemaFault(field: 1, "a text is one field") }
        case .raw: if count > 0 { throw SchemaFault(field: 0, "a raw payload has no fields") }
        }
    }

    private static func only(_ role: FieldRole, in fields: [PayloadField]) throws(SchemaFault) -> Int? {
        let found = fields.indices.filter { fields[$0].role == role }
        guard found.count <= 1 else { throw SchemaFault(field: found[1], "another field is '\(role.rawValue)', too") }
        return found.first
    }

    private static func paths(of fields: [PayloadField], format: PayloadFormat) throws(SchemaFault) -> [[[UInt8]]] {
        switch format {
        case .json, .cbor:
            var paths: [[[UInt8]]] = []
            for (index, field) in fields.enumerated() { paths.append(try split(field.path, field: index)) }
            return paths
        case .sparkplug:
            for (index, field) in fields.enumerated() where field.path.isEmpty {
                throw SchemaFault(field: index, "a metric has a name")
            }
            return fields.map { [Array($0.path.utf8)] }
        case .number, .text, .raw, .delimited: return []
        }
    }

    private static func split(_ path: String, field: Int) throws(SchemaFault) -> [[UInt8]] {
        var steps: [[UInt8]] = [[]]
        var isEscaped = false
        for byte in path.utf8 {
            if isEscaped {
                steps[steps.count - 1].append(byte)
                isEscaped = false
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if byte == UInt8(ascii: ".") {
                steps.append([])
            } else {
                steps[steps.count - 1].append(byte)
            }
        }
        guard !isEscaped, !steps.contains([]) else {
            throw SchemaFault(field: field, "'\(path)' is no path: names with dots between, none of them empty")
        }
        guard steps.count <= PayloadLimits.pathStepsMax else {
            throw SchemaFault(field: field, "'\(path)' has more than \(PayloadLimits.pathStepsMax) names")
        }
        return steps
    }

    private static func columns(of fields: [PayloadField]) throws(SchemaFault) -> [Int] {
        var columns: [Int] = []
        for (index, field) in fields.enumerated() {
            guard let number = Int(field.path), (1...PayloadLimits.columnsMax).contains(number) else {
                throw SchemaFault(
                    field: index, "'\(field.path)' is no column: a number from 1 to \(PayloadLimits.columnsMax)")
            }
            while columns.count < number { columns.append(-1) }
            guard columns[number - 1] < 0 else {
                throw SchemaFault(field: index, "column \(number) is another field's, too")
            }
            columns[number - 1] = index
        }
        return columns
    }
}

extension PayloadSchema: Equatable {
    /// Whether both ask the same of payloads.
    package static func == (left: PayloadSchema, right: PayloadSchema) -> Bool {
        left.format == right.format && left.fields == right.fields && left.delimiters == right.delimiters
    }
}

/// What is wrong with a schema.
package struct SchemaFault: Error, Equatable, CustomStringConvertible {
    /// The field that it is about; nil when it is about all of them.
    package let field: Int?
    /// What is wrong, for people.
    package let description: String

    init(field: Int?, _ description: String) {
        self.field = field
        self.description = description
    }
}
