import Glibc
import SluiceConfiguration
import SluiceNode
import SluiceTransport

/// Listening sockets that a service manager has made and given to the process with its start.
///
/// Source: sd_listen_fds(3).
enum ActivatedSockets {
    /// The first descriptor that is given.
    private static let first: Int32 = 3

    /// The sockets that the environment tells of; their names are those of the configuration's listeners.
    /// - Throws: `CommandFailure` when one is no listener's.
    static func take(_ listeners: ListenerSettings) throws -> [InheritedSocket] {
        let (owner, countText) = (variable("LISTEN_PID"), variable("LISTEN_FDS"))
        // Whoever starts a process with this one's environment gives it no sockets.
        defer { for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] { unsetenv(name) } }
        guard let countText, owner == String(getpid()) else { return [] }
        guard let count = Int32(countText), (0...16).contains(count) else {
            throw CommandFailure("LISTEN_FDS is '\(countText)', and a broker takes 16 sockets at most")
        }
        let names = variable("LISTEN_FDNAMES").map { $0.split(separator: ":", omittingEmptySubsequences: false) } ?? []
        guard names.count == Int(count) else {
            throw CommandFailure(
                "LISTEN_FDS is \(count) and LISTEN_FDNAMES has \(names.count) names; "
                    + "each socket unit needs its own FileDescriptorName=")
        }
        let known = listeners.addresses.map(\.kind.rawValue)
        var sockets: [InheritedSocket] = []
        for (index, name) in names.map(String.init).enumerated() {
            guard known.contains(name) else {
                throw CommandFailure(
                    "the socket '\(name)' is for no listener of the configuration, which has "
                        + "\(known.joined(separator: ", ")); FileDescriptorName= names it")
            }
            guard !sockets.contains(where: { $0.name == name }) else {
                throw CommandFailure("there are two sockets '\(name)', and a listener has one")
            }
            guard let socket = InheritedSocket(name: name, isPinned: true, socket: first + Int32(index)) else {
                throw CommandFailure("the socket '\(name)' does not listen for TCP")
            }
            sockets.append(socket)
        }
        return sockets
    }

    private static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
}
