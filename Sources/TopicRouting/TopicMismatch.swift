/// Why a pattern does not match a topic: the first level that differs.
package enum TopicMismatch: Error, Equatable, Sendable {
    /// The level at `index`, counted from 0, holds something else.
    case level(index: Int, expected: String, found: String)
    /// The topic ends before the pattern's level at `levelIndex`.
    case topicShorter(levelIndex: Int, expected: String)
    /// The topic goes on after the pattern's last level.
    case topicLonger(patternLevelCount: Int, found: String)
    /// A topic that starts with `$` is not matched by a leading wildcard (MQTT 5.0 [MQTT-4.7.2-1]).
    case systemTopic
}

extension TopicMismatch: CustomStringConvertible {
    /// One sentence for people; levels are counted from 1.
    package var description: String {
        switch self {
        case .level(let index, let expected, let found): "level \(index + 1) is '\(found)', not '\(expected)'"
        case .topicShorter(let index, let expected): "the topic ends before level \(index + 1), '\(expected)'"
        case .topicLonger(let count, let found): "the topic goes on after level \(count) with '\(found)'"
        case .systemTopic: "a topic that starts with '$' is not matched by a leading wildcard"
        }
    }
}
