import Administration
import SluiceBroker
import SluiceConfiguration

/// `sluice sessions list`, `describe` and `delete`.
enum SessionsCommand {
    static let list = Command(
        name: "sessions list", summary: "List a running broker's sessions, connected and waiting",
        notes: """
            Commands of `sluice` have sessions too: their state is the command. BEHIND counts the records, of any topic,
            that a waiting session has not passed yet; UNFINISHED what was sent or received halfway.
            """,
        example: "sluice sessions list --broker 127.0.0.1:1883",
        options: BrokerOption.options + [CommandOption("json", "print JSON")]
    ) { arguments in
        let (document, reports) = try sessions(arguments)
        if arguments.has("json") {
            print(document)
            return ExitCode.success
        }
        var table = Table(
            ["CLIENT", "STATE", "EXPIRES", "FILTERS", "UNFINISHED", "BEHIND"],
            [.left, .left, .left, .right, .right, .right])
        for report in reports.sorted(by: { $0.clientID < $1.clientID }) {
            table.add([
                report.clientID, report.state, report.expiry, String(report.subscriptions.count),
                String(report.unfinishedCount), report.behind.map { String($0) } ?? "-",
            ])
        }
        print(table.text(), terminator: "")
        return ExitCode.success
    }

    static let describe = Command(
        name: "sessions describe", operands: ["CLIENT"], summary: "Describe one session of a running broker",
        example: "sluice sessions describe dev42 --json",
        options: BrokerOption.options + [CommandOption("json", "print JSON")]
    ) { arguments in
        let (document, reports) = try sessions(arguments)
        let report = try find(arguments.operands[0], in: reports)
        if arguments.has("json") {
            let session = document["sessions"]?.elements?.first { $0["client_id"]?.text == report.clientID }
            print(session ?? .null)
            return ExitCode.success
        }
        var settings = Table(columns: [.left, .left])
        settings.add(["client", report.clientID])
        settings.add(["state", report.state])
        settings.add(["expires", report.expiry])
        settings.add(["unfinished", String(report.unfinishedCount)])
        settings.add(["behind", report.behind.map { "\($0) records of any topic" } ?? "-"])
        print(settings.text())
        var table = Table(["QOS", "FILTER"], [.right, .left])
        for filter in report.subscriptions { table.add([String(filter.qos), filter.filter]) }
        print(table.text(), terminator: "")
        return ExitCode.success
    }

    static let delete = Command(
        name: "sessions delete", operands: ["CLIENT"], summary: "End a session of a running broker for good",
        notes: "A connected client is disconnected (reason 0x98); its subscriptions and its place are forgotten.",
        example: "sluice sessions delete dev42",
        options: BrokerOption.options + [CommandOption("json", "print JSON")]
    ) { arguments in
        let client = try BrokerOption.connect(arguments)
        let name = arguments.operands[0]
        let (document, reply) = try client.request(.deleteSession(clientID: Array(name.utf8)))
        try client.disconnect()
        guard reply == .deleted(true) else { throw CommandFailure("the broker has no session '\(name)'") }
        print(arguments.has("json") ? "\(document)" : "the session '\(name)' is deleted")
        return ExitCode.success
    }

    private static func sessions(_ arguments: Arguments) throws -> (JSON, [SessionReport]) {
        let client = try BrokerOption.connect(arguments)
        let (document, reports) = try client.sessions()
        try client.disconnect()
        return (document, reports)
    }

    private static func find(_ name: String, in reports: [SessionReport]) throws(CommandFailure) -> SessionReport {
        if let report = reports.first(where: { $0.clientID == name }) { return report }
        let advice = Nearest.advice(for: name, among: reports.map(\.clientID))
        throw CommandFailure("the broker has no session '\(name)'\(advice)")
    }
}

extension SessionReport {
    /// What was sent or received halfway.
    fileprivate var unfinishedCount: Int64 { inflightCount + unreleasedCount }

    fileprivate var state: String {
        if let command, isConnected { return "sluice \(command)" }
        if isConnected { return "connected" }
        return endedMilliseconds.map { "waiting since \(RFC3339.text($0))" } ?? "waiting"
    }

    fileprivate var expiry: String {
        guard let expirySeconds else { return "never" }
        return expirySeconds == 0 ? "with its connection" : "after \(Readable.milliseconds(expirySeconds * 1000))"
    }
}
