import SluiceCore
import Speaking
import Testing

@testable import SluiceTransport

/// A back end of a kernel that is given whole calls and tells when they are done: bytes come in its own buffers, and
/// what is sent is sent when the test says so.
private final class CompletionSocket: ConnectionSocket {
    /// Nobody else holds the two: they stay for as long as the test looks at the socket.
    private let loop: TransportLoop
    private let connection: Connection
    private(set) var sent: [UInt8] = []
    /// Bytes of the queue that the kernel has, and has not told of.
    private(set) var inFlight: [UInt8] = []
    private(set) var wantsReading = true
    private(set) var isClosed = false
    private(set) var isHalfClosed = false

    init(_ loop: TransportLoop, _ connection: Connection) {
        self.loop = loop
        self.connection = connection
    }

    func want(readable: Bool, writable: Bool) { wantsReading = readable }

    func send(_ output: inout OutputQueue) -> SendProgress {
        guard !output.isEmpty else { return SendProgress() }
        inFlight = output.withFirstBytes { Array($0) }
        return SendProgress(state: .later)
    }

    func send(_ wire: inout ByteBuffer) -> SendProgress {
        inFlight = wire.withUnsafeBytes { Array($0) }
        wire.removeAll()
        return SendProgress(state: .later)
    }

    var unacknowledgedByteCount: Int { 0 }

    func endSending() -> Bool {
        isHalfClosed = true
        return true
    }

    func close() { isClosed = true }

    /// The kernel has sent `count` bytes.
    func complete(_ count: Int) {
        sent += inFlight.prefix(count)
        inFlight = []
        connection.sent(count)
    }

    /// The kernel has filled a buffer.
    func fill(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { connection.received($0, heldByteCount: 0) }
    }
}

@Suite("A back end that completes calls")
struct CompletionTests {
    /// A connection that no loop runs, with a speaker.
    private func connection(
        _ body: @escaping (TestSpeaker, [UInt8]) -> Int
    ) -> (Connection, CompletionSocket, TestSpeaker) {
        let service = TestService(body)
        let loop = TransportLoop(
            limits: LimitBook(Limits()), makeService: { _ in service }, onClose: {}, report: { _, _ in })
        let peer = PeerIdentity(address: "nowhere", listener: LoopWorld.listenerIdentity)
        let connection = Connection(loop, peer, channel: nil)
        let socket = CompletionSocket(loop, connection)
        connection.begin(socket)
        let speaker = TestSpeaker(connection, peer, body)
        connection.open(speaker)
        return (connection, socket, speaker)
    }

    @Test("what a speaker leaves is put together with what comes in the next buffer")
    func joins() {
        let (_, socket, speaker) = connection { speaker, bytes in
            guard bytes.count >= 4 else { return 0 }
            speaker.say(Array(bytes.prefix(4)))
            return 4
        }
        socket.fill([1])
        #expect(speaker.keptByteCount > 0)
        socket.fill([2, 3])
        socket.fill([4, 5, 6])
        socket.fill([7, 8])
        #expect(speaker.outputQueue.withFirstBytes { Array($0) } == [1, 2, 3, 4, 5, 6, 7, 8])
        #expect(speaker.keptByteCount == 0)
    }

    @Test("output stays until its sending is complete, be it in parts, and more may come meanwhile")
    func completes() {
        let (connection, socket, speaker) = connection { speaker, bytes in
            speaker.say(bytes)
            return bytes.count
        }
        socket.fill([1, 2, 3])
        connection.flush()
        #expect(socket.inFlight == [1, 2, 3])
        socket.fill([4])
        connection.flush()
        #expect(socket.inFlight == [1, 2, 3], "one call at a time")
        #expect(speaker.outputQueue.count == 4)
        socket.complete(2)
        #expect(socket.inFlight == [3, 4], "the rest goes at once")
        #expect(!speaker.wasDrained.hasHappened)
        socket.complete(2)
        #expect(socket.sent == [1, 2, 3, 4])
        #expect(speaker.outputQueue.count == 0)
        #expect(speaker.wasDrained.hasHappened)
        #expect(speaker.sentByteCount == 4)
    }

    @Test("a connection that closes sends the rest first, and a lost one tells its speaker")
    func closes() {
        let (connection, socket, speaker) = connection { speaker, bytes in
            speaker.say(bytes)
            return bytes.count
        }
        socket.fill([1, 2])
        connection.close()
        #expect(!socket.isHalfClosed && !socket.isClosed)
        #expect(!socket.wantsReading)
        socket.complete(2)
        #expect(socket.isHalfClosed && !socket.isClosed)
        connection.ended()
        #expect(socket.isClosed)
        #expect(!speaker.gone.hasHappened, "it was the speaker that closed")
        let (other, otherSocket, otherSpeaker) = self.connection { _, bytes in bytes.count }
        other.failed()
        #expect(otherSocket.isClosed)
        #expect(otherSpeaker.gone.hasHappened)
    }

    @Test("a speaker that must wait is left unread until it says otherwise")
    func pauses() {
        let (connection, socket, speaker) = connection { speaker, bytes in
            speaker.mustWait = true
            return 0
        }
        socket.fill([1, 2])
        #expect(!socket.wantsReading)
        #expect(connection.mustStayPaused)
        speaker.mustWait = false
        #expect(!connection.mustStayPaused)
        connection.resume()
        #expect(socket.wantsReading)
    }
}
