import PayloadFormats

/// What became of messages of a profile: those that came in some time, by when they came.
struct LedgerTally: Sendable, Equatable {
    /// Messages that came.
    var publishedCount: UInt64 = 0
    /// Messages that were stored.
    var storedCount: UInt64 = 0
    /// Of those, messages that were not as they should be.
    var acceptedCount: UInt64 = 0
    /// Messages that became dead letters.
    var letterCount: UInt64 = 0
    /// Dead letters that passed their profile later.
    var redrivenCount: UInt64 = 0
    /// Messages that were not taken.
    var refusedCount: UInt64 = 0
    /// What was wrong with the bad ones.
    var faults: [PayloadFault.Reason: UInt64] = [:]

    static func += (sum: inout LedgerTally, other: LedgerTally) {
        sum.publishedCount &+= other.publishedCount
        sum.storedCount &+= other.storedCount
        sum.acceptedCount &+= other.acceptedCount
        sum.letterCount &+= other.letterCount
        sum.redrivenCount &+= other.redrivenCount
        sum.refusedCount &+= other.refusedCount
        if !other.faults.isEmpty { sum.faults.merge(other.faults, uniquingKeysWith: &+) }
    }

    /// Takes in what an intake has counted.
    static func += (sum: inout LedgerTally, counts: ProfileCounts) {
        sum.publishedCount &+= counts.publishedCount
        sum.acceptedCount &+= counts.acceptedBadCount
        sum.refusedCount &+= counts.refusedCount
        if !counts.faults.isEmpty { sum.faults.merge(counts.faults, uniquingKeysWith: &+) }
    }

    /// Counts no longer what an intake has counted before. The period at hand may have less than that, and wraps: with
    /// the periods before the sum is right.
    static func -= (sum: inout LedgerTally, counts: ProfileCounts) {
        sum.publishedCount &-= counts.publishedCount
        sum.acceptedCount &-= counts.acceptedBadCount
        for (reason, count) in counts.faults { sum.faults[reason, default: 0] &-= count }
    }
}

/// Tallies by the minute for a day, by the hour for a month, and in all.
///
/// Both what comes in and what the log has of it count where the message came in, so that the one proves the other in
/// every period.
/// Memory: some 2,200 tallies of 60 bytes for each profile that was heard of all the time.
struct LedgerPeriods: Sendable {
    static let minute: Int64 = 60_000
    static let hour: Int64 = 3_600_000
    /// How long minutes and hours are kept, in milliseconds.
    static let minutesKept: Int64 = 24 * hour
    static let hoursKept: Int64 = 31 * 24 * hour

    /// In all, by profile.
    private var totals: [LedgerTally] = []
    /// The minute that counts now, by profile; it is in nothing else yet.
    private var current: [LedgerTally] = []
    private var currentStart = Int64.min
    /// By their start and profile.
    private var minutes: [Int64: [Int: LedgerTally]] = [:]
    private var hours: [Int64: [Int: LedgerTally]] = [:]

    /// Changes what is counted of a profile at a time, in milliseconds since 1970.
    mutating func count(_ profile: Int, at time: Int64, _ body: (inout LedgerTally) -> Void) {
        let start = Self.start(of: Self.minute, at: time)
        if start != currentStart {
            fold()
            currentStart = start
        }
        while current.count <= profile { current.append(LedgerTally()) }
        body(&current[profile])
    }

    /// What was counted of a profile in all.
    func total(_ profile: Int) -> LedgerTally {
        var sum = profile < totals.count ? totals[profile] : LedgerTally()
        if profile < current.count { sum += current[profile] }
        return sum
    }

    /// What was counted of a profile since the start of a period that `start` has answered.
    func sum(_ profile: Int, from start: Int64, now: Int64) -> LedgerTally {
        let periods = now - start <= Self.minutesKept ? minutes : hours
        var sum = LedgerTally()
        for (period, tallies) in periods where period >= start { if let tally = tallies[profile] { sum += tally } }
        if currentStart >= start, profile < current.count { sum += current[profile] }
        return sum
    }

    /// Where counting can begin for a time: at the start of its minute, or of its hour when that is more than a day
    /// ago.
    static func start(for time: Int64, now: Int64) -> Int64 {
        let minute = start(of: minute, at: time)
        if now - minute <= minutesKept { return minute }
        return max(start(of: hour, at: time), start(of: hour, at: now - hoursKept))
    }

    static func start(of period: Int64, at time: Int64) -> Int64 { time / period * period }

    /// How many minutes and hours are kept.
    var count: Int { minutes.count + hours.count }

    private mutating func fold() {
        defer { current = [] }
        guard currentStart != .min else { return }
        let hour = Self.start(of: Self.hour, at: currentStart)
        for (profile, tally) in current.enumerated() where tally != LedgerTally() {
            while totals.count <= profile { totals.append(LedgerTally()) }
            totals[profile] += tally
            minutes[currentStart, default: [:]][profile, default: LedgerTally()] += tally
            hours[hour, default: [:]][profile, default: LedgerTally()] += tally
        }
        // A minute and an hour more, for what is asked within one.
        Self.prune(&minutes, to: Self.minutesKept / Self.minute + 1)
        Self.prune(&hours, to: Self.hoursKept / Self.hour + 1)
    }

    private static func prune(_ periods: inout [Int64: [Int: LedgerTally]], to countMax: Int64) {
        while periods.count > countMax, let oldest = periods.keys.min() { periods[oldest] = nil }
    }
}
