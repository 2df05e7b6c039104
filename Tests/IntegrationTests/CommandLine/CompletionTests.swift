import Foundation
import Testing

@Suite("Completion and the manual page")
struct CompletionTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func script(_ shell: String) throws -> String {
        let script = try Program.sluice(["completion", shell])
        #expect(script.code == 0, "\(script)")
        return try directory.write("completion.\(shell)", script.output)
    }

    /// What bash offers for the last of some words.
    private func bash(_ script: String, _ words: [String]) throws -> Set<String> {
        let list = words.map { "'\($0)'" }.joined(separator: " ")
        let result = try Program.run([
            "bash", "-c",
            "source \(script); COMP_WORDS=(\(list)); COMP_CWORD=\(words.count - 1); _sluice; "
                + "printf '%s\\n' \"${COMPREPLY[@]}\"",
        ])
        #expect(result.code == 0 && result.errors.isEmpty, "\(result)")
        return Set(result.lines)
    }

    @Test("bash completes commands, groups, options, files, and what completion takes")
    func bash() throws {
        let script = try script("bash")
        let file = try directory.write("plant one.yaml", "")
        #expect(try bash(script, ["sluice", "str"]) == ["streams"])
        #expect(try bash(script, ["sluice", "streams", "de"]) == ["describe", "delete"])
        #expect(try bash(script, ["sluice", "streams", "list", "--j"]) == ["--json"])
        #expect(try bash(script, ["sluice", "serve", "--config", directory.path + "/plant"]) == [file])
        #expect(try bash(script, ["sluice", "import-mosquitto", directory.path + "/plant"]) == [file])
        #expect(try bash(script, ["sluice", "publish", "--qos", ""]) == [])
        #expect(try bash(script, ["sluice", "completion", ""]) == ["bash", "zsh", "fish"])
        // What the help lists is what is offered.
        let overview = try Program.sluice(["--help"]).lines.drop { $0 != "Commands:" }.dropFirst()
        let names = Set(
            overview.prefix { $0.hasPrefix("  ") }.compactMap { $0.split(separator: " ").first.map(String.init) })
        #expect(try bash(script, ["sluice", ""]).subtracting(["help", "--help", "--version"]) == names)
    }

    @Test("zsh reads the script, and completes by it", .enabled(if: Program.isInstalled("zsh"), "zsh is not installed"))
    func zsh() throws {
        let script = try script("zsh")
        let line =
            "autoload -Uz compinit; compinit -u -d \(directory.path)/dump; source \(script); print $_comps[sluice]"
        let result = try Program.run(["zsh", "-f", "-c", line])
        #expect(result.code == 0 && result.output == "_sluice\n", "\(result)")
        for (line, completed) in [
            ("sluice streams cre", "sluice streams create"), ("sluice streams list --js", "sluice streams list --json"),
        ] {
            let typing = Self.typing(line, until: completed, script, directory.path)
            let typed = try Program.run(["zsh", "-f", "-c", typing])
            #expect(typed.code == 0 && typed.output.contains(completed), "\(typed)")
        }
    }

    /// A zsh that types a line and a tab into another zsh, and waits until that shows what it makes of it.
    private static func typing(
        _ line: String, until completed: String, _ script: String, _ directory: String
    ) -> String {
        """
        zmodload zsh/zpty
        zpty shell zsh -f -i
        zpty -w shell "PS1=; autoload -Uz compinit; compinit -u -d \(directory)/dump; source \(script); print rea''dy"
        zpty -r -m shell seen '*ready*'
        zpty -w -n shell "\(line)"$'\\t'
        zpty -r -m shell seen "*\(completed)*"
        print -r -- $seen
        zpty -d shell
        """
    }

    @Test(
        "fish completes commands and options by the script",
        .enabled(if: Program.isInstalled("fish"), "fish is not installed"))
    func fish() throws {
        let script = try script("fish")
        func complete(_ line: String) throws -> [String] {
            let result = try Program.run(["fish", "--no-config", "-c", "source \(script); complete -C '\(line)'"])
            #expect(result.code == 0 && result.errors.isEmpty, "\(result)")
            return result.lines.map { String($0.prefix { $0 != "\t" }) }.sorted()
        }
        #expect(try complete("sluice str") == ["streams"])
        #expect(try complete("sluice streams de") == ["delete", "describe"])
        #expect(try complete("sluice streams list --js") == ["--json"])
        #expect(try complete("sluice completion ") == ["bash", "fish", "zsh"])
    }

    @Test("another shell is refused with those that there are")
    func others() throws {
        let result = try Program.sluice(["completion", "tcsh"])
        #expect(result.code == 2 && result.errors.contains("expected bash, zsh or fish"), "\(result)")
    }

    @Test(
        "troff reads the manual page without a warning, and it has every command",
        .enabled(if: Program.isInstalled("groff"), "groff is not installed"))
    func manual() throws {
        let page = try directory.write("sluice.1", Program.sluice(["man"]).output)
        let result = try Program.run(["groff", "-man", "-ww", "-Tutf8", "-P-cbou", page])
        #expect(result.code == 0 && result.errors.isEmpty, "\(result.errors)")
        let text = result.output.split { $0 == " " || $0 == "\n" }.joined(separator: " ")
        for words in [
            "NAME sluice - MQTT in, a log that keeps it, replay out", "sluice log backup DIR TO", "EXIT STATUS",
            "sluice streams create NAME", "--password-file FILE", "NO_COLOR",
        ] {
            #expect(text.contains(words), "\(words)")
        }
    }

    @Test("the version names the commit, or says that it is not known")
    func version() throws {
        let text = try Program.sluice(["--version"]).output
        #expect(
            text.wholeMatch(of: /sluice \d+\.\d+\.\d+ \(commit ([0-9a-f]{7,40}(-changed)?|unknown)\)\n/) != nil,
            "\(text)")
    }
}
