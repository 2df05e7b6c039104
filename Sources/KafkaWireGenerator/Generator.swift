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
        var outputs: [Output] = []
        var requests: [(api: String, message: Message)] = []
        for entry in MessageTable.apis {
            let request = try message("\(entry.name)Request", entry)
            requests.append((entry.name, request))
            outputs.append(output(MessageEmitter(message: request, api: entry.name)))
            let response = try message("\(entry.name)Response", entry)
            outputs.append(output(MessageEmitter(message: response, api: entry.name)))
        }
        for entry in MessageTable.others {
            outputs.append(output(MessageEmitter(message: try message(entry.name, entry), api: nil)))
        }
        let table = APIEmitter(requests: requests)
        return outputs + [Output(name: table.fileName, text: table.text())]
    }

    private func message(_ name: String, _ entry: MessageTable.Entry) throws -> Message {
        try Message(folder.definition(name, for: entry), entry: entry)
    }

    private func output(_ emitter: MessageEmitter) -> Output {
        Output(name: emitter.fileName, text: emitter.text())
    }
}
