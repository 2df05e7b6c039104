/// So many of something in a time: messages, bytes, connections.
package struct Rate: Sendable, Equatable, Comparable {
    /// How many.
    package var count: Int
    /// In how many nanoseconds.
    package var nanoseconds: Int64

    /// `count` in a time; at least one, in a nanosecond at least.
    package init(_ count: Int, per nanoseconds: Int64 = 1_000_000_000) {
        precondition(count > 0)
        precondition(nanoseconds > 0)
        self.count = count
        self.nanoseconds = nanoseconds
    }

    /// As many as come.
    package static let unlimited = Rate(.max, per: 1)

    /// By how many come in the same time.
    package static func < (left: Rate, right: Rate) -> Bool {
        Int128(left.count) * Int128(right.nanoseconds) < Int128(right.count) * Int128(left.nanoseconds)
    }
}

extension Rate: CustomStringConvertible {
    /// It, as the configuration has it: `100/s`, `6/m`.
    package var description: String {
        if self == .unlimited { return "unlimited" }
        let units: [(Int64, String)] = [(1_000_000_000, "s"), (60_000_000_000, "m"), (3_600_000_000_000, "h")]
        let unit = units.first { $0.0 == nanoseconds }?.1 ?? "\(nanoseconds)ns"
        return "\(count)/\(unit)"
    }
}

/// Meters what comes against a rate: a full bucket has room for what the rate gives in its time, and fills up again
/// evenly.
///
/// What is larger than the whole bucket passes when that is full: it is owed, and nothing else comes before that is
/// made up for.
///
/// Times are nanoseconds of a clock that never goes back; one that does gives no room.
/// Layout: the time at which the bucket is full again, from which all else follows.
/// Invariants: over any time t at most the rate's count, what it gives in t, and what a piece has beyond the count
/// come through.
/// Isolation: a value with one owner.
package struct TokenBucket: Sendable, Equatable {
    /// The rate.
    package let rate: Rate
    private var fullAt = Int64.min

    /// A full bucket.
    package init(_ rate: Rate) { self.rate = rate }

    /// Whether there is room for `cost`.
    package func hasRoom(for cost: Int = 1, at now: Int64) -> Bool { opensAt(for: cost) <= now }

    /// From when on there is room for `cost`.
    package func opensAt(for cost: Int = 1) -> Int64 {
        let (time, isBefore) = fullAt.subtractingReportingOverflow(max(0, rate.nanoseconds - time(of: cost)))
        return isBefore ? .min : time
    }

    /// Whether it is full, and so says nothing.
    package func isFull(at now: Int64) -> Bool { fullAt <= now }

    /// Takes out `cost` if there is room for it.
    /// - Returns: whether there was.
    package mutating func take(_ cost: Int = 1, at now: Int64) -> Bool {
        guard hasRoom(for: cost, at: now) else { return false }
        spend(cost, at: now)
        return true
    }

    /// Takes out `cost`, be there room or not.
    package mutating func spend(_ cost: Int, at now: Int64) {
        let (sum, overflows) = max(fullAt, now).addingReportingOverflow(time(of: cost))
        fullAt = overflows ? .max : sum
    }

    /// How long the rate takes to give `cost`.
    private func time(of cost: Int) -> Int64 {
        precondition(cost >= 0)
        let (product, isLong) = cost.multipliedReportingOverflow(by: Int(rate.nanoseconds))
        guard isLong else { return Int64(product / rate.count) }
        return Int64(clamping: Int128(cost) * Int128(rate.nanoseconds) / Int128(rate.count))
    }
}
