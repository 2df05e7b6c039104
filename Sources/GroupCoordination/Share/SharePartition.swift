package import SluiceCore

/// One partition as a share group reads it: which records are to be delivered, which are in somebody's hands, and which
/// are done with. A state machine that knows no socket, clock or log.
///
/// The *window* begins at the start offset: everything before is done with. Behind its end nothing was delivered yet.
/// Within, records of equal fate are one *run*.
///
///     available ── acquire ──▶ acquired ── accept ──▶ acknowledged
///         ▲                     │    │ └── reject, gap ──▶ archived
///         └── release, time ────┘    └── released or out of time for the last time ──▶ archived
///
/// Invariants: runs follow each other without a hole from `start` to `end`, and no two neighbours are equal; the first
/// is not done with; at most `recordLocksMax` records are acquired or wait to be delivered again.
/// Isolation: a value behind its owner's lock.
/// Source: KIP-932.
package struct SharePartition: Sendable {
    /// Records that may be acquired or wait to be delivered again: Kafka's `group.share.partition.max.record.locks`.
    package static let recordLocksMax = 2000
    /// Deliveries of a record, at most: Kafka's `group.share.delivery.count.limit`.
    package static let deliveryCountMax: Int16 = 5
    /// Runs beyond which the window does not grow: records in hand with one that is done with beside each, and as many
    /// again.
    static let runCountMax = 4 * recordLocksMax

    /// The first offset that is not done with.
    package private(set) var start: Offset
    private(set) var runs: [Run] = []
    /// Records that are acquired, or wait to be delivered again.
    package private(set) var inFlightCount = 0
    /// No acquisition ends before this moment, in nanoseconds.
    private(set) var earliestDeadline = Int64.max

    /// What has become of a record.
    enum State: Equatable, Sendable {
        /// It waits to be delivered again. *acquire => acquired.*
        case available
        /// A member has it until a moment, in nanoseconds. *accept => acknowledged; reject or gap => archived; release,
        /// or the moment => available, or archived after the last delivery; renew => acquired.*
        case acquired(member: String, until: Int64)
        /// A member has accepted it. *final.*
        case acknowledged
        /// Nobody gets it any more. *final.*
        case archived

        /// Whether nothing becomes of it any more.
        var isDone: Bool { self == .acknowledged || self == .archived }
    }

    /// Offsets that follow each other, with the same fate.
    struct Run: Equatable, Sendable {
        var range: Range<Offset>
        var state: State
        var deliveryCount: Int16

        var count: Int { range.count64 }
    }

    /// Why an acknowledgement comes to nothing: the member does not have the records (INVALID_RECORD_STATE).
    package struct WrongState: Error, Equatable, Sendable {}

    /// A partition of which nothing was delivered before `start`.
    package init(start: Offset) { self.start = start }

    /// A partition as it was put on record; runs that contradict each other are left out, and begin anew.
    init(start: Offset, recorded: [Run]) {
        self.start = start
        for run in recorded where run.range.lowerBound >= end && !run.range.isEmpty {
            if run.range.lowerBound > end { append(Run(range: end..<run.range.lowerBound, .available)) }
            let isSpent = run.state == .available && run.deliveryCount >= Self.deliveryCountMax
            append(isSpent ? Run(range: run.range, .archived) : run)
        }
        moveStart()
    }

    // MARK: Queries

    /// Behind the last offset that was ever delivered.
    package var end: Offset { runs.last?.range.upperBound ?? start }

    /// Where to read what is to be delivered next.
    package var next: Offset { runs.first { $0.state == .available }?.range.lowerBound ?? end }

    /// Whether records behind the window may be delivered.
    package var hasRoom: Bool { inFlightCount < Self.recordLocksMax && runs.count < Self.runCountMax }

    /// Records of the window that are done with.
    package var doneCount: Int { (start..<end).count64 - inFlightCount }

    /// Bytes that its runs take.
    package var byteCount: Int { runs.count * MemoryLayout<Run>.stride }

    /// The parts of a range that wait to be delivered again.
    func available(in range: Range<Offset>) -> [Run] {
        guard !range.isEmpty, !runs.isEmpty else { return [] }
        var found: [Run] = []
        var index = firstIndex(endingAfter: range.lowerBound)
        while index < runs.count, runs[index].range.lowerBound < range.upperBound {
            if runs[index].state == .available {
                var run = runs[index]
                run.range = run.range.clamped(to: range)
                found.append(run)
            }
            index += 1
        }
        return found
    }

    // MARK: Acknowledging

    /// A member is done with records, gives them back, or wants to have them for longer: all of it, or nothing.
    /// - Parameter deadline: until when it has what it renews, in nanoseconds.
    /// - Returns: whether something has changed that is to be put on record.
    /// - Throws: `WrongState` when some of the records are not the member's.
    package mutating func acknowledge(
        _ acknowledgements: [ShareAcknowledgement], by member: String, until deadline: Int64
    ) throws(WrongState) -> Bool {
        for acknowledgement in acknowledgements {
            // What lies before the start is done with, and what retention has taken nobody has any more.
            let range = max(acknowledgement.range.lowerBound, start)..<max(acknowledgement.range.upperBound, start)
            guard isAcquired(range, by: member) else { throw WrongState() }
        }
        var isChanged = false
        for acknowledgement in acknowledgements {
            for (range, kind) in acknowledgement.parts {
                apply(kind, to: max(range.lowerBound, start)..<max(range.upperBound, start), member, deadline)
                isChanged = isChanged || kind != .renew
            }
        }
        moveStart()
        return isChanged
    }

    private func isAcquired(_ range: Range<Offset>, by member: String) -> Bool {
        guard !range.isEmpty else { return true }
        guard range.upperBound <= end else { return false }
        var index = firstIndex(endingAfter: range.lowerBound)
        while index < runs.count, runs[index].range.lowerBound < range.upperBound {
            guard case .acquired(member, _) = runs[index].state else { return false }
            index += 1
        }
        return true
    }

    private mutating func apply(
        _ kind: ShareAcknowledgement.Kind, to range: Range<Offset>, _ member: String, _ deadline: Int64
    ) {
        edit(range) { run in
            guard case .acquired(member, _) = run.state else { return }
            switch kind {
            case .accept: run.state = .acknowledged
            case .reject, .gap: run.state = .archived
            case .release: run.state = run.deliveryCount < Self.deliveryCountMax ? .available : .archived
            case .renew: run.state = .acquired(member: member, until: deadline)
            }
        }
        if kind == .renew { earliestDeadline = min(earliestDeadline, deadline) }
    }

    // MARK: Giving back

    /// A member is gone: what it has others may get.
    /// - Returns: whether it had something.
    package mutating func release(by member: String) -> Bool {
        giveBack { state in
            guard case .acquired(member, _) = state else { return false }
            return true
        }
    }

    /// Time has passed: what was not acknowledged in time others may get.
    /// - Returns: whether there was something.
    package mutating func elapsed(now: Int64) -> Bool {
        guard earliestDeadline <= now else { return false }
        let isChanged = giveBack { state in
            guard case .acquired(_, let deadline) = state else { return false }
            return deadline <= now
        }
        earliestDeadline = .max
        for run in runs {
            if case .acquired(_, let deadline) = run.state { earliestDeadline = min(earliestDeadline, deadline) }
        }
        return isChanged
    }

    private mutating func giveBack(_ isLost: (State) -> Bool) -> Bool {
        guard runs.contains(where: { isLost($0.state) }) else { return false }
        edit(start..<end) { run in
            guard isLost(run.state) else { return }
            run.state = run.deliveryCount < Self.deliveryCountMax ? .available : .archived
        }
        moveStart()
        return true
    }

    // MARK: The log

    /// Follows the log's bounds: what retention has taken is done with, and what was lost behind the log's end was
    /// never there.
    package mutating func follow(start logStart: Offset, end logEnd: Offset) {
        if end > logEnd {
            if start > logEnd { start = logEnd }
            cut(from: logEnd)
        }
        guard start < logStart else { return }
        let isBeyond = end <= logStart
        if isBeyond {
            removeAll()
        } else {
            edit(start..<logStart) { $0.state = .archived }
        }
        start = max(start, isBeyond ? logStart : start)
        moveStart()
    }

    /// Begins anew at an offset.
    package mutating func reset(to offset: Offset) {
        removeAll()
        start = offset
    }

    private mutating func removeAll() {
        runs.removeAll()
        inFlightCount = 0
        earliestDeadline = .max
    }

    private mutating func cut(from end: Offset) {
        while let last = runs.last, last.range.upperBound > end {
            runs.removeLast()
            if !last.state.isDone { inFlightCount -= last.count }
            guard last.range.lowerBound < end else { continue }
            var rest = last
            rest.range = last.range.lowerBound..<end
            append(rest)
        }
        assert(runs.count > 64 || isSound)
    }

    // MARK: Runs

    /// Marks what is new, or waits to be delivered again, as nobody's.
    mutating func archive(_ range: Range<Offset>) {
        let known = range.clamped(to: start..<max(start, end))
        if !known.isEmpty { edit(known) { if $0.state == .available { $0.state = .archived } } }
        let new = max(range.lowerBound, end)..<max(range.upperBound, end)
        guard !new.isEmpty else { return }
        if new.lowerBound > end { append(Run(range: end..<new.lowerBound, .archived)) }
        append(Run(range: new, .archived))
    }

    /// Gives a member records that wait to be delivered again, or that are the first behind the window.
    mutating func give(_ range: Range<Offset>, to member: String, until deadline: Int64) {
        assert(!range.isEmpty && range.lowerBound >= start)
        if range.lowerBound >= end {
            if range.lowerBound > end { append(Run(range: end..<range.lowerBound, .archived)) }
            append(Run(range: range, .acquired(member: member, until: deadline), 1))
        } else {
            edit(range) { run in
                assert(run.state == .available && run.deliveryCount < Self.deliveryCountMax)
                run.deliveryCount += 1
                run.state = .acquired(member: member, until: deadline)
            }
        }
        earliestDeadline = min(earliestDeadline, deadline)
        assert(runs.count > 64 || isSound)
    }

    private mutating func append(_ run: Run) {
        assert(run.range.lowerBound == end && !run.range.isEmpty)
        if !run.state.isDone { inFlightCount += run.count }
        if let last = runs.last, last.continues(as: run) {
            runs[runs.count - 1].range = last.range.lowerBound..<run.range.upperBound
        } else {
            runs.append(run)
        }
    }

    /// The index of the first run that ends behind an offset.
    private func firstIndex(endingAfter offset: Offset) -> Int {
        var (low, high) = (0, runs.count)
        while low < high {
            let middle = (low + high) / 2
            if runs[middle].range.upperBound > offset { high = middle } else { low = middle + 1 }
        }
        return low
    }

    /// Changes what lies in a range of the window, run by run.
    /// - Complexity: O(runs in the range), and moving those behind it.
    private mutating func edit(_ range: Range<Offset>, _ body: (inout Run) -> Void) {
        guard !range.isEmpty, !runs.isEmpty else { return }
        // With a neighbour on either side, which may continue what is changed.
        let first = max(0, firstIndex(endingAfter: range.lowerBound) - 1)
        var last = first
        var changed: [Run] = []
        func add(_ run: Run) {
            guard !run.range.isEmpty else { return }
            if let former = changed.last, former.continues(as: run) {
                changed[changed.count - 1].range = former.range.lowerBound..<run.range.upperBound
            } else {
                changed.append(run)
            }
        }
        while last < runs.count {
            let run = runs[last]
            last += 1
            guard run.range.overlaps(range) else {
                add(run)
                if run.range.lowerBound >= range.upperBound { break }
                continue
            }
            if !run.state.isDone { inFlightCount -= run.range.clamped(to: range).count64 }
            var (before, inside, after) = (run, run, run)
            before.range = run.range.lowerBound..<max(run.range.lowerBound, range.lowerBound)
            inside.range = run.range.clamped(to: range)
            after.range = min(run.range.upperBound, range.upperBound)..<run.range.upperBound
            body(&inside)
            if !inside.state.isDone { inFlightCount += inside.count }
            add(before)
            add(inside)
            add(after)
        }
        runs.replaceSubrange(first..<last, with: changed)
    }

    /// Moves the start over what is done with.
    mutating func moveStart() {
        let count = runs.prefix { $0.state.isDone }.count
        if count > 0 {
            start = runs[count - 1].range.upperBound
            runs.removeFirst(count)
        }
        assert(runs.count > 64 || isSound)
    }

    /// Whether the invariants hold.
    var isSound: Bool {
        var place = start
        var count = 0
        for (index, run) in runs.enumerated() {
            guard run.range.lowerBound == place, !run.range.isEmpty else { return false }
            if index > 0, runs[index - 1].continues(as: run) { return false }
            if !run.state.isDone { count += run.count }
            place = run.range.upperBound
        }
        return count == inFlightCount
    }
}

extension SharePartition.Run {
    init(range: Range<Offset>, _ state: SharePartition.State, _ deliveryCount: Int16 = 0) {
        self.range = range
        self.state = state
        self.deliveryCount = deliveryCount
    }

    /// Whether another that follows it is of the same fate; how often it was delivered does not matter when it is done
    /// with.
    func continues(as other: SharePartition.Run) -> Bool {
        state == other.state && (deliveryCount == other.deliveryCount || state.isDone)
    }
}

extension Range<Offset> {
    /// How many offsets it has.
    var count64: Int { Int(upperBound.rawValue - lowerBound.rawValue) }
}
