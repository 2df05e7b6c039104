/// Names and text of the definitions in the spelling of this house.
enum Spelling {
    private static let keywords: Set<String> = [
        "as", "break", "case", "class", "default", "defer", "do", "else", "enum", "extension", "false", "for", "func",
        "if", "import", "in", "init", "internal", "is", "let", "nil", "operator", "private", "protocol", "public",
        "repeat", "return", "self", "static", "struct", "super", "switch", "throw", "true", "try", "var", "where",
        "while",
    ]

    /// `LeaderIdAndEpoch` is `LeaderIDAndEpoch`.
    static func type(_ wireName: String) -> String {
        let letters = Array(wireName)
        var name = ""
        var index = 0
        while index < letters.count {
            if letters[index] == "I", index + 1 < letters.count, letters[index + 1] == "d",
                endsWord(letters, at: index + 2)
            {
                name += "ID"
                index += 2
            } else {
                name.append(letters[index])
                index += 1
            }
        }
        return name
    }

    /// Whether a word ends before `index`, but for the `s` of its plural.
    private static func endsWord(_ letters: [Character], at index: Int) -> Bool {
        guard index < letters.count else { return true }
        if letters[index] == "s" { return index + 1 == letters.count || letters[index + 1].isUppercase }
        return letters[index].isUppercase
    }

    /// `TopicId` is `topicID`.
    static func property(_ wireName: String) -> String {
        let name = type(wireName)
        return name.prefix(1).lowercased() + name.dropFirst()
    }

    /// A name where it could be taken for a keyword.
    static func escaped(_ name: String) -> String { keywords.contains(name) ? "`\(name)`" : name }

    /// The lines of a documentation comment, none longer than 120 columns.
    static func comment(_ text: String, indentation: Int) -> [String] {
        let margin = String(repeating: " ", count: indentation) + "///"
        var lines: [String] = []
        var line = margin
        for word in text.split(whereSeparator: \.isWhitespace) {
            if line.count + 1 + word.count > 120 {
                lines.append(line)
                line = margin
            }
            line += " \(word)"
        }
        return lines + [line]
    }

    /// `versions` in words: `versions 4 to 6`.
    static func words(_ versions: VersionRange) -> String {
        if versions.lowest == versions.highest { return "version \(versions.lowest)" }
        return "versions \(versions.lowest) to \(versions.highest)"
    }

    /// Which versions of `all` are in `part`, as a sentence.
    static func sentence(_ part: VersionRange, of all: VersionRange) -> String {
        if part.lowest == part.highest { return "Version \(part.lowest) only." }
        if part.highest >= all.highest { return "From version \(part.lowest)." }
        if part.lowest <= all.lowest { return "Up to version \(part.highest)." }
        return "Versions \(part.lowest) to \(part.highest)."
    }
}
