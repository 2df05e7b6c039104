package import SluiceCore

/// How far a bridge is in one partition: a position, and what above it is done already.
///
/// Invariants: in flight are offsets at or above the position, in rising order; everything below the position is
/// acknowledged or is nobody's; `read` is at or above all of them; `counts` add up to what lies between start and
/// position.
/// Isolation: a value with one owner.
package struct PartitionProgress: Sendable {
    /// The lowest offset that is not done.
    package private(set) var position: Offset
    /// Offsets above the position that are done, in rising order.
    package private(set) var done: [Offset]
    /// Where to read on.
    package private(set) var read: Offset
    /// What became of the records from the start to the position.
    package private(set) var counts: BridgeCounts
    /// Every record that the upstream was ever given lies before this offset.
    package private(set) var sentEnd: Offset
    /// How many offsets from the position on were sent, those included that are done: what a bridge that remembers
    /// only its position would send again.
    package private(set) var unsettledCount = 0
    /// Offsets on their way, in rising order, and whether each is done.
    private var inflight: [Entry] = []
    /// How many of the first entries are over.
    private var head = 0

    private struct Entry {
        var offset: Offset
        var isDone: Bool
        /// What became of it, once it is done.
        var outcome = Outcome.forwarded
        /// How many records it stands for.
        var count: Int64 = 1
        /// Whether it was sent by this connection.
        var isSent = true
        /// When the record was stored, if that is known.
        var storedAt: Timestamp?
    }

    /// What may become of a record that the bridge was to forward.
    package enum Outcome: Sendable {
        /// The upstream has it.
        case forwarded
        /// The upstream, or this node, refused it for good.
        case refused
        /// Retention took it.
        case dropped
    }

    /// Entries that are over before their memory is given back.
    private static let headMax = 1024

    /// Progress that a checkpoint tells of; without counts it starts at the position.
    package init(position: Offset, done: [Offset] = [], counts: BridgeCounts? = nil, sentEnd: Offset = .zero) {
        self.position = position
        self.done = done.filter { $0 >= position }.sorted()
        self.counts = counts ?? BridgeCounts(start: position)
        self.sentEnd = max(sentEnd, position)
        read = position
    }

    /// How many offsets are on their way.
    package var inflightCount: Int { inflight[head...].count { !$0.isDone } }

    /// Whether the record at `offset` was forwarded before.
    package func isDone(_ offset: Offset) -> Bool {
        guard !done.isEmpty else { return offset < position }
        return offset < position || done.contains(offset)
    }

    /// When the record at the position was stored, if it is on its way.
    package var oldestStoredAt: Timestamp? { head < inflight.count ? inflight[head].storedAt : nil }

    // MARK: Events

    /// The record at `offset`, which is where to read on or above, goes upstream.
    /// - Parameters:
    ///   - storedAt: when it was stored, if that is known.
    ///   - isResumed: whether it is a delivery at QoS 2 that goes on, which is no repeat.
    package mutating func sent(_ offset: Offset, storedAt: Timestamp? = nil, isResumed: Bool = false) {
        precondition(offset >= read, "Cannot send what was read before")
        if offset < sentEnd, !isResumed { counts.repeated += 1 }
        inflight.append(Entry(offset: offset, isDone: false, storedAt: storedAt))
        unsettledCount += 1
        read = offset.advanced(by: 1)
        sentEnd = max(sentEnd, read)
    }

    /// A record that was sent before goes again, outside the order.
    package mutating func sentAgain() { counts.repeated += 1 }

    /// `count` records from `offset` on, which is where to read on or above, have come to their end without being sent.
    package mutating func settled(_ offset: Offset, count: Int64 = 1, as outcome: Outcome) {
        precondition(offset >= read, "Cannot settle what was read before")
        inflight.append(Entry(offset: offset, isDone: true, outcome: outcome, count: count, isSent: false))
        read = offset.advanced(by: Int(count))
        settle()
    }

    /// Everything below `offset` was looked at.
    package mutating func passed(_ offset: Offset) {
        guard offset > read else { return }
        read = offset
        settle()
    }

    /// The upstream has the record at `offset`, or has refused it for good. One that an earlier
    /// connection sent may not have been read again yet.
    /// - Returns: whether it was on its way.
    @discardableResult
    package mutating func acknowledged(_ offset: Offset, as outcome: Outcome = .forwarded) -> Bool {
        // Acknowledgements come in order nearly always.
        if offset >= read {
            guard !done.contains(offset) else { return false }
            done.append(offset)
            done.sort()
            return true
        }
        guard let index = inflight[head...].firstIndex(where: { $0.offset == offset }), !inflight[index].isDone else {
            return false
        }
        inflight[index].isDone = true
        inflight[index].outcome = outcome
        if index == head { settle() }
        return true
    }

    /// The upstream did not take the record at `offset`. What was sent behind it counts as not done: it goes again with
    /// it, so that the order stays.
    package mutating func refused(_ offset: Offset) {
        for index in inflight.indices.dropFirst(head) where inflight[index].offset >= offset {
            inflight[index].isDone = false
        }
        done.removeAll { $0 >= offset }
    }

    /// The connection is gone: what is on its way and not done is to be sent again.
    package mutating func lost() {
        done = Array(Set(forwardedAbove)).sorted()
        inflight = []
        head = 0
        unsettledCount = 0
        read = position
    }

    /// Begins anew at `offset`.
    package mutating func sought(_ offset: Offset) { self = PartitionProgress(position: offset) }

    /// What a checkpoint says: the position, and what is done above it.
    package var checkpoint: (position: Offset, done: [Offset]) {
        // The position itself may be done already, when it was acknowledged before it was read again.
        (position, forwardedAbove)
    }

    /// What the upstream has above the position. What was refused or removed there is found to be so once more.
    private var forwardedAbove: [Offset] {
        done.filter { $0 >= position }
            + inflight[head...].filter { $0.isDone && $0.outcome == .forwarded }.map(\.offset)
    }

    private mutating func settle() {
        var counted: Int64 = 0
        while head < inflight.count, inflight[head].isDone {
            let entry = inflight[head]
            counts.add(entry.outcome, entry.count)
            counted += entry.count
            if entry.isSent { unsettledCount -= 1 }
            head += 1
        }
        let former = position
        position = head < inflight.count ? inflight[head].offset : read
        counts.skipped += UInt64(position.rawValue - former.rawValue - counted)
        if head == inflight.count || head > Self.headMax {
            inflight.removeFirst(head)
            head = 0
        }
        if let first = done.first, first < position { done.removeAll { $0 < position } }
    }
}
