/// A value of a YAML document with its place.
struct YAMLNode {
    var content: Content
    var location: SourceLocation

    indirect enum Content {
        /// Text; `isPlain` when it had no quotes, so that it may be a number or nothing.
        case scalar(String, isPlain: Bool)
        case sequence([YAMLNode])
        case mapping([Entry])
    }

    struct Entry {
        var key: String
        var keyLocation: SourceLocation
        var value: YAMLNode
    }

    /// Whether nothing is written: a key without a value, or YAML's `null` and `~`.
    var isNothing: Bool {
        guard case .scalar(let text, isPlain: true) = content else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(text)
    }

    /// What is there, for messages.
    var summary: String {
        if isNothing { return "nothing" }
        switch content {
        case .scalar(let text, isPlain: true): return "'\(text)'"
        case .scalar(let text, isPlain: false): return "the quoted text \"\(text)\""
        case .sequence: return "a list"
        case .mapping: return "a section"
        }
    }
}
