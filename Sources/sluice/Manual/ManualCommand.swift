/// `sluice man`.
enum ManualCommand {
    static let command = Command(
        name: "man", summary: "Print the manual page, for man -l",
        notes: "It is made of the same table as the help: `make man` writes it to .build/man/sluice.1.",
        example: "sluice man"
    ) { _ in
        print(ManualPage.text(CommandTable.commands), terminator: "")
        return ExitCode.success
    }
}

/// The manual page, in the macros of man(7).
enum ManualPage {
    /// The page of all commands.
    static func text(_ commands: [Command]) -> String {
        var text = """
            .\\" Made by `sluice man`.
            .TH SLUICE 1 "" "sluice \(escaped(Sluice.version))" "Sluice"
            .SH NAME
            sluice \\- MQTT in, a log that keeps it, replay out
            .SH SYNOPSIS
            .B sluice
            .I COMMAND
            .RI [ OPTION ]...
            .SH DESCRIPTION
            A broker that MQTT clients publish to and Kafka clients read from, and the commands around it. Every
            message is stored in a partitioned log before it is acknowledged, and can be read again.
            .SH COMMANDS

            """
        for command in commands { text += section(command) }
        text += """
            .SH ENVIRONMENT
            .TP
            .B SLUICE_BROKER
            The broker of commands that connect, as HOST or HOST:PORT.
            .TP
            .B SLUICE_CONFIG
            The configuration's file.
            .TP
            .B SLUICE_...
            Any setting that is no list, such as SLUICE_JOURNAL_FILE_SIZE for file_size under journal.
            .TP
            .B NO_COLOR
            Not empty: no colours and no bold on a terminal.
            .SH EXIT STATUS
            .TP
            .B 0
            It was done.
            .TP
            .B 1
            It was not, or what was looked for is not as it should be; the reason is on standard error.
            .TP
            .B 2
            The command line was not understood, and nothing was done.
            .SH SEE ALSO
            .BR mosquitto_pub (1),
            .BR mosquitto_sub (1),
            .BR kcat (1)

            """
        return text
    }

    private static func section(_ command: Command) -> String {
        let operands = command.operands + command.optionalOperands.map { "[\($0)]" }
        let options = command.options.isEmpty ? [] : ["[OPTION]..."]
        var text = ".SS \"sluice \(escaped(([command.name] + operands + options).joined(separator: " ")))\"\n"
        text += paragraph(command.summary + ".")
        if !command.notes.isEmpty {
            for part in command.notes.split(separator: "\n\n") { text += ".PP\n" + paragraph(String(part)) }
        }
        for option in command.options {
            let letter = option.letter.map { "\\fB\\-\($0)\\fR, " } ?? ""
            let value = option.value.map { " \\fI\(escaped($0))\\fR" } ?? ""
            text += ".TP\n\(letter)\\fB\\-\\-\(escaped(option.name))\\fR\(value)\n\(paragraph(option.help))"
        }
        return text + ".PP\nExample:\n.PP\n.nf\n.RS\n\(escaped(command.example))\n.RE\n.fi\n"
    }

    /// Text as lines that no macro begins.
    private static func paragraph(_ text: String) -> String {
        text.split(separator: "\n").map { line in
            let line = escaped(String(line.drop { $0 == " " }))
            return (line.hasPrefix(".") || line.hasPrefix("'") ? "\\&" : "") + line + "\n"
        }.joined()
    }

    /// Text in which nothing means something to troff.
    private static func escaped(_ text: String) -> String {
        text.unicodeScalars.map { scalar in
            switch scalar {
            case "\\": "\\e"
            case "-": "\\-"
            case "\"": "\\(dq"
            case "`": "\\(ga"
            case "^": "\\(ha"
            case "~": "\\(ti"
            case _ where scalar.isASCII: String(scalar)
            case _: "\\[u\(hexadecimal(scalar.value))]"
            }
        }.joined()
    }

    private static func hexadecimal(_ number: UInt32) -> String {
        let digits = String(number, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}
