/// Bounds log lines that are alike: of each kind a burst, and then so many in a time; what was left out is counted, and
/// said in one line.
///
/// Lines are alike when they differ in numbers only.
/// Isolation: a value.
/// Memory: one line of at most 256 bytes for each of at most `kindsMax` kinds.
package struct RepeatLimiter: Sendable {
    private struct Kind {
        let event: LogEvent
        var limiter: LineLimiter
        /// Lines that were left out since that was last said.
        var leftOut = 0
        /// When the first of them was.
        var since: Int64 = 0
    }

    private static let kindsMax = 256
    private static let kindBytesMax = 256

    private let burst: Int
    private let nanosecondsPerLine: Int64
    private var kinds: [String: Kind] = [:]

    /// A limiter.
    /// - Parameters:
    ///   - burst: lines of a kind that are admitted at once.
    ///   - nanosecondsPerLine: how long it takes until there is room for another one of it, and how long it is silent
    ///     of what was left out.
    package init(burst: Int, nanosecondsPerLine: Int64) {
        self.burst = burst
        self.nanosecondsPerLine = nanosecondsPerLine
    }

    /// What was left out: lines of an event, and how they go.
    package struct LeftOut: Equatable, Sendable {
        /// Their event.
        package let event: LogEvent
        /// The line with its numbers as `#`.
        package let kind: String
        /// How many.
        package let count: Int
    }

    /// Whether a line is to be written; one that is not is counted.
    /// - Complexity: O(n).
    package mutating func admits(_ event: LogEvent, _ text: String, at now: Int64) -> Bool {
        let name = Self.kind(of: text)
        if kinds[name] == nil, kinds.count == Self.kindsMax { forget(at: now) }
        var kind =
            kinds[name]
            ?? Kind(event: event, limiter: LineLimiter(burst: burst, nanosecondsPerLine: nanosecondsPerLine))
        defer { kinds[name] = kind }
        // Until it is said what was left out the rest is left out too, or nobody would know where.
        if kind.leftOut == 0, kind.limiter.admits(at: now) { return true }
        if kind.leftOut == 0 { kind.since = now }
        kind.leftOut += 1
        return false
    }

    /// What was left out long enough ago that it is to be said now: the kinds and how many lines.
    package mutating func takeLeftOut(at now: Int64) -> [LeftOut] {
        var told: [LeftOut] = []
        for (name, kind) in kinds where kind.leftOut > 0 && now - kind.since >= nanosecondsPerLine {
            told.append(LeftOut(event: kind.event, kind: name, count: kind.leftOut))
            kinds[name]?.leftOut = 0
        }
        return told.sorted { $0.kind < $1.kind }
    }

    /// Makes room: kinds without anything to say go, and if there are none all of them.
    private mutating func forget(at now: Int64) {
        kinds = kinds.filter { $0.value.leftOut > 0 }
        if kinds.count == Self.kindsMax { kinds = [:] }
    }

    /// The line with its numbers as `#`.
    private static func kind(of text: String) -> String {
        var kind: [UInt8] = []
        for byte in text.utf8.prefix(kindBytesMax) {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else {
                kind.append(byte)
                continue
            }
            if kind.last != UInt8(ascii: "#") { kind.append(UInt8(ascii: "#")) }
        }
        return String(decoding: kind, as: UTF8.self)
    }
}
