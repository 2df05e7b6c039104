import Foundation
import Glibc

/// Debian's mosquitto on a port of the system's choice.
final class MosquittoBroker {
    let port: Int
    private let directory: TemporaryDirectory
    private let configuration: String
    private var process: ChildProcess

    struct StartError: Error { let text: String }

    /// Starts a broker and waits until it listens.
    /// - Parameter more: lines of its configuration, after those of its listener.
    init(_ more: String = "allow_anonymous true\n", port fixed: Int? = nil) throws {
        directory = try TemporaryDirectory()
        let deadline = Deadline(20)
        while true {
            let port = try fixed ?? Self.freePort()
            // Everything waits in it for whoever subscribes, without bound: what is counted is what the bridge does.
            let text = "listener \(port) 127.0.0.1\nmax_queued_messages 0\nmax_inflight_messages 0\nuser root\n" + more
            let process = try Self.start(text, directory)
            if try Self.isReady(process, deadline) {
                (self.port, configuration, self.process) = (port, text, process)
                return
            }
        }
    }

    deinit { process.kill(SIGKILL) }

    private static func start(_ configuration: String, _ directory: TemporaryDirectory) throws -> ChildProcess {
        let file = try directory.write("mosquitto.conf", configuration)
        return try ChildProcess(["mosquitto", "-c", file], in: directory)
    }

    /// Waits until it says that it listens, which no other broker on its port can say for it.
    /// - Returns: false when somebody else got the port in between, and it may be tried again.
    private static func isReady(_ process: ChildProcess, _ deadline: Deadline) throws -> Bool {
        if process.wait(within: 10, until: { process.errors.contains(" running") }) { return true }
        let text = process.errors
        guard text.contains("Address already in use"), !deadline.isOver else {
            throw StartError(text: "mosquitto does not start: \(text)")
        }
        return false
    }

    /// A port that nobody has right now.
    static func freePort() throws -> Int {
        let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(socket, address, length) == 0 ? getsockname(socket, address, &length) : -1
            }
        }
        guard status == 0 else { throw StartError(text: "no free port: \(errno)") }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    /// Ends it as a crash would: without persistence everything in it is gone.
    func crash() {
        process.kill(SIGKILL)
        _ = process.exitCode()
    }

    /// Starts it again, empty.
    func restart() throws {
        let deadline = Deadline(20)
        repeat { process = try Self.start(configuration, directory) } while try !Self.isReady(process, deadline)
    }

    /// Stops or continues it (SIGSTOP, SIGCONT).
    func signal(_ signal: Int32) { process.kill(signal) }

    /// A path of its directory.
    func write(_ name: String, _ text: String) throws -> String { try directory.write(name, text) }
}
