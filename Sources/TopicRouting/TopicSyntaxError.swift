/// Why a topic name or topic filter is refused, with the byte at fault.
///
/// Source: MQTT 5.0 §4.7.1, §4.7.3; MQTT 3.1.1 says the same.
package enum TopicSyntaxError: Error, Equatable, Sendable {
    /// No byte at all.
    case empty
    /// More bytes than `Limits.topicBytesMax`.
    case tooLong(byteCount: Int, max: Int)
    /// More levels than `Limits.topicLevelsMax`.
    case tooManyLevels(max: Int)
    /// U+0000.
    case nullCharacter(byteOffset: Int)
    /// `+` or `#` in a topic name.
    case wildcardInTopic(byteOffset: Int)
    /// `+` that shares its level with other characters.
    case plusNotAlone(byteOffset: Int)
    /// `#` that shares its level with other characters.
    case hashNotAlone(byteOffset: Int)
    /// `#` before the last level.
    case hashNotLast(byteOffset: Int)

    /// The statement of MQTT 5.0 that is violated; a limit of ours has none.
    package var clause: String? {
        switch self {
        case .empty: "MQTT-4.7.3-1"
        case .tooLong, .tooManyLevels: nil
        case .nullCharacter: "MQTT-4.7.3-2"
        case .wildcardInTopic: "MQTT-3.3.2-2"
        case .plusNotAlone: "MQTT-4.7.1-2"
        case .hashNotAlone, .hashNotLast: "MQTT-4.7.1-1"
        }
    }
}

extension TopicSyntaxError: CustomStringConvertible {
    /// One sentence for logs, reason strings and configuration errors.
    package var description: String {
        switch self {
        case .empty: "it is empty"
        case .tooLong(let byteCount, let max): "it has \(byteCount) bytes, the limit is \(max)"
        case .tooManyLevels(let max): "it has more than \(max) levels"
        case .nullCharacter(let offset): "it holds the null character at byte \(offset)"
        case .wildcardInTopic(let offset): "a topic name holds no wildcard, but there is one at byte \(offset)"
        case .plusNotAlone(let offset): "'+' at byte \(offset) must be alone in its level"
        case .hashNotAlone(let offset): "'#' at byte \(offset) must be alone in its level"
        case .hashNotLast(let offset): "'#' at byte \(offset) must be the last level"
        }
    }
}
