import Foundation

/// From the folder of definitions to Swift.
package struct Generator {
    /// A file of generated Swift.
    package struct Output: Equatable {
        /// The name of the file in its folder.
        package var name: String
        /// What is in it.
        package var text: String
    }

    private let folder: DefinitionFolder

    /// A generator for the definitions in the folder at `path`.
    package init(definitions path: String) { folder = DefinitionFolder(path) }

    /// Every generated file, in the order of the table.
    package func outputs() throws -> [Output] {
        var messages: [Message] = []
        var outputs: [Output] = []
        for entry in MessageTable.apis {
            for name in ["\(entry.name)Request", "\(entry.name)Response"] {
                let message = try message(name, entry)
                messages.append(message)
                outputs.append(output(MessageEmitter(message: message, api: entry.name)))
            }
        }
        let requests = messages.filter { $0.kind == .request }
        for entry in MessageTable.others {
            let message = try message(entry.name, entry)
            messages.append(message)
            outputs.append(output(MessageEmitter(message: message, api: nil)))
        }
        let table = APIEmitter(requests: Array(zip(MessageTable.apis.map(\.name), requests)))
        let list = MessageListEmitter(names: messages.map(\.name))
        return outputs + [
            Output(name: table.fileName, text: table.text()), Output(name: list.fileName, text: list.text()),
        ]
    }

    private func message(_ name: String, _ entry: MessageTable.Entry) throws -> Message {
        try Message(folder.definition(name, for: entry), entry: entry)
    }

    private func output(_ emitter: MessageEmitter) -> Output {
        Output(name: emitter.fileName, text: emitter.text())
    }
}
