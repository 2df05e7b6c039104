package import SluiceCore

/// What lives on an event loop beside its connections, and makes their speakers.
///
/// A tick goes: `setClocks`, what the sockets have, `takeMessages`, `endTick`, and `gatheringTime`.
/// Isolation: its loop's thread.
package protocol LoopService: AnyObject {
    // MARK: Ticks

    /// The clocks of what follows: nanoseconds of one that never goes back, and the wall's.
    func setClocks(now: Int64, wallClock: Timestamp)
    /// Does what other threads have left for it, which have woken the loop.
    func takeMessages()
    /// Ends a tick: what it gathered is passed on, and output is flushed.
    func endTick()
    /// How many bytes sockets have given and taken since the last call. Before each `endTick` and `elapsed`.
    func moved(receivedByteCount: Int, sentByteCount: Int)
    /// How long the loop may let bytes gather in its sockets before it looks again, unless it is woken, in nanoseconds;
    /// 0 for not at all. Once a tick, at its end.
    func gatheringTime() -> Int64
    /// Twice a second.
    func elapsed()
    /// The loop did nothing for a while, since the process was stopped or the machine was.
    func stoodStill(for nanoseconds: Int64)
    /// When `pace` is wanted, by the clock of `setClocks`; nil when it is not. It comes at this time or some
    /// milliseconds later. Asked at the end of each tick and after each `pace`.
    var nextPace: Int64? { get }
    /// See `nextPace`.
    func pace()

    // MARK: Connections

    /// Makes the speaker of a new connection.
    /// - Parameters:
    ///   - link: the way to its socket; the speaker must not keep it alive.
    ///   - peer: who is on the other side, and which listener it came to.
    ///   - refusal: why it is not to be let in: it is to be told so.
    func connected(_ link: any ConnectionLink, peer: PeerIdentity, refusal: ConnectionRefusal?) -> any Speaker
    /// A connection was closed before it had a speaker, for this reason.
    func refused(_ peer: PeerIdentity, because reason: String)
    /// Whether no connection that was left unread is to be read on.
    var isUnderPressure: Bool { get }

    // MARK: Stopping

    /// The node is about to stop: nothing new is begun.
    func beginDrain()
    /// Whether nothing is in flight whose end is worth a wait.
    var isDrained: Bool { get }
    /// Ends every conversation.
    func shutDown()
}
