import Foundation

/// The measurable rules for documents. Style §3, §11.
enum DocumentRules {
    /// Lines outside of fenced code, with their numbers.
    private static func prose(_ file: Repository.File) -> [(number: Int, line: Substring)] {
        var isCode = false
        return file.lines.enumerated().compactMap { index, line in
            if line.hasPrefix("```") {
                isCode.toggle()
                return nil
            }
            return isCode ? nil : (index + 1, line)
        }
    }

    static func titles(of file: Repository.File) -> [Violation] {
        let titles = prose(file).filter { $0.line.hasPrefix("# ") }
        if titles.count == 1 { return [] }
        return [
            Violation(
                file, line: titles.dropFirst().first?.number ?? 0, "has \(titles.count) titles, a document has one")
        ]
    }

    /// The repository paths that `file` links to.
    static func links(of file: Repository.File) throws -> [(path: String, line: Int)] {
        let pattern = try Regex(#"\]\(([^)\s]+)\)"#, as: (Substring, Substring).self)
        let folder = URL(filePath: "/" + file.path).deletingLastPathComponent()
        return prose(file).flatMap { number, line in
            line.matches(of: pattern).compactMap { match in
                let target = match.output.1.prefix { $0 != "#" }
                if target.isEmpty || target.contains("://") || target.hasPrefix("mailto:") { return nil }
                let path = folder.appending(path: String(target)).standardizedFileURL.path
                return (String(path.dropFirst()), number)
            }
        }
    }

    /// Documents in `docs/` that no other document links to.
    static func unreferenced(in documents: [Repository.File]) throws -> [Violation] {
        var linked: Set<String> = []
        for document in documents {
            for link in try links(of: document) where link.path != document.path { linked.insert(link.path) }
        }
        return documents.filter { $0.path.hasPrefix("docs/") && !linked.contains($0.path) }
            .map { Violation($0, "no document links to it") }
    }

    /// Links to files that are not there.
    static func brokenLinks(in documents: [Repository.File], exists: (String) -> Bool) throws -> [Violation] {
        try documents.flatMap { document in
            try links(of: document).filter { !exists($0.path) }
                .map { Violation(document, line: $0.line, "links to \($0.path), which is not there") }
        }
    }

    /// Paths that exist on one machine only.
    static func machinePaths(in file: Repository.File) -> [Violation] {
        // Taken apart, so that this file does not hold what it looks for.
        let paths = ["work", "root", "home", "Users"].map { "/" + $0 + "/" }
        return file.lines.enumerated().compactMap { index, line in
            guard let path = paths.first(where: line.contains) else { return nil }
            return Violation(file, line: index + 1, "'\(path)' is the path of one machine")
        }
    }

    static func changelog(_ file: Repository.File) -> [Violation] {
        let first = prose(file).first { $0.line.hasPrefix("## ") }
        if first?.line == "## Unreleased" { return [] }
        return [Violation(file, line: first?.number ?? 0, "the first section is 'Unreleased'")]
    }
}
