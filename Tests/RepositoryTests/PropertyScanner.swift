/// Finds types and counts their stored properties, by indentation and braces; good enough for formatted code.
enum PropertyScanner {
    struct Found: Equatable {
        var name: String
        /// The line of the declaration, counted from 1.
        var line: Int
        /// Stored properties of instances, also those that are lazy or observed.
        var propertyCount = 0
    }

    static func types(in source: SourceText) throws -> [Found] {
        let type = try Regex(
            #"^\s*((package|public|private|fileprivate|internal|final|@\w+(\([^)]*\))?) )*(class|struct|actor|enum|"#
                + #"extension|protocol) ([\w.]+)"#)
        let property = try Regex(
            #"^\s*((package|public|private|fileprivate|internal|unowned|weak|lazy|final|nonisolated|@\w+)"#
                + #"(\([^)]*\))? )*(let|var) "#)
        var found: [Found] = []
        var open: [(index: Int, depth: Int)] = []
        var depth = 0
        for (index, line) in source.codeLines.enumerated() {
            if let match = line.firstMatch(of: type), line.contains("{") {
                found.append(Found(name: String(match.output[5].substring ?? ""), line: index + 1))
                open.append((found.count - 1, depth))
            } else if let last = open.last, depth == last.depth + 1, line.firstMatch(of: property) != nil,
                isStored(line)
            {
                found[last.index].propertyCount += 1
            }
            depth += line.count { $0 == "{" } - line.count { $0 == "}" }
            while let last = open.last, depth <= last.depth { open.removeLast() }
        }
        return found
    }

    /// Whether a property is stored: what is computed has a body, and nothing is assigned to it.
    private static func isStored(_ line: String) -> Bool {
        guard let brace = line.firstIndex(of: "{") else { return true }
        return line[..<brace].contains("=") || line[brace...].contains("didSet") || line[brace...].contains("willSet")
    }
}
