import Foundation
import Glibc

/// Debian's mosquitto on a port of the system's choice.
final class MosquittoBroker {
    let port: Int
    private let directory: TemporaryDirectory
    private let configuration: String
    private var process: ChildProcess

    struct StartError: Error { let text: String }

    /// Starts a broker and waits until it accepts.
    /// - Parameter more: lines of its configuration, after those of its listener.
    init(_ more: String = "allow_anonymous true\n", port: Int? = nil) throws {
        directory = try TemporaryDirectory()
        self.port = try port ?? Self.freePort()
        // Everything waits in it for whoever subscribes, without bound: what is counted is what the bridge does.
        configuration =
            "listener \(self.port) 127.0.0.1\nmax_queued_messages 0\nmax_inflight_messages 0\nuser root\n" + more
        process = try Self.start(configuration, directory)
        try waitUntilReady()
    }

    deinit { process.kill(SIGKILL) }

    private static func start(_ configuration: String, _ directory: TemporaryDirectory) throws -> ChildProcess {
        let file = try directory.write("mosquitto.conf", configuration)
        return try ChildProcess(["mosquitto", "-c", file], in: directory)
    }

    private func waitUntilReady() throws {
        guard process.wait(within: 10, until: { Self.accepts(port) }) else {
            throw StartError(text: "mosquitto does not accept: \(process.errors)")
        }
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

    private static func accepts(_ port: Int) -> Bool {
        let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        address.sin_port = UInt16(port).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }

    /// Ends it as a crash would: without persistence everything in it is gone.
    func crash() {
        process.kill(SIGKILL)
        _ = process.exitCode()
    }

    /// Starts it again, empty.
    func restart() throws {
        process = try Self.start(configuration, directory)
        try waitUntilReady()
    }

    /// Stops or continues it (SIGSTOP, SIGCONT).
    func signal(_ signal: Int32) { process.kill(signal) }

    /// A path of its directory.
    func write(_ name: String, _ text: String) throws -> String { try directory.write(name, text) }
}
