/// Writes the Swift of one struct: properties, initialisers, `encode`.
struct StructureEmitter {
    var structure: Message.Structure
    /// The message's own struct has keys and versions, and refuses versions that it does not know.
    var isMessage: Bool
    var bytesMin: Int
    var flexibleVersions: VersionRange

    /// The condition that the version is flexible; nil when every version is.
    private var flexibleTest: String? { VersionTest.condition(flexible, in: structure.versions) }
    private var flexible: VersionRange { flexibleVersions.intersection(structure.versions) }
    private var isFlexibleSometimes: Bool { flexibleTest != nil && !flexible.isEmpty }

    private var inPlace: [Message.Field] { structure.fields.filter { $0.tag == nil } }
    private var tagged: [Message.Field] {
        structure.fields.filter { $0.tag != nil }.sorted { ($0.tag ?? 0) < ($1.tag ?? 0) }
    }

    private func coding(_ field: Message.Field) -> FieldCoding {
        FieldCoding(
            field: field, place: "\(structure.name).\(field.name)", versions: structure.versions,
            flexibleVersions: flexible)
    }

    private func condition(_ field: Message.Field) -> String? {
        VersionTest.condition(field.versions, in: structure.versions)
    }

    // MARK: Properties

    func emitProperties(_ file: inout SwiftFile) {
        for field in structure.fields {
            var about = field.about.isEmpty ? "The field `\(field.wireName)`." : field.about
            if condition(field) != nil { about += " " + Spelling.sentence(field.versions, of: structure.versions) }
            file.comment(about)
            file.add("package var \(Spelling.escaped(field.name)): \(field.swiftType)")
        }
    }

    func emitInitialiser(_ file: inout SwiftFile) {
        file.add()
        file.comment("A value of these parts; what is left out has its default.")
        guard !structure.fields.isEmpty else { return file.add("package init() {}") }
        let parameters = structure.fields.map {
            "\(Spelling.escaped($0.name)): \($0.swiftType) = \($0.swiftDefault)"
        }
        file.list("package init", parameters, tail: " {")
        file.indented { file in
            for field in structure.fields { file.add("self.\(field.name) = \(Spelling.escaped(field.name))") }
        }
        file.add("}")
    }

    // MARK: Reading

    func emitReading(_ file: inout SwiftFile) {
        file.add()
        file.comment("Reads what `version` has; a field that it lacks has its default.")
        file.block("package init(from reader: inout KafkaReader, version: Int16) throws(KafkaWireError)") { file in
            if isMessage { file.add("try reader.require(Self.versions, version, \"\(structure.name)\")") }
            file.add("self.init()")
            emitFlexible(&file)
            for run in runs(inPlace, by: condition) {
                file.when(condition(run[0])) { file in
                    for field in run { file.add("\(Spelling.escaped(field.name)) = \(coding(field).reading)") }
                }
            }
            emitTagReading(&file)
        }
    }

    /// The line that says whether the version is flexible, where something asks.
    private func emitFlexible(_ file: inout SwiftFile) {
        guard isFlexibleSometimes, let test = flexibleTest else { return }
        file.add("let isFlexible = \(test)")
    }

    private func emitTagReading(_ file: inout SwiftFile) {
        guard !flexible.isEmpty else { return }
        file.when(isFlexibleSometimes ? "isFlexible" : nil) { file in
            guard !tagged.isEmpty else { return file.add("try reader.skipTags(\"\(structure.name)\")") }
            file.add("var tags = try reader.readTags(\"\(structure.name)\")")
            file.block("while let tag = try reader.nextTag(&tags)") { file in
                file.add("switch tag {")
                for field in tagged {
                    let test = VersionTest.condition(field.versions, in: flexible).map {
                        " where \($0.replacing(", ", with: " && "))"
                    }
                    file.add("case \(field.tag ?? 0)\(test ?? ""):")
                    file.indented { $0.add("\(Spelling.escaped(field.name)) = \(coding(field).reading)") }
                }
                file.add("default: reader.skipTag()")
                file.add("}")
            }
        }
    }

    // MARK: Writing

    func emitWriting(_ file: inout SwiftFile) {
        file.add()
        file.comment("Writes what `version` has.")
        file.comment("- Throws: for a value that the version cannot carry, and that must not be dropped.")
        let head = "package func encode(to writer: inout KafkaWriter, version: Int16) throws(KafkaWireError)"
        file.block(head) { file in
            if isMessage { file.add("try writer.require(Self.versions, version, \"\(structure.name)\")") }
            emitFlexible(&file)
            for run in runs(inPlace, by: { "\($0.isIgnorable) \(condition($0) ?? "")" }) {
                if run[0].isIgnorable || condition(run[0]) == nil {
                    file.when(condition(run[0])) { file in
                        for field in run { file.add(coding(field).writing(to: "writer")) }
                    }
                } else {
                    for field in run { emitGuarded(field, &file) }
                }
            }
            for field in tagged where !field.isIgnorable {
                guard let absent = VersionTest.absence(field.versions, in: structure.versions) else { continue }
                file.block("if \(absent), \(field.isSet)") { file in
                    file.add("throw writer.notInVersion(version, \"\(structure.name).\(field.name)\")")
                }
            }
            emitTagWriting(&file)
        }
    }

    /// Writes a field, and refuses a value for it in the versions that lack it.
    private func emitGuarded(_ field: Message.Field, _ file: inout SwiftFile) {
        file.add("if \(condition(field) ?? "true") {")
        file.indented { $0.add(coding(field).writing(to: "writer")) }
        file.block("} else if \(field.isSet)") { file in
            file.add("throw writer.notInVersion(version, \"\(structure.name).\(field.name)\")")
        }
    }

    /// `fields` in runs of neighbours with the same key.
    private func runs(_ fields: [Message.Field], by key: (Message.Field) -> String?) -> [[Message.Field]] {
        var runs: [[Message.Field]] = []
        for field in fields {
            if let last = runs.last?.last, key(last) == key(field) {
                runs[runs.count - 1].append(field)
            } else {
                runs.append([field])
            }
        }
        return runs
    }

    private func emitTagWriting(_ file: inout SwiftFile) {
        guard !flexible.isEmpty else { return }
        file.when(isFlexibleSometimes ? "isFlexible" : nil) { file in
            guard !tagged.isEmpty else { return file.add("writer.writeNoTags()") }
            file.add("var tags = KafkaTags()")
            for field in tagged {
                let tests = [VersionTest.condition(field.versions, in: flexible), field.isSet].compactMap(\.self)
                file.block("if \(tests.joined(separator: ", "))") { file in
                    file.add("var field = KafkaWriter()")
                    file.add(coding(field).writing(to: "field"))
                    file.add("tags.append(\(field.tag ?? 0), field)")
                }
            }
            file.add("writer.write(tags)")
        }
    }
}
