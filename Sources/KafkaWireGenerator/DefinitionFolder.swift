import Foundation

/// The folder with Kafka's message definitions, and beside them those of an older Kafka for versions since removed.
struct DefinitionFolder {
    private let root: URL
    private let older = "legacy-3.9/"

    init(_ path: String) { root = URL(filePath: path) }

    /// The definition that an entry asks for, completed with the fields that only its older versions have.
    func definition(_ name: String, for entry: MessageTable.Entry) throws -> Definition {
        var definition = try read("\(entry.folder)\(name).json")
        if definition.validVersions.lowest > entry.versions.lowest {
            let old = try read("\(older)\(name).json")
            definition.fields = Self.completed(definition.fields, with: old.fields)
            definition.validVersions.lowest = old.validVersions.lowest
        }
        guard definition.validVersions.contains(entry.versions) else {
            throw GeneratorError("\(name) has no definition of all versions in the table")
        }
        definition.validVersions = entry.versions
        return definition
    }

    /// Lines that are comments are taken out; the rest is JSON.
    private func read(_ path: String) throws -> Definition {
        let text = try String(contentsOf: root.appending(path: path), encoding: .utf8)
        let json = text.split(separator: "\n", omittingEmptySubsequences: false).filter { line in
            !line.drop { $0 == " " }.hasPrefix("//")
        }
        return try JSONDecoder().decode(Definition.self, from: Data(json.joined(separator: "\n").utf8))
    }

    /// `fields` and, each behind the one that it followed, those that only `old` has.
    private static func completed(_ fields: [Definition.Field], with old: [Definition.Field]) -> [Definition.Field] {
        var fields = fields
        var position = 0
        for field in old {
            if let index = fields.firstIndex(where: { $0.name == field.name }) {
                if let inner = fields[index].fields, let oldInner = field.fields {
                    fields[index].fields = completed(inner, with: oldInner)
                }
                position = index + 1
            } else {
                fields.insert(field, at: position)
                position += 1
            }
        }
        return fields
    }
}

/// Why nothing is generated.
struct GeneratorError: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }
}
