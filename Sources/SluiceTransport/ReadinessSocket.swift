import CLinux
import EventLoop
import Glibc
import SluiceCore
import Speaking

/// A socket whose calls are made when it can be read or written without waiting.
///
/// Isolation: its loop's thread.
final class ReadinessSocket: ReadinessTarget, ConnectionSocket {
    private let descriptor: Int32
    // It owns the socket, and closes it before it goes: the checks of a safe reference are slow for an object that weak
    // references lead to as well.
    private unowned(unsafe) let connection: Connection
    private var watcher: ReadinessWatcher?

    /// Buffers that one call sends at most.
    private static let buffersMax = 16

    /// Watches `descriptor`, which is the socket's to close unless this fails.
    init?(_ loop: Loop, _ descriptor: Int32, of connection: Connection) {
        self.descriptor = descriptor
        self.connection = connection
        guard let watcher = ReadinessWatcher(loop, socket: descriptor, target: self) else { return nil }
        self.watcher = watcher
        watcher.want(readable: true, writable: false)
    }

    func want(readable: Bool, writable: Bool) { watcher?.want(readable: readable, writable: writable) }

    func ready(readable: Bool, writable: Bool) {
        let connection = self.connection
        connection.owner.beginTick()
        if writable, !connection.isClosed { connection.canSend() }
        if readable, connection.takesBytes { receive(connection) }
    }

    // MARK: Receiving

    /// Reads what is there, at most a few buffers full, so that one peer does not keep the others waiting. All
    /// connections of a loop share one buffer: what a connection holds of an earlier read is put in front.
    private func receive(_ connection: Connection) {
        let owner = connection.owner
        for _ in 0..<4 {
            let left = connection.heldByteCount
            let room = owner.receiveBuffer(holding: left + max(connection.wantedByteCount, TransportLoop.readBytes))
            connection.copyHeld(to: room)
            let wanted = owner.receiveCapacity - left
            let count = recv(descriptor, room + left, wanted, 0)
            if count < 0 {
                if errno == EINTR { continue }
                if errno == EAGAIN { return }
                return connection.failed()
            }
            if count == 0 { return connection.ended() }
            connection.received(UnsafeRawBufferPointer(start: room, count: left + count), heldByteCount: left)
            if count < wanted || !connection.readsOn { return }
        }
    }

    // MARK: Sending

    func send(_ output: inout OutputQueue) -> SendProgress {
        // What most have to say is one buffer, and a flush of one message is felt.
        output.isOneBuffer ? send(&output.bytes) : sendPieces(&output)
    }

    private func sendPieces(_ output: inout OutputQueue) -> SendProgress {
        var progress = SendProgress()
        var regionBytesLeft = connection.owner.regionBytesMax
        while !output.isEmpty {
            let region = output.firstRegion
            let count =
                if let region {
                    sluice_sendfile(
                        descriptor, region.file.descriptor, region.offset, min(region.count, regionBytesLeft))
                } else {
                    sendBuffers(output)
                }
            if count > 0 || count == 0 && region == nil {
                progress.byteCount += count
                output.removeFirst(count)
                guard region != nil else { continue }
                regionBytesLeft -= count
                guard regionBytesLeft == 0, !output.isEmpty else { continue }
                // The socket is writable as it was: the rest goes in the loop's next turn.
                progress.state = .later
                return progress
            }
            if count < 0, errno == EINTR { continue }
            progress.state = count == 0 ? .regionFailed("the file is shorter than it was") : failure(region)
            return progress
        }
        return progress
    }

    func send(_ wire: inout ByteBuffer) -> SendProgress {
        var progress = SendProgress()
        while !wire.isEmpty {
            let count = wire.withUnsafeBytes { bytes in
                Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
            }
            if count >= 0 {
                progress.byteCount += count
                wire.removeFirst(count)
            } else if errno != EINTR {
                progress.state = failure(nil)
                return progress
            }
        }
        return progress
    }

    /// What `errno` means.
    private func failure(_ region: FileRegion?) -> SendProgress.State {
        switch errno {
        case EAGAIN: return .later
        case EPIPE, ECONNRESET, ENOTCONN, ETIMEDOUT: return .lost
        case let code: return region == nil ? .lost : .regionFailed(String(cString: strerror(code)))
        }
    }

    /// Sends the bytes up to the next region.
    private func sendBuffers(_ output: borrowing OutputQueue) -> Int {
        let bufferCount = min(output.leadingBufferCount, Self.buffersMax)
        if bufferCount == 1 {
            // Bytes and the beginning of the region behind them go in one segment.
            let flags = Int32(MSG_NOSIGNAL) | (output.hasRegionBehindFirst ? Int32(MSG_MORE) : 0)
            return output.withFirstBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, flags) }
        }
        return withUnsafeTemporaryAllocation(of: iovec.self, capacity: bufferCount) { parts in
            var count = 0
            output.forEachBuffer(bufferCount) { bytes in
                parts[count] = iovec(
                    iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
                count += 1
            }
            var message = msghdr()
            message.msg_iov = parts.baseAddress
            message.msg_iovlen = count
            return sendmsg(descriptor, &message, Int32(MSG_NOSIGNAL))
        }
    }

    var unacknowledgedByteCount: Int { Int(sluice_unacknowledged(descriptor)) }

    // MARK: Ends

    func endSending() -> Bool { shutdown(descriptor, Int32(SHUT_WR)) == 0 }

    func close() {
        guard let watcher else { return }
        watcher.close()
        self.watcher = nil
        Glibc.close(descriptor)
    }
}
