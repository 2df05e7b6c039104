import Foundation

/// `swift run kafka-wire-generator DEFINITIONS OUTPUT`
@main
struct Command {
    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 3 else {
            FileHandle.standardError.write(Data("usage: kafka-wire-generator DEFINITIONS OUTPUT\n".utf8))
            exit(2)
        }
        let target = URL(filePath: arguments[2])
        let outputs = try Generator(definitions: arguments[1]).outputs()
        let names = Set(outputs.map(\.name))
        for old in try FileManager.default.contentsOfDirectory(atPath: target.path) where !names.contains(old) {
            try FileManager.default.removeItem(at: target.appending(path: old))
        }
        for output in outputs { try Data(output.text.utf8).write(to: target.appending(path: output.name)) }
        FileHandle.standardOutput.write(Data("\(outputs.count) files\n".utf8))
    }
}
