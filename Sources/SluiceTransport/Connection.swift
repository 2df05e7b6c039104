import CLinux
import EventLoop
import Glibc
import SluiceBroker
import SluiceCore

/// One client's socket: bytes in, bytes out, and back-pressure both ways.
///
/// Isolation: its loop's thread.
final class Connection: ReadinessTarget, ClientLink {
    private let socket: Int32
    private unowned let owner: TransportLoop
    private var watcher: ReadinessWatcher?
    private var client: Client?
    /// The head of a packet that is not whole yet; the only received bytes that outlive a tick.
    private var stash = ByteBuffer()
    private var isWriteBlocked = false
    private var isPaused = false
    private var isClosed = false
    /// Whether its last bytes are to be sent before the socket is closed.
    private var isLingering = false

    init?(_ owner: TransportLoop, socket: Int32) {
        self.owner = owner
        self.socket = socket
        guard let watcher = ReadinessWatcher(owner.loop, socket: socket, target: self) else { return nil }
        self.watcher = watcher
        watcher.want(readable: true, writable: false)
    }

    /// Makes it the link of a new client of `shard`.
    func start(_ shard: BrokerShard) {
        client = shard.connected(self, address: SocketAddress.peer(of: socket))
    }

    // MARK: Reading

    func ready(readable: Bool, writable: Bool) {
        if writable, !isClosed { continueWriting() }
        if readable, !isClosed, !isPaused, !isLingering { read() }
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
            take(UnsafeRawBufferPointer(start: room, count: left + count), client)
            if isClosed || isLingering || count < wanted { return }
            if owner.mustPause(client) { return pause() }
        }
    }

    /// Gives bytes to the shard and keeps what it leaves.
    private func take(_ received: UnsafeRawBufferPointer, _ client: Client) {
        let bytes = received.assumingMemoryBound(to: UInt8.self)
        let used = owner.shard.received(client, bytes.span)
        stash.removeAll()
        if used < received.count, !client.isClosing {
            stash.append(UnsafeRawBufferPointer(rebasing: received[used...]))
        } else {
            // An idle connection holds no buffer; one that had a large packet gives its memory back.
            stash.reset(keeping: 0)
        }
        if owner.mustPause(client) { pause() }
    }

    /// Packets that were postponed, or left in the kernel, can be taken now.
    func resume() {
        guard !isClosed, !isLingering, let client else { return }
        isPaused = false
        updateWatcher()
        guard stash.count > 0 else { return }
        owner.afterTick { [weak self] in self?.takeStashed(client) }
    }

    private func takeStashed(_ client: Client) {
        guard !isClosed, !isLingering else { return }
        var held = ByteBuffer()
        swap(&held, &stash)
        held.withUnsafeBytes { bytes in take(bytes, client) }
        owner.shard.endTick()
    }

    private func pause() {
        guard !isPaused, !isClosed else { return }
        isPaused = true
        owner.paused(self)
        updateWatcher()
    }

    private func lose() {
        guard let client else { return finish() }
        owner.shard.disconnected(client)
        finish()
    }

    // MARK: Writing

    func flush() {
        guard !isClosed, let client, !isWriteBlocked else { return }
        send(client)
    }

    private func send(_ client: Client) {
        while !client.output.isEmpty {
            let count = client.output.withUnsafeBytes { bytes in
                Glibc.send(socket, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
            }
            if count >= 0 {
                client.output.removeFirst(count)
            } else if errno == EAGAIN {
                isWriteBlocked = true
                return updateWatcher()
            } else if errno != EINTR {
                // The read side learns of the end too, and tells the shard.
                client.output.reset(keeping: 0)
                if isLingering { finish() }
                return
            }
        }
        client.output.reset(keeping: 4096)
        if isLingering { finish() }
    }

    private func continueWriting() {
        guard let client else { return }
        isWriteBlocked = false
        send(client)
        guard !isClosed, !isWriteBlocked else { return }
        updateWatcher()
        owner.shard.drained(client)
    }

    func close() {
        guard !isClosed, let client else { return }
        isLingering = true
        send(client)
        guard !isClosed else { return }
        // What does not fit goes as the peer reads; one that never does is cut off.
        updateWatcher()
        owner.linger(self)
    }

    /// Cuts a lingering connection off.
    func cut() { finish() }

    private func updateWatcher() {
        guard !isClosed else { return }
        watcher?.want(readable: !isPaused && !isLingering, writable: isWriteBlocked)
    }

    private func finish() {
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
