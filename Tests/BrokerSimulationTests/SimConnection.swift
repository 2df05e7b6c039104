import MQTTWire
import SluiceBroker
import SluiceCore
import Speaking

/// A connection as a transport would drive it, whose two sockets are arrays.
///
/// What one side has written lies in the socket until the simulation lets the other side read it; a socket has only so
/// much room. It keeps the rules of `Connection`: what a speaker leaves comes again, a speaker that must wait is not
/// read, output that the socket does not take is sent later.
final class SimConnection: ConnectionLink {
    static let peer = PeerIdentity(
        address: "simulated", listener: ListenerIdentity(name: "simulated", conversation: .mqtt))

    let shard: Int
    private let plant: Plant?
    private var speaker: Client?
    private var stash: [UInt8] = []
    private var toldByteCount = 0
    /// What the client has written and the broker has not read.
    private var upward: [UInt8] = []
    /// What the broker has written and the client has not read.
    private var downward: [UInt8] = []
    private let room: Int
    private var isPaused = false
    private var isWriteBlocked = false
    /// Whether bytes that were left are to be given again.
    private var mustGoOn = false
    /// Whether the broker has closed it: the client reads what is left, then the end.
    private(set) var isClosed = false
    /// Whether the client has let go of it.
    private(set) var isAbandoned = false

    init(_ broker: BrokerShard, shard: Int, room: Int, plant: Plant?) {
        self.shard = shard
        self.room = room
        self.plant = plant
        speaker = broker.connected(self, peer: Self.peer)
    }

    // MARK: The client's side

    func write(_ bytes: [UInt8]) { if !isClosed { upward += bytes } }

    /// Bytes that the client can read now.
    var readableByteCount: Int { downward.count }

    /// Takes bytes out of the client's socket; the broker may go on writing then.
    func read(_ count: Int) -> [UInt8] {
        let taken = Array(downward.prefix(count))
        downward.removeFirst(taken.count)
        return taken
    }

    /// The client lets go of it, with or without having read everything.
    func abandon() {
        isAbandoned = true
        downward = []
    }

    // MARK: The broker's side

    /// Whether the broker would learn something from the socket.
    var hasNews: Bool {
        guard !isClosed else { return false }
        return mustGoOn || !isPaused && (!upward.isEmpty || isAbandoned) || isWriteBlocked && canWrite
    }

    private var canWrite: Bool { isAbandoned || downward.count < room }

    /// Lets the broker read up to `count` bytes, or learn of the end, or go on writing.
    func perform(_ count: Int) {
        guard let speaker, !isClosed else { return }
        if isWriteBlocked, canWrite {
            isWriteBlocked = false
            flush()
            if !isWriteBlocked, !isClosed { speaker.drained() }
        } else if mustGoOn {
            mustGoOn = false
            take([])
        } else if !upward.isEmpty, !isPaused {
            let bytes = Array(upward.prefix(count))
            upward.removeFirst(bytes.count)
            take(bytes)
        } else if isAbandoned, upward.isEmpty {
            speaker.disconnected()
            end()
        }
    }

    private func take(_ bytes: [UInt8]) {
        guard let speaker else { return }
        stash += bytes
        let given = stash
        let used = speaker.received(given.span)
        guard !speaker.isClosing, !isClosed else {
            stash = []
            return
        }
        stash = Array(given[used...])
        if stash.count != toldByteCount {
            toldByteCount = stash.count
            speaker.kept(byteCount: toldByteCount)
        }
        if speaker.mustWait { isPaused = true }
    }

    /// The end of a tick without pressure: who waited for that goes on.
    func resumeIfPossible() {
        guard isPaused, !isClosed, let speaker, !speaker.mustWait else { return }
        resume()
    }

    // MARK: The link

    func resume() {
        guard !isClosed else { return }
        isPaused = false
        if !stash.isEmpty { mustGoOn = true }
    }

    func flush() {
        guard !isClosed, !isWriteBlocked else { return }
        send(atMost: isAbandoned ? .max : max(0, room - downward.count))
    }

    private func send(atMost most: Int) {
        guard let speaker else { return }
        var sent: [UInt8] = []
        while sent.count < most, !speaker.outputQueue.isEmpty {
            var piece: [UInt8] = []
            speaker.outputQueue.withFirstBytes { piece = Array($0.prefix(most - sent.count)) }
            speaker.outputQueue.removeFirst(piece.count)
            sent += piece
        }
        if plant == .losesDUP { Self.clearDUP(&sent) }
        if !isAbandoned { downward += sent }
        isWriteBlocked = !speaker.outputQueue.isEmpty
        if !isWriteBlocked { speaker.outputQueue.reset(keeping: 4096) }
        speaker.sent(sent.count, isBehind: isWriteBlocked)
    }

    func pause() { isPaused = true }

    var unacknowledgedByteCount: Int { 0 }

    func close() {
        guard !isClosed else { return }
        send(atMost: .max)
        end()
    }

    /// The node is gone.
    func cut() {
        isClosed = true
        downward = []
        speaker = nil
    }

    private func end() {
        isClosed = true
        upward = []
        speaker = nil
    }

    /// Clears the flag in a first byte that looks like a PUBLISH with it.
    private static func clearDUP(_ bytes: inout [UInt8]) {
        guard let first = bytes.first, first & 0xF8 == 0x38 else { return }
        bytes[0] = first & ~8
    }
}
