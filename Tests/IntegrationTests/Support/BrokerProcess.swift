import Foundation
import Glibc

/// A broker on a port of its own, with a data directory of its own.
final class BrokerProcess {
    /// Small journal files: a start writes two of them.
    static let plain = "journal:\n  file_size: 1MiB\n"

    let directory: TemporaryDirectory
    let process: ChildProcess
    let port: Int
    /// The ports of all its listeners, by kind.
    let ports: [String: Int]
    /// The broker's own process, which under a wrapper is that one's child.
    let pid: pid_t
    private let reserved: ReservedPort?

    struct StartError: Error { let text: String }

    /// Starts a broker and waits until it accepts.
    /// - Parameters:
    ///   - directory: the one of an earlier broker, to go on with its data.
    ///   - port: one that the caller has; 0 for one that the system chooses as the broker starts.
    ///   - reserved: the one of an earlier broker, for clients that come back.
    ///   - wrapper: a program, with arguments, that runs it.
    ///   - isSameProcess: whether the wrapper becomes the broker (exec) and is not its parent.
    init(
        _ configuration: String = plain, directory: TemporaryDirectory? = nil, port: Int? = nil,
        reserved: ReservedPort? = nil, loops: Int = 2, wrapper: [String] = [],
        isSameProcess: Bool = false, flags: [String] = []
    ) throws {
        self.reserved = try port == nil ? reserved ?? ReservedPort() : nil
        self.directory = try directory ?? TemporaryDirectory()
        let file = try self.directory.write("sluice.yaml", configuration)
        let readyFile = self.directory.path + "/ready.json"
        try? FileManager.default.removeItem(atPath: readyFile)
        process = try ChildProcess(
            wrapper + [
                Program.sluice, "serve", "--config", file, "--data", self.directory.path + "/data", "--mqtt",
                "127.0.0.1:\(port ?? self.reserved?.port ?? 0)", "--ready-file", readyFile, "--loops", String(loops),
            ] + flags, in: self.directory)
        guard process.wait(until: { FileManager.default.fileExists(atPath: readyFile) }) else {
            throw StartError(text: "the broker did not become ready: \(process.errors)")
        }
        let ready = try JSONDecoder().decode(
            [String: String].self, from: Data(contentsOf: URL(filePath: readyFile)))
        ports = ready.compactMapValues { $0.split(separator: ":").last.flatMap { Int($0) } }
        guard let number = ports["mqtt"], ports.count == ready.count else {
            throw StartError(text: "the ready file says \(ready)")
        }
        self.port = number
        pid = wrapper.isEmpty || isSameProcess ? process.pid : try Self.child(of: process.pid)
    }

    deinit { if pid != process.pid, process.isRunning { kill(pid, SIGKILL) } }

    private static func child(of pid: pid_t) throws -> pid_t {
        let list = try String(contentsOfFile: "/proc/\(pid)/task/\(pid)/children", encoding: .utf8)
        guard let child = list.split(separator: " ").first.flatMap({ pid_t($0) }) else {
            throw StartError(text: "process \(pid) runs no broker")
        }
        return child
    }

    var address: String { "127.0.0.1:\(port)" }
    var data: String { directory.path + "/data" }

    /// Its log lines so far.
    var log: [String] { process.errors.split(separator: "\n").map(String.init) }

    /// Waits for a log line.
    func logs(_ text: String, within seconds: Double = 60) -> Bool {
        process.wait(within: seconds) { log.contains { $0.contains(text) } }
    }

    /// Stops it cleanly.
    /// - Returns: the exit code.
    func stop() -> Int32? {
        if process.isRunning { kill(pid, SIGTERM) }
        return process.exitCode()
    }

    /// Gives it another configuration while it runs.
    func reload(with configuration: String) throws {
        _ = try directory.write("sluice.yaml", configuration)
        kill(pid, SIGHUP)
    }

    /// Ends it as a crash would.
    func crash() {
        if pid == process.pid { process.kill(SIGKILL) } else if process.isRunning { kill(pid, SIGKILL) }
        // A wrapper ends behind it: ended first, it would leave a broker that still holds its data.
        if process.exitCode() == nil { process.kill(SIGKILL) }
        _ = process.exitCode()
    }

    /// Starts one on the same data and kills it after `seconds`, ready or not; this one must have ended.
    func killDuringStart(_ configuration: String, after seconds: Double) throws {
        let file = try directory.write("sluice.yaml", configuration)
        let start = try ChildProcess(
            [Program.sluice, "serve", "--config", file, "--data", data, "--mqtt", "127.0.0.1:0"], in: directory)
        if let code = start.exitCode(within: seconds) {
            throw StartError(text: "it ended with \(code): \(start.errors)")
        }
        start.kill(SIGKILL)
        _ = start.exitCode()
    }

    /// Another one on the same data and port; this one must have ended.
    func restarted(_ configuration: String = plain, loops: Int = 2) throws -> BrokerProcess {
        try BrokerProcess(
            configuration, directory: directory, port: reserved == nil ? port : nil, reserved: reserved, loops: loops)
    }

    /// Runs `sluice COMMAND … --broker` against it.
    func sluice(_ arguments: [String], input: String? = nil, within seconds: Double = 120) throws -> Program.Result {
        try Program.sluice(arguments + ["--broker", address], input: input, within: seconds)
    }

    /// The port of a listener of this kind.
    func port(_ kind: String) throws -> Int {
        guard let port = ports[kind] else { throw StartError(text: "there is no listener '\(kind)'") }
        return port
    }

    /// Asks it to read its configuration anew, and waits until it has said what came of that.
    func reload(expecting outcome: String) -> Bool {
        let before = log.count { $0.contains(outcome) }
        process.kill(SIGHUP)
        return process.wait(within: 60) { log.count { $0.contains(outcome) } > before }
    }

    /// Runs mosquitto_pub, mosquitto_sub or mosquitto_rr against it.
    func mosquitto(_ program: String, _ arguments: [String], within seconds: Double = 120) throws -> Program.Result {
        try Program.run(["mosquitto_\(program)", "-p", String(port)] + arguments, within: seconds)
    }

    /// Bytes of memory that it has resident.
    func residentBytes() throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(pid)/statm", encoding: .utf8)
        return (Int(status.split(separator: " ")[1]) ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE)))
    }
}
