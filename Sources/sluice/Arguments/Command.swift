/// An option, as the table of commands lists it.
struct CommandOption: Sendable {
    /// The long name, without dashes.
    let name: String
    /// The one-letter form, if there is one.
    var letter: Character?
    /// What its value is called in the help; nil for a switch.
    var value: String?
    /// One line.
    let help: String

    init(_ name: String, letter: Character? = nil, value: String? = nil, _ help: String) {
        self.name = name
        self.letter = letter
        self.value = value
        self.help = help
    }
}

/// One command: what it takes, what it says about itself, and what it does.
struct Command: Sendable {
    /// One or two words: `serve`, `log dump`.
    let name: String
    /// What stands behind the name, by the names that the help gives them; all of them must be there.
    var operands: [String] = []
    /// What may follow the operands.
    var optionalOperands: [String] = []
    let summary: String
    /// What the summary and the options do not say; may be empty.
    var notes = ""
    /// A whole command line that works.
    let example: String
    var options: [CommandOption] = []
    /// Does it.
    /// - Returns: the process's exit code.
    let run: @Sendable (Arguments) throws -> Int32
}

/// Exit codes that scripts can trust.
enum ExitCode {
    /// It was done.
    static let success: Int32 = 0
    /// It was not, or what was looked for is not as it should be; the reason is on standard error.
    static let failure: Int32 = 1
    /// The command line was not understood, and nothing was done.
    static let usage: Int32 = 2
}

/// A command line that is not understood.
struct UsageError: Error, CustomStringConvertible {
    let description: String
    /// The command that was meant, when that much was clear.
    var command: Command?
}

/// A command that could not be done.
struct CommandFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
