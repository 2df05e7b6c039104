import Administration
import TopicRouting

/// What is wrong with a file of rules, users or keys; the whole file is refused.
package struct SecurityFileError: Error, Equatable, Sendable {
    /// The file as it was named.
    package let file: String
    /// The line, from 1.
    package let line: Int
    /// What was expected and what was found. A secret is never part of it.
    package let message: String
}

extension SecurityFileError: CustomStringConvertible {
    /// `file:line: message`, as editors understand it.
    package var description: String { "\(file):\(line): \(message)" }
}

extension AccessRules {
    /// Reads an ACL file of Mosquitto's.
    ///
    /// Layout: lines of `user NAME`, `topic [read|write|readwrite|deny] FILTER` and `pattern [...] FILTER`; `#` in the
    /// first column begins a comment; blanks around words and at the end of a line are none of them. Rules before the
    /// first `user` are those of clients without a user name; patterns apply to everybody, wherever they stand.
    /// Source: mosquitto.conf(5), `acl_file`; mosquitto 2.0.11's reading of it.
    /// - Parameters:
    ///   - text: the bytes of the file; a byte order mark and carriage returns are passed over.
    ///   - file: its name in errors and descriptions.
    /// - Throws: the first error, with its line.
    package static func mosquitto(_ text: [UInt8], file: String) throws(SecurityFileError) -> AccessRules {
        var reader = AccessFileReader(file: file)
        for (index, line) in SecurityLines.split(text).enumerated() { try reader.take(line, index + 1) }
        return reader.builder.build()
    }
}

/// The lines of a file as Mosquitto sees them.
enum SecurityLines {
    /// The lines, without a byte order mark and without blanks at their ends.
    static func split(_ text: [UInt8]) -> [ArraySlice<UInt8>] {
        let content = text.starts(with: [0xEF, 0xBB, 0xBF]) ? text.dropFirst(3) : text[...]
        return content.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map(trimmedEnd)
    }

    /// Without blanks at the end.
    static func trimmedEnd(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var bytes = bytes
        while let last = bytes.last, isBlank(last) { bytes.removeLast() }
        return bytes
    }

    /// Without blanks at both ends.
    static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> { trimmedEnd(bytes.drop(while: isBlank)) }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
}

/// Takes an ACL file line by line.
private struct AccessFileReader {
    let file: String
    var builder: AccessRulesBuilder
    private var target: AccessRulesBuilder.Target?
    private var user: [UInt8]?

    init(file: String) {
        self.file = file
        builder = AccessRulesBuilder(file: file)
    }

    mutating func take(_ line: ArraySlice<UInt8>, _ number: Int) throws(SecurityFileError) {
        if line.first == UInt8(ascii: "#") { return }
        if line.contains(0) { throw error(number, "expected text, found a null character") }
        let words = line.drop { $0 == Self.space }
        guard !words.isEmpty else { return }
        let keyword = words.prefix { $0 != Self.space }
        let rest = words[keyword.endIndex...].drop { $0 == Self.space }
        switch String(decoding: keyword, as: UTF8.self) {
        case "user":
            let name = SecurityLines.trimmed(rest)
            if name.isEmpty { throw error(number, "'user' needs a name") }
            user = Array(name)
            target = nil
        case "topic": try takeTopic(rest, number)
        case "pattern": try takePattern(rest, number)
        case let other:
            let advice = Nearest.advice(for: other, among: ["user", "topic", "pattern"])
            throw error(number, "expected 'user', 'topic', 'pattern' or '#', found '\(other)'\(advice)")
        }
    }

    private mutating func takeTopic(_ rest: ArraySlice<UInt8>, _ number: Int) throws(SecurityFileError) {
        let (grant, filter) = try split(rest, number, "topic")
        let target: AccessRulesBuilder.Target
        if let known = self.target {
            target = known
        } else if let user {
            target = builder.user(user)
        } else {
            target = builder.anonymousTarget()
        }
        self.target = target
        try add(grant, filter, to: target, number, "topic")
    }

    private mutating func takePattern(_ rest: ArraySlice<UInt8>, _ number: Int) throws(SecurityFileError) {
        let (grant, filter) = try split(rest, number, "pattern")
        try add(grant, filter, to: builder.patternTarget(), number, "pattern")
    }

    private mutating func add(
        _ grant: Grant, _ filter: ArraySlice<UInt8>, to target: AccessRulesBuilder.Target, _ number: Int,
        _ keyword: String
    ) throws(SecurityFileError) {
        do throws(TopicSyntaxError) {
            try builder.add(
                grant, filter, to: target, line: number, lead: "\(keyword) \(grant.word)",
                takesPlaceholders: keyword == "pattern")
        } catch {
            let words = String(decoding: filter, as: UTF8.self)
            throw self.error(number, "expected a topic filter, found '\(words)': \(error)")
        }
    }

    /// One word is a filter, whatever it is; before more there is a word that grants.
    private func split(
        _ rest: ArraySlice<UInt8>, _ number: Int, _ keyword: String
    ) throws(SecurityFileError) -> (Grant, ArraySlice<UInt8>) {
        let first = rest.prefix { $0 != Self.space }
        if first.isEmpty { throw error(number, "'\(keyword)' needs a topic filter") }
        // The line ends with no blank, so a space is followed by more.
        guard first.endIndex < rest.endIndex else { return (.readWrite, first) }
        let word = String(decoding: first, as: UTF8.self)
        guard let grant = Grant.allCases.first(where: { $0.word == word }) else {
            let advice = Nearest.advice(for: word, among: Grant.allCases.map(\.word))
            throw error(
                number, "expected 'read', 'write', 'readwrite' or 'deny' after '\(keyword)', found '\(word)'\(advice)")
        }
        return (grant, SecurityLines.trimmed(rest[first.endIndex...]))
    }

    private func error(_ line: Int, _ message: String) -> SecurityFileError {
        SecurityFileError(file: file, line: line, message: message)
    }

    private static let space = UInt8(ascii: " ")
}
