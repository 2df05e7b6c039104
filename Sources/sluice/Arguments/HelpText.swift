/// What `--help` prints.
enum HelpText {
    /// All commands.
    static func overview(_ commands: [Command]) -> String {
        var table = Table(columns: [.left, .left])
        for command in commands { table.add([usage(command), command.summary]) }
        return """
            Sluice: MQTT in, Kafka out, history in between.

            Commands:
            \(table.text(indent: 2))
            `sluice COMMAND --help` explains a command. `sluice --version` names the version.
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
        table.add(["    --help", "this text"])
        return text + "\nOptions:\n" + table.text(indent: 2) + "\nExample:\n  \(command.example)\n"
    }

    private static func usage(_ command: Command) -> String {
        ([command.name] + command.operands).joined(separator: " ")
    }
}
