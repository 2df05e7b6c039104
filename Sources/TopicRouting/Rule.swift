package import SluiceCore

/// One routing rule: topics that match `pattern` are stored in `stream` under the key that `key` makes of them.
package struct Rule: Equatable, Sendable {
    /// Which topics, and which of their levels have names.
    package let pattern: TopicPattern
    /// The stream that holds their records.
    package let stream: String
    /// What their records' key is made of.
    package let key: KeyTemplate
    /// Which message of the device profiles it is, by its place among them; nil for a rule of the configuration.
    package let profiled: Int?

    /// The name that means the whole topic in a key template.
    static let wholeTopic = "topic"

    /// Reads a rule as the configuration writes it.
    /// - Throws: the first thing wrong with it; `RuleError.field` says in which part.
    package init(
        from pattern: String, stream: String, key: String, profiled: Int? = nil, limits: Limits = Limits()
    ) throws(RuleError) {
        self.profiled = profiled
        self.pattern = try TopicPattern(pattern, limits: limits)
        guard StreamName.isValid(stream) else { throw .streamName(stream) }
        self.stream = stream
        self.key = try KeyTemplate(key, captureNames: self.pattern.captureNames)
    }
}
