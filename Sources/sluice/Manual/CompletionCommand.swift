/// `sluice completion`.
enum CompletionCommand {
    static let command = Command(
        name: "completion", operands: ["SHELL"], summary: "Print what lets a shell complete commands and options",
        notes: """
            SHELL is bash, zsh or fish. For this session: `source <(sluice completion bash)`, the same with zsh, and
            `sluice completion fish | source`. For good, put it where the shell looks:
            ~/.local/share/bash-completion/completions/sluice, a file _sluice in a directory of zsh's fpath,
            ~/.config/fish/completions/sluice.fish.
            """,
        example: "sluice completion bash", run: run)

    private static func run(_ arguments: Arguments) throws -> Int32 {
        let script =
            switch arguments.operands[0] {
            case "bash": BashCompletion.script(CommandTable.commands)
            case "zsh": ZshCompletion.script(CommandTable.commands)
            case "fish": FishCompletion.script(CommandTable.commands)
            default: throw arguments.error("SHELL '\(arguments.operands[0])': expected bash, zsh or fish")
            }
        print(script, terminator: "")
        return ExitCode.success
    }
}

/// The table of commands as shells complete it: by first words, some of which are groups.
struct CompletedCommands {
    let commands: [Command]

    init(_ commands: [Command]) { self.commands = commands }

    /// What stands first: commands of one word and groups, with a line on each.
    var firstWords: [(word: String, help: String)] {
        var words: [(word: String, help: String)] = []
        for command in commands {
            let word = String(command.name.prefix { $0 != " " })
            guard !words.contains(where: { $0.word == word }) else { continue }
            let isGroup = word != command.name
            words.append((word, isGroup ? group(word).map(\.word).joined(separator: ", ") : command.summary))
        }
        return words + [("help", "Explain a command")]
    }

    /// The groups.
    var groups: [String] { firstWords.map(\.word).filter { !group($0).isEmpty } }

    /// What stands second, behind a group.
    func group(_ word: String) -> [(word: String, help: String)] {
        commands.filter { $0.name.hasPrefix("\(word) ") }.map {
            (String($0.name.dropFirst(word.count + 1)), $0.summary)
        }
    }
}

extension Command {
    /// Whether something of it is a file.
    static func isFile(_ placeholder: String) -> Bool { ["FILE", "DIR", "PATH", "TO", "BACKUP"].contains(placeholder) }

    /// Whether operands of it are files.
    var takesFiles: Bool { (operands + optionalOperands).contains(where: Self.isFile) }

    /// Its options as words, `--help` included.
    var optionWords: [String] { options.flatMap(\.words) + ["--help", "-h"] }
}

extension CommandOption {
    /// What it is written as.
    var words: [String] { ["--\(name)"] + (letter.map { ["-\($0)"] } ?? []) }
}

/// Completion for bash.
enum BashCompletion {
    /// A function, and what registers it; it needs nothing besides bash.
    static func script(_ commands: [Command]) -> String {
        let completed = CompletedCommands(commands)
        let groups = completed.groups
        var text = """
            # bash completion of sluice, made by `sluice completion bash`
            _sluice() {
                local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
                local command=${COMP_WORDS[1]} options='' values='' files='' operands=''
                COMPREPLY=()
                if ((COMP_CWORD == 1)); then
                    COMPREPLY=($(compgen -W '\(list(completed.firstWords.map(\.word))) --help --version' -- "$current"))
                    return
                fi
                case $command in

            """
        for group in groups {
            text += """
                        \(group))
                            if ((COMP_CWORD == 2)); then
                                COMPREPLY=($(compgen -W '\(list(completed.group(group).map(\.word)))' -- "$current"))
                                return
                            fi
                            command="$command ${COMP_WORDS[2]}" ;;

                """
        }
        text += """
                    help)
                        COMPREPLY=($(compgen -W '\(list(completed.firstWords.map(\.word)))' -- "$current"))
                        return ;;
                esac
                case $command in

            """
        for command in commands { text += entry(command) }
        return text + """
                esac
                case " $files " in *" $previous "*)
                    compopt -o filenames 2>/dev/null
                    mapfile -t COMPREPLY < <(compgen -f -- "$current")
                    return ;;
                esac
                case " $values " in *" $previous "*) return ;; esac
                case $current in
                    -*) COMPREPLY=($(compgen -W "$options" -- "$current")) ;;
                    *)
                        if [ "$operands" = files ]; then
                            compopt -o filenames 2>/dev/null
                            mapfile -t COMPREPLY < <(compgen -f -- "$current")
                        elif [ -n "$operands" ]; then
                            COMPREPLY=($(compgen -W "$operands" -- "$current"))
                        fi ;;
                esac
            }
            complete -F _sluice sluice

            """
    }

