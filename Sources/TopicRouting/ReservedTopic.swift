/// Topics that are the broker's own. Any other topic that starts with `$` is a topic like those without; only a filter
/// that starts with a wildcard does not match it [MQTT-4.7.2-1].
package enum ReservedTopic {
    /// What the broker says of itself.
    package static let system = "$SYS"
    /// What stands before the topic of a message that its device's profile does not take.
    package static let deadLetters = "$dlq"
    /// First levels of filters that ask for something else than their topics, and of requests.
    package static let requests = ["$share", "$stream", "$replay", "$sluice"]

    /// Whether nobody but the broker publishes on a topic.
    /// - Complexity: O(1) for topics that do not start with `$`.
    package static func contains(_ topic: Span<UInt8>) -> Bool {
        guard !topic.isEmpty, topic[0] == ASCII.dollar else { return false }
        let level = topic.extracting(0..<FilterSyntax.levelEnd(in: topic, from: 0))
        return level.equals(system) || level.equals(deadLetters) || requests.contains { level.equals($0) }
    }
}

extension Span<UInt8> {
    fileprivate func equals(_ text: String) -> Bool {
        guard count == text.utf8.count else { return false }
        var index = 0
        for byte in text.utf8 {
            guard self[index] == byte else { return false }
            index += 1
        }
        return true
    }
}
