import CLinux
import Glibc
import SluiceCore
import Speaking

/// One peer's connection: bytes in, bytes out, and back-pressure both ways. What TLS and WebSocket need beyond that is
/// in `Connection+Channel.swift`, the system calls are in its `ConnectionSocket`.
///
/// Isolation: its loop's thread.
final class Connection: ConnectionLink {
    unowned let owner: TransportLoop
    /// What stands between the socket and the speaker; nil for plain TCP.
    private(set) var channel: Channel?
    /// Makes the system calls; there from the beginning to the end.
    private(set) var socket: (any ConnectionSocket)?
    /// Whose bytes these are; nil until they can flow.
    private(set) var speaker: (any Speaker)?
    /// What the speaker has left of the bytes that came; the only received bytes that outlive a tick.
    var stash = ByteBuffer()
    /// Bytes of memory that the speaker was told of last.
    private var toldByteCount = 0
    /// Whether the socket takes no more, or has not said yet that it has: an event follows.
    var isWriteBlocked = false
    private(set) var isPaused = false
    /// Whose connection it is: the address that the socket has, or a proxy has given.
    private(set) var peer: PeerIdentity
    /// What is spoken on it once its proxy has said whose it is; nil when it has, or there is none.
    private(set) var awaitedDoor: Door?
    /// Why it is not let in: its speaker is told so.
    var refusal: ConnectionRefusal?
    /// Whether the gate counts it.
    var isCounted = false
    private(set) var isClosed = false
    /// Whether its last bytes are to be sent before the socket is closed.
    var isLingering = false
    /// Whether all its bytes are sent, and what the peer still sends is read only to let it see the end.
    var isHalfClosed = false
    /// Whether the peer ended it while it was paused: what came before is still to be taken.
    var endsWhenTaken = false
    /// Whether something in the output cannot be sent: it is given up at the end of the tick.
    private var isBroken = false

    /// A connection, or a proxy's that has yet to say whose it is.
    init(_ owner: TransportLoop, _ peer: PeerIdentity, channel: Channel?, awaiting door: Door? = nil) {
        self.owner = owner
        self.peer = peer
        self.channel = channel
        awaitedDoor = door
    }

    /// A proxy has said whose it is.
    func enter(_ peer: PeerIdentity, channel: Channel?) {
        precondition(awaitedDoor != nil, "Cannot say twice whose a connection is")
        awaitedDoor = nil
        self.peer = peer
        self.channel = channel
    }

    /// Begins with a socket, whose events come from now on.
    func begin(_ socket: any ConnectionSocket) {
        precondition(self.socket == nil)
        self.socket = socket
    }

    /// Gives it a speaker.
    func open(_ speaker: any Speaker) { self.speaker = speaker }

    // MARK: What the socket asks

    /// Whether bytes that come are wanted.
    var takesBytes: Bool { !isClosed && (!isPaused || isHalfClosed) }

    /// Whether more bytes are to be read in this turn.
    var readsOn: Bool { !isClosed && (isHalfClosed || !isPaused && !isLingering) }

    /// How many more bytes make what is half received whole.
    var wantedByteCount: Int { channel == nil ? speaker?.wantedByteCount ?? 0 : 0 }

    /// Bytes that it would like to have in front of those that come.
    var heldByteCount: Int { channel == nil ? stash.count : 0 }

    /// Puts `heldByteCount` bytes into a buffer of a back end.
    func copyHeld(to room: UnsafeMutableRawPointer) {
        guard channel == nil, !stash.isEmpty else { return }
        stash.withUnsafeBytes { held in
            if let base = held.baseAddress { room.copyMemory(from: base, byteCount: held.count) }
        }
    }

    // MARK: Receiving

    /// Bytes have come.
    /// - Parameters:
    ///   - bytes: them, valid during the call.
    ///   - held: how many bytes in front of them are those that `copyHeld` put there: all or none.
    func received(_ bytes: UnsafeRawBufferPointer, heldByteCount held: Int) {
        // What no one wants any more is read all the same: a socket that is closed with unread bytes in it tells its
        // peer of an error, and the peer may then throw our last words away.
        guard !isClosed, !isLingering else { return }
        owner.receivedByteCount += bytes.count - held
        if let channel {
            return received(bytes, channel)
        }
        guard let speaker else { return receivedBeforeSpeaker(bytes, held) }
        guard held < stash.count else { return take(bytes, speaker) }
        stash.append(UnsafeRawBufferPointer(rebasing: bytes[held...]))
        takeStash(speaker)
    }

    /// The peer sends no more.
    func ended() { isLingering ? finish() : lose() }

    /// The socket is lost.
    func failed() { isLingering ? finish() : lose() }

    /// Gives bytes to the speaker and keeps what it leaves.
    func take(_ received: UnsafeRawBufferPointer, _ speaker: any Speaker) {
        let bytes = received.assumingMemoryBound(to: UInt8.self)
        let used = speaker.received(bytes.span)
        stash.removeAll()
        if used < received.count, !speaker.isClosing {
            stash.append(UnsafeRawBufferPointer(rebasing: received[used...]))
        } else {
            // An idle connection holds no buffer; one that had a large packet gives its memory back.
            stash.reset(keeping: 0)
        }
        if stash.capacity != toldByteCount {
            toldByteCount = stash.capacity
            speaker.kept(byteCount: toldByteCount)
        }
        if speaker.mustWait { pause() }
    }