    private static func entry(_ command: Command) -> String {
        let taking = command.options.filter { $0.value != nil }
        let files = taking.filter { Command.isFile($0.value ?? "") }.flatMap(\.words)
        let operands = command.name == "completion" ? "bash zsh fish" : command.takesFiles ? "files" : ""
        return """
                    '\(command.name)')
                        options='\(list(command.optionWords))'
                        values='\(list(taking.flatMap(\.words)))'
                        files='\(list(files))' operands='\(operands)' ;;

            """
    }

    private static func list(_ words: [String]) -> String { words.joined(separator: " ") }
}

/// Completion for zsh.
enum ZshCompletion {
    /// A function for `compdef`, which also works as a file of `fpath`.
    static func script(_ commands: [Command]) -> String {
        let completed = CompletedCommands(commands)
        var text = """
            #compdef sluice
            # zsh completion of sluice, made by `sluice completion zsh`
            _sluice() {
                local -a choices
                local command=$words[2]
                if ((CURRENT == 2)); then
                    choices=(\(list(completed.firstWords)))
                    _describe command choices
                    return
                fi
                shift words
                ((CURRENT--))
                case $command in

            """
        for group in completed.groups {
            text += """
                        \(group))
                            if ((CURRENT == 2)); then
                                choices=(\(list(completed.group(group))))
                                _describe command choices
                                return
                            fi
                            command="$command $words[2]"
                            shift words
                            ((CURRENT--)) ;;

                """
        }
        text += "    esac\n    case $command in\n"
        for command in commands { text += "        '\(command.name)') _arguments -s \(arguments(command)) ;;\n" }
        return text + """
                esac
            }
            if [ "$funcstack[1]" = _sluice ]; then _sluice "$@"; else compdef _sluice sluice; fi

            """
    }

    private static func arguments(_ command: Command) -> String {
        var all: [String] = []
        for option in command.options {
            let value = option.value.map { ":\(plain($0)):\(Command.isFile($0) ? "_files" : " ")" } ?? ""
            for word in option.words { all.append("\(word)[\(plain(option.help))]\(value)") }
        }
        all.append("--help[this command's page]")
        for operand in command.operands + command.optionalOperands {
            let action = operand == "SHELL" ? "(bash zsh fish)" : Command.isFile(operand) ? "_files" : " "
            all.append(":\(plain(operand)):\(action)")
        }
        return all.map(quoted).joined(separator: " ")
    }

    private static func list(_ words: [(word: String, help: String)]) -> String {
        words.map { quoted("\($0.word):\(plain($0.help))") }.joined(separator: " ")
    }

    /// Text without what ends a description.
    private static func plain(_ text: String) -> String {
        text.map { [":": "\\:", "[": "\\[", "]": "\\]"][$0] ?? String($0) }.joined()
    }

    private static func quoted(_ text: String) -> String { "'" + text.replacing("'", with: "'\\''") + "'" }
}

/// Completion for fish.
enum FishCompletion {
    /// Conditions on the words so far, and a line for each word that may follow.
    static func script(_ commands: [Command]) -> String {
        let completed = CompletedCommands(commands)
        var lines = [
            "# fish completion of sluice, made by `sluice completion fish`",
            "function __sluice_words",
            "    set -l words (commandline -opc)",
            "    test (count $words) -eq (math (count $argv) + 1); or return 1",
            "    test (count $argv) -eq 0; or test \"$words[2..-1]\" = \"$argv\"",
            "end",
            "function __sluice_command",
            "    set -l words (commandline -opc)",
            "    set -l last (math (count $argv) + 1)",
            "    test (count $words) -ge $last; and test \"$words[2..$last]\" = \"$argv\"",
            "end",
            "complete -c sluice -f",
        ]
        for (word, help) in completed.firstWords {
            lines.append("complete -c sluice -n __sluice_words -a \(word) -d \(quoted(help))")
            for (second, help) in completed.group(word) {
                lines.append("complete -c sluice -n '__sluice_words \(word)' -a \(second) -d \(quoted(help))")
            }
        }
        for command in commands {
            let start = "complete -c sluice -n '__sluice_command \(command.name)'"
            for option in command.options {
                let letter = option.letter.map { " -s \($0)" } ?? ""
                let value = option.value.map { Command.isFile($0) ? " -r -F" : " -x" } ?? ""
                lines.append("\(start) -l \(option.name)\(letter)\(value) -d \(quoted(option.help))")
            }
            if command.takesFiles { lines.append("\(start) -F") }
            if command.name == "completion" { lines.append("\(start) -a 'bash zsh fish'") }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func quoted(_ text: String) -> String {
        "'" + text.replacing("\\", with: "\\\\").replacing("'", with: "\\'") + "'"
    }
}
