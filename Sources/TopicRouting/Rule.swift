package import SluiceCore

/// One routing rule: topics that match `pattern` are stored in `stream` under the key that `key` makes of them.
package struct Rule: Equatable, Sendable {
    /// Which topics, and which of their levels have names.
    package let pattern: TopicPattern
    /// The stream that holds their records.
    package let stream: String
    /// What their records' key is made of.
    package let key: KeyTemplate

    /// The name that means the whole topic in a key template.
    static let wholeTopic = "topic"

    /// Reads a rule as the configuration writes it.
    /// - Throws: the first thing wrong with it; `RuleError.field` says in which part.
    package init(
        from pattern: String, stream: String, key: String, limits: Limits = Limits()
    ) throws(RuleError) {
        self.pattern = try TopicPattern(pattern, limits: limits)
        guard Self.isStreamName(stream) else { throw .streamName(stream) }
        self.stream = stream
        self.key = try KeyTemplate(key, captureNames: self.pattern.captureNames)
    }

    /// Whether Kafka would take `name` as a topic's name.
    /// Source: Kafka's `org.apache.kafka.common.internals.Topic`.
    package static func isStreamName(_ name: String) -> Bool {
        guard (1...249).contains(name.utf8.count), name != ".", name != ".." else { return false }
        return name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
    }
}
