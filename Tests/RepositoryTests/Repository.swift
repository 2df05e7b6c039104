import Foundation
import Testing

/// The tree that the tests look at.
enum Repository {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// A text file of the repository.
    struct File: Sendable {
        /// The path from the root, such as `Sources/SluiceCore/Limits.swift`.
        var path: String
        var text: String

        var name: String { String(path.split(separator: "/").last ?? "") }
        var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }
        /// The folder below `Sources` or `Tests`, which is the target's name.
        var target: String { String(path.split(separator: "/").dropFirst().first ?? "") }
    }

    /// The files whose path starts with one of `folders` and whose name ends with one of `suffixes`, ordered by path.
    static func files(in folders: [String], suffixes: [String]) throws -> [File] {
        var files: [File] = []
        for folder in folders {
            let start = root.appending(path: folder)
            guard let paths = FileManager.default.enumerator(atPath: start.path) else { continue }
            for case let path as String in paths where suffixes.contains(where: path.hasSuffix) {
                if path.split(separator: "/").contains(where: { $0.hasPrefix(".build") }) { continue }
                let text = try String(contentsOf: start.appending(path: path), encoding: .utf8)
                files.append(File(path: "\(folder)/\(path)", text: text))
            }
        }
        return files.sorted { $0.path < $1.path }
    }

    /// A single file, nil when it is not there.
    static func file(_ path: String) throws -> File? {
        let place = root.appending(path: path)
        guard FileManager.default.fileExists(atPath: place.path) else { return nil }
        return File(path: path, text: try String(contentsOf: place, encoding: .utf8))
    }

    static func sources() throws -> [File] { try files(in: ["Sources"], suffixes: [".swift"]) }

    static func tests() throws -> [File] { try files(in: ["Tests"], suffixes: [".swift"]) }

    /// Every document, the ones at the root first.
    static func documents() throws -> [File] {
        let names = try FileManager.default.contentsOfDirectory(atPath: root.path).filter { $0.hasSuffix(".md") }
        return try names.sorted().compactMap(file) + files(in: ["docs", "devices", "config"], suffixes: [".md"])
    }
}

/// A rule of the house that is broken in one place.
struct Violation: Equatable, CustomStringConvertible {
    var path: String
    /// Counted from 1; 0 for the whole file.
    var line: Int
    var message: String

    init(_ file: Repository.File, line: Int = 0, _ message: String) {
        path = file.path
        self.line = line
        self.message = message
    }

    var description: String { line == 0 ? "\(path): \(message)" : "\(path):\(line): \(message)" }
}

/// Records every violation as an issue of the current test.
func expectNone(_ violations: [Violation], sourceLocation: SourceLocation = #_sourceLocation) {
    for violation in violations { Issue.record("\(violation)", sourceLocation: sourceLocation) }
}
