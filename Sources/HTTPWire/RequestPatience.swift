/// How long a client may take over each part of a request, whatever it sends meanwhile: who sends one byte now and then
/// holds a connection no longer than who sends none.
///
/// Times are nanoseconds of a clock that never goes back.
package struct RequestPatience: Equatable, Sendable {
    /// Where a connection is.
    package enum Phase: Equatable, Sendable {
        /// It has asked for nothing yet.
        case fresh
        /// Some of a head has come.
        case head
        /// A head has come, and so many bytes of its body since the phase began or was last judged.
        case body(byteCount: Int)
        /// A request is being answered.
        case answer
        /// An answer has gone, and nothing has come since.
        case idle
    }

    /// What is to be done with a connection.
    package enum Verdict: Equatable, Sendable {
        case go
        /// Nothing is under way: it may be closed without a word.
        case idle
        /// What it began takes too long, in words.
        case late(String)
    }

    /// How long the first byte may take, then a whole head, and each `bodyByteCountMin` of a body.
    package static let part: Int64 = 30_000_000_000
    /// How long a connection may be kept between requests.
    package static let idle: Int64 = 120_000_000_000
    /// How much of a body must come in each `part`, unless it ends.
    package static let bodyByteCountMin = 16 << 10

    private(set) package var phase = Phase.fresh
    private var since: Int64

    /// The patience with a connection that is made now.
    package init(now: Int64) { since = now }

    /// Another phase begins; the one that is under way goes on.
    package mutating func began(_ phase: Phase, now: Int64) {
        guard phase != self.phase else { return }
        (self.phase, since) = (phase, now)
    }

    /// Bytes of a body have come.
    package mutating func took(_ byteCount: Int) {
        guard case .body(let before) = phase else { return }
        phase = .body(byteCount: before + byteCount)
    }

    /// Time has passed.
    /// - Returns: what is to be done with the connection.
    package mutating func elapsed(now: Int64) -> Verdict {
        let passed = now - since
        switch phase {
        case .fresh: return passed > Self.part ? .late("nothing is asked") : .go
        case .head: return passed > Self.part ? .late("the request's head takes too long to come") : .go
        case .body(let byteCount):
            guard passed > Self.part else { return .go }
            guard byteCount >= Self.bodyByteCountMin else {
                return .late("the request's body comes with fewer than \(Self.bodyByteCountMin) bytes in 30 seconds")
            }
            (phase, since) = (.body(byteCount: 0), now)
            return .go
        case .answer: return .go
        case .idle: return passed > Self.idle ? .idle : .go
        }
    }
}
