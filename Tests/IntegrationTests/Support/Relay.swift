import CLinux
import Foundation
import Glibc
import Synchronization

/// A network between a client and a server here, which a test can cut: bytes get lost, and nobody hears of it.
///
/// Isolation: its own threads; tests call it from any.
// Sendable: what changes is behind a mutex.
final class Relay: @unchecked Sendable {
    let port: Int
    private let target: Int
    /// What the server is sent before a client's bytes.
    private let greeting: [UInt8]
    private let listener: Int32
    private let state = Mutex(State())

    private struct State: Sendable {
        var isCut = false
        var isOver = false
        var sockets: Set<Int32> = []
    }

    init(to target: Int, greeting: [UInt8] = []) throws {
        self.target = target
        self.greeting = greeting
        let listening = try LoopbackListener()
        (listener, port) = (listening.socket, listening.port)
        Thread { [self] in serve() }.start()
    }

    /// Ends its threads. Nothing else does: they hold it.
    func stop() {
        state.withLock { state in
            state.isOver = true
            for socket in state.sockets { shutdown(socket, Int32(SHUT_RDWR)) }
        }
        shutdown(listener, Int32(SHUT_RDWR))
    }

    /// From now on what is sent gets lost, also what new connections send.
    func cut() { state.withLock { $0.isCut = true } }

    /// New connections get through; those that lost bytes are reset.
    func mend() {
        state.withLock { state in
            state.isCut = false
            for socket in state.sockets {
                var linger = linger(l_onoff: 1, l_linger: 0)
                setsockopt(socket, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
                shutdown(socket, Int32(SHUT_RDWR))
            }
        }
    }

    private func serve() {
        while true {
            var entry = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
            guard poll(&entry, 1, -1) > 0 else { continue }
            let client = accept(listener, nil, nil)
            guard client >= 0, !state.withLock({ $0.isOver }) else { break }
            let server = sluice_connect_tcp("127.0.0.1", String(target))
            guard server >= 0 else {
                close(client)
                continue
            }
            state.withLock { state in
                state.sockets.insert(client)
                state.sockets.insert(server)
            }
            Thread { [self] in carry(client, server) }.start()
        }
        close(listener)
    }

    private func carry(_ client: Int32, _ server: Int32) {
        if !greeting.isEmpty { send(server, greeting, greeting.count, Int32(MSG_NOSIGNAL)) }
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        loop: while true {
            var entries = [
                pollfd(fd: client, events: Int16(POLLIN), revents: 0),
                pollfd(fd: server, events: Int16(POLLIN), revents: 0),
            ]
            guard poll(&entries, 2, -1) > 0 else { continue }
            for (from, to) in [(0, server), (1, client)] where entries[from].revents != 0 {
                let count = recv(entries[from].fd, &chunk, chunk.count, 0)
                guard count > 0 else { break loop }
                guard !state.withLock({ $0.isCut }) else { continue }
                var done = 0
                while done < count {
                    let sent = chunk.withUnsafeBytes { view in
                        send(to, view.baseAddress.map { $0 + done }, count - done, Int32(MSG_NOSIGNAL))
                    }
                    guard sent > 0 else { break loop }
                    done += sent
                }
            }
        }
        state.withLock { state in
            state.sockets.remove(client)
            state.sockets.remove(server)
            close(client)
            close(server)
        }
    }
}
