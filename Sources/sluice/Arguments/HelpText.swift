/// What `--help` prints.
enum HelpText {
    private static let words: Set<String> = ["help", "--help", "-h"]

    /// What help is asked about, when that is all that is asked: `help`, `help log dump`, `log --help`, `log help`.
    /// - Returns: the words of a command, none for all of them; nil when something else is asked.
    static func topic(_ arguments: [String]) -> [String]? {
        guard let first = arguments.first else { return [] }
        if words.contains(first) { return Array(arguments.dropFirst()) }
        let isGroup = CommandTable.commands.contains { $0.name.hasPrefix("\(first) ") }
        guard isGroup, arguments.count > 1, words.contains(arguments[1]) else { return nil }
        return [first]
    }

    /// A command's page, or the commands of a group, or all of them.
    static func text(_ topic: [String]) throws(UsageError) -> String {
        guard let first = topic.first else { return overview(CommandTable.commands) }
        let group = CommandTable.commands.filter { $0.name.hasPrefix("\(first) ") }
        if topic.count == 1, !group.isEmpty { return overview(group) }
        return page(try CommandTable.find(topic).0)
    }

    /// All commands.
    static func overview(_ commands: [Command]) -> String {
        var table = Table(columns: [.left, .left])
        for command in commands { table.add([usage(command), command.summary]) }
        return """
            Sluice: MQTT in, a log that keeps it, replay out.

            Commands:
            \(table.text(indent: 2))
            `sluice COMMAND --help` explains a command, `sluice --version` names the version. A broker is named by
            --broker or SLUICE_BROKER, a configuration by --config or SLUICE_CONFIG.
            Exit codes: 0 done, 1 failed, 2 not understood.

            """
    }

    /// One command.
    static func page(_ command: Command) -> String {
        var text = "usage: sluice \(usage(command))\(command.options.isEmpty ? "" : " [OPTION]...")\n\n"
        text += command.summary + ".\n"
        if !command.notes.isEmpty { text += "\n" + command.notes + "\n" }
        var table = Table(columns: [.left, .left])
        for option in command.options {
            let letter = option.letter.map { "-\($0), " } ?? "    "
            table.add(["\(letter)--\(option.name)\(option.value.map { " \($0)" } ?? "")", option.help])
        }
        table.add(["-h, --help", "this text"])
        return text + "\nOptions:\n" + table.text(indent: 2) + "\nExample:\n  \(command.example)\n"
    }

    private static func usage(_ command: Command) -> String {
        ([command.name] + command.operands + command.optionalOperands.map { "[\($0)]" }).joined(separator: " ")
    }
}
