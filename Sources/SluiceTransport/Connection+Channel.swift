import Glibc
import SluiceBroker
import SluiceCore

/// Connections whose bytes go through a channel: TLS, WebSocket or both.
extension Connection {
    /// Bytes of answers to the peer (pongs, TLS's own messages) that may wait for the socket before its bytes are left
    /// unread.
    private static let unsentBytesMax = 4 * Channel.stepBytes

    /// Whether the peer makes us answer and does not read the answers.
    var hasTooMuchUnsent: Bool { channel.map { $0.unsent.count > Self.unsentBytesMax } ?? false }

    // MARK: Reading

    /// Reads what is there, as `read()` does.
    func read(_ channel: Channel) {
        for _ in 0..<4 {
            let room = owner.receiveBuffer(holding: TransportLoop.readBytes)
            let wanted = owner.receiveCapacity
            let count = recv(socket, room, wanted, 0)
            if count < 0 {
                if errno == EINTR { continue }
                if errno == EAGAIN { return }
                return lose()
            }
            if count == 0 { return lose() }
            owner.shard.counters.bytesReceived += UInt64(count)
            received(UnsafeRawBufferPointer(start: room, count: count), channel)
            if isClosed || isLingering || isPaused || count < wanted { return }
        }
    }

    /// Takes bytes off the wire, and gives those of MQTT that were in them to the shard.
    private func received(_ wire: UnsafeRawBufferPointer, _ channel: Channel) {
        owner.plain.removeAll()
        stash.withUnsafeBytes { owner.plain.append($0) }
        let bytes = wire.assumingMemoryBound(to: UInt8.self)
        owner.wire.removeAll()
        let event = channel.received(
            bytes.span, plain: &owner.plain, wire: &owner.wire, clear: &owner.clear, frames: &owner.frames)
        push(channel)
        guard !isClosed else { return }
        // A client may say all it has to say with the last of its handshake, and leave.
        if client == nil, event == .open || !owner.plain.isEmpty { open() }
        if let client, owner.plain.count > stash.count {
            owner.plain.withUnsafeBytes { take($0, client) }
        }
        owner.shrinkInput()
        guard !isClosed, !isLingering else { return }
        switch event {
        case .opening, .open: if hasTooMuchUnsent { pause() }
        case .closed: if isPaused { endsWhenTaken = true } else { end(nil) }
        case .failed(let reason): end(reason)
        }
    }

    /// Ends a connection that the peer, or a fault of its, has ended.
    func end(_ reason: String?) {
        if let reason { owner.reportFailure("\(name): \(reason)") }
        if let client { owner.shard.disconnected(client) }
        guard !isClosed else { return }
        isLingering = true
        // Whatever the shard had left for it stays unsent; the channel's last words are on their way.
        client?.output.reset(keeping: 0)
        if let channel { send(channel) }
        guard !isClosed else { return }
        updateWatcher()
        owner.linger(self)
    }

    /// Gives a handshake up that takes too long.
    func giveUp(after seconds: Int) {
        guard let channel else { return }
        owner.reportFailure(
            "\(name): \(channel.handshake) not finished within \(seconds) s ('limits: connect_timeout')")
        finish()
    }

    /// Whether its handshakes go on.
    var isOpening: Bool { !isClosed && !isLingering && client == nil }

    private var name: String {
        let address = channel?.address ?? SocketAddress.peer(of: socket)
        return client.map { "\($0.name) at \(address)" } ?? address
    }

    /// Reads what no one wants any more: a socket that is closed with unread bytes in it tells its peer of an error,
    /// and the peer may then throw our last words away.
    func discard() {
        let room = owner.receiveBuffer(holding: TransportLoop.readBytes)
        for _ in 0..<4 {
            let count = recv(socket, room, owner.receiveCapacity, 0)
            if count < 0, errno == EINTR { continue }
            if count < 0, errno == EAGAIN { return }
            if count <= 0 { return finish() }
        }
    }

    // MARK: Writing

    /// Sends what waits: first what was wrapped already, then the client's output, a step at a time.
    func send(_ channel: Channel) {
        owner.wire.removeAll()
        push(channel)
        while !isClosed, !isWriteBlocked, let client, !client.output.isEmpty {
            let count = min(client.output.count, Channel.stepBytes)
            client.output.withUnsafeBytes { bytes in
                channel.send(
                    UnsafeRawBufferPointer(rebasing: bytes[..<count]).assumingMemoryBound(to: UInt8.self).span,
                    wire: &owner.wire, frames: &owner.frames)
            }
            client.output.removeFirst(count)
            push(channel)
        }
        guard !isClosed, !isWriteBlocked else { return }
        client?.waitsSince = nil
        client?.output.reset(keeping: 4096)
        if isLingering { sayGoodbye(channel) }
        owner.shrinkOutput()
    }

    /// Sends the loop's `wire` behind what is unsent, and keeps what the socket does not take.
    private func push(_ channel: Channel) {
        defer { owner.wire.removeAll() }
        if isWriteBlocked || !channel.unsent.isEmpty {
            owner.wire.withUnsafeBytes { channel.unsent.append($0) }
            if !isWriteBlocked { pushBytes(of: &channel.unsent) }
        } else {
            pushBytes(of: &owner.wire)
            if isWriteBlocked { owner.wire.withUnsafeBytes { channel.unsent.append($0) } }
        }
        if channel.unsent.isEmpty { channel.unsent.reset(keeping: 0) }
    }

    private func pushBytes(of buffer: inout ByteBuffer) {
        while !buffer.isEmpty {
            let count = buffer.withUnsafeBytes { bytes in
                Glibc.send(socket, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
            }
            if count >= 0 {
                client?.movedAt = owner.shard.now
                buffer.removeFirst(count)
                owner.shard.counters.bytesSent += UInt64(count)
            } else if errno == EAGAIN {
                isWriteBlocked = true
                if let client, client.waitsSince == nil { client.waitsSince = owner.shard.now }
                return updateWatcher()
            } else if errno != EINTR {
                // The read side learns of the end too, and tells the shard.
                buffer.removeAll()
                client?.output.reset(keeping: 0)
                if isLingering { finish() }
                return
            }
        }
    }

    /// Everything is sent: ends the channel, then our half of the connection.
    private func sayGoodbye(_ channel: Channel) {
        guard !isHalfClosed else { return }
        channel.close(isStopping: owner.isStopping, wire: &owner.wire, frames: &owner.frames)
        push(channel)
        guard !isClosed, !isWriteBlocked else { return }
        halfClose()
    }
}
