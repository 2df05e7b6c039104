/// Writes `KafkaAPI`: the table of all APIs.
struct APIEmitter {
    var requests: [(api: String, message: Message)]

    let fileName = "KafkaAPI.swift"

    func text() -> String {
        var file = SwiftFile()
        file.add(SwiftFile.header("requests"))
        file.add()
        file.comment("The APIs that can be read and written; which of them a broker lists is decided elsewhere.")
        file.block("package enum KafkaAPI: Int16, CaseIterable, Sendable") { file in
            for (api, message) in requests {
                file.comment("API \(message.key ?? 0), \(Spelling.words(message.versions)).")
                file.add("case \(Spelling.property(api)) = \(message.key ?? 0)")
            }
            emitTable(&file, "Kafka's name.", "name: String") { api, _ in "\"\(api)\"" }
            emitTable(&file, "The versions that can be read and written.", "versions: ClosedRange<Int16>") {
                "\($1.versions.lowest)...\($1.versions.highest)"
            }
            emitTable(
                &file, "The first version with compact lengths and tagged fields; nil when none has them.",
                "flexibleFrom: Int16?"
            ) { $1.flexibleVersions.isEmpty ? "nil" : String($1.flexibleVersions.lowest) }
        }
        return file.text
    }

    private func emitTable(
        _ file: inout SwiftFile, _ comment: String, _ property: String, value: (String, Message) -> String
    ) {
        file.add()
        file.comment(comment)
        file.block("package var \(property)") { file in
            file.add("switch self {")
            for (api, message) in requests {
                file.add("case .\(Spelling.property(api)): \(value(api, message))")
            }
            file.add("}")
        }
    }
}

/// Writes `KafkaMessages`: the list of all types.
struct MessageListEmitter {
    var names: [String]

    let fileName = "KafkaMessages.swift"

    func text() -> String {
        var file = SwiftFile()
        file.add(SwiftFile.header("definitions"))
        file.add()
        file.comment("Every message that can be read and written, for tests and tools that go through all of them.")
        file.block("package enum KafkaMessages") { file in
            file.comment("Requests and responses in the order of the keys, then headers and records.")
            file.add("package static let all: [any KafkaMessage.Type] = [")
            file.indented { file in
                for name in names { file.add("\(name).self,") }
            }
            file.add("]")
        }
        return file.text
    }
}
