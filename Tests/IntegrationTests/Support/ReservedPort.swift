import Glibc

/// A port of the loopback interface that a test keeps to itself while the broker on it is away.
///
/// A socket that is bound and does not listen: the system gives its port to nobody who asks for any, and a broker that
/// names it can listen there, since both allow the address to be used again.
final class ReservedPort {
    let port: Int
    private let socket: Int32

    struct BindError: Error { let code: Int32 }

    init() throws {
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var one: Int32 = 1
        setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) { [socket] pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(socket, address, length) == 0 ? getsockname(socket, address, &length) : -1
            }
        }
        port = Int(UInt16(bigEndian: address.sin_port))
        guard status == 0 else { throw BindError(code: errno) }
    }

    deinit { close(socket) }
}
