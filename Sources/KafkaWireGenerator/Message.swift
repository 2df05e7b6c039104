/// A message as it is generated: names in Swift, and only the versions of the table.
struct Message {
    /// The name of the Swift type.
    var name: String
    /// The file that describes it, from the folder of the definitions.
    var source: String
    var kind: Definition.Kind
    var key: Int?
    var versions: VersionRange
    var flexibleVersions: VersionRange
    /// The message's own fields.
    var body: Structure
    /// The structs in it, in the order in which they first appear.
    var structures: [Structure]

    /// A struct: the message itself, or one in it.
    struct Structure {
        var name: String
        var about: String
        var versions: VersionRange
        var fields: [Field]
    }

    /// A field in the versions of its struct.
    struct Field {
        var name: String
        /// The name in the definitions, such as `TopicId`.
        var wireName: String
        var type: FieldType
        var versions: VersionRange
        var nullableVersions: VersionRange
        /// The number of the tagged field, nil for one with a place of its own.
        var tag: Int?
        var literal: String?
        var isIgnorable: Bool
        /// Never compact, whatever its message is.
        var isNeverCompact: Bool
        var about: String

        var isNullable: Bool { !nullableVersions.isEmpty }
        var isErrorCode: Bool { type == .int16 && wireName.hasSuffix("ErrorCode") }
    }

    init(_ definition: Definition, entry: MessageTable.Entry) throws {
        name = entry.typeName ?? Spelling.type(definition.name)
        source = "\(entry.folder)\(definition.name).json"
        kind = definition.type
        key = definition.apiKey
        versions = definition.validVersions
        flexibleVersions = definition.flexibleVersions.intersection(versions)
        var collector = StructureCollector(shared: definition.commonStructs ?? [])
        body = Structure(name: name, about: "", versions: versions, fields: [])
        body.fields = try collector.fields(definition.fields, in: versions)
        structures = collector.structures
    }
}

/// Gathers the structs of a message while its fields are read.
private struct StructureCollector {
    var shared: [String: [Definition.Field]] = [:]
    var structures: [Message.Structure] = []

    init(shared: [Definition.SharedStruct]) {
        for structure in shared { self.shared[structure.name] = structure.fields }
    }

    mutating func fields(_ fields: [Definition.Field], in versions: VersionRange) throws -> [Message.Field] {
        try fields.compactMap { field in
            let present = field.versions.intersection(versions)
            guard !present.isEmpty else { return nil }
            let tagged = (field.taggedVersions ?? .none).intersection(versions)
            guard tagged.isEmpty || tagged == present else {
                throw GeneratorError("\(field.name) is tagged in some of its versions only")
            }
            return Message.Field(
                name: Spelling.property(field.name), wireName: field.name,
                type: try type(field.type, of: field, in: present), versions: present,
                nullableVersions: (field.nullableVersions ?? .none).intersection(present),
                tag: tagged.isEmpty ? nil : field.tag, literal: field.default?.text,
                isIgnorable: field.ignorable ?? false, isNeverCompact: field.flexibleVersions?.isEmpty ?? false,
                about: field.about ?? "")
        }
    }

    /// The type in Swift's spelling; a struct that it names is gathered.
    private mutating func type(
        _ type: FieldType, of field: Definition.Field, in versions: VersionRange
    ) throws -> FieldType {
        switch type {
        case .array(let element):
            return .array(try self.type(element, of: field, in: versions))
        case .structure(let wireName):
            let name = Spelling.type(wireName)
            if let index = structures.firstIndex(where: { $0.name == name }) {
                try widen(index, to: versions, wireName: wireName)
                return .structure(name)
            }
            guard let inner = field.fields ?? shared[wireName] else {
                throw GeneratorError("\(field.name) has a type that is not defined: \(wireName)")
            }
            if field.fields != nil { shared[wireName] = inner }
            let index = structures.count
            structures.append(
                Message.Structure(name: name, about: field.about ?? "", versions: versions, fields: []))
            structures[index].fields = try fields(inner, in: versions)
            return .structure(name)
        case .bool, .int8, .int16, .int32, .int64, .uint16, .uint32, .float64, .uuid, .string, .bytes, .records:
            return type
        }
    }

    /// A struct that two fields use has the versions of both.
    private mutating func widen(_ index: Int, to versions: VersionRange, wireName: String) throws {
        let old = structures[index].versions
        guard !old.contains(versions), let inner = shared[wireName] else { return }
        let both = VersionRange(
            lowest: min(old.lowest, versions.lowest), highest: max(old.highest, versions.highest))
        structures[index].versions = both
        structures[index].fields = try fields(inner, in: both)
    }
}

extension Message {
    /// The fewest bytes that `structure` takes in any of its versions, at least one.
    func bytesMin(_ structure: Structure) -> Int {
        let sizes = (structure.versions.lowest...structure.versions.highest).map { bytesMin(structure, version: $0) }
        return max(1, sizes.min() ?? 1)
    }

    private func bytesMin(_ structure: Structure, version: Int) -> Int {
        let here = VersionRange(lowest: version, highest: version)
        let isFlexible = flexibleVersions.contains(here)
        let fields = structure.fields.filter { $0.tag == nil && $0.versions.contains(here) }
        return fields.reduce(isFlexible ? 1 : 0) { sum, field in
            sum + bytesMin(field, version: version, isCompact: isFlexible && !field.isNeverCompact)
        }
    }

    private func bytesMin(_ field: Field, version: Int, isCompact: Bool) -> Int {
        switch field.type {
        case .bool, .int8: 1
        case .int16, .uint16: 2
        case .int32, .uint32: 4
        case .int64, .float64: 8
        case .uuid: 16
        case .string: isCompact ? 1 : 2
        case .bytes, .records, .array: isCompact ? 1 : 4
        case .structure(let name):
            if field.nullableVersions.contains(VersionRange(lowest: version, highest: version)) {
                1
            } else {
                structures.first { $0.name == name }.map { bytesMin($0, version: version) } ?? 1
            }
        }
    }
}
