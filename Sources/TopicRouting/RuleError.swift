/// What is wrong with a routing rule, told to the person who wrote it.
package enum RuleError: Error, Equatable, Sendable {
    /// The pattern is no topic filter once its captures are read as wildcards.
    case pattern(String, TopicSyntaxError)
    /// Braces that share their level with other characters.
    case captureNotWholeLevel(level: String)
    /// A capture's name that is not a letter or `_` followed by letters, digits and `_`.
    case captureName(String)
    /// A name that already means something in key templates.
    case captureReserved(String)
    /// The same name for two levels.
    case captureRepeated(String)
    /// `{name...}` before the last level.
    case captureOfRestNotLast(String)
    /// A stream name that Kafka would refuse as a topic name.
    case streamName(String)
    /// A key template without any text.
    case keyEmpty
    /// A brace without its partner.
    case keyBrace(key: String, byteOffset: Int)
    /// A name in the key template that the pattern does not capture.
    case keyUnknownCapture(name: String, known: [String])

    /// The part of a rule that an error is about, named as in the configuration.
    package enum Field: String, Sendable {
        /// The pattern.
        case from
        /// The stream's name.
        case stream
        /// The key template.
        case key
    }

    /// The part of the rule to mend.
    package var field: Field {
        switch self {
        case .pattern, .captureNotWholeLevel, .captureName, .captureReserved, .captureRepeated, .captureOfRestNotLast:
            .from
        case .streamName: .stream
        case .keyEmpty, .keyBrace, .keyUnknownCapture: .key
        }
    }
}

extension RuleError: CustomStringConvertible {
    /// One sentence that says what is wrong and what would be right.
    package var description: String {
        switch self {
        case .pattern(let pattern, let error):
            return "'\(pattern)' is not a topic filter: \(error)"
        case .captureNotWholeLevel(let level):
            return "a capture is a whole level, such as '{site}', but the level is '\(level)'"
        case .captureName(let name):
            return "'{\(name)}' does not name a capture: use letters, digits and '_', not starting with a digit"
        case .captureReserved(let name):
            return "'{\(name)}' always means the whole topic in a key; give the level another name"
        case .captureRepeated(let name):
            return "'{\(name)}' captures two levels; give each its own name"
        case .captureOfRestNotLast(let name):
            return "'{\(name)...}' captures the rest of the topic and must be the last level"
        case .streamName(let name):
            return "'\(name)' is not a stream name: use 1 to 249 of the characters a-z A-Z 0-9 . _ - (not '.' or '..')"
        case .keyEmpty:
            return "the key is empty; '{topic}' makes the whole topic the key"
        case .keyBrace(let key, let offset):
            return "the brace at byte \(offset) of the key '\(key)' has no partner"
        case .keyUnknownCapture(let name, let known):
            let names = (known + [Rule.wholeTopic]).map { "{\($0)}" }.joined(separator: ", ")
            return "the key uses '{\(name)}', which the pattern does not capture; it may use \(names)"
        }
    }
}
