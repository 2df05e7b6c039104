import Administration

/// Every command, in the order of the help.
enum CommandTable {
    static let commands: [Command] = [
        ServeCommand.command, CheckCommand.command, ExplainCommand.command, PublishCommand.command,
        ConsumeCommand.command, StateCommand.command, ExportCommand.command, StreamsCommand.list,
        StreamsCommand.describe, StreamsCommand.create, StreamsCommand.alter, StreamsCommand.delete,
        SessionsCommand.list, SessionsCommand.describe, SessionsCommand.delete, RefusalsCommand.command,
        BansCommand.list, BansCommand.add, BansCommand.remove, GroupsCommand.list,
        GroupsCommand.describe, GroupsCommand.reset, GroupsCommand.delete, LogCommand.dump, LogCommand.verify,
        LogCommand.stats, LogCommand.export, LogCommand.backup, LogCommand.restore, LogCommand.repair,
        BridgesCommand.list, BridgesCommand.describe, BridgesCommand.pause, BridgesCommand.resume,
        BridgesCommand.seek, BridgesCommand.test, ImportCommand.command, PasswordCommand.command,
        DevicesCommand.list, DevicesCommand.describe, DevicesCommand.silent, DevicesCommand.forget,
        DeadLettersCommand.list, DeadLettersCommand.describe, DeadLettersCommand.redrive, DeadLettersCommand.discard,
        EraseCommand.command, LedgerCommand.command, SimulateCommand.command, BenchCommand.publish,
        BenchCommand.subscribe, TopCommand.command, LogLevelCommand.command, TraceCommand.client, TraceCommand.topic,
        DoctorCommand.command, CompletionCommand.command, ManualCommand.command,
    ]

    /// The command that the first one or two words name, and the words behind it.
    static func find(_ words: [String]) throws(UsageError) -> (Command, ArraySlice<String>) {
        for count in [2, 1] where words.count >= count {
            let name = words.prefix(count).joined(separator: " ")
            if let command = commands.first(where: { $0.name == name }) { return (command, words.dropFirst(count)) }
        }
        let group = commands.filter { $0.name.hasPrefix("\(words[0]) ") }
        guard group.isEmpty else { throw incomplete(words, group) }
        let advice = Nearest.advice(for: words[0], among: Array(Set(commands.map { firstWord($0.name) })).sorted())
        throw UsageError(
            description: words[0].hasPrefix("-")
                ? "there is no option '\(words[0])' before a command" : "there is no command '\(words[0])'\(advice)")
    }

    /// A group's name without one of its commands behind it.
    private static func incomplete(_ words: [String], _ group: [Command]) -> UsageError {
        let names = group.map { String($0.name.dropFirst(words[0].count + 1)) }
        guard words.count > 1, !words[1].hasPrefix("-") else {
            return UsageError(description: "'\(words[0])' needs one of: \(names.joined(separator: ", "))")
        }
        let advice = Nearest.advice(for: words[1], among: names)
        return UsageError(
            description: "there is no command '\(words[0]) \(words[1])', but \(names.joined(separator: ", "))\(advice)")
    }

    private static func firstWord(_ name: String) -> String { String(name.prefix { $0 != " " }) }
}
