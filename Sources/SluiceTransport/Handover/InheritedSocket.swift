import CLinux
import Glibc
import SluiceCore
import Speaking

/// A listening socket that this process has from another.
///
/// Invariants: it listens for TCP and does not block.
/// Isolation: the main thread.
package final class InheritedSocket {
    /// The name of the listener that it is for.
    package let name: String
    /// Whether it is its listener's whatever the configuration says of the address: a service manager chose that.
    package let isPinned: Bool
    /// The socket; -1 once it is taken.
    private var socket: Int32

    /// Takes a socket over, which is closed with this if nobody takes it.
    /// - Returns: nil when it does not listen for TCP; then it is closed.
    package init?(name: String, isPinned: Bool, socket: Int32) {
        self.name = name
        self.isPinned = isPinned
        self.socket = socket
        guard sluice_adopt_listener(socket) else { return nil }
    }

    deinit { close() }

    /// Nobody needs it: connections that wait in it are refused.
    func close() {
        if socket >= 0 { Glibc.close(socket) }
        socket = -1
    }

    /// Where it listens, as `HOST:PORT`.
    package var address: String { SocketAddress.local(of: socket) }

    /// Whether it is what `endpoint` asks for.
    func fits(_ endpoint: ListenerEndpoint) -> Bool {
        guard socket >= 0 else { return false }
        if isPinned || endpoint.port == 0 { return name == endpoint.identity.name }
        guard let colon = address.lastIndex(of: ":") else { return false }
        return UInt16(address[address.index(after: colon)...]) == endpoint.port
            && IPAddress(socket: address) == IPAddress(endpoint.host)
    }

    /// Gives the socket away.
    func take() -> Int32 {
        defer { socket = -1 }
        return socket
    }
}

extension [InheritedSocket] {
    /// The socket that an endpoint asks for: a pinned one of its name, else one at its address.
    /// - Returns: nil when there is none.
    func take(for endpoint: ListenerEndpoint) -> InheritedSocket? {
        first { $0.isPinned && $0.fits(endpoint) } ?? first { $0.fits(endpoint) }
    }
}
