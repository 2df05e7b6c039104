import Foundation
import Glibc

/// Debian's mosquitto on a port of its own.
final class MosquittoBroker {
    var port: Int { reserved.port }
    private let reserved: ReservedPort
    private let directory: TemporaryDirectory
    private let configuration: String
    private var process: ChildProcess

    struct StartError: Error { let text: String }

    /// Starts a broker and waits until it listens.
    /// - Parameters:
    ///   - more: lines of its configuration, after those of its listener.
    ///   - reserved: one that a bridge knows already.
    init(_ more: String = "allow_anonymous true\n", at reserved: ReservedPort? = nil) throws {
        let port = try reserved ?? ReservedPort()
        self.reserved = port
        directory = try TemporaryDirectory()
        // Everything waits in it for whoever subscribes, without bound: what is counted is what the bridge does.
        configuration =
            "listener \(port.port) 127.0.0.1\nmax_queued_messages 0\nmax_inflight_messages 0\nuser root\n" + more
        process = try Self.start(configuration, directory)
    }

    deinit { process.kill(SIGKILL) }

    /// Starts it and waits until it says that it listens, which no other broker on its port can say for it.
    private static func start(_ configuration: String, _ directory: TemporaryDirectory) throws -> ChildProcess {
        let file = try directory.write("mosquitto.conf", configuration)
        let process = try ChildProcess(["mosquitto", "-c", file], in: directory)
        guard process.wait(until: { process.errors.contains(" running") }) else {
            throw StartError(text: "mosquitto does not start: \(process.errors)")
        }
        return process
    }

    /// Ends it as a crash would: without persistence everything in it is gone.
    func crash() {
        process.kill(SIGKILL)
        _ = process.exitCode()
    }

    /// Starts it again, empty.
    func restart() throws { process = try Self.start(configuration, directory) }

    /// Stops or continues it (SIGSTOP, SIGCONT).
    func signal(_ signal: Int32) { process.kill(signal) }

    /// A path of its directory.
    func write(_ name: String, _ text: String) throws -> String { try directory.write(name, text) }
}
