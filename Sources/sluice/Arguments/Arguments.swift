import Administration
import SluiceConfiguration

/// A command line that was understood: the command's operands and options.
struct Arguments: Sendable {
    let command: Command
    private(set) var operands: [String] = []
    private var values: [String: String] = [:]
    private var switches: Set<String> = []

    /// Reads the words behind the command's name.
    ///
    /// Ours and not `getopt_long`, whose results are mutable globals (`optarg`, `optind`) that Swift 6 does not let
    /// anybody read. The grammar is the same, without abbreviations: `--name VALUE`, `--name=VALUE`, `-n VALUE`,
    /// `-nVALUE`, `--`.
    init(_ words: some Sequence<String>, of command: Command) throws(UsageError) {
        self.command = command
        var words = Array(words)[...]
        var areOptionsOver = false
        while let word = words.popFirst() {
            if areOptionsOver || !Self.isDashed(word) {
                operands.append(word)
            } else if word == "--" {
                areOptionsOver = true
            } else {
                try take(word, &words)
            }
        }
        try checkOperands()
    }

    /// Whether the words ask for the command's page; the value of an option is none.
    static func asksForHelp(_ words: ArraySlice<String>, of command: Command) -> Bool {
        var words = words
        while let word = words.popFirst(), word != "--" {
            if word == "--help" || word == "-h" { return true }
            let takesValue = command.options.contains { option in
                option.value != nil && (word == "--\(option.name)" || option.letter.map { word == "-\($0)" } ?? false)
            }
            if takesValue { _ = words.popFirst() }
        }
        return false
    }

    /// Whether a word begins as an option does; a span such as `-24h` is a value, since no option is called by a digit.
    private static func isDashed(_ word: String) -> Bool {
        guard word.hasPrefix("-"), let second = word.dropFirst().first else { return false }
        return !(second.isASCII && second.isNumber)
    }

    private mutating func take(_ word: String, _ words: inout ArraySlice<String>) throws(UsageError) {
        let (option, attached) = try find(word)
        guard let placeholder = option.value else {
            if attached != nil { throw error("--\(option.name) takes no value") }
            switches.insert(option.name)
            return
        }
        guard let value = attached ?? words.popFirst(), attached != nil || !isOption(value) else {
            throw error("--\(option.name) needs a value: \(placeholder)")
        }
        guard values.updateValue(value, forKey: option.name) == nil else {
            throw error("--\(option.name) is given twice")
        }
    }

    /// The option that a word names, and the value that the word carries itself.
    private func find(_ word: String) throws(UsageError) -> (CommandOption, String?) {
        if word.hasPrefix("--") {
            let parts = word.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0])
            guard let option = command.options.first(where: { $0.name == name }) else {
                throw unknown("--\(name)", among: command.options.map { "--\($0.name)" } + ["--help"])
            }
            return (option, parts.count > 1 ? String(parts[1]) : nil)
        }
        let letter = word[word.index(after: word.startIndex)]
        guard let option = command.options.first(where: { $0.letter == letter }) else {
            throw unknown(word, among: command.options.map { "--\($0.name)" } + ["--help"])
        }
        let rest = word.dropFirst(2)
        return (option, rest.isEmpty ? nil : String(rest.hasPrefix("=") ? rest.dropFirst() : rest))
    }

    private func isOption(_ word: String) -> Bool {
        command.options.contains { word == "--\($0.name)" || word.hasPrefix("--\($0.name)=") }
    }

    private func checkOperands() throws(UsageError) {
        if operands.count < command.operands.count {
            throw error("\(command.operands[operands.count]) is missing")
        }
        let most = command.operands.count + command.optionalOperands.count
        if operands.count > most { throw error("'\(operands[most])' is one argument too many") }
    }

    private func unknown(_ word: String, among known: [String]) -> UsageError {
        error("there is no option '\(word)'\(Nearest.advice(for: word, among: known))")
    }

    /// A complaint about this command line.
    func error(_ text: String) -> UsageError { UsageError(description: text, command: command) }

    // MARK: Values

    /// Whether a switch is given.
    func has(_ name: String) -> Bool {
        precondition(command.options.contains { $0.name == name && $0.value == nil }, "Cannot ask for '\(name)' here")
        return switches.contains(name)
    }

    /// Whether an option is given, with a value or without.
    func isGiven(_ name: String) -> Bool { switches.contains(name) || values[name] != nil }

    /// An option's value as it was given.
    func text(_ name: String) -> String? {
        precondition(command.options.contains { $0.name == name && $0.value != nil }, "Cannot ask for '\(name)' here")
        return values[name]
    }

    /// An option's value, read by `parse`.
    /// - Throws: `UsageError` with what was expected, when `parse` does not take it.
    func value<Value>(
        _ name: String, expected: String, _ parse: (String) -> Value?
    ) throws(UsageError) -> Value? {
        guard let text = text(name) else { return nil }
        guard let value = parse(text) else { throw error("--\(name) '\(text)': expected \(expected)") }
        return value
    }

    /// A whole number within `range`.
    func integer(_ name: String, _ range: ClosedRange<Int>) throws(UsageError) -> Int? {
        let expected = "a whole number from \(range.lowerBound) to \(range.upperBound)"
        return try value(name, expected: expected) { text in
            guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
                let number = Int(text), range.contains(number)
            else { return nil }
            return number
        }
    }

    /// A host and a port to listen on.
    func address(_ name: String) throws(UsageError) -> ListenAddress? {
        try value(name, expected: "HOST:PORT, such as 127.0.0.1:1883") { ListenAddress($0) }
    }
}
