/// Reads the settings of one section, each once, and finds the ones that nobody asked for.
///
/// Isolation: one reading.
final class SectionReader {
    /// The section's place.
    let location: SourceLocation
    private let entries: [YAMLNode.Entry]
    private let diagnostics: Diagnostics
    private var known: Set<String> = []

    private init(_ entries: [YAMLNode.Entry], at location: SourceLocation, _ diagnostics: Diagnostics) {
        self.entries = entries
        self.location = location
        self.diagnostics = diagnostics
    }

    /// A reader of `node`, of no settings at all when nothing is written; nil and reported when it is no section.
    convenience init?(_ node: YAMLNode, _ diagnostics: Diagnostics) {
        switch node.content {
        case .mapping(let entries): self.init(entries, at: node.location, diagnostics)
        case .scalar, .sequence:
            if !node.isNothing {
                diagnostics.report(at: node.location, "expected a section, found \(node.summary)")
                return nil
            }
            self.init([], at: node.location, diagnostics)
        }
    }

    /// Whether `key` is written here.
    func has(_ key: String) -> Bool { entries.contains { $0.key == key } }

    /// Whether the value of `key` is left out, though the key is written.
    func isNothing(_ key: String) -> Bool { entries.first { $0.key == key }?.value.isNothing ?? false }

    /// Whether `key` is written as a section of settings.
    func isSection(_ key: String) -> Bool {
        if case .mapping? = entries.first(where: { $0.key == key })?.value.content { return true }
        return false
    }

    /// Where `key` is written, else where the section is.
    func location(of key: String) -> SourceLocation { entry(key)?.keyLocation ?? location }

    /// Where the value of `key` is written, else where the section is.
    func valueLocation(of key: String) -> SourceLocation { entry(key)?.value.location ?? location }

    /// The value of `key`; nil when it is not written, or reported as wrong.
    func value<Value>(_ key: String, _ expectation: Expectation<Value>) -> Value? {
        guard let node = entry(key)?.value else { return nil }
        if case .scalar(let text, let isPlain) = node.content, !node.isNothing, isPlain || expectation.takesQuoted {
            if let value = expectation.parse(text) { return value }
            let suggestion =
                Spelling.nearest(to: text, among: expectation.words).map { "; did you mean '\($0)'?" } ?? ""
            diagnostics.report(
                at: node.location, "'\(key)': expected \(expectation.description), found \(node.summary)\(suggestion)")
            return nil
        }
        diagnostics.report(at: node.location, "'\(key)': expected \(expectation.description), found \(node.summary)")
        return nil
    }

    /// The value of `key`, which must be written.
    func required<Value>(_ key: String, _ expectation: Expectation<Value>) -> Value? {
        if !has(key) {
            known.insert(key)
            diagnostics.report(at: location, "'\(key)' is missing: expected \(expectation.description)")
            return nil
        }
        return value(key, expectation)
    }

    /// Lets `read` take the settings of the section `key`, when it is written.
    func section(_ key: String, _ read: (SectionReader) -> Void) {
        guard let node = entry(key)?.value, let reader = SectionReader(node, diagnostics) else { return }
        read(reader)
        reader.finish()
    }

    /// Lets `read` take the settings of each section in the list `key`, when it is written.
    func sections(_ key: String, _ read: (SectionReader) -> Void) {
        guard let node = entry(key)?.value, !node.isNothing else { return }
        guard case .sequence(let elements) = node.content else {
            diagnostics.report(
                at: node.location, "'\(key)': expected a list (lines that start with '- '), found \(node.summary)")
            return
        }
        for element in elements {
            guard let reader = SectionReader(element, diagnostics) else { continue }
            read(reader)
            reader.finish()
        }
    }

    /// The values of the list `key`, each with its place; a single value may stand for a list of one.
    func list<Value>(_ key: String, _ expectation: Expectation<Value>) -> [(value: Value, location: SourceLocation)] {
        guard let node = entry(key)?.value, !node.isNothing else { return [] }
        let elements =
            switch node.content {
            case .sequence(let elements): elements
            case .scalar: [node]
            case .mapping: [] as [YAMLNode]
            }
        if case .mapping = node.content {
            diagnostics.report(at: node.location, "'\(key)': expected a list, found \(node.summary)")
        }
        return elements.compactMap { element in
            if case .scalar(let text, let isPlain) = element.content, isPlain || expectation.takesQuoted,
                let value = expectation.parse(text)
            {
                return (value, element.location)
            }
            diagnostics.report(
                at: element.location, "'\(key)': expected \(expectation.description), found \(element.summary)")
            return nil
        }
    }

    /// The keys of a section whose keys are names and no settings.
    func names() -> [(name: String, location: SourceLocation)] {
        known.formUnion(entries.map(\.key))
        return entries.map { ($0.key, $0.keyLocation) }
    }

    /// Reports a fault that a single value does not show.
    func report(at location: SourceLocation, _ message: String) { diagnostics.report(at: location, message) }

    /// Reports every setting that was written but not asked for.
    func finish() {
        for entry in entries where !known.contains(entry.key) {
            let advice =
                if let nearest = Spelling.nearest(to: entry.key, among: known.sorted()) {
                    "did you mean '\(nearest)'?"
                } else {
                    "known here: \(known.sorted().joined(separator: ", "))"
                }
            diagnostics.report(at: entry.keyLocation, "'\(entry.key)' is not a setting; \(advice)")
        }
    }

    private func entry(_ key: String) -> YAMLNode.Entry? {
        known.insert(key)
        return entries.first { $0.key == key }
    }
}
