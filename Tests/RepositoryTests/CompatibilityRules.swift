/// What `docs/COMPAT.md` promises: tests that exist, and every numbered statement of both specifications.
enum CompatibilityRules {
    // MARK: Tests

    /// The tests of each suite, by the suite's name.
    static func tests(in files: [Repository.File]) throws -> [String: Set<String>] {
        let suite = try Regex(#"^(?:final )?(?:struct|class|enum|actor) (\w+)"#, as: (Substring, Substring).self)
        let function = try Regex(#"\bfunc `?(\w+)"#, as: (Substring, Substring).self)
        var tests: [String: Set<String>] = [:]
        for file in files {
            var current = ""
            var isTest = false
            for line in SourceText(file.text).codeLines {
                if let match = line.firstMatch(of: suite) { current = String(match.output.1) }
                if line.contains("@Test") { isTest = true }
                guard let match = line.firstMatch(of: function) else { continue }
                if isTest { tests[current, default: []].insert(String(match.output.1)) }
                isTest = false
            }
        }
        return tests
    }

    /// Names of tests in a document, `Suite` or `Suite.function`, that are not among `tests`.
    static func missingTests(in document: Repository.File, tests: [String: Set<String>]) throws -> [Violation] {
        try testNames(in: document).compactMap { name, line in
            let parts = name.split(separator: ".").map(String.init)
            guard let functions = tests[parts[0]] else {
                return Violation(document, line: line, "there is no suite '\(parts[0])' of tests")
            }
            if parts.count == 1 || functions.contains(parts[1]) { return nil }
            return Violation(document, line: line, "there is no test '\(name)'")
        }
    }

    /// Every test that a document names, with its line.
    static func testNames(in document: Repository.File) throws -> [(name: String, line: Int)] {
        let name = try Regex(#"`(\w+Tests(?:\.\w+)?)`"#, as: (Substring, Substring).self)
        return document.lines.enumerated().flatMap { index, line in
            line.matches(of: name).map { (String($0.output.1), index + 1) }
        }
    }

    /// Rows that say `supported` and name no test. A row's status and tests are its last two cells.
    static func unproven(in document: Repository.File) -> [Violation] {
        document.lines.enumerated().compactMap { index, line in
            let cells = line.split(separator: "|", omittingEmptySubsequences: false)
            guard line.hasPrefix("|"), cells.count >= 4 else { return nil }
            let (status, tests) = (cells[cells.count - 3], cells[cells.count - 2])
            guard status.contains("supported") || status.contains("partial"), !status.contains("not supported"),
                !tests.contains("Tests")
            else { return nil }
            return Violation(document, line: index + 1, "says it is supported, and names no test")
        }
    }

    // MARK: Statements

    /// How many statements a section of a specification has, counted from `first`.
    struct Section {
        var name: String
        var first: Int
        var last: Int

        init(_ name: String, _ last: Int, from first: Int = 1) {
            self.name = name
            self.first = first
            self.last = last
        }
    }

    /// Source: MQTT 3.1.1, appendix B.
    static let version311 = [
        Section("1.5.3", 3), Section("2.2.2", 2), Section("2.3.1", 7), Section("3.1.0", 2), Section("3.1.2", 24),
        Section("3.1.3", 11), Section("3.1.4", 5), Section("3.2.0", 1), Section("3.2.2", 6), Section("3.3.1", 12),
        Section("3.3.2", 3), Section("3.3.4", 1), Section("3.3.5", 2), Section("3.6.1", 1), Section("3.8.1", 1),
        Section("3.8.3", 4), Section("3.8.4", 6), Section("3.9.3", 2), Section("3.10.1", 1), Section("3.10.3", 2),
        Section("3.10.4", 6), Section("3.12.4", 1), Section("3.14.1", 1), Section("3.14.4", 3), Section("4.1.0", 2),
        Section("4.3.1", 1), Section("4.3.2", 2), Section("4.3.3", 2), Section("4.4.0", 1), Section("4.5.0", 2),
        Section("4.6.0", 6), Section("4.7.1", 3), Section("4.7.2", 1), Section("4.7.3", 4), Section("4.8.0", 2),
        Section("6.0.0", 4), Section("7.0.0", 2), Section("7.1.1", 1), Section("7.1.2", 1),
    ]

    /// Source: MQTT 5.0, appendix B.
    static let version5 = [
        Section("1.5.4", 3), Section("1.5.5", 1), Section("1.5.7", 1), Section("2.1.3", 1),
        Section("2.2.1", 6, from: 2), Section("2.2.2", 1), Section("3.1.0", 2), Section("3.1.2", 30),
        Section("3.1.3", 12), Section("3.1.4", 6), Section("3.2.0", 2), Section("3.2.2", 22), Section("3.3.1", 13),
        Section("3.3.2", 20), Section("3.3.4", 10), Section("3.4.2", 3), Section("3.5.2", 3), Section("3.6.1", 1),
        Section("3.6.2", 3), Section("3.7.2", 3), Section("3.8.1", 1), Section("3.8.3", 5), Section("3.8.4", 8),
        Section("3.9.2", 2), Section("3.9.3", 2), Section("3.10.1", 1), Section("3.10.3", 2), Section("3.10.4", 6),
        Section("3.11.2", 2), Section("3.11.3", 2), Section("3.12.4", 1), Section("3.14.0", 1), Section("3.14.1", 1),
        Section("3.14.2", 4), Section("3.14.4", 3), Section("3.15.1", 1), Section("3.15.2", 3), Section("4.1.0", 2),
        Section("4.2.0", 1), Section("4.3.1", 1), Section("4.3.2", 5), Section("4.3.3", 13), Section("4.4.0", 2),
        Section("4.5.0", 2), Section("4.6.0", 6), Section("4.7.0", 1), Section("4.7.1", 2), Section("4.7.2", 1),
        Section("4.7.3", 4), Section("4.8.2", 6), Section("4.9.0", 3), Section("4.12.0", 7), Section("4.12.1", 2),
        Section("4.13.1", 1), Section("4.13.2", 1), Section("6.0.0", 4),
    ]

    /// Every statement of `sections`.
    static func identifiers(of sections: [Section]) -> Set<String> {
        Set(sections.flatMap { section in (section.first...section.last).map { "MQTT-\(section.name)-\($0)" } })
    }

    /// Statements that the tables under `heading` leave out, name twice, or make up.
    static func statements(
        in document: Repository.File, under heading: String, of sections: [Section]
    ) throws -> [Violation] {
        let pattern = try Regex(#"\bMQTT-\d+\.\d+\.\d+-\d+\b"#, as: Substring.self)
        let expected = identifiers(of: sections)
        var found: [String: Int] = [:]
        var violations: [Violation] = []
        var isUnder = false
        for (index, line) in document.lines.enumerated() {
            if line.hasPrefix("## ") { isUnder = line == "## \(heading)" }
            guard isUnder, line.hasPrefix("|") else { continue }
            for match in (line.split(separator: "|").first ?? "").matches(of: pattern) {
                let identifier = String(match.output)
                if !expected.contains(identifier) {
                    violations.append(Violation(document, line: index + 1, "there is no statement \(identifier)"))
                } else if found.updateValue(index + 1, forKey: identifier) != nil {
                    violations.append(Violation(document, line: index + 1, "\(identifier) is there twice"))
                }
            }
        }
        return violations
            + expected.subtracting(found.keys).sorted().map {
                Violation(document, "'\(heading)' leaves out \($0)")
            }
    }
}
