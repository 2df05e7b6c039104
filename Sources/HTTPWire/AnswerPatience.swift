/// How slowly a client may take what it is sent: while something waits for it all the time, so many bytes in each
/// while. Who takes one byte now and then holds an answer no longer than who takes none.
///
/// What is counted is what the other side has taken from the system, which takes much more at once and then nothing for
/// long.
/// Times are nanoseconds of a clock that never goes back.
package struct AnswerPatience: Equatable, Sendable {
    /// How long a client has for each `byteCountMin`.
    package static let part: Int64 = 30_000_000_000
    /// How much of what waits a client must take in each `part`.
    package static let byteCountMin = 16 << 10

    private enum State: Equatable {
        /// Nothing waits.
        case rest
        /// Something waits; what had been taken by then is looked up when time passes.
        case begun
        /// Something waits since then at least, when so many bytes had been taken.
        case waiting(since: Int64, taken: Int)
    }

    private var state = State.rest

    /// The patience with a connection that nothing waits on.
    package init() {}

    /// Whether something waits.
    package var isWaiting: Bool { state != .rest }

    /// The system takes no more for now, and something is left.
    package mutating func waits() { if state == .rest { state = .begun } }

    /// Nothing is left.
    package mutating func rests() { state = .rest }

    /// Time has passed.
    /// - Parameter taken: how many bytes the other side has taken since the connection was made. Asked only now and
    ///   then.
    /// - Returns: how many it has taken, when they are too few.
    package mutating func elapsed(now: Int64, taken: () -> Int) -> Int? {
        switch state {
        case .rest: return nil
        case .begun: state = .waiting(since: now, taken: taken())
        case .waiting(let since, let before):
            guard now - since >= Self.part else { return nil }
            let count = taken()
            guard count - before >= Self.byteCountMin else { return count - before }
            state = .waiting(since: now, taken: count)
        }
        return nil
    }
}
