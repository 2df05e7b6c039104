import Foundation

/// The measurable rules for Swift files: sizes, banned tokens, documentation, places. Style §1, §3, §4, §7, §8, §10.
enum SourceRules {
    // MARK: Sizes

    static func lengths(of file: Repository.File, linesMax: Int, functionLinesMax: Int = 70) -> [Violation] {
        if file.path.contains("/Generated/") { return [] }
        var violations: [Violation] = []
        let count = lineCount(file)
        if count > linesMax {
            violations.append(Violation(file, "has \(count) lines, the limit is \(linesMax); split it by concern"))
        }
        for function in FunctionScanner.functions(in: SourceText(file.text)) where function.lineCount > functionLinesMax
        {
            violations.append(
                Violation(
                    file, line: function.line,
                    "a function of \(function.lineCount) lines, the limit is \(functionLinesMax)"))
        }
        for (index, line) in file.lines.enumerated() where line.count > 120 {
            violations.append(Violation(file, line: index + 1, "has \(line.count) columns, the limit is 120"))
        }
        return violations
    }

    static func lineCount(_ file: Repository.File) -> Int {
        file.lines.count - (file.text.hasSuffix("\n") ? 1 : 0)
    }

    /// The value that nine tenths of `values` do not pass.
    static func percentile90(_ values: [Int]) -> Int {
        let sorted = values.sorted()
        return sorted.isEmpty ? 0 : sorted[(sorted.count * 9 - 1) / 10]
    }

    // MARK: Tokens

    struct BannedToken: Sendable {
        var pattern: String
        var instead: String
        /// Files whose path starts with this may use it.
        var except: String?
    }

