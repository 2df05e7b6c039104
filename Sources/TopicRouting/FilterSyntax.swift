package import SluiceCore

/// The grammar of topic names and topic filters, and which filter matches which name, on raw UTF-8 bytes.
///
/// That the bytes are UTF-8 is the packet decoder's business; nothing here depends on it.
/// Source: MQTT 5.0 §4.7.
package enum FilterSyntax {
    /// Checks a topic name as a publisher may use it.
    /// - Throws: the first violation; the publish must be refused.
    /// - Complexity: O(n), no allocation.
    package static func check(topic: Span<UInt8>, limits: Limits = Limits()) throws(TopicSyntaxError) {
        try checkLength(topic, limits)
        var levelCount = 1
        for offset in topic.indices {
            switch topic[offset] {
            case ASCII.slash: levelCount += 1
            case ASCII.null: throw .nullCharacter(byteOffset: offset)
            case ASCII.plus, ASCII.hash: throw .wildcardInTopic(byteOffset: offset)
            default: break
            }
        }
        if levelCount > limits.topicLevelsMax { throw .tooManyLevels(max: limits.topicLevelsMax) }
    }

    /// Checks a topic filter: `+` and `#` alone in their level, `#` last.
    /// - Throws: the first violation; the subscription must be refused.
    /// - Complexity: O(n), no allocation.
    package static func check(filter: Span<UInt8>, limits: Limits = Limits()) throws(TopicSyntaxError) {
        try checkLength(filter, limits)
        var levelCount = 1
        for offset in filter.indices {
            switch filter[offset] {
            case ASCII.slash: levelCount += 1
            case ASCII.null: throw .nullCharacter(byteOffset: offset)
            case ASCII.plus:
                guard isAlone(offset, in: filter) else { throw .plusNotAlone(byteOffset: offset) }
            case ASCII.hash:
                guard isAlone(offset, in: filter) else { throw .hashNotAlone(byteOffset: offset) }
                guard offset == filter.count - 1 else { throw .hashNotLast(byteOffset: offset) }
            default: break
            }
        }
        if levelCount > limits.topicLevelsMax { throw .tooManyLevels(max: limits.topicLevelsMax) }
    }

    /// Whether a checked `filter` matches a checked `topic`.
    ///
    /// A topic that starts with `$` is not matched by a filter that starts with a wildcard; `sport/#` matches `sport`.
    /// - Complexity: O(n), no allocation.
    package static func matches(filter: Span<UInt8>, topic: Span<UInt8>) -> Bool {
        guard !filter.isEmpty, !topic.isEmpty else { return false }
        if topic[0] == ASCII.dollar, filter[0] == ASCII.plus || filter[0] == ASCII.hash { return false }
        var position = 0
        for offset in filter.indices {
            let byte = filter[offset]
            if byte == ASCII.hash { return true }
            if byte == ASCII.plus {
                position = levelEnd(in: topic, from: position)
                continue
            }
            if position < topic.count, topic[position] == byte {
                position += 1
                continue
            }
            // The parent level: the topic ends where the filter goes on with "/#".
            return position == topic.count && byte == ASCII.slash
                && offset + 2 == filter.count && filter[offset + 1] == ASCII.hash
        }
        return position == topic.count
    }

    /// Where the level that starts at `start` ends: the next separator, or the end.
    @inline(__always)
    package static func levelEnd(in bytes: Span<UInt8>, from start: Int) -> Int {
        var end = start
        while end < bytes.count, bytes[end] != ASCII.slash { end += 1 }
        return end
    }

    private static func checkLength(_ bytes: Span<UInt8>, _ limits: Limits) throws(TopicSyntaxError) {
        if bytes.isEmpty { throw .empty }
        if bytes.count > limits.topicBytesMax {
            throw .tooLong(byteCount: bytes.count, max: limits.topicBytesMax)
        }
    }

    private static func isAlone(_ offset: Int, in filter: Span<UInt8>) -> Bool {
        let startsLevel = offset == 0 || filter[offset - 1] == ASCII.slash
        let endsLevel = offset == filter.count - 1 || filter[offset + 1] == ASCII.slash
        return startsLevel && endsLevel
    }
}

/// The characters that mean something in topics, filters and patterns.
enum ASCII {
    static let null = UInt8(ascii: "\0")
    static let hash = UInt8(ascii: "#")
    static let dollar = UInt8(ascii: "$")
    static let plus = UInt8(ascii: "+")
    static let slash = UInt8(ascii: "/")
    static let openBrace = UInt8(ascii: "{")
    static let closeBrace = UInt8(ascii: "}")
}