    /// Gives the speaker what it has left before.
    func takeStash(_ speaker: any Speaker) {
        var held = ByteBuffer()
        swap(&held, &stash)
        held.withUnsafeBytes { bytes in take(bytes, speaker) }
    }

    // MARK: Back-pressure

    /// Whether it must go on being left unread for the sake of its own output.
    var mustStayPaused: Bool {
        guard !isClosed, let speaker else { return false }
        return speaker.mustWait || hasTooMuchUnsent
    }

    /// Bytes that the speaker has left, or that were left in the kernel, can be taken now.
    func resume() {
        guard !isClosed, !isLingering, let speaker else { return }
        isPaused = false
        updateEvents()
        guard stash.count > 0 || endsWhenTaken else { return }
        owner.afterTick { [weak self] in self?.goOn(speaker) }
    }

    private func goOn(_ speaker: any Speaker) {
        guard !isClosed, !isLingering else { return }
        takeStash(speaker)
        owner.endServiceTick()
        if endsWhenTaken, !isPaused, !isClosed, !isLingering { end(nil) }
    }

    func pause() {
        guard !isPaused, !isClosed else { return }
        isPaused = true
        owner.paused(self)
        updateEvents()
    }

    // MARK: Sending

    func flush() {
        guard !isClosed, !isWriteBlocked, let speaker else { return }
        if let channel { send(channel) } else { send(speaker) }
    }

    var unacknowledgedByteCount: Int { socket?.unacknowledgedByteCount ?? 0 }

    /// The socket takes bytes again.
    func canSend() {
        guard !isClosed else { return }
        isWriteBlocked = false
        if let channel { send(channel) } else if let speaker { send(speaker) }
        guard !isClosed, !isWriteBlocked else { return }
        updateEvents()
        speaker?.drained()
    }

    /// Bytes of the output were sent that `send` left for later; for a channel's bytes there is nothing to take away.
    func sent(_ byteCount: Int) {
        guard !isClosed else { return }
        if channel == nil { speaker?.outputQueue.removeFirst(byteCount) }
        owner.sentByteCount += byteCount
        speaker?.sent(byteCount, isBehind: true)
        canSend()
    }

    private func send(_ speaker: any Speaker) {
        guard let socket, !isBroken else { return }
        let progress = socket.send(&speaker.outputQueue)
        owner.sentByteCount += progress.byteCount
        switch progress.state {
        case .all:
            speaker.sent(progress.byteCount, isBehind: false)
            speaker.outputQueue.reset(keeping: isLingering ? 0 : 4096)
            // A node that stops waits for nobody to hang up.
            if isLingering { owner.isStopping ? finish() : halfClose() }
        case .later:
            isWriteBlocked = true
            speaker.sent(progress.byteCount, isBehind: true)
            updateEvents()
        case .lost:
            // The side that reads learns of the end too, and tells the speaker.
            speaker.outputQueue.reset(keeping: 0)
            if isLingering { finish() }
        case .regionFailed(let reason): giveUp(becauseOf: reason, speaker)
        }
    }

    /// Ends a connection whose peer expects bytes that there are no more. The speaker hears of it when the tick is
    /// over: it may be the one that flushes.
    func giveUp(becauseOf reason: String, _ speaker: any Speaker) {
        owner.reportFailure(
            .regionFailed, "\(speaker.label): closed, a region of a file cannot be sent: \(reason, as: .reason)")
        isBroken = true
        speaker.outputQueue.reset(keeping: 0)
        owner.afterTick { [weak self] in
            guard let self, !isClosed else { return }
            isLingering ? finish() : lose()
        }
    }

    // MARK: Ends

    func lose() {
        // What the speaker says in its last moments goes nowhere.
        if let speaker { speaker.disconnected() }
        finish()
    }

    func close() {
        guard !isClosed, let speaker else { return }
        stash.reset(keeping: 0)
        // Nothing is left to be said; TLS and WebSocket have an end of their own to say. A peer that is left unread may
        // have sent what would make the system tell it of an error, before it has read what was said.
        guard channel != nil || !speaker.outputQueue.isEmpty || isPaused else { return finish() }
        isLingering = true
        if let channel { send(channel) } else { send(speaker) }
        guard !isClosed else { return }
        // What does not fit goes as the peer reads; one that never does is cut off.
        updateEvents()
        owner.linger(self)
    }

    /// Ends our half when everything is sent. The peer's half is read to its end: it may be in the middle of sending,
    /// and on a socket that we had closed it would fail there, before it reads why.
    func halfClose() {
        guard !isHalfClosed else { return }
        guard socket?.endSending() == true else { return finish() }
        isHalfClosed = true
        updateEvents()
    }

    /// Cuts a lingering connection off.
    func cut() { finish() }

    func updateEvents() {
        guard !isClosed else { return }
        socket?.want(readable: isHalfClosed || !isPaused && !isLingering, writable: isWriteBlocked)
    }

    func finish() {
        guard !isClosed else { return }
        isClosed = true
        socket?.close()
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
