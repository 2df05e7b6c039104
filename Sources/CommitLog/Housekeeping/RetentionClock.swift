package import SluiceCore

/// The clock that ages are counted on: the wall's, as long as it runs as fast as time does.
///
/// A wall clock that jumps ahead would make everything too old at once. So a jump is noticed, by the monotonic clock
/// beside it, and for an hour nothing is removed for its age: time for somebody to set the clock right, or to accept
/// it. What a jump before the first look did is bounded by what one pass may remove.
/// Isolation: a value of one thread.
package struct RetentionClock {
    /// How far the wall clock may run ahead of the monotonic one between two looks without counting as a jump.
    static let toleranceMilliseconds: Int64 = 60_000
    /// How long nothing is removed after a jump.
    static let pauseMilliseconds: Int64 = 3_600_000

    private var last: (wall: Int64, monotonic: Int64)?
    private var pausedUntil: Int64?

    /// A clock that nobody has looked at.
    package init() {}

    /// What a look says.
    package enum Reading: Equatable {
        /// Ages count up to this moment.
        case steady(Timestamp)
        /// The wall clock has just jumped ahead by so many milliseconds; no ages for a while.
        case jumped(Int64)
        /// No ages yet.
        case paused
    }

    /// Looks at both clocks.
    /// - Parameters:
    ///   - wall: the wall clock.
    ///   - monotonic: milliseconds of a clock that nobody sets.
    package mutating func read(wall: Timestamp, monotonic: Int64) -> Reading {
        defer { last = (wall.rawValue, monotonic) }
        if let last {
            let (passed, isOverflow) = wall.rawValue.subtractingReportingOverflow(last.wall)
            let ahead = isOverflow ? Int64.max : passed - (monotonic - last.monotonic)
            if ahead > Self.toleranceMilliseconds {
                pausedUntil = monotonic + Self.pauseMilliseconds
                return .jumped(ahead)
            }
            // Back again: somebody has set it right.
            if ahead < -Self.toleranceMilliseconds { pausedUntil = nil }
        }
        if let end = pausedUntil {
            guard monotonic >= end else { return .paused }
            pausedUntil = nil
        }
        return .steady(wall)
    }
}
