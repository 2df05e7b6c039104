import CLinux
import EventLoop
import Glibc
import SluiceBroker
import SluiceCore

/// One client's socket: bytes in, bytes out, and back-pressure both ways. What TLS and WebSocket need beyond that is in
/// `Connection+Channel.swift`.
///
/// Isolation: its loop's thread.
final class Connection: ReadinessTarget, ClientLink {
    let socket: Int32
    unowned let owner: TransportLoop
    /// What stands between the socket and MQTT; nil for plain TCP.
    let channel: Channel?
    private var watcher: ReadinessWatcher?
    /// The shard's side of it; nil until MQTT can flow.
    private(set) var client: Client?
    /// The head of a packet that is not whole yet; the only received bytes that outlive a tick.
    var stash = ByteBuffer()
    var isWriteBlocked = false
    private(set) var isPaused = false
    /// Whether it came when there were as many as there may be: it is told so, and ends.
    var isSurplus = false
    private(set) var isClosed = false
    /// Whether its last bytes are to be sent before the socket is closed.
    var isLingering = false
    /// Whether all its bytes are sent, and what the peer still sends is read only to let it see the end.
    var isHalfClosed = false
    /// Whether the peer ended it while it was paused: what came before is still to be taken.
    var endsWhenTaken = false

    init?(_ owner: TransportLoop, socket: Int32, channel: Channel?) {
        self.owner = owner
        self.socket = socket
        self.channel = channel
        guard let watcher = ReadinessWatcher(owner.loop, socket: socket, target: self) else { return nil }
        self.watcher = watcher
        watcher.want(readable: true, writable: false)
    }

    /// Makes it the link of a new client of the shard.
    func open() {
        client = owner.shard.connected(
            self, address: channel?.address ?? SocketAddress.peer(of: socket), isSurplus: isSurplus)
    }

    // MARK: Reading

    func ready(readable: Bool, writable: Bool) {
        owner.beginTick()
        if writable, !isClosed { continueWriting() }
        guard readable, !isClosed, !isPaused || isHalfClosed else { return }
        if isLingering {
            discard()
        } else if let channel {
            read(channel)
        } else {
            read()
        }
    }

    /// Reads what is there, at most a few buffers full, so that one client does not keep the others waiting.
    private func read() {
        guard let client else { return }
        for _ in 0..<4 {
            let left = stash.count
            let room = owner.receiveBuffer(holding: left + max(client.wantedByteCount, TransportLoop.readBytes))
            stash.withUnsafeBytes { held in
                if let base = held.baseAddress { room.copyMemory(from: base, byteCount: left) }
            }
            let wanted = owner.receiveCapacity - left
            let count = recv(socket, room + left, wanted, 0)
            if count < 0 {
                if errno == EINTR { continue }
                if errno == EAGAIN { return }
                return lose()
            }
            if count == 0 { return lose() }
            owner.shard.counters.bytesReceived += UInt64(count)
            take(UnsafeRawBufferPointer(start: room, count: left + count), client)
            if isClosed || isLingering || count < wanted { return }
            if owner.mustPause(client) { return pause() }
        }
    }

    /// Gives bytes to the shard and keeps what it leaves.
    func take(_ received: UnsafeRawBufferPointer, _ client: Client) {
        let bytes = received.assumingMemoryBound(to: UInt8.self)
        let used = owner.shard.received(client, bytes.span)
        stash.removeAll()
        if used < received.count, !client.isClosing {
            stash.append(UnsafeRawBufferPointer(rebasing: received[used...]))
        } else {
            // An idle connection holds no buffer; one that had a large packet gives its memory back.
            stash.reset(keeping: 0)
        }
        if stash.count > 0 || client.hasStash { owner.shard.keeps(client, byteCount: stash.capacity) }
        if owner.mustPause(client) { pause() }
    }

    /// Whether it must go on being left unread for the sake of its own output.
    var mustStayPaused: Bool {
        guard !isClosed, let client else { return false }
        return client.isPostponed || client.output.count > owner.shard.outputBytesMax || hasTooMuchUnsent
    }

