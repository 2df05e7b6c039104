import TopicRouting

/// The names that stand for `%u` and `%c` in one connection's patterns.
struct Names: Sendable {
    /// The user name; nil for a client that showed none.
    var user: [UInt8]?
    /// The client identifier.
    var client: [UInt8]

    /// Whether a name would be a wildcard in a pattern, or end it.
    var areDangerous: Bool { Self.isDangerous(user ?? []) || Self.isDangerous(client) }

    private static func isDangerous(_ name: [UInt8]) -> Bool {
        name.contains { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "#") || $0 == 0 }
    }
}

/// Patterns: filters in which `%u` and `%c` stand for the names of whom they are asked about.
enum PatternMatch {
    /// Whether a filter holds `%u` or `%c`.
    static func hasPlaceholders(_ filter: some Collection<UInt8>) -> Bool {
        var last: UInt8 = 0
        for byte in filter {
            if last == UInt8(ascii: "%"), byte == UInt8(ascii: "u") || byte == UInt8(ascii: "c") { return true }
            last = byte
        }
        return false
    }

    /// Whether `pattern` matches `topic` when `names`, which are not dangerous, stand in it.
    ///
    /// A pattern with `%u` matches nothing for a client without a user name. Names are literal: a `/` in one is a
    /// separator as any other.
    /// - Complexity: O(n), no allocation.
    static func matches(_ pattern: Span<UInt8>, _ topic: Span<UInt8>, _ names: borrowing Names) -> Bool {
        guard !pattern.isEmpty, !topic.isEmpty else { return false }
        if topic[0] == UInt8(ascii: "$"), pattern[0] == UInt8(ascii: "+") || pattern[0] == UInt8(ascii: "#") {
            return false
        }
        var position = 0
        var offset = 0
        while offset < pattern.count {
            let byte = pattern[offset]
            if byte == UInt8(ascii: "#") { return true }
            if byte == UInt8(ascii: "+") {
                position = FilterSyntax.levelEnd(in: topic, from: position)
                offset += 1
                continue
            }
            if byte == UInt8(ascii: "%"), offset + 1 < pattern.count {
                let isUser = pattern[offset + 1] == UInt8(ascii: "u")
                if isUser || pattern[offset + 1] == UInt8(ascii: "c") {
                    guard let end = end(of: isUser ? names.user : names.client, in: topic, from: position) else {
                        return false
                    }
                    position = end
                    offset += 2
                    continue
                }
            }
            if position < topic.count, topic[position] == byte {
                position += 1
                offset += 1
                continue
            }
            // The parent level: the topic ends where the pattern goes on with "/#".
            return position == topic.count && byte == UInt8(ascii: "/")
                && offset + 2 == pattern.count && pattern[offset + 1] == UInt8(ascii: "#")
        }
        return position == topic.count
    }

    private static func end(of name: [UInt8]?, in topic: Span<UInt8>, from start: Int) -> Int? {
        guard let name, start + name.count <= topic.count else { return nil }
        let end = start + name.count
        return topic.extracting(start..<end).holdsSameBytes(as: name.span) ? end : nil
    }

    /// The filter that `pattern` is for `names`; nil when it stands for nothing without a user name.
    static func filter(_ pattern: Span<UInt8>, _ names: borrowing Names) -> [UInt8]? {
        var filter: [UInt8] = []
        var offset = 0
        while offset < pattern.count {
            if pattern[offset] == UInt8(ascii: "%"), offset + 1 < pattern.count {
                if pattern[offset + 1] == UInt8(ascii: "u") {
                    guard let user = names.user else { return nil }
                    filter += user
                    offset += 2
                    continue
                }
                if pattern[offset + 1] == UInt8(ascii: "c") {
                    filter += names.client
                    offset += 2
                    continue
                }
            }
            filter.append(pattern[offset])
            offset += 1
        }
        return filter
    }
}
