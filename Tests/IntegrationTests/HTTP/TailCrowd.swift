import CLinux
import Glibc

/// Many connections to one tail, held by one thread.
final class TailCrowd {
    private var sockets: [Int32] = []
    /// The last bytes of each, where the beginning of what is looked for may be.
    private var ends: [[UInt8]] = []
    private var buffer = [UInt8](repeating: 0, count: 256 << 10)

    /// Where its descriptors begin: libmosquitto, by which other tests of this process connect, waits with select(2),
    /// which knows those below 1,024 only.
    static let firstDescriptor: Int32 = 2048

    struct Failure: Error { let text: String }

    deinit { for socket in sockets { close(socket) } }

    /// Connects and asks.
    /// - Parameter isSlow: whether the system is to keep as little as it can of what is not read.
    func open(_ target: String, port: Int, isSlow: Bool) throws {
        let low = sluice_connect_tcp("127.0.0.1", String(port))
        guard low >= 0 else { throw Failure(text: "connection \(sockets.count): \(errno)") }
        let socket = fcntl(low, F_DUPFD_CLOEXEC, Self.firstDescriptor)
        close(low)
        guard socket >= 0 else { throw Failure(text: "connection \(sockets.count): \(errno)") }
        sockets.append(socket)
        ends.append([])
        if isSlow {
            var byteCount: Int32 = 4096
            setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &byteCount, socklen_t(MemoryLayout<Int32>.size))
        }
        guard LoopbackSocket.takes(Array("GET \(target) HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8), socket) else {
            throw Failure(text: "connection \(sockets.count - 1) takes no request: \(errno)")
        }
    }

    /// Reads until each of `members` has been sent `text` since the last call; from the others nothing is read.
    /// - Returns: how many have not, in the time or because one was closed.
    func missing(_ text: String, _ members: Range<Int>, within seconds: Double = 240) -> Int {
        let deadline = Deadline(seconds)
        var entries = members.map { pollfd(fd: sockets[$0], events: Int16(POLLIN), revents: 0) }
        var left = entries.count
        while left > 0, !deadline.isOver {
            guard poll(&entries, nfds_t(entries.count), deadline.milliseconds) > 0 else { continue }
            for index in entries.indices where entries[index].revents != 0 {
                guard let isFound = reads(members.lowerBound + index, text) else { return left }
                guard isFound else { continue }
                entries[index].fd = -1
                entries[index].revents = 0
                left -= 1
            }
        }
        return left
    }

    /// Takes what there is.
    /// - Returns: whether it holds what is looked for; nil at the connection's end.
    private func reads(_ place: Int, _ wanted: String) -> Bool? {
        let (socket, before) = (sockets[place], ends[place])
        let (count, isFound, end) = buffer.withUnsafeMutableBytes { bytes -> (Int, Bool, [UInt8]) in
            guard let start = bytes.baseAddress else { return (0, false, []) }
            bytes.copyBytes(from: before)
            // One byte is left for the zero that ends what strstr reads.
            let count = recv(socket, start + before.count, bytes.count - before.count - 1, Int32(MSG_DONTWAIT))
            guard count > 0 else { return (count, false, []) }
            let end = before.count + count
            bytes[end] = 0
            let isFound = strstr(start.assumingMemoryBound(to: CChar.self), wanted) != nil
            return (count, isFound, Array(bytes[max(0, end - wanted.utf8.count + 1)..<end]))
        }
        guard count > 0 else { return nil }
        ends[place] = end
        return isFound
    }
}