    static let bannedInSources = [
        BannedToken(pattern: #"\btry!"#, instead: "propagate the error"),
        BannedToken(pattern: #"\btry\?"#, instead: "catch the error and say what it means"),
        BannedToken(pattern: #"\bas!"#, instead: "a type that needs no cast, or 'as?' with a guard"),
        BannedToken(pattern: #"[\w\)\]\}"]!(?!=)"#, instead: "'guard let', or a precondition that says why"),
        BannedToken(pattern: #"\bfatalError\("#, instead: "preconditionFailure(\"Cannot … while …\")"),
        BannedToken(pattern: #"\bDispatchQueue\b"#, instead: "an event loop or the log executor"),
        BannedToken(pattern: #"(^|[^\w.])print\("#, instead: "the logger", except: "Sources/sluice/"),
        BannedToken(
            pattern: #"\bTask\s*(\{|\.detached\b|\.init\b)"#, instead: "a service that 'sluice' starts and stops"),
        BannedToken(pattern: #"\bcatch\s*\{\s*\}"#, instead: "a catch that says what the error means"),
    ]

    static let bannedInTests = [
        BannedToken(pattern: #"\.disabled\("#, instead: "a test that runs"),
        BannedToken(pattern: #"\bwithKnownIssue\b"#, instead: "a fix"),
        BannedToken(pattern: #"\b(u|nano)?sleep\("#, instead: "waiting for the condition"),
    ]

    static func banned(_ tokens: [BannedToken], in file: Repository.File) throws -> [Violation] {
        let lines = SourceText(file.text).codeLines
        return try tokens.flatMap { token -> [Violation] in
            if let except = token.except, file.path.hasPrefix(except) { return [] }
            let pattern = try Regex(token.pattern).wordBoundaryKind(.simple)
            return lines.enumerated().compactMap { index, line in
                guard let match = line.firstMatch(of: pattern) else { return nil }
                return Violation(file, line: index + 1, "'\(line[match.range])' is banned; use \(token.instead)")
            }
        }
    }

    /// Escapes from the compiler's checks, each of which needs a proof in the comment above it or beside it.
    private static let unproven = ["@unchecked Sendable", "nonisolated(unsafe)", "assumeIsolated"]

    static func proofs(in file: Repository.File) -> [Violation] {
        let source = SourceText(file.text)
        let comments = source.commentLines
        return source.codeLines.enumerated().compactMap { index, line in
            guard let token = unproven.first(where: line.contains) else { return nil }
            let isProven = (max(0, index - 1)...index).contains { comments[$0].contains("//") }
            return isProven
                ? nil : Violation(file, line: index + 1, "'\(token)' needs a comment above it that proves it")
        }
    }

    /// What a type with many stored properties says of itself, in its documentation.
    private static let excuse = "More than twenty stored properties: "

    static func properties(of file: Repository.File, countMax: Int) throws -> [Violation] {
        let source = SourceText(file.text)
        let comments = source.commentLines
        return try PropertyScanner.types(in: source).filter { $0.propertyCount > countMax }.compactMap { type in
            let above = comments[..<(type.line - 1)].reversed().prefix { $0.contains("//") }
            guard !above.contains(where: { $0.contains(excuse) }) else { return nil }
            return Violation(
                file, line: type.line,
                "'\(type.name)' has \(type.propertyCount) stored properties; split it, or say '\(excuse)…' above it")
        }
    }

    static func leftovers(in file: Repository.File) -> [Violation] {
        SourceText(file.text).commentLines.enumerated().compactMap { index, line in
            guard let word = ["TODO", "FIXME", "XXX", "HACK"].first(where: line.contains) else { return nil }
            return Violation(file, line: index + 1, "'\(word)' is left; do it, or open an issue")
        }
    }

    // MARK: Assertions

    /// How many assertions there are for 1,000 lines of some files.
    static func assertionDensity(of files: [Repository.File]) throws -> Double {
        let assertion = try Regex(#"\b(assert|assertionFailure|precondition|preconditionFailure)\("#)
            .wordBoundaryKind(.simple)
        let count = files.reduce(0) { sum, file in
            sum + SourceText(file.text).codeLines.reduce(0) { $0 + $1.matches(of: assertion).count }
        }
        let lines = files.reduce(0) { $0 + lineCount($1) }
        return lines == 0 ? 0 : Double(count) * 1000 / Double(lines)
    }

    // MARK: Documentation

    private static var declaration: Regex<AnyRegexOutput> {
        get throws {
            try Regex(
                #"^\s*(@[\w\(\):, ]+ )*(package|public|open)(\(set\))? (?!import\b|extension\b)"#
                    + #"[\w\(\) ]*\b(actor|associatedtype|case|class|enum|func|init|let|macro|protocol|struct|"#
                    + #"subscript|typealias|var)\b"#
            )
        }
    }

    static func documentation(of file: Repository.File) throws -> [Violation] {
        let declaration = try declaration
        let lines = SourceText(file.text).codeLines
        return lines.enumerated().compactMap { index, line in
            guard line.firstMatch(of: declaration) != nil else { return nil }
            var above = index - 1
            // Attributes may stand between a declaration and its comment.
            while above >= 0, lines[above].drop(while: { $0 == " " }).hasPrefix("@") { above -= 1 }
            let isDocumented = above >= 0 && file.lines[above].drop { $0 == " " }.hasPrefix("///")
            return isDocumented ? nil : Violation(file, line: index + 1, "needs a documentation comment")
        }
    }

    // MARK: Places

    private static let emptyNames: Set<String> = [
        "utils", "util", "utilities", "helpers", "helper", "common", "new", "misc",
    ]

    static func places(of files: [Repository.File]) -> [Violation] {
        var violations: [Violation] = []
        var counts: [String: Int] = [:]
        for file in files where !file.path.hasPrefix("Sources/System/") {
            let parts = file.path.split(separator: "/").map(String.init)
            for part in parts.map({ $0.replacing(".swift", with: "") }) where emptyNames.contains(part.lowercased()) {
                violations.append(Violation(file, "'\(part)' says nothing; name what is in it"))
            }
            if parts.count > 4 { violations.append(Violation(file, "lies more than one folder deep in its target")) }
            counts[parts.dropLast().joined(separator: "/"), default: 0] += 1
        }
        for (folder, count) in counts where count > 24 && !folder.hasSuffix("/Generated") {
            let place = Repository.File(path: folder, text: "")
            violations.append(Violation(place, "holds \(count) files, the limit is 24; group them in folders"))
        }
        return violations
    }
}
