package import SluiceCore

/// One side of a conversation: a protocol on one connection, which knows bytes and no socket.
///
/// The connection tells what happens (`received`, `sent`, `drained`, `disconnected`); the speaker answers by its output
/// and through its `ConnectionLink`.
/// Isolation: its loop's thread.
package protocol Speaker: AnyObject {
    /// What the socket is to be sent, in order; the connection takes away what was sent.
    var outputQueue: OutputQueue { get set }
    /// What log lines call it: who, and from where.
    var label: LogWords { get }
    /// How many more bytes make what is half received whole; the connection has room for them at its next read.
    var wantedByteCount: Int { get }
    /// Whether its socket is to be left unread for now. `ConnectionLink.resume`, or a tick without pressure, ends that.
    var mustWait: Bool { get }
    /// Whether it is done with the connection: bytes that it left are not kept.
    var isClosing: Bool { get }

    /// Takes bytes that came.
    /// - Parameter bytes: what an earlier call left, and what has come since.
    /// - Returns: how many it is done with; the rest comes again, with more behind it.
    func received(_ bytes: Span<UInt8>) -> Int
    /// The connection holds `byteCount` bytes of memory for what `received` has left; for the account of memory.
    func kept(byteCount: Int)
    /// The socket took bytes, of the output or of what the channel says itself.
    /// - Parameter isBehind: whether it takes no more for now, and output is left.
    func sent(_ byteCount: Int, isBehind: Bool)
    /// The socket took all that it had not taken before.
    func drained()
    /// The connection is gone; nothing follows.
    func disconnected()
}

/// The way to a speaker's socket.
///
/// Isolation: its loop's thread.
package protocol ConnectionLink: AnyObject {
    /// Sends the speaker's output as far as the socket takes it now; the rest follows when it can.
    func flush()
    /// Reads on: what the speaker had to leave can be taken now.
    func resume()
    /// Leaves the socket unread until `resume`.
    func pause()
    /// Bytes that the socket has taken and the other side has not, as far as the system knows.
    var unacknowledgedByteCount: Int { get }
    /// Sends the output, then closes the connection.
    func close()
}
