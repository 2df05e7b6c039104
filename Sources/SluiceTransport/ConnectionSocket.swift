import SluiceCore
import Speaking

/// Who makes a connection's system calls, and tells it what came of them.
///
/// A back end calls the connection's events: `received`, `ended`, `failed`, `canSend`, and `sent` where sending answers
/// later. `ReadinessSocket` waits until the socket can be read or written and makes the calls then; one that hands
/// whole calls to the kernel and is told of their completion fits as well.
/// Isolation: its loop's thread.
protocol ConnectionSocket: AnyObject {
    /// Says what events are wanted: bytes that come, and that the socket takes bytes again.
    func want(readable: Bool, writable: Bool)
    /// Sends what is first in `output`, and takes it away. What is to be sent later stays as it is until the event
    /// `sent`.
    func send(_ output: inout OutputQueue) -> SendProgress
    /// Sends bytes and takes them away; those to be sent later, too, are the back end's own from then on.
    func send(_ wire: inout ByteBuffer) -> SendProgress
    /// Bytes that were sent and that the peer's system has not taken yet.
    var unacknowledgedByteCount: Int { get }
    /// Says to the peer that nothing more follows.
    /// - Returns: whether there is a peer to hear it.
    func endSending() -> Bool
    /// Closes the socket; no event follows.
    func close()
}

/// What came of sending.
struct SendProgress {
    /// Bytes that were sent.
    var byteCount = 0
    var state = State.all

    enum State {
        /// Nothing is left.
        case all
        /// An event follows: `canSend` or `sent`.
        case later
        /// The connection is lost; the side that reads learns of it, too.
        case lost
        /// A region of a file cannot be sent, for this reason.
        case regionFailed(String)
    }
}
