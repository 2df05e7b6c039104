import Foundation
import Testing

@Suite("The documents keep the rules of the house")
struct DocumentTests {
    @Test("A document has one title")
    func titles() throws {
        expectNone(try Repository.documents().flatMap(DocumentRules.titles))
    }

    @Test("Every document is linked, and every link leads somewhere")
    func links() throws {
        let documents = try Repository.documents()
        #expect(documents.contains { $0.path == "README.md" })
        expectNone(try DocumentRules.unreferenced(in: documents))
        let broken = try DocumentRules.brokenLinks(in: documents) { path in
            FileManager.default.fileExists(atPath: Repository.root.appending(path: path).path)
        }
        expectNone(broken)
    }

    @Test("No path of one machine")
    func machinePaths() throws {
        let files =
            try Repository.sources() + Repository.tests() + Repository.documents()
            + Repository.files(in: ["config", ".ci", "Sources"], suffixes: [".yaml", ".h", ".c", ".modulemap"])
            + [".ci/run", ".ci/check", ".ci/install-packages", "Makefile", "Package.swift"].compactMap(Repository.file)
        #expect(files.count > 40)
        expectNone(files.flatMap(DocumentRules.machinePaths))
    }

    @Test("The changelog starts with what is not released")
    func changelog() throws {
        let changelog = try #require(try Repository.file("CHANGELOG.md"))
        expectNone(DocumentRules.changelog(changelog))
    }
}
