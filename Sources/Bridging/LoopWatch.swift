import Checksums

/// Finds messages that go in circles where nothing that they carry can tell: over MQTT 3.1.1, or through brokers that
/// drop user properties. It looks at every message, as marks may be lost anywhere in the circle.
///
/// Equal messages are no proof: a sensor repeats its value. What a loop brings back, though, comes only while the
/// bridge passes it on. So when a message has passed `repeatsMin` times in a quick and unbroken row, the bridge pauses
/// (a *trial*) for 32 times the time between two of them. In a loop the copies on their way come home in the first
/// half, and in the second there is silence, or a straggler; of a publisher's, sixteen come. Behind the trial a loop
/// goes on where it was, at once. A message whose row stopped with each of `trialsMin` trials and went on behind each
/// goes round.
///
/// What that bounds: each copy makes at most `(trialsMin + 1) × repeatsMin` rounds, and those of the time for which
/// another message's trial puts this one's off. What it does not find: rounds that take longer than `periodMax`, and
/// what comes in while the upstream's own window stalls each trial. Source: ADR 0020.
/// Isolation: a value with one owner. Times are nanoseconds of a clock that never goes back.
package struct LoopWatch: Sendable {
    /// Which way a message passes.
    package enum Way: Int, Sendable {
        /// To the upstream.
        case out = 0
        /// From there.
        case `in` = 1
    }

    /// What to do with the message that has just passed.
    package enum Verdict: Equatable, Sendable {
        /// Nothing.
        case pass
        /// Pass nothing more either way from now on, for so many nanoseconds; then tell `ended`.
        case pause(nanoseconds: Int64)
        /// It goes round; so many copies were seen.
        case loop(count: Int)
        /// It multiplies: so many copies came for the few that left.
        case flood(inCount: Int, outCount: Int)
    }

    /// Equal messages in a row that are worth a trial.
    package static let repeatsMin = 32
    /// Trials that must agree.
    package static let trialsMin = 3
    /// Copies that came in one row, at least `floodFactor` for each that left, that are a flood: two circles with
    /// bridges in common keep each other going through each other's trials, and each message that leaves comes back
    /// many times.
    package static let floodMin = 1000
    /// What one bridge alone gets back of what it sent is one copy; other brokers behind the upstream that say the same
    /// at the same pace are allowed for.
    package static let floodFactor = 8
    /// Copies that left, at least: what never leaves does not come back.
    private static let floodSentMin: Int32 = 8
    /// The longest gap in such a row, the pauses of trials included.
    private static let floodGapMax: Int64 = 6_000_000_000
    /// The longest time between two of a row, on average.
    package static let periodMax: Int64 = 250_000_000
    /// The longest gap in a row, pauses left out.
    package static let gapMax: Int64 = 1_000_000_000
    /// The least pause.
    package static let pauseMin: Int64 = 200_000_000
    /// Copies in the second half of a pause that are a publisher's.
    private static let othersMin = 4
    /// Trials of other messages begin no sooner behind one that found a publisher than this many times its pause.
    private static let restFactor: Int64 = 50
    /// How long a message that a trial cleared is left alone: an hour.
    private static let clearedNanoseconds: Int64 = 3_600_000_000_000
    /// The longest pause of a trial that follows another.
    private static let pauseMax: Int64 = 4_000_000_000
    /// Trials that clear a message before it is left alone for long.
    private static let triesMax: Int64 = 3
    /// How far the time at which a record was stored may be off.
    private static let slackNanoseconds: Int64 = 20_000_000
    /// Messages that are remembered for each way: a power of two.
    private static let slotCount = 1024
    /// Bytes of a topic's end that count: what a bridge puts before a topic grows with each round.
    private static let topicByteCount = 32

    private struct Slot {
        var digest: UInt64 = 0
        var count: Int32 = 0
        var first: Int64 = 0
        var last: Int64 = 0
        var clearedUntil: Int64 = .min
        /// Trials that cleared it; the next one takes longer.
        var triedCount: Int64 = 0
    }

    private struct Trial {
        var digest: UInt64
        var way: Way
        /// What was stored, or came, between these did not need the bridge.
        var middle: Int64
        var end: Int64
        /// Trials before this one that agreed.
        var agreedCount: Int
        var seenCount: Int
        var isOver = false
        /// Copies that did not need the bridge.
        var otherCount = 0
    }

    /// How often a message has passed each way.
    private struct Passage {
        var digest: UInt64 = 0
        var outCount: Int32 = 0
        var inCount: Int32 = 0
        var last: Int64 = .min
    }

    private var slots: [[Slot]] = []
    /// None where what is sent does not come back.
    private var passages: [Passage]
    private var trial: Trial?
    /// What was there before does not count: it waited for the bridge.
    private var start: Int64
    private var restUntil: Int64 = .min

    /// A watch that begins.
    /// - Parameter echoes: whether the upstream gives back what it was sent, as it has to before MQTT 5 when the bridge
    ///   subscribes there to what it publishes.
    package init(now: Int64, echoes: Bool = false) {
        start = now
        passages = echoes ? [Passage](repeating: Passage(), count: Self.slotCount) : []
    }

    /// What a message is known by with all of its topic; 0 where nothing that is sent comes back.
    package func wholeDigest(topic: Span<UInt8>, payload: Span<UInt8>) -> UInt64 {
        passages.isEmpty ? 0 : XXH3.hash(payload) &* 0x9E37_79B9_7F4A_7C15 ^ XXH3.hash(topic)
    }

    /// What a message is known by.
    package static func digest(topic: Span<UInt8>, payload: Span<UInt8>) -> UInt64 {
        let end = topic.extracting(max(0, topic.count - topicByteCount)..<topic.count)
        // Two hashes that no order of operands confuses.
        return XXH3.hash(payload) &* 0x9E37_79B9_7F4A_7C15 ^ XXH3.hash(end)
    }

    /// Everything begins anew: the bridge was away, and what waited for it comes at once.
    package mutating func restart(now: Int64) {
        start = now
        trial = nil
        for way in slots.indices { slots[way] = Self.emptySlots }
        for index in passages.indices { passages[index] = Passage() }
    }

    private static var emptySlots: [Slot] { [Slot](repeating: Slot(), count: slotCount) }

    /// A message passes.
    /// - Parameters:
    ///   - whole: its `wholeDigest`.
    ///   - storedAt: when it was stored here or came, which is not later than `now`.
    package mutating func passed(
        _ digest: UInt64, whole: UInt64 = 0, _ way: Way, storedAt: Int64, now: Int64
    ) -> Verdict {
        if let flood = flooded(whole, way, storedAt) { return flood }
        if let current = trial, current.digest == digest, current.way == way { judge(current, storedAt) }
        // While a trial lasts, and behind it for what was stored until its end, nothing is a repetition.
        guard storedAt > start else { return .pass }
        if slots.isEmpty { slots = [Self.emptySlots, Self.emptySlots] }
        let index = Int(truncatingIfNeeded: digest) & (Self.slotCount - 1)
        let isRow = note(digest, at: index, way, storedAt)
        guard isRow, now >= slots[way.rawValue][index].clearedUntil else { return .pass }
        return suspect(digest, slots[way.rawValue][index], way, now)
    }

    /// Counts a message that passes where what is sent comes back.
    private mutating func flooded(_ digest: UInt64, _ way: Way, _ storedAt: Int64) -> Verdict? {
        guard !passages.isEmpty else { return nil }
        let index = Int(truncatingIfNeeded: digest) & (Self.slotCount - 1)
        let isStale = passages[index].last == .min || storedAt - passages[index].last > Self.floodGapMax
        if passages[index].digest != digest || isStale {
            // Another message has the place, and keeps it while it comes.
            guard isStale || passages[index].outCount + passages[index].inCount < 2 else { return nil }
            passages[index] = Passage(digest: digest)
        }
        switch way {
        case .out: passages[index].outCount += 1
        case .in: passages[index].inCount += 1
        }
        passages[index].last = max(passages[index].last, storedAt)
        let (sent, came) = (passages[index].outCount, passages[index].inCount)
        guard came >= Int32(Self.floodMin), sent >= Self.floodSentMin, came / sent >= Int32(Self.floodFactor) else {
            return nil
        }
        return .flood(inCount: Int(came), outCount: Int(sent))
    }

    /// Counts a message.
    /// - Returns: whether it makes a row that is worth a trial.
    private mutating func note(_ digest: UInt64, at index: Int, _ way: Way, _ storedAt: Int64) -> Bool {
        var slot = slots[way.rawValue][index]
        defer { slots[way.rawValue][index] = slot }
        let isStale = storedAt - (slot.count == 0 ? start : slot.last) > Self.gapMax
        guard slot.digest == digest else {
            // Another message has the place, and keeps it while it comes more often.
            if slot.count > 1, !isStale {
                slot.count -= 1
            } else if isStale || slot.clearedUntil <= storedAt {
                slot = Slot(digest: digest, count: 1, first: storedAt, last: storedAt)
            }
            return false
        }
        if isStale {
            // What went on only after a while did not wait for the bridge.
            slot.count = 0
            if trial?.digest == digest, trial?.way == way { trial = nil }
        }
        if slot.count == 0 { slot.first = storedAt }
        slot.count += 1
        slot.last = storedAt
        return slot.count >= Int32(Self.repeatsMin)
            && (slot.last - slot.first) / Int64(slot.count) <= Self.periodMax
    }

    private mutating func suspect(_ digest: UInt64, _ slot: Slot, _ way: Way, _ now: Int64) -> Verdict {
        var agreedCount = 0
        var seenCount = Int(slot.count)
        if let current = trial, current.digest == digest, current.way == way, current.isOver {
            // Silent while it was paused, and there again as soon as it was not.
            agreedCount = current.agreedCount + 1
            seenCount += current.seenCount
        } else if now < restUntil || trial.map({ !$0.isOver }) ?? false {
            return .pass
        }
        guard agreedCount < Self.trialsMin else { return .loop(count: seenCount) }
        let period = (slot.last - slot.first) / Int64(slot.count)
        // Where the copies grow more with each round, they take longer to come home.
        let base = max(Self.pauseMin, 32 * period)
        let pause = min(max(base, Self.pauseMax), base << (Int64(agreedCount) + 2 * slot.triedCount))
        trial = Trial(
            digest: digest, way: way, middle: now + pause / 2, end: now + pause, agreedCount: agreedCount,
            seenCount: seenCount)
        restUntil = now + pause * Self.restFactor
        return .pause(nanoseconds: pause)
    }

    /// The pause that was asked for begins.
    package mutating func began(nanoseconds: Int64, now: Int64) {
        trial?.middle = now + nanoseconds / 2
        trial?.end = now + nanoseconds
    }

    /// The pause is over; what comes now comes because the bridge goes on, or by itself.
    /// - Parameter isStalled: whether nothing could have come, as the upstream waited for acknowledgements.
    package mutating func ended(isStalled: Bool, now: Int64) {
        guard var current = trial else { return }
        current.isOver = true
        current.end = now
        trial = isStalled ? nil : current
        start = now
        for index in slots[current.way.rawValue].indices { slots[current.way.rawValue][index].count = 0 }
        guard isStalled else { return }
        clear(current.digest, current.way, now)
        restUntil = now
    }

    /// A copy that came while the bridge was quiet, and long enough behind the last that it had passed on, is a
    /// publisher's.
    private mutating func judge(_ current: Trial, _ storedAt: Int64) {
        guard storedAt > current.middle, storedAt <= current.end - Self.slackNanoseconds else { return }
        trial?.otherCount += 1
        guard current.otherCount + 1 >= Self.othersMin else { return }
        trial = nil
        clear(current.digest, current.way, storedAt)
    }

    private mutating func clear(_ digest: UInt64, _ way: Way, _ now: Int64) {
        let index = Int(truncatingIfNeeded: digest) & (Self.slotCount - 1)
        var slot = Slot(digest: digest, count: 1, first: now, last: now)
        let former = slots[way.rawValue][index]
        slot.triedCount = (former.digest == digest ? former.triedCount : 0) + 1
        if slot.triedCount >= Self.triesMax {
            slot.triedCount = 0
            slot.clearedUntil = now + Self.clearedNanoseconds
        }
        slots[way.rawValue][index] = slot
    }
}