    /// Packets that were postponed, or left in the kernel, can be taken now.
    func resume() {
        guard !isClosed, !isLingering, let client else { return }
        isPaused = false
        updateWatcher()
        guard stash.count > 0 || endsWhenTaken else { return }
        owner.afterTick { [weak self] in self?.takeStashed(client) }
    }

    private func takeStashed(_ client: Client) {
        guard !isClosed, !isLingering else { return }
        var held = ByteBuffer()
        swap(&held, &stash)
        held.withUnsafeBytes { bytes in take(bytes, client) }
        owner.shard.endTick()
        if endsWhenTaken, !isPaused, !isClosed, !isLingering { end(nil) }
    }

    func pause() {
        guard !isPaused, !isClosed else { return }
        isPaused = true
        owner.paused(self)
        updateWatcher()
    }

    func lose() {
        guard let client else { return finish() }
        owner.shard.disconnected(client)
        finish()
    }

    // MARK: Writing

    func flush() {
        guard !isClosed, let client, !isWriteBlocked else { return }
        if let channel { send(channel) } else { send(client) }
    }

    private func send(_ client: Client) {
        while !client.output.isEmpty {
            let count = client.output.withUnsafeBytes { bytes in
                Glibc.send(socket, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
            }
            if count >= 0 {
                client.movedAt = owner.shard.now
                client.output.removeFirst(count)
                owner.shard.counters.bytesSent += UInt64(count)
            } else if errno == EAGAIN {
                isWriteBlocked = true
                if client.waitsSince == nil { client.waitsSince = owner.shard.now }
                return updateWatcher()
            } else if errno != EINTR {
                // The read side learns of the end too, and tells the shard.
                client.output.reset(keeping: 0)
                if isLingering { finish() }
                return
            }
        }
        client.waitsSince = nil
        client.output.reset(keeping: isLingering ? 0 : 4096)
        // A broker that stops waits for nobody to hang up.
        if isLingering { owner.isStopping ? finish() : halfClose() }
    }

    private func continueWriting() {
        isWriteBlocked = false
        if let channel { send(channel) } else if let client { send(client) }
        guard !isClosed, !isWriteBlocked else { return }
        updateWatcher()
        if let client { owner.shard.drained(client) }
    }

    func close() {
        guard !isClosed, let client else { return }
        stash.reset(keeping: 0)
        // Nothing is left to be said; TLS and WebSocket have an end of their own to say.
        guard channel != nil || !client.output.isEmpty else { return finish() }
        isLingering = true
        if let channel { send(channel) } else { send(client) }
        guard !isClosed else { return }
        // What does not fit goes as the peer reads; one that never does is cut off.
        updateWatcher()
        owner.linger(self)
    }

    /// Ends our half when everything is sent. The peer's half is read to its end: it may be in the middle of sending,
    /// and on a socket that we had closed it would fail there, before it reads why.
    func halfClose() {
        guard !isHalfClosed else { return }
        guard shutdown(socket, Int32(SHUT_WR)) == 0 else { return finish() }
        isHalfClosed = true
        updateWatcher()
    }

    /// Cuts a lingering connection off.
    func cut() { finish() }

    func updateWatcher() {
        guard !isClosed else { return }
        watcher?.want(readable: isHalfClosed || !isPaused && !isLingering, writable: isWriteBlocked)
    }

    func finish() {
        guard !isClosed else { return }
        isClosed = true
        watcher?.close()
        watcher = nil
        Glibc.close(socket)
        owner.closed(self)
    }
}

/// Addresses of sockets as text.
enum SocketAddress {
    static func local(of socket: Int32) -> String { text(socket, peer: false) }
    static func peer(of socket: Int32) -> String { text(socket, peer: true) }

    private static func text(_ socket: Int32, peer: Bool) -> String {
        var buffer = [CChar](repeating: 0, count: 64)
        guard sluice_socket_address(socket, peer, &buffer, buffer.count) == 0 else { return "(unknown)" }
        return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
