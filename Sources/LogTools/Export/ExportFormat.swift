import Administration

/// How an export is written.
package enum ExportFormat: String, CaseIterable, Sendable {
    /// Columns with commas between, with a header; quoted where they have to be (RFC 4180).
    case csv
    /// A JSON object a line.
    case ndjson
}

extension ExportFormat {
    /// The line that a file begins with; nil for none.
    func header(_ names: [String]) -> String? {
        switch self {
        case .csv: names.map(Self.quoted).joined(separator: ",")
        case .ndjson: nil
        }
    }

    /// A record's line.
    func line(_ names: [String], _ values: [JSON]) -> String {
        precondition(names.count == values.count, "each column has a value")
        switch self {
        case .csv: return values.map(Self.cell).joined(separator: ",")
        case .ndjson: return JSON.object(zip(names, values).map { JSON.Member(name: $0, value: $1) }).compact
        }
    }

    private static func cell(_ value: JSON) -> String {
        switch value {
        case .null: ""
        // An empty text is quoted, so that it is not taken for none.
        case .string(let text): text.isEmpty ? "\"\"" : quoted(text)
        case .bool, .integer, .number, .array, .object: value.compact
        }
    }

    private static func quoted(_ text: String) -> String {
        let needsQuotes = text.utf8.contains { [0x22, 0x2C, 0x0A, 0x0D].contains($0) }
        return needsQuotes ? "\"" + text.replacing("\"", with: "\"\"") + "\"" : text
    }
}
