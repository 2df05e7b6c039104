import CommitLogPosix
import Glibc
import SluiceConfiguration
import SluiceCore

/// `sluice top`.
enum TopCommand {
    static let command = Command(
        name: "top", summary: "Watch a running broker: streams, clients, groups and bridges",
        notes: """
            Redraws the terminal every --interval until q or Ctrl-C is typed. Of each kind it shows those with most to
            do, as many as there is room for. With --once it prints one picture of one interval, everything in it, and
            ends; so a script may read it.
            """,
        example: "sluice top --once",
        options: [
            CommandOption("interval", letter: "i", value: "TIME", "how often, such as 500ms or 5s; 1s unless given"),
            CommandOption("once", letter: "1", "print one picture and end"),
        ] + BrokerOption.options, run: run)

    private static func run(_ arguments: Arguments) throws -> Int32 {
        let interval = try arguments.value("interval", expected: "a time from 100ms to 1h, such as 2s") { text in
            Quantity.duration(text).map { Int64($0 / .milliseconds(1)) }
                .flatMap { (100...3_600_000).contains($0) ? $0 : nil }
        }
        let milliseconds = interval ?? 1000
        let place = try BrokerOption.place(arguments)
        let client = try MQTTClient(place)
        var former = try BrokerPicture(client)
        guard !arguments.has("once") else {
            usleep(UInt32(clamping: milliseconds * 1000))
            let picture = try BrokerPicture(client)
            let text = picture.lines(after: former, title: "\(place.address)", style: Style()).joined(separator: "\n")
            print(text)
            return ExitCode.success
        }
        guard StandardOutput.isTerminal, let screen = Screen() else {
            throw CommandFailure("standard output is no terminal: use --once")
        }
        defer { screen.close() }
        screen.show(former.lines(after: nil, title: "\(place.address)", style: Style(), rows: screen.rows))
        while !screen.isDone(within: milliseconds) {
            let picture = try BrokerPicture(client)
            screen.show(picture.lines(after: former, title: "\(place.address)", style: Style(), rows: screen.rows))
            former = picture
        }
        return ExitCode.success
    }
}

/// A terminal that belongs to a program until it is closed: a page of its own, keys as they are typed.
///
/// Isolation: the command's thread.
final class Screen {
    private let former: termios
    private var isOpen = true
    private static let signals: [Int32] = [SIGTERM, SIGHUP]

    /// Takes the terminal; nil when there is none.
    init?() {
        var settings = termios()
        guard tcgetattr(STDIN_FILENO, &settings) == 0 else { return nil }
        former = settings
        // Ctrl-C comes as a key, so that the terminal is as it was when the program ends.
        settings.c_lflag &= ~tcflag_t(ICANON | ECHO | ISIG)
        tcsetattr(STDIN_FILENO, TCSANOW, &settings)
        var awaited = Self.set
        sigprocmask(SIG_BLOCK, &awaited, nil)
        Self.write("\u{1B}[?1049h\u{1B}[?25l")
    }

    deinit { close() }

    /// Gives the terminal back.
    func close() {
        guard isOpen else { return }
        isOpen = false
        Self.write("\u{1B}[?25h\u{1B}[?1049l")
        var settings = former
        tcsetattr(STDIN_FILENO, TCSANOW, &settings)
    }

    private static var set: sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in signals { sigaddset(&set, signal) }
        return set
    }

    /// How many lines there are.
    var rows: Int { size.rows }

    private var size: (rows: Int, columns: Int) {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_row > 0, size.ws_col > 0 else {
            return (24, 80)
        }
        return (Int(size.ws_row), Int(size.ws_col))
    }

    /// Puts lines in place of those that are there.
    func show(_ lines: [String]) {
        let size = size
        let shown = lines.prefix(size.rows).map { Self.cut($0, size.columns) + "\u{1B}[K" }
        Self.write("\u{1B}[H" + shown.joined(separator: "\r\n") + "\u{1B}[J")
    }

    /// A line without what lies beyond the screen; what paints it takes no room.
    private static func cut(_ line: String, _ columns: Int) -> String {
        var (text, count, isEscape) = ("", 0, false)
        for character in line {
            if character == "\u{1B}" { isEscape = true }
            if !isEscape {
                count += 1
                if count > columns { continue }
            }
            text.append(character)
            if isEscape, character.isLetter { isEscape = false }
        }
        return text
    }

    /// Waits.
    /// - Returns: whether somebody has typed q or Ctrl-C, or wants the program to end, or the terminal is gone.
    func isDone(within milliseconds: Int64) -> Bool {
        let end = MonotonicClock.nanoseconds() + milliseconds * 1_000_000
        while true {
            var pending = sigset_t()
            sigpending(&pending)
            if Self.signals.contains(where: { sigismember(&pending, $0) == 1 }) { return true }
            let left = end - MonotonicClock.nanoseconds()
            guard left > 0 else { return false }
            var entry = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
            guard poll(&entry, 1, Int32(min(100, left / 1_000_000 + 1))) > 0 else { continue }
            var key: UInt8 = 0
            guard read(STDIN_FILENO, &key, 1) == 1 else { return true }
            if key == UInt8(ascii: "q") || key == 3 { return true }
        }
    }

    private static func write(_ text: String) { FileBytes.write(Array(text.utf8), to: STDOUT_FILENO) }
}
