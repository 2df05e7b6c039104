import CLinux
import Foundation
import Glibc

/// A listening socket on the loopback interface, at a port that the system chose; whoever has it closes it.
struct LoopbackListener: Sendable {
    let socket: Int32
    let port: Int

    init() throws {
        socket = sluice_listen_tcp("127.0.0.1", 0, 16)
        guard socket >= 0 else { throw RawClient.ConnectError(code: errno) }
        var text = [CChar](repeating: 0, count: 64)
        sluice_socket_address(socket, false, &text, text.count)
        let address = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard let port = address.split(separator: ":").last.flatMap({ Int($0) }) else {
            close(socket)
            throw RawClient.ConnectError(code: 0)
        }
        self.port = port
    }
}
