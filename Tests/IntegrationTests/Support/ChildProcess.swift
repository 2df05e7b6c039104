import CLinux
import Foundation
import Glibc

/// A process that a test started: its output goes to files, and its end can be waited for.
///
/// The child inherits the writing end of a pipe; the reading end hangs up when it, and whatever it started, is gone.
final class ChildProcess {
    let pid: pid_t
    let outputPath: String
    let errorPath: String
    private let life: Int32
    private var status: Int32?

    struct SpawnError: Error { let text: String }

    /// Starts `arguments[0]`, found in PATH unless it has a slash.
    init(
        _ arguments: [String], in directory: TemporaryDirectory, environment: [String: String] = [:],
        input: String? = nil
    ) throws {
        let name = directory.path + "/" + UUID().uuidString
        outputPath = name + ".out"
        errorPath = name + ".err"
        var inputPath = "/dev/null"
        if let input {
            inputPath = name + ".in"
            try Data(input.utf8).write(to: URL(filePath: inputPath))
        }
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw SpawnError(text: "pipe: \(errno)") }
        life = ends[0]
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[1]) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, inputPath, O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, outputPath, O_WRONLY | O_CREAT, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, errorPath, O_WRONLY | O_CREAT, 0o600)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 3)
        // Nothing else of this process: a pipe that another test is making, or a connection that it closes, would live
        // on in its children.
        sluice_spawn_closing(&actions, 4)
        // The threads that tests run on block signals, and a child would inherit that.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        // None of the caller's variables: a broker refuses SLUICE_ variables that it does not know.
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        var variables = environment.merging(["PATH": path, "HOME": directory.path]) { own, _ in own }
        // A sanitizer in the program under test takes its options from there.
        for name in ["ASAN_OPTIONS", "TSAN_OPTIONS"] {
            if let options = ProcessInfo.processInfo.environment[name] { variables[name] = options }
        }
        var argv: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        var envp: [UnsafeMutablePointer<CChar>?] = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for pointer in argv + envp { free(pointer) } }
        var child: pid_t = 0
        let failure = posix_spawnp(&child, arguments[0], &actions, &attributes, &argv, &envp)
        pid = child
        guard failure == 0 else {
            status = 127 << 8
            throw SpawnError(text: "\(arguments[0]): \(String(cString: strerror(failure)))")
        }
    }

    deinit {
        if status == nil {
            kill(SIGKILL)
            waitpid(pid, nil, 0)
        }
        close(life)
    }

    /// Whether it has not ended.
    var isRunning: Bool { status == nil && !hasEnded(within: 0) }

    /// Sends a signal, unless it has ended.
    func kill(_ signal: Int32) { if status == nil { Glibc.kill(pid, signal) } }

    /// Waits for its end.
    /// - Returns: the exit code, 128 and the signal's number when a signal ended it, or nil when it goes on.
    func exitCode(within seconds: Double = 120) -> Int32? {
        if status == nil {
            guard hasEnded(within: seconds) else { return nil }
            var word: Int32 = 0
            guard waitpid(pid, &word, 0) == pid else { return nil }
            status = word
        }
        return status.map { $0 & 0x7F == 0 ? $0 >> 8 & 0xFF : 128 + ($0 & 0x7F) }
    }

    /// Waits for a condition that the process brings about; gives up at its end or when the time is over.
    func wait(within seconds: Double = 120, until condition: () throws -> Bool) rethrows -> Bool {
        let deadline = Deadline(seconds)
        while try !condition() {
            if deadline.isOver { return false }
            if hasEnded(within: 0.005) { return try condition() }
        }
        return true
    }

    private func hasEnded(within seconds: Double) -> Bool {
        var entry = pollfd(fd: life, events: Int16(POLLIN), revents: 0)
        let deadline = Deadline(seconds)
        repeat {
            if poll(&entry, 1, deadline.milliseconds) > 0 { return true }
        } while !deadline.isOver
        return false
    }

    var output: String { Self.text(outputPath) }
    var errors: String { Self.text(errorPath) }

    private static func text(_ path: String) -> String {
        String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    }
}

/// A moment to give up at.
struct Deadline {
    private let end: ContinuousClock.Instant

    init(_ seconds: Double) { end = .now + .seconds(seconds) }

    var isOver: Bool { ContinuousClock.now >= end }

    /// What is left, rounded up, at least 0.
    var milliseconds: Int32 {
        let left = end - .now
        return Int32(clamping: max(0, Int64((left / .milliseconds(1)).rounded(.up))))
    }
}

/// A directory that is removed with its last reference.
final class TemporaryDirectory {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "sluice-test-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Writes a file into it.
    func write(_ name: String, _ text: String) throws -> String {
        let file = path + "/" + name
        try Data(text.utf8).write(to: URL(filePath: file))
        return file
    }
}

/// Programs that tests run.
enum Program {
    /// The `sluice` that was built beside the tests, or the one that SLUICE_EXECUTABLE names.
    static var sluice: String {
        get throws {
            if let path = ProcessInfo.processInfo.environment["SLUICE_EXECUTABLE"] { return path }
            let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
            let path = URL(filePath: tests).deletingLastPathComponent().appending(path: "sluice").path
            guard FileManager.default.isExecutableFile(atPath: path) else {
                throw ChildProcess.SpawnError(text: "\(path) is not there; build it, or set SLUICE_EXECUTABLE")
            }
            return path
        }
    }

    /// Whether a program of this name is installed.
    static func isInstalled(_ name: String) -> Bool {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        return path.split(separator: ":").contains {
            FileManager.default.isExecutableFile(atPath: "\($0)/\(name)")
        }
    }

    /// What a program that ran to its end left.
    struct Result {
        let code: Int32?
        let output: String
        let errors: String
        var lines: [String] { output.split(separator: "\n").map(String.init) }
    }

    /// Runs a program to its end.
    static func run(
        _ arguments: [String], environment: [String: String] = [:], input: String? = nil, within seconds: Double = 120
    ) throws -> Result {
        let directory = try TemporaryDirectory()
        let process = try ChildProcess(arguments, in: directory, environment: environment, input: input)
        let code = process.exitCode(within: seconds)
        return Result(code: code, output: process.output, errors: process.errors)
    }

    /// Runs `sluice` to its end.
    static func sluice(
        _ arguments: [String], environment: [String: String] = [:], input: String? = nil, within seconds: Double = 120
    ) throws -> Result {
        try run([sluice] + arguments, environment: environment, input: input, within: seconds)
    }
}
