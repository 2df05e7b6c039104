/// The ordered rules of a broker; the first that matches decides, and a catch-all always does.
package struct RuleSet: Equatable, Sendable {
    /// The rules in the order they are tried, the catch-all not among them.
    package let rules: [Rule]

    /// The stream of topics that no rule matches; their key is the topic.
    package static let catchAllStream = "mqtt"

    /// A set that tries `rules` in their order.
    package init(_ rules: [Rule] = []) { self.rules = rules }

    /// The names of all streams that a topic can resolve to, each once, in order of first use; the catch-all's is last
    /// unless a rule names it too.
    package var streams: [String] {
        var names: [String] = []
        for name in rules.map(\.stream) + [Self.catchAllStream] where !names.contains(name) { names.append(name) }
        return names
    }

    /// How many rules at the front are those of device profiles.
    package var profiledCount: Int { rules.count { $0.profiled != nil } }

    /// Why a rule never decides where a topic goes.
    package enum Idleness: Equatable, Sendable {
        /// The rule at this place of `rules` comes first and takes all of its topics.
        case behind(ruleIndex: Int)
        /// Its topics begin with `$`: they are the broker's own, and are not stored.
        case systemTopics
    }

    /// The rules that never decide, by their places.
    ///
    /// A rule is compared with each before it; several of them that take its topics together are not seen.
    package var idle: [(ruleIndex: Int, reason: Idleness)] {
        rules.indices.compactMap { index in
            if rules[index].pattern.namesSystemTopics { return (index, .systemTopics) }
            let first = rules[..<index].firstIndex { $0.pattern.covers(rules[index].pattern) }
            return first.map { (index, .behind(ruleIndex: $0)) }
        }
    }

    /// The stream and key of a checked `topic`.
    /// - Complexity: O(rules × bytes); allocates, so its answer belongs in a `TopicCache`.
    package func resolve(_ topic: Span<UInt8>) -> Resolution {
        resolve(topic) { _, _ in }
    }

    /// Every rule tried for a checked `topic` with the reason why it does not match, and what matches in the end.
    package func explain(_ topic: Span<UInt8>) -> Explanation {
        var refusals: [Explanation.Refusal] = []
        let resolution = resolve(topic) { index, difference in
            let pattern = rules[index].pattern
            let reason = pattern.explain(difference, in: topic)
            refusals.append(Explanation.Refusal(ruleIndex: index, pattern: pattern.text, reason: reason))
        }
        return Explanation(topic: String(copying: topic), refusals: refusals, resolution: resolution)
    }

    private func resolve(_ topic: Span<UInt8>, refused: (Int, TopicPattern.Difference) -> Void) -> Resolution {
        for (index, rule) in rules.enumerated() {
            do throws(TopicPattern.Difference) {
                return resolution(index, rule, topic, try rule.pattern.match(topic))
            } catch {
                refused(index, error)
            }
        }
        return Resolution(
            profiled: nil, ruleIndex: nil, pattern: "#", stream: Self.catchAllStream,
            key: KeyTemplate.wholeTopic.key(of: topic, captures: []), captures: [])
    }

    private func resolution(_ index: Int, _ rule: Rule, _ topic: Span<UInt8>, _ ranges: [Range<Int>]) -> Resolution {
        let captures = zip(rule.pattern.captureNames, ranges).map { name, range in
            Resolution.Capture(name: name, value: String(copying: topic.extracting(range)))
        }
        return Resolution(
            profiled: rule.profiled, ruleIndex: index, pattern: rule.pattern.text, stream: rule.stream,
            key: rule.key.key(of: topic, captures: ranges), captures: captures)
    }
}

/// What a topic resolves to.
package struct Resolution: Equatable, Sendable {
    /// Which message of the device profiles the topic carries, by its place among them; nil for none.
    package let profiled: Int?
    /// The rule that matched, by its place in `RuleSet.rules`; nil for the catch-all.
    package let ruleIndex: Int?
    /// That rule's pattern as it was written; `#` for the catch-all.
    package let pattern: String
    /// The stream that holds the topic's records.
    package let stream: String
    /// The key of the topic's records.
    package let key: [UInt8]
    /// The levels that the pattern names, from left to right.
    package let captures: [Capture]

    /// A named part of a topic.
    package struct Capture: Equatable, Sendable {
        /// The name in the pattern.
        package let name: String
        /// What the topic has there.
        package let value: String
    }

    /// The partition of the topic's records when the stream has `partitionCount` of them.
    package func partition(partitionCount: Int) -> Int {
        KafkaPartitioner.partition(forKey: key.span, partitionCount: partitionCount)
    }
}

/// How a topic came to its stream, for `sluice explain`.
package struct Explanation: Equatable, Sendable {
    /// The topic asked about.
    package let topic: String
    /// The rules that were tried in vain, in order.
    package let refusals: [Refusal]
    /// The match, with its stream, key and captures.
    package let resolution: Resolution

    /// A rule that does not match.
    package struct Refusal: Equatable, Sendable {
        /// The rule's place in `RuleSet.rules`.
        package let ruleIndex: Int
        /// Its pattern as it was written.
        package let pattern: String
        /// The first level that differs.
        package let reason: TopicMismatch
    }
}
