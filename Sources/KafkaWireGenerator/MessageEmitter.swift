/// Writes the Swift of one message.
struct MessageEmitter {
    var message: Message
    /// The name of the API, for a request or response.
    var api: String?

    var fileName: String { "\(message.name).swift" }

    func text() -> String {
        var file = SwiftFile()
        file.add(SwiftFile.header(message.source))
        file.add()
        emitBody(&file)
        if !message.structures.isEmpty {
            file.add()
            file.block("extension \(message.name)") { file in
                for (index, structure) in message.structures.enumerated() {
                    if index > 0 { file.add() }
                    emit(structure, &file)
                }
            }
        }
        return file.text
    }

    private func emitBody(_ file: inout SwiftFile) {
        file.comment(summary)
        file.block("package struct \(message.name): \(conformance)") { file in
            if let key = message.key {
                file.comment(api == nil ? "The number of this type of record." : "The number of the API.")
                file.add("package static let key: Int16 = \(key)")
            }
            file.comment("The versions that can be read and written.")
            file.add(
                "package static let versions: ClosedRange<Int16> = "
                    + "\(message.versions.lowest)...\(message.versions.highest)")
            file.comment("The first version with compact lengths and tagged fields; nil when none has them.")
            let first = message.flexibleVersions.isEmpty ? "nil" : String(message.flexibleVersions.lowest)
            file.add("package static let flexibleFrom: Int16? = \(first)")
            file.add()
            let emitter = emitter(message.body, isMessage: true)
            emitter.emitProperties(&file)
            emitter.emitInitialiser(&file)
            emitter.emitReading(&file)
            emitter.emitWriting(&file)
        }
    }

    private func emit(_ structure: Message.Structure, _ file: inout SwiftFile) {
        if structure.fields.count > 20 { file.comment("More than twenty stored properties: the definition has them.") }
        file.comment("Part of \(message.name): \(structure.about.isEmpty ? "shared by fields." : structure.about)")
        file.block("package struct \(structure.name): KafkaStructure") { file in
            file.comment("The fewest bytes that one takes.")
            file.add("package static var bytesMin: Int { \(message.bytesMin(structure)) }")
            file.add()
            let emitter = emitter(structure, isMessage: false)
            emitter.emitProperties(&file)
            emitter.emitInitialiser(&file)
            emitter.emitReading(&file)
            emitter.emitWriting(&file)
        }
    }

    private func emitter(_ structure: Message.Structure, isMessage: Bool) -> StructureEmitter {
        StructureEmitter(
            structure: structure, isMessage: isMessage, bytesMin: message.bytesMin(structure),
            flexibleVersions: message.flexibleVersions)
    }

    private var summary: String {
        let versions = Spelling.words(message.versions)
        guard let key = message.key, let api else { return "Kafka's `\(message.name)`, \(versions)." }
        let kind = message.kind == .request ? "request" : "response"
        return "The \(kind) of Kafka's API \(key), \(api), \(versions)."
    }

    private var conformance: String {
        if api == nil { return "KafkaMessage" }
        return message.kind == .request ? "KafkaRequest" : "KafkaResponse"
    }
}
