import CLinux
import CommitLog
import Glibc
import SluiceConfiguration
import SluiceNode
import SluiceTransport

@main
struct Sluice {
    static let version = "0.1.0"

    static func main() { exit(run(Array(CommandLine.arguments.dropFirst()))) }

    /// Does what the words say.
    /// - Returns: the exit code.
    private static func run(_ words: [String]) -> Int32 {
        if ["--version", "-V", "version"].contains(words.first) {
            print("sluice \(version) (commit \(String(cString: sluice_commit())))")
            return ExitCode.success
        }
        do {
            if let topic = HelpText.topic(words) {
                print(try HelpText.text(topic), terminator: "")
                return words.isEmpty ? ExitCode.usage : ExitCode.success
            }
            let (command, rest) = try CommandTable.find(words)
            if Arguments.asksForHelp(rest, of: command) {
                print(HelpText.page(command), terminator: "")
                return ExitCode.success
            }
            return try command.run(Arguments(rest, of: command))
        } catch let error as UsageError {
            complain(error.description)
            let help = error.command.map { "sluice \($0.name) --help" } ?? "sluice --help"
            complain("`\(help)` says what there is")
            return ExitCode.usage
        } catch let error as ConfigurationErrors {
            // Each line names its file; a prefix would keep editors from finding it.
            FileBytes.write(Array("\(error)\n".utf8), to: STDERR_FILENO)
            return ExitCode.failure
        } catch {
            complain("\(error)")
            return ExitCode.failure
        }
    }

    /// One line on standard error.
    static func complain(_ text: String) { FileBytes.write(Array("sluice: \(text)\n".utf8), to: STDERR_FILENO) }
}
