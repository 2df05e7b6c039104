/// One thing wrong with a configuration, with the place to mend.
package struct ConfigurationError: Error, Equatable, Sendable {
    /// The file as it was named, or the environment variable.
    package let file: String
    /// The line, counted from 1; 0 where there is none, as in the environment.
    package let line: Int
    /// The column, counted from 1; 0 where there is none.
    package let column: Int
    /// What was found and what was expected.
    package let message: String

    /// An error at `location`.
    package init(at location: SourceLocation, _ message: String) {
        file = location.file
        line = location.line
        column = location.column
        self.message = message
    }
}

extension ConfigurationError: CustomStringConvertible {
    /// `file:line:column: message`, as editors understand it.
    package var description: String {
        line == 0 ? "\(file): \(message)" : "\(file):\(line):\(column): \(message)"
    }
}

/// Everything found wrong with a configuration, which is refused whole.
package struct ConfigurationErrors: Error, Equatable, Sendable {
    /// The first errors, in the order they were found.
    package let errors: [ConfigurationError]
    /// How many more there are.
    package let moreCount: Int

    /// More than a screenful helps nobody.
    package static let shownMax = 20

    /// The report of `errors`, of which there is at least one.
    package init(_ errors: [ConfigurationError]) {
        precondition(!errors.isEmpty)
        self.errors = Array(errors.prefix(Self.shownMax))
        moreCount = max(0, errors.count - Self.shownMax)
    }
}

extension ConfigurationErrors: CustomStringConvertible {
    /// One error a line.
    package var description: String {
        var lines = errors.map(\.description)
        if moreCount > 0 { lines.append("and \(moreCount) more") }
        return lines.joined(separator: "\n")
    }
}

/// Where a setting was written.
package struct SourceLocation: Equatable, Sendable {
    /// The file as it was named, or the environment variable.
    package let file: String
    /// The line, counted from 1; 0 where there is none.
    package let line: Int
    /// The column, counted from 1; 0 where there is none.
    package let column: Int

    /// A place in a file.
    package init(file: String, line: Int, column: Int) {
        self.file = file
        self.line = line
        self.column = column
    }
}

/// Collects errors while a configuration is read, so that all of them are told at once.
///
/// Isolation: one reading.
final class Diagnostics {
    private(set) var errors: [ConfigurationError] = []

    func report(at location: SourceLocation, _ message: String) {
        errors.append(ConfigurationError(at: location, message))
    }

    func report(_ error: ConfigurationError) { errors.append(error) }
}
