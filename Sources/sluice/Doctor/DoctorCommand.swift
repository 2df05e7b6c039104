import Administration
import SluiceConfiguration

/// `sluice doctor`.
enum DoctorCommand {
    static let command = Command(
        name: "doctor", summary: "Look at the machine that the broker runs on, and say what to change",
        notes: """
            Reads the configuration as `sluice serve` does, and looks at the data directory (rights, file system,
            space, how long a sync takes), open files, memory, the clock, ports, and certificates. It writes one small
            file into the data directory, synchronises it some fifty times and removes it; a running broker goes on.
            What is a fault keeps the broker from starting or working, and makes the exit code 1; what is a warning
            does not.
            """,
        example: "sluice doctor --config config/sluice.yaml",
        options: [
            ConfigurationSource.option,
            CommandOption("data", letter: "d", value: "DIR", "where the log lives"),
            CommandOption("json", "print JSON"),
        ], run: run)

    private static func run(_ arguments: Arguments) throws -> Int32 {
        var configuration = try ConfigurationSource.load(arguments)
        if let data = arguments.text("data") { configuration.dataDirectory = data }
        let findings = Doctor(configuration).examine()
        if arguments.has("json") {
            print(JSON.members(["findings": .array(findings.map(\.json))]).compact)
        } else {
            print(text(findings), terminator: "")
        }
        return findings.contains { $0.verdict == .fault } ? ExitCode.failure : ExitCode.success
    }

    private static func text(_ findings: [Finding]) -> String {
        let style = Style()
        let width = findings.map(\.subject.count).max() ?? 0
        var text = ""
        for finding in findings {
            let word = style.painted(finding.verdict.rawValue.padded(to: 7), finding.verdict.paint)
            text += "\(word)  \(finding.subject.padded(to: width))  \(finding.found)\n"
            let indent = String(repeating: " ", count: 11 + width)
            if let advice = finding.advice { text += "\(indent)\(advice)\n" }
        }
        let (faults, warnings) = (
            findings.count { $0.verdict == .fault }, findings.count { $0.verdict == .warning }
        )
        return text + "\n\(faults) faults, \(warnings) warnings\n"
    }
}

/// What was found of one thing.
struct Finding: Equatable {
    /// How bad it is.
    enum Verdict: String {
        case good = "ok"
        case warning
        case fault

        var paint: Style.Paint {
            switch self {
            case .good: .green
            case .warning: .yellow
            case .fault: .red
            }
        }
    }

    var verdict: Verdict
    let subject: String
    let found: String
    var advice: String?

    init(_ verdict: Verdict, _ subject: String, _ found: String, _ advice: String? = nil) {
        self.verdict = verdict
        self.subject = subject
        self.found = found
        self.advice = advice
    }

    var json: JSON {
        .members([
            "verdict": .string(verdict.rawValue), "subject": .string(subject), "found": .string(found),
            "advice": advice.map { .string($0) } ?? .null,
        ])
    }
}
