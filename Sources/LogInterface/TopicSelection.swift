import Checksums

/// The topics that a reader of history wants: some by name, others by what their filters match.
///
/// It is a hint. An engine may return records of other topics as well, and those that have no topic at all; it must not
/// leave out one that is selected. No selection means every topic.
/// Isolation: an immutable value.
package struct TopicSelection: Sendable {
    /// Topics that begin with a prefix and satisfy a predicate.
    package struct Wildcard: Sendable {
        /// What every matching topic begins with; the longer it is, the less of what there is must be looked through.
        package let prefix: [UInt8]
        /// Whether a topic, of those that begin with the prefix, is selected.
        package let matches: @Sendable (Span<UInt8>) -> Bool

        /// A filter from its literal beginning and its predicate.
        package init(prefix: [UInt8], matches: @escaping @Sendable (Span<UInt8>) -> Bool) {
            self.prefix = prefix
            self.matches = matches
        }
    }

    /// A topic by name, with its hash.
    package struct Topic: Sendable {
        /// The topic.
        package var bytes: [UInt8]
        /// Its XXH3.
        package var hash: UInt64
    }

    /// The topics selected by name, sorted by their bytes.
    package let topics: [Topic]
    /// The filters with wildcards.
    package let wildcards: [Wildcard]
    private let identity = Identity()

    // An object, because closures cannot be compared.
    private final class Identity: Sendable {}

    /// A selection of `topics`, in any order, and of what `wildcards` match.
    package init(topics: [[UInt8]], wildcards: [Wildcard] = []) {
        var sorted: [Topic] = []
        for bytes in topics.sorted(by: { $0.lexicographicallyPrecedes($1) }) where bytes != sorted.last?.bytes {
            sorted.append(Topic(bytes: bytes, hash: XXH3.hash(bytes.span)))
        }
        self.topics = sorted
        self.wildcards = wildcards
    }

    /// Whether both are copies of one selection, so that a plan made for one serves the other.
    package func isSame(as other: TopicSelection) -> Bool { identity === other.identity }

    /// Whether `topic` is selected.
    /// - Complexity: O(log topics + wildcards).
    package func contains(_ topic: Span<UInt8>) -> Bool {
        var low = 0
        var high = topics.count
        while low < high {
            let middle = (low + high) / 2
            let bytes = topics[middle].bytes
            let order = TopicOrder.compare(bytes.span, topic)
            if order == 0 { return true }
            if order < 0 { low = middle + 1 } else { high = middle }
        }
        return wildcards.contains { wildcard in
            TopicOrder.hasPrefix(topic, wildcard.prefix) && wildcard.matches(topic)
        }
    }
}

/// The order of topics in a dictionary: by their bytes.
package enum TopicOrder {
    /// Less than, equal to or greater than 0 as `left` comes before, is, or comes after `right`.
    package static func compare(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Int {
        let shared = sharedCount(left, right)
        if shared < left.count, shared < right.count { return Int(left[shared]) - Int(right[shared]) }
        return left.count - right.count
    }

    /// How many bytes both begin with.
    package static func sharedCount(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Int {
        let count = min(left.count, right.count)
        var index = 0
        while index < count, left[index] == right[index] { index += 1 }
        return index
    }

    /// Whether `topic` begins with `prefix`.
    package static func hasPrefix(_ topic: Span<UInt8>, _ prefix: [UInt8]) -> Bool {
        topic.count >= prefix.count && sharedCount(topic, prefix.span) == prefix.count
    }
}
