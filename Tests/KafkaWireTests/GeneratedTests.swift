import Foundation
import KafkaWireGenerator
import Testing

@Suite("The generated sources")
struct GeneratedTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private static let definitions: String = {
        if let path = ProcessInfo.processInfo.environment["SLUICE_KAFKA_MESSAGES"] { return path }
        return root.deletingLastPathComponent().appending(path: "shared/kafka-messages").path
    }()

    @Test(
        "Made again from Kafka's definitions, they are the same",
        .enabled(
            if: FileManager.default.fileExists(atPath: definitions + "/FetchRequest.json"),
            "needs ../shared/kafka-messages or SLUICE_KAFKA_MESSAGES"))
    func same() throws {
        let folder = Self.root.appending(path: "Sources/KafkaWire/Generated")
        let outputs = try Generator(definitions: Self.definitions).outputs()
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(Set(names) == Set(outputs.map(\.name)))
        for output in outputs {
            let text = try String(contentsOf: folder.appending(path: output.name), encoding: .utf8)
            #expect(text == output.text, "\(output.name): run the generator")
        }
    }
}
